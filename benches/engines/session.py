# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole session: what there is room for, the rounds, whose turn it is, when it is enough."""

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

from . import machine, sources
from .contenders import OURS
from .runs import Runs
from .servers import Servers
from .workloads import GIB, MIB

CONGESTION = Path("/proc/sys/net/ipv4/tcp_congestion_control")
# Of the room that is free this much is left to others.
LEFT = 0.2
# A larger file goes to disk: memory is everybody's.
LARGEST_IN_MEMORY = 4 * GIB
WARM_BESIDE = 256 * MIB
# Of the time for all, what may be spent on waiting for a quiet machine.
PURSE = 0.1


def say(text):
    print(text, file=sys.stderr, flush=True)


class Session:
    def __init__(self, options, memory, disk, own_network):
        self._options = options
        self._memory, self._disk = memory, disk
        self._own_network = own_network
        self._results = open(options.results, "w")
        self._end = time.monotonic() + options.budget
        self._took = {}
        self._contenders = [one for one in options.table if not options.only or one.name in options.only]
        self._workloads = self._what_fits([one.scaled(options.scale) for one in options.workloads])

    def close(self):
        self._results.close()

    # What there is room for.

    def _what_fits(self, workloads):
        """Those that can be done here, smaller where that is allowed; says what is left out."""
        free = machine.room_in_memory(self._memory) * (1 - LEFT)
        files, largest_target, fitting = {}, 0, []
        for workload in workloads:
            if workload.link and not self._own_network:
                self.note(f"{workload.name} is left out: a link needs network namespaces, which need root")
                continue
            if workload.sparse and workload.size > LARGEST_IN_MEMORY:
                workload = self._to_disk(workload)
                if workload:
                    fitting.append(workload)
                continue
            if workload.to_disk and workload.size > machine.room_on_disk(self._disk) * (1 - LEFT):
                self.note(f"{workload.name} is left out: there is no room in {self._disk.parent}")
                continue
            source = self._source_of(workload)
            target = workload.size * workload.count if workload.kind != "slow" and not workload.to_disk else 0
            if sum((files | source).values()) + max(largest_target, target) > free:
                self.note(f"{workload.name} is left out: it needs more memory than is free")
                continue
            files |= source
            largest_target = max(largest_target, target)
            fitting.append(workload)
        self._largest_target = largest_target
        return fitting

    def _source_of(self, workload):
        if workload.sparse:
            return {}
        if workload.kind == "list":
            return {(workload.count, workload.size): workload.count * workload.size}
        return {workload.size: workload.size}

    def _to_disk(self, workload):
        """A size that the disk has room for."""
        room = machine.room_on_disk(self._disk) * (1 - LEFT)
        size = workload.size
        if size > room:
            size = 1 << (int(room).bit_length() - 1)
            if size <= LARGEST_IN_MEMORY:
                self.note(f"{workload.name} is left out: there is no room in {self._disk.parent}")
                return None
            self.note(f"{workload.name} was {size / GIB:.0f} GiB: there is no room for more in {self._disk.parent}")
        if size > sources.WHOLE:
            compared = f"of files of more than {sources.WHOLE // GIB} GiB the size and samples are compared"
            self.note(f"{workload.name}: {compared}")
        return replace(workload, size=size, to_disk=True)

    # The rounds.

    def run(self):
        """Whether all that Freshet was asked for came, and came right."""
        if not self._workloads:
            say("There is nothing to do.")
            return False
        if self._own_network:
            self._set_up_network()
        run, root = self._memory / "run", self._memory / "source"
        run.mkdir()
        root.mkdir()
        files = sources.Sources(root)
        with Servers(run, root) as servers:
            self._prepare(files, servers)
            self._write({"about": self._about()})
            quiet = NoWait() if self._options.no_wait else machine.Quiet(self._options.budget * PURSE)
            runs = Runs(self._memory, self._disk, servers, files, quiet)
            return self._rounds(runs, servers)

    def _prepare(self, files, servers):
        say("Writing the files that will be downloaded")
        for workload in self._workloads:
            if workload.kind == "list":
                files.files(workload.count, workload.size)
            elif workload.sparse:
                files.sparse_file(workload.size)
            else:
                files.file(workload.size)
        # After the sources, so that the targets get it.
        room = machine.room_in_memory(self._memory) * (1 - LEFT)
        self._warm = sources.keep_memory_warm(int(min(self._largest_target + WARM_BESIDE, room)))
        kinds = {workload.server for workload in self._workloads}
        if kinds & {"http", "https"}:
            servers.start_nginx(far=self._own_network)
        if "paced" in kinds:
            servers.start_paced()

    def _rounds(self, runs, servers):
        right, ours = True, 0
        for turn in range(self._options.rounds):
            for workload in self._workloads:
                left = self._end - time.monotonic()
                if left < self._took.get(workload.name, 0):
                    self.note(f"{workload.name}: no time was left for round {turn + 1}")
                    continue
                begin = time.monotonic()
                for row in self._turns(workload, turn, runs, servers):
                    if row["contender"] == OURS:
                        ours += 1
                        right = right and row["right"]
                self._took[workload.name] = time.monotonic() - begin
        return right and ours > 0

    def _turns(self, workload, turn, runs, servers):
        """Each contender once, each round beginning with another one."""
        able = [one for one in self._contenders if one.way(workload)]
        first = turn % max(1, len(able))
        if workload.link:
            runs.far = servers.start_link(workload.link)
        try:
            for contender in able[first:] + able[:first]:
                if time.monotonic() > self._end:
                    self.note(f"{workload.name}: the time was over before all had their turn in round {turn + 1}")
                    return
                row = self._once(workload, contender, runs)
                row["round"] = turn + 1
                self._write(row)
                yield row
        finally:
            runs.far = []
            servers.stop_link()

    def _once(self, workload, contender, runs):
        """Once more where others disturbed it; not where the result was wrong, which shall be seen."""
        for left in reversed(range(self._options.again + 1)):
            row = runs.once(workload, contender)
            said = f"{workload.name:14} {contender.name:14} {row['wall']:7.2f} s, CPU {row['cpu']:6.2f} s, "
            said += f"{row['rss'] or 0:6.1f} MiB, {'right' if row['right'] else 'WRONG'}"
            if not row["right"]:
                said += f" (status {row['status']}) {row['said'][-120:].strip()}"
            if row["disturbed"]:
                said += f", disturbed: others took {row['others'] + row['stolen']:.2f} cores"
            say(said)
            if not (row["disturbed"] and row["right"] and left and time.monotonic() < self._end):
                return row
            say(f"{'':14} once more")
        return row

    # What is written down.

    def _write(self, row):
        self._results.write(json.dumps(row) + "\n")
        self._results.flush()

    def note(self, text):
        say(text)
        self._write({"note": text})

    def _about(self):
        return {
            "versions": {one.name: one.told_version() for one in self._contenders if one.version},
            "kernel": os.uname().release,
            "cpus": os.cpu_count(),
            "congestion": "cubic" if self._cubic() else CONGESTION.read_text().strip(),
            "namespaces": "own network and processes" if self._own_network else "the machine's own loopback",
            "scale": self._options.scale,
            "time": time.strftime("%F %T"),
        }

    def _cubic(self):
        return self._own_network and self._congestion_set

    def _set_up_network(self):
        """On the loopback BBR, where a machine prefers it, would be the limit; the route decides here."""
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        words = "route replace local 127.0.0.1 dev lo table local congctl cubic".split()
        self._congestion_set = subprocess.run(["ip", *words], stderr=subprocess.DEVNULL).returncode == 0


class NoWait:
    """In place of machine.Quiet where nobody is interested in figures."""

    def wait(self):
        return True
