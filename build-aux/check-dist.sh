#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Makes the archive of a release from what is committed, builds it without network and without what cargo
# has downloaded before, installs it into a folder, runs it there, and uninstalls it:
#   check-dist.sh [development|default]
# The archive is then in _build/dist/meson-dist/.
set -eu
cd "$(dirname "$0")/.."
profile=${1:-development}
root=$(pwd)
# shellcheck source=build-aux/packages.sh
. "$root/build-aux/packages.sh"

rm -rf _build/dist
meson setup _build/dist >/dev/null
meson dist -C _build/dist --no-tests --formats xztar
archive=$(echo "$root"/_build/dist/meson-dist/*.tar.xz)

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
tar -xf "$archive" -C "$scratch"
cd "$scratch"/freshet-*
# The toolchain is found where it is; nothing else of the home is.
RUSTUP_HOME=${RUSTUP_HOME:-$HOME/.rustup}
CARGO_HOME=$scratch/cargo
export RUSTUP_HOME CARGO_HOME
unset CARGO_TARGET_DIR
without_network=
if [ "$(id -u)" -eq 0 ]; then without_network='unshare --net'; fi
$without_network meson setup build --prefix="$scratch/prefix" "-Dprofile=$profile" >/dev/null
$without_network meson compile -C build
$without_network meson install -C build --no-rebuild >/dev/null
"$scratch/prefix/bin/freshet" --version
"$scratch"/prefix/libexec/freshet-window --version
build-aux/uninstall.sh build >/dev/null
left=
[ ! -e "$scratch/prefix" ] || left=$(find "$scratch/prefix" ! -type d)
[ -z "$left" ] || die 'Left after uninstalling:' "$left"
echo "ok $(basename "$archive"): built without network, installed, run and uninstalled"
