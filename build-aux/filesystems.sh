#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Runs tests/filesystems.rs on FAT, exFAT and NTFS, whatever the kernel of this machine has: in an emulated
# machine (qemu, without KVM), with a kernel of Debian's that is unpacked and not installed.
#   filesystems.sh [PART-OF-A-TEST'S-NAME...]
# Prints "ok NAME" and "not ok NAME"; a line with SKIPPED says what this machine cannot do. What the emulated
# machine said is then in _build/filesystems/log.
set -eu
cd "$(dirname "$0")/.."
root=$(pwd)
PATH=$PATH:/usr/sbin:/sbin
# shellcheck source=build-aux/packages.sh
. "$root/build-aux/packages.sh"

cannot() {
  echo "ok file systems: SKIPPED $*"
  exit 0
}

[ "$manager" = apt ] || cannot "the kernel is a package of Debian's"
[ "$(dpkg --print-architecture)" = amd64 ] || cannot "only amd64 is emulated"
program qemu-system-x86_64 qemu-system-x86 - -
program busybox busybox-static - -
program cpio cpio - -
program xz xz-utils - -
program strip binutils - -
program mkfs.vfat dosfstools - -
program mkfs.exfat exfatprogs - -
program mkfs.ntfs ntfs-3g - -
(install_missing) >&2 || cannot "these packages cannot be installed:$missing"

work=$root/_build/filesystems
mkdir -p "$work"
# Debian 12's own kernel has no ntfs3, the newer one that it offers besides does.
unpack_kernel() {
  for offered in linux-image-6.12-cloud-amd64 linux-image-cloud-amd64; do
    kernel=$(apt-cache depends "$offered" 2>/dev/null | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)$/\1/p' | head -n 1)
    [ -z "$kernel" ] || break
  done
  [ -n "$kernel" ] || return 1
  [ ! -e "$work/$kernel/unpacked" ] || return 0
  rm -rf "${work:?}/$kernel" &&
    mkdir "$work/$kernel" &&
    (cd "$work/$kernel" && apt-get download -q -o APT::Sandbox::User=root "$kernel") >&2 &&
    dpkg -x "$work/$kernel"/linux-image-*.deb "$work/$kernel" &&
    rm "$work/$kernel"/linux-image-*.deb &&
    touch "$work/$kernel/unpacked"
}
# What was known of the packages may be old.
unpack_kernel || { (as_root apt-get update -q) >&2 && unpack_kernel; } || cannot 'no kernel of Debian can be had'

cargo test --locked --no-default-features --no-run --lib --test filesystems --message-format=json >"$work/built"
programs=$(sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' "$work/built")
tests=$(echo "$programs" | grep '/filesystems-')
unit_tests=$(echo "$programs" | grep '/deps/freshet-')

# The root of the machine: what is run, where it is here, and the libraries it is linked with.
there=$work/root
rm -rf "$there"
mkdir -p "$there/modules" "$there/proc" "$there/sys" "$there/dev" "$there/tmp" "$there/scratch"
# add FILE [PATH]
add() {
  mkdir -p "$there$(dirname "${2:-$1}")"
  cp -L "$1" "$there${2:-$1}"
  ldd "$1" 2>/dev/null | grep -o '/[^ ]*' | while read -r library; do
    [ -e "$there$library" ] || { mkdir -p "$there$(dirname "$library")" && cp -L "$library" "$there$library"; }
  done
}
for program in $programs; do
  add "$program"
  strip -g "$there$program"
done
for program in mkfs.vfat mkfs.exfat mkfs.ntfs; do add "$(command -v $program)" "/usr/sbin/$program"; done
for program in mount umount; do add "$(command -v $program)" "/usr/bin/$program"; done
add "$(command -v ntfs-3g)" /sbin/mount.ntfs-3g
add "$(command -v busybox)" /bin/busybox
# In the order in which they need each other.
modules='nls_cp437 nls_ascii nls_utf8 fat vfat exfat ntfs3 fuse loop'
for module in $modules; do
  file=$(find "$work/$kernel/" -name "$module.ko*")
  case $file in
    *.xz) xz -dc "$file" >"$there/modules/$module.ko" ;;
    *.ko) cp "$file" "$there/modules/" ;;
  esac
done

kinds=ntfs_3g
for kind in vfat exfat ntfs3; do
  if [ -e "$there/modules/$kind.ko" ]; then
    kinds="$kinds $kind"
  else
    echo "ok file systems: SKIPPED $kind, which $kernel does not have"
  fi
done

# The tests of a file system take turns on the main loop, and mostly wait. Two threads at least, or libtest would
# begin a line before the test and end it after.
# What is written lies in a folder of its own: what is run may be anywhere, in /tmp, too.
cat >"$there/init" <<END
#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/usr/bin:/usr/sbin:/bin:/sbin HOME=/scratch TMPDIR=/scratch FRESHET_UNIT_TESTS=$unit_tests
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev
mount -t tmpfs -o size=1500m none /scratch
ip link set lo up
for module in $modules; do [ ! -e /modules/\$module.ko ] || insmod /modules/\$module.ko; done
for kind in $kinds; do
  others=
  for other in $kinds; do [ \$other = \$kind ] || others="\$others --skip \$other::"; done
  $tests --ignored --test-threads 2 \$others $* >/scratch/\$kind.log 2>&1 &
done
wait
cat /scratch/*.log
poweroff -f
END
chmod 755 "$there/init"
(cd "$there" && find . | cpio --quiet -o -H newc | gzip -1) >"$work/initrd"

timeout 420 qemu-system-x86_64 -accel tcg,thread=multi -cpu max -smp 2 -m 2048 -nographic -nic none -no-reboot \
  -kernel "$(find "$work/$kernel/boot" -name 'vmlinuz-*')" -initrd "$work/initrd" \
  -append 'console=ttyS0 loglevel=3 edd=off panic=-1' </dev/null >"$work/log" 2>&1 || echo "ended with $?" >>"$work/log"

tr -d '\r' <"$work/log" |
  sed -n 's/^test \([^ ]*\) \.\.\. ok$/ok \1/p; s/^test \([^ ]*\) \.\.\. FAILED$/not ok \1/p' >"$work/told"
cat "$work/told"
# All tests of each file system; a part of a name may leave none of one.
some='[1-9][0-9]*'
[ $# -eq 0 ] || some='[0-9]*'
# shellcheck disable=SC2086 # a list of words
if [ "$(grep -c "^test result: ok\. $some passed" "$work/log")" -ne "$(echo $kinds | wc -w)" ]; then
  cat "$work/log"
  # One "not ok" for each fault: what failed has been told.
  grep -q '^not ok ' "$work/told" || echo 'not ok file systems: not all tests were run'
  exit 1
fi
