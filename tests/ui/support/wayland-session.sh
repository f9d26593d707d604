#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# wayland-session.sh sway|gnome-shell COMMAND...: runs it on this compositor, without a screen and with a
# session bus of its own, and ends with its status. Needs dbus-run-session; sway with grim and wtype for
# screenshots and keys, GNOME Shell alone.
set -eu
# shellcheck source=build-aux/session.sh
. "$(dirname "$0")/../../../build-aux/session.sh"

compositor=${1:?sway or gnome-shell}
screen=1280x800

if [ -z "${FRESHET_WAYLAND_SESSION:-}" ]; then
    XDG_RUNTIME_DIR=$(mktemp -d)
    chmod 700 "$XDG_RUNTIME_DIR"
    FRESHET_WAYLAND_SESSION=$XDG_RUNTIME_DIR
    export XDG_RUNTIME_DIR FRESHET_WAYLAND_SESSION
    unset DISPLAY WAYLAND_DISPLAY SWAYSOCK
    status=0
    dbus-run-session -- "$0" "$@" || status=$?
    end_started "FRESHET_WAYLAND_SESSION=$XDG_RUNTIME_DIR"
    leave_documents "$XDG_RUNTIME_DIR"
    rm -rf "$XDG_RUNTIME_DIR"
    exit "$status"
fi
shift

start_sway() {
    config=$XDG_RUNTIME_DIR/sway.cfg
    printf '%s\n' "output HEADLESS-1 resolution $screen" 'xwayland disable' 'default_border none' \
        'focus_follows_mouse no' >"$config"
    # sway refuses to run as root: there it gets a user namespace in which it is not.
    as_user=
    if [ "$(id -u)" -eq 0 ]; then
        as_user='unshare --user --map-user=1000 --map-group=1000'
    fi
    # shellcheck disable=SC2086 # several words on purpose
    WLR_BACKENDS=headless WLR_LIBINPUT_NO_DEVICES=1 WLR_RENDERER=pixman WLR_HEADLESS_OUTPUTS=1 \
        $as_user sway -c "$config" >"$XDG_RUNTIME_DIR/log" 2>&1 &
}

# The Shell knows programs by what they have installed. Settings are its own, and gone afterwards.
start_gnome_shell() {
    data=$(dirname "$0")/../../../data
    id=io.github.freshet.Freshet
    share=$XDG_RUNTIME_DIR/share
    mkdir -p "$share/applications" "$share/gnome-shell/search-providers" "$XDG_RUNTIME_DIR/home"
    cp -r "$data/icons" "$share/icons"
    # It is started by the tests and not by the bus.
    sed '/^# /d; /^DBusActivatable=/d' "$data/$id.desktop.in" >"$share/applications/$id.desktop"
    sed "s/@app_id@/$id/" "$data/$id.search-provider.ini.in" >"$share/gnome-shell/search-providers/$id.search-provider.ini"
    export HOME="$XDG_RUNTIME_DIR/home" XDG_DATA_DIRS="$share:/usr/local/share:/usr/share"
    export XDG_CONFIG_HOME="$HOME/.config" XDG_DATA_HOME="$HOME/.local/share" XDG_CACHE_HOME="$HOME/.cache"
    # A program that is not in the PATH is none for it.
    PATH=$(dirname "${FRESHET:-target/debug/freshet}"):$PATH
    export PATH
    export XDG_CURRENT_DESKTOP=GNOME GSETTINGS_BACKEND=keyfile
    # On a machine without a bus of the system the Shell ends: it then has the session's.
    export DBUS_SYSTEM_BUS_ADDRESS="$DBUS_SESSION_BUS_ADDRESS"
    dbus-update-activation-environment HOME XDG_DATA_DIRS XDG_CONFIG_HOME XDG_DATA_HOME XDG_CACHE_HOME GSETTINGS_BACKEND
    # It shows itself for its screenshots and takes input from the tests only so.
    gnome-shell --headless --unsafe-mode --wayland --no-x11 --virtual-monitor "$screen" --wayland-display wayland-0 \
        >"$XDG_RUNTIME_DIR/log" 2>&1 &
}

case $compositor in
    sway) start_sway ;;
    gnome-shell) start_gnome_shell ;;
    *)
        echo "$0: sway or gnome-shell, not $compositor" >&2
        exit 2
        ;;
esac
server=$!
trap 'kill "$server" 2>/dev/null || true; wait "$server" || true' EXIT

is_ready() {
    WAYLAND_DISPLAY=$(find "$XDG_RUNTIME_DIR" -maxdepth 1 -type s -name 'wayland-*' -printf '%f\n' | head -n 1)
    [ -n "$WAYLAND_DISPLAY" ] || return 1
    case $compositor in
        sway)
            SWAYSOCK=$(find "$XDG_RUNTIME_DIR" -maxdepth 1 -type s -name 'sway-ipc.*' | head -n 1)
            export SWAYSOCK
            [ -n "$SWAYSOCK" ]
            ;;
        gnome-shell) gdbus introspect --session --dest org.gnome.Shell.Screenshot --object-path /org/gnome/Shell/Screenshot ;;
    esac
}

tries=0
until is_ready >/dev/null 2>&1; do
    tries=$((tries + 1))
    if [ "$tries" -gt 300 ] || ! kill -0 "$server" 2>/dev/null; then
        cat "$XDG_RUNTIME_DIR/log" >&2
        echo "$compositor does not start" >&2
        exit 1
    fi
    sleep 0.1
done
GDK_BACKEND=wayland
XDG_SESSION_TYPE=wayland
FRESHET_COMPOSITOR=$compositor
export WAYLAND_DISPLAY GDK_BACKEND XDG_SESSION_TYPE FRESHET_COMPOSITOR
dbus-update-activation-environment WAYLAND_DISPLAY XDG_RUNTIME_DIR
"$@"
