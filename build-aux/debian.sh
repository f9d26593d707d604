#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Builds the Debian package in a root of its own, without network once its tools are there, and installs
# and runs it in another, clean one. Needs root.
#   debian.sh [--suite SUITE] [--quick]
# --quick leaves the optimiser out. The archive of the sources is made anew by check-dist.sh's way; the
# packages are then in _build/debian/.
set -eu
cd "$(dirname "$0")/.."
root=$(pwd)
# shellcheck source=build-aux/packages.sh
. "$root/build-aux/packages.sh"

suite=forky
options='nocheck'
while [ $# -gt 0 ]; do
  case $1 in
    --suite)
      suite=${2:?}
      shift
      ;;
    --quick) options='noopt nocheck' ;;
    *) die 'Usage: debian.sh [--suite SUITE] [--quick]' ;;
  esac
  shift
done
[ "$(id -u)" -eq 0 ] || die 'Making roots of Debian needs root.'
program mmdebstrap mmdebstrap mmdebstrap -
install_missing

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)
work=$root/_build/debian
rm -rf "$work"
mkdir -p "$work/build"

meson setup "$work/meson" >/dev/null
meson dist -C "$work/meson" --no-tests --formats xztar
cp "$work/meson/meson-dist/freshet-$version.tar.xz" "$work/build/freshet_$version.orig.tar.xz"
tar -xf "$work/build/freshet_$version.orig.tar.xz" -C "$work/build"
cp -a debian "$work/build/freshet-$version/"

# debian ROOT PACKAGE...
debian() {
  target=$1
  shift
  mmdebstrap --quiet --variant=minbase --aptopt='APT::Install-Recommends "false"' \
    --aptopt='Acquire::Check-Valid-Until "false"' --dpkgopt=force-unsafe-io \
    --include="$(echo "$*" | tr -s ' ' ,)" "$suite" "$target"
}

needed=$(sed -n '/^Build-Depends:/,/^[A-Z]/s/^ \([a-z0-9.+-]*\).*/\1/p' debian/control | grep -v debhelper-compat)
# shellcheck disable=SC2086 # a list of words
debian "$work/tools" build-essential debhelper lintian $needed
mount --bind "$work/build" "$work/tools/mnt"
trap 'umount "$work/tools/mnt"' EXIT
unshare --net chroot "$work/tools" env LC_ALL=C.UTF-8 DEB_BUILD_OPTIONS="$options" sh -euc '
  cd /mnt/freshet-*
  dpkg-buildpackage -us -uc
  lintian --fail-on error --tag-display-limit 0 ../*.changes'

# What it asks for is installed with it, and nothing else.
debian "$work/clean" ca-certificates
cp "$work"/build/freshet_*.deb "$work/clean/tmp/"
# shellcheck disable=SC2016 # for the inner shell
chroot "$work/clean" sh -euc 'apt-get update -q >/dev/null
  apt-get install -y --no-install-recommends /tmp/freshet_*.deb >/dev/null
  freshet --version
  /usr/libexec/freshet-window --version
  dpkg --purge freshet >/dev/null
  left=$(find /usr /etc -name "*reshet*")
  test -z "$left" || { echo "left: $left"; exit 1; }'
echo "ok the package is built, installed, run and removed: $(echo "$work"/build/*.deb)"
