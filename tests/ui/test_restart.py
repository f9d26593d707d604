#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program is killed in the middle and started again: the list is there, the download goes on with
what it had, and the file is right."""

import random
import sqlite3
import subprocess
import time

from support import desktop, words
from support.choosers import choose
from support.freshet_ui import Freshet, Home, binary, is_usable
from support.journal import durable
from support.server import Server
from support.waiting import run, until

NAME = "file.bin"
DATA = random.Random(2).randbytes(6_000_000)


def a_killed_program_goes_on_where_it_was():
    with Server({f"/{NAME}": DATA}, rate=150_000) as server, Home() as home:
        with Freshet(home, server.url(f"/{NAME}")) as app:
            app.wait_for(NAME, words.DOWNLOADING)
            journal = home.downloads / f"{NAME}.part.journal"
            until("a journal", journal.exists)
            until("something durable", lambda: journal.exists() and durable(journal))
            app.kill()
        kept = durable(journal)
        assert not (home.downloads / NAME).exists(), "an incomplete file has the finished one's name"
        assert (home.downloads / f"{NAME}.part").exists(), "the part file is gone"

        requests = len(server.asked)
        server.rate = None
        with Freshet(home) as app:
            app.row(NAME)
            app.wait_for(NAME, words.COMPLETED)
        # A checksum is looked for beside it, too.
        later = [asked for asked in server.asked[requests:] if asked.path == f"/{NAME}"]
        assert later and all(asked.first is not None for asked in later), f"it asked without a range: {later}"
        for part in kept:
            again = [asked for asked in later if part["start"] <= asked.first < part["end"]]
            assert not again, f"it has {part} and asked for it again: {again}"
        assert (home.downloads / NAME).read_bytes() == DATA, "the file is not the server's"
        assert {path.name for path in home.downloads.iterdir()} == {NAME}, "something was left behind"


def a_finished_list_is_there_after_a_restart():
    with Server({f"/{NAME}": DATA}) as server, Home() as home:
        with Freshet(home, server.url(f"/{NAME}")) as app:
            app.wait_for(NAME, words.COMPLETED)
        requests = len(server.asked)
        with Freshet(home) as app:
            app.wait_for(NAME, words.COMPLETED)
        assert len(server.asked) == requests, "it asked again for what it has"


def what_came_while_the_list_was_read_is_in_it_though_the_program_was_to_end():
    with Server({f"/{NAME}": DATA}) as server, Home() as home:
        with Freshet(home) as app:
            app.wait_to_say(words.DROP_HERE)
        for _ in range(5):
            # As long as somebody else has it, Freshet waits for it, but no longer than this.
            patience, began = 1.9, time.monotonic()
            held = sqlite3.connect(home.data / "freshet" / "list.sqlite", isolation_level=None)
            held.execute("BEGIN EXCLUSIVE")
            with Freshet(home, server.url(f"/{NAME}")) as app:
                app.process.terminate()
                asked = time.monotonic()
                held.execute("ROLLBACK")
                held.close()
                until("the end", lambda: app.process.poll() is not None)
            if asked - began < patience:
                break
        else:
            raise AssertionError("the machine is too busy to try it")
        with Freshet(home) as app:
            app.wait_for(NAME, words.COMPLETED)


def without_a_list_nothing_is_taken_and_that_is_said():
    with Server({f"/{NAME}": DATA}) as server, Home() as home:
        # Where the list should be is a file in the way.
        (home.data / "freshet").write_text("no folder")
        with Freshet(home) as app:
            app.wait_to_say(words.NO_LIST)
            assert not is_usable(app.find(words.BUTTON, words.ADD_DOWNLOAD)), "links can be added"
            assert app.run_again() == 0
            assert not app.seen(words.BUTTON, words.DISMISS), "it complains of nothing"
            assert app.run_again(server.url(f"/{NAME}")) != 0, "it took a link that it loses"
            # The toast.
            app.find(words.BUTTON, words.DISMISS)


def without_a_display_it_says_what_can_be_done():
    with Home() as home:
        hidden = ("DISPLAY", "WAYLAND_DISPLAY")
        environment = {name: value for name, value in home.environment().items() if name not in hidden}
        told = subprocess.run([binary(), "http://127.0.0.1/f"], env=environment, capture_output=True, text=True, timeout=30)
        assert told.returncode == 1 and "Use: freshet get" in told.stderr, told


def a_folder_that_was_moved_is_replaced_by_the_one_it_is_now():
    screen = desktop.here()
    with Server({f"/{NAME}": DATA}, rate=150_000) as server, Home() as home:
        gone, moved = home.path / "gone", home.path / "moved"
        gone.mkdir()
        home.prefer(download_folder=f"'{gone}'")
        with Freshet(home, server.url(f"/{NAME}")) as app:
            journal = gone / f"{NAME}.part.journal"
            until("something durable", lambda: journal.exists() and durable(journal))
        gone.rename(moved)
        requests = len(server.asked)
        server.rate = None
        with Freshet(home) as app:
            app.wait_to_say(words.LOST)
            app.screenshot(screen, "lost-folder")
            app.click(words.CHOOSE_FOLDER)
            choose(app, screen, moved)
            app.wait_for(NAME, words.COMPLETED)
            until("the end of the notice", lambda: not app.says(words.LOST))
        later = [asked for asked in server.asked[requests:] if asked.path == f"/{NAME}"]
        assert later and all(asked.first for asked in later), "it was begun anew"
        assert (moved / NAME).read_bytes() == DATA, "the file is not the server's"
        assert {path.name for path in moved.iterdir()} == {NAME}, "something was left behind"
        with Freshet(home) as app:
            app.run_again(server.url(f"/{NAME}?new"))
            until("a new one in the same folder", lambda: len(list(moved.iterdir())) > 1)


if __name__ == "__main__":
    run(
        a_killed_program_goes_on_where_it_was,
        a_finished_list_is_there_after_a_restart,
        what_came_while_the_list_was_read_is_in_it_though_the_program_was_to_end,
        without_a_list_nothing_is_taken_and_that_is_said,
        without_a_display_it_says_what_can_be_done,
        a_folder_that_was_moved_is_replaced_by_the_one_it_is_now,
    )
