# SPDX-License-Identifier: GPL-3.0-or-later
"""What Orca says while Freshet is worked by keys: walks the main paths and writes the table of
docs/accessibility.md. Run by orca.sh."""

import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "ui"))

from support import desktop, words  # noqa: E402
from support.freshet_ui import Freshet, Home  # noqa: E402
from support.screen_reader import focused, is_download, windows  # noqa: E402
from support.server import Server  # noqa: E402
from support.waiting import until  # noqa: E402

DESKTOP = desktop.here()
DOCUMENT = ROOT / "docs" / "accessibility.md"
HEAD = "| what is done | what Orca says |\n|---|---|\n"

RATE = 60_000  # a second and connection
FILE, OTHER, GONE, CLOSED = "file.bin", "other.bin", "gone.bin", "closed.bin"
DATA = random.Random(2).randbytes(40_000_000)

QUIET = 1.5  # seconds without a word after which it has said all
LONGEST = 8

# What is there for this walk alone.
HOME = re.compile(r"/tmp/freshet-home-\w+")


class Orca:
    """Without a speech server it writes into its log what it would say."""

    # With the voice behind it. The echo of a key ends with a space.
    SPOKEN = re.compile(r"SPEECH OUTPUT: '(.*?[^ ])'(?: voice=\w+)? ?\{")

    def __enter__(self):
        self._home = Path(tempfile.mkdtemp(prefix="freshet-orca-"))
        self._log = self._home / "log"
        (self._home / "orca").mkdir()
        # Else the log would be written in large pieces, and the last one never.
        customized = "import orca.debug\norca.debug.debugFile.reconfigure(line_buffering=True)\n"
        (self._home / "orca" / "orca-customizations.py").write_text(customized)
        folders = {"HOME": str(self._home), "XDG_DATA_HOME": str(self._home)}
        self._process = subprocess.Popen(
            ["orca", "--debug-file", self._log],
            # One that is installed is not started: it would speak, and wait for sound that is not there.
            env={**os.environ, **folders, "LC_ALL": "C.UTF-8", "SPEECHD_ADDRESS": "inet_socket:127.0.0.1:1"},
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            until("Orca", self.said, 30)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._home, ignore_errors=True)

    def said(self):
        """All that it said so far."""
        if self._process.poll() is not None:
            raise AssertionError(f"Orca ended with {self._process.returncode}")
        return self.SPOKEN.findall(self._log.read_text(errors="replace")) if self._log.exists() else []

    def hears(self, before):
        """What it said after so much, as soon as it is quiet."""
        end, changed, said = time.monotonic() + LONGEST, time.monotonic(), self.said()
        while time.monotonic() < min(end, changed + QUIET):
            time.sleep(0.1)
            now = self.said()
            if now != said:
                said, changed = now, time.monotonic()
        return said[before:]


class Walk:
    """The lines of the table, one after the other."""

    def __init__(self, orca):
        self._orca = orca
        self.lines = []

    def step(self, done, *keys, act=None):
        """What is done, as the table has it, and the keys of that, or what else does it."""
        before = len(self._orca.said())
        if act:
            act()
        else:
            DESKTOP.key(*keys)
        said = " ".join(sentence.strip() for sentence in self._orca.hears(before))
        said = HOME.sub("~", said)
        self.lines.append(f"| {done} | {' '.join(said.split())} |")
        print(self.lines[-1], flush=True)

    def by_tab(self, is_there, most=20):
        for _ in range(most):
            self.step("Tab", "Tab")
            if is_there():
                return
        raise AssertionError(f"Tab does not come there: {self.lines[-most:]}")


def walk(orca):
    with Server({f"/{name}": DATA for name in (FILE, CLOSED)}, RATE) as server, Home() as home:
        server.files[f"/{OTHER}"] = DATA[:1000]
        server.logins[f"/{CLOSED}"] = "ann:secret"
        urls = [server.url(f"/{name}") for name in (FILE, GONE, OTHER, CLOSED)]
        path = Walk(orca)
        with ExitStack() as stack:
            app = Freshet(home, *urls)
            path.step("Freshet is started", act=lambda: start(stack, app))
            for row, word in ((OTHER, words.COMPLETED), (GONE, words.FAILED), (CLOSED, words.LOGIN_NEEDED)):
                app.wait_for(row, word)
            path.by_tab(lambda: is_download(focused(app)))
            path.step("Down", "Down")
            path.step("Down", "Down")
            path.step("Down", "Down")
            path.step("Ctrl+U: log-in dialog", "ctrl", "u")
            path.step("Tab", "Tab")
            path.step("Tab", "Tab")
            path.step("Escape", act=lambda: back(app, "Escape"))
            path.step("Up, Tab", act=lambda: [DESKTOP.key("Up"), DESKTOP.key("Tab")])
            path.step("Shift+Tab, Home", act=lambda: [DESKTOP.key("shift", "Tab"), DESKTOP.key("Home")])
            path.step("Shift+Down: selection", "shift", "Down")
            path.step("Ctrl+A", "ctrl", "a")
            path.step("Home", "Home")
            path.step("Space: pause", "space")
            path.step("Space: resume", "space")
            path.step("F9: details", "F9")
            path.step("F9", "F9")
            path.step("the download is completed", act=lambda: complete(app, server))
            path.step("Delete", "Delete")
            path.step("Ctrl+Z", "ctrl", "z")
            path.step("F10: menu", "F10")
            path.step("Down", "Down")
            path.step("Escape", "Escape")
            path.step("Ctrl+N: add dialog", "ctrl", "n")
            path.step("an address is typed", act=lambda: DESKTOP.type(server.url("/more.bin")))
            for _ in range(6):
                path.step("Tab", "Tab")
            path.step("Escape", act=lambda: back(app, "Escape"))
            path.step("Ctrl+,: preferences", "ctrl", "comma")
            for _ in range(4):
                path.step("Tab", "Tab")
            path.step("Escape", act=lambda: back(app, "Escape"))
    return path.lines


def start(stack, app):
    stack.enter_context(app)
    DESKTOP.focus(words.WINDOW)


def back(app, *keys):
    """Without a window manager nobody gives the keyboard back to the window."""
    DESKTOP.key(*keys)
    until("the end of the dialog", lambda: len(windows(app)) == 1)
    DESKTOP.focus(words.WINDOW)


def complete(app, server):
    server.rate = None
    app.wait_for(FILE, words.COMPLETED, 60)


def main():
    with Orca() as orca:
        lines = walk(orca)
    silent = [line for line in lines if line.endswith("|  |")]
    if len(silent) > len(lines) // 4:
        sys.exit(f"Orca said nothing at {len(silent)} of {len(lines)} steps, so {DOCUMENT.name} stays as it is.")
    table = HEAD + "\n".join(lines) + "\n"
    text = DOCUMENT.read_text()
    begin = text.index(HEAD)
    end = text.index("\n\n", begin) + 1
    DOCUMENT.write_text(text[:begin] + table + text[end:])


if __name__ == "__main__":
    main()
