#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps a text on the clipboard of X11, as the program that it was copied in does.

clipboard.py text TEXT
clipboard.py page TEXT    a piece of a page with TEXT as its links, one a line, and a text that has none of them
"""

import sys

import gi

gi.require_version("Gdk", "3.0")
gi.require_version("Gtk", "3.0")
from gi.repository import Gdk, Gtk  # noqa: E402


def own(content):
    """Offers this content by its types."""
    owner = Gtk.Invisible()
    owner.realize()
    for number, kind in enumerate(content):
        Gtk.selection_add_target(owner, Gdk.SELECTION_CLIPBOARD, Gdk.atom_intern(kind, False), number)

    def give(_widget, selection, *_):
        selection.set(selection.get_target(), 8, content[selection.get_target().name()])

    owner.connect("selection-get", give)
    Gtk.selection_owner_set(owner, Gdk.SELECTION_CLIPBOARD, Gdk.CURRENT_TIME)
    return owner


kind, text = sys.argv[1:]
if kind == "page":
    links = "".join(f"<li><a href='{link}'>here</a></li>" for link in text.splitlines())
    kept = own({"text/html": f"<meta charset='utf-8'><ul>{links}</ul>".encode(), "text/plain;charset=utf-8": b"here"})
else:
    Gtk.Clipboard.get(Gdk.SELECTION_CLIPBOARD).set_text(text, -1)
Gdk.Display.get_default().sync()
print("copied", flush=True)
Gtk.main()
