#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks that no message is lost on its way from the sources to the user.

The list of files, the template and the translations must fit the sources; every message in the Rust
sources, found by a scanner of our own, must be in the template that xgettext made of them. In each language
no two items of a menu, and no two buttons of a window, may have the same letter.
"""

import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree
from pathlib import Path

import po_files
from po_files import PO, unescape

ROOT = Path(__file__).resolve().parent.parent

# Function -> the roles of its first arguments.
FUNCTIONS = {
    "gettext": ("id",),
    "gettext_f": ("id",),
    "ngettext": ("id", "plural"),
    "ngettext_f": ("id", "plural"),
    "pgettext": ("context", "id"),
    "pgettext_f": ("context", "id"),
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


def check_rust_messages(keys):
    for path in sorted((ROOT / "src").rglob("*.rs")):
        if path == DEFINITIONS:
            continue
        for line, message in rust_messages(path):
            place = f"{path.relative_to(ROOT)}:{line}"
            if message is None:
                yield f"{place}: a message must be a plain literal on one line"
            # A message that is used both alone and with a plural has one entry, with the plural.
            elif not any(key[:2] == message[:2] and message[2] in (None, key[2]) for key in keys):
                yield f"{place}: not in po/freshet.pot: {message[1]!r}"


def check_languages(template):
    """A language that is not listed yet is being worked on, and may have gaps."""
    languages = (PO / "LINGUAS").read_text().split()
    if languages != sorted(set(languages)):
        yield "po/LINGUAS is not sorted, or lists a language twice"
    for language in languages:
        path = PO / f"{language}.po"
        if not path.exists():
            yield f"po/LINGUAS lists {language}, but po/{language}.po is not there"
            continue
        yield from (f"po/{path.name}: {problem}" for problem in po_files.problems_of(path, template))


def letter_of(label):
    """What opens it with Alt, or in a menu alone; None where nothing does."""
    found = re.search(r"_([^_])", label)
    return found and found[1].lower()


def items_of(menu):
    """The items of one page of a menu: those of its sections, and not those of its submenus."""
    for node in menu:
        if node.tag == "section":
            yield from items_of(node)
        elif node.tag in ("item", "submenu"):
            yield node


def label_of(item):
    label = item.find("attribute[@name='label']")
    return label.get("context"), label.text


def pages_of_menus():
    """What can be seen at the same time in a menu. The page of a submenu begins with the submenu's own label."""
    for path in sorted((ROOT / "src").rglob("*.ui")):
        for menu in xml.etree.ElementTree.parse(path).iter():
            if menu.tag in ("menu", "submenu"):
                own = [label_of(menu)] if menu.tag == "submenu" else []
                yield path.name, own + [label_of(item) for item in items_of(menu)]
    # The menu of a download is made as it is opened.
    labels = [message[:2] for _, message in rust_messages(ROOT / "src/ui/actions.rs") if message and "_" in message[1]]
    queue = [label for label in labels if re.match(r"Move (to )?_", label[1])]
    heading = (None, "_Queue")
    yield "the menu of a download", [heading, *(label for label in labels if label not in queue)]
    yield "the menu “Queue” of a download", [heading, *queue]


# Templates that are parts of one window.
WINDOWS = (
    ("window.ui", "clipboard_offer.ui", "details_pane.ui", "event_log.ui"),
    ("add_dialog.ui", "add_options.ui", "add_preview.ui"),
    *((name,) for name in ("history_window.ui", "limit_dialog.ui", "renew_dialog.ui", "rule_dialog.ui")),
)


def windows():
    """What can be seen at the same time in a window, and has a letter."""
    for parts in WINDOWS:
        labels = []
        for part in parts:
            for node in xml.etree.ElementTree.parse(ROOT / "src/ui" / part).iter("property"):
                if node.get("translatable") and letter_of(node.text):
                    labels.append((node.get("context"), node.text))
        yield parts[0], labels
    # The questions: their answers are given together.
    for path in sorted((ROOT / "src/ui").rglob("*.rs")):
        source = path.read_text(encoding="utf-8")
        for answers in re.findall(r"add_responses\(.*?\);", source, re.DOTALL):
            yield path.name, [(None, label) for label in re.findall(r'gettext\("([^"]*)"\)', answers)]


def check_letters(template):
    """In a menu each item has a letter that no other one has: of two, the first would be chosen by either's. So have
    the buttons and rows of a window that have one."""
    spoken = {"en": {entry.key[:2]: [entry.id, entry.plural] for entry in template}}
    for language in (PO / "LINGUAS").read_text().split():
        spoken[language] = {entry.key[:2]: entry.translations for entry in po_files.entries(PO / f"{language}.po")}
    for place, page in [*pages_of_menus(), *windows()]:
        for language, texts in spoken.items():
            taken = {}
            for label in page:
                for text in filter(None, texts[label]):
                    letter = letter_of(text)
                    other = taken.setdefault(letter, (label, text))
                    if letter is None:
                        yield f"{place}, {language}: {text!r} has no letter"
                    elif other[0] != label:
                        yield f"{place}, {language}: {other[1]!r} and {text!r} have the same letter"


def main():
    template = po_files.entries(PO / "freshet.pot")
    problems = [
        *check_list_of_files(),
        *check_template(),
        *check_rust_messages({entry.key for entry in template}),
        *check_languages(template),
        *check_letters(template),
    ]
    for problem in problems:
        print(problem, file=sys.stderr)
    if not problems:
        print(f"{len(template) - 1} messages, languages: {' '.join((PO / 'LINGUAS').read_text().split())}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
