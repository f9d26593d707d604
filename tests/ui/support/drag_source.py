#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A window with one link that can be dragged out of it, in GTK 3 as other programs have it.

drag_source.py TITLE KIND TEXT, where KIND is what the drag offers:
  uri-list  text/uri-list, as a file manager or a GTK program does
  text      text/plain only, as an editor does
  browser   text/x-moz-url, text/html and text/plain and no list of URIs, as Firefox and Chromium do
  page      a piece of a page: text/html with TEXT, one link a line, and a text that has none of them
  html      the same as text/html only
  portal    the file of that path by the portal that hands files over to programs in sandboxes
"""

import os
import sys

import gi

gi.require_version("Gdk", "3.0")
gi.require_version("Gtk", "3.0")
from gi.repository import Gdk, Gio, GLib, Gtk  # noqa: E402

TARGETS = {
    "uri-list": ["text/uri-list"],
    "text": ["text/plain;charset=utf-8", "text/plain", "UTF8_STRING"],
    "browser": ["text/x-moz-url", "text/html", "text/plain;charset=utf-8", "text/plain", "UTF8_STRING"],
    "page": ["text/html", "text/plain;charset=utf-8", "text/plain", "UTF8_STRING"],
    "html": ["text/html"],
    "portal": ["application/vnd.portal.filetransfer"],
}


# What is handed over is so as long as this is open.
BUS = Gio.bus_get_sync(Gio.BusType.SESSION)


def ask_to_transfer(method, parameters, files=None):
    place = ("org.freedesktop.portal.Documents", "/org/freedesktop/portal/documents")
    arguments = (parameters, None, Gio.DBusCallFlags.NONE, 5000, files, None)
    return BUS.call_with_unix_fd_list_sync(*place, "org.freedesktop.portal.FileTransfer", method, *arguments)[0]


def handed_over(path):
    """The key for which the portal gives the file to whom it is dropped on."""
    key = ask_to_transfer("StartTransfer", GLib.Variant("(a{sv})", ({},))).unpack()[0]
    files = Gio.UnixFDList()
    descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    files.append(descriptor)
    os.close(descriptor)
    ask_to_transfer("AddFiles", GLib.Variant("(saha{sv})", (key, [0], {})), files)
    return key.encode()


def content(target, text, kind):
    if kind in ("page", "html"):
        links = "".join(f"<li><a href='{link}'>here</a></li>" for link in text.splitlines())
        return (f"<meta charset='utf-8'><ul>{links}</ul>" if target == "text/html" else "here\nhere").encode()
    if target == "application/vnd.portal.filetransfer":
        return handed_over(text)
    if target == "text/uri-list":
        return (text + "\r\n").encode()
    if target == "text/x-moz-url":
        return f"{text}\nA link".encode("utf-16-le")
    if target == "text/html":
        return f'<a href="{text}">A link</a>'.encode()
    return text.encode()


def main():
    title, kind, text = sys.argv[1:]
    window = Gtk.Window(title=title)
    window.set_default_size(240, 120)
    handle = Gtk.EventBox()
    handle.add(Gtk.Label(label=text))
    entries = [Gtk.TargetEntry.new(name, 0, 0) for name in TARGETS[kind]]
    handle.drag_source_set(Gdk.ModifierType.BUTTON1_MASK, entries, Gdk.DragAction.COPY | Gdk.DragAction.LINK)

    def give(_widget, _context, selection, _info, _time):
        selection.set(selection.get_target(), 8, content(selection.get_target().name(), text, kind))

    handle.connect("drag-data-get", give)
    window.add(handle)
    window.connect("destroy", Gtk.main_quit)
    window.show_all()
    print("shown", flush=True)
    Gtk.main()


main()
