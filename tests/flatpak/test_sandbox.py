#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The installed Flatpak in its sandbox, started by build-aux/flatpak.sh: what it can reach and what not,
downloads into the folder it may use and into one that the user grants, and what it asks of the portals."""

import os
import random
import re
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "ui"))

import gi  # noqa: E402

gi.require_version("Atspi", "2.0")
from gi.repository import Atspi, Gio, GLib  # noqa: E402

from support import desktop, words  # noqa: E402
from support.freshet_ui import DragSource, Freshet  # noqa: E402
from support.journal import durable  # noqa: E402
from support.server import Server  # noqa: E402
from support.services import Services  # noqa: E402
from support.waiting import run, until  # noqa: E402

ID = os.environ["FRESHET_SANDBOX"]
DESKTOP = desktop.here()
DATA = random.Random(7).randbytes(3_000_000)
# libadwaita names a button by the row that activates it; older ones, as it is called itself.
CHOOSE_FOLDER = re.compile("^(Choose )?Folder$")


class Home:
    """The session's own: the portals are started with it as well."""

    path = Path(os.environ["HOME"])
    downloads = Path(GLib.get_user_special_dir(GLib.UserDirectory.DIRECTORY_DOWNLOAD))

    def environment(self):
        return {**os.environ, "LC_ALL": "C.UTF-8", "G_DEBUG": "fatal-criticals", "RUST_BACKTRACE": "1"}


HOME = Home()
# There before the portals, which look for them only when they start.
SERVICES = Services()


def inside(script, *arguments):
    """What a shell in the sandbox says."""
    command = ["flatpak", "run", "--user", "--command=sh", ID, "-c", script, "sh", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout.strip()


def the_sandbox_reaches_downloads_and_nothing_else_of_the_home():
    secret = HOME.path / "secret.txt"
    secret.write_text("nobody's business")
    (HOME.downloads / "seen.txt").write_text("seen\n")
    script = 'test ! -e "$1" && cat "$2" && rm "$2" && ls -A "$3"'
    found = inside(script, str(secret), str(HOME.downloads / "seen.txt"), str(HOME.path))
    assert found.split() == ["seen", ".var"], found


def the_sandbox_talks_to_no_service_that_a_portal_replaces():
    permissions = subprocess.run(
        ["flatpak", "info", "--user", "--show-permissions", ID], check=True, capture_output=True, text=True, timeout=30
    ).stdout.splitlines()
    wanted = {
        "shared=network;ipc;",
        "sockets=x11;wayland;fallback-x11;",
        "devices=dri;",
        "filesystems=xdg-download;",
    }
    assert {line for line in permissions if "=" in line} == wanted, permissions


def the_libcurl_of_the_runtime_is_told_and_not_known_to_be_bad():
    told = inside("freshet --version")
    print(told)
    assert "libcurl/" in told and "http, https" in told, told
    assert "faulty" not in told, told


def a_dropped_link_is_downloaded_and_told_of_through_the_portal():
    name = "dropped.bin"
    with Server({f"/{name}": DATA}, 400_000) as server, Freshet(HOME) as app:
        with DragSource("browser", server.url(f"/{name}")) as source:
            desktop.drop_on_window(DESKTOP, source.title)
            app.row(name)
        DESKTOP.move(DESKTOP.width - 3, DESKTOP.height - 3)
        DESKTOP.focus(None)
        server.rate = None
        app.wait_for(name, words.COMPLETED)
        app.screenshot(DESKTOP, "flatpak-dropped")
        assert (HOME.downloads / name).read_bytes() == DATA, "the file is not the server's"
        told = SERVICES.notification(name)
        assert told.body.startswith("Completed"), told.body


def a_folder_that_the_user_grants_is_downloaded_into_now_and_after_a_restart():
    if not os.access("/dev/fuse", os.W_OK) or os.environ["XDG_RUNTIME_DIR"] != f"/run/user/{os.getuid()}":
        print("SKIPPED the portal's folders: they need /dev/fuse, and root for a session in /run/user")
        return
    folder = HOME.path / "granted"
    folder.mkdir()
    name = "granted.bin"
    with Server({f"/{name}": DATA}, 100_000) as server:
        with Freshet(HOME) as app:
            app.click(words.ADD_DOWNLOAD)
            app.write(words.ADDRESSES, server.url(f"/{name}"))
            choose_for(app, CHOOSE_FOLDER, folder, lambda: app.says(r"^granted ?$"))
            app.screenshot(DESKTOP, "flatpak-granted")
            app.click(words.ADD)
            app.wait_for(name, words.DOWNLOADING)
            part = folder / f"{name}.part"
            # More than the second for which the list gathers what it writes.
            until("some of the file", lambda: part.exists() and sum(one.sent for one in server.asked) > 700_000)
            time.sleep(1)
        before = len(server.asked)
        server.rate = None
        with Freshet(HOME) as app:
            try:
                app.wait_for(name, words.COMPLETED)
            finally:
                app.screenshot(DESKTOP, "flatpak-restarted")
        assert (folder / name).read_bytes() == DATA, "the file is not the server's"
        assert len(server.asked) > before, "it was complete before the restart"
    assert {path.name for path in folder.iterdir()} == {name}, list(folder.iterdir())


def a_grant_that_has_died_is_told_at_the_start_and_repaired():
    if not os.access("/dev/fuse", os.W_OK) or os.environ["XDG_RUNTIME_DIR"] != f"/run/user/{os.getuid()}":
        print("SKIPPED the portal's folders: they need /dev/fuse, and root for a session in /run/user")
        return
    folder = HOME.path / "gone"
    folder.mkdir()
    name = "repaired.bin"
    with Server({f"/{name}": DATA}, 20_000) as server:
        with Freshet(HOME) as app:
            app.click(words.ADD_DOWNLOAD)
            app.write(words.ADDRESSES, server.url(f"/{name}"))
            choose_for(app, CHOOSE_FOLDER, folder, lambda: app.says(r"^gone ?$"))
            app.click(words.ADD)
            journal = folder / f"{name}.part.journal"
            until("some of the file", lambda: sum(one.sent for one in server.asked) > 200_000)
            until("something durable", lambda: journal.exists() and durable(journal), 20)
            # More than the second for which the list gathers what it writes.
            time.sleep(1)
        for granted in ask_documents("List", "(s)", ID)[0]:
            ask_documents("Delete", "(s)", granted)
        server.rate = None
        before = len(server.asked)
        with Freshet(HOME) as app:
            app.wait_to_say(words.LOST)
            app.screenshot(DESKTOP, "flatpak-lost")
            choose_for(app, words.CHOOSE_FOLDER, folder, lambda: not app.says(words.LOST))
            app.wait_for(name, words.COMPLETED)
        assert (folder / name).read_bytes() == DATA, "the file is not the server's"
        later = server.asked[before:]
        assert later and all(asked.first for asked in later), "it was begun anew"
    assert {path.name for path in folder.iterdir()} == {name}, list(folder.iterdir())


def ask_documents(method, kind, *values):
    bus = Gio.bus_get_sync(Gio.BusType.SESSION)
    place = ("org.freedesktop.portal.Documents", "/org/freedesktop/portal/documents")
    arguments = (GLib.Variant(kind, values), None, Gio.DBusCallFlags.NONE, 5000, None)
    return bus.call_sync(*place, "org.freedesktop.portal.Documents", method, *arguments).unpack()


def the_desktop_starts_it_by_its_name():
    bus = Gio.bus_get_sync(Gio.BusType.SESSION)
    path = "/" + ID.replace(".", "/")

    def launch(action):
        arguments = (GLib.Variant("(sava{sv})", (action, [], {})), None, Gio.DBusCallFlags.NONE, 20_000, None)
        bus.call_sync(ID, path, "org.freedesktop.Application", "ActivateAction", *arguments)

    until("the end of the one before", lambda: not is_running(bus))
    app = Freshet(HOME)
    launch("add")
    app.wait_to_say(words.PATTERNS, timeout=20)
    launch("quit")
    until("its end", lambda: not is_running(bus))


def is_running(bus):
    place = ("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "NameHasOwner")
    arguments = (GLib.Variant("(s)", (ID,)), None, Gio.DBusCallFlags.NONE, 5000, None)
    return bus.call_sync(*place, *arguments).unpack()[0]


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


def choose(folder):
    """In the portal's own dialog, which is another program's window."""
    dialog = until("the portal's dialog", portal)
    DESKTOP.focus("Choose Folder")
    # That brings the entry for a place.
    DESKTOP.type("/")

    def write():
        entry = next((node for node in walk(dialog) if node.get_role_name() == "text"), None)
        return entry is not None and entry.set_text_contents(str(folder))

    until("a place for the folder's name", write)
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


if __name__ == "__main__":
    with SERVICES:
        run(
            the_sandbox_reaches_downloads_and_nothing_else_of_the_home,
            the_sandbox_talks_to_no_service_that_a_portal_replaces,
            the_libcurl_of_the_runtime_is_told_and_not_known_to_be_bad,
            a_dropped_link_is_downloaded_and_told_of_through_the_portal,
            a_folder_that_the_user_grants_is_downloaded_into_now_and_after_a_restart,
            a_grant_that_has_died_is_told_at_the_start_and_repaired,
            the_desktop_starts_it_by_its_name,
        )
