#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands in for the services of a desktop on the session bus: writes each call and each signal of the
launcher, and when it came, to standard output, one JSON value a line, and sends the signals it is told to
on standard input. Writes a first line as soon as it has all its names. services.py speaks to it."""

import json
import sys
import time

from gi.repository import Gio, GLib

INTERFACES = """
<node>
  <interface name="org.freedesktop.Notifications">
    <method name="Notify">
      <arg type="s" direction="in"/><arg type="u" direction="in"/><arg type="s" direction="in"/>
      <arg type="s" direction="in"/><arg type="s" direction="in"/><arg type="as" direction="in"/>
      <arg type="a{sv}" direction="in"/><arg type="i" direction="in"/><arg type="u" direction="out"/>
    </method>
    <method name="CloseNotification"><arg type="u" direction="in"/></method>
    <method name="GetCapabilities"><arg type="as" direction="out"/></method>
    <method name="GetServerInformation">
      <arg type="s" direction="out"/><arg type="s" direction="out"/><arg type="s" direction="out"/>
      <arg type="s" direction="out"/>
    </method>
    <signal name="ActionInvoked"><arg type="u"/><arg type="s"/></signal>
    <signal name="NotificationClosed"><arg type="u"/><arg type="u"/></signal>
  </interface>
  <interface name="org.gnome.SessionManager">
    <method name="Inhibit">
      <arg type="s" direction="in"/><arg type="u" direction="in"/><arg type="s" direction="in"/>
      <arg type="u" direction="in"/><arg type="u" direction="out"/>
    </method>
    <method name="Uninhibit"><arg type="u" direction="in"/></method>
    <method name="RegisterClient">
      <arg type="s" direction="in"/><arg type="s" direction="in"/><arg type="o" direction="out"/>
    </method>
    <method name="Shutdown"/>
  </interface>
  <interface name="org.freedesktop.login1.Manager">
    <method name="CanSuspend"><arg type="s" direction="out"/></method>
    <method name="CanPowerOff"><arg type="s" direction="out"/></method>
    <method name="Suspend"><arg type="b" direction="in"/></method>
    <method name="PowerOff"><arg type="b" direction="in"/></method>
    <property name="BlockInhibited" type="s" access="read"/>
  </interface>
  <interface name="org.freedesktop.FileManager1">
    <method name="ShowItems"><arg type="as" direction="in"/><arg type="s" direction="in"/></method>
  </interface>
  <interface name="org.freedesktop.NetworkManager">
    <property name="State" type="u" access="read"/>
    <property name="Connectivity" type="u" access="read"/>
    <property name="Metered" type="u" access="read"/>
  </interface>
</node>
"""
# Interface: its name on the bus and its object.
PLACES = {
    "org.freedesktop.Notifications": ("org.freedesktop.Notifications", "/org/freedesktop/Notifications"),
    "org.gnome.SessionManager": ("org.gnome.SessionManager", "/org/gnome/SessionManager"),
    "org.freedesktop.login1.Manager": ("org.freedesktop.login1", "/org/freedesktop/login1"),
    "org.freedesktop.FileManager1": ("org.freedesktop.FileManager1", "/org/freedesktop/FileManager1"),
    "org.freedesktop.NetworkManager": ("org.freedesktop.NetworkManager", "/org/freedesktop/NetworkManager"),
}
# NM_STATE_CONNECTED_GLOBAL, NM_CONNECTIVITY_FULL, NM_METERED_NO.
NETWORK = {"State": 70, "Connectivity": 4, "Metered": 2}
# What logind allows.
CAN = {"Suspend": "yes", "PowerOff": "yes"}
LOGIND = "org.freedesktop.login1.Manager"
# So long GNOME's session takes to tell logind that nobody wants the machine awake any longer, in milliseconds.
HANDED_ON = 300


class Services:
    def __init__(self, loop):
        self._loop = loop
        self._last = 0
        self._is_awake = False
        self._bus = Gio.bus_get_sync(Gio.BusType.SESSION)
        for interface in Gio.DBusNodeInfo.new_for_xml(INTERFACES).interfaces:
            name, path = PLACES[interface.name]
            self._bus.register_object(path, interface, self._call, self._read, None)
            answer = self._bus.call_sync(
                *["org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "RequestName"],
                GLib.Variant("(su)", (name, 4)),  # 4: fails at once where it is taken
                *[None, Gio.DBusCallFlags.NONE, -1, None],
            )
            assert answer.unpack() == (1,), f"somebody else has {name}"
        self._bus.signal_subscribe(
            None, "com.canonical.Unity.LauncherEntry", "Update", None, None, Gio.DBusSignalFlags.NONE, self._launcher
        )
        GLib.io_add_watch(sys.stdin, GLib.PRIORITY_DEFAULT, GLib.IO_IN | GLib.IO_HUP, self._told)

    def _call(self, _bus, _sender, _path, _interface, method, arguments, invocation):
        arguments = arguments.unpack()
        write({"call": method, "arguments": arguments})
        answers = {
            "GetCapabilities": ("(as)", (["actions", "body"],)),
            "GetServerInformation": ("(ssss)", ("stand-in", "tests", "1", "1.2")),
            # As before systemd 257, also for whoever it is that wants it awake.
            "CanSuspend": ("(s)", ("challenge" if self._is_awake and CAN["Suspend"] == "yes" else CAN["Suspend"],)),
            "CanPowerOff": ("(s)", (CAN["PowerOff"],)),
            "RegisterClient": ("(o)", ("/org/gnome/SessionManager/Client1",)),
        }
        if method in ("Notify", "Inhibit"):
            replaced = arguments[1] if method == "Notify" else 0
            self._last += 1
            answers[method] = ("(u)", (replaced or self._last,))
            write({"call": "answered", "arguments": [method, replaced or self._last]})
        if method == "Inhibit":
            self._keep_awake(True)
        if method == "Uninhibit":
            GLib.timeout_add(HANDED_ON, self._keep_awake, False)
        if method == "Suspend" and self._is_awake:
            write({"call": "refused", "arguments": [method]})
            return invocation.return_dbus_error(f"{LOGIND}.Refused", "It is to stay awake")
        kind, value = answers.get(method, ("()", ()))
        return invocation.return_value(GLib.Variant(kind, value))

    def _keep_awake(self, is_awake):
        self._is_awake = is_awake
        changed = (LOGIND, {"BlockInhibited": self._blocked()}, [])
        self._emit(LOGIND, "org.freedesktop.DBus.Properties", "PropertiesChanged", "(sa{sv}as)", changed)
        return GLib.SOURCE_REMOVE

    def _blocked(self):
        return GLib.Variant("s", "shutdown:sleep" if self._is_awake else "shutdown")

    def _emit(self, of, interface, signal, kind, values):
        self._bus.emit_signal(None, PLACES[of][1], interface, signal, GLib.Variant(kind, tuple(values)))

    def _read(self, _bus, _sender, _path, _interface, name):
        return self._blocked() if name == "BlockInhibited" else GLib.Variant("u", NETWORK[name])

    def _launcher(self, _bus, _sender, _path, _interface, _signal, arguments):
        uri, values = arguments.unpack()
        write({"call": "launcher", "arguments": [uri, values]})

    def _told(self, stdin, _condition):
        line = stdin.readline()
        if not line:
            self._loop.quit()
            return False
        interface, signal, kind, values = json.loads(line)
        if interface == LOGIND:
            CAN.update(values)
            return True
        of = interface
        if signal == "PropertiesChanged":
            NETWORK.update(values)
            changed = {name: GLib.Variant("u", value) for name, value in values.items()}
            kind, values = "(sa{sv}as)", (interface, changed, [])
            interface = "org.freedesktop.DBus.Properties"
        self._emit(of, interface, signal, kind, values)
        return True


def write(value):
    # Its reader may be late; the monotonic clock is one for all processes.
    if isinstance(value, dict):
        value["at"] = time.monotonic()
    print(json.dumps(value, default=str), flush=True)


if __name__ == "__main__":
    main_loop = GLib.MainLoop()
    Services(main_loop)
    write("ready")
    main_loop.run()
