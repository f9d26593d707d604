#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A link is dropped on the window from another program: the row appears, is completed, and the file
is right. Runs on X11 and on sway alike."""

import random

from support import desktop, words
from support.freshet_ui import DragSource, Freshet, Home
from support.server import Server
from support.waiting import run

DESKTOP = desktop.here()


def drop(kind, name, text_around="{}"):
    data = random.Random(name).randbytes(3_000_000)
    with Server({f"/{name}": data}) as server, Home() as home, Freshet(home) as app:
        with DragSource(kind, text_around.format(server.url(f"/{name}"))) as source:
            desktop.drop_on_window(DESKTOP, source.title)
            app.row(name)
            app.wait_for(name, words.COMPLETED)
            app.screenshot(DESKTOP, f"drop-{kind}-{type(DESKTOP).__name__.lower()}")
        assert (home.downloads / name).read_bytes() == data, "the file is not the server's"
        assert {path.name for path in home.downloads.iterdir()} == {name}, "something else was left behind"


def a_link_dropped_as_a_uri_list_is_downloaded():
    drop("uri-list", "list.bin")


def a_link_dropped_as_a_browser_offers_it_is_downloaded():
    drop("browser", "browser.bin")


def an_address_in_dropped_text_is_downloaded():
    drop("text", "text.bin", "It is at {} since yesterday.")


TESTS = (
    a_link_dropped_as_a_uri_list_is_downloaded,
    a_link_dropped_as_a_browser_offers_it_is_downloaded,
    an_address_in_dropped_text_is_downloaded,
)

if __name__ == "__main__":
    run(*TESTS)
