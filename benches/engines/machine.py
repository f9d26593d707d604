# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kernel tells of processes, of the memory, and of who else uses the machine."""

import os
import re
import time

TICK = os.sysconf("SC_CLK_TCK")


def _read(path):
    try:
        with open(path) as file:
            return file.read()
    except OSError:  # the process has ended meanwhile
        return ""


def family(pid):
    """The process and all that come from it, parents before children."""
    found = [pid]
    for parent in found:
        for task in _tasks(parent):
            found += map(int, _read(f"/proc/{parent}/task/{task}/children").split())
    return found


def _tasks(pid):
    try:
        return os.listdir(f"/proc/{pid}/task")
    except OSError:
        return []


def running_cpu(pids):
    """CPU seconds of the threads that run now, to the nanosecond."""
    told = (_read(f"/proc/{pid}/task/{task}/schedstat").split() for pid in pids for task in _tasks(pid))
    return sum(int(words[0]) for words in told if words) / 1e9


def whole_cpu(pids):
    """CPU seconds with the threads that have ended, to a hundredth."""
    total = 0
    for pid in pids:
        words = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()
        total += sum(map(int, words[11:13]))
    return total / TICK


def threads(pids):
    return sum(len(_tasks(pid)) for pid in pids)


def room_in_memory(folder):
    """Bytes that can be written there: a file in memory takes memory of the whole machine."""
    free = int(re.search(r"MemAvailable:\s+(\d+)", _read("/proc/meminfo"))[1]) * 1024
    return min(free, room_on_disk(folder))


def room_on_disk(folder):
    about = os.statvfs(folder)
    return about.f_bavail * about.f_frsize


def used():
    """CPU seconds of the whole machine since it started: of its programs, and kept from it by others."""
    user, nice, system, _idle, _wait, irq, softirq, steal = map(int, _read("/proc/stat").split(None, 9)[1:9])
    return (user + nice + system + irq + softirq) / TICK, steal / TICK


class Quiet:
    """Waits until nobody else is at work, but not for ever: what is waited is taken from one purse."""

    BUSY = 0.1  # cores
    LONGEST = 20
    LOOK = 0.5

    def __init__(self, purse):
        self.purse = purse

    def wait(self):
        """Whether it is quiet now."""
        end = time.monotonic() + min(self.purse, self.LONGEST)
        while True:
            before, begin = sum(used()), time.monotonic()
            time.sleep(self.LOOK)
            took = time.monotonic() - begin
            if (sum(used()) - before) / took <= self.BUSY:
                return True
            self.purse -= took
            if time.monotonic() >= end:
                return False
