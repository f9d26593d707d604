#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The list as a user works it: groups beside it, search, and what keys do with several rows."""

import random
import re

from support import desktop, words
from support.freshet_ui import Freshet, Home, text_of
from support.server import Server
from support.waiting import run, until

DESKTOP = desktop.here()
DATA = random.Random(4).randbytes(300_000)
FILES = {"/pub/thesis.pdf": DATA, "/pub/song.flac": DATA, "/other/picture.png": DATA}


def the_groups_show_their_downloads_and_count_them():
    with Server(FILES) as server, Home() as home:
        urls = [server.url(path) for path in (*FILES, "/missing.pdf")]
        with Freshet(home, *urls) as app:
            app.wait_for("missing.pdf", words.FAILED)
            for name in ("thesis.pdf", "song.flac", "picture.png"):
                app.wait_for(name, words.COMPLETED)
            until("the counts", lambda: counts(app, "All", "Completed", "Failed", "Documents") == [4, 3, 1, 2])
            app.screenshot(DESKTOP, "groups")
            choose(app, "Failed")
            until("only what failed", lambda: rows(app) == ["missing.pdf"])
            choose(app, "Documents")
            until("only documents", lambda: rows(app) == ["missing.pdf", "thesis.pdf"])
            choose(app, "Video")
            app.find(words.LABEL, words.NO_RESULTS)
            app.screenshot(DESKTOP, "no-results")
            app.click(words.SHOW_ALL)
            until("all rows", lambda: len(rows(app)) == 4)


def what_is_typed_is_looked_for():
    with Server(FILES) as server, Home() as home:
        with Freshet(home, *[server.url(path) for path in FILES]) as app:
            for name in ("thesis.pdf", "song.flac", "picture.png"):
                app.wait_for(name, words.COMPLETED)
            point_at_window()
            DESKTOP.key("ctrl", "f")
            app.write(words.SEARCH_ENTRY, "PUB son")
            until("the song", lambda: rows(app) == ["song.flac"])
            app.screenshot(DESKTOP, "search")
            app.write(words.SEARCH_ENTRY, "nowhere")
            app.find(words.LABEL, words.NO_RESULTS)
            DESKTOP.key("Escape")
            until("all rows", lambda: len(rows(app)) == 3)


def point_at_window():
    """Without a window manager keys go to the window under the pointer."""
    DESKTOP.move(*desktop.middle(until("the window", lambda: DESKTOP.window(words.WINDOW))))


def counts(app, *groups):
    """As a screen reader says them."""
    said = (re.match(r"(\w+), (\d+) downloads?", text_of(node)) for node in app.nodes() if node.get_role_name() in words.ROW)
    found = {match[1]: int(match[2]) for match in said if match}
    return [found.get(group) for group in groups]


def choose(app, group):
    desktop.click(DESKTOP, *desktop.middle(app.place_of_row(f"{group}, ")))


def rows(app):
    names = ("missing.pdf", "thesis.pdf", "song.flac", "picture.png")
    return [name for name in names if app.seen_row(name)]


if __name__ == "__main__":
    run(the_groups_show_their_downloads_and_count_them, what_is_typed_is_looked_for)
