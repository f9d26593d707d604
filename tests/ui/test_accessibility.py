#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What who works without seeing, or without a pointer, meets: names, roles and keys of everything, a
focus that is never lost, rows that are one sentence, and progress that is told seldom."""

import random
import re
import time
from contextlib import contextmanager

from support import desktop, words
from support.freshet_ui import Freshet, Home, is_usable
from support.screen_reader import (
    FRAME_BUTTONS,
    Listening,
    actions,
    activate,
    called,
    called_by_class,
    controls,
    faults,
    focus_of,
    focused,
    is_download,
    is_nameless,
    name,
    opened,
    press_tab,
    reached_by_tab,
    role,
    shown,
    tab_until,
    thing,
    to_list,
    windows,
)
from support.server import Server
from support.waiting import run, until

DESKTOP = desktop.here()

SLOW = 20_000  # a second and connection
NAME = "file.bin"
OTHER = "other.bin"
GONE = "gone.bin"
CLOSED = "closed.bin"
DATA = random.Random(2).randbytes(9_000_000)

# What these actions do is no window of ours: they end the program, act at once, or ask the desktop for a file.
NO_WINDOW = {"quit", "find", "close-window", "paste", "pause-all", "resume-all", "undo", "show-all", "cancel-when-done", "help"}
NO_WINDOW |= {"import", "export-json", "export-addresses", "export-aria2"}

SENTENCE = re.compile(r"^file\.bin: Downloading – [\d.]+( [kM]B)? of 9\.0 MB – [\d.]+ [kM]B/s – \d+ (s|min) left$")


@contextmanager
def begun(rate=SLOW, *more):
    """The window with a download at work, and with the focus."""
    with Server({f"/{NAME}": DATA, f"/{OTHER}": DATA[:1000]}, rate) as server, Home() as home:
        # At all hours, so that the preferences have all there is to see of them.
        home.prefer(hours="'daily 00:00-24:00'", rate_schedule="'daily 00:00-24:00 unlimited'")
        with Freshet(home, server.url(f"/{NAME}"), *(server.url(f"/{file}") for file in more)) as app:
            app.wait_for(NAME, words.DOWNLOADING)
            DESKTOP.focus(words.WINDOW)
            focus_of(app)
            yield server, home, app


def focus_on_row(app, file_name):
    def is_there():
        node = focused(app)
        return node is not None and is_download(node) and name(node).startswith(file_name)

    until(f"the focus on the row of {file_name}", is_there)


def everything_in_every_window_says_what_it_is():
    with begun(SLOW, GONE, OTHER) as (_, _home, app):
        app.wait_for(GONE, words.FAILED)
        app.wait_for(OTHER, words.COMPLETED)
        app.click(words.DETAILS)
        app.find(words.PICTURE, re.compile("done|is here"))
        found = faults(app, "the window")
        opened = 0
        for group in ("", "/window/1"):
            for action in actions(group):
                if action in NO_WINDOW:
                    continue
                before = len(windows(app))
                activate(action, group)
                until(f"a window of {action}", lambda: len(windows(app)) > before, 5)
                time.sleep(0.3)
                opened += 1
                for page in words.PREFERENCES_PAGES if action == "preferences" else (None,):
                    if page:
                        app.show_page(page)
                    found += faults(app, action)
                app.screenshot(DESKTOP, f"a11y-{action}")
                DESKTOP.key("Escape")
                until(f"the end of {action}", lambda: len(windows(app)) == before, 5)
        assert opened >= 4, f"only {opened} windows were opened"
        assert not found, "without name or role:\n" + "\n".join(sorted(set(found)))


def nothing_is_called_by_its_class():
    with begun(SLOW, GONE) as (_, _home, app):
        app.wait_for(GONE, words.FAILED)
        app.click(words.DETAILS)
        app.find(words.PICTURE, re.compile("done|is here"))
        found = list(called_by_class(app))
        DESKTOP.key("F10")
        app.find(words.MENU_ITEM, words.ABOUT)
        found += called_by_class(app)
        DESKTOP.key("Escape")
        app.click(words.SELECT)
        app.click(words.MORE_ACTIONS)
        app.find(words.MENU_ITEM, words.SELECT_ALL)
        found += called_by_class(app)
        DESKTOP.key("Escape")
        app.click(words.SELECT)
        activate("add", "/window/1")
        until("the add dialog", lambda: len(windows(app)) > 1)
        until("the focus on what unfolds", lambda: tab_until(app, DESKTOP, words.UNFOLDS))
        found += called_by_class(app)
        assert not found, "called by their classes:\n" + "\n".join(sorted(set(found)))


def an_entry_row_tells_that_it_has_the_focus():
    with begun() as (_, _home, app):
        activate("add", "/window/1")
        until("the add dialog", lambda: len(windows(app)) > 1)
        until("the focus on the file name", lambda: tab_until(app, DESKTOP, words.FOLDED[0]))
        DESKTOP.type("x")
        node = focused(app)
        assert role(node) in words.ENTRY and name(node) == words.FOLDED[0], f"the focus is on {called(node)}"


def to_row(app, file_name):
    """Moves the focus to a row by keys."""
    to_list(app, DESKTOP)
    DESKTOP.key("Home")

    def is_there():
        node = focused(app)
        if node is not None and is_download(node) and name(node).startswith(file_name):
            return True
        DESKTOP.key("Down")
        time.sleep(0.1)
        return False

    until(f"the focus on the row of {file_name}", is_there)


def what_a_row_asks_in_a_dialog_says_what_it_is():
    """Dialogs that no action of the window opens, and that of a rule, which the preferences open."""
    with begun(SLOW, GONE, CLOSED) as (server, _home, app):
        server.logins = {f"/{CLOSED}": "ann:secret"}
        app.wait_for(GONE, words.FAILED)
        app.wait_for(CLOSED, words.FAILED)
        to_row(app, CLOSED)
        DESKTOP.key("ctrl", "r")
        app.wait_for(CLOSED, words.LOGIN_NEEDED)
        found = []

        def look(what, opens):
            before = len(windows(app))
            opens()
            until(f"the dialog {what}", lambda: len(windows(app)) > before, 5)
            time.sleep(0.3)
            found.extend(faults(app, what))
            app.screenshot(DESKTOP, f"a11y-{what}")
            return before

        def closed(what, before):
            DESKTOP.key("Escape")
            until(f"the end of {what}", lambda: len(windows(app)) == before, 5)
            # As whoever manages windows does.
            DESKTOP.focus(words.WINDOW)

        for what, file_name, keys in (
            ("log-in", CLOSED, ("ctrl", "u")),
            ("new-address", GONE, ("ctrl", "l")),
            ("limit", NAME, ("ctrl", "shift", "l")),
        ):
            to_row(app, file_name)
            closed(what, look(what, lambda keys=keys: DESKTOP.key(*keys)))
        without = look("preferences", lambda: activate("preferences", "/window/1"))
        closed("rule", look("rule", lambda: app.click(words.ADD_RULE)))
        closed("preferences", without)
        assert not found, "without name or role:\n" + "\n".join(sorted(set(found)))


def what_is_asked_says_what_it_is():
    """Questions, each of which has at least two answers."""
    with begun(SLOW, OTHER) as (server, _home, app):
        app.wait_for(OTHER, words.COMPLETED)

        def look(what, answers=2):
            asked = windows(app)[-1]
            named = [node for node in controls(app, asked) if role(node) in words.BUTTON and not is_nameless(node)]
            assert len(named) >= answers, f"{what} has the answers {[name(node) for node in named]}"
            found.extend(faults(app, what))
            app.screenshot(DESKTOP, f"a11y-question-{what.replace(' ', '-')}")

        def ask(what, asks):
            before = len(windows(app))
            asks()
            until(f"the question {what}", lambda: len(windows(app)) > before, 5)
            time.sleep(0.3)
            look(what)
            DESKTOP.key("Escape")
            until(f"the end of {what}", lambda: len(windows(app)) == before, 5)

        found = []
        ask("already in the list", lambda: app.run_again(server.url(f"/{NAME}")))
        ask("stop downloading", lambda: activate("close-window", "/window/1"))
        with opened(app, DESKTOP, "statistics"):
            ask("clear the statistics", lambda: app.click(words.CLEAR))
        assert not found, "without name or role:\n" + "\n".join(sorted(set(found)))


def tab_comes_to_everything_in_use():
    with begun(SLOW, GONE) as (_, _home, app):
        app.wait_for(GONE, words.FAILED)
        reached = reached_by_tab(app, DESKTOP)
        to_list(app, DESKTOP)
        DESKTOP.key("Home")
        DESKTOP.key("Down")
        reached += reached_by_tab(app, DESKTOP)
        buttons = {at.name for at in reached if at.role in words.BUTTON}
        for wanted in (words.ADD_DOWNLOAD, words.PAUSE_ALL, words.DETAILS, words.MAIN_MENU, words.PAUSE, words.CANCEL):
            assert wanted in buttons, f"Tab does not come to “{wanted}”, only to {shown(reached)}"
        # The other rows are come to by the arrow keys, and their buttons by Tab from there.
        for wanted in (words.RETRY, words.NEW_ADDRESS, words.REMOVE):
            assert wanted in buttons, f"Tab does not come to “{wanted}”, only to {shown(reached)}"


def tab_comes_to_everything_in_the_add_dialog():
    with begun() as (_, _home, app):
        with opened(app, DESKTOP, "add"):
            until("the focus on what unfolds", lambda: tab_until(app, DESKTOP, words.UNFOLDS))
            DESKTOP.key("Return")
            time.sleep(0.5)
            wanted = _named_controls(app)
            assert wanted, "it has no controls"
            missed = wanted - set(reached_by_tab(app, DESKTOP))
            assert not missed, f"Tab does not come to {shown(missed)}"


def tab_comes_to_everything_on_each_page_of_the_preferences():
    with begun() as (_, _home, app):
        with opened(app, DESKTOP, "preferences"):
            # Of GTK 4.8 those of all pages, also of those that are not shown.
            wanted, reached = set(), set()
            for page in words.PREFERENCES_PAGES:
                app.show_page(page)
                if page == words.CONNECTIONS_PAGE:
                    for hours in (1, 2):
                        until(f"the focus on hours {hours}", lambda: tab_until(app, DESKTOP, words.EVERY_DAY))
                        DESKTOP.key("Return")
                        press_tab(DESKTOP)
                    time.sleep(0.5)
                wanted |= _named_controls(app)
                reached |= set(reached_by_tab(app, DESKTOP))
            assert len(wanted) >= 40, f"only {len(wanted)} controls: {shown(wanted)}"
            missed = wanted - reached
            assert not missed, f"Tab does not come to {shown(missed)}, only to {shown(reached)}"


def _named_controls(app):
    """What can be worked in the newest window, but for its frame and what is folded."""
    worked = [node for node in controls(app, windows(app)[-1]) if _is_worked(node) and not is_nameless(node)]
    told = {thing(node) for node in worked if name(node) not in (*FRAME_BUTTONS, *words.FOLDED)}
    # The entry of libadwaita's own search, which a button of that name unfolds.
    return {at for at in told if at.role not in words.ENTRY or at.name != words.SEARCH}


def _is_worked(node):
    return is_usable(node) and role(node) not in ("list item", "list box", "list", "label", "static", "page tab list")


def the_focus_comes_back_when_a_dialog_goes():
    with begun() as (_, _home, app):
        to_list(app, DESKTOP)
        for keys in (("ctrl", "n"), ("ctrl", "comma"), ("ctrl", "question"), ("ctrl", "shift", "l")):
            before = len(windows(app))
            DESKTOP.key(*keys)
            until(f"the window of {keys}", lambda: len(windows(app)) > before)
            DESKTOP.key("Escape")
            until(f"the end of {keys}", lambda: len(windows(app)) == before)
            # Without a window manager nobody gives it back to the window.
            DESKTOP.focus(words.WINDOW)
            focus_on_row(app, NAME)


def the_focus_stays_when_its_button_or_its_row_goes():
    with begun(SLOW, OTHER) as (_, _home, app):
        app.wait_for(OTHER, words.COMPLETED)
        to_list(app, DESKTOP)
        DESKTOP.key("Home")
        # The Pause button goes as soon as it was used.
        until("the focus on Pause", lambda: tab_until(app, DESKTOP, words.PAUSE))
        DESKTOP.key("Return")
        app.wait_for(NAME, words.PAUSED)
        time.sleep(0.3)
        node = focus_of(app)
        assert name(node) in (words.RESUME, words.CANCEL) or is_download(node), f"it went to {called(node)}"
        # From the removed row it goes to a neighbour, and at last to the empty window.
        if role(node) not in words.ROW:
            DESKTOP.key("shift", "Tab")
        to_list(app, DESKTOP)
        for left in (1, 0):
            DESKTOP.key("Delete")
            until(f"{left} rows", lambda: sum(is_download(node) for node in app.nodes()) == left)
            node = focus_of(app)
            assert left == 0 or is_download(node), f"after a removal the focus is on {called(node)}"


def a_row_is_one_sentence():
    with begun() as (_, _home, app):
        row = to_list(app, DESKTOP)

        def says():
            row.clear_cache()
            return SENTENCE.match(name(row).replace("\u00a0", " "))

        until("a sentence with state, progress, speed and time left", says, 12)


def progress_is_told_seldom():
    with begun() as (_, _home, app):
        to_list(app, DESKTOP)
        with Listening(app) as heard:
            heard.listen(6)
        of_focus = [event for event in heard.events if event[2]]
        assert len(of_focus) <= 1, f"the row that is read tells of itself {len(of_focus)} times in 6 s"
        told = [event for event in heard.events if "announcement" in event[0]]
        assert not told, f"progress is announced: {told}"
        # The window's subtitle and a row's sentence, at most 4 a second together. GTK 4.24 tells of progress bars
        # besides, which screen readers speak of as seldom as their user likes.
        of_bars = [event for event in heard.events if event[1] == "progress bar"]
        assert len(of_bars) <= 26, f"{len(of_bars)} changes of a progress bar are told in 6 s"
        count = len(heard.events) - len(of_bars)
        assert heard.events, "nothing is told of progress in 6 s"
        assert count <= 24, f"{count} changes are told in 6 s"


def a_state_is_told_at_once():
    with begun() as (_, _home, app):
        to_list(app, DESKTOP)
        DESKTOP.key("space")
        until("the row that says paused", lambda: name(focus_of(app)).startswith(f"{NAME}: {words.PAUSED}"), 3)


def all_is_done_by_keys():
    with Server({f"/{NAME}": DATA}, SLOW) as server, Home() as home, Freshet(home) as app:
        DESKTOP.focus(words.WINDOW)
        focus_of(app)
        DESKTOP.key("ctrl", "n")
        until("the add dialog", lambda: len(windows(app)) > 1)
        time.sleep(0.3)
        DESKTOP.type(server.url(f"/{NAME}"))
        until("the Add button", lambda: tab_until(app, DESKTOP, words.ADD))
        DESKTOP.key("Return")
        app.wait_for(NAME, words.DOWNLOADING)
        DESKTOP.focus(words.WINDOW)
        to_list(app, DESKTOP)
        DESKTOP.key("space")
        app.wait_for(NAME, words.PAUSED)
        DESKTOP.key("space")
        app.wait_for(NAME, words.DOWNLOADING)
        DESKTOP.key("Delete")
        app.wait_gone(NAME)
        DESKTOP.key("ctrl", "z")
        app.wait_for(NAME, words.DOWNLOADING)


if __name__ == "__main__":
    run(
        everything_in_every_window_says_what_it_is,
        nothing_is_called_by_its_class,
        an_entry_row_tells_that_it_has_the_focus,
        what_a_row_asks_in_a_dialog_says_what_it_is,
        what_is_asked_says_what_it_is,
        tab_comes_to_everything_in_use,
        tab_comes_to_everything_in_the_add_dialog,
        tab_comes_to_everything_on_each_page_of_the_preferences,
        the_focus_comes_back_when_a_dialog_goes,
        the_focus_stays_when_its_button_or_its_row_goes,
        a_row_is_one_sentence,
        progress_is_told_seldom,
        a_state_is_told_at_once,
        all_is_done_by_keys,
    )
