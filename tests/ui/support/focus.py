# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the focus goes, as the accessibility bus tells it of its own accord: to look for it in the whole tree takes a
hundred times as long."""

import time
from contextlib import contextmanager

import gi

gi.require_version("Atspi", "2.0")
from gi.repository import Atspi, GLib  # noqa: E402

# How long a move may take to be told, and how long nothing more is told when it is over.
LONGEST, QUIET = 0.5, 0.03


class Followed:
    """What was told last to have got the focus; whether it still has it is for others to ask."""

    def __init__(self):
        self._listener, self._node, self._told = None, None, 0

    def latest(self):
        self._hear_all()
        return self._node

    @contextmanager
    def moves(self):
        """Around what moves the focus: waits until it is told where it went. It may have gone nowhere."""
        self._hear_all()
        before = self._told
        yield
        end = time.monotonic() + LONGEST
        while self._told == before and time.monotonic() < end:
            self._hear_all()
            time.sleep(0.005)
        while self._told != before:
            before = self._told
            time.sleep(QUIET)
            self._hear_all()

    def _hear_all(self):
        if self._listener is None:
            self._listener = Atspi.EventListener.new(self._hear)
            self._listener.register("object:state-changed:focused")
        context = GLib.MainContext.default()
        while context.iteration(False):
            pass

    def _hear(self, event):
        if event.detail1:
            self._node, self._told = event.source, self._told + 1


FOLLOWED = Followed()
