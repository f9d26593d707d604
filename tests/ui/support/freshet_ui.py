# SPDX-License-Identifier: GPL-3.0-or-later
"""The program as a user meets it: started in a home of its own, seen and worked through the
accessibility tree."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import gi

gi.require_version("Atspi", "2.0")
from gi.repository import Atspi, GLib  # noqa: E402

from . import words  # noqa: E402
from .desktop import Rect  # noqa: E402
from .waiting import shots, until  # noqa: E402

SUPPORT = Path(__file__).parent
ROOT = SUPPORT.parents[2]


def binary():
    """FRESHET, or the debug build."""
    return os.environ.get("FRESHET") or str(ROOT / "target" / "debug" / "freshet")


class Home:
    """A home folder that outlives the program and not the test."""

    def __enter__(self):
        self.path = Path(tempfile.mkdtemp(prefix="freshet-home-"))
        self.downloads = self.path / "Downloads"
        self.config = self.path / "config"
        for folder in (self.downloads, self.config, self.path / "data", self.path / "cache"):
            folder.mkdir()
        self._of_desktop = []
        # Where the program has its own.
        self._own_config, self.data = self.config, self.path / "data"
        if os.environ.get("FRESHET_SANDBOX"):
            own = self.path / ".var" / "app" / os.environ["FRESHET_SANDBOX"]
            self._own_config, self.data = own / "config", own / "data"
        (self.config / "user-dirs.dirs").write_text('XDG_DOWNLOAD_DIR="$HOME/Downloads"\n')
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)

    def prefer(self, **preferences):
        """Sets preferences before the program starts, or while it runs: prefer(rate_limit="uint64 5000")."""
        folder = self._own_config / "glib-2.0" / "settings"
        folder.mkdir(parents=True, exist_ok=True)
        lines = [f"{name.replace('_', '-')}={value}\n" for name, value in preferences.items()]
        # All at once: a program that runs must see no half of it.
        new = folder / "keyfile.new"
        new.write_text("[io/github/freshet/Freshet]\n" + "".join(lines + self._of_desktop))
        new.replace(folder / "keyfile")

    def set_up_desktop(self, of="org/gnome/desktop/interface", **preferences):
        """What the desktop's own settings say from the next `prefer` on: set_up_desktop(clock_format="'12h'")."""
        lines = [f"{name.replace('_', '-')}={value}\n" for name, value in preferences.items()]
        self._of_desktop += [f"[{of}]\n", *lines]

    def environment(self):
        return {
            **os.environ,
            "HOME": str(self.path),
            "XDG_CONFIG_HOME": str(self.config),
            "XDG_DATA_HOME": str(self.path / "data"),
            "XDG_CACHE_HOME": str(self.path / "cache"),
            "LANG": "C.UTF-8",
            "LC_ALL": "C.UTF-8",
            "GSETTINGS_BACKEND": "keyfile",  # kept over a restart, and private
            "GSK_RENDERER": os.environ.get("GSK_RENDERER", "cairo"),
            "RUST_BACKTRACE": "1",
        }


# What GLib and the toolkit write when something is wrong with how they are used. That nobody shows
# notifications is right in a session of tests.
# The others are of the toolkit's own making, on X11: GDK 4.24 says the second of itself; Chromium lists its
# actions once more after the drop; Orca asks for places that GTK 4 does not know; and GTK 4.8, on a busy machine, may tell the accessibility bus of a row
# that has no address there yet.
FORGIVEN = "|".join((
    r"org\.freedesktop\.Notifications",
    "gdk_frame_timings_submitted",
    "gdk_drop_set_actions: assertion 'priv->state == GDK_DROP_STATE_NONE'",
    "g_variant_is_object_path: assertion 'string != NULL'",
    "Screen coordinates not supported",
))
# Libadwaita 1.10 says this of a message dialog of three buttons, in a program of nothing but that, too: of what the
# buttons are in, of the box around it, and of a label.
OF_BUTTONS = re.compile(
    r".*AdwGizmo \w+ reports a minimum height of .*\n+.*GtkBox \w+ reports a minimum height of .*\n+"
    r"(.*Trying to measure GtkLabel \w+ for width of 7, but it needs at least .*\n)?"
)
# A panic of another thread, or one that is caught, ends nothing.
COMPLAINT = re.compile(rf"-(?:WARNING|CRITICAL) \*\*(?!.*(?:{FORGIVEN}))|panicked at")
# How long the program may take to end when it is told to.
END = 20


class Freshet:
    """with Freshet(home, URL...) as app: ... ; what it wrote is shown when the test fails. It may not
    end by itself, has to end well when it is told to, and the toolkit may have nothing to complain about."""

    def __init__(self, home, *arguments, hidden=False):
        self.home = home
        self._arguments = arguments
        self._is_hidden = hidden

    def __enter__(self):
        self._output = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [binary(), *self._arguments],
            env=self.home.environment(),
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
        )
        try:
            if not self._is_hidden:
                until("the window", self._frame, timeout=20)
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self

    def __exit__(self, kind, *_):
        fault = self._end()
        self._output.seek(0)
        output = self._output.read().decode(errors="replace")
        self._output.close()
        judged = OF_BUTTONS.sub("", output).splitlines()
        complaint = next((line for line in judged if COMPLAINT.search(line)), None)
        fault = fault or (complaint and f"the program wrote “{complaint}”")
        if kind is not None or fault:
            sys.stderr.write(output)
        if fault and kind is None:
            raise AssertionError(fault)

    def _end(self):
        """Ends the program where it runs yet; says what was wrong with its end."""
        if self.process.poll() is not None:
            # -9 is a test's own `kill`.
            is_well = self.process.returncode in (0, -9)
            return None if is_well else f"the program ended by itself with {self.process.returncode}"
        is_asked = self._ask_to_end()
        try:
            status = self.process.wait(END)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return f"the program did not end within {END} s when it was told to"
        return f"the program ended with {status} when it was told to" if is_asked and status else None

    def _ask_to_end(self):
        """Whether it is the program that was asked, and not the sandbox around it, whose status says nothing of it."""
        sandbox = os.environ.get("FRESHET_SANDBOX")
        if sandbox is None:
            self.process.terminate()
            return True
        # What this process is told does not reach the program: the sandbox would be gone at once.
        ended = subprocess.run(["gapplication", "action", sandbox, "quit"], capture_output=True, timeout=10)
        if ended.returncode:
            self.process.terminate()
        return not ended.returncode

    def kill(self):
        """As a power cut."""
        self.process.kill()
        self.process.wait()

    def run_again(self, *arguments):
        """Starts it a second time, which hands over to the first; returns the exit status."""
        return subprocess.run(
            [binary(), *arguments],
            env=self.home.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            timeout=20,
        ).returncode

    # What there is to see.

    def nodes(self, within=None):
        """All that is shown, from the outside inwards."""
        top = within or self._application()
        if top:
            if within is None:
                top.clear_cache()
            yield from _walk(top)

    def shows(self, node):
        """Whether this is shown, and is the program's own, without reading all the rest."""
        try:
            below = None
            while node is not None:
                node.clear_cache()
                if node.get_role_name() == "application":
                    # A window that was closed, and is kept, still has a parent, which has it no more.
                    children = (node.get_child_at_index(index) for index in range(node.get_child_count()))
                    return self._is_it(node) and below is not None and any(child == below for child in children)
                if not is_shown(node):
                    return False
                below, node = node, node.get_parent()
        except GLib.Error:
            pass  # it went away while we looked
        return False

    def find(self, roles, name, within=None, timeout=10):
        """The thing of one of these roles and this name (a text, or a pattern)."""
        return until(f"{roles[0]} “{_shown(name)}”", lambda: self.seen(roles, name, within), timeout)

    def seen(self, roles, name, within=None):
        for node in self.nodes(within):
            if _role(node) in roles and _matches(name, _name(node)):
                return node
        return None

    def row(self, file_name, timeout=10):
        """The row of the download with this file."""
        return until(f"a row for {file_name}", lambda: self.seen_row(file_name), timeout)

    def seen_row(self, file_name):
        rows = (node for node in self.nodes() if _role(node) in words.ROW)
        # A row's own name is one sentence that begins with the file: what is in it need not be read.
        return next((row for row in rows if file_name in (_name(row) or text_of(row))), None)

    def wait_for(self, file_name, word, timeout=20):
        """Waits until the row says this word, in large or small letters."""

        def says():
            row = self.seen_row(file_name)
            return row is not None and word.lower() in text_of(row).lower()

        try:
            until(f"“{word}” in the row of {file_name}", says, timeout)
        except AssertionError as error:
            row = self.seen_row(file_name)
            raise AssertionError(f"{error}; it says “{text_of(row) if row else None}”") from None

    def wait_gone(self, file_name, timeout=10):
        until(f"no row for {file_name}", lambda: self.seen_row(file_name) is None, timeout)

    def place_of_row(self, file_name):
        """Where the row is, in the window."""
        extents = self.row(file_name).get_component_iface().get_extents(Atspi.CoordType.WINDOW)
        return Rect(extents.x, extents.y, extents.width, extents.height)

    def says(self, pattern, within=None):
        """Whether anything that is shown has words like these."""
        return any(re.search(pattern, f"{_name(node)} {_description(node)}") for node in self.nodes(within))

    def wait_to_say(self, pattern, timeout=10):
        until(f"the words “{pattern}”", lambda: self.says(pattern), timeout)

    def screenshot(self, desktop, name):
        folder = shots()
        if folder:
            desktop.screenshot(folder / f"{name}.png")

    # What there is to do.

    def click(self, name, roles=words.BUTTON, timeout=10):
        """Presses the button, or what else it is, of this name."""

        def press():
            # It may be another object a moment later: rows are recycled. A menu button is two, of which
            # the inner one can be pressed.
            found = self._meant(name, roles)
            try:
                return any(is_usable(node) and node.get_n_actions() > 0 and node.do_action(0) for node in found)
            except GLib.Error:
                return False

        until(f"a click on “{_shown(name)}”", press, timeout)

    def _meant(self, name, roles):
        return [node for node in self.nodes() if _role(node) in roles and _matches(name, _name(node))]

    def show_page(self, name):
        """Brings a page of the preferences into sight."""

        def is_chosen():
            tab = self.seen(words.PAGE, name)
            return tab is not None and _has(tab, Atspi.StateType.SELECTED)

        self.click(name, roles=words.PAGE)
        until(f"the page {name}", is_chosen, 5)

    def switch(self, name, is_on):
        """Turns the switch of this name on or off."""

        def is_so():
            switch = self.seen(words.SWITCH, name)
            return switch is not None and switch.get_state_set().contains(Atspi.StateType.CHECKED) == is_on

        self.click(name, roles=words.SWITCH)
        until(f"“{_shown(name)}” to be {'on' if is_on else 'off'}", is_so, 5)

    def click_in_row(self, file_name, name, timeout=10):
        def press():
            row = self.seen_row(file_name)
            button = row and self.seen(words.BUTTON, name, row)
            try:
                return button is not None and is_usable(button) and button.do_action(0)
            except GLib.Error:
                return False

        until(f"a click on “{name}” in the row of {file_name}", press, timeout)

    def write(self, entry_name, text):
        entry = self.find(words.ENTRY, entry_name)
        if not entry.set_text_contents(text):
            raise AssertionError(f"“{_shown(entry_name)}” takes no text")

    def _application(self):
        desktop = Atspi.get_desktop(0)
        desktop.clear_cache()
        for index in range(desktop.get_child_count()):
            child = desktop.get_child_at_index(index)
            try:
                if child and self._is_it(child):
                    return child
            except GLib.Error:
                pass  # it ended while we looked
        return None

    def _is_it(self, application):
        # In a sandbox (build-aux/flatpak.sh) the program has another process id than here.
        if os.environ.get("FRESHET_SANDBOX"):
            return _name(application).startswith("freshet")
        return application.get_process_id() == self.process.pid

    def _frame(self):
        if self.process.poll() is not None:
            raise AssertionError(f"the program ended at once with {self.process.returncode}")
        return self.seen(("frame", "window"), words.WINDOW)


def _walk(node):
    yield node
    try:
        children = [node.get_child_at_index(index) for index in range(node.get_child_count())]
    except GLib.Error:
        return  # it went away while we looked
    for child in children:
        if child and is_shown(child):
            yield from _walk(child)


def _has(node, state):
    try:
        return node.get_state_set().contains(state)
    except GLib.Error:
        return False


def is_shown(node):
    return _has(node, Atspi.StateType.VISIBLE)


def is_usable(node):
    return _has(node, Atspi.StateType.SENSITIVE)


def _description(node):
    try:
        return node.get_description()
    except GLib.Error:  # it is gone
        return ""


def _role(node):
    try:
        return node.get_role_name()
    except GLib.Error:
        return ""


def _name(node):
    try:
        return once(node.get_name() or _label_of(node))
    except GLib.Error:
        return ""


def _label_of(node):
    """GTK 4.24 leaves the name of a menu item to what labels it, as screen readers read it."""
    if node.get_role_name() not in words.MENU_ITEM:
        return ""
    labels = (one for one in node.get_relation_set() if one.get_relation_type() == Atspi.RelationType.LABELLED_BY)
    return " ".join(content_of(one.get_target(0)) for one in labels)


def once(name):
    """GTK 4.8 names a button by its label and again by the label's widget: “_Add Add”."""
    for length in {(len(name) - 1) // 2, (len(name) - 2) // 2}:
        first, between, second = name[: -length - 1], name[-length - 1 : -length], name[-length:]
        if length > 0 and between == " " and first.replace("_", "", 1) == second:
            return second
    return name


def _matches(wanted, name):
    return wanted == name if isinstance(wanted, str) else bool(wanted.search(name))


def _shown(name):
    return name if isinstance(name, str) else name.pattern


def text_of(node):
    """All that a screen reader can say about it and what is in it."""
    said = []
    for part in _walk(node):
        try:
            said += [_name(part), part.get_description() or ""]
        except GLib.Error:
            pass
    return " | ".join(text for text in dict.fromkeys(said) if text)


def content_of(node):
    """What is written in a field or a view of text."""
    text = node.get_text_iface()
    # By its interface: what is read is an accessible, too, which has another function of that name.
    return Atspi.Text.get_text(text, 0, Atspi.Text.get_character_count(text))


class _Other:
    """Another program, while it runs; it writes a line as soon as it can be used."""

    def __init__(self, program, *arguments):
        self._command = ["/usr/bin/python3", SUPPORT / program, *arguments]

    def __enter__(self):
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE)
        self._process.stdout.readline()
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait(10)
        self._process.stdout.close()


class DragSource(_Other):
    """A window of another program with a link or a file to drag: uri-list, text, browser or portal."""

    title = "Drag source"

    def __init__(self, kind, text):
        super().__init__("drag_source.py", self.title, kind, text)


class DropTarget(_Other):
    """A window of another program that files can be dropped on."""

    title = "Drop target"

    def __init__(self, *target):
        super().__init__("drop_target.py", self.title, *target)

    def read(self, word):
        """What it wrote after this word."""
        while line := self._process.stdout.readline().decode():
            if line.startswith(word):
                return line.split()[1:]
        raise AssertionError("the other program ended")


class Clipboard(_Other):
    """A text, or a page with these links, that was copied in another program."""

    def __init__(self, text, kind="text"):
        super().__init__("clipboard.py", kind, text)
