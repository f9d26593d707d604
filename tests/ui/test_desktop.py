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


def the_launcher_follows_seldom_and_is_cleared_at_the_end():
    with begun({f"/{NAME}": DATA}, connections_per_download=1) as (services, server, _, app):
        server.rate = 400_000
        app.wait_for(NAME, words.COMPLETED)
        told = until("the end", lambda: is_cleared(services) and services.of("launcher"))
    assert all(call.arguments[0] == "application://io.github.freshet.Freshet.desktop" for call in told)
    values = [call.arguments[1] for call in told]
    steps = [value["progress"] for value in values if value["progress-visible"]]
    assert len(steps) >= 3 and steps == sorted(set(steps)), steps
    assert all(value["count"] == 1 and value["count-visible"] for value in values[:-1]), values
    pauses = [later.at - earlier.at for earlier, later in zip(told, told[1:])]
    assert min(pauses) > 0.8, pauses


def is_cleared(services):
    last = services.of("launcher")[-1].arguments[1]
    return not last["progress-visible"] and not last["count-visible"]


def the_launcher_is_cleared_when_the_program_ends_before():
    with begun({f"/{NAME}": DATA}) as (services, _, _, app):
        until("something to be shown", lambda: services.of("launcher") and not is_cleared(services))
        app.process.terminate()
        app.process.wait(10)
        until("the end", lambda: is_cleared(services), 3)


def the_machine_stays_awake_only_while_something_is_done():
    with begun({f"/{NAME}": DATA}) as (services, _, _, app):
        app.wait_for(NAME, words.DOWNLOADING)
        asked = until("a wish to stay awake", lambda: services.of("Inhibit"))[0]
        suspends = 4
        name, _, reason, flags = asked.arguments
        assert (flags, reason) == (suspends, "Files are being downloaded"), asked
        app.click_in_row(NAME, words.PAUSE)
        app.wait_for(NAME, words.PAUSED)
        until("the end of the wish", lambda: services.of("Uninhibit"), 15)
        assert len(services.of("Inhibit")) == 1
    with begun({f"/{NAME}": DATA}, stay_awake="false") as (services, _, _, app):
        app.wait_for(NAME, words.DOWNLOADING)
        time.sleep(0.5)
        assert not services.of("Inhibit")


def a_closed_window_comes_back_and_downloads_go_on_meanwhile():
    with begun({f"/{NAME}": DATA}, run_in_background="true") as (services, server, home, app):
        close_window()
        until("the window to go", lambda: DESKTOP.window(words.WINDOW) is None)
        assert app.process.poll() is None, "it ended"
        server.rate = None
        services.notification(NAME)
        assert (home.downloads / NAME).read_bytes() == DATA
        assert app.run_again() == 0
        app.wait_for(NAME, words.COMPLETED)
        until("the window", lambda: DESKTOP.window(words.WINDOW))
        until("it to be withdrawn", lambda: not services.notifications())
        DESKTOP.focus(words.WINDOW)
        DESKTOP.key("ctrl", "q")
        app.process.wait(10)


def closing_the_window_asks_what_becomes_of_downloads():
    with begun({f"/{NAME}": DATA}) as (_, server, home, app):
        close_window()
        app.wait_to_say(words.STOP_DOWNLOADING)
        app.screenshot(DESKTOP, "closing")
        app.click(words.KEEP_RUNNING)
        until("the window to go", lambda: DESKTOP.window(words.WINDOW) is None)
        server.rate = None
        until("the file", lambda: (home.downloads / NAME).exists(), 20)
        assert app.run_again() == 0
        until("the window", lambda: DESKTOP.window(words.WINDOW))
    with begun({f"/{NAME}": DATA}) as (_, server, home, app):
        close_window()
        app.wait_to_say(words.STOP_DOWNLOADING)
        app.click(words.QUIT)
        app.process.wait(10)
        assert (home.downloads / f"{NAME}.part").exists(), "what came is not kept"


def close_window():
    DESKTOP.focus(words.WINDOW)
    DESKTOP.key("ctrl", "w")


def it_is_started_with_the_session_without_a_window():
    with Home() as home:
        file = home.config / "autostart" / "io.github.freshet.Freshet.desktop"
        with Freshet(home) as app:
            app.click(words.MAIN_MENU)
            app.click(words.PREFERENCES, roles=words.MENU_ITEM)
            app.switch(words.START_WITH_SESSION, True)
            until("the file", file.exists)
            command = next(line for line in file.read_text().splitlines() if line.startswith("Exec="))
            assert command.endswith(" --background"), command
            app.screenshot(DESKTOP, "preferences")
        with Freshet(home, "--background", hidden=True) as app:
            time.sleep(2)
            assert app.process.poll() is None and not DESKTOP.window(words.WINDOW)
            assert app.run_again() == 0
            until("the window", lambda: DESKTOP.window(words.WINDOW))
            app.click(words.MAIN_MENU)
            app.click(words.PREFERENCES, roles=words.MENU_ITEM)
            app.switch(words.START_WITH_SESSION, False)
            until("the file to go", lambda: not file.exists())


if __name__ == "__main__":
    run(
        a_completed_download_is_told_of_until_it_is_seen,
        many_completed_downloads_are_told_of_as_one,
        a_failed_download_is_tried_again_from_its_notification,
        nothing_is_told_where_it_is_not_wanted_or_seen_anyway,
        the_launcher_follows_seldom_and_is_cleared_at_the_end,
        the_launcher_is_cleared_when_the_program_ends_before,
        the_machine_stays_awake_only_while_something_is_done,
        a_closed_window_comes_back_and_downloads_go_on_meanwhile,
        closing_the_window_asks_what_becomes_of_downloads,
        it_is_started_with_the_session_without_a_window,
    )
