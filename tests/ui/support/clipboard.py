#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps a text on the clipboard of X11, as the program that it was copied in does.

clipboard.py TEXT
"""

import sys

import gi

gi.require_version("Gdk", "3.0")
gi.require_version("Gtk", "3.0")
from gi.repository import Gdk, Gtk  # noqa: E402

clipboard = Gtk.Clipboard.get(Gdk.SELECTION_CLIPBOARD)
clipboard.set_text(sys.argv[1], -1)
Gdk.Display.get_default().sync()
print("copied", flush=True)
Gtk.main()
