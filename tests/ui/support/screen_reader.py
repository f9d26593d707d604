# SPDX-License-Identifier: GPL-3.0-or-later
"""What a screen reader meets in the window: where the focus is, what Tab reaches, what is told unasked."""

import re
import subprocess
import time
from collections import namedtuple
from contextlib import contextmanager

import gi

gi.require_version("Atspi", "2.0")
from gi.repository import Atspi, GLib  # noqa: E402

from . import words  # noqa: E402
from .focus import FOLLOWED  # noqa: E402
from .freshet_ui import once  # noqa: E402
from .waiting import until  # noqa: E402

BUS = "io.github.freshet.Freshet"
PATH = "/io/github/freshet/Freshet"

# What GTK 4.8 and libadwaita 1.2, or GTK 4.24 and libadwaita 1.10, leave without a name in windows that are theirs,
# and inside of widgets that are theirs: the window, and what `called` tells of it.
OF_THE_TOOLKIT = tuple(
    (window, re.compile(pattern))
    for window, pattern in (
        # The arrows and the texts of the about window, the search of shortcuts and preferences.
        ("about", r"^(push button|text) "),
        ("shortcuts", r"^(push button|entry) "),
        ("shortcuts", r"^panel “” in application "),
        ("preferences", r"^entry "),
        ("preferences", r"^list item “” in list “(GtkListView)?” in .* in combo box “[^”]+”"),
        ("preferences", r"^push button “GtkImage” in panel “” in filler “AdwGizmo”"),
        # What is chosen in a combo row, whose own name and value are told, and the eye of a password.
        ("add", r"^list item “” in list “(GtkListView)?” in .* in combo box “\w+”"),
        ("add", r"^push button “GtkImage” in panel “” in panel “” in text “Password”"),
        ("log-in", r"^push button “GtkImage” in panel “” in panel “” in text “Password”"),
        # The head of a row that unfolds; the row itself is named.
        ("add", r"^panel “” in panel “” in list item “Advanced”"),
        ("preferences", r"^panel “” in panel “” in list item “Every day, all day(, no limit)?”"),
        ("statistics", r"^panel “” in panel “” in list item “Amounts by Day”"),
    )
)

# What is looked at together with the window that it is opened from.
OPENED_FROM = {"rule": "preferences", "clear the statistics": "statistics"}

# A widget without words of its own is called after its class.
CLASS_NAME = re.compile(r"^(Gtk|Adw|Freshet)[A-Z]\w+$")

# Roles that tell nobody what a thing is for.
MUTE_ROLES = ("", "filler", "panel", "unknown", "invalid", "redundant object")

# What takes the focus only so that keys can scroll it, and what the list leads to by its arrow keys.
SCROLLED = ("scroll pane", "viewport", "scroll bar")

# The buttons of the frame are worked by the desktop's own keys.
FRAME_BUTTONS = ("Minimize", "Maximize", "Restore", "Close")


def role(node):
    try:
        return node.get_role_name()
    except GLib.Error:
        return ""


def name(node):
    try:
        return once(node.get_name() or "")
    except GLib.Error:
        return ""


def has(node, state):
    try:
        return node.get_state_set().contains(state)
    except GLib.Error:
        return False


def called(node):
    """For messages of a test: the thing and what it is in."""
    parts = []
    while node and len(parts) < 5:
        parts.append(f"{role(node)} “{name(node)}”")
        node = node.get_parent()
    return " in ".join(parts)


def is_download(node):
    """Whether it is a row of the list of downloads, not of another list."""
    return role(node) in words.ROW and name(node.get_parent()) == words.DOWNLOADS


def focused(app):
    """What has the focus now. Where it went is told; the tree is read only where that does not hold."""
    node = FOLLOWED.latest()
    if node is not None and app.shows(node) and has(node, Atspi.StateType.FOCUSED):
        return node
    return next((node for node in app.nodes() if has(node, Atspi.StateType.FOCUSED)), None)


def focus_of(app, timeout=5):
    return until("a focus", lambda: focused(app), timeout)


def controls(app, within=None):
    """Everything that can take the focus, in use or not."""
    return [node for node in app.nodes(within) if has(node, Atspi.StateType.FOCUSABLE) and role(node) not in SCROLLED]


def is_nameless(node):
    text = name(node).strip()
    return not text or bool(CLASS_NAME.match(text))


def faults(app, where):
    """Whatever takes the focus and does not say what it is."""
    told = [node for node in controls(app) if role(node) != "list"] + windows(app)
    return [
        f"{where}: {called(node)}"
        for node in told
        if (is_nameless(node) or role(node) in MUTE_ROLES) and not is_of_the_toolkit(where, node)
    ]


def called_by_class(app):
    """What Orca would say by the name of a class: what is around something, and what something is labelled by."""
    for node in app.nodes():
        said = [node] if role(node) in ("panel", "menu", "list") else []
        for part in (*said, *_labels(node)):
            if CLASS_NAME.match(name(part)):
                yield f"“{name(part)}” of {called(node)}"


def _labels(node):
    try:
        relations = [one for one in node.get_relation_set() if one.get_relation_type() == Atspi.RelationType.LABELLED_BY]
        return [one.get_target(index) for one in relations for index in range(one.get_n_targets())]
    except GLib.Error:
        return []


def windows(app):
    """Its windows and dialogs."""
    top = next(iter(app.nodes()))
    children = [top.get_child_at_index(index) for index in range(top.get_child_count())]
    return [child for child in children if child and has(child, Atspi.StateType.VISIBLE)]


def is_of_the_toolkit(window, node):
    seen = (window, OPENED_FROM.get(window))
    return any(of in seen and pattern.search(called(node)) for of, pattern in OF_THE_TOOLKIT)


# A thing in the tree. Its path is its own: two may have one role and one name.
Thing = namedtuple("Thing", "role name path")


def thing(node):
    """As what it is told apart."""
    if role(node) in words.PAGE:
        # Libadwaita has them three times, for wide windows and narrow ones, and shows one of the three.
        return Thing(role(node), name(node), "")
    # An entry row has a text within that takes the keys; they are one.
    row = _around(node) if role(node) == "text" else None
    return Thing(role(node), name(node), (row or node).path)


def shown(things):
    """For messages of a test."""
    return ", ".join(sorted({f"{at.role} “{at.name}”" for at in things}))


def _around(node):
    """The row of a text in an entry row."""
    for _ in range(3):
        node = node.get_parent()
        if node is None or role(node) == "text":
            return node
    return None


def press_tab(desktop):
    """Moves the focus on, and waits until it is told where to. Of entry rows libadwaita 1.2 tells nothing."""
    with FOLLOWED.moves():
        desktop.key("Tab")


def tab_until(app, desktop, wanted):
    """Whether the focus is on what has this name; else moves it on."""
    if (node := focused(app)) is not None and name(node) == wanted:
        return True
    press_tab(desktop)
    return False


def to_list(app, desktop):
    """Moves the focus to the list by Tab; answers the row that has it."""

    seen = []

    def is_there():
        if (node := focused(app)) is not None and is_download(node):
            return node
        seen.append(node and called(node))
        press_tab(desktop)
        return None

    try:
        return until("the focus in the list", is_there)
    except AssertionError as error:
        raise AssertionError(f"{error}; it was on {seen}") from None


def reached_by_tab(app, desktop, most=60):
    """The things that Tab comes to until it is round, or goes no further."""
    reached, paths, steps = [], [], set()
    for _ in range(most):
        node = focused(app) or _takes_keys(app, desktop)
        reached.append(thing(node))
        # By one step that was made before: a thing alone may be come to from two sides.
        paths.append(node.path)
        step = tuple(paths[-2:])
        if step in steps:
            break
        steps.add(step)
        press_tab(desktop)
    return reached


def _takes_keys(app, desktop):
    """The entry row that keys go to: libadwaita 1.2 does not tell that one of them has the focus."""
    entries = [node for node in app.nodes(windows(app)[-1]) if role(node) == "text"]
    before = [_text(node) for node in entries]
    desktop.type("x")

    def changed():
        return next((node for node, text in zip(entries, before) if _text(node) != text), None)

    entry = until("an entry that takes keys, for nothing tells that it has the focus", changed, 5)
    desktop.key("BackSpace")
    return entry


def _text(node):
    try:
        return Atspi.Text.get_text(node, 0, Atspi.Text.get_character_count(node))
    except GLib.Error:
        return ""


def actions(group):
    """The actions of the program that need no argument and have no state, as its bus tells them."""
    answer = subprocess.run(
        ["gdbus", "call", "--session", "--dest", BUS, "--object-path", f"{PATH}{group}"]
        + ["--method", "org.gtk.Actions.DescribeAll"],
        check=True, capture_output=True, text=True, timeout=10,
    ).stdout
    described = GLib.Variant.parse(None, answer, None, None).unpack()[0]
    return sorted(action for action, (enabled, wants, state) in described.items() if enabled and not wants and not state)


def activate(action, group):
    subprocess.run(
        ["gdbus", "call", "--session", "--dest", BUS, "--object-path", f"{PATH}{group}"]
        + ["--method", "org.gtk.Actions.Activate", action, "[]", "{}"],
        check=True, capture_output=True, timeout=10,
    )


@contextmanager
def opened(app, desktop, action):
    """While the window that an action of the main window opens is there."""
    before = len(windows(app))
    activate(action, "/window/1")
    until(f"the window of {action}", lambda: len(windows(app)) > before)
    time.sleep(0.3)
    yield
    desktop.key("Escape")
    until(f"the end of {action}", lambda: len(windows(app)) == before)


class Listening:
    """with Listening(app) as heard: ... ; counts what is told to a screen reader of its own accord."""

    KINDS = (
        "object:property-change:accessible-name",
        "object:property-change:accessible-value",
        "object:property-change:accessible-description",
        "object:text-changed",
        "object:announcement",
    )

    def __init__(self, app):
        self._app = app
        self.events = []

    def __enter__(self):
        self._listener = Atspi.EventListener.new(self._hear)
        for kind in self.KINDS:
            self._listener.register(kind)
        return self

    def _hear(self, event):
        try:
            if event.source.get_process_id() == self._app.process.pid:
                self.events.append((event.type, role(event.source), has(event.source, Atspi.StateType.FOCUSED)))
        except GLib.Error:
            pass  # gone already

    def listen(self, seconds):
        end, context = time.monotonic() + seconds, GLib.MainContext.default()
        while time.monotonic() < end:
            while context.iteration(False):
                pass
            time.sleep(0.01)

    def __exit__(self, *_):
        for kind in self.KINDS:
            self._listener.deregister(kind)
