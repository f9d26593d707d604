# SPDX-License-Identifier: GPL-3.0-or-later
"""The keyring of a session of tests: gnome-keyring in a folder of its own. It can be locked, stopped so that it
never answers, or left out."""

import os
import shutil
import signal
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

from gi.repository import Gio, GLib

from .waiting import until

NAME = "org.freedesktop.secrets"
SERVICE = ("/org/freedesktop/secrets", "org.freedesktop.Secret.Service")
BUS = ("/org/freedesktop/DBus", "org.freedesktop.DBus")
PASSWORD = "opens the keyring"


# One connection for all: a session of the keyring ends with it.
_bus = Gio.bus_get_sync(Gio.BusType.SESSION)


def _call(where, method, kind="()", values=(), name=NAME):
    answer = _bus.call_sync(name, *where, method, GLib.Variant(kind, values), None, Gio.DBusCallFlags.NONE, 5000, None)
    return answer.unpack()


def _is_there():
    return _call(BUS, "NameHasOwner", "(s)", (NAME,), BUS[1])[0]


class Keyring:
    """with Keyring() as keyring: ... ; unlocked, and empty."""

    def __enter__(self):
        self._home = Path(tempfile.mkdtemp(prefix="freshet-keyring-"))
        self._start(PASSWORD)
        return self

    def __exit__(self, *_):
        self._end()
        shutil.rmtree(self._home, ignore_errors=True)

    def _start(self, password):
        # One that the bus has started by itself would be another's.
        if _is_there():
            pid = _call(BUS, "GetConnectionUnixProcessID", "(s)", (NAME,), BUS[1])[0]
            os.kill(pid, signal.SIGKILL)
            until("the name of the keyring to be free", lambda: not _is_there())
        command = ["gnome-keyring-daemon", "--foreground", "--components=secrets"]
        self._process = subprocess.Popen(
            command + ["--unlock"] if password else command,
            env={**os.environ, "HOME": str(self._home), "XDG_DATA_HOME": str(self._home)},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._process.stdin.write((password or "").encode())
        self._process.stdin.close()
        until("the keyring", _is_there)

    def _end(self):
        self._process.send_signal(signal.SIGCONT)
        self._process.terminate()
        self._process.wait(10)

    def lock(self):
        """As after a log-in to the desktop by which it is not unlocked."""
        self._end()
        self._start(None)

    def stop_answering(self):
        self._process.send_signal(signal.SIGSTOP)

    def answer_again(self):
        self._process.send_signal(signal.SIGCONT)

    def logins(self):
        """What is in it and not locked: (attributes, password) of each."""
        (items, _) = _call(SERVICE, "SearchItems", "(a{ss})", ({"application": "io.github.freshet.Freshet"},))
        session = _call(SERVICE, "OpenSession", "(sv)", ("plain", GLib.Variant("s", "")))[1]
        return [login for item in items if (login := _login(item, session))]


def _login(item, session):
    """Attributes and password; nothing if it went meanwhile."""
    try:
        return _attributes(item), _secret(item, session)
    except GLib.Error as error:
        gone = (Gio.DBusError.UNKNOWN_METHOD, Gio.DBusError.UNKNOWN_OBJECT)
        if any(error.matches(Gio.dbus_error_quark(), code) for code in gone) or "NoSuchObject" in error.message:
            return None
        raise


def _attributes(item):
    asked = ("org.freedesktop.Secret.Item", "Attributes")
    return _call((item, "org.freedesktop.DBus.Properties"), "Get", "(ss)", asked)[0]


def _secret(item, session):
    secret = _call((item, "org.freedesktop.Secret.Item"), "GetSecret", "(o)", (session,))[0]
    return bytes(secret[2]).decode()


@contextmanager
def no_keyring():
    """The bus of the session starts none."""
    folder = Path(os.environ["XDG_DATA_HOME"]) / "dbus-1" / "services"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{NAME}.service"
    file.write_text(f"[D-BUS Service]\nName={NAME}\nExec=/bin/false\n")
    _call(BUS, "ReloadConfig", name=BUS[1])
    try:
        assert not _is_there(), "there is a keyring"
        yield
    finally:
        file.unlink()
        _call(BUS, "ReloadConfig", name=BUS[1])
