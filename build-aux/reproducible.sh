#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Builds what is committed twice, as a release, in folders of other names and lengths, with another umask,
# language and time zone, and compares what is installed, byte by byte.
set -eu
cd "$(dirname "$0")/.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
unset CARGO_TARGET_DIR

# build FOLDER INSTALLED
build() {
  mkdir -p "$1"
  git archive HEAD | tar -x -C "$1"
  meson setup "$1/build" "$1" --prefix=/usr >/dev/null
  meson compile -C "$1/build"
  DESTDIR=$2 meson install -C "$1/build" --no-rebuild >/dev/null
  rm -rf "$1"
}

(
  export LC_ALL=C TZ=UTC
  umask 022
  build "$scratch/a" "$scratch/first"
)
(
  export LC_ALL=C.UTF-8 TZ=Asia/Kathmandu
  umask 027
  build "$scratch/another/and-a-longer-one" "$scratch/second"
)
sums() { (cd "$1" && find . -type f -exec sha256sum {} + | sort -k 2); }
sums "$scratch/first" >"$scratch/first.sums"
sums "$scratch/second" >"$scratch/second.sums"
diff "$scratch/first.sums" "$scratch/second.sums" || { echo 'not ok both builds are the same'; exit 1; }
grep -E '/(freshet|freshet-window)$' "$scratch/first.sums"
echo "ok both builds are the same: $(wc -l <"$scratch/first.sums") files"
