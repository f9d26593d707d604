#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Throws mutated inputs at the parsers and says what was found:
#   fuzz.sh SECONDS [TARGET...]
# Each target (fuzz/targets/) runs that long, one after the other, beginning with the inputs in
# fuzz/corpus/TARGET/. What reaches new code is kept in _build/fuzz/corpus/TARGET/ for the next run;
# what breaks a parser goes to _build/fuzz/found/. Works with the stable compiler; neither cargo-fuzz
# nor clang is needed. The exit status is 0 only if nothing was found.
set -eu

cd "$(dirname "$0")/.."
root=$(pwd)
# shellcheck source=build-aux/packages.sh
. "$root/build-aux/packages.sh"

usage='Usage: fuzz.sh SECONDS [TARGET...]'
[ $# -ge 1 ] || die "$usage"
seconds=$1
shift
case $seconds in '' | *[!0-9]* | 0) die "$usage" ;; esac
[ $# -gt 0 ] || set -- headers metalink lists checksum_lists journal
for target; do
  [ -e "fuzz/targets/$target.rs" ] || die "There is no target $target in fuzz/targets."
done

want_build_tools
# libFuzzer is written in C++.
program c++ g++ gcc-c++ gcc
install_missing
need_rust "$root"

# What libFuzzer needs to see of the code: which edges were passed, and what was compared with what.
# No memory checker: the parsers have no unsafe code.
coverage='-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4
  -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table
  -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1 --cfg fuzzing'
host=$(rustc -vV | sed -n 's/^host: //p')
work=$root/_build/fuzz
# With --target the flags are kept from build scripts, which are not linked with libFuzzer.
RUSTFLAGS=$coverage CARGO_TARGET_DIR=$work/target \
  cargo build --release --manifest-path fuzz/Cargo.toml --target "$host"

mkdir -p "$work/found"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
found=0
for target; do
  mkdir -p "$work/corpus/$target"
  dictionary=fuzz/dictionaries/$target.txt
  set -- -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 -verbosity=0 \
    -artifact_prefix="$work/found/$target-"
  [ ! -e "$dictionary" ] || set -- "$@" -dict="$dictionary"
  status=0
  "$work/target/$host/release/$target" "$@" "$work/corpus/$target" "fuzz/corpus/$target" >"$log" 2>&1 || status=$?
  executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  if [ $status -eq 0 ]; then
    echo "$target: ${executions:-no} executions, nothing found"
  else
    found=$((found + 1))
    cat "$log"
    echo "$target: ${executions:-no} executions, FOUND what is above"
  fi
done
[ $found -eq 0 ]
