#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# run.sh [URL...]: installs what is missing, builds Freshet and starts it with the addresses. Without
# a display it downloads them into the current folder instead.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=build-aux/packages.sh
. "$root/build-aux/packages.sh"

want_build_tools
# Before anything is installed: what is missing here only the user can get.
need_rust "$root"
install_missing
check_versions

# In the source folder, where cargo looks for its configuration.
(cd "$root" && cargo build --release --locked --bins)
freshet=$(target_directory "$root")/release/freshet

if [ -n "${WAYLAND_DISPLAY:-}${DISPLAY:-}" ]; then
  # The icons are not installed; data/ is laid out as the desktop looks for them.
  export XDG_DATA_DIRS="$root/data:${XDG_DATA_DIRS:-/usr/local/share:/usr/share}"
  exec "$freshet" "$@"
elif [ $# -gt 0 ]; then
  exec "$freshet" get "$@"
else
  echo "Freshet is built: $freshet"
  echo "There is no display to show its window on. To download here:"
  echo "  $0 URL..."
fi
