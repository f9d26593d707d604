#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the help speaks of what is there: that it is well-formed, that its links lead somewhere and nothing is left out of its
table of contents, and that the words of the window, the keys and the options that it names are those of the program.
Prints what is wrong and exits with 1, or says how much was looked up."""

import re
import sys
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/help/C/freshet.html"
XHTML = "{http://www.w3.org/1999/xhtml}"
# As the toolkit calls them.
KEYS = {",": "comma", "?": "question", "Space": "space"}
MODIFIERS = {"Ctrl": "<Control>", "Shift": "<Shift>", "Alt": "<Alt>"}


def messages():
    """What the window says, without the letters for menus and the sign that a dialog follows."""
    template = (ROOT / "po/freshet.pot").read_text(encoding="utf-8")
    return {bare(text) for text in re.findall(r'^msgid(?:_plural)? "(.+)"$', template, re.M)}


def bare(text):
    return text.replace("_", "").removesuffix("…")


def key(text):
    *modifiers, name = text.split("+") if text != "Ctrl++" else ("Ctrl", "+")
    if len(name) == 1 and name.isalpha():
        name = name.lower()
    return "".join(MODIFIERS.get(modifier, "?") for modifier in modifiers) + KEYS.get(name, name)


def main():
    wrong, looked_up = [], 0
    try:
        page = ElementTree.fromstring(PAGE.read_text(encoding="utf-8"))
    except ElementTree.ParseError as error:
        sys.exit(f"{PAGE.relative_to(ROOT)}: {error}")
    every = lambda tag: ["".join(node.itertext()) for node in page.iter(XHTML + tag)]  # noqa: E731

    ids = [node.get("id") for node in page.iter() if node.get("id")]
    links = [node.get("href") for node in page.iter(XHTML + "a")]
    wrong += [f"the link {link} leads nowhere" for link in links if link.removeprefix("#") not in ids]
    headings = [node.get("id") for node in page.iter(XHTML + "h2")]
    contents = [node.get("href", "").removeprefix("#") for node in page.find(f".//{XHTML}nav").iter(XHTML + "a")]
    if headings != contents:
        wrong.append(f"the table of contents is not that of the headings: {contents} {headings}")

    said = messages()
    words = [re.sub(r"\s+", " ", text) for text in every("b")]
    wrong += [f"no window says “{text}”" for text in words if bare(text) not in said]
    overlay = (ROOT / "data/resources/shortcuts.ui").read_text(encoding="utf-8")
    overlay = overlay.replace("&lt;", "<").replace("&gt;", ">")
    known = {one for keys in re.findall(r'"accelerator">([^<]*(?:<\w+>[^<]*)*)</property', overlay) for one in keys.split()}
    wrong += [f"no action has the key {text}" for text in every("kbd") if key(text) not in known]
    manual = (ROOT / "data/man/freshet-get.1").read_text(encoding="utf-8").replace("\\-", "-")
    typed = " ".join(every("pre"))
    options = re.findall(r"(?<=\s)--?[\w-]+", typed)
    wrong += [f"freshet get has no option {option}" for option in options if option not in manual]
    looked_up = len(links) + len(words) + len(every("kbd")) + len(options)

    for what in wrong:
        print(f"{PAGE.relative_to(ROOT)}: {what}")
    print(f"help: {looked_up} links, words, keys and options looked up, {len(wrong)} wrong")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
