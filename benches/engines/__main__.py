# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures `freshet get` beside other download programs, and prints tables in Markdown.

    python3 benches/engines                                     what takes about a quarter of an hour
    python3 benches/engines -w A,B -n 5                         some workloads, five rounds
    python3 benches/engines -w C --scale 0.01 -n 1 --no-wait    a quick look whether all works
    python3 benches/engines --report results.jsonl --details    tables of what was measured before

The exit status is 0 if all that Freshet downloaded was right, 1 if not, 2 after a wrong option.
"""

import argparse
import contextlib
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

if __package__ in (None, ""):
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from engines import contenders, machine, report, servers, workloads
from engines.session import Session, say

INSIDE = "FRESHET_BENCH_INSIDE"
NAMESPACES = ["unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
NEEDED = ("nginx", "openssl", "time", "cmp")


def options():
    parser = argparse.ArgumentParser(
        prog="python3 benches/engines", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("-w", "--workloads", default="default", metavar="NAMES", help="with commas between; --list names them")
    add("-n", "--rounds", type=int, default=3, help="how often each has its turn, at most (%(default)s)")
    add("--only", default="", metavar="NAMES", help="only these contenders, with commas between")
    add("--freshet", default="target/release/freshet", metavar="PROGRAM", help="(%(default)s)")
    add("--contenders", metavar="FILE", help="a table with more of them, see contenders.toml")
    add("--scale", type=float, default=1, help="sizes, counts or rates times this, for a quick look")
    add("--budget", type=float, default=780, metavar="SECONDS", help="begin nothing after that (%(default)s)")
    add("--again", type=int, default=1, metavar="TIMES", help="for a run that was disturbed (%(default)s)")
    add("--no-wait", action="store_true", help="do not wait for a quiet machine")
    add("--results", type=Path, default="bench.jsonl", metavar="FILE", help="raw results, tables beside (%(default)s)")
    add("--disk", type=Path, default="/var/tmp", metavar="FOLDER", help="a folder on a disk (%(default)s)")
    add("--details", action="store_true", help="print a table for each workload too")
    add("--report", type=Path, nargs="+", metavar="FILE", help="only print the tables of these results")
    add("--list", action="store_true", help="only name the workloads and the contenders that are here")
    given = parser.parse_args()
    try:
        given.workloads = workloads.chosen(given.workloads.split(","))
    except ValueError as error:
        parser.error(str(error))
    given.only = [name for name in given.only.split(",") if name]
    given.freshet = Path(given.freshet).resolve()
    given.table = contenders.load(given.freshet, given.contenders)
    unknown = set(given.only) - {one.name for one in given.table}
    if unknown:
        parser.error(f"not here: {', '.join(sorted(unknown))}")
    if not 0 < given.scale <= 1 or given.rounds < 1 or given.again < 0:
        parser.error("the scale is more than 0 and at most 1, there is at least one round")
    return given


def list_all(given):
    for workload in workloads.ALL.values():
        print(f"{workload.name:16} {workload.title}")
    print(f"\nHere: {', '.join(one.name for one in given.table)}")


def measure(given, memory, disk, own_network):
    session = Session(given, memory, disk, own_network)
    try:
        right = session.run()
    finally:
        session.close()
        text = report.whole(report.load([given.results]), given.details)
        given.results.with_suffix(".md").write_text(text)
        print(f"\n{text}", flush=True)
        say(f"Raw results: {given.results}")
    return 0 if right else 1


def namespaces_work():
    if not all(map(shutil.which, ("unshare", "nsenter", "ip"))):
        return False
    return subprocess.run([*NAMESPACES, "true"], stderr=subprocess.DEVNULL).returncode == 0


def in_namespaces(memory, disk):
    """The same once more, in a network and with processes that nobody else sees; all end with it."""
    inner = subprocess.Popen(
        [*NAMESPACES, sys.executable, Path(__file__).resolve().parent, *sys.argv[1:]],
        env=os.environ | {INSIDE: f"{memory}:{disk}"},
    )

    def hand_on(number, _):
        for pid in machine.family(inner.pid)[1:2]:
            os.kill(pid, number)

    # Ctrl-C comes to all of them without help.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, hand_on)
    try:
        return inner.wait()
    finally:
        if inner.poll() is None:
            inner.kill()
            inner.wait()


def end(*_):
    sys.exit(143)


def main():
    given = options()
    if given.report:
        print(report.whole(report.load(given.report), given.details))
        return 0
    if given.list:
        list_all(given)
        return 0
    missing = [name for name in NEEDED if not servers.program(name)]
    if not given.freshet.is_file():
        missing.append(f"{given.freshet} (cargo build --release)")
    if missing:
        say(f"Missing: {', '.join(missing)}")
        return 2
    # Programs that have a thousand transfers at once need that many descriptors.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    signal.signal(signal.SIGTERM, end)
    if INSIDE in os.environ:
        memory, disk = map(Path, os.environ.pop(INSIDE).split(":"))
        return measure(given, memory, disk, own_network=True)
    with contextlib.ExitStack() as folders:
        memory, disk = (
            Path(folders.enter_context(tempfile.TemporaryDirectory(prefix="freshet-bench-", dir=place)))
            for place in ("/dev/shm", given.disk)
        )
        if namespaces_work():
            return in_namespaces(memory, disk)
        say("No namespaces of its own here, which need root and iproute2: on the machine's loopback, without L")
        return measure(given, memory, disk, own_network=False)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
