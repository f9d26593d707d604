# SPDX-License-Identifier: GPL-3.0-or-later
"""The scene of README's picture, played by the tests' means: downloads in several states, from servers
on this machine. Run by screenshot.sh."""

import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "ui"))

from support import words  # noqa: E402
from support.freshet_ui import Freshet, Home  # noqa: E402
from support.server import Server  # noqa: E402
from support.waiting import until  # noqa: E402

WIDTH, HEIGHT = 900, 600
MB = 1_000_000
SETTLED = 7  # seconds after which a measured speed is steady
RACE = 30 * MB  # a second and connection: more would be over before it is seen how far it is


class Zeros:
    """A file of zeros that takes no memory; only pieces of it are real."""

    def __init__(self, length):
        self._length = length

    def __len__(self):
        return self._length

    def __getitem__(self, part):
        start, stop, _ = part.indices(self._length)
        return bytes(stop - start) if stop - start <= MB else Zeros(stop - start)


# Name, size, how much has arrived when the picture is taken, and from then on bytes a second.
RUNNING = (
    ("debian-13.2.0-amd64-netinst.iso", 784 * MB, 210 * MB, 12 * MB),
    ("linux-6.17.8.tar.xz", 153 * MB, 51 * MB, 2 * MB),
)
PAUSED = ("The Open Road - Trailer 1080p.webm", 96 * MB, 33 * MB, 1 * MB)
COMPLETED = (("gutenberg-poems-illustrated.pdf", 18_400_000), ("field-recordings-2026.flac", 42_700_000))
FAILED = "holiday-pictures.zip"


def begin(app, stack, name, size, enough, rate):
    """Starts a download that races to where it should be and then goes on at its rate."""
    server = stack.enter_context(Server({f"/{name.replace(' ', '%20')}": Zeros(size)}, RACE))
    app.run_again(server.url(f"/{name.replace(' ', '%20')}"))
    until(f"{enough} bytes of {name}", lambda: sum(asked.sent for asked in server.asked) >= enough, 60)
    server.rate = rate / max(1, len(server.asked))  # the rate is that of one connection
    app.row(name)


def play(app, stack):
    for download in RUNNING:
        begin(app, stack, *download)
    begin(app, stack, *PAUSED)
    app.click_in_row(PAUSED[0], words.PAUSE)
    app.wait_for(PAUSED[0], words.PAUSED)
    done = stack.enter_context(Server({f"/{name}": Zeros(size) for name, size in COMPLETED}))
    app.run_again(done.url(f"/{FAILED}"))
    app.wait_for(FAILED, words.FAILED)
    for name, _ in COMPLETED:
        app.run_again(done.url(f"/{name}"))
        app.wait_for(name, words.COMPLETED, 60)
    time.sleep(SETTLED)


def take(picture):
    found = subprocess.run(
        ["xdotool", "search", "--onlyvisible", "--name", f"^{words.WINDOW}$"], check=True, capture_output=True, text=True
    )
    subprocess.run(["import", "-window", found.stdout.split()[0], picture], check=True)


def main():
    picture = sys.argv[1]
    with ExitStack() as stack:
        home = stack.enter_context(Home())
        home.prefer(window_width=WIDTH, window_height=HEIGHT)
        app = stack.enter_context(Freshet(home))
        play(app, stack)
        take(picture)


if __name__ == "__main__":
    main()
