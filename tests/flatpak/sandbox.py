# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the installed Flatpak share: its home, the document portal, and the portal's own dialog
for folders. Must be imported first: it finds the support of the tests of the window."""

import os
import re
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "ui"))

import gi  # noqa: E402

gi.require_version("Atspi", "2.0")
from gi.repository import Atspi, Gio, GLib  # noqa: E402

from support import desktop  # noqa: E402
from support.waiting import until  # noqa: E402

ID = os.environ["FRESHET_SANDBOX"]
DESKTOP = desktop.here()
# libadwaita names a button by the row that activates it; older ones, as it is called itself.
CHOOSE_FOLDER = re.compile("^(Choose )?Folder$")


class Home:
    """The session's own: the portals are started with it as well."""

    path = Path(os.environ["HOME"])
    downloads = Path(GLib.get_user_special_dir(GLib.UserDirectory.DIRECTORY_DOWNLOAD))

    data = path / ".var" / "app" / ID / "data"

    def environment(self):
        return {**os.environ, "LC_ALL": "C.UTF-8", "RUST_BACKTRACE": "1"}

    def has_listed(self, name):
        """Whether the list of downloads has it, so that a kill does not take it away. It gathers for a second what
        it writes, and a busy disk may take longer."""
        files = (self.data / "freshet").glob("list.sqlite*")
        return any(name.encode() in file.read_bytes() for file in files)


def has_documents():
    """Whether the document portal works here; says so if not."""
    if os.access("/dev/fuse", os.W_OK) and os.environ["XDG_RUNTIME_DIR"] == f"/run/user/{os.getuid()}":
        return True
    print("SKIPPED the portal's folders: they need /dev/fuse, and root for a session in /run/user")
    return False


def ask_documents(method, kind, *values, interface="Documents"):
    bus = Gio.bus_get_sync(Gio.BusType.SESSION)
    place = ("org.freedesktop.portal.Documents", "/org/freedesktop/portal/documents")
    arguments = (GLib.Variant(kind, values), None, Gio.DBusCallFlags.NONE, 5000, None)
    return bus.call_sync(*place, f"org.freedesktop.portal.{interface}", method, *arguments).unpack()


def choose_for(app, button, folder, is_chosen):
    """The other program may lose a key: then it is done once more."""
    for _ in range(2):
        app.click(button)
        choose(folder)
        try:
            return until(f"{folder} to be chosen", is_chosen, 5)
        except AssertionError as error:
            failure = error
    raise failure


def choose(path, title="Choose Folder", is_new=False):
    """In the portal's own dialog, which is another program's window. Where something new is saved it has an entry
    for the name, which takes a whole path as well."""
    dialog = until("the portal's dialog", portal)
    DESKTOP.focus(title)
    if not is_new:
        # That brings the entry for a place.
        DESKTOP.type("/")

    def write():
        entry = next((node for node in walk(dialog) if node.get_role_name() == "text"), None)
        return entry is not None and entry.set_text_contents(str(path))

    until("a place for the path", write)
    time.sleep(0.5)  # it looks what there is of that name

    def gone():
        # The first one may only take what the dialog suggests.
        if portal():
            DESKTOP.key("Return")
            time.sleep(0.5)
        return not portal()

    until("the portal's dialog to be gone", gone)


def portal():
    everything = Atspi.get_desktop(0)
    everything.clear_cache()
    applications = (everything.get_child_at_index(at) for at in range(everything.get_child_count()))
    return next((one for one in applications if one and "portal" in one.get_name() and one.get_child_count()), None)


def walk(node):
    yield node
    for at in range(node.get_child_count()):
        child = node.get_child_at_index(at)
        if child:
            yield from walk(child)
