#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks that no message is lost on its way from the sources to the user.

The list of files, the template and the translations must fit the sources; every message in the Rust
sources, found by a scanner of our own, must be in the template that xgettext made of them.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PO = ROOT / "po"

# Function -> the roles of its first arguments.
FUNCTIONS = {
    "gettext": ("id",),
    "gettext_f": ("id",),
    "ngettext": ("id", "plural"),
    "ngettext_f": ("id", "plural"),
    "pgettext": ("context", "id"),
}
DEFINITIONS = ROOT / "src/i18n.rs"

TOKEN = re.compile(
    r"""
      (?P<skip>\s+|//[^\n]*|/\*.*?\*/)
    | (?P<raw>[bc]?r(?P<hashes>\#*)".*?"(?P=hashes))
    | (?P<bytes>[bc]"(?:[^"\\]|\\.)*")
    | (?P<string>"(?:[^"\\]|\\.)*")
    | (?P<char>b?'(?:[^'\\]|\\[^u]|\\u\{[^}]*\})'|b?'\\x..')
    | (?P<word>'?\w+)
    | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
ESCAPE = re.compile(r"\\(u\{([0-9a-fA-F_]+)\}|x([0-9a-fA-F]{2})|\n\s*|.)", re.DOTALL)
PLAIN_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", '"': '"', "\\": "\\", "'": "'"}


def unescape(literal):
    def value(match):
        code = match[2] or match[3]
        if code:
            return chr(int(code.replace("_", ""), 16))
        return PLAIN_ESCAPES.get(match[1], "")  # a backslash at the end of a line joins the lines

    return ESCAPE.sub(value, literal[1:-1])


def rust_messages(path):
    """Yields (line, message) for each call; the message is None when it is not a plain literal."""
    source = path.read_text(encoding="utf-8").split("\n#[cfg(test)]\nmod tests")[0]
    tokens = [
        (match.lastgroup if match.lastgroup != "hashes" else "raw", match[0], match.start())
        for match in TOKEN.finditer(source)
        if match.lastgroup != "skip"
    ]
    for at, (_, text, start) in enumerate(tokens):
        called = tokens[at + 1 : at + 2] and tokens[at + 1][1] == "("
        if text not in FUNCTIONS or not called:
            continue
        message, arguments = {}, tokens[at + 2 :]
        for role in FUNCTIONS[text]:
            kind, literal, _ = arguments[0]
            if kind != "string" or "\n" in literal or arguments[1][1] not in ",)":
                message = None
                break
            message[role] = unescape(literal)
            arguments = arguments[2:]
        line = source.count("\n", 0, start) + 1
        yield line, message and (message.get("context"), message["id"], message.get("plural"))


def po_entries(path):
    """Returns {(context, id, plural): [translations]} of a .po or .pot file."""
    entries, field, entry = {}, None, {}

    def finish():
        if "msgid" in entry:
            key = (entry.get("msgctxt"), entry["msgid"], entry.get("msgid_plural"))
            entries[key] = [text for name, text in entry.items() if name.startswith("msgstr")]
        entry.clear()

    for line in path.read_text(encoding="utf-8").splitlines():
        match = re.match(r'(msg\w+(?:\[\d+\])?)?\s*(".*")$', line)
        if not match:
            continue
        if match[1]:
            field = match[1]
            if field == "msgctxt" or (field == "msgid" and ("msgid" in entry)):
                finish()
            entry[field] = ""
        entry[field] += unescape(match[2])
    finish()
    entries.pop((None, "", None), None)
    return entries


def names(message):
    return set(re.findall(r"\{(\w+)\}", message or ""))


def files_with_messages():
    for path in sorted((ROOT / "src").rglob("*.rs")):
        if path != DEFINITIONS and any(True for _ in rust_messages(path)):
            yield path
    for folder in ("src", "data"):
        for path in sorted((ROOT / folder).rglob("*.ui")):
            if 'translatable="' in path.read_text(encoding="utf-8"):
                yield path
    yield from (ROOT / "data").glob("*.desktop.in")
    yield from (ROOT / "data").glob("*.metainfo.xml.in")


def check_list_of_files():
    listed = [line for line in (PO / "POTFILES.in").read_text().splitlines() if not line.startswith("#")]
    actual = {str(path.relative_to(ROOT)) for path in files_with_messages()}
    for path in sorted(actual - set(listed)):
        yield f"po/POTFILES.in lacks {path}"
    for path in sorted(set(listed) - actual):
        yield f"po/POTFILES.in lists {path}, which has no messages"
    if listed != sorted(set(listed)):
        yield "po/POTFILES.in is not sorted, or lists a file twice"


def check_template():
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder) / "freshet.pot"
        subprocess.run([ROOT / "build-aux/update-po.sh", fresh], check=True)
        if fresh.read_text() != (PO / "freshet.pot").read_text():
            yield "po/freshet.pot is out of date: run build-aux/update-po.sh"


def check_rust_messages(template):
    for path in sorted((ROOT / "src").rglob("*.rs")):
        if path == DEFINITIONS:
            continue
        for line, message in rust_messages(path):
            place = f"{path.relative_to(ROOT)}:{line}"
            if message is None:
                yield f"{place}: a message must be a plain literal on one line"
            # A message that is used both alone and with a plural has one entry, with the plural.
            elif not any(key[:2] == message[:2] and message[2] in (None, key[2]) for key in template):
                yield f"{place}: not in po/freshet.pot: {message[1]!r}"


def check_translation(path, template):
    place = path.relative_to(ROOT)
    result = subprocess.run(["msgfmt", "--check", "-o", "/dev/null", path], capture_output=True, text=True)
    if result.returncode:
        yield result.stderr.strip()
        return
    fuzzy = subprocess.run(["msgattrib", "--only-fuzzy", "--no-obsolete", path], capture_output=True, text=True)
    if "msgid" in fuzzy.stdout:
        yield f"{place} has fuzzy messages"
    entries = po_entries(path)
    for key in template.keys() - entries.keys():
        yield f"{place} lacks {key[1]!r}: run build-aux/update-po.sh and translate it"
    for key in entries.keys() - template.keys():
        yield f"{place} has {key[1]!r}, which the template has not: run build-aux/update-po.sh"
    for (_, singular, plural), translations in entries.items():
        if not translations or not all(translations):
            yield f"{place}: {singular!r} is not translated"
            continue
        # A form for one thing may leave out the number where the original does so too.
        allowed = [names(singular)] if plural is None else [names(plural), names(singular)]
        for translation in translations:
            if names(translation) not in allowed:
                yield f"{place}: the names in braces differ: {singular!r} and {translation!r}"


def check_languages(template):
    languages = (PO / "LINGUAS").read_text().split()
    translations = sorted(PO.glob("*.po"))
    if languages != [path.stem for path in translations]:
        yield "po/LINGUAS does not list exactly the languages of po/*.po, sorted"
    for path in translations:
        yield from check_translation(path, template)


def main():
    template = po_entries(PO / "freshet.pot")
    problems = [
        *check_list_of_files(),
        *check_template(),
        *check_rust_messages(template),
        *check_languages(template),
    ]
    for problem in problems:
        print(problem, file=sys.stderr)
    if not problems:
        print(f"{len(template)} messages, languages: {' '.join((PO / 'LINGUAS').read_text().split())}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
