#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Builds and tests what is committed against other versions of the libraries, in roots of Debian's suites:
#   matrix.sh [--steps PATTERN | --run] [SUITE...]
# With --run nothing is tested: README's first command, run.sh, is given in a bare root, at first without a
# toolchain of Rust besides what the suite has. bookworm is the oldest that is supported, forky has the newest GTK; these two are the default. PATTERN says
# which steps of test.sh are run, else all but the Flatpak. Needs root and a toolchain of rustup. Results go
# to _build/matrix/, and by hand to docs/versions.md. A root in which something failed is left there, and taken
# again by the next run.
set -eu
cd "$(dirname "$0")/.."
root=$(pwd)
# shellcheck source=build-aux/packages.sh
. "$root/build-aux/packages.sh"

run=
steps='^(unit tests.*|tests.*|window.*|Meson|installed files|uninstalled)$'
if [ "${1:-}" = --steps ]; then
  steps=${2:?}
  shift 2
elif [ "${1:-}" = --run ]; then
  run=-run
  shift
fi
[ $# -gt 0 ] || set -- bookworm forky
[ "$(id -u)" -eq 0 ] || die 'Making roots of Debian needs root.'
program mmdebstrap mmdebstrap mmdebstrap -
install_missing
toolchain=$(rustc --print sysroot)
[ "$toolchain" != /usr ] || die 'Each root gets the toolchain of this machine, which has to be one of rustup.'
cargo_home=${CARGO_HOME:-$HOME/.cargo}
cargo fetch --locked --quiet

# try SUITE: in a mount namespace, so that nothing stays mounted.
try() {
  there=$root/_build/matrix/$1$run
  mkdir -p "$there"
  [ -e "$there/made" ] || rm -rf "$there/root"
  [ -e "$there/made" ] || mmdebstrap --quiet --variant=minbase --aptopt='APT::Install-Recommends "false"' \
    --aptopt='Acquire::Check-Valid-Until "false"' --dpkgopt=force-unsafe-io \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
    --include=ca-certificates,git,mount,procps "$1" "$there/root"
  touch "$there/made"
  mkdir -p "$there/root/toolchain" "$there/root/cargo/registry" "$there/root/source"
  # That it is built shows without the optimiser, too.
  [ -z "$run" ] || printf '[profile.release]\nopt-level = 0\nlto = "off"\ncodegen-units = 16\n' >"$there/root/cargo/config.toml"
  git archive HEAD | tar -x -C "$there/root/source"
  # shellcheck disable=SC2016 # for the inner shell
  unshare --mount --propagation private sh -euc '
    mount --bind "$1" "$1"
    for folder in dev proc sys; do mount --rbind "/$folder" "$1/$folder"; done
    mount --bind -o ro "$2" "$1/toolchain"
    mount --bind "$3/registry" "$1/cargo/registry"
    # Where the root is only changed, no namespaces of users are given, which sway needs.
    mkdir -p "$1/before"
    cd "$1"
    pivot_root . before
    exec chroot . env -i PATH=/toolchain/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
      HOME=/root LANG=C.UTF-8 CARGO_HOME=/cargo DEBIAN_FRONTEND=noninteractive \
        FRESHET_ONLY_BUILD=1 sh -euc "
        umount -l /before
        cd /source
        if [ -n \"\$2\" ]; then
          PATH=\${PATH#/toolchain/bin:} build-aux/run.sh || { echo not ok: see above; build-aux/run.sh; }
        else
          build-aux/test.sh --steps \"\$1\"
        fi
        for library in gtk4 libadwaita-1 libsecret-1 libcurl glib-2.0; do echo \"\$library \$(pkg-config --modversion \$library)\"; done
      " sh "$4" "$5"' sh "$there/root" "$toolchain" "$cargo_home" "$steps" "$run" >"$there/log" 2>&1
}

status=0
for suite; do
  echo "== $suite"
  result=0
  # In the background, or a command that fails in it would not end it.
  try "$suite" &
  wait $! || result=1
  grep -E '^(==|passed|FAILED|not ok|Freshet|Get it|There is no display|gtk4|libadwaita|libsecret|libcurl|glib)' \
    "$root/_build/matrix/$suite$run/log"
  if [ $result -eq 0 ]; then rm -rf "$root/_build/matrix/$suite$run/root" "$root/_build/matrix/$suite$run/made"; fi
  [ $result -eq 0 ] || status=1
done
exit $status
