#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The installed Flatpak in its sandbox, started by build-aux/flatpak.sh: what it can reach and what not,
downloads into the folder it may use and into one that the user grants, and what it asks of the portals."""

import os
import random
import subprocess

from gi.repository import Gio, GLib

import sandbox
from support import desktop, words
from support.freshet_ui import DragSource, Freshet, text_of
from support.journal import durable
from support.server import Server
from support.services import Services
from support.waiting import run, until

DESKTOP = sandbox.DESKTOP
DATA = random.Random(7).randbytes(3_000_000)

HOME = sandbox.Home()
# There before the portals, which look for them only when they start.
SERVICES = Services()


def inside(script, *arguments):
    """What a shell in the sandbox says."""
    command = ["flatpak", "run", "--user", "--command=sh", sandbox.ID, "-c", script, "sh", *arguments]
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
        ["flatpak", "info", "--user", "--show-permissions", sandbox.ID],
        check=True,
        capture_output=True,
        text=True,
        timeout=30,
    ).stdout.splitlines()
    wanted = {
        "shared": {"network", "ipc"},
        "sockets": {"x11", "wayland", "fallback-x11"},
        "devices": {"dri"},
        "filesystems": {"xdg-download:create", "~/.ssh/known_hosts:ro"},
    }
    told = (line.split("=", 1) for line in permissions if "=" in line)
    assert {name: set(filter(None, values.split(";"))) for name, values in told} == wanted, permissions


def the_libcurl_of_the_runtime_is_told_and_not_known_to_be_bad():
    told = inside("freshet --version")
    print(told)
    assert "libcurl/" in told and "http, https" in told, told
    assert "faulty" not in told, told


def what_would_be_lost_with_the_sandbox_is_not_downloaded():
    lost = HOME.path / "elsewhere"
    lost.mkdir()
    with Server({"/lost.bin": DATA}) as server:
        command = ["flatpak", "run", "--user", sandbox.ID, "get", server.url("/lost.bin"), "--dir"]
        refused = subprocess.run([*command, str(lost)], capture_output=True, text=True, timeout=30)
        assert refused.returncode == 3 and "would be lost" in refused.stderr, refused
        assert not server.asked, "the server was asked for it"
        subprocess.run([*command, str(HOME.downloads)], check=True, capture_output=True, timeout=30)
    assert (HOME.downloads / "lost.bin").read_bytes() == DATA


def without_the_folder_for_downloads_nothing_is_saved_in_a_home_of_the_sandbox():
    override = ["flatpak", "override", "--user"]
    subprocess.run([*override, "--nofilesystem=xdg-download", sandbox.ID], check=True, timeout=30)
    try:
        with Server({"/nowhere.bin": DATA}) as server:
            with Freshet(HOME, server.url("/nowhere.bin")) as app:
                app.wait_to_say(words.NO_DOWNLOADS)
                app.wait_for("nowhere.bin", words.FAILED)
                app.screenshot(DESKTOP, "flatpak-no-downloads")
                DESKTOP.focus(words.WINDOW)
                app.click_in_row("nowhere.bin", words.REMOVE)
            assert not server.asked, "the server was asked for it"
    finally:
        subprocess.run([*override, "--reset", sandbox.ID], check=True, timeout=30)


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
    if not sandbox.has_documents():
        return
    folder = HOME.path / "granted"
    folder.mkdir()
    name = "granted.bin"
    with Server({f"/{name}": DATA}, 100_000) as server:
        with Freshet(HOME) as app:
            app.click(words.ADD_DOWNLOAD)
            app.write(words.ADDRESSES, server.url(f"/{name}"))
            sandbox.choose_for(app, sandbox.CHOOSE_FOLDER, folder, lambda: app.says(r"^granted ?$"))
            app.screenshot(DESKTOP, "flatpak-granted")
            app.click(words.ADD)
            app.wait_for(name, words.DOWNLOADING)
            part = folder / f"{name}.part"
            until("some of the file", lambda: part.exists() and sum(one.sent for one in server.asked) > 700_000)
            until("it to be in the list", lambda: HOME.has_listed(name))
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
    if not sandbox.has_documents():
        return
    folder = HOME.path / "gone"
    folder.mkdir()
    name = "repaired.bin"
    with Server({f"/{name}": DATA}, 20_000) as server:
        with Freshet(HOME) as app:
            app.click(words.ADD_DOWNLOAD)
            app.write(words.ADDRESSES, server.url(f"/{name}"))
            sandbox.choose_for(app, sandbox.CHOOSE_FOLDER, folder, lambda: app.says(r"^gone ?$"))
            app.click(words.ADD)
            journal = folder / f"{name}.part.journal"
            until("some of the file", lambda: sum(one.sent for one in server.asked) > 200_000)
            until("something durable", lambda: journal.exists() and durable(journal), 20)
            until("it to be in the list", lambda: HOME.has_listed(name))
        # Others stay: of several folders out of reach the first one is told of, by the portal's numbers.
        for granted, path in sandbox.ask_documents("List", "(s)", sandbox.ID)[0].items():
            if bytes(path).rstrip(b"\0").endswith(b"/gone"):
                sandbox.ask_documents("Delete", "(s)", granted)
        server.rate = None
        before = len(server.asked)
        with Freshet(HOME) as app:
            try:
                app.wait_to_say(words.LOST)
            except AssertionError as error:
                row = app.seen_row(name)
                raise AssertionError(f"{error}; the row says “{text_of(row) if row else None}”") from None
            finally:
                app.screenshot(DESKTOP, "flatpak-lost")
            sandbox.choose_for(app, words.CHOOSE_FOLDER, folder, lambda: not app.says(words.LOST))
            app.wait_for(name, words.COMPLETED)
        assert (folder / name).read_bytes() == DATA, "the file is not the server's"
        # A checksum is looked for beside the file, too.
        later = [asked for asked in server.asked[before:] if asked.path == f"/{name}"]
        assert later and all(asked.first for asked in later), "it was begun anew"
    assert {path.name for path in folder.iterdir()} == {name}, list(folder.iterdir())


def a_list_is_read_and_written_where_the_user_says():
    if not sandbox.has_documents():
        return
    name, asked, saved = "listed.bin", HOME.path / "asked.txt", HOME.path / "saved.txt"
    with Server({f"/{name}": DATA}) as server, Freshet(HOME) as app:
        asked.write_text(server.url(f"/{name}") + "\n")
        open_menu(app, words.IMPORT_ITEM)
        sandbox.choose(asked, words.IMPORT_LIST)
        app.wait_for(name, words.COMPLETED)
        assert (HOME.downloads / name).read_bytes() == DATA, "the file is not the server's"
        open_menu(app, words.EXPORT_LIST, words.AS_ADDRESSES)
        sandbox.choose(saved, words.EXPORT_LIST, is_new=True)
        app.wait_to_say(r"The list is in “saved\.txt”")
        app.screenshot(DESKTOP, "flatpak-exported")
        assert server.url(f"/{name}") in saved.read_text().split(), saved.read_text()


def open_menu(app, *items):
    app.click(words.MAIN_MENU)
    for item in items:
        app.click(item, roles=words.MENU_ITEM)


def the_desktop_starts_it_by_its_name():
    bus = Gio.bus_get_sync(Gio.BusType.SESSION)
    path = "/" + sandbox.ID.replace(".", "/")

    def launch(action):
        arguments = (GLib.Variant("(sava{sv})", (action, [], {})), None, Gio.DBusCallFlags.NONE, 20_000, None)
        bus.call_sync(sandbox.ID, path, "org.freedesktop.Application", "ActivateAction", *arguments)

    until("the end of the one before", lambda: not is_running(bus))
    app = Freshet(HOME)
    launch("add")
    app.wait_to_say(words.PATTERNS, timeout=20)
    launch("quit")
    until("its end", lambda: not is_running(bus))


def is_running(bus):
    place = ("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "NameHasOwner")
    arguments = (GLib.Variant("(s)", (sandbox.ID,)), None, Gio.DBusCallFlags.NONE, 5000, None)
    return bus.call_sync(*place, *arguments).unpack()[0]


if __name__ == "__main__":
    with SERVICES:
        run(
            the_sandbox_reaches_downloads_and_nothing_else_of_the_home,
            the_sandbox_talks_to_no_service_that_a_portal_replaces,
            the_libcurl_of_the_runtime_is_told_and_not_known_to_be_bad,
            what_would_be_lost_with_the_sandbox_is_not_downloaded,
            without_the_folder_for_downloads_nothing_is_saved_in_a_home_of_the_sandbox,
            a_dropped_link_is_downloaded_and_told_of_through_the_portal,
            a_folder_that_the_user_grants_is_downloaded_into_now_and_after_a_restart,
            a_grant_that_has_died_is_told_at_the_start_and_repaired,
            a_list_is_read_and_written_where_the_user_says,
            the_desktop_starts_it_by_its_name,
        )
