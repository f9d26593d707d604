#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Freshet tells the desktop while nobody looks at its window, and what the desktop asks of it."""

import random
import time
from contextlib import contextmanager

import gi

gi.require_version("Atspi", "2.0")
from gi.repository import Atspi  # noqa: E402

from support import desktop, words
from support.freshet_ui import Freshet, Home
from support.server import Server
from support.services import Services
from support.waiting import run, until

DESKTOP = desktop.here()

NAME = "file.bin"
DATA = random.Random(1).randbytes(2_000_000)


def look_away(app):
    """To nowhere: neither keyboard nor pointer is at the window."""
    DESKTOP.move(DESKTOP.width - 3, DESKTOP.height - 3)
    DESKTOP.focus(None)
    frame = app.find(("frame", "window"), words.WINDOW)
    until("the window to be left", lambda: not frame.get_state_set().contains(Atspi.StateType.ACTIVE))


@contextmanager
def begun(files, refuses=None, **preferences):
    """The program with a slow download of each of these files, and nobody looks."""
    with Services() as services, Server(files, 20_000) as server, Home() as home:
        server.refuses = refuses or {}
        home.prefer(**preferences)
        with Freshet(home, *(server.url(path) for path in files)) as app:
            look_away(app)
            yield services, server, home, app


def a_completed_download_is_told_of_until_it_is_seen():
    with begun({f"/{NAME}": DATA}) as (services, server, _, _app):
        server.rate = None
        told = services.notification(NAME)
        assert told.body.startswith("Completed – 2.0"), told.body
        assert {words.OPEN_FILE, words.SHOW_IN_FOLDER} <= set(told.actions), told.actions
        DESKTOP.focus(words.WINDOW)
        until("it to be withdrawn", lambda: not services.notifications())


def many_completed_downloads_are_told_of_as_one():
    files = {f"/{number}.bin": DATA[:100_000] for number in range(6)}
    with begun(files) as (services, server, _, _app):
        server.rate = None
        told = services.notification("6 downloads are complete", 20)
        assert told.body.endswith("and 3 more"), told.body
        until("only the one", lambda: list(services.notifications()) == [told.id])
        assert words.SHOW_IN_FOLDER in told.actions, told.actions


def a_failed_download_is_tried_again_from_its_notification():
    with begun({f"/{NAME}": DATA}, refuses={f"/{NAME}": 404}) as (services, server, home, app):
        # It failed while the window was seen.
        app.click_in_row(NAME, words.RETRY)
        told = services.notification(NAME)
        assert told.body.startswith("Failed – "), told.body
        server.refuses, server.rate = {}, None
        services.press(told, words.TRY_AGAIN)
        app.wait_for(NAME, words.COMPLETED)
        until("it to be withdrawn", lambda: told.id not in services.notifications())
        assert (home.downloads / NAME).read_bytes() == DATA


def nothing_is_told_where_it_is_not_wanted_or_seen_anyway():
    with begun({f"/{NAME}": DATA}, notify_ends="false") as (services, server, _, app):
        server.rate = None
        app.wait_for(NAME, words.COMPLETED)
        time.sleep(1)
        assert not services.of("Notify")
    with begun({f"/{NAME}": DATA}) as (services, server, _, app):
        DESKTOP.focus(words.WINDOW)
        frame = app.find(("frame", "window"), words.WINDOW)
        until("the window to be looked at", lambda: frame.get_state_set().contains(Atspi.StateType.ACTIVE))
        server.rate = None
        app.wait_for(NAME, words.COMPLETED)
        time.sleep(1)
        assert not services.of("Notify")


if __name__ == "__main__":
    run(
        a_completed_download_is_told_of_until_it_is_seen,
        many_completed_downloads_are_told_of_as_one,
        a_failed_download_is_tried_again_from_its_notification,
        nothing_is_told_where_it_is_not_wanted_or_seen_anyway,
    )
