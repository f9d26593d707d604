#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Builds a release of what is committed twice, in folders of different names and at different times, with the
# crates in different places, and compares all that is installed. Takes as long as two builds.
#   reproduce.sh [--compare]
# --compare builds nothing and compares what was built last.
set -eu
cd "$(dirname "$0")/.."
work=$(pwd)/_build/reproduce
cargo_home=${CARGO_HOME:-$HOME/.cargo}
unset CARGO_TARGET_DIR

# build NAME: into $work/NAME/installed.
build() {
  mkdir -p "$work/$1/source of $1" "$work/$1/cargo"
  git archive HEAD | tar -x -C "$work/$1/source of $1"
  # Not a link to it: cargo would find out where that leads.
  cp -al "$cargo_home/registry" "$work/$1/cargo/" 2>/dev/null || cp -a "$cargo_home/registry" "$work/$1/cargo/"
  (
    cd "$work/$1/source of $1"
    export CARGO_HOME="$work/$1/cargo"
    meson setup "$work/$1/build" --prefix=/usr --buildtype=plain >/dev/null
    meson compile -C "$work/$1/build" >"$work/$1/log" 2>&1 || { tail -n 40 "$work/$1/log"; exit 1; }
    DESTDIR="$work/$1/installed" meson install -C "$work/$1/build" --no-rebuild >/dev/null
  )
  (cd "$work/$1/installed" && find . -type f -exec sha256sum {} + | sort -k 2) >"$work/$1/sums"
  # Nothing of it is needed again, and it is large.
  rm -rf "$work/$1/build" "$work/$1/source of $1" "$work/$1/cargo"
}

if [ "${1:-}" != --compare ]; then
  rm -rf "$work"
  build one
  build 'number two'
fi
# With the slash: a crate has a file src/auto/root.rs.
found=$(grep -rlF -e "$work" -e "$HOME/" "$work/one/installed" || true)
[ -z "$found" ] || { echo "not ok these tell where they were built:"; echo "$found"; exit 1; }
differing=$(diff "$work/one/sums" "$work/number two/sums" | sed -n 's/^[<>] [0-9a-f]*  //p' | sort -u)
if [ -n "$differing" ]; then
  echo "not ok these differ, in $work:"
  echo "$differing"
  exit 1
fi
echo "ok both builds are the same, $(wc -l <"$work/one/sums") files:"
grep -E 'bin/freshet|freshet-window' "$work/one/sums"
