# SPDX-License-Identifier: GPL-3.0-or-later
"""What Freshet is held to, and whether it gets there."""

from dataclasses import dataclass

from .contenders import OURS

# What a bar is compared with: the best of the others, what the server's rates allow, or nothing but
# itself; else the program of that name.
BEST, IDEAL, ITSELF = "the best", "the rates", "itself"


@dataclass(frozen=True)
class Bar:
    workload: str
    measure: str
    limit: float
    against: str = BEST
    below: bool = False  # less than the limit, where else the limit itself is good enough

    def text(self):
        sign = "<" if self.below else "≤"
        if self.against == ITSELF:
            return f"{sign} {self.limit:g}"
        return f"{sign} {self.limit:.2f} of {self.against}"

    def reached(self, value):
        return value < self.limit if self.below else value <= self.limit


BARS = [
    Bar("A", "wall", 0.75),
    Bar("A", "cpu_per_gib", 1.0),
    Bar("A", "rss", 20, ITSELF, below=True),
    Bar("A_disk", "wall", 0.95),
    Bar("A_disk", "cpu_per_gib", 0.95),
    Bar("B", "wall", 0.95),
    Bar("B", "cpu_per_gib", 0.95),
    Bar("C", "wall", 1.01, IDEAL),
    Bar("C", "cpu_per_gib", 1.0),
    Bar("D_http", "wall", 1.0),
    Bar("D_http", "cpu", 1.0),
    Bar("D_https", "wall", 1.0),
    Bar("D_https", "cpu", 1.0),
    Bar("E", "share", 0.5, "aria2"),
    Bar("F", "again", 0.5, ITSELF),
    Bar("F_late", "again", 0.5, ITSELF),
    Bar("G", "wall", 0.85, "curl"),
    Bar("G", "first_request", 15, ITSELF),
    Bar("G", "rss", 25, ITSELF, below=True),
    Bar("L_big", "wall", 1.0),
    Bar("L_loss", "wall", 1.0),
    Bar("L_files_http", "wall", 1.0),
    Bar("L_files_https", "wall", 1.0),
]


@dataclass(frozen=True)
class Verdict:
    bar: Bar
    ours: float | None = None
    peer: str = ""
    theirs: float | None = None
    ratio: float | None = None
    said: str = ""  # "reached", "not reached", or why neither can be said
    disturbed: bool = False


def judge(results):
    """The verdict on each bar whose workload was run; results: see report.Results."""
    return [_judge(bar, results) for bar in BARS if bar.workload in results.workloads()]


def _judge(bar, results):
    ours = results.median(bar.workload, OURS, bar.measure)
    program = None if bar.against in (BEST, IDEAL, ITSELF) else bar.against
    peer, theirs = results.best_peer(bar.workload, bar.measure, program)
    compared = [OURS] if bar.against in (ITSELF, IDEAL) else [OURS, peer]
    disturbed = any(results.is_disturbed(bar.workload, name) for name in compared)
    if results.is_wrong(bar.workload, OURS):
        return Verdict(bar, ours, peer, theirs, said="not reached: WRONG")
    if ours is None:
        return Verdict(bar, None, peer, theirs, said="not measured")
    base = results.median(bar.workload, OURS, "ideal") if bar.against == IDEAL else theirs
    ratio = ours / base if base else None
    if bar.against == ITSELF:
        value = ours
    elif ratio is None:
        return Verdict(bar, ours, peer, theirs, said="nothing to compare with", disturbed=disturbed)
    else:
        value = round(ratio, 2)  # what is printed is what counts
    said = "reached" if bar.reached(value) else "not reached"
    return Verdict(bar, ours, peer, theirs, ratio, said, disturbed)
