#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Downloads that are to be saved in another folder than they were begun in."""

import random
import tempfile
from pathlib import Path

from support import desktop, words
from support.choosers import choose
from support.freshet_ui import Freshet, Home
from support.journal import durable
from support.server import Server
from support.waiting import run, until

NAME = "file.bin"
DATA = random.Random(5).randbytes(6_000_000)
SCREEN = desktop.here()


def a_running_download_is_taken_to_another_drive():
    with (
        Server({f"/{NAME}": DATA}, rate=150_000) as server,
        Home() as home,
        tempfile.TemporaryDirectory(dir="/dev/shm") as other,
        Freshet(home, server.url(f"/{NAME}")) as app,
    ):
        app.wait_for(NAME, words.DOWNLOADING)
        journal = home.downloads / f"{NAME}.part.journal"
        until("something durable", lambda: journal.exists() and durable(journal))
        requests = len(server.asked)
        SCREEN.focus(words.WINDOW)
        window = SCREEN.window(words.WINDOW)
        x, y = desktop.middle(app.place_of_row(NAME))
        desktop.click(SCREEN, window.x + x, window.y + y)
        SCREEN.key("ctrl", "m")
        choose(app, SCREEN, other)
        server.rate = None
        app.wait_for(NAME, words.COMPLETED)
        later = [asked for asked in server.asked[requests:] if asked.path == f"/{NAME}"]
        assert later and all(asked.first for asked in later), f"it was begun anew: {later}"
        assert (Path(other) / NAME).read_bytes() == DATA, "the file is not the server's"
        assert [path.name for path in Path(other).iterdir()] == [NAME], "something was left behind there"
        assert not list(home.downloads.iterdir()), "something was left behind here"


def what_can_not_be_saved_where_it_should_goes_into_another_folder():
    with Server({f"/{NAME}": DATA}) as server, Home() as home, tempfile.TemporaryDirectory() as other:
        home.prefer(download_folder=f"'{home.path / 'gone' / 'folder'}'")
        with Freshet(home) as app:
            app.run_again(server.url(f"/{NAME}"))
            app.wait_for(NAME, words.FAILED)
            app.click_in_row(NAME, words.CHANGE_FOLDER)
            choose(app, SCREEN, other)
            app.wait_for(NAME, words.COMPLETED)
        assert (Path(other) / NAME).read_bytes() == DATA, "the file is not the server's"


if __name__ == "__main__":
    run(
        a_running_download_is_taken_to_another_drive,
        what_can_not_be_saved_where_it_should_goes_into_another_folder,
    )
