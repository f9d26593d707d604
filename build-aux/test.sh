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

# Windows are tested by two programs at a time, each in a session of its own: mostly they wait.
window_tests() {
  for program in tests/ui/*.py; do
    is_wanted "window: $(basename "$program" .py)" && echo "$program"
  done
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

# Takes one after the other that nobody else has taken.
test_windows() {
  for program in $(window_tests); do
    log=$logs/$(basename "$program" .py)
    mkdir "$log.taken" 2>/dev/null || continue
    case $program in
      *_wayland.py) session='tests/ui/support/wayland-session.sh sway' ;;
      *_gnome_shell.py) session='tests/ui/support/wayland-session.sh gnome-shell' ;;
      *) session=build-aux/gui-session.sh ;;
    esac
    # shellcheck disable=SC2086 # a command and its argument
    run "$log" stoppable timeout 560 $session timeout 500 /usr/bin/python3 "$program"
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
step check 'clippy without a toolkit' cargo clippy --locked --all-targets --no-default-features -- -D warnings
step check 'clippy' cargo clippy --locked --all-targets -- -D warnings
step rust 'tests without a toolkit' cargo test --locked --no-default-features --no-fail-fast
# What does not know the toolkit has been tested without it, by the same code.
with_toolkit=$(grep -l 'feature = "gui"\|freshet-window\|freshet::model' tests/*.rs | sed 's,tests/\(.*\)\.rs,--test \1,')
# shellcheck disable=SC2086 # a list of words
step rust 'tests with the toolkit' build-aux/gui-session.sh env G_DEBUG=fatal-criticals \
  cargo test --locked --no-fail-fast --lib --bins $with_toolkit
step check 'build' cargo build --locked --bins
test_windows &
workers=$!
test_windows &
workers="$workers $!"
for program in $(window_tests); do
  name=$(basename "$program" .py)
  printf '\n== window: %s\n' "$name"
  until [ -e "$logs/$name.end" ]; do
    if ! works_anybody && [ ! -e "$logs/$name.end" ]; then
      echo 'Nobody is left to run it.' >>"$logs/$name"
      echo '0 1' >"$logs/$name.end"
    fi
    sleep 1
  done
  tell ui "window: $name" "$logs/$name"
done
workers=
step check 'Meson' meson_install
step check 'installed files' check_install
step check 'uninstalled' check_uninstall
step ui 'file systems' build-aux/filesystems.sh
step ui 'Flatpak' timeout 900 build-aux/flatpak.sh --quick

echo
[ -z "$failures" ] || echo "Failed:$failures"
[ "$skipped" -eq 0 ] || reason=", $skipped skipped: this machine cannot do them, see above"
echo "Freshet: $passed tests passed, $failed failed${reason:-}"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
