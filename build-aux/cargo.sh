#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# How Meson calls cargo:
#   cargo.sh build APP-ID LOCALE-DIR LIBEXEC-DIR HELP-DIR
#   cargo.sh test
# with CARGO, SOURCE_DIR, BUILD_DIR and PROFILE in the environment. A CARGO_TARGET_DIR in the
# environment is kept, so that builds can share it; cargo itself obeys CARGO_NET_OFFLINE.
set -eu

: "${CARGO:?}" "${SOURCE_DIR:?}" "${PROFILE:?}"
: "${CARGO_TARGET_DIR:=$BUILD_DIR/target}"
export CARGO_TARGET_DIR

case $PROFILE in
  development) profile=dev folder=debug ;;
  *) profile=release folder=release ;;
esac

# A release says nothing of where it was built, so that everybody gets the same one (reproduce.sh). The unit
# separator lets folders have spaces in their names.
if [ "$profile" = release ]; then
  separator=$(printf '\037')
  flags=$(printf '%s' "${RUSTFLAGS:-}" | tr -s ' ' "$separator")
  CARGO_ENCODED_RUSTFLAGS=${CARGO_ENCODED_RUSTFLAGS:-$flags}${separator}--remap-path-prefix=$SOURCE_DIR=/usr/src/freshet
  CARGO_ENCODED_RUSTFLAGS=$CARGO_ENCODED_RUSTFLAGS${separator}--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/usr/src/cargo
  # Cargo names the crates by where they really are.
  registry=$(realpath -m "${CARGO_HOME:-$HOME/.cargo}/registry")
  CARGO_ENCODED_RUSTFLAGS=$CARGO_ENCODED_RUSTFLAGS${separator}--remap-path-prefix=$registry=/usr/src/cargo/registry
  CARGO_ENCODED_RUSTFLAGS=${CARGO_ENCODED_RUSTFLAGS#"$separator"}
  export CARGO_ENCODED_RUSTFLAGS
fi

cd "$SOURCE_DIR"
case $1 in
  build)
    export FRESHET_APP_ID="$2" FRESHET_LOCALE_DIR="$3" FRESHET_LIBEXEC_DIR="$4" FRESHET_HELP_DIR="$5"
    "$CARGO" build --locked --profile "$profile" --bins
    cp "$CARGO_TARGET_DIR/$folder/freshet" "$CARGO_TARGET_DIR/$folder/freshet-window" "$BUILD_DIR"
    ;;
  test)
    exec "$CARGO" test --locked --profile "$profile"
    ;;
esac
