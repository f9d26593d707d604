#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same on Wayland: an address typed into the window, and the drops of test_drop.py with a real
(virtual) pointer. Run by support/wayland-session.sh."""

import os
import random
import sys

if not os.environ.get("WAYLAND_DISPLAY"):
    sys.exit("run me by support/wayland-session.sh")

import test_drop
from support import words
from support.freshet_ui import Freshet, Home
from support.server import Server
from support.waiting import run, until

DESKTOP = test_drop.DESKTOP
NAME = "typed.bin"
DATA = random.Random(3).randbytes(3_000_000)


def an_address_typed_into_the_add_dialog_is_downloaded():
    with Server({f"/{NAME}": DATA}) as server, Home() as home, Freshet(home) as app:
        until("the window", lambda: DESKTOP.window(words.WINDOW))
        DESKTOP.key("ctrl", "n")
        app.find(words.ENTRY, words.ADDRESSES)
        DESKTOP.type(server.url(f"/{NAME}"))
        app.click(words.ADD)
        app.wait_for(NAME, words.COMPLETED)
        app.screenshot(DESKTOP, "wayland-typed")
        assert (home.downloads / NAME).read_bytes() == DATA, "the file is not the server's"


if __name__ == "__main__":
    run(an_address_typed_into_the_add_dialog_is_downloaded, *test_drop.TESTS)
