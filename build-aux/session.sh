# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh
# What the sessions of tests have in common, to be sourced by gui-session.sh and wayland-session.sh.

# end_started NAME=VALUE: ends what was started with this in its environment: what the bus started may outlive it.
end_started() {
  grep -slzxF "$1" /proc/[0-9]*/environ | cut -d/ -f3 | while read -r pid; do
    kill "$pid" 2>/dev/null || true
  done
}

# leave_documents RUNTIME-FOLDER: the portal for documents ends with the bus, too, and may be taking its folder
# away at this moment.
leave_documents() {
  tries=0
  while mountpoint -q "$1/doc" && ! fusermount3 -u "$1/doc" && [ "$tries" -lt 50 ]; do
    tries=$((tries + 1))
    sleep 0.1
  done
}
