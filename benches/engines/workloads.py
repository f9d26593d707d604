# SPDX-License-Identifier: GPL-3.0-or-later
"""What is downloaded. The names are those that reports and bars use."""

from dataclasses import dataclass, replace

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
MB = 10**6


@dataclass(frozen=True)
class Link:
    """What lies between the server and the program."""

    round_trip_ms: float
    megabits: float
    loss_percent: float = 0


@dataclass(frozen=True)
class Workload:
    name: str
    title: str
    # "file": one file; "list": many files, all compared; "slow": many files at a rate that the server
    # sets, ended after some seconds; "killed": one file, killed in the middle and begun again.
    kind: str
    server: str = "http"  # or "https", both nginx; or "paced"
    size: int = 0  # of each file
    count: int = 1
    connections: int = 1  # in all; for one file: 1 is asked for with the contender's command "single"
    rate: int = 0  # bytes a second of each connection, for the paced server
    later_rate: int = 0  # the same after the kill
    to_disk: bool = False
    sparse: bool = False  # nearly all zeros, so that a server can have more than it has room for
    one_will_do: bool = False  # a program that cannot use several connections takes part with one
    link: Link | None = None
    seconds: float = 0  # until it is killed
    timeout: float = 180

    def scaled(self, factor):
        """Smaller, for a quick look: rates go down where time has to stay."""
        if factor == 1:
            return self
        size, count, rates, seconds = self.size, self.count, {}, self.seconds
        if self.kind in ("list", "slow"):
            count = max(2, round(count * factor)) if count > 1 else 1
        if self.kind == "slow":
            seconds = max(4.0, seconds * factor)
        if self.kind in ("file", "killed"):
            size = max(64 * KIB, round(size * factor))
        if self.kind == "killed":
            rates = {"rate": max(1, round(self.rate * factor)), "later_rate": round(self.later_rate * factor)}
        connections = min(self.connections, count) if self.kind in ("list", "slow") else self.connections
        return replace(self, size=size, count=count, connections=connections, seconds=seconds, **rates)

    @property
    def ideal(self):
        """The seconds it takes at the rates that the server keeps to."""
        if self.kind == "file" and self.rate:
            return self.size / (self.rate * self.connections)
        return None

    @property
    def headline(self):
        """The measure that stands for this workload where there is room for one."""
        if self.kind == "slow":
            return "share_each" if self.name.startswith("transfers_") else "share"
        return {"killed": "again"}.get(self.kind, "wall")


def _workloads():
    clean, lossy = Link(50, 200), Link(50, 200, 0.1)
    yield Workload("A", "4 GiB over http to memory", "file", size=4 * GIB)
    yield Workload("A_disk", "4 GiB over http to disk, not synced", "file", size=4 * GIB, to_disk=True)
    yield Workload("B", "4 GiB over https (TLS 1.3) to memory", "file", "https", size=4 * GIB)
    yield Workload(
        "C", "1 GiB, 16 connections of 20 MB/s each", "file", "paced", size=GIB, connections=16, rate=20 * MB
    )
    for server in ("http", "https"):
        title = f"2,000 files of 100 KiB over {server}, 16 at a time"
        yield Workload(f"D_{server}", title, "list", server, 100 * KIB, 2000, 16)
    title = "10,000 files of 10 KiB over http, 16 at a time"
    yield Workload("G", title, "list", size=10 * KIB, count=10000, connections=16)
    yield Workload(
        "E", "200 transfers of 200 KB/s at once, for 20 s", "slow", "paced", 8 * MIB, 200, 200, 200_000, seconds=20
    )
    yield Workload(
        "F", "2 GiB at 320 MB/s, kill -9 after 3 s, begun again", "killed", "paced", 2 * GIB, connections=16,
        rate=20 * MB, later_rate=20 * MB, one_will_do=True, seconds=3, timeout=60,
    )  # fmt: skip
    yield Workload(
        "F_late", "2 GiB at 64 MB/s, kill -9 after 20 s, begun again", "killed", "paced", 2 * GIB, connections=16,
        rate=4 * MB, later_rate=20 * MB, seconds=20, timeout=60,
    )  # fmt: skip

    far = {"connections": 16, "one_will_do": True, "timeout": 60}
    yield Workload("L_big", "64 MiB, 200 Mbit/s, 50 ms", "file", size=64 * MIB, link=clean, **far)
    yield Workload("L_loss", "32 MiB, 200 Mbit/s, 50 ms, 0.1 % lost", "file", size=32 * MIB, link=lossy, **far)
    for server in ("http", "https"):
        title = f"300 files of 100 KiB over {server}, 200 Mbit/s, 50 ms, 0.1 % lost"
        yield Workload(f"L_files_{server}", title, "list", server, 100 * KIB, 300, 16, link=lossy, timeout=60)

    # How the cost grows: with the transfers at once, with the connections for one file, with its size.
    for count in (1, 10, 100, 1000):
        title = f"{count:,} at once of 40 KB/s each, for 10 s"
        yield Workload(f"transfers_{count}", title, "slow", "paced", 8 * MIB, count, count, 40_000, seconds=10)
    for connections in (1, 2, 4, 8, 16, 32):
        title = f"32 MiB for each connection of 10 MB/s, connections: {connections}"
        size = connections * 32 * MIB
        yield Workload(f"segments_{connections}", title, "file", "paced", size, connections=connections, rate=10 * MB)
    for number, unit in ((1, "M"), (16, "M"), (256, "M"), (1, "G"), (10, "G"), (100, "G")):
        size = number * {"M": MIB, "G": GIB}[unit]
        title = f"{number} {unit}iB over http, nearly all zeros"
        yield Workload(f"size_{number}{unit}", title, "file", size=size, sparse=True, timeout=180 + size / (64 * MIB))


ALL = {workload.name: workload for workload in _workloads()}

# What takes about a quarter of an hour, beginning with what takes least.
DEFAULT = "A B C D G L E A_disk F F_late".split()


def chosen(names):
    """The workloads of these names; a name also stands for all that begin with it and an underscore,
    "scaling" for the last three series, "default" and "all" for what they say."""
    groups = {"default": DEFAULT, "all": list(ALL), "scaling": ["transfers", "segments", "size"]}
    found = []
    for name in names:
        if name in groups:
            found += chosen(groups[name])
            continue
        fitting = [name] if name in ALL else [known for known in ALL if known.startswith(f"{name}_")]
        if not fitting:
            raise ValueError(f"there is no workload {name}; there are {' '.join(ALL)}")
        found += [ALL[one] for one in fitting]
    return list(dict.fromkeys(found))
