# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a command and says what it took."""

import os
import select
import shutil
import signal
import subprocess
import time

from . import machine

# What others may take of the machine meanwhile, in cores; a disk keeps the kernel busy afterwards.
LIMIT, LIMIT_ON_DISK = 0.15, 0.3
TICKS = 0.03  # what counting in hundredths may be wrong by, in seconds
SAID = 300


class Clock:
    """Time, the CPU of the machine, and that of those which are known, from now on."""

    def __init__(self, known):
        self._known = known
        self._at = self._read()

    def _read(self):
        busy, stolen = machine.used()
        return time.perf_counter(), busy, stolen, machine.whole_cpu(self._known) + time.process_time()

    def others(self, cpu, wall):
        """The cores that others took, here and outside of this virtual machine."""
        _, busy, stolen, known = (now - then for now, then in zip(self._read(), self._at))
        return max(0.0, busy - known - cpu) / wall, stolen / wall


def run(
    command, *, environment, folder, scratch, quiet, known=(), before=(), timeout=180.0, kill_at=None, look_at=None
):  # fmt: skip
    """Runs the command in a folder and returns what is worth to be written down.

    before: what is put before it (nsenter); known: processes whose CPU is not that of others;
    kill_at: seconds until kill -9; look_at: from when on its CPU is counted, up to the kill.
    """
    memory = scratch / "memory.txt"
    memory.unlink(missing_ok=True)
    # time(1) tells the memory of its child alone; wait4 would count the pages of this process, too.
    timed = [*before, shutil.which("time"), "-q", "-f", "%M", "-o", memory, *command]
    row = {"quiet": quiet.wait()}
    with open(scratch / "said.txt", "w+b") as said:
        clock = Clock(known)
        row["begin"] = time.time()
        begin = time.perf_counter()
        child = subprocess.Popen(
            timed, stdin=subprocess.DEVNULL, stdout=said, stderr=said, env=environment, cwd=folder,
            start_new_session=True,
        )  # fmt: skip
        try:
            row["wall"], usage = _follow(child, begin, row, timeout, kill_at, look_at)
        finally:
            if child.returncode is None:
                kill(child.pid)
                child.kill()
                child.wait()
        row["cpu"] = usage.ru_utime + usage.ru_stime
        row["others"], row["stolen"] = clock.others(row["cpu"], row["wall"])
        row["switches"] = usage.ru_nvcsw + usage.ru_nivcsw
        row["status"] = child.returncode
        said.seek(max(0, said.tell() - SAID))
        row["said"] = said.read().decode("utf-8", "replace")
    told = memory.read_text().split() if memory.exists() else []
    row["rss"] = int(told[-1]) / 1024 if told and told[-1].isdecimal() else None
    return row


def is_disturbed(row, to_disk=False):
    limit = (LIMIT_ON_DISK if to_disk else LIMIT) + TICKS / row["wall"]
    return not row["quiet"] or row["others"] > limit or row["stolen"] > limit


def kill(pid):
    """All that the process has started, not itself: time(1) shall tell what they took."""
    for one in reversed(machine.family(pid)[1:]):
        try:
            os.kill(one, signal.SIGKILL)
        except ProcessLookupError:
            pass


def _follow(child, begin, row, timeout, kill_at, look_at):
    """Waits for the end and does what is due until then: (seconds, usage)."""
    first = {}

    def look():
        first["cpu"], first["at"] = machine.running_cpu(machine.family(child.pid)), time.perf_counter()

    def end():
        pids = machine.family(child.pid)
        if first:
            took = time.perf_counter() - first["at"]
            row["share"] = 100 * (machine.running_cpu(pids) - first["cpu"]) / took
            row["threads"] = machine.threads(pids[1:])
        kill(child.pid)
        row["killed"] = True

    def give_up():
        kill(child.pid)
        row["timed_out"] = True

    def give_up_at_last():
        child.kill()

    due = [(timeout, give_up), (timeout + 10, give_up_at_last)]
    due += [(look_at, look)] if look_at else []
    due += [(kill_at, end)] if kill_at else []
    handle = os.pidfd_open(child.pid)
    try:
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        for at, action in sorted(due, key=lambda one: one[0]):
            left = begin + at - time.perf_counter()
            if poll.poll(max(0, left) * 1000):
                break
            action()
        else:
            poll.poll()
        wall = time.perf_counter() - begin
    finally:
        os.close(handle)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return wall, usage
