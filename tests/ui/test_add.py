#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be written into the dialog that adds downloads."""

import random

from support import desktop, words
from support.freshet_ui import Freshet, Home
from support.server import Server
from support.waiting import run

DESKTOP = desktop.here()
DATA = random.Random(1).randbytes(50_000)


def a_pattern_adds_each_of_its_files():
    names = ["part-08.bin", "part-09.bin", "part-10.bin"]
    with Server({f"/{name}": DATA for name in names}) as server, Home() as home, Freshet(home) as app:
        app.click(words.ADD_DOWNLOAD)
        app.wait_to_say(words.PATTERNS)
        app.write(words.ADDRESSES, server.url("/part-[10-8].bin"))
        app.wait_to_say(words.COUNTS_DOWN)
        app.write(words.ADDRESSES, server.url("/part-[08-10].bin"))
        app.wait_to_say("^3 files")
        app.screenshot(DESKTOP, "add-pattern")
        app.click(words.ADD)
        for name in names:
            app.wait_for(name, words.COMPLETED)
            assert (home.downloads / name).read_bytes() == DATA, f"{name} is not the server's"


def a_curl_command_is_downloaded_as_it_says():
    with Server({"/file": DATA}) as server, Home() as home, Freshet(home) as app:
        app.click(words.ADD_DOWNLOAD)
        url = server.url("/file")
        app.write(words.ADDRESSES, f"curl -X POST '{url}'")
        app.wait_to_say(words.ONLY_DOWNLOADS)
        app.write(words.ADDRESSES, f"curl -fL '{url}' \\\n  -H 'X-Key: it is' -A Probe/1 -o named.bin")
        app.click(words.ADD)
        app.wait_for("named.bin", words.COMPLETED)
        assert (home.downloads / "named.bin").read_bytes() == DATA, "the file is not the server's"
        headers = next(asked.headers for asked in server.asked if asked.path == "/file")
        assert (headers["X-Key"], headers["User-Agent"]) == ("it is", "Probe/1"), f"it asked with {headers}"


if __name__ == "__main__":
    run(
        a_pattern_adds_each_of_its_files,
        a_curl_command_is_downloaded_as_it_says,
    )
