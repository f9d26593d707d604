#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast the window is there, what it needs, and that it then rests.

    build-aux/gui-session.sh benches/start.py cold   beside a bare libadwaita program, in turns
    build-aux/gui-session.sh benches/start.py list   with 1,000 to 1,000,000 saved downloads
    build-aux/gui-session.sh benches/start.py idle   wake-ups of a window that has nothing to do

Before: cargo build --locked --release --bins --example bare
"""

import argparse
import json
import os
import re
import selectors
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
FREQUENCY = {"cold": 9, "list": 3, "idle": 1}
SIZES = (1_000, 10_000, 100_000, 1_000_000)
LIMIT = 120
# What the programs log.
FIRST_FRAME, LIST_COMPLETE = "frame", "the saved list is loaded"

TABLE = re.search(r'"(CREATE TABLE download.*?)",', (ROOT / "src/engine/store/migrations.rs").read_text(), re.S)[1]


def save_list(path, count, state="completed", unfinished=0):
    """A saved list as the program writes it; the last ones are unfinished, and paused."""
    path.parent.mkdir(parents=True)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(TABLE)
    connection.execute("PRAGMA user_version = 1")

    def row(number):
        host = f"mirror{number % 50}.example.org"
        name = f"some-package-{number:07}_1.0.{number % 10}-1_amd64.deb"
        url = f"https://{host}/pool/main/s/some-package/{name}"
        spec = {
            "url": url, "folder": "", "name": None, "on_exists": "rename", "resume": True, "checksum": None,
            "find_checksum": True, "connections": 8,
            "manners": {"headers": [], "user_agent": None, "referer": None, "netrc": False, "proxy": None,
                        "ca_file": None, "insecure": False},
            "patience": {"retries": 5, "first_wait": {"secs": 1, "nanos": 0}, "silence": {"secs": 30, "nanos": 0},
                         "wait_for_space": True},
        }  # fmt: skip
        folder = b"/home/somebody/Downloads"
        begun = 1_750_000_000_000_000_000 + number * 1_000_000_000
        is_open = number > count - unfinished
        received = 1_000_000 + number
        sum_of_it = None if is_open else f"sha256:{number:064x}"
        return (
            number, url, name, folder, None, json.dumps(spec, separators=(",", ":")), "paused" if is_open else state,
            None, None, folder + b"/" + name.encode(), received // 2 if is_open else received, received,
            "application/vnd.debian.binary-package", sum_of_it, 0, begun, None if is_open else begun + 5_000_000_000,
        )  # fmt: skip

    marks = ",".join("?" * 17)
    connection.executemany(f"INSERT INTO download VALUES ({marks})", map(row, range(1, count + 1)))
    connection.commit()
    connection.close()


class Program:
    """A program in a home of its own, and when it said what."""

    def __init__(self, command, home, log="freshet::ui=trace,freshet::model=debug"):
        folders = {name: str(home / name) for name in ("config", "data", "cache", "state")}
        environment = {
            **os.environ, "HOME": str(home), "RUST_LOG": log, "LANG": "C.UTF-8", "NO_COLOR": "1",
            **{f"XDG_{name.upper()}_HOME": path for name, path in folders.items()},
        }  # fmt: skip
        self.begin = time.monotonic()
        self.process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=False)
        os.set_blocking(self.process.stderr.fileno(), False)
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.process.stderr, selectors.EVENT_READ)
        self.text, self.said = "", {}

    def wait_for(self, words):
        """Seconds from the start until it said so."""
        while words not in self.said:
            if not self.selector.select(max(0, self.begin + LIMIT - time.monotonic())):
                sys.exit(f"{LIMIT} s without “{words}”; it said:\n{self.text[-2000:]}")
            at = time.monotonic() - self.begin
            new = self.process.stderr.read()
            if not new:
                sys.exit(f"it has ended; it said:\n{self.text[-2000:]}")
            self.text += new.decode(errors="replace")
            for known in (FIRST_FRAME, LIST_COMPLETE):
                if known in self.text:
                    self.said.setdefault(known, at)
        return self.said[words]

    def memory(self):
        """RSS, and what of it is nobody else's, in MiB."""
        sizes = dict.fromkeys(("Rss", "Private_Dirty", "Private_Clean"), 0)
        for line in Path(f"/proc/{self.process.pid}/smaps_rollup").read_text().splitlines():
            name, _, rest = line.partition(":")
            if name in sizes:
                sizes[name] = int(rest.split()[0]) / 1024
        return sizes["Rss"], sizes["Private_Dirty"] + sizes["Private_Clean"]

    def peak(self):
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024

    def cpu(self):
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def wake_ups(self):
        """How often each thread has slept and been woken: no sleep, no wake-up."""
        counts = {}
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            status = (task / "status").read_text()
            counts[task.name] = (
                re.search(r"Name:\s+(\S+)", status)[1],
                int(re.search(r"\nvoluntary_ctxt_switches:\s+(\d+)", status)[1]),
            )
        return counts

    def end(self):
        self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stderr.close()
        self.selector.close()


def middle(values, digits=0):
    return f"{statistics.median(values):,.{digits}f} [{min(values):,.{digits}f}–{max(values):,.{digits}f}]"


def new_home():
    return tempfile.TemporaryDirectory(prefix="freshet-start-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None)


def cold(options):
    """The window is empty; both programs are in the page cache. Ours is what D-Bus starts for the desktop."""
    window = str(Path(options.freshet).with_name("freshet-window"))
    programs = {"bare": [options.bare], "freshet-window": [window]}
    results = {name: [] for name in programs}
    for turn in range(options.runs + 1):
        for name in list(programs)[:: 1 if turn % 2 else -1]:
            with new_home() as home:
                program = Program(programs[name], Path(home))
                frame = program.wait_for(FIRST_FRAME)
                time.sleep(1)
                if turn > 0:
                    results[name].append((frame * 1000, *program.memory(), program.cpu() * 1000))
                program.end()
    print("| program | first frame ms | RSS MiB | private MiB | CPU ms | runs |\n|---|---:|---:|---:|---:|---:|")
    for name, runs in results.items():
        print(f"| {name} | {' | '.join(middle(column, 1) for column in zip(*runs))} | {len(runs)} |")
    bare, ours = ([statistics.median(column) for column in zip(*results[name])] for name in programs)
    print(f"more than bare: {ours[0] - bare[0]:.1f} ms (bar: 60), {ours[1] - bare[1]:.1f} MiB RSS (bar: 25)")


def saved(options):
    print("| saved | first frame ms | list complete ms | RSS MiB | peak MiB | CPU ms | runs |")
    print("|---:|---:|---:|---:|---:|---:|---:|")
    for size in options.sizes:
        runs = []
        for _ in range(options.runs):
            with new_home() as home:
                save_list(Path(home) / "data/freshet/list.sqlite", size, unfinished=min(size // 100, 1000))
                program = Program([options.freshet], Path(home))
                frame = program.wait_for(FIRST_FRAME)
                complete = program.wait_for(LIST_COMPLETE)
                time.sleep(1)
                runs.append(
                    (frame * 1000, complete * 1000, program.memory()[0], program.peak(), program.cpu() * 1000)
                )
                program.end()
        print(f"| {size:,} | {' | '.join(middle(column) for column in zip(*runs))} | {len(runs)} |", flush=True)


def idle(options):
    """Waits until it is quiet, then counts."""
    for words, state, unfinished in (("finished", "completed", 0), ("all paused", "completed", 1000)):
        with new_home() as home:
            save_list(Path(home) / "data/freshet/list.sqlite", 1000, state, unfinished)
            program = Program([options.freshet], Path(home))
            program.wait_for(LIST_COMPLETE)
            time.sleep(5)
            before, cpu, said = program.wake_ups(), program.cpu(), program.process.stderr.read()
            time.sleep(options.seconds)
            after = program.wake_ups()
            woken = {
                f"{name} {task}": count - before.get(task, (name, 0))[1]
                for task, (name, count) in after.items()
                if count != before.get(task, (name, 0))[1]
            }
            frames = (program.process.stderr.read() or b"").count(b"frame")
            print(
                f"{words}: {sum(woken.values())} wake-ups {woken} of {len(after)} threads and {frames} frames"
                f" in {options.seconds} s, {program.cpu() - cpu:.2f} s of CPU"
            )
            program.end()


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("what", choices=FREQUENCY)
    options.add_argument("--freshet", default=str(ROOT / "target/release/freshet"), help="the program (%(default)s)")
    options.add_argument("--bare", default=str(ROOT / "target/release/examples/bare"), help="(%(default)s)")
    options.add_argument("--runs", type=int, help="measured runs of each")
    options.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="how many are saved")
    options.add_argument("--seconds", type=int, default=60, help="how long it is watched (%(default)s)")
    options = options.parse_args()
    options.runs = options.runs or FREQUENCY[options.what]
    if not shutil.which(options.freshet):
        sys.exit(f"{options.freshet} is not there: cargo build --locked --release --bins --example bare")
    {"cold": cold, "list": saved, "idle": idle}[options.what](options)


if __name__ == "__main__":
    main()
