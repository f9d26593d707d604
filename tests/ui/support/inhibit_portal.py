#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands in for the portal that keeps the machine awake: writes each call to standard output, as
desktop_services.py does. services.py speaks to it."""

import sys

from desktop_services import write
from gi.repository import Gio, GLib

NAME, PATH = "org.freedesktop.portal.Desktop", "/org/freedesktop/portal/desktop"
NODES = Gio.DBusNodeInfo.new_for_xml("""
<node>
  <interface name="org.freedesktop.portal.Inhibit">
    <method name="Inhibit">
      <arg type="s" direction="in"/><arg type="u" direction="in"/><arg type="a{sv}" direction="in"/>
      <arg type="o" direction="out"/>
    </method>
    <property name="version" type="u" access="read"/>
  </interface>
  <interface name="org.freedesktop.portal.Request"><method name="Close"/></interface>
</node>
""")
INHIBIT, REQUEST = NODES.interfaces


def called(bus, sender, path, _interface, method, arguments, invocation):
    # What is inhibited ends when its handle is closed.
    write({"call": method, "arguments": [path] if method == "Close" else arguments.unpack()})
    if method != "Inhibit":
        return invocation.return_value(None)
    token = arguments.unpack()[2].get("handle_token", "none")
    handle = f"{PATH}/request/{sender[1:].replace('.', '_')}/{token}"
    bus.register_object(handle, REQUEST, called, None, None)
    return invocation.return_value(GLib.Variant("(o)", (handle,)))


if __name__ == "__main__":
    session, loop = Gio.bus_get_sync(Gio.BusType.SESSION), GLib.MainLoop()
    session.register_object(PATH, INHIBIT, called, lambda *_: GLib.Variant("u", 3), None)
    # The real one may run already, and lets itself be replaced.
    flags = Gio.BusNameOwnerFlags.DO_NOT_QUEUE | Gio.BusNameOwnerFlags.REPLACE
    Gio.bus_own_name_on_connection(session, NAME, flags, lambda *_: write("ready"), lambda *_: loop.quit())
    GLib.io_add_watch(sys.stdin, GLib.PRIORITY_DEFAULT, GLib.IO_HUP, lambda *_: loop.quit())
    loop.run()
