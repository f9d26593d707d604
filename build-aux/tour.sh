#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# tour.sh [FOLDER]: takes the pictures of docs/tour.md with what is built of Freshet, into docs/tour or
# FOLDER. FRESHET names the program, as for the tests; else the debug build is taken.
set -eu

cd "$(dirname "$0")/.."
folder=${1:-docs/tour}
mkdir -p "$folder"
# The icons are not installed; data/ is laid out as the desktop looks for them.
export XDG_DATA_DIRS="$PWD/data:${XDG_DATA_DIRS:-/usr/local/share:/usr/share}"
build-aux/gui-session.sh /usr/bin/python3 build-aux/tour.py "$folder"
for picture in "$folder"/*.png; do
  convert "$picture" -strip +dither -colors 255 -define png:compression-level=9 "PNG8:$picture"
done
