#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Freshet on GNOME itself: the drops and the keys of the other desktops, its notification in the Shell's list,
and its downloads in the Shell's search. Run by support/wayland-session.sh."""

import os
import random
import sys

if os.environ.get("FRESHET_COMPOSITOR") != "gnome-shell":
    sys.exit("run me by support/wayland-session.sh gnome-shell")

import test_drop
import test_wayland
from support import words
from support.freshet_ui import Freshet, Home
from support.server import Server
from support.waiting import run, until

DESKTOP = test_drop.DESKTOP
DATA = random.Random(5).randbytes(2_000_000)


def what_is_complete_is_told_in_the_list_of_messages_until_it_is_seen():
    with Server({"/told.bin": DATA}, 100_000) as server, Home() as home:
        with Freshet(home, server.url("/told.bin")) as app:
            app.wait_for("told.bin", words.DOWNLOADING)
            DESKTOP.focus(None)
            server.rate = None
            (told,) = until("a notification", DESKTOP.notifications)
            app.screenshot(DESKTOP, "gnome-notification")
            title, body, has_picture = told
            assert title == "told.bin" and body.startswith("Completed – 2.0") and has_picture, told
            DESKTOP.focus(words.WINDOW)
            until("it to be withdrawn", lambda: not DESKTOP.notifications())


def downloads_are_found_by_the_search_of_the_overview():
    with Server({"/narwhal.bin": DATA}) as server, Home() as home:
        with Freshet(home, server.url("/narwhal.bin")) as app:
            app.wait_for("narwhal.bin", words.COMPLETED)
            try:
                found = DESKTOP.found("narw")
                app.screenshot(DESKTOP, "gnome-search")
                assert [name for name, _ in found] == ["narwhal.bin"], found
                assert found[0][1].startswith("Completed"), found
            finally:
                DESKTOP.leave_overview()


if __name__ == "__main__":
    run(
        what_is_complete_is_told_in_the_list_of_messages_until_it_is_seen,
        downloads_are_found_by_the_search_of_the_overview,
        test_wayland.an_address_typed_into_the_add_dialog_is_downloaded,
        *test_drop.TESTS,
    )
