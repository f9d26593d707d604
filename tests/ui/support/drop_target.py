#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A window that files can be dropped on, in GTK 3 as file managers were. It writes what it is offered, and
what it gets: addresses, or, if it takes another target than those, the content.

drop_target.py TITLE [TARGET]
"""

import sys

import gi

gi.require_version("Gdk", "3.0")
gi.require_version("Gtk", "3.0")
from gi.repository import Gdk, Gtk  # noqa: E402


def main():
    title, target = [*sys.argv[1:], "text/uri-list"][:2]
    window = Gtk.Window(title=title)
    window.set_default_size(240, 120)
    entries = [Gtk.TargetEntry.new(target, 0, 0)]
    window.drag_dest_set(Gtk.DestDefaults.ALL, entries, Gdk.DragAction.COPY)

    def received(_widget, context, _x, _y, selection, _info, _time):
        print("offers", *(target.name() for target in context.list_targets()), flush=True)
        is_list = target == "text/uri-list"
        print("files", *(selection.get_uris() if is_list else [selection.get_data().decode().strip("\0")]), flush=True)

    window.connect("drag-data-received", received)
    window.connect("destroy", Gtk.main_quit)
    window.show_all()
    print("shown", flush=True)
    Gtk.main()


main()
