#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Runs the simulation (docs/reliability.md) over many seeds, on all cores:
#   build-aux/simulate.sh [SEEDS [FIRST_SEED]]      1,000,000 from 0 on without arguments
#   FRESHET_SEED=N build-aux/simulate.sh            one seed, with its story
set -eu
cd "$(dirname "$0")/.."
export FRESHET_SEEDS="${1:-1000000}" FRESHET_FIRST_SEED="${2:-0}"
exec cargo test --profile simulation --no-default-features --test simulation -- --nocapture whatever_happens
