#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A link that was copied before the window got the focus is offered, once, and nothing else is."""

import random
import time
from contextlib import contextmanager

from support import desktop, words
from support.freshet_ui import Clipboard, DragSource, Freshet, Home, content_of
from support.server import Server
from support.waiting import run, until

DESKTOP = desktop.here()
NAME = "copied.bin"
DATA = random.Random(1).randbytes(50_000)
OFFER = words.OFFER.format(NAME)


@contextmanager
def visited():
    """The program, and another window that has the focus before."""
    with Home() as home, Freshet(home) as app, DragSource("text", "another window"):
        yield home, app


def come_back():
    DESKTOP.focus(DragSource.title)
    time.sleep(0.3)
    DESKTOP.focus(words.WINDOW)


def stays_silent(app):
    come_back()
    time.sleep(1)
    assert not app.says("You copied"), "something is offered"


def a_copied_link_is_offered_once_and_taken_at_a_click():
    with Server({f"/{NAME}": DATA, "/next.bin": DATA}) as server, visited() as (home, app):
        with Clipboard(server.url(f"/{NAME}")):
            come_back()
            app.wait_to_say(OFFER)
            app.screenshot(DESKTOP, "clipboard-offer")
            app.click(words.DISMISS)
            until("its end", lambda: not app.says(OFFER))
            stays_silent(app)
        with Clipboard(server.url("/next.bin")):
            come_back()
            app.click(words.TAKE_OFFER)
            app.wait_for("next.bin", words.COMPLETED)
            until("its end", lambda: not app.says("You copied"))
        assert (home.downloads / "next.bin").read_bytes() == DATA, "the file is not the server's"


def an_offer_goes_when_its_link_is_added_in_another_way():
    with Server({f"/{NAME}": DATA, "/other.bin": DATA}) as server, visited() as (_, app):
        with Clipboard(server.url(f"/{NAME}")):
            come_back()
            app.wait_to_say(OFFER)
            app.run_again(server.url("/other.bin"))
            app.wait_for("other.bin", words.COMPLETED)
            assert app.says(OFFER), "it goes with another link"
            app.run_again(server.url(f"/{NAME}"))
            app.wait_for(NAME, words.COMPLETED)
            until("its end", lambda: not app.says("You copied"))


def what_may_be_a_secret_is_not_offered_and_an_offer_goes_with_its_link():
    with visited() as (_, app):
        with Clipboard("https://127.0.0.1/secret.bin hunter2"):
            stays_silent(app)
        with Clipboard(f"https://127.0.0.1/{NAME}"):
            come_back()
            app.wait_to_say(OFFER)
        with Clipboard("hunter2"):
            come_back()
            until("its end", lambda: not app.says("You copied"))


def nothing_is_offered_to_who_does_not_want_it():
    with visited() as (_, app):
        DESKTOP.focus(words.WINDOW)
        DESKTOP.key("ctrl", "comma")
        app.switch(words.OFFER_LINKS, False)
        DESKTOP.focus(words.PREFERENCES)
        DESKTOP.key("Escape")
        until("their end", lambda: DESKTOP.window(words.PREFERENCES) is None)
        with Clipboard(f"https://127.0.0.1/{NAME}"):
            stays_silent(app)


def of_a_copied_piece_of_a_page_the_links_are_chosen_in_the_dialog():
    with Server({f"/{NAME}": DATA}) as server, Home() as home, Freshet(home) as app:
        link, links = server.url(f"/{NAME}"), "https://127.0.0.1/page/\nhttps://127.0.0.1/b.bin"
        DESKTOP.focus(words.WINDOW)
        with Clipboard(links, "page"):
            DESKTOP.key("ctrl", "v")
            entry = app.find(words.TEXT, words.ADDRESSES)
            until("the links", lambda: content_of(entry) == links)
            DESKTOP.focus(words.ADD_DOWNLOAD)
            DESKTOP.key("Escape")
            until("its end", lambda: not app.seen(words.TEXT, words.ADDRESSES))
        DESKTOP.focus(words.WINDOW)
        with Clipboard(link, "page"):
            DESKTOP.key("ctrl", "v")
            app.wait_for(NAME, words.COMPLETED)


if __name__ == "__main__":
    run(
        a_copied_link_is_offered_once_and_taken_at_a_click,
        an_offer_goes_when_its_link_is_added_in_another_way,
        what_may_be_a_secret_is_not_offered_and_an_offer_goes_with_its_link,
        nothing_is_offered_to_who_does_not_want_it,
        of_a_copied_piece_of_a_page_the_links_are_chosen_in_the_dialog,
    )
