#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# sway-session.sh COMMAND...: runs it on a headless sway with a session bus of its own and ends with
# its status. Needs sway and dbus-run-session; grim and wtype for screenshots and keys.
set -eu

if [ -z "${FRESHET_SWAY_SESSION:-}" ]; then
    XDG_RUNTIME_DIR=$(mktemp -d)
    chmod 700 "$XDG_RUNTIME_DIR"
    FRESHET_SWAY_SESSION=1
    export XDG_RUNTIME_DIR FRESHET_SWAY_SESSION
    unset DISPLAY WAYLAND_DISPLAY SWAYSOCK
    status=0
    dbus-run-session -- "$0" "$@" || status=$?
    # The portal for documents ends with the bus, and may be taking its folder away at this moment.
    tries=0
    while mountpoint -q "$XDG_RUNTIME_DIR/doc" && ! fusermount3 -u "$XDG_RUNTIME_DIR/doc" && [ "$tries" -lt 50 ]; do
        tries=$((tries + 1))
        sleep 0.1
    done
    rm -rf "$XDG_RUNTIME_DIR"
    exit "$status"
fi

config=$XDG_RUNTIME_DIR/sway.cfg
printf '%s\n' 'output HEADLESS-1 resolution 1280x800' 'xwayland disable' 'default_border none' \
    'focus_follows_mouse no' >"$config"
# sway refuses to run as root: there it gets a user namespace in which it is not.
as_user=
if [ "$(id -u)" -eq 0 ]; then
    as_user='unshare --user --map-user=1000 --map-group=1000'
fi
# shellcheck disable=SC2086 # several words on purpose
WLR_BACKENDS=headless WLR_LIBINPUT_NO_DEVICES=1 WLR_RENDERER=pixman WLR_HEADLESS_OUTPUTS=1 \
    $as_user sway -c "$config" >"$XDG_RUNTIME_DIR/sway.log" 2>&1 &
sway=$!
trap 'kill "$sway" 2>/dev/null || true; wait "$sway" || true' EXIT

tries=0
while :; do
    WAYLAND_DISPLAY=$(find "$XDG_RUNTIME_DIR" -maxdepth 1 -type s -name 'wayland-*' -printf '%f\n' | head -n 1)
    SWAYSOCK=$(find "$XDG_RUNTIME_DIR" -maxdepth 1 -type s -name 'sway-ipc.*' | head -n 1)
    if [ -n "$WAYLAND_DISPLAY" ] && [ -n "$SWAYSOCK" ]; then
        break
    fi
    tries=$((tries + 1))
    if [ "$tries" -gt 100 ] || ! kill -0 "$sway" 2>/dev/null; then
        cat "$XDG_RUNTIME_DIR/sway.log" >&2
        echo 'sway does not start' >&2
        exit 1
    fi
    sleep 0.1
done
GDK_BACKEND=wayland
XDG_SESSION_TYPE=wayland
export WAYLAND_DISPLAY SWAYSOCK GDK_BACKEND XDG_SESSION_TYPE
dbus-update-activation-environment WAYLAND_DISPLAY XDG_RUNTIME_DIR
"$@"
