#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Run by `meson dist`: puts all crates into the archive, so that it is built without network.
set -eu
cd "${MESON_DIST_ROOT:?}"
mkdir -p .cargo
cargo vendor --locked --quiet vendor >/dev/null
# Beside what is set there already.
cat >>.cargo/config.toml <<'END'
[source.crates-io]
replace-with = "vendored-sources"

[source.vendored-sources]
directory = "vendor"
END
