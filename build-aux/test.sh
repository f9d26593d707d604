#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Installs what the tests need and runs all of them, or the steps whose names fit an extended pattern:
#   test.sh [--steps PATTERN]
# The last line counts them, also those that this machine cannot do; the exit status is 0 only if nothing
# failed.
set -eu

cd "$(dirname "$0")/.."
root=$(pwd)
# The servers are there, which are not in everybody's PATH.
PATH=$PATH:/usr/sbin:/sbin
# shellcheck source=build-aux/packages.sh
. "$root/build-aux/packages.sh"

case ${1:-} in
  '') wanted=. ;;
  --steps) wanted=${2:?} ;;
  *) die 'Usage: test.sh [--steps PATTERN]' ;;
esac

# Debian's package names; elsewhere "-" means: not packaged there, or under a name we do not know.
want_test_tools() {
  program vsftpd vsftpd vsftpd vsftpd
  program apache2 apache2-bin - -
  program lighttpd lighttpd lighttpd lighttpd
  program caddy caddy caddy caddy
  program nghttpd nghttp2-server nghttp2 nghttp2
  program sshd openssh-server openssh-server openssh
  program ssh-agent openssh-client openssh-clients openssh
  [ -x /usr/lib/openssh/sftp-server ] || [ -x /usr/libexec/openssh/sftp-server ] || [ -x /usr/lib/ssh/sftp-server ] ||
    want openssh-sftp-server openssh-server openssh
  program mkfs.ext4 e2fsprogs e2fsprogs e2fsprogs
  program mkfs.btrfs btrfs-progs btrfs-progs btrfs-progs
  program mkfs.vfat dosfstools dosfstools dosfstools
  program fsfreeze util-linux util-linux util-linux
  program Xvfb xvfb xorg-x11-server-Xvfb xorg-server-xvfb
  program xauth xauth xorg-x11-xauth xorg-xauth
  program xdpyinfo x11-utils xdpyinfo xorg-xdpyinfo
  program dbus-run-session dbus-daemon dbus-daemon dbus
  program dbus-update-activation-environment dbus-x11 dbus-daemon dbus
  [ -e /usr/libexec/at-spi2-registryd ] || [ -e /usr/lib/at-spi2-registryd ] ||
    want at-spi2-core at-spi2-core at-spi2-core
  introspection Atspi 2.0 gir1.2-atspi-2.0 at-spi2-core at-spi2-core
  introspection Gtk 3.0 gir1.2-gtk-3.0 gtk3 gtk3
  [ -e /usr/share/glib-2.0/schemas/org.gnome.system.proxy.gschema.xml ] ||
    want gsettings-desktop-schemas gsettings-desktop-schemas gsettings-desktop-schemas
  [ -n "$(find /usr/lib /usr/lib64 -name 'libgiognomeproxy.so' -o -name 'libgiolibproxy.so' 2>/dev/null | head -n 1)" ] ||
    want glib-networking glib-networking glib-networking
  program gnome-keyring-daemon gnome-keyring gnome-keyring gnome-keyring
  program xdotool xdotool xdotool xdotool
  program import imagemagick ImageMagick imagemagick
  has firefox || program firefox-esr firefox-esr firefox firefox
  has chromium-browser || program chromium chromium chromium chromium
  program openbox openbox openbox openbox
  program sway sway sway sway
  program grim grim grim grim
  program wtype wtype wtype wtype
  program gnome-shell gnome-shell gnome-shell gnome-shell
  fc-list 2>/dev/null | grep -q . || want fonts-dejavu-core dejavu-sans-fonts ttf-dejavu
  [ -e /usr/share/i18n/locales/en_GB ] || want locales glibc-locale-source glibc
  program desktop-file-validate desktop-file-utils desktop-file-utils desktop-file-utils
  program appstreamcli appstream appstream appstream
  program gtk-update-icon-cache gtk-update-icon-cache gtk-update-icon-cache gtk-update-icon-cache
  program meson meson meson meson
  program ninja ninja-build ninja-build ninja
  python3 -c 'import venv, ensurepip' 2>/dev/null || want python3-venv python3 python
  program shellcheck shellcheck ShellCheck shellcheck
}

# introspection NAMESPACE VERSION APT DNF PACMAN
introspection() {
  /usr/bin/python3 -c 'import gi' 2>/dev/null || want python3-gi python3-gobject python-gobject
  for folder in /usr/lib*/girepository-1.0 /usr/lib/*/girepository-1.0; do
    [ ! -e "$folder/$1-$2.typelib" ] || return 0
  done
  want "$3" "$4" "$5"
}

logs=$(mktemp -d)
workers=
trap 'end_workers; rm -rf "$logs"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
works_anybody() {
  for worker in $workers; do
    if kill -0 "$worker" 2>/dev/null; then return 0; fi
  done
  return 1
}

# shellcheck disable=SC2317,SC2329 # called by the trap
end_workers() {
  for worker in $workers; do kill "$worker" 2>/dev/null || true; done
}

passed=0
failed=0
skipped=0
failures=

count() {
  passed=$((passed + $1))
  failed=$((failed + $2))
}

# step KIND NAME COMMAND...: runs one step of the tests, if it is wanted.
step() {
  kind=$1
  name=$2
  shift 2
  is_wanted "$name" || return 0
  printf '\n== %s\n' "$name"
  run "$logs/log" "$@"
  tell "$kind" "$name" "$logs/log"
}

is_wanted() {
  echo "$1" | grep -Eq -- "$wanted"
}

# run LOG COMMAND...: keeps what the command says, how it ended, and how long that took.
run() {
  log=$1
  shift
  began=$(date +%s)
  status=0
  # Not in a pipe, which would hide the exit status.
  "$@" >"$log" 2>&1 </dev/null || status=$?
  echo "$(($(date +%s) - began)) $status" >"$log.new"
  mv "$log.new" "$log.end"
}

# tell KIND NAME LOG: counts what a step has tested. KIND says how: "check" as one, "rust" by cargo's own
# results, "ui" by its lines "ok NAME" and "not ok NAME", "python" by what unittest tells of each test.
tell() {
  kind=$1
  name=$2
  log=$3
  read -r took status <"$log.end"
  good=0
  bad=0
  case $kind in
    rust)
      results=$(sed -n 's/^test result: .*\. \([0-9]*\) passed; \([0-9]*\) failed;.*/\1 \2/p' "$log" |
        awk '{ good += $1; bad += $2 } END { print good + 0, bad + 0 }')
      good=${results% *}
      bad=${results#* }
      ;;
    ui)
      good=$(grep -c '^ok ' "$log" || true)
      bad=$(grep -c '^not ok ' "$log" || true)
      ;;
    python)
      good=$(grep -c ' \.\.\. ok$' "$log" || true)
      bad=$(grep -Ec ' \.\.\. (FAIL|ERROR)$' "$log" || true)
      ;;
    check) [ "$status" -ne 0 ] || good=1 ;;
  esac
  # A step that ends badly, or tests nothing, without a failed test has failed itself.
  if [ "$bad" -eq 0 ] && { [ "$status" -ne 0 ] || [ "$good" -eq 0 ]; }; then bad=1; fi
  count "$good" "$bad"
  # Tests that cannot be made here say so (tests/support/device.rs); cargo counts them as passed.
  not_run=$(grep -c 'SKIPPED ' "$log" || true)
  passed=$((passed - not_run))
  skipped=$((skipped + not_run))

  if [ "$bad" -eq 0 ]; then
    grep -o 'SKIPPED .*' "$log" || true
    echo "passed: $((good - not_run)) ($took s)"
  else
    cat "$log"
    echo "FAILED: $name (exit status $status, $took s)"
    failures="$failures
  $name"
  fi
}

# stoppable COMMAND...: told to end while it runs, this shell ends it before itself. What runs beside a script
# hears nothing of Ctrl+C.
stoppable() {
  "$@" &
  stopped=$!
  trap 'kill $stopped 2>/dev/null; exit 143' TERM
  ended=0
  wait $stopped || ended=$?
  trap - TERM
  return $ended
}

# beside COUNT: runs steps that mostly wait, so many at a time: the lines of standard input, each "KIND|NAME|COMMAND"
# with the arguments after it.
beside() {
  most=$1
  steps=$logs/steps
  while IFS='|' read -r kind name command; do
    if is_wanted "$name"; then echo "$kind|$name|$command"; fi
  done >"$steps"
  rm -rf "$logs/of-steps"
  mkdir "$logs/of-steps"
  workers=
  while [ "$most" -gt 0 ]; do
    take_steps &
    workers="$workers $!"
    most=$((most - 1))
  done
  number=0
  while IFS='|' read -r kind name _; do
    number=$((number + 1))
    log=$logs/of-steps/$number
    printf '\n== %s\n' "$name"
    await "$log"
    tell "$kind" "$name" "$log"
  done <"$steps"
  workers=
}

# await LOG: until one of the workers has run what writes it, or none is left to do so.
await() {
  until [ -e "$1.end" ]; do
    if ! works_anybody && [ ! -e "$1.end" ]; then
      echo 'Nobody is left to run it.' >>"$1"
      echo '0 1' >"$1.end"
    fi
    sleep 1
  done
}

# Takes one after the other that nobody else has taken.
take_steps() {
  number=0
  while IFS='|' read -r kind name command; do
    number=$((number + 1))
    mkdir "$logs/of-steps/$number.taken" 2>/dev/null || continue
    # shellcheck disable=SC2086 # a command and its arguments
    run "$logs/of-steps/$number" stoppable $command
  done <"$steps"
}

# The tests that know the toolkit, or all others, by their names for cargo. What does not know it is tested
# without it, and by that as it is with it.
test_programs() {
  for file in tests/*.rs tests/*/main.rs; do
    name=${file#tests/}
    name=${name%.rs}
    # Run by the step of file systems, with those there are.
    [ "$name" != filesystems ] || continue
    case $(grep -l 'feature = "gui"\|freshet-window\|freshet::model' "$file") in
      '') [ "$1" = without ] || continue ;;
      *) [ "$1" = with ] || continue ;;
    esac
    echo "${name%/main}"
  done
}

# Those that measure a rate or a time, or take both cores, have the machine for themselves.
is_alone() {
  case $1 in
    simulation | kill | frozen | engine_rate) ;;
    *) return 1 ;;
  esac
}

# Long files first, whose tests take longest.
window_steps() {
  # shellcheck disable=SC2012,SC2045 # our own files, sorted by size
  for program in $(ls -S tests/ui/*.py); do
    case $program in
      *_wayland.py) session='tests/ui/support/wayland-session.sh sway' ;;
      *_gnome_shell.py) session='tests/ui/support/wayland-session.sh gnome-shell' ;;
      *) session=build-aux/gui-session.sh ;;
    esac
    echo "ui|window: $(basename "$program" .py)|timeout 560 $session timeout 500 /usr/bin/python3 $program"
  done
}

check_scripts() {
  shellcheck -x build-aux/*.sh tests/ui/support/*.sh .ci/run
}

# Builds as a distribution would, but without the time the optimiser takes.
meson_install() {
  rm -rf _build/meson _build/install &&
    meson setup _build/meson --prefix=/usr -Dprofile=development &&
    meson compile -C _build/meson &&
    meson test -C _build/meson --no-rebuild --print-errorlogs 'desktop entry' 'metainfo' 'settings schema' &&
    DESTDIR=$root/_build/install meson install -C _build/meson --no-rebuild
}

# Everything is where the desktop looks for it.
check_install() {
  share=_build/install/usr/share
  id=io.github.freshet.Freshet
  for file in "applications/$id.desktop" "metainfo/$id.metainfo.xml" "glib-2.0/schemas/$id.gschema.xml" \
    "icons/hicolor/scalable/apps/$id.svg" "icons/hicolor/symbolic/apps/$id-symbolic.svg" \
    man/man1/freshet.1 man/man1/freshet-get.1 bash-completion/completions/freshet zsh/site-functions/_freshet \
    fish/vendor_completions.d/freshet.fish freshet/help/C/freshet.html "gnome-shell/search-providers/$id.search-provider.ini"; do
    [ -s "$share/$file" ] || { echo "$file is missing"; return 1; }
  done
  grep -qx 'Exec=/usr/libexec/freshet-window --gapplication-service' "$share/dbus-1/services/$id.service" || return 1
  while read -r language; do
    msgunfmt "$share/locale/$language/LC_MESSAGES/freshet.mo" >/dev/null || return 1
  done <po/LINGUAS
  version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)
  grep -q "<release version=\"$version\"" "$share/metainfo/$id.metainfo.xml" ||
    { echo "the metainfo has no news of version $version"; return 1; }
  # The window's program is looked for where it will be, which is not here.
  _build/install/usr/bin/freshet get --help >/dev/null && _build/install/usr/libexec/freshet-window --version
}

# A run without installing finds its schema and its icons, and nothing stays of what was installed.
# shellcheck disable=SC2016 # for the inner shell
check_uninstall() {
  meson devenv -C _build/meson sh -euc '
    gsettings list-keys io.github.freshet.Freshet >/dev/null
    test "$(command -v freshet)" -ef freshet
    freshet get --help >/dev/null' &&
    DESTDIR=$root/_build/install build-aux/uninstall.sh _build/meson >/dev/null || return 1
  [ -e _build/install ] || return 0
  left=$(find _build/install ! -type d)
  [ -z "$left" ] || { echo "left: $left"; return 1; }
}

want_build_tools
want_test_tools
want_bench_tools
install_missing
check_versions
need_rust "$root"

# All steps share one target directory, so that nothing is compiled twice.
CARGO_TARGET_DIR=$(target_directory "$root")
export CARGO_TARGET_DIR
FRESHET=$CARGO_TARGET_DIR/debug/freshet
export FRESHET

step check 'format' cargo fmt --check
step check 'shell scripts' check_scripts
step check 'messages' build-aux/check-po.py
step check 'documents' build-aux/check-docs.py
step check 'help' build-aux/check-help.py
step check 'licences' build-aux/licences.py --check
step check 'advisories' build-aux/advisories.sh
step python 'translating' python3 build-aux/test_translate.py -v
step python 'benchmarks themselves' timeout 300 python3 benches/test_engines.py -v
# Nothing that has a clock runs beside it.
if is_wanted 'Flatpak, built'; then
  run "$logs/flatpak" stoppable timeout 900 build-aux/flatpak.sh --quick --no-tests &
  workers=$!
fi
step check 'clippy without a toolkit' cargo clippy --locked --all-targets --no-default-features -- -D warnings
step check 'clippy' cargo clippy --locked --all-targets -- -D warnings
# What GLib and the toolkit complain about ends a test.
bare='env G_DEBUG=fatal-criticals cargo test --locked --no-default-features --no-fail-fast'
full='env G_DEBUG=fatal-criticals cargo test --locked --no-fail-fast'
with_toolkit=$(test_programs with | sed 's/^/--test /' | tr '\n' ' ')
step check 'tests are built' sh -euc "
  $bare --no-run --lib --bins --tests
  $full --no-run --lib --bins $with_toolkit
  cargo build --locked --bins"
if [ -n "$workers" ]; then
  printf '\n== Flatpak, built\n'
  await "$logs/flatpak"
  workers=
  tell ui 'Flatpak, built' "$logs/flatpak"
fi

# shellcheck disable=SC2086 # a command and its arguments
step rust 'unit tests' $bare --lib --bins
for name in $(test_programs without); do
  # shellcheck disable=SC2086
  ! is_alone "$name" || step rust "tests: $name" $bare --test "$name"
done
for name in $(test_programs without); do
  is_alone "$name" || echo "rust|tests: $name|$bare --test $name"
done >"$logs/list"
beside 2 <"$logs/list"
{
  # The engine and the command line are the same without it.
  echo "rust|unit tests with the toolkit|build-aux/gui-session.sh $full --lib --bins -- --skip engine:: --skip cli::"
  for name in $(test_programs with); do
    echo "rust|tests: $name|build-aux/gui-session.sh $full --test $name"
  done
} >"$logs/list"
beside 2 <"$logs/list"
window_steps >"$logs/list"
beside 3 <"$logs/list"
step check 'Meson' meson_install
step check 'installed files' check_install
step check 'uninstalled' check_uninstall
step ui 'file systems' build-aux/filesystems.sh
step ui 'Flatpak, tried out' timeout 600 build-aux/flatpak.sh --only-tests

echo
[ -z "$failures" ] || echo "Failed:$failures"
[ "$skipped" -eq 0 ] || reason=", $skipped skipped: this machine cannot do them, see above"
echo "Freshet: $passed tests passed, $failed failed${reason:-}"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
