#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all other tests of the window stand on: that a program which ends badly does not pass."""

import os

from support import freshet_ui
from support.freshet_ui import Freshet, Home
from support.waiting import outside, run, until

# What a shell does in place of the program when it is told to end.
ENDS = (
    ("exit 0", None),
    ("exit 3", "the program ended with 3 when it was told to"),
    ("kill -SEGV $$", "the program ended with -11 when it was told to"),
    ("", "the program did not end within 1 s when it was told to"),
    ("echo 'thread main panicked at x.rs:1'; exit 0", "the program wrote “thread main panicked at x.rs:1”"),
    ("echo '(freshet:1): Gtk-CRITICAL **: no'; exit 0", "the program wrote “(freshet:1): Gtk-CRITICAL **: no”"),
)


def fault_of(script, act=lambda app: None):
    """What the end of such a program is told to be."""
    with Home() as home:
        program = home.path / "program"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        os.environ["FRESHET"] = str(program)
        try:
            with Freshet(home, hidden=True) as app:
                act(app)
        except AssertionError as error:
            return str(error)
    return None


@outside("a script takes the place of the program")
def what_ends_badly_is_a_fault():
    freshet_ui.END = 1
    for end, wanted in ENDS:
        fault = fault_of(f"trap \"{end}\" TERM\ntouch $HOME/ready\nwhile :; do sleep 0.05; done", is_ready)
        assert fault == wanted, f"“{end}”: {fault}"
    assert fault_of("exit 4", ended) == "the program ended by itself with 4"
    assert fault_of("exit 0", ended) is None
    assert fault_of("while :; do sleep 0.05; done", lambda app: app.kill()) is None


def is_ready(app):
    until("its start", lambda: (app.home.path / "ready").exists())


def ended(app):
    until("its end", lambda: app.process.poll() is not None)


if __name__ == "__main__":
    run(what_ends_badly_is_a_fault)
