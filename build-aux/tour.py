# SPDX-License-Identifier: GPL-3.0-or-later
"""The pictures of docs/tour.md: the window and its dialogs in the styles, sizes and directions that a
user may have. Run by tour.sh."""

import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from screenshot import COMPLETED, FAILED, RUNNING, SETTLED, Zeros, begin, play

from support import desktop
from support.freshet_ui import Freshet, Home
from support.screen_reader import Atspi, activate, windows
from support.server import Server
from support.waiting import until

DESKTOP = desktop.here()

DARK = {"ADW_DEBUG_COLOR_SCHEME": "prefer-dark"}
HIGH_CONTRAST = {"ADW_DEBUG_HIGH_CONTRAST": "1"}

# Picture, size of the window, what is set in the program's environment, and whether details are shown.
LISTS = (
    ("light", (1000, 700), {}, True),
    ("dark", (1000, 700), DARK, True),
    ("narrow", (360, 640), {}, False),
    ("twice-as-fine", (500, 380), {"GDK_SCALE": "2"}, False),
    ("right-to-left", (1000, 700), {"LANGUAGE": "he"}, True),
    ("german", (900, 600), {"LANGUAGE": "de"}, False),
    ("high-contrast", (900, 600), HIGH_CONTRAST, False),
)
DIALOGS = ("add", "preferences", "show-help-overlay", "about")


class Place(Home):
    """A home with more in its environment."""

    def __init__(self, more):
        self._more = more

    def environment(self):
        return {**super().environment(), **self._more}


FRAME = 5  # is drawn around a window in place of its shadow where nothing blends windows


def take(app, picture, scale=1):
    """The newest window, which is in the corner of the display."""
    extents = windows(app)[-1].get_component_iface().get_extents(Atspi.CoordType.WINDOW)
    place = f"{extents.width * scale}x{extents.height * scale}+{FRAME * scale}+{FRAME * scale}"
    subprocess.run(["import", "-window", "root", "-crop", place, "+repage", str(picture)], check=True)


def show_list(folder, picture, size, more, shows_details):
    with ExitStack() as stack:
        home = stack.enter_context(Place(more))
        width, height = size
        home.prefer(window_width=width, window_height=height, details_visible=str(shows_details).lower())
        app = stack.enter_context(Freshet(home))
        # The words of the scene are English ones.
        play(app, stack) if "LANGUAGE" not in more else play_in_another_language(app, stack, home)
        DESKTOP.move(1279, 799)  # no tooltip
        time.sleep(0.5)
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


def show_dialogs(folder):
    for style, more in (("light", {}), ("dark", DARK)):
        with Place(more) as home:
            home.prefer(window_width=700, window_height=560)
            with Freshet(home) as app:
                take(app, folder / f"empty-{style}.png")
                for action in DIALOGS:
                    before = len(windows(app))
                    activate(action, "/window/1")
                    until(f"the window of {action}", lambda: len(windows(app)) > before)
                    time.sleep(1)
                    take(app, folder / f"{action}-{style}.png")
                    DESKTOP.move(200, 200)  # without a window manager keys go to what is pointed at
                    DESKTOP.key("Escape")
                    until(f"the end of {action}", lambda: len(windows(app)) == before)


def main():
    folder = Path(sys.argv[1])
    wanted = sys.argv[2:]
    for picture, *how in LISTS:
        if not wanted or picture in wanted:
            show_list(folder, picture, *how)
    if not wanted or "dialogs" in wanted:
        show_dialogs(folder)


if __name__ == "__main__":
    main()
