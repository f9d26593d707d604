# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# For run.sh, test.sh and their like, which read this file: finds out what is missing on this machine
# and installs it with the distribution's package manager. Nothing is done when nothing is missing.

die() {
  printf '%s\n' "$@" >&2
  exit 1
}

has() { command -v "$1" >/dev/null 2>&1; }

as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

if has apt-get; then
  manager=apt
elif has dnf; then
  manager=dnf
elif has pacman; then
  manager=pacman
else
  manager=none
fi

missing=

# want NAME-APT NAME-DNF NAME-PACMAN: notes a missing package; "-" means that there is none.
want() {
  case $manager in
    apt) package=$1 ;;
    dnf) package=$2 ;;
    pacman) package=$3 ;;
    none) package=$1 ;;
  esac
  case " $missing " in *" $package "*) return ;; esac
  [ "$package" = - ] || missing="$missing $package"
}

# Debian starts a server as soon as it is installed, and again at each boot, unless told not to; the
# tests start those they need themselves.
without_services() {
  policy=/usr/sbin/policy-rc.d
  if [ -e $policy ]; then
    "$@"
    return
  fi
  # In a shell of its own, so that the machine is as it was also when this is interrupted.
  (install_without_services "$@")
}

install_without_services() {
  trap 'as_root rm -f "$policy"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  new_units=
  for unit in nginx vsftpd ssh lighttpd caddy caddy-api; do
    [ -e "/lib/systemd/system/$unit.service" ] || new_units="$new_units $unit"
  done
  printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
  as_root chmod 755 "$policy"
  installed=0
  "$@" || installed=$?
  for unit in $new_units; do
    [ ! -e "/lib/systemd/system/$unit.service" ] || as_root systemctl --quiet disable "$unit"
  done
  exit $installed
}

install_missing() {
  [ -n "$missing" ] || return 0
  if [ "$manager" = none ]; then
    die "Missing, by their names in Debian:$missing" \
      "This machine has neither apt, dnf nor pacman: please install them yourself, then run this again."
  fi
  case $manager in
    apt) command='apt-get install -y --no-install-recommends' ;;
    dnf) command='dnf install -y --setopt=install_weak_deps=False' ;;
    pacman) command='pacman -S --needed --noconfirm' ;;
  esac
  if [ "$(id -u)" -ne 0 ] && ! has sudo; then
    die "Missing packages. Please run as root, then run this again:" "  $command$missing"
  fi
  echo "Installing:$missing"
  # shellcheck disable=SC2086 # both are lists of words
  case $manager in
    apt)
      as_root apt-get update -q
      without_services as_root env DEBIAN_FRONTEND=noninteractive $command $missing
      ;;
    pacman)
      [ -n "$(ls /var/lib/pacman/sync 2>/dev/null)" ] || as_root pacman -Sy --noconfirm
      as_root $command $missing
      ;;
    *) as_root $command $missing ;;
  esac
  missing=
}

# library MODULE APT DNF PACMAN
library() {
  pkg-config --exists "$1" 2>/dev/null || want "$2" "$3" "$4"
}

# program NAME APT DNF PACMAN
program() {
  has "$1" || want "$2" "$3" "$4"
}

# What it takes to build and run Freshet, Rust excepted.
want_build_tools() {
  program cc gcc gcc gcc
  [ "$manager" != apt ] || [ -e /usr/include/stdio.h ] || want libc6-dev - -
  program pkg-config pkg-config pkgconf-pkg-config pkgconf
  library glib-2.0 libglib2.0-dev glib2-devel glib2
  library gtk4 libgtk-4-dev gtk4-devel gtk4
  library libadwaita-1 libadwaita-1-dev libadwaita-devel libadwaita
  library libcurl libcurl4-openssl-dev libcurl-devel curl
  library libsecret-1 libsecret-1-dev libsecret-devel libsecret
  library sqlite3 libsqlite3-dev sqlite-devel sqlite
  program glib-compile-resources libglib2.0-dev-bin glib2-devel glib2-devel
  program glib-compile-schemas libglib2.0-bin glib2 glib2
  program msgfmt gettext gettext gettext
  [ -d /usr/share/icons/Adwaita ] || want adwaita-icon-theme adwaita-icon-theme adwaita-icon-theme
  [ -e /etc/ssl/certs/ca-certificates.crt ] || [ -e /etc/pki/tls/certs/ca-bundle.crt ] ||
    [ -e /etc/ssl/cert.pem ] || want ca-certificates ca-certificates ca-certificates
}

# What the benchmarks run and are measured with. A shell may have a `time` of its own, which is not meant.
want_bench_tools() {
  program nginx nginx nginx nginx
  program openssl openssl openssl openssl
  program cmp diffutils diffutils diffutils
  [ -x /usr/bin/time ] || want time time time
}

# Packages can be there and still be too old.
check_versions() {
  for requirement in 'glib-2.0 2.74' 'gtk4 4.8' 'libadwaita-1 1.2' 'libsecret-1 0.19' 'libcurl 7.88'; do
    # shellcheck disable=SC2086 # two words
    set -- $requirement
    pkg-config --atleast-version="$2" "$1" ||
      die "Freshet needs $1 $2 or newer; here is $(pkg-config --modversion "$1" || echo none)." \
        "Debian 12, Ubuntu 23.04, Fedora 37 and everything newer have it; so has the Flatpak (flatpak/)."
  done
}

# is_at_least VERSION LEAST
is_at_least() {
  [ "$(printf '%s\n' "$1" "$2" | sort -V | head -n 1)" = "$2" ]
}

# The version of Rust the distribution offers, or nothing.
offered_rust() {
  case $manager in
    apt)
      # A fresh machine may not know yet what there is.
      [ -n "$(apt-cache policy rustc 2>/dev/null)" ] || as_root apt-get update -q >/dev/null || true
      apt-cache policy rustc 2>/dev/null | sed -n 's/^ *Candidate: \(.*:\)\{0,1\}\([0-9.]*\).*/\2/p'
      ;;
    dnf) dnf --quiet info rust 2>/dev/null | sed -n 's/^Version *: *//p' | tail -n 1 ;;
    pacman)
      # So may one of Arch.
      [ -n "$(ls /var/lib/pacman/sync 2>/dev/null)" ] || as_root pacman -Sy --noconfirm >/dev/null || true
      pacman -Si rust 2>/dev/null | sed -n 's/^Version *: \([0-9]*:\)\{0,1\}\([0-9.]*\).*/\2/p'
      ;;
  esac
}

rust_version() {
  rustc --version 2>/dev/null | cut -d' ' -f2
}

# need_rust SOURCE-DIR: what Cargo.toml asks for, from here or from the distribution.
need_rust() {
  least=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$1/Cargo.toml")
  here=$(rust_version)
  own=${CARGO_HOME:-$HOME/.cargo}/bin
  # From rustup, which a shell that is open meanwhile does not know, and before the one of the distribution.
  if [ -x "$own/cargo" ] && ! is_at_least "${here:-0}" "$least"; then
    PATH=$own:$PATH
    here=$(rust_version)
  fi
  if has cargo && [ -n "$here" ] && is_at_least "$here" "$least"; then return; fi
  if has rustup; then
    die "Freshet needs Rust $least or newer; here is ${here:-none}. Get it with:" "  rustup update stable && rustup default stable"
  fi
  offered=$(offered_rust)
  if [ -n "$offered" ] && is_at_least "$offered" "$least"; then
    want rustc rust rust
    want cargo cargo rust
    install_missing
    return
  fi
  die "Freshet needs Rust $least or newer; here is ${here:-none}, and this distribution offers ${offered:-none}." \
    "Get it with rustup, as described on https://rustup.rs, then run this again."
}

# Where cargo puts what it builds.
target_directory() {
  (cd "$1" && cargo metadata --format-version 1 --no-deps --offline) |
    sed 's/.*"target_directory":"\([^"]*\)".*/\1/'
}
