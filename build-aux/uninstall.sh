#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# uninstall.sh BUILD-FOLDER: takes away what `meson install -C BUILD-FOLDER` has installed, and brings the
# indexes of the desktop up to date; one that Freshet alone was in goes as well, and so do empty folders.
set -eu
build=${1:?Usage: uninstall.sh BUILD-FOLDER}
[ -f "$build/meson-info/intro-buildoptions.json" ] || { echo "$0: $build is no build folder of Meson" >&2; exit 1; }
option() {
  python3 -c 'import json, sys
print(next(one["value"] for one in json.load(open(sys.argv[1])) if one["name"] == sys.argv[2]))' \
    "$build/meson-info/intro-buildoptions.json" "$1"
}
prefix=$(option prefix)
share=${DESTDIR:-}$prefix/$(option datadir)

ninja -C "$build" uninstall

# index FILE PATTERN COMMAND...: makes the index anew where files like PATTERN are left beside it, else removes it.
index() {
  file=$1
  pattern=$2
  shift 2
  [ -e "$file" ] || return 0
  folder=${file%/*}
  if [ -n "$(find "$folder" -path "$folder/$pattern")" ]; then "$@"; else rm "$file"; fi
}
schemas=$share/glib-2.0/schemas
index "$schemas/gschemas.compiled" '*.xml' glib-compile-schemas "$schemas"
index "$share/applications/mimeinfo.cache" '*.desktop' update-desktop-database "$share/applications"
icons=$share/icons/hicolor
index "$icons/icon-theme.cache" '*/apps/*' gtk-update-icon-cache -qtf "$icons"

for folder in "$schemas" "$share/applications" "$icons" "$share/dbus-1" "$share/metainfo" "$share/gnome-shell" "$share/freshet"; do
  [ ! -d "$folder" ] || find "$folder" -depth -type d -empty -delete
done
