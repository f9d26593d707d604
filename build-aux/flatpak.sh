#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Builds the Flatpak from its manifest as it stands, installs it into a folder of its own, and tries it
# out in its sandbox:
#   flatpak.sh [--suite SUITE] [--quick] [--window-tests] [--no-tests | --only-tests]
# The runtime comes from Flathub. Where that cannot be reached, one is put together from packages of a
# suite of Debian under the same names: forky, whose GTK and libadwaita are those of the manifest's
# runtime, or another one. --quick leaves the optimiser out there; the manifest is built unchanged all the
# same, as it is the stand-in for the SDK that says so. --window-tests runs the tests of tests/ui in the
# sandbox as well. --no-tests only builds it, --only-tests tries out what was built before.
# Leaves all it makes in _build/flatpak/, and the bundle _build/flatpak/freshet.flatpak. Prints "ok NAME"
# and "not ok NAME"; a line with SKIPPED says what this machine cannot do.
set -eu

cd "$(dirname "$0")/.."
root=$(pwd)
# shellcheck source=build-aux/packages.sh
. "$root/build-aux/packages.sh"

suite=forky
quick=
only_tests=
tests='tests/flatpak/test_sandbox.py tests/flatpak/test_portals.py'
while [ $# -gt 0 ]; do
  case $1 in
    --suite)
      suite=${2:?}
      shift
      ;;
    --quick) quick=yes ;;
    --window-tests) tests="$tests tests/ui/test_add.py tests/ui/test_details.py tests/ui/test_drop.py tests/ui/test_window.py" ;;
    --no-tests) tests= ;;
    --only-tests) only_tests=yes ;;
    *) die 'Usage: flatpak.sh [--suite SUITE] [--quick] [--window-tests] [--no-tests | --only-tests]' ;;
  esac
  shift
done

skip() {
  echo "ok flatpak: SKIPPED $*"
  exit 0
}

id=io.github.freshet.Freshet
manifest=flatpak/$id.yml
version=$(sed -n "s/^runtime-version: '\(.*\)'/\1/p" "$manifest")
arch=$(uname -m)
work=$root/_build/flatpak
export FLATPAK_USER_DIR="$work/installed"
mkdir -p "$work"

want_flatpak_tools() {
  program flatpak flatpak flatpak flatpak
  program flatpak-builder flatpak-builder flatpak-builder flatpak-builder
  program bwrap bubblewrap bubblewrap bubblewrap
  program ostree ostree ostree ostree
  program eu-strip elfutils elfutils elfutils
  [ -x /usr/libexec/xdg-desktop-portal ] || [ -x /usr/lib/xdg-desktop-portal ] ||
    want xdg-desktop-portal xdg-desktop-portal xdg-desktop-portal
  [ -x /usr/libexec/xdg-desktop-portal-gtk ] || [ -x /usr/lib/xdg-desktop-portal-gtk ] ||
    want xdg-desktop-portal-gtk xdg-desktop-portal-gtk xdg-desktop-portal-gtk
}
want_flatpak_tools
install_missing
bwrap --ro-bind / / --dev /dev --proc /proc --unshare-all true 2>/dev/null ||
  skip 'Flatpak: bubblewrap gets no namespaces here'

from_flathub() {
  flatpak --user remote-add --if-not-exists flathub https://dl.flathub.org/repo/flathub.flatpakrepo 2>/dev/null &&
    flatpak --user install -y --noninteractive flathub "org.gnome.Platform//$version" "org.gnome.Sdk//$version" &&
    flatpak --user install -y --noninteractive flathub org.freedesktop.Sdk.Extension.rust-stable
}

# What a GNOME program finds in the runtime; no more, so that what is missing shows.
platform_packages="libgtk-4-1 libgtk-4-bin libadwaita-1-0 libcurl4t64 libsecret-1-0 libsqlite3-0 ca-certificates \
  adwaita-icon-theme hicolor-icon-theme fonts-dejavu-core fontconfig shared-mime-info gsettings-desktop-schemas \
  libglib2.0-bin dconf-gsettings-backend glib-networking librsvg2-common xdg-utils xdg-user-dirs tzdata \
  libgl1-mesa-dri libegl1 libgles2 dbus-bin"
sdk_packages="$platform_packages gcc libc6-dev make pkgconf libgtk-4-dev libadwaita-1-dev libcurl4-openssl-dev \
  libsecret-1-dev libsqlite3-dev libglib2.0-dev-bin meson gettext desktop-file-utils appstream appstream-compose patch xz-utils"

# debian FOLDER PACKAGE...: a root of that suite.
debian() {
  target=$1
  shift
  rm -rf "$target"
  mmdebstrap --quiet --variant=minbase --aptopt='APT::Install-Recommends "false"' \
    --aptopt='Acquire::Check-Valid-Until "false"' --dpkgopt=force-unsafe-io \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' --include="$(echo "$*" | tr -s ' ' ,)" "$suite" "$target"
}

# export_runtime NAME BRANCH STAGE
export_runtime() {
  flatpak build-export --runtime --no-update-summary --disable-sandbox "$work/standin" "$3" "$2" \
    >"$3.log" || { cat "$3.log" >&2; return 1; }
  rm -rf "$3"
  echo "made $1"
}

# export_root ROOT NAME: Debian's files under the runtime's name. Flatpak wants /etc in usr/, and runs ldconfig
# from usr/bin.
export_root() {
  stage=$work/stages/$1
  mkdir -p "$stage/files"
  cp -al "$work/roots/$1/usr" "$stage/usr"
  rm -rf "$stage/usr/etc"
  cp -a "$work/roots/$1/etc" "$stage/usr/etc"
  ln -sf ../sbin/ldconfig "$stage/usr/bin/ldconfig"
  cat >"$stage/metadata" <<END
[Runtime]
name=$2
runtime=org.gnome.Platform/$arch/$version
sdk=org.gnome.Sdk/$arch/$version

[Environment]
XDG_DATA_DIRS=/app/share:/usr/share:/usr/share/runtime/share:/run/host/user-share:/run/host/share
END
  if [ "$2" = org.gnome.Sdk ]; then
    mkdir -p "$stage/usr/lib/sdk"
    [ -z "$quick" ] || cat >>"$stage/metadata" <<END
CARGO_PROFILE_RELEASE_OPT_LEVEL=0
CARGO_PROFILE_RELEASE_LTO=off
CARGO_PROFILE_RELEASE_DEBUG=false
CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16
END
    # As the SDK has it, with the branch its extensions have here.
    cat >>"$stage/metadata" <<END

[Extension org.freedesktop.Sdk.Extension]
directory=lib/sdk
subdirectories=true
no-autodownload=true
versions=standin
END
    # flatpak-builder before 1.4 calls the composer by the name, and names the metainfo, as long ago.
    cat >"$stage/usr/bin/appstream-compose" <<'END'
#!/bin/sh
for argument; do
  case $argument in
    --prefix=*) prefix=${argument#*=} ;;
    --origin=*) origin=${argument#*=} ;;
  esac
  component=$argument
done
mkdir -p "$prefix/share/metainfo"
cp "$prefix/share/appdata/$component.appdata.xml" "$prefix/share/metainfo/$component.metainfo.xml"
exec appstreamcli compose --prefix=/ --origin="$origin" --components="$component" --result-root="$prefix" \
  --data-dir="$prefix/share/app-info/xmls" --icons-dir="$prefix/share/app-info/icons/flatpak" "$prefix"
END
    chmod 755 "$stage/usr/bin/appstream-compose"
  fi
  export_runtime "$2" "$version" "$stage"
}

# root_and_export ROOT NAME PACKAGE...
root_and_export() {
  root_name=$1
  runtime_name=$2
  shift 2
  [ -n "$has_roots" ] || debian "$work/roots/$root_name" "$@"
  export_root "$root_name" "$runtime_name"
}

# What cargo has downloaded before need not come again; flatpak-builder looks at the checksums as ever.
take_crates() {
  python3 - "${CARGO_HOME:-$HOME/.cargo}/registry/cache" "$work/state/downloads" <<'END'
import json, pathlib, shutil, sys

cache, downloads = map(pathlib.Path, sys.argv[1:])
for source in json.loads(pathlib.Path("flatpak/cargo-sources.json").read_text()):
    if source["type"] != "archive":
        continue
    # As flatpak-builder names it.
    there = downloads / source["sha256"] / source["url"].rsplit("/", 1)[1]
    for here in cache.glob("*/" + source["dest"].rsplit("/", 1)[1] + ".crate"):
        if not there.exists():
            there.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(here, there)
END
}

from_debian() {
  [ "$(id -u)" -eq 0 ] || skip 'Flatpak: Flathub cannot be reached, and a runtime of Debian packages needs root'
  toolchain=$(rustc --print sysroot)
  [ "$toolchain" != /usr ] || skip 'Flatpak: the stand-in for the Rust extension needs a toolchain of rustup'
  program mmdebstrap mmdebstrap mmdebstrap -
  install_missing
  has_roots=
  if [ "$(cat "$work/roots/suite" 2>/dev/null)" = "$suite" ]; then
    has_roots=yes
  else
    rm -rf "$work/roots" "$work/installed"
    mkdir "$work/roots"
  fi
  rm -rf "$work/stages" "$work/standin"
  mkdir "$work/stages"
  # Nothing is compressed, and what is installed are links.
  ostree init --mode=bare-user-only --repo="$work/standin"
  # The smaller one is made and exported while the larger one is still made.
  # shellcheck disable=SC2086 # lists of words
  root_and_export platform org.gnome.Platform $platform_packages &
  # shellcheck disable=SC2086
  root_and_export sdk org.gnome.Sdk $sdk_packages
  wait $!
  echo "$suite" >"$work/roots/suite"
  stage=$work/stages/rust
  mkdir -p "$stage/files/bin"
  cp -a "$toolchain/bin/cargo" "$toolchain/bin/rustc" "$stage/files/bin/"
  cp -a "$toolchain/lib" "$stage/files/"
  printf '[Runtime]\nname=%s\n\n[ExtensionOf]\nref=runtime/org.gnome.Sdk/%s/%s\n' \
    org.freedesktop.Sdk.Extension.rust-stable "$arch" "$version" >"$stage/metadata"
  export_runtime org.freedesktop.Sdk.Extension.rust-stable standin "$stage"
  flatpak build-update-repo "$work/standin" >/dev/null
  flatpak --user remote-add --if-not-exists --no-gpg-verify standin "$work/standin"
  flatpak --user install -y --noninteractive --or-update standin "org.gnome.Platform//$version" \
    "org.gnome.Sdk//$version" org.freedesktop.Sdk.Extension.rust-stable//standin >/dev/null
}

began=$(date +%s)
lap() {
  now=$(date +%s)
  echo "$1: $((now - began)) s"
  began=$now
}

build() {
  # What was built before is not to be taken for what cannot be built now.
  rm -f "$work/freshet"
  need_rust "$root"
  from_flathub || from_debian
  lap 'the runtime'
  build-aux/flatpak-sources.sh
  take_crates
  flatpak-builder --user --install --force-clean --state-dir="$work/state" --repo="$work/repo" "$work/build" \
    "$manifest" >"$work/build.log" 2>&1 || { tail -n 40 "$work/build.log"; echo 'not ok the manifest is built'; exit 1; }
  echo 'ok the manifest is built and installed'
  lap 'the build'
  # The bundle is what is tried out.
  flatpak build-bundle "$work/repo" "$work/freshet.flatpak" "$id"
  flatpak --user uninstall -y --noninteractive "$id" >/dev/null
  flatpak --user install -y --noninteractive --bundle "$work/freshet.flatpak" >/dev/null
  echo 'ok the bundle of a single file is made and installed'
  lap 'the bundle'
  printf '#!/bin/sh\nexec flatpak run --user --die-with-parent %s "$@"\n' "$id" >"$work/freshet"
  chmod 755 "$work/freshet"
}

if [ -z "$only_tests" ]; then
  build
elif [ ! -e "$work/freshet" ]; then
  skip 'Flatpak: it is not built'
fi

# try_out PROGRAM: in a session of its own. Portals name the folders they grant by their place in the
# session's runtime folder, and in the sandbox that is always /run/user/UID; so it has to be here, too,
# where nobody else sees it.
try_out() {
  rm -rf "${work:?}/home"
  mkdir "$work/home"
  export FRESHET="$work/freshet" FRESHET_SANDBOX="$id"
  # Which backends the portals have: the desktop's own for windows, one of the tests for what shows none.
  export XDG_DESKTOP_PORTAL_DIR="$root/tests/flatpak/portals"
  # Where the desktop would find what it exports, for being started by its name.
  export XDG_DATA_DIRS="$FLATPAK_USER_DIR/exports/share:${XDG_DATA_DIRS:-/usr/local/share:/usr/share}"
  if [ "$(id -u)" -eq 0 ]; then
    # shellcheck disable=SC2016 # for the inner shell
    FRESHET_RUNTIME_DIR=/run/user/0 HOME=$work/home unshare --mount --propagation private sh -euc '
      mkdir -p /run/user
      mount -t tmpfs -o mode=755 tmpfs /run/user
      mkdir -m 700 /run/user/0
      exec build-aux/gui-session.sh timeout 300 /usr/bin/python3 "$1"' sh "$1"
  else
    HOME=$work/home build-aux/gui-session.sh timeout 300 /usr/bin/python3 "$1"
  fi
}

status=0
for program in $tests; do
  try_out "$program" || status=1
  lap "$program"
done
exit $status
