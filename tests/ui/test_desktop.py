#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Freshet tells the desktop while nobody looks at its window, and what the desktop asks of it."""

import os
import random
import time
from contextlib import contextmanager

import gi

gi.require_version("Atspi", "2.0")
from gi.repository import Atspi  # noqa: E402

from support import desktop, words
from support.freshet_ui import Freshet, Home
from support.screen_reader import faults, to_list
from support.server import Server
from support.services import InhibitPortal, Services
from support.waiting import outside, run, until

DESKTOP = desktop.here()

NAME = "file.bin"
DATA = random.Random(1).randbytes(2_000_000)
# What is asked before eleven files are opened.
MANY = r"^11 windows\b"


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


def a_file_that_is_gone_is_told_in_front_when_its_notification_opens_it():
    with begun({f"/{NAME}": DATA}, run_in_background="true") as (services, server, home, app):
        close_window()
        until("the window to go", lambda: DESKTOP.window(words.WINDOW) is None)
        server.rate = None
        told = services.notification(NAME)
        (home.downloads / NAME).unlink()
        services.press(told, words.OPEN_FILE)
        until("the window", lambda: DESKTOP.window(words.WINDOW))
        app.wait_to_say(f"“{NAME}” is no longer there")


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


def a_download_that_waits_for_a_login_is_told_of_until_it_is_seen():
    with begun({f"/{NAME}": DATA}) as (services, server, _, app):
        app.wait_for(NAME, words.DOWNLOADING)
        server.logins = {f"/{NAME}": "ann:secret"}
        server.cut()
        told = services.notification(words.LOGIN_NEEDED_TITLE)
        assert told.body.startswith(f"{NAME}\nFailed – The server asks"), told.body
        services.press(told, words.LOG_IN)
        app.wait_to_say(words.ASKS)
        until("it to be withdrawn", lambda: not services.notifications())
        app.click(words.CANCEL)
        look_away(app)
        app.click_in_row(NAME, words.RETRY)
        services.notification(words.LOGIN_NEEDED_TITLE)
        DESKTOP.focus(words.WINDOW)
        until("it to be withdrawn", lambda: not services.notifications())


@outside("in a sandbox the portal opens files and folders")
def many_files_are_shown_at_once_and_opened_only_if_all_are_meant():
    files = {f"/{number}.pdf": DATA[:1000] for number in range(11)}
    with Services() as services, Server(files) as server, Home() as home:
        opened, programs = home.path / "opened", home.path / "data" / "applications"
        opened.mkdir()
        programs.mkdir()
        (programs / "probe.desktop").write_text(
            f"[Desktop Entry]\nType=Application\nName=Probe\nExec=cp %f {opened}\nMimeType=application/pdf;\n"
        )
        (home.config / "mimeapps.list").write_text("[Default Applications]\napplication/pdf=probe.desktop\n")
        with Freshet(home, *(server.url(path) for path in files)) as app:
            for path in files:
                app.wait_for(path[1:], words.COMPLETED)
            DESKTOP.focus(words.WINDOW)
            to_list(app, DESKTOP)
            DESKTOP.key("ctrl", "a")
            DESKTOP.key("ctrl", "shift", "o")
            until("them to be shown", lambda: services.of("ShowItems"))
            time.sleep(1)
            ((uris, _),) = [call.arguments for call in services.of("ShowItems")]
            assert sorted(uris) == sorted((home.downloads / path[1:]).as_uri() for path in files), uris
            for answer, count in ((words.CANCEL, 0), (words.OPEN_FILE, 11)):
                DESKTOP.focus(words.WINDOW)
                DESKTOP.key("ctrl", "o")
                app.wait_to_say(MANY)
                app.screenshot(DESKTOP, "open-many")
                assert not list(opened.iterdir()), "they are opened unasked"
                # The rows have buttons of that name, too.
                dialog = next(node for node in app.nodes() if node.get_role_name() == "dialog")
                assert app.find(words.BUTTON, answer, within=dialog).do_action(0)
                until("its end", lambda: not app.says(MANY))
                until(f"{count} files", lambda: len(list(opened.iterdir())) == count)


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
    suspends = 4
    with InhibitPortal() as portal, begun({f"/{NAME}": DATA}) as (services, _, _, app):
        # Outside of a sandbox GTK 4.8 asks GNOME's session; GTK 4.24 asks nobody, and the program the portal.
        def wishes():
            of_session = [(flags, reason) for _, _, reason, flags in (call.arguments for call in services.of("Inhibit"))]
            of_portal = [(flags, more["reason"]) for _, flags, more in (call.arguments for call in portal.of("Inhibit"))]
            return of_session + of_portal

        app.wait_for(NAME, words.DOWNLOADING)
        until("a wish to stay awake", wishes)
        app.click_in_row(NAME, words.PAUSE)
        app.wait_for(NAME, words.PAUSED)
        until("the end of the wish", lambda: services.of("Uninhibit") or portal.of("Close"), 15)
        assert wishes() == [(suspends, "Files are being downloaded")], wishes()
    with InhibitPortal() as portal, begun({f"/{NAME}": DATA}, stay_awake="false") as (services, _, _, app):
        app.wait_for(NAME, words.DOWNLOADING)
        time.sleep(0.5)
        assert not services.of("Inhibit") and not portal.of("Inhibit")
    # Where there is no session of GNOME's.
    with InhibitPortal() as portal, Server({f"/{NAME}": DATA}, 20_000) as server, Home() as home:
        with Freshet(home, server.url(f"/{NAME}")):
            until("a wish to stay awake", lambda: portal.of("Inhibit"))


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


@outside("in a sandbox the portal has it started with the session")
def a_closed_window_comes_back_to_say_that_a_preference_cannot_be_followed():
    with begun({f"/{NAME}": DATA}, run_in_background="true") as (_, _, home, app):
        (home.config / "autostart").write_text("no folder")
        DESKTOP.focus(words.WINDOW)
        # Changes are told only of what was read.
        DESKTOP.key("ctrl", "comma")
        until("the preferences", lambda: DESKTOP.window(words.PREFERENCES))
        DESKTOP.focus(words.PREFERENCES)
        DESKTOP.key("Escape")
        until("their end", lambda: DESKTOP.window(words.PREFERENCES) is None)
        close_window()
        until("the window to go", lambda: DESKTOP.window(words.WINDOW) is None)
        home.prefer(run_in_background="true", autostart="true")
        until("the window", lambda: DESKTOP.window(words.WINDOW))
        app.wait_to_say(words.NO_AUTOSTART)


def close_window():
    DESKTOP.focus(words.WINDOW)
    DESKTOP.key("ctrl", "w")


def it_is_started_with_the_session_without_a_window():
    with Home() as home:
        file = home.config / "autostart" / "io.github.freshet.Freshet.desktop"
        with Freshet(home) as app:
            app.click(words.MAIN_MENU)
            app.click(words.PREFERENCES, roles=words.MENU_ITEM)
            app.show_page(words.BACKGROUND_PAGE)
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
            app.show_page(words.BACKGROUND_PAGE)
            app.switch(words.START_WITH_SESSION, False)
            until("the file to go", lambda: not file.exists())


@outside("in a sandbox the portal has it started with the session")
def that_it_cannot_be_started_with_the_session_is_said():
    with Home() as home, Freshet(home) as app:
        (home.config / "autostart").write_text("no folder")
        app.click(words.MAIN_MENU)
        app.click(words.PREFERENCES, roles=words.MENU_ITEM)
        app.show_page(words.BACKGROUND_PAGE)
        app.click(words.START_WITH_SESSION, roles=words.SWITCH)
        app.wait_to_say(words.NO_AUTOSTART)
        switch = app.find(words.SWITCH, words.START_WITH_SESSION)
        until("it to be off", lambda: not switch.get_state_set().contains(Atspi.StateType.CHECKED))


@contextmanager
def environment(**values):
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


FAR = f"http://files.example.org/{NAME}"


@contextmanager
def far_away(**preferences):
    """A download from a server that only a network leads to, which is a proxy of ours."""
    with Services() as services, Server({FAR: DATA}, 20_000) as server, Home() as home:
        home.prefer(**preferences)
        bus = os.environ["DBUS_SESSION_BUS_ADDRESS"]
        with environment(
            http_proxy=server.url(""), GIO_USE_NETWORK_MONITOR="networkmanager", DBUS_SYSTEM_BUS_ADDRESS=bus
        ):
            with Freshet(home, FAR) as app:
                yield services, server, home, app


def without_a_network_downloads_wait_and_go_on_at_once():
    gone, back = 20, 70
    with far_away() as (services, server, home, app):
        app.wait_for(NAME, words.DOWNLOADING)
        services.network(State=gone)
        app.wait_for(NAME, words.NO_NETWORK)
        app.screenshot(DESKTOP, "offline")
        server.rate = None
        services.network(State=back)
        app.wait_for(NAME, words.COMPLETED)
        assert (home.downloads / NAME).read_bytes() == DATA


def on_a_metered_network_downloads_wait_where_that_is_wanted():
    metered, free = 1, 2
    with far_away(wait_on_metered="true") as (services, server, home, app):
        app.wait_for(NAME, words.DOWNLOADING)
        services.network(Metered=metered)
        app.wait_for(NAME, words.METERED)
        server.rate = None
        app.click_in_row(NAME, words.START_NOW)
        app.wait_for(NAME, words.COMPLETED)
        assert (home.downloads / NAME).read_bytes() == DATA
        services.network(Metered=free)


class OnGnome(Home):
    """Where the settings of the desktop are those of GNOME."""

    def environment(self):
        return {**super().environment(), "XDG_CURRENT_DESKTOP": "GNOME"}


def the_proxy_that_is_set_for_the_desktop_is_used_where_none_is_preferred():
    far = f"http://files.example.org/{NAME}"
    with Server({far: DATA}) as proxy, OnGnome() as home:
        home.set_up_desktop("system/proxy", mode="'manual'")
        home.set_up_desktop("system/proxy/http", host="'127.0.0.1'", port=proxy.port)
        home.prefer()
        with Freshet(home, far) as app:
            app.wait_for(NAME, words.COMPLETED)
            # As a browser would it goes straight to what is on this machine.
            with Server({"/near.bin": DATA}) as near:
                app.run_again(near.url("/near.bin"))
                app.wait_for("near.bin", words.COMPLETED)
                assert near.asked_for("/near.bin"), near.asked
                assert not any("near" in asked.path for asked in proxy.asked), proxy.asked


def outside_of_its_hours_a_download_waits_and_says_until_when():
    # The day after tomorrow, whatever day it is.
    day = time.strftime("%a", time.gmtime(time.time() + 2 * 24 * 60 * 60))
    with Server({f"/{NAME}": DATA}) as server, Home() as home:
        home.prefer(hours=f"'{day} 00:00-24:00'")
        with Freshet(home, server.url(f"/{NAME}")) as app:
            app.wait_for(NAME, words.WAITS_FOR)
            assert not server.asked, "it asked the server all the same"
            app.click_in_row(NAME, words.START_NOW)
            app.wait_for(NAME, words.COMPLETED)


@contextmanager
def asleep(**preferences):
    """The program with a slow download, and a logind that it may ask."""
    with environment(DBUS_SYSTEM_BUS_ADDRESS=os.environ["DBUS_SESSION_BUS_ADDRESS"]):
        with begun({f"/{NAME}": DATA}, **preferences) as (services, server, home, app):
            yield services, server, home, app


def choose_when_done(app, choice):
    app.click(words.MAIN_MENU)
    app.click(words.WHEN_DONE, roles=words.MENU_ITEM)
    app.screenshot(DESKTOP, "when-done-menu")
    app.click(choice, roles=words.MENU_ITEM)


def preference(home, name):
    lines = (home.config / "glib-2.0" / "settings" / "keyfile").read_text().splitlines()
    return next((line.partition("=")[2] for line in lines if line.startswith(f"{name}=")), None)


def when_all_are_done_the_machine_is_suspended_once():
    with asleep() as (services, server, home, app):
        choose_when_done(app, words.SUSPEND)
        until("the choice", lambda: preference(home, "when-done") == "'suspend'")
        DESKTOP.focus(words.WINDOW)
        server.rate = None
        app.wait_to_say(words.WILL_SUSPEND)
        app.wait_to_say(words.ENDS_SOON)
        assert not (found := faults(app, "the countdown")), found
        app.screenshot(DESKTOP, "when-done")
        assert not services.of("Suspend"), "it did not wait"
        app.click(words.SUSPEND_NOW)
        # A moment ago the program itself wanted it to stay awake.
        until("logind to be asked", lambda: services.of("Suspend"))
        assert [call.arguments for call in services.of("Suspend")] == [[False]]
        assert not services.of("refused"), "it is kept awake still"
        until("the choice to be spent", lambda: preference(home, "when-done") == "'nothing'")


def shutting_down_is_counted_down_and_can_be_cancelled_in_the_notification():
    with asleep(when_done="'power-off'", when_done_always="true") as (services, server, home, app):
        server.rate = None
        told = services.notification(words.WILL_SHUT_DOWN, 20)
        app.screenshot(DESKTOP, "when-done-shut-down")
        services.press(told, words.CANCEL)
        until("the dialog to go", lambda: not app.says(words.WILL_SHUT_DOWN))
        until("it to be withdrawn", lambda: told.id not in services.notifications())
        assert preference(home, "when-done") == "'power-off'", "it was for each time"
        assert not services.of("PowerOff")
    with asleep(when_done="'power-off'", when_done_always="true", when_done_delay=2) as (services, server, _, app):
        server.rate = None
        until("logind to be asked", lambda: services.of("PowerOff"), 20)


def who_quits_meanwhile_leaves_no_word_of_a_shutdown():
    with asleep(when_done="'power-off'", when_done_always="true") as (services, server, home, app):
        server.rate = None
        told = services.notification(words.WILL_SHUT_DOWN, 20)
        # GIO withdraws what it knows the number of: the desktop's answer has to have arrived.
        app.wait_to_say(words.WILL_SHUT_DOWN)
        app.process.terminate()
        app.process.wait(10)
        until("it to be withdrawn", lambda: told.id not in services.notifications())
        assert preference(home, "when-done") == "'power-off'", "it was for each time"


def a_command_is_run_when_all_are_done():
    with Home() as other:
        script = other.path / "done.sh"
        script.write_text(f"#!/bin/sh\necho $FRESHET_COMPLETED $FRESHET_FAILED >'{other.path}/ran'\nexit 3\n")
        script.chmod(0o755)
        with begun(
            {f"/{NAME}": DATA}, when_done="'command'", when_done_always="true", when_done_delay=1,
            when_done_command=f"'{script}'",
        ) as (services, server, _, app):
            server.rate = None
            until("the command", lambda: (other.path / "ran").exists(), 20)
            assert (other.path / "ran").read_text() == "1 0\n"
            told = services.notification(words.ALL_ENDED)
            assert "error 3" in told.body, told.body


def what_is_not_possible_is_not_offered_and_the_reason_told():
    with asleep() as (services, _, _, app):
        services.logind(Suspend="no", PowerOff="na")
        app.click(words.MAIN_MENU)
        app.click(words.PREFERENCES, roles=words.MENU_ITEM)
        app.show_page(words.BACKGROUND_PAGE)
        app.wait_to_say(words.NOT_ALLOWED)
        app.screenshot(DESKTOP, "preferences-when-done")


if __name__ == "__main__":
    run(
        a_completed_download_is_told_of_until_it_is_seen,
        a_file_that_is_gone_is_told_in_front_when_its_notification_opens_it,
        many_completed_downloads_are_told_of_as_one,
        a_failed_download_is_tried_again_from_its_notification,
        a_download_that_waits_for_a_login_is_told_of_until_it_is_seen,
        many_files_are_shown_at_once_and_opened_only_if_all_are_meant,
        nothing_is_told_where_it_is_not_wanted_or_seen_anyway,
        the_launcher_follows_seldom_and_is_cleared_at_the_end,
        the_launcher_is_cleared_when_the_program_ends_before,
        the_machine_stays_awake_only_while_something_is_done,
        a_closed_window_comes_back_and_downloads_go_on_meanwhile,
        closing_the_window_asks_what_becomes_of_downloads,
        a_closed_window_comes_back_to_say_that_a_preference_cannot_be_followed,
        it_is_started_with_the_session_without_a_window,
        that_it_cannot_be_started_with_the_session_is_said,
        without_a_network_downloads_wait_and_go_on_at_once,
        on_a_metered_network_downloads_wait_where_that_is_wanted,
        the_proxy_that_is_set_for_the_desktop_is_used_where_none_is_preferred,
        outside_of_its_hours_a_download_waits_and_says_until_when,
        when_all_are_done_the_machine_is_suspended_once,
        shutting_down_is_counted_down_and_can_be_cancelled_in_the_notification,
        who_quits_meanwhile_leaves_no_word_of_a_shutdown,
        a_command_is_run_when_all_are_done,
        what_is_not_possible_is_not_offered_and_the_reason_told,
    )
