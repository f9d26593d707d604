#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# orca.sh: walks the main paths with the screen reader Orca, which has to be installed, and writes what it says
# into the table of docs/accessibility.md. FRESHET names the program, as for the tests; else the debug build is taken.
set -eu

cd "$(dirname "$0")/.."
# The icons are not installed; data/ is laid out as the desktop looks for them.
export XDG_DATA_DIRS="$PWD/data:${XDG_DATA_DIRS:-/usr/local/share:/usr/share}"
exec build-aux/gui-session.sh /usr/bin/python3 build-aux/orca.py
