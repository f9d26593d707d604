#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the desktop's shell asks of the program on the bus: the actions of its launcher, and its search."""

import random

from gi.repository import Gio, GLib

from support import desktop, words
from support.freshet_ui import Freshet, Home
from support.server import Server
from support.waiting import run, until

DESKTOP = desktop.here()
ID, PATH = "io.github.freshet.Freshet", "/io/github/freshet/Freshet"
DATA = random.Random(1).randbytes(400_000)


def call(path, interface, method, kind, *values):
    bus = Gio.bus_get_sync(Gio.BusType.SESSION)
    arguments = GLib.Variant(kind, values)
    return bus.call_sync(ID, path, interface, method, arguments, None, Gio.DBusCallFlags.NONE, 5000, None).unpack()


def launch(action):
    call(PATH, "org.freedesktop.Application", "ActivateAction", "(sava{sv})", action, [], {})


def ask(method, kind, *values):
    return call(f"{PATH}/SearchProvider", "org.gnome.Shell.SearchProvider2", method, kind, *values)


def the_launcher_adds_pauses_and_resumes():
    with Server({"/slow.bin": DATA}, 20_000) as server, Home() as home:
        with Freshet(home, server.url("/slow.bin")) as app:
            app.wait_for("slow.bin", words.DOWNLOADING)
            launch("pause-all")
            app.wait_for("slow.bin", words.PAUSED)
            server.rate = None
            launch("resume-all")
            app.wait_for("slow.bin", words.COMPLETED)
            launch("add")
            app.wait_to_say(words.PATTERNS)


def the_search_finds_downloads_by_their_names_and_shows_them():
    files = {f"/{name}": DATA for name in ("Blue Whale.bin", "blue-bird.bin", "other.bin")}
    with Server({path.replace(" ", "%20"): data for path, data in files.items()}) as server, Home() as home:
        home.prefer(run_in_background="true")
        addresses = [server.url(path.replace(" ", "%20")) for path in files]
        with Freshet(home, *addresses) as app:
            app.wait_for("other.bin", words.COMPLETED)
            app.wait_for("Blue Whale.bin", words.COMPLETED)
            (blue,) = ask("GetInitialResultSet", "(as)", ["BLUE"])
            assert len(blue) == 2, blue
            (whale,) = ask("GetSubsearchResultSet", "(asas)", blue, ["blue", "whale"])
            ((meta,),) = ask("GetResultMetas", "(as)", [*whale, "999", "none"])
            assert (meta["id"], meta["name"]) == (whale[0], "Blue Whale.bin"), meta
            assert meta["description"].startswith("Completed"), meta
            assert ask("GetInitialResultSet", "(as)", ["nothing of that name"]) == ([],)
            desktop.click(DESKTOP, *desktop.middle(app.place_of_row("Failed, ")))
            until("no row", lambda: not app.seen_row("Blue Whale.bin"))
            DESKTOP.focus(None)
            ask("ActivateResult", "(sasu)", whale[0], ["whale"], 0)
            until("the row to be shown", lambda: app.row("Blue Whale.bin"))
            DESKTOP.focus(words.WINDOW)
            DESKTOP.key("ctrl", "w")
            until("the window to go", lambda: DESKTOP.window(words.WINDOW) is None)
            ask("LaunchSearch", "(asu)", ["whale"], 0)
            until("the window", lambda: DESKTOP.window(words.WINDOW))


if __name__ == "__main__":
    run(
        the_launcher_adds_pauses_and_resumes,
        the_search_finds_downloads_by_their_names_and_shows_them,
    )
