#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# gui-session.sh COMMAND...: runs a command in a desktop session of its own: an X server nobody sees,
# a session bus, and folders that are gone afterwards. Exits as the command does. FRESHET_RUNTIME_DIR may
# name a folder, which is there and empty, for what the session keeps in XDG_RUNTIME_DIR.
set -eu
# shellcheck source=build-aux/session.sh
. "$(dirname "$0")/session.sh"

scratch=$(mktemp -d)
runtime=${FRESHET_RUNTIME_DIR:-$scratch/runtime}
[ -d "$runtime" ] || mkdir -m 700 "$runtime"
mkdir "$scratch/config" "$scratch/data" "$scratch/cache" "$scratch/state" "$scratch/Downloads"
echo "XDG_DOWNLOAD_DIR=\"$scratch/Downloads\"" >"$scratch/config/user-dirs.dirs"

# shellcheck disable=SC2317,SC2329 # called by the trap
finish() {
  # The session's name, which no other one has, tells which processes it started; the runtime folder does
  # not, as each session of Flatpak has the same.
  end_started "FRESHET_SESSION=$scratch"
  kill "$server" 2>/dev/null || true
  wait "$server" 2>/dev/null || true
  leave_documents "$runtime"
  rm -rf "$scratch"
}

# The server chooses a free display and writes its number. Without -noreset it would begin anew, and
# turn away who is just coming, whenever its last client goes.
Xvfb -displayfd 3 -screen 0 1280x800x24 -nolisten tcp -noreset 3>"$scratch/display" >"$scratch/server.log" 2>&1 &
server=$!
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

tries=0
until [ -s "$scratch/display" ]; do
  tries=$((tries + 1))
  if [ $tries -gt 100 ] || ! kill -0 "$server" 2>/dev/null; then
    echo "$0: Xvfb did not start:" >&2
    cat "$scratch/server.log" >&2
    exit 1
  fi
  sleep 0.1
done

# cairo: on a machine without a graphics card GTK 4.8 would draw with OpenGL in software.
# FRESHET_NEEDS_DISPLAY: tests that need a display fail without one instead of being left out.
status=0
env -u WAYLAND_DISPLAY \
  DISPLAY=":$(cat "$scratch/display")" \
  FRESHET_SESSION="$scratch" \
  XDG_RUNTIME_DIR="$runtime" \
  XDG_CONFIG_HOME="$scratch/config" \
  XDG_DATA_HOME="$scratch/data" \
  XDG_CACHE_HOME="$scratch/cache" \
  XDG_STATE_HOME="$scratch/state" \
  GDK_BACKEND=x11 \
  GSK_RENDERER=cairo \
  GSETTINGS_BACKEND=keyfile \
  GIO_USE_VFS=local \
  FRESHET_NEEDS_DISPLAY=1 \
  dbus-run-session -- "$@" || status=$?
exit "$status"
