#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A link is dragged out of a page in Firefox, and in Chromium, and dropped on the window."""

import random

from support import desktop, words
from support.browser import Chromium, Firefox
from support.freshet_ui import Freshet, Home
from support.server import Server
from support.waiting import run, until

DESKTOP = desktop.here()
SLOW_START = 40


def drop_from(browser):
    name = "from browser.bin"
    data = random.Random(name).randbytes(500_000)
    if not browser.program:
        # Not "ok": `run` says that of the test.
        print(f"{browser.__name__}: SKIPPED it is not packaged for this system", flush=True)
        return
    with Server({"/from%20browser.bin": data}) as server, Home() as home, Freshet(home) as app:
        with browser(server.url("/from%20browser.bin")) as source:
            until("the browser", lambda: DESKTOP.window(source.title), SLOW_START)
            desktop.drop_on_window(DESKTOP, source.title)
            app.screenshot(DESKTOP, f"browser-{browser.__name__.lower()}")
            app.row(name)
            app.wait_for(name, words.COMPLETED)
        assert [asked.path for asked in server.asked] == ["/from%20browser.bin"], server.asked
        assert (home.downloads / name).read_bytes() == data, "the file is not the server's"


def a_link_dragged_out_of_firefox_is_downloaded():
    drop_from(Firefox)


def a_link_dragged_out_of_chromium_is_downloaded():
    drop_from(Chromium)


if __name__ == "__main__":
    run(a_link_dragged_out_of_firefox_is_downloaded, a_link_dragged_out_of_chromium_is_downloaded)
