# SPDX-License-Identifier: GPL-3.0-or-later
"""The pictures of docs/tour.md: the window and its dialogs in the styles, sizes and directions that a
user may have. Run by tour.sh."""

import random
import sqlite3
import subprocess
import sys
import time
from contextlib import ExitStack, closing, contextmanager
from datetime import date, timedelta
from pathlib import Path

from screenshot import COMPLETED, FAILED, MB, RACE, RUNNING, SETTLED, Zeros, begin, play

from support import desktop, screen_reader, words
from support.freshet_ui import DragSource, Freshet, Home
from support.screen_reader import Atspi, activate, windows
from support.server import Server
from support.waiting import until

DESKTOP = desktop.here()

DARK = {"ADW_DEBUG_COLOR_SCHEME": "prefer-dark"}
HIGH_CONTRAST = {"ADW_DEBUG_HIGH_CONTRAST": "1"}
STYLES = (("light", {}), ("dark", DARK))

# Picture, size of the window, what is set in the program's environment, and whether details are shown.
LISTS = (
    ("light", (1000, 700), {}, True),
    ("dark", (1000, 700), DARK, True),
    ("narrow", (360, 640), {}, False),
    ("twice-as-fine", (500, 380), {"GDK_SCALE": "2"}, False),
    ("right-to-left", (1000, 700), {"LC_ALL": "he_IL.UTF-8"}, True),
    ("german", (900, 600), {"LC_ALL": "de_DE.UTF-8"}, False),
    ("high-contrast", (900, 600), HIGH_CONTRAST, False),
)
DIALOGS = ("add", "preferences", "shortcuts", "about")

# The scenes of one program, one after the other, with addresses of a server that there is not: a proxy has the files.
FAR = "http://files.example.org"
MANY = (
    ("city-walk.mp4", 64 * MB),
    ("evening-concert.flac", 42_700_000),
    ("freshet_1.0_amd64.deb", 2_300_000),
    ("letters-of-a-botanist.pdf", 18_400_000),
    ("mountain-lake.png", 6_100_000),
    ("survey-2026.tar.gz", 24_900_000),
)
SELECTED = ("evening-concert.flac", "letters-of-a-botanist.pdf", "mountain-lake.png")
BIG, BIG_SIZE, BIG_ENOUGH, BIG_RATE = "debian-13.2.0-amd64-netinst.iso", 784 * MB, 300 * MB, 14 * MB
GUARDED = "minutes-of-the-board.pdf"
# Host, and how many megabytes come from it on a good day.
HOSTS = (("cdimage.debian.org", 900), ("files.example.org", 400), ("mirror.example.net", 250), ("media.example.com", 120))


class Place(Home):
    """A home with more in its environment. A language has its way of writing numbers, too."""

    def __init__(self, more):
        self._more = more

    def __enter__(self):
        super().__enter__()
        if locale := self._more.get("LC_ALL"):
            subprocess.run(
                ["localedef", "-i", locale.split(".")[0], "-f", "UTF-8", self.path / locale], check=True, stdin=subprocess.DEVNULL
            )
        return self

    def environment(self):
        places = {"LOCPATH": str(self.path)} if "LC_ALL" in self._more else {}
        return {**super().environment(), **places, **self._more}


FRAME = 5  # is drawn around a window in place of its shadow where nothing blends windows


def take(app, picture, scale=1):
    """The newest window, which is in the corner of the display."""
    extents = windows(app)[-1].get_component_iface().get_extents(Atspi.CoordType.WINDOW)
    place = f"{extents.width * scale}x{extents.height * scale}+{FRAME * scale}+{FRAME * scale}"
    subprocess.run(["import", "-window", "root", "-crop", place, "+repage", str(picture)], check=True)


def point_nowhere():
    """No tooltip, and no row under the pointer."""
    DESKTOP.move(DESKTOP.width - 1, DESKTOP.height - 1)
    time.sleep(0.5)


def show_list(folder, picture, size, more, shows_details):
    with ExitStack() as stack:
        home = stack.enter_context(Place(more))
        width, height = size
        home.prefer(window_width=width, window_height=height, details_visible=str(shows_details).lower())
        app = stack.enter_context(Freshet(home))
        # The words of the scene are English ones.
        play(app, stack) if "LC_ALL" not in more else play_in_another_language(app, stack, home)
        point_nowhere()
        take(app, folder / f"{picture}.png", int(more.get("GDK_SCALE", "1")))


def play_in_another_language(app, stack, home):
    """Rows are known by their names alone."""
    for download in RUNNING:
        begin(app, stack, *download)
    done = stack.enter_context(Server({f"/{name}": Zeros(size) for name, size in COMPLETED}))
    for name in (FAILED, *(name for name, _ in COMPLETED)):
        app.run_again(done.url(f"/{name}"))
        app.row(name)
    for name, size in COMPLETED:
        until(name, lambda: (home.downloads / name).exists(), 60)
    time.sleep(SETTLED)


def show_work(folder):
    """What is seen while downloads are at work and when they are done."""
    files = {f"{FAR}/{name}": Zeros(size) for name, size in (*MANY, (BIG, BIG_SIZE), (GUARDED, 900_000))}
    with Server(files) as far, Place({"http_proxy": far.url("")}) as home:
        home.prefer(window_width=900, window_height=640, details_visible="false")
        with Freshet(home) as app:
            for name, _ in MANY:
                app.run_again(f"{FAR}/{name}")
                app.wait_for(name, words.COMPLETED, 60)
            click_on(app, "Completed, ")
            app.click(words.SELECT)
            for name in SELECTED:
                click_on(app, name)
            point_nowhere()
            take(app, folder / "selection.png")
            app.click(words.DONE)
            click_on(app, "All, ")

            far.rate = RACE
            app.run_again(f"{FAR}/{BIG}")
            until(f"enough of {BIG}", lambda: sum(asked.sent for asked in far.asked_for(f"{FAR}/{BIG}")) > BIG_ENOUGH, 60)
            far.rate = BIG_RATE / max(1, len(far.asked_for(f"{FAR}/{BIG}")))
            click_on(app, BIG)
            activate("details-visible", "/window/1")
            app.find(words.PICTURE, words.MAP, timeout=30)
            time.sleep(SETTLED)
            point_nowhere()
            take(app, folder / "details.png")
            activate("details-visible", "/window/1")

            show_drop(app, folder)

            far.logins[f"{FAR}/{GUARDED}"] = "ann:secret"
            far.realms[f"{FAR}/{GUARDED}"] = "members"
            app.run_again(f"{FAR}/{GUARDED}")
            app.wait_for(GUARDED, words.LOGIN_NEEDED)
            app.click_in_row(GUARDED, words.LOG_IN)
            app.wait_to_say(words.LOG_IN_NOW)
            app.write(words.USER, "ann")
            time.sleep(1)
            take(app, folder / "log-in.png")


def show_drop(app, folder):
    """A link is held over the window, and then let go where nothing takes it."""
    with DragSource("uri-list", f"{FAR}/{MANY[0][0]}") as source:
        DESKTOP.put_in_corner(source.title)
        start = desktop.middle(until("the drag source", lambda: DESKTOP.window(source.title)))
        end = (450, 420)
        DESKTOP.move(*start)
        DESKTOP.press()
        for step in range(1, desktop.STEPS + 1):
            DESKTOP.move(*(a + (b - a) * step / desktop.STEPS for a, b in zip(start, end)))
            time.sleep(0.03)
        time.sleep(1)
        take(app, folder / "drop.png")
        DESKTOP.move(DESKTOP.width - 1, 10)
        time.sleep(0.3)
        DESKTOP.release()
        time.sleep(1)


def click_on(app, row):
    window, place = until("the window", lambda: DESKTOP.window(words.WINDOW)), app.place_of_row(row)
    # Not in the middle, where a button may be.
    desktop.click(DESKTOP, window.x + place.x + 60, window.y + place.y + 12)
    time.sleep(0.2)


@contextmanager
def opened(app, action):
    """While the window that an action opens is there."""
    with screen_reader.opened(app, DESKTOP, action):
        time.sleep(0.7)
        yield
        point_for_keys()


def point_for_keys():
    """Without a window manager keys go to what is pointed at."""
    DESKTOP.move(200, 200)


def escape(app, before):
    point_for_keys()
    DESKTOP.key("Escape")
    until("the end of a window", lambda: len(windows(app)) == before)


def show_dialogs(folder):
    for style, more in STYLES:
        with Place(more) as home:
            home.prefer(window_width=700, window_height=560)
            with Freshet(home) as app:
                take(app, folder / f"empty-{style}.png")
                for action in DIALOGS:
                    with opened(app, action):
                        take(app, folder / f"{action}-{style}.png")


def show_past(folder):
    """What came earlier, and the rules by which it was put into folders."""
    for style, more in STYLES:
        with Place(more) as home:
            with Freshet(home):
                pass  # makes the file of its list
            fill_past(home)
            home.prefer(window_width=700, window_height=560)
            with Freshet(home) as app:
                for action in ("history", "statistics"):
                    with opened(app, action):
                        take(app, folder / f"{action}-{style}.png")
                with opened(app, "preferences"):
                    before = len(windows(app))
                    app.click(words.ADD_RULE)
                    until("the dialog for a rule", lambda: len(windows(app)) > before)
                    app.write("Name (optional)", "Discs")
                    app.write(words.RULE_PATTERNS, "*.iso *.img")
                    time.sleep(1)
                    take(app, folder / f"rule-{style}.png")
                    escape(app, before)


def fill_past(home):
    """A month of downloads, as if they had been: the same in each picture."""
    dice = random.Random(7)
    (file,) = home.data.rglob("list.sqlite")
    with closing(sqlite3.connect(file)) as past, past:
        for ago in range(30):
            day = date.today() - timedelta(ago)
            for host, most in HOSTS:
                if dice.random() < 0.6:
                    amount = int(dice.random() ** 2 * most * MB)
                    past.execute("INSERT INTO traffic VALUES (?, ?, ?)", (int(f"{day:%Y%m%d}"), host, amount))
        noon = time.mktime((date.today() - timedelta(1)).timetuple()) + 12 * 3600
        for number, (name, size) in enumerate((*MANY, *COMPLETED)):
            when = int((noon - number * 71_000) * 1e9)
            values = (9_000 - number, f"{FAR}/{name}", name, str(home.downloads).encode(), size, when)
            columns = "id, url, name, folder, size, finished_at"
            past.execute(f"INSERT INTO history ({columns}) VALUES (?, ?, ?, ?, ?, ?)", values)


def main():
    folder = Path(sys.argv[1])
    wanted = sys.argv[2:]
    for picture, *how in LISTS:
        if not wanted or picture in wanted:
            show_list(folder, picture, *how)
    for name, show in (("work", show_work), ("dialogs", show_dialogs), ("past", show_past)):
        if not wanted or name in wanted:
            show(folder)


if __name__ == "__main__":
    main()
