#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands in for what a desktop puts behind the portals that do nothing in a session of tests: keeping the
machine awake, running without a window, choosing a program for a file, secrets. Writes each call, and when it came, to
standard output, one JSON value a line, as desktop_services.py does; portals/tests.portal names it."""

import json
import sys
import time

from gi.repository import Gio, GLib

NAME = "org.freedesktop.impl.portal.desktop.tests"
PATH = "/org/freedesktop/portal/desktop"
INTERFACES = """
<node>
  <interface name="org.freedesktop.impl.portal.AppChooser">
    <method name="ChooseApplication">
      <arg type="o" direction="in"/><arg type="s" direction="in"/><arg type="s" direction="in"/>
      <arg type="as" direction="in"/><arg type="a{sv}" direction="in"/>
      <arg type="u" direction="out"/><arg type="a{sv}" direction="out"/>
    </method>
    <method name="UpdateChoices"><arg type="o" direction="in"/><arg type="as" direction="in"/></method>
  </interface>
  <interface name="org.freedesktop.impl.portal.Background">
    <method name="GetAppState"><arg type="a{sv}" direction="out"/></method>
    <method name="NotifyBackground">
      <arg type="o" direction="in"/><arg type="s" direction="in"/><arg type="s" direction="in"/>
      <arg type="u" direction="out"/><arg type="a{sv}" direction="out"/>
    </method>
    <method name="EnableAutostart">
      <arg type="s" direction="in"/><arg type="b" direction="in"/><arg type="as" direction="in"/>
      <arg type="u" direction="in"/><arg type="b" direction="out"/>
    </method>
    <signal name="RunningApplicationsChanged"/>
  </interface>
  <interface name="org.freedesktop.impl.portal.Inhibit">
    <method name="Inhibit">
      <arg type="o" direction="in"/><arg type="s" direction="in"/><arg type="s" direction="in"/>
      <arg type="u" direction="in"/><arg type="a{sv}" direction="in"/>
    </method>
    <method name="CreateMonitor">
      <arg type="o" direction="in"/><arg type="o" direction="in"/><arg type="s" direction="in"/>
      <arg type="s" direction="in"/><arg type="u" direction="out"/>
    </method>
    <method name="QueryEndResponse"><arg type="o" direction="in"/></method>
    <signal name="StateChanged"><arg type="o"/><arg type="a{sv}"/></signal>
  </interface>
  <interface name="org.freedesktop.impl.portal.Secret">
    <method name="RetrieveSecret">
      <arg type="o" direction="in"/><arg type="s" direction="in"/><arg type="h" direction="in"/>
      <arg type="a{sv}" direction="in"/><arg type="u" direction="out"/><arg type="a{sv}" direction="out"/>
    </method>
  </interface>
  <interface name="org.freedesktop.impl.portal.Request"><method name="Close"/></interface>
  <interface name="org.freedesktop.impl.portal.Session"><method name="Close"/></interface>
</node>
"""


class Backend:
    def __init__(self, loop):
        self._bus = Gio.bus_get_sync(Gio.BusType.SESSION)
        *interfaces, self._request, self._session = Gio.DBusNodeInfo.new_for_xml(INTERFACES).interfaces
        for interface in interfaces:
            self._bus.register_object(PATH, interface, self._call, None, None)
        Gio.bus_own_name_on_connection(self._bus, NAME, Gio.BusNameOwnerFlags.NONE, lambda *_: write("ready"), None)
        GLib.io_add_watch(sys.stdin, GLib.PRIORITY_DEFAULT, GLib.IO_HUP, lambda *_: loop.quit())

    def _call(self, _bus, _sender, path, _interface, method, arguments, invocation):
        arguments = arguments.unpack()
        # What is inhibited ends when its handle is closed.
        write({"call": method, "arguments": [path] if method == "Close" else arguments, "at": time.monotonic()})
        if method == "Inhibit":
            self._bus.register_object(arguments[0], self._request, self._call, None, None)
        if method == "CreateMonitor":
            self._bus.register_object(arguments[1], self._session, self._call, None, None)
        if method == "RetrieveSecret":
            # What encrypts the program's own keyring; the same at each call.
            with open(invocation.get_message().get_unix_fd_list().get(arguments[2]), "wb") as pipe:
                pipe.write(bytes(range(64)))
        answers = {
            # The program of the tests.
            "ChooseApplication": lambda: ("(ua{sv})", (0, {"choice": GLib.Variant("s", "probe")})),
            "CreateMonitor": lambda: ("(u)", (0,)),
            "EnableAutostart": lambda: ("(b)", (arguments[1],)),
            "GetAppState": lambda: ("(a{sv})", ({},)),
            "RetrieveSecret": lambda: ("(ua{sv})", (0, {})),
            "NotifyBackground": lambda: ("(ua{sv})", (0, {})),
        }
        kind, value = answers.get(method, lambda: ("()", ()))()
        invocation.return_value(GLib.Variant(kind, value))


def write(value):
    print(json.dumps(value, default=str), flush=True)


if __name__ == "__main__":
    main_loop = GLib.MainLoop()
    Backend(main_loop)
    main_loop.run()
