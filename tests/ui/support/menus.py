# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in the menus, read from their definition: GTK 4.24 gives the items no names."""

import xml.etree.ElementTree
from pathlib import Path

UI = Path(__file__).resolve().parents[3] / "src" / "ui"


def _label(node):
    return node.find("attribute[@name='label']").text.replace("_", "")


def _items(menu):
    for node in menu:
        if node.tag == "section":
            yield from _items(node)
        elif node.tag in ("item", "submenu"):
            yield node


def pages():
    """Each page of each menu, as the words of its items. The page of a submenu begins with the way back."""
    for path in sorted(UI.glob("*.ui")):
        tree = xml.etree.ElementTree.parse(path)
        for menu in tree.iter("menu"):
            yield [_label(item) for item in _items(menu)]
        for menu in tree.iter("submenu"):
            yield [_label(menu), *(_label(item) for item in _items(menu))]


def place(words, count):
    """Where this item is on the page that has so many; None where there is no such page."""
    # The first item of a submenu's page leads back to where it was opened.
    places = (len(page) - 1 - page[::-1].index(words) for page in pages() if len(page) == count and words in page)
    return next(places, None)
