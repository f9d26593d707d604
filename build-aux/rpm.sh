#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Builds the RPM of freshet.spec from the archive of a release, and looks at what is in it:
#   rpm.sh [development|default]
# Where the packages of Fedora are not, as on Debian, their names are not looked for, and the libraries are
# those that are here: it shows that the spec builds and lists all that is installed. The RPM is then in
# _build/rpm/RPMS/.
set -eu
cd "$(dirname "$0")/.."
root=$(pwd)
profile=${1:-development}
# shellcheck source=build-aux/packages.sh
. "$root/build-aux/packages.sh"
want_build_tools
program rpmbuild rpm rpm-build rpm-tools
program meson meson meson meson
program desktop-file-validate desktop-file-utils desktop-file-utils desktop-file-utils
install_missing
need_rust "$root"

work=$root/_build/rpm
rm -rf "$work"
mkdir -p "$work/SOURCES"
meson setup "$work/meson" >/dev/null
meson dist -C "$work/meson" --no-tests --formats xztar
cp "$work"/meson/meson-dist/freshet-*.tar.xz "$work/SOURCES"

known=
rpm -q rpm >/dev/null 2>&1 || known=--nodeps
# What is not built from C by a distribution's own flags has no sources to list for debuggers.
rpmbuild -bb $known --define "_topdir $work" --define "profile $profile" --define 'debug_package %{nil}' \
  build-aux/freshet.spec >"$work/log" 2>&1 || { tail -n 40 "$work/log"; echo 'not ok the RPM is built'; exit 1; }
package=$(echo "$work"/RPMS/*/*.rpm)
rpm -qp --nodigest --nosignature --requires "$package" | grep -E '^lib(gtk-4|adwaita-1|curl|sqlite3)\.so' | sort -u
echo "ok the RPM is built: $package, $(rpm -qlp --nodigest --nosignature "$package" | wc -l) files"
