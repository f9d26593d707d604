#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The list goes into a file, and from it into another list. What is taken off it stays in the history."""

import json
import random
import re

from support import desktop, words
from support.choosers import choose
from support.freshet_ui import Freshet, Home
from support.server import Server
from support.waiting import run, until

DESKTOP = desktop.here()
DATA = random.Random(1).randbytes(50_000)
MUCH = 300_000


def open_menu(app, *menu):
    app.click(words.MAIN_MENU)
    for item in menu:
        app.click(item, roles=words.MENU_ITEM)


def a_list_is_exported_and_what_was_not_complete_is_imported():
    with Server({"/done.bin": DATA, "/late.bin": DATA}) as server:
        server.refuses["/late.bin"] = 403
        urls = [server.url("/done.bin"), server.url("/late.bin")]
        with Home() as home, Freshet(home, *urls) as app:
            app.wait_for("done.bin", words.COMPLETED)
            app.wait_for("late.bin", words.FAILED)
            saved = home.path / "list.json"
            open_menu(app, words.EXPORT_LIST, words.AS_JSON)
            choose(app, DESKTOP, saved, words.EXPORT_LIST, is_new=True)
            app.wait_to_say(words.EXPORTED)
            text = saved.read_text()
        downloads = json.loads(text)["downloads"]
        assert [download["url"] for download in downloads] == urls, text
        server.refuses.clear()
        with Home() as home, Freshet(home) as app:
            own = home.path / "own"
            own.mkdir()
            downloads[1]["folder"] = str(own)
            saved = home.path / "list.json"
            saved.write_text(json.dumps({**json.loads(text), "downloads": downloads}))
            open_menu(app, words.IMPORT_ITEM)
            choose(app, DESKTOP, saved, words.IMPORT_LIST)
            app.wait_for("late.bin", words.COMPLETED)
            assert (own / "late.bin").read_bytes() == DATA, "the file is not in the folder that the list names"
            assert app.seen_row("done.bin") is None, "what was complete is fetched again"


def open_from_menu(app, item, text):
    open_menu(app, item)
    app.wait_to_say(text)


def what_is_taken_off_the_list_is_found_again_and_what_came_is_counted():
    with Server({"/done.bin": DATA, "/other.bin": DATA}) as server, Home() as home:
        with Freshet(home, server.url("/done.bin"), server.url("/other.bin")) as app:
            for name in ("done.bin", "other.bin"):
                app.wait_for(name, words.COMPLETED)
                app.click_in_row(name, words.REMOVE)
                app.wait_gone(name)
            app.click(words.UNDO)
            app.wait_for("done.bin", words.COMPLETED)
            open_from_menu(app, words.HISTORY, words.NO_HISTORY)
            DESKTOP.key("Escape")
            app.click_in_row("done.bin", words.REMOVE)
            app.wait_gone("done.bin")
            open_from_menu(app, words.STATISTICS, words.CAME_TODAY)
            app.wait_to_say(words.CAME_FROM)
            app.screenshot(DESKTOP, "statistics")
            DESKTOP.key("Escape")
        with Freshet(home, server.url("/done.bin")) as app:
            app.wait_to_say(words.DOWNLOADED_BEFORE)
            app.screenshot(DESKTOP, "downloaded-before")
            DESKTOP.key("Escape")
            app.wait_for("other.bin", words.COMPLETED)
            assert app.seen_row("done.bin") is None, "what was there already is fetched again unasked"
        # The Undo of the one is over with the session, and the other is in the list again.
        with Freshet(home) as app:
            app.wait_for("other.bin", words.COMPLETED)
            open_from_menu(app, words.HISTORY, words.IN_HISTORY)
            app.screenshot(DESKTOP, "history")
            DESKTOP.focus(words.HISTORY)
            DESKTOP.type("1")
            app.write(words.HISTORY_ENTRY, "127.0.0.1 nowhere")
            app.wait_to_say(words.NO_RESULTS)
            app.write(words.HISTORY_ENTRY, "127.0.0.1 done")
            app.wait_to_say(words.IN_HISTORY)
            (home.downloads / "done.bin").unlink()
            app.click(words.MORE_ACTIONS)
            app.click(words.DOWNLOAD_AGAIN, roles=words.MENU_ITEM)
            app.wait_for("done.bin", words.COMPLETED)
            assert (home.downloads / "done.bin").read_bytes() == DATA
            open_from_menu(app, words.HISTORY, words.IN_HISTORY)
            app.click(words.CLEAR)
            app.click(words.CLEAR_NOW)
            app.wait_to_say(words.NO_HISTORY)
            app.screenshot(DESKTOP, "history-cleared")


def cleared_statistics_show_only_what_came_since():
    with Server({"/slow.bin": DATA * 200}, 200_000) as server, Home() as home:
        home.prefer(connections_per_download=1)
        with Freshet(home, server.url("/slow.bin")) as app:
            app.wait_for("slow.bin", words.DOWNLOADING)
            (asked,) = server.asked
            until("much to come", lambda: asked.sent > MUCH)
            # What is shown was saved now; as much again is not, when it is cleared.
            open_from_menu(app, words.STATISTICS, words.CAME_FROM_SERVER)
            (before,) = came_from_server(app)
            assert before > MUCH // 2, before
            sent = asked.sent
            until("as much again", lambda: asked.sent > sent + MUCH)
            server.rate = 1_000
            app.click(words.CLEAR)
            app.click(words.CLEAR_NOW)
            until("the end of the question", lambda: not app.says(words.IS_FORGOTTEN))
            # Until it is cleared, that of before is shown; and after it perhaps nothing, if nothing has come since.
            until("other amounts", lambda: came_from_server(app) != [before])
            after = came_from_server(app)
            assert len(after) <= 1 and sum(after) < MUCH // 2, f"what came before is shown as well: {after}, {before} before"


def came_from_server(app):
    """The bytes of each row that says what came from it."""
    scales = {"bytes": 1, "kB": 1_000, "MB": 1_000_000}
    amounts = (re.match(rf"{words.CAME_FROM_SERVER}([\d.]+)\s(bytes|kB|MB)\b", node.get_name()) for node in app.nodes())
    return [float(amount[1]) * scales[amount[2]] for amount in amounts if amount]


if __name__ == "__main__":
    run(
        a_list_is_exported_and_what_was_not_complete_is_imported,
        what_is_taken_off_the_list_is_found_again_and_what_came_is_counted,
        cleared_statistics_show_only_what_came_since,
    )
