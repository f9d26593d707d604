# SPDX-License-Identifier: GPL-3.0-or-later
"""The desktop the tests run on, X11, sway or GNOME Shell: where windows are, a pointer, keys, screenshots."""

import json
import os
import re
import subprocess
import time
from collections import namedtuple
from contextlib import contextmanager

from . import words
from .virtual_pointer import VirtualPointer
from .waiting import until

Rect = namedtuple("Rect", "x y width height")

STEPS = 25
# The key codes of F1 to F10, as X has them.
FUNCTION_KEYS = {f"F{number}": str(66 + number) for number in range(1, 11)}


def _output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=10).stdout


class X11:
    """Xvfb, with or without a window manager."""

    width, height = 1280, 800

    def window(self, title):
        """Where the window of this title, a regular expression, is; None while there is none."""
        found = subprocess.run(
            ["xdotool", "search", "--onlyvisible", "--name", f"^{title}$"], capture_output=True, text=True, timeout=10
        )
        if not found.stdout:
            return None
        self._id = found.stdout.split()[0]
        told = subprocess.run(
            ["xdotool", "getwindowgeometry", "--shell", self._id], capture_output=True, text=True, timeout=10
        )
        if told.returncode:
            return None  # It went meanwhile.
        values = dict(line.split("=") for line in told.stdout.splitlines())
        return Rect(*(int(values[key]) for key in ("X", "Y", "WIDTH", "HEIGHT")))

    def put_in_corner(self, title):
        """Moves a small window to the lower right, above all others."""
        rect = until(f"the window {title}", lambda: self.window(title))
        x, y = self.width - rect.width, self.height - rect.height
        _output("xdotool", "windowmove", "--sync", self._id, str(x), str(y), "windowraise", self._id)

    def focus(self, title):
        """Gives the keyboard to the window of this title, or to none."""
        if title is None:
            # The root window is what is found at depth 0.
            window = _output("xdotool", "search", "--maxdepth", "0", "--name", ".*").split()[0]
        else:
            until(f"the window {title}", lambda: self.window(title))
            window = self._id
        _output("xdotool", "windowfocus", window)

    def move(self, x, y):
        _output("xdotool", "mousemove", str(int(x)), str(int(y)))

    def press(self, button=1):
        _output("xdotool", "mousedown", str(button))

    def release(self, button=1):
        _output("xdotool", "mouseup", str(button))

    def double_click(self):
        """From one program, or on a slow machine it would be two clicks."""
        _output("xdotool", "click", "--repeat", "2", "--delay", "50", "1")

    @contextmanager
    def held(self, key):
        """While this key is held down."""
        _output("xdotool", "keydown", key)
        try:
            yield
        finally:
            _output("xdotool", "keyup", key)

    def key(self, *keys):
        """key("ctrl", "n")"""
        # By what key it is: with the keyboards of 2026 xdotool holds Alt down with a function key.
        keys = [FUNCTION_KEYS.get(key, key) for key in keys]
        _output("xdotool", "key", "+".join(keys))

    def type(self, text):
        _output("xdotool", "type", "--delay", "15", text)

    def screenshot(self, path):
        _output("import", "-window", "root", str(path))


class Sway:
    """sway, headless, started by wayland-session.sh; windows are tiled."""

    width, height = 1280, 800

    def __init__(self):
        self._pointer = VirtualPointer(self.width, self.height)
        self.move, self.press, self.release = self._pointer.move, self._pointer.press, self._pointer.release

    def window(self, title):
        nodes = [json.loads(_output("swaymsg", "-t", "get_tree"))]
        while nodes:
            node = nodes.pop()
            if re.fullmatch(title, node.get("name") or "") and node.get("pid") and node.get("visible"):
                return Rect(*(node["rect"][key] for key in ("x", "y", "width", "height")))
            nodes += node.get("nodes", []) + node.get("floating_nodes", [])
        return None

    def put_in_corner(self, title):
        """It is beside the others already."""
        until(f"the window {title}", lambda: self.window(title))

    def key(self, *keys):
        *modifiers, key = keys
        held = [part for modifier in modifiers for part in ("-M", modifier)]
        # The pause: the seat gets its keyboard only when wtype connects.
        _output("wtype", "-s", "300", *held, "-k", key)

    def type(self, text):
        _output("wtype", "-s", "300", "-d", "15", text)

    def screenshot(self, path):
        _output("grim", str(path))


def here():
    """The desktop of this session."""
    match os.environ.get("FRESHET_COMPOSITOR"):
        case None:
            return X11()
        case "sway":
            return Sway()
        case "gnome-shell":
            from .gnome_shell import GnomeShell

            return GnomeShell(1280, 800)


def click(desktop, x, y):
    desktop.move(x, y)
    desktop.press()
    desktop.release()


def drag(desktop, start, end):
    """Drags from one point to another as a hand does: small steps, a moment of rest before it lets go."""
    desktop.move(*start)
    time.sleep(0.1)
    desktop.press()
    for step in range(1, STEPS + 1):
        at = [a + (b - a) * step / STEPS for a, b in zip(start, end)]
        desktop.move(*at)
        time.sleep(0.03)
    desktop.move(end[0] + 1, end[1] + 1)
    time.sleep(0.3)
    desktop.release()


def middle(rect):
    return rect.x + rect.width // 2, rect.y + rect.height // 2


def drop_on_window(desktop, source_title, place=None):
    """Drags the link of drag_source.py onto Freshet's window: to the middle of a place in it, or to
    anywhere."""
    desktop.put_in_corner(source_title)
    target = until("the window", lambda: desktop.window(words.WINDOW))
    source = until("the drag source", lambda: desktop.window(source_title))
    # A third from the top left: not under the source, which is in the lower right.
    x, y = middle(place) if place else (target.width // 3, target.height // 3)
    drag(desktop, middle(source), (target.x + x, target.y + y))
