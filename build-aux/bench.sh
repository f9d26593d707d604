#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Measures `freshet get` beside those of curl, aria2, wget2, axel and lftp that are installed, on servers
# of its own on this machine, and prints the README's table:
#   bench.sh [--install-peers] [WORKLOAD...] [-- OPTION...]
# About a quarter of an hour after the build; as root also over a link with delay and loss. Workloads and
# options are those of benches/engines: `bench.sh -- --list` and `bench.sh -- --help` name them. The other
# programs, and what the servers need, are installed with --install-peers, and never without. The table
# and all single results are kept in _build/bench/. The exit status is 0 only if all files of Freshet's
# were right.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
# nginx is there, which is not in everybody's PATH.
PATH=$PATH:/usr/sbin:/sbin
# shellcheck source=build-aux/packages.sh
. "$root/build-aux/packages.sh"

install_peers=no
workloads=
while [ $# -gt 0 ]; do
  case $1 in
    --install-peers) install_peers=yes ;;
    --)
      shift
      break
      ;;
    -*) die 'Usage: bench.sh [--install-peers] [WORKLOAD...] [-- OPTION...]' ;;
    *) workloads=$workloads${workloads:+,}$1 ;;
  esac
  shift
done

want_peers() {
  program curl curl curl curl
  program aria2c aria2 aria2 aria2
  program wget2 wget2 wget2 -
  program axel axel axel axel
  program lftp lftp lftp lftp
}

want_bench_tools
if [ $install_peers = yes ]; then
  want_peers
  install_missing
elif [ -n "$missing" ]; then
  die "Missing:$missing" \
    "Please install that, or run this again with --install-peers, which gets the other programs too."
fi
want_peers
[ -z "$missing" ] || echo "Not here, and left out:$missing (--install-peers installs them)"

python3 -c 'import tomllib' 2>/dev/null || die 'The benchmarks need Python 3.11 or newer.'
need_rust "$root"

# In the source folder, where cargo looks for its configuration.
(cd "$root" && cargo build --locked --release --no-default-features --bin freshet)
results=$root/_build/bench/$(date +%Y-%m-%d-%H%M%S).jsonl
mkdir -p "$root/_build/bench"
# Options that are given come last and win.
exec python3 "$root/benches/engines" --freshet "$(target_directory "$root")/release/freshet" \
  --results "$results" --workloads "${workloads:-default}" "$@"
