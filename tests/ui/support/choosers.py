# SPDX-License-Identifier: GPL-3.0-or-later
"""The toolkit's own dialog for a file or a folder."""

import time

import gi

gi.require_version("Atspi", "2.0")
from gi.repository import Atspi, GLib  # noqa: E402

from . import desktop, words  # noqa: E402
from .waiting import until  # noqa: E402


def choose(app, screen, path, title=words.FOLDER_CHOOSER, is_new=False):
    """Where something new is saved there is an entry for the name, which takes a whole path as well; else a slash
    brings one. Typed letter by letter, the path would be mixed up with what the dialog suggests."""
    place = until("the chooser", lambda: screen.window(title))
    screen.move(*desktop.middle(place))
    time.sleep(0.5)
    if not is_new:
        screen.type("/")

    def write():
        return any(_has_focus(node) and _take(node, str(path)) for node in app.nodes())

    until("an entry for the path", write)
    time.sleep(0.5)

    def gone():
        # The first one may only take what the dialog suggests.
        if screen.window(title):
            screen.key("Return")
            time.sleep(0.5)
        return screen.window(title) is None

    until("the end of the chooser", gone)


def _has_focus(node):
    try:
        return node.get_role_name() in words.ENTRY and node.get_state_set().contains(Atspi.StateType.FOCUSED)
    except GLib.Error:
        return False


def _take(entry, text):
    try:
        return entry.set_text_contents(text)
    except GLib.Error:
        return False
