#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who has no pointer is where he was: after a search, an offer or details that go the focus is in the list."""

import random
import shutil
import time
from contextlib import contextmanager

from support import desktop, words
from support.freshet_ui import Clipboard, DragSource, Freshet, Home, content_of
from support.screen_reader import Atspi, called, focus_of, focused, is_download, name, role, tab_until, to_list
from support.server import Server
from support.waiting import run, until

DESKTOP = desktop.here()
DATA = random.Random(3).randbytes(30_000)
NAMES = ("a.bin", "b.bin", "c.bin")


@contextmanager
def completed():
    """The window with three rows, the first of which has the focus."""
    with Server({f"/{name}": DATA for name in NAMES}) as server, Home() as home:
        with Freshet(home, *(server.url(f"/{name}") for name in NAMES)) as app:
            for file_name in NAMES:
                app.wait_for(file_name, words.COMPLETED)
            DESKTOP.focus(words.WINDOW)
            to_list(app, DESKTOP)
            DESKTOP.key("Home")
            on_row(app, "a.bin")
            yield app


def on_row(app, file_name):
    until_focus(app, f"the row of {file_name}", lambda node: is_download(node) and name(node).startswith(file_name))


def until_focus(app, what, is_it):
    try:
        until(f"the focus on {what}", lambda: (node := focused(app)) is not None and is_it(node), 5)
    except AssertionError as error:
        raise AssertionError(f"{error}; it is on {called(focus_of(app))}") from None


def in_search(app):
    until_focus(app, "the search", lambda node: role(node) in words.ENTRY and name(node) == words.SEARCH_ENTRY)


def tab_to(app, wanted):
    until(f"the focus on {wanted}", lambda: tab_until(app, DESKTOP, wanted))


def the_search_takes_the_keys_and_gives_them_back():
    with completed() as app:
        DESKTOP.key("ctrl", "f")
        in_search(app)
        DESKTOP.type("nowhere")
        app.find(words.LABEL, words.NO_RESULTS)
        # There is no row to go to, so that other words can be written.
        DESKTOP.key("Return")
        time.sleep(0.3)
        in_search(app)
        DESKTOP.key("Escape")
        until_focus(app, "a row", is_download)
        DESKTOP.key("ctrl", "f")
        in_search(app)
        DESKTOP.type("b.bin")
        until("one row", lambda: not app.seen_row("a.bin"))
        DESKTOP.key("Return")
        on_row(app, "b.bin")
        # To what was written, and not at once to its end.
        DESKTOP.key("ctrl", "f")
        in_search(app)
        assert not app.seen_row("a.bin"), "the search has ended"
        DESKTOP.key("Return")
        on_row(app, "b.bin")
        DESKTOP.key("Escape")
        app.row("a.bin")
        until_focus(app, "a row", is_download)
        DESKTOP.key("ctrl", "f")
        in_search(app)
        DESKTOP.key("ctrl", "f")
        until_focus(app, "a row", is_download)


def keys_for_a_text_are_left_to_the_search_while_it_is_written_in():
    with completed() as app, Clipboard("https://127.0.0.1/pasted.bin"):
        DESKTOP.key("Delete")
        app.wait_gone("a.bin")
        DESKTOP.key("ctrl", "f")
        in_search(app)
        DESKTOP.key("ctrl", "v")
        entry = app.find(words.ENTRY, words.SEARCH_ENTRY)
        until("what was copied", lambda: content_of(entry) == "https://127.0.0.1/pasted.bin")
        DESKTOP.key("ctrl", "z")
        until("nothing", lambda: content_of(entry) == "")
        app.row("b.bin")
        assert not app.seen_row("a.bin"), "the removal is undone"
        DESKTOP.key("Escape")
        until_focus(app, "a row", is_download)
        DESKTOP.key("ctrl", "z")
        on_row(app, "a.bin")
        # Also where there is no removal to undo.
        DESKTOP.key("ctrl", "f")
        in_search(app)
        DESKTOP.type("b.b")
        until("one row", lambda: not app.seen_row("a.bin"))
        DESKTOP.key("ctrl", "z")
        until("less of it", lambda: content_of(entry) != "b.b")


def an_offer_that_goes_gives_the_keys_to_the_list():
    with completed() as app, DragSource("text", "another window"), Clipboard("https://127.0.0.1/x.bin"):
        DESKTOP.focus(DragSource.title)
        time.sleep(0.3)
        DESKTOP.focus(words.WINDOW)
        app.wait_to_say(words.OFFER.format("x.bin"))
        tab_to(app, words.DISMISS)
        DESKTOP.key("Return")
        until_focus(app, "a row", is_download)


def a_notice_that_goes_gives_the_keys_to_the_list():
    with Server({"/a.bin": DATA}) as server, Home() as home:
        home.prefer(download_folder=f"'{home.path / 'gone'}'")
        (home.path / "gone").mkdir()
        with Freshet(home, server.url("/a.bin")) as app:
            app.wait_for("a.bin", words.COMPLETED)
        shutil.rmtree(home.path / "gone")
        with Freshet(home) as app:
            app.wait_to_say(words.FOLDER_GONE)
            DESKTOP.focus(words.WINDOW)
            tab_to(app, words.DISMISS)
            DESKTOP.key("Return")
            until_focus(app, "a row", is_download)
            assert not app.says(words.FOLDER_GONE), "the notice is still there"


def details_that_go_give_the_keys_to_the_list():
    with completed() as app:
        DESKTOP.key("F9")
        tab_to(app, words.COPY_COMMAND)
        DESKTOP.key("F9")
        until_focus(app, "a row", is_download)


def a_row_that_comes_has_the_focus_if_another_one_had_it():
    with completed() as app, Server({"/new.bin": DATA}) as server:
        app.run_again(server.url("/new.bin"))
        DESKTOP.focus(words.WINDOW)
        on_row(app, "new.bin")
        DESKTOP.key("Home")
        on_row(app, "a.bin")
        DESKTOP.key("Delete")
        app.wait_gone("a.bin")
        on_row(app, "b.bin")
        DESKTOP.key("ctrl", "z")
        on_row(app, "a.bin")
        states = app.row("a.bin").get_state_set()
        assert states.contains(Atspi.StateType.SELECTED), "Delete would be for another row"


if __name__ == "__main__":
    run(
        the_search_takes_the_keys_and_gives_them_back,
        keys_for_a_text_are_left_to_the_search_while_it_is_written_in,
        an_offer_that_goes_gives_the_keys_to_the_list,
        a_notice_that_goes_gives_the_keys_to_the_list,
        details_that_go_give_the_keys_to_the_list,
        a_row_that_comes_has_the_focus_if_another_one_had_it,
    )
