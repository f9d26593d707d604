#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The list goes into a file, and from it into another list."""

import json
import random
import time

from support import desktop, words
from support.freshet_ui import Freshet, Home
from support.server import Server
from support.waiting import run, until

DESKTOP = desktop.here()
DATA = random.Random(1).randbytes(50_000)


def choose(app, title, path, *menu):
    """Opens the file chooser from the main menu, and types the path into it."""
    app.click(words.MAIN_MENU)
    for item in menu:
        app.click(item, roles=words.MENU_ITEM)
    DESKTOP.move(*desktop.middle(until("the chooser", lambda: DESKTOP.window(title))))
    time.sleep(0.5)
    # Of a name that is there only the part before its ending is selected.
    DESKTOP.key("ctrl", "a")
    DESKTOP.type(str(path))
    time.sleep(0.5)
    DESKTOP.key("Return")
    until("the end of the chooser", lambda: DESKTOP.window(title) is None)


def a_list_is_exported_and_what_was_not_complete_is_imported():
    with Server({"/done.bin": DATA, "/late.bin": DATA}) as server:
        server.refuses["/late.bin"] = 403
        urls = [server.url("/done.bin"), server.url("/late.bin")]
        with Home() as home, Freshet(home, *urls) as app:
            app.wait_for("done.bin", words.COMPLETED)
            app.wait_for("late.bin", words.FAILED)
            saved = home.path / "list.json"
            choose(app, words.EXPORT_LIST, saved, words.EXPORT_LIST, words.AS_JSON)
            app.wait_to_say(words.EXPORTED)
            text = saved.read_text()
        downloads = json.loads(text)["downloads"]
        assert [download["url"] for download in downloads] == urls, text
        server.refuses.clear()
        with Home() as home, Freshet(home) as app:
            downloads[1]["folder"] = str(home.downloads)
            saved = home.path / "list.json"
            saved.write_text(json.dumps({**json.loads(text), "downloads": downloads}))
            choose(app, words.IMPORT_LIST, saved, words.IMPORT_ITEM)
            app.wait_for("late.bin", words.COMPLETED)
            assert (home.downloads / "late.bin").read_bytes() == DATA, "the file is not the server's"
            assert app.seen_row("done.bin") is None, "what was complete is fetched again"


if __name__ == "__main__":
    run(
        a_list_is_exported_and_what_was_not_complete_is_imported,
    )
