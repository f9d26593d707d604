#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Brings po/freshet.pot and all po/*.po up to date with the sources.
# With a file name as argument it writes the template there and changes nothing else.
set -eu
cd "$(dirname "$0")/.."

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
new=$scratch/freshet.pot

# Locations without line numbers: a moved line is no change for translators.
extract() {
  xgettext --from-code=UTF-8 --add-comments=Translators --add-location=file --no-wrap \
    --package-name=freshet --copyright-holder='The Freshet developers' --output="$new" "$@"
}

sed '/^#/d' po/POTFILES.in >"$scratch/files"
sed -n '/\.rs$/p' "$scratch/files" >"$scratch/rust"
sed '/\.rs$/d' "$scratch/files" >"$scratch/other"

# Older versions of xgettext know no Rust, newer ones do, and the template must not depend on that:
# all read it as C. Their complaints about lifetimes are noise; check-po.py sees that nothing is lost.
if [ -s "$scratch/rust" ]; then
  # shellcheck disable=SC2046 # one option a line, without spaces
  extract --language=C $(cat po/xgettext-options) --files-from="$scratch/rust" 2>"$scratch/noise" ||
    { cat "$scratch/noise" >&2; exit 1; }
  extract --join-existing --files-from="$scratch/other"
else
  extract --files-from="$scratch/other"
fi

# A date would make every run a change.
sed -e '1,2c # Messages of Freshet.' -e '/^# This file is distributed/s/as the .* package/as Freshet/' \
  -e '/^"POT-Creation-Date:/d' -e 's/charset=CHARSET/charset=UTF-8/' "$new" >"${1:-po/freshet.pot}"
[ $# -eq 0 ] || exit 0

while read -r language; do
  msgmerge --quiet --no-wrap --previous "po/$language.po" po/freshet.pot |
    msgattrib --no-obsolete --no-wrap --output-file="$scratch/po" -
  cp "$scratch/po" "po/$language.po"
  printf '%s: ' "$language"
  msgfmt --statistics --output-file=/dev/null "po/$language.po" 2>&1
done <po/LINGUAS
