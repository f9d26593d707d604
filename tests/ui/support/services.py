# SPDX-License-Identifier: GPL-3.0-or-later
"""The services of the desktop that the tests stand in for, and what Freshet asked of them."""

import json
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path

from .waiting import until


@dataclass
class Call:
    method: str
    arguments: list
    at: float  # when it came, on the monotonic clock


@dataclass
class Notification:
    id: int
    title: str
    body: str
    actions: dict  # label: the key that is sent when it is pressed


class Services:
    """with Services() as services: ... ; must be there before the program starts."""

    program = Path(__file__).parent / "desktop_services.py"

    def __enter__(self):
        self.calls = []
        self._process = subprocess.Popen(
            ["/usr/bin/python3", self.program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout.readline().strip() == '"ready"', "the services do not start"
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        self._process.wait(10)
        self._reader.join()
        self._process.stdout.close()

    def _read(self):
        for line in self._process.stdout:
            told = json.loads(line)
            self.calls.append(Call(told["call"], told["arguments"], told["at"]))

    def of(self, method):
        return [call for call in self.calls if call.method == method]

    def notifications(self):
        """Those that are shown at this moment, by their ids."""
        shown, pending = {}, None
        for call in list(self.calls):
            if call.method == "Notify":
                _, _, _, title, body, actions, _, _ = call.arguments
                keys = dict(zip(actions[1::2], actions[::2]))
                pending = Notification(0, title, body, keys)
            elif call.method == "answered" and call.arguments[0] == "Notify":
                pending.id = call.arguments[1]
                shown[pending.id] = pending
            elif call.method == "CloseNotification":
                shown.pop(call.arguments[0], None)
        return shown

    def notification(self, title, timeout=10):
        """The one that is shown with this title."""

        def found():
            return next((one for one in self.notifications().values() if one.title == title), None)

        return until(f"the notification “{title}”", found, timeout)

    def press(self, notification, label):
        """Presses a button of it; an empty label is the notification itself."""
        key = notification.actions[label]
        self._emit("org.freedesktop.Notifications", "ActionInvoked", "(us)", notification.id, key)

    def network(self, **values):
        """Changes what NetworkManager tells: network(State=20), network(Metered=1)."""
        self._tell("org.freedesktop.NetworkManager", "PropertiesChanged", "", values)

    def logind(self, **answers):
        """What it answers from now on: logind(Suspend="no")."""
        self._tell("org.freedesktop.login1.Manager", "", "", answers)

    def _emit(self, interface, signal, kind, *values):
        self._tell(interface, signal, kind, values)

    def _tell(self, *command):
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()


class InhibitPortal(Services):
    """Only where it is asked for: with a portal GTK would leave more to it."""

    program = Path(__file__).parent / "inhibit_portal.py"
