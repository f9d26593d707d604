#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Says whether something is known against the crates of Cargo.lock, by a copy of RustSec's database that is
# here: nothing is downloaded.
#   advisories.sh [FOLDER]
# FOLDER is the copy (a clone of rustsec/advisory-db), else ADVISORY_DB, else where cargo-audit keeps its own.
# Needs cargo-audit; where cargo-deny is, too, it holds licences and sources to deny.toml. What is missing is
# said in a line with SKIPPED.
set -eu
cd "$(dirname "$0")/.."
folder=${1:-${ADVISORY_DB:-${CARGO_HOME:-$HOME/.cargo}/advisory-db}}

if [ ! -d "$folder/crates" ]; then
  echo "SKIPPED advisories: no copy of RustSec's database in $folder"
elif ! command -v cargo-audit >/dev/null; then
  echo 'SKIPPED advisories: no cargo-audit'
else
  # --no-fetch and --stale: the copy may be as old as it is; its date is said.
  echo "advisories as of $(git -C "$folder" log -1 --format='%cs (%h)' 2>/dev/null || echo 'an unknown day')"
  cargo audit --db "$folder" --no-fetch --stale --deny warnings
fi
if command -v cargo-deny >/dev/null; then
  cargo deny --offline --log-level error check licenses bans sources
fi
