#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Translates many messages at a time, as a list that is easy to read and to write.

  translate.py new LANGUAGE           begins po/LANGUAGE.po, with all messages to be translated
  translate.py todo LANGUAGE          lists what is not translated yet
  translate.py all LANGUAGE           lists what is translated, to be read once more
  translate.py merge LANGUAGE FILE    takes the translations of FILE, and tells what is wrong with them

In a list each message has a number of its own, made of its text, with a form's number where there are
several: `3fa1c2  Paused` or `3fa1c2.0  {n} file`. A list of translations has the same lines, each with the
translation in place of the English, and lines that begin with # count for nothing. What is wrong is not
taken, the rest is. A line break inside a message is written \\n.
"""

import hashlib
import re
import subprocess
import sys
from pathlib import Path

import po_files
from po_files import PO

LINE = re.compile(r"([0-9a-f]{6})(?:\.(\d))?[ \t]+(.*)")


def number_of(entry):
    return hashlib.sha1("\0".join(part or "" for part in entry.key).encode()).hexdigest()[:6]


def forms(path):
    return int(re.search(r"nplurals=(\d)", po_files.header(path)["Plural-Forms"])[1])


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t") + '"'


def begin(path):
    name, plurals = po_files.LANGUAGES[path.stem]
    text = (PO / "freshet.pot").read_text(encoding="utf-8")
    text = text.replace("# Messages of Freshet.", f"# {name} messages of Freshet.", 1)
    text = text.replace("# FIRST AUTHOR <EMAIL@ADDRESS>, YEAR.", "# The Freshet developers, 2026.", 1)
    fields = {
        "Project-Id-Version": "freshet",
        "PO-Revision-Date": "2026-11-26 12:00+0000",
        "Last-Translator": "The Freshet developers",
        "Language-Team": name,
        "Language": path.stem,
    }
    for field, value in fields.items():
        text = re.sub(rf'^"{field}: .*\\n"$', lambda _, f=field, v=value: f'"{f}: {v}\\n"', text, count=1, flags=re.M)
    text = re.sub(r'^"Plural-Forms: .*\n', "", text, count=1, flags=re.M)
    encoding = '"Content-Transfer-Encoding: 8bit\\n"\n'
    text = text.replace(encoding, f'{encoding}"Plural-Forms: {plurals}\\n"\n', 1)
    path.write_text(re.sub(r"^#, fuzzy\n", "", text, count=1, flags=re.M), encoding="utf-8")


def print_list(path, whole):
    count = forms(path)
    for entry in po_files.entries(path)[1:]:
        if entry.is_translated() != whole:
            continue
        about = "; ".join([*([f"context: {entry.context}"] if entry.context else []), *entry.notes])
        print(f"# {' '.join(dict.fromkeys(entry.places))}" + (f": {about}" if about else ""))
        shown = entry.translations if whole else []
        if entry.plural is None:
            lines = [(number_of(entry), entry.id)]
        else:
            print(f"# one: {entry.id}")
            lines = [(f"{number_of(entry)}.{form}", entry.plural) for form in range(count)]
        for at, (number, english) in enumerate(lines):
            if whole and entry.plural is None:
                print("#", english.replace("\n", "\\n"))
            print(f"{number}\t{(shown[at] if at < len(shown) else english)}".replace("\n", "\\n"))


def read_list(file):
    """Returns {(number, form): translation}, and the lines that are none."""
    found, odd = {}, []
    for at, line in enumerate(Path(file).read_text(encoding="utf-8").split("\n"), 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = LINE.fullmatch(line)
        if match:
            found[match[1], int(match[2] or 0)] = match[3].replace("\\n", "\n")
        else:
            odd.append(f"{file}:{at}: no number at the beginning: {line}")
    return found, odd


def merge(path, file):
    found, problems = read_list(file)
    all_entries, count, same = po_files.entries(path), forms(path), po_files.may_be_english(path.stem)
    taken, known = 0, set()
    for entry in all_entries[1:]:
        number = number_of(entry)
        wanted = 1 if entry.plural is None else count
        texts = [found.get((number, form)) for form in range(wanted)]
        known |= {(number, form) for form in range(wanted)}
        if not any(texts):
            continue
        if not all(texts):
            problems.append(f"{number}: needs {wanted} forms: {entry.plural!r}")
            continue
        before, entry.translations = entry.translations, texts
        wrong = list(po_files.problems_of_entry(entry, same, path.stem))
        if wrong:
            problems += [f"{number}: {problem}" for problem in wrong]
            entry.translations = before
            continue
        entry.is_fuzzy = False
        taken += 1
    problems += [f"{number}.{form}: there is no such message" for number, form in found.keys() - known]
    write(path, all_entries)
    for problem in problems:
        print(problem, file=sys.stderr)
    left = sum(not entry.is_translated() for entry in all_entries[1:])
    print(f"{taken} messages taken, {len(problems)} problems, {left} messages left")
    return 1 if problems else 0


def write(path, all_entries):
    """Writes the translations, and lets gettext lay them out with the template's comments."""
    head = path.read_text(encoding="utf-8").split('\nmsgid ""', 1)[0]
    lines = [head]
    for entry in all_entries:
        if entry.is_fuzzy:
            lines.append("#, fuzzy")
        if entry.context:
            lines.append(f"msgctxt {quoted(entry.context)}")
        lines.append(f"msgid {quoted(entry.id)}")
        if entry.plural is None:
            lines.append(f"msgstr {quoted(entry.translations[0])}")
        else:
            lines.append(f"msgid_plural {quoted(entry.plural)}")
            lines += [f"msgstr[{form}] {quoted(text)}" for form, text in enumerate(entry.translations)]
        lines.append("")
    merged = subprocess.run(
        ["msgmerge", "--quiet", "--no-wrap", "--no-fuzzy-matching", "-o", "-", "-", PO / "freshet.pot"],
        input="\n".join(lines).encode(),
        stdout=subprocess.PIPE,
        check=True,
    ).stdout
    laid_out = subprocess.run(
        ["msgattrib", "--no-obsolete", "--no-wrap", "-"], input=merged, stdout=subprocess.PIPE, check=True
    ).stdout
    path.write_bytes(laid_out)


def main():
    match sys.argv[1:]:
        case ["new", language] if language in po_files.LANGUAGES and not (PO / f"{language}.po").exists():
            begin(PO / f"{language}.po")
        case ["todo" | "all" as what, language] if (PO / f"{language}.po").exists():
            print_list(PO / f"{language}.po", what == "all")
        case ["merge", language, file] if (PO / f"{language}.po").exists():
            return merge(PO / f"{language}.po", file)
        case _:
            print(__doc__, file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
