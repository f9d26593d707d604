#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the program in the sandbox asks of the portals, each seen from the other side: by the desktop's
services, by a backend that portal_backend.py stands in for, or by another program."""

import os
import random
import time
from pathlib import Path

import sandbox
from gi.repository import Atspi
from support import desktop, words
from support.freshet_ui import DragSource, DropTarget, Freshet
from support.server import Server
from support.services import Services
from support.waiting import run, until

DESKTOP = sandbox.DESKTOP
DATA = random.Random(8).randbytes(300_000)
HOME = sandbox.Home()
DATA_HOME = Path(os.environ["XDG_DATA_HOME"])
OPENED, FOLDER = HOME.path / "opened", HOME.path / "folder"


class Backend(Services):
    program = Path(__file__).parent / "portal_backend.py"


# There before the portals, which look for them only when they start.
SERVICES = Services()
BACKEND = Backend()


def the_machine_is_kept_awake_while_something_is_downloaded():
    with Server({"/awake.bin": DATA}, 50_000) as server, Freshet(HOME, server.url("/awake.bin")) as app:
        asked = until("a wish to stay awake", lambda: BACKEND.of("Inhibit"))[0]
        handle, app_id, _, flags, options = asked.arguments
        suspends = 4
        assert (app_id, flags) == (sandbox.ID, suspends), asked
        assert options["reason"] == "Files are being downloaded", asked
        server.rate = None
        app.wait_for("awake.bin", words.COMPLETED)
        until("the end of the wish", lambda: [handle] in [call.arguments for call in BACKEND.of("Close")], 15)


def starting_with_the_session_and_staying_without_a_window_are_asked_for():
    with Freshet(HOME) as app:
        app.click(words.MAIN_MENU)
        app.click(words.PREFERENCES, roles=words.MENU_ITEM)
        app.show_page(words.BACKGROUND_PAGE)
        for is_on in (True, False):
            count = len(BACKEND.of("EnableAutostart"))
            app.switch(words.START_WITH_SESSION, is_on)
            calls = until("the wish", lambda: BACKEND.of("EnableAutostart")[count:])
            app_id, enables, command, _ = calls[0].arguments
            assert (app_id, enables) == (sandbox.ID, is_on), calls
            assert command == ["flatpak", "run", "--command=freshet", sandbox.ID, "--background"], command
        # The backend's answer comes before the portal's; a refusal would turn it off again.
        count = len(BACKEND.of("EnableAutostart"))
        app.switch(words.RUN_IN_BACKGROUND, True)
        until("the wish", lambda: BACKEND.of("EnableAutostart")[count:])
        time.sleep(0.5)
        assert app.seen(words.SWITCH, words.RUN_IN_BACKGROUND).get_state_set().contains(Atspi.StateType.CHECKED)
        app.switch(words.RUN_IN_BACKGROUND, False)


def log_ins_are_remembered_without_a_permission_for_the_keyring():
    one, two = "/one.bin", "/two.bin"
    with Server({one: DATA, two: DATA}) as server:
        server.logins = {one: "ann:s3cret-word", two: "ann:s3cret-word"}
        with Freshet(HOME, server.url(one)) as app:
            app.wait_for("one.bin", words.LOGIN_NEEDED)
            app.click_in_row("one.bin", words.LOG_IN)
            app.write(words.USER, "ann")
            app.write(words.SECRET, "s3cret-word")
            app.switch(words.REMEMBER_LOGIN, True)
            app.click(words.LOG_IN_NOW)
            app.wait_for("one.bin", words.COMPLETED)
            asked = until("the portal to be asked", lambda: BACKEND.of("RetrieveSecret"))
            assert asked[0].arguments[1] == sandbox.ID, asked
            keyring = HOME.data / "keyrings" / "default.keyring"
            until("it to be remembered", keyring.exists)
            assert b"s3cret-word" not in keyring.read_bytes(), "it is not encrypted"
            app.run_again(server.url(two))
            app.wait_for("two.bin", words.COMPLETED)


def a_finished_file_is_opened_shown_and_moved_to_the_trash():
    name = "opened.mp3"
    with Server({f"/{name}": DATA}) as server, Freshet(HOME, server.url(f"/{name}")) as app:
        app.wait_for(name, words.COMPLETED)
        app.click_in_row(name, words.OPEN_FILE)
        until("the file to be opened", lambda: OPENED.exists() and OPENED.read_bytes() == DATA)
        # Where there is a choice, it is left to the desktop.
        assert all(call.arguments[1] == sandbox.ID for call in BACKEND.of("ChooseApplication"))

        select(app, name)
        DESKTOP.key("ctrl", "shift", "o")
        uri = (HOME.downloads / name).as_uri()
        # Portals before 1.18 open the folder, later ones show the file in it.
        until(
            "the file manager",
            lambda: [uri] in [call.arguments[0] for call in SERVICES.of("ShowItems")]
            or (FOLDER.exists() and FOLDER.read_text().strip() == str(HOME.downloads)),
        )

        DESKTOP.key("shift", "Delete")
        app.wait_gone(name)
        assert (DATA_HOME / "Trash" / "files" / name).read_bytes() == DATA, "it is not in the trash"
        assert not (HOME.downloads / name).exists(), "it is still in its folder"


def the_help_which_lies_in_the_sandbox_is_opened_outside_of_it():
    OPENED.unlink(missing_ok=True)
    with Freshet(HOME):
        DESKTOP.focus(words.WINDOW)
        DESKTOP.key("F1")
        until("the help", lambda: OPENED.exists() and "Freshet Help" in OPENED.read_text(errors="replace"))


def a_file_that_the_sandbox_does_not_see_is_dropped_on_it_and_one_is_dragged_out_of_it():
    if not sandbox.has_documents():
        return
    # The portal hands over no file out of a folder that it has granted itself, so one of Downloads is dragged out.
    name, links = "transferred.bin", HOME.path / "links.txt"
    with Server({f"/{name}": DATA}) as server, Freshet(HOME) as app:
        links.write_text(server.url(f"/{name}") + "\n")
        with DragSource("portal", str(links)) as source:
            desktop.drop_on_window(DESKTOP, source.title)
            app.wait_for(name, words.COMPLETED)
        with DropTarget("application/vnd.portal.filetransfer") as target:
            DESKTOP.put_in_corner(target.title)
            drag_row(app, name, target)
            assert "application/vnd.portal.filetransfer" in target.read("offers")
            key = target.read("files")[0]
            found = sandbox.ask_documents("RetrieveFiles", "(sa{sv})", key, {}, interface="FileTransfer")[0]
            assert found == [str(HOME.downloads / name)], found


def install_probe():
    """A program for music, pages and folders, which leaves a copy of the file, or the name of the folder."""
    program = HOME.path / "probe.sh"
    program.write_text(f'#!/bin/sh\nif [ -d "$1" ]; then echo "$1" >{FOLDER}; else cp "$1" {OPENED}; fi\n')
    program.chmod(0o755)
    (DATA_HOME / "applications").mkdir()
    (DATA_HOME / "applications" / "probe.desktop").write_text(
        f"[Desktop Entry]\nType=Application\nName=Probe\nExec={program} %f\nMimeType=audio/mpeg;text/html;inode/directory;\n"
    )
    (Path(os.environ["XDG_CONFIG_HOME"]) / "mimeapps.list").write_text(
        "[Default Applications]\naudio/mpeg=probe.desktop\ntext/html=probe.desktop\ninode/directory=probe.desktop\n"
    )


def select(app, name):
    DESKTOP.focus(words.WINDOW)
    window = DESKTOP.window(words.WINDOW)
    x, y = desktop.middle(app.place_of_row(name))
    desktop.click(DESKTOP, window.x + x, window.y + y)


def drag_row(app, name, target):
    window = until("the window", lambda: DESKTOP.window(words.WINDOW))
    place = until("the drop target", lambda: DESKTOP.window(target.title))
    x, y = desktop.middle(app.place_of_row(name))
    desktop.drag(DESKTOP, (window.x + x, window.y + y), desktop.middle(place))


if __name__ == "__main__":
    install_probe()
    with SERVICES, BACKEND:
        run(
            the_machine_is_kept_awake_while_something_is_downloaded,
            starting_with_the_session_and_staying_without_a_window_are_asked_for,
            log_ins_are_remembered_without_a_permission_for_the_keyring,
            a_finished_file_is_opened_shown_and_moved_to_the_trash,
            the_help_which_lies_in_the_sandbox_is_opened_outside_of_it,
            a_file_that_the_sandbox_does_not_see_is_dropped_on_it_and_one_is_dragged_out_of_it,
        )
