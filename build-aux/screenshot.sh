#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# screenshot.sh [FILE]: takes the picture of README with what is built of Freshet: docs/screenshot.png,
# or FILE. FRESHET names the program, as for the tests; else the debug build is taken.
set -eu

cd "$(dirname "$0")/.."
picture=${1:-docs/screenshot.png}
# The icons are not installed; data/ is laid out as the desktop looks for them.
export XDG_DATA_DIRS="$PWD/data:${XDG_DATA_DIRS:-/usr/local/share:/usr/share}"
build-aux/gui-session.sh /usr/bin/python3 build-aux/screenshot.py "$picture"
# Where nothing blends windows GTK draws a plain frame in place of the shadow: away with it. A window
# has few colours, and what a picture says of its making would change it every time.
convert "$picture" -shave 5x5 -strip +dither -colors 255 -define png:compression-level=9 "PNG8:$picture"
