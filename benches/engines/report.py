# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables in Markdown of what was measured."""

import json
from collections import defaultdict
from statistics import median

from . import bars
from .contenders import OURS
from .workloads import ALL

# Measure -> (what it is called, how many digits).
MEASURES = {
    "wall": ("wall s", 2),
    "speed": ("MiB/s", 0),
    "cpu": ("CPU s", 2),
    "cpu_per_gib": ("CPU s/GiB", 3),
    "rss": ("peak RSS MiB", 1),
    "server_cpu": ("server's CPU s", 2),
    "connections": ("connections", 0),
    "first_request": ("first request after ms", 0),
    "share": ("CPU % of a core", 2),
    "share_each": ("CPU % of a core for each", 3),
    "threads": ("threads", 0),
    "got": ("of the rate", 2),
    "before_kill": ("% before the kill", 0),
    "again": ("% fetched again", 2),
}
COLUMNS = {
    "file": ["wall", "speed", "cpu_per_gib", "rss", "connections", "server_cpu"],
    "list": ["wall", "cpu", "rss", "first_request", "connections"],
    "slow": ["share", "share_each", "rss", "threads", "got"],
    "killed": ["before_kill", "again", "rss"],
}
# Of these no ratio says anything.
NO_RATIO = {"speed", "connections", "server_cpu", "threads", "got", "before_kill", "again"}
NOTHING = "–"
DISTURBED = "\\*"


class Results:
    """Rows by workload and contender. Of a contender's runs those count that others did not disturb,
    where there are such; a wrong one counts always."""

    def __init__(self, rows):
        self.about = [row["about"] for row in rows if "about" in row]
        self.notes = list(dict.fromkeys(row["note"] for row in rows if "note" in row))
        self._all = defaultdict(lambda: defaultdict(list))
        self._programs = {}
        for row in rows:
            if "workload" in row:
                self._all[row["workload"]][row["contender"]].append(row)
                self._programs[row["contender"]] = row["program"]

    def workloads(self):
        return list(self._all)

    def contenders(self, workload):
        """Ours first."""
        return sorted(self._all[workload], key=lambda name: name != OURS)

    def programs(self):
        return sorted(dict.fromkeys(self._programs.values()), key=lambda name: name != OURS)

    def rows(self, workload, name):
        rows = self._all[workload].get(name, [])
        return [row for row in rows if not row["disturbed"]] or rows

    def all_rows(self, workload, name):
        return self._all[workload].get(name, [])

    def every_row(self):
        return [row for contenders in self._all.values() for rows in contenders.values() for row in rows]

    def is_wrong(self, workload, name):
        return not all(row["right"] for row in self.all_rows(workload, name))

    def is_disturbed(self, workload, name):
        rows = self.rows(workload, name)
        return bool(rows) and all(row["disturbed"] for row in rows)

    def values(self, workload, name, measure):
        return [row[measure] for row in self.rows(workload, name) if row.get(measure) is not None]

    def median(self, workload, name, measure):
        values = self.values(workload, name, measure)
        return median(values) if values else None

    def best_peer(self, workload, measure, program=None):
        """(name, median) of the best one whose files were all right; of one program, or of all but ours."""
        found = []
        for name in self.contenders(workload):
            fits = self._programs[name] == program if program else self._programs[name] != OURS
            value = self.median(workload, name, measure)
            if fits and value is not None and not self.is_wrong(workload, name):
                found.append((value, name))
        value, name = min(found, default=(None, ""))
        return name, value

    def of_program(self, workload, program):
        return [name for name in self.contenders(workload) if self._programs[name] == program]


def load(paths):
    return Results([json.loads(line) for path in paths for line in path.read_text().splitlines()])


def number(value, measure):
    if value is None:
        return NOTHING
    return f"{value:,.{MEASURES[measure][1]}f}"


def spread(values, measure):
    """The median, and between which they lie."""
    if not values:
        return NOTHING
    low, middle, high = (number(value, measure) for value in (min(values), median(values), max(values)))
    return middle if low == high else f"{middle} [{low}–{high}]"


def table(heads, rows):
    lines = [heads, ["---"] + ["---:"] * (len(heads) - 1), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def summary(results):
    """One row for each workload, one column for each program at its best."""
    programs = results.programs()
    rows = []
    for workload in results.workloads():
        measure = ALL[workload].headline
        cells = [f"{workload}: {ALL[workload].title}, {MEASURES[measure][0]}"]
        for program in programs:
            cells.append(_best_of(results, workload, program, measure))
        rows.append(cells)
    return table(["", *programs], rows)


def _best_of(results, workload, program, measure):
    names = results.of_program(workload, program)
    right = [name for name in names if not results.is_wrong(workload, name)]
    if names and not right:
        return "WRONG"
    found = [(value, name) for name in right if (value := results.median(workload, name, measure)) is not None]
    if not found:
        return NOTHING
    value, name = min(found)
    return number(value, measure) + (DISTURBED if results.is_disturbed(workload, name) else "")


def bar_table(results):
    scales = [about["scale"] for about in results.about[-1:]]
    scaled = "".join(f", at scale {scale:g}" for scale in scales if scale != 1)
    rows = []
    for verdict in bars.judge(results):
        bar = verdict.bar
        peer = f"{number(verdict.theirs, bar.measure)} ({verdict.peer})" if verdict.peer else NOTHING
        ratio = NOTHING if verdict.ratio is None else f"{verdict.ratio:.2f}"
        said = verdict.said + scaled + (DISTURBED if verdict.disturbed else "")
        what = f"{bar.workload}, {MEASURES[bar.measure][0]}"
        rows.append([what, number(verdict.ours, bar.measure), peer, ratio, bar.text(), said])
    return table(["workload", OURS, "best peer", "ratio", "bar", ""], rows) if rows else ""


def details(results):
    """A table for each workload, with the ratio to the best peer of what is to be small."""
    parts = []
    for workload in results.workloads():
        about = ALL[workload]
        heads, rows = ["program"], []
        for measure in COLUMNS[about.kind]:
            heads += [MEASURES[measure][0]] + ["ratio"] * (measure not in NO_RATIO)
        for name in results.contenders(workload):
            cells = [name + (DISTURBED if results.is_disturbed(workload, name) else "")]
            for measure in COLUMNS[about.kind]:
                cells.append(spread(results.values(workload, name, measure), measure))
                if measure not in NO_RATIO:
                    _, best = results.best_peer(workload, measure)
                    ours = results.median(workload, name, measure)
                    cells.append(f"{ours / best:.2f}" if best and ours is not None else NOTHING)
            runs = results.all_rows(workload, name)
            right = sum(row["right"] for row in runs)
            cells.append(f"{right} of {len(runs)}" + (" WRONG" if right < len(runs) else ""))
            rows.append(cells)
        parts.append(f"### {workload}: {about.title}\n\n{table([*heads, 'right'], rows)}")
    return "\n".join(parts)


def footnotes(results):
    lines = []
    for about in results.about[-1:]:
        machine = f"{about['cpus']} CPUs, Linux {about['kernel']}, {about['congestion']}, {about['namespaces']}"
        lines.append(f"{about['time']}: {machine}")
        lines.append(", ".join(f"{name} {version}" for name, version in about["versions"].items()))
        if about["scale"] != 1:
            times = f"{about['scale']:g} times what the table says"
            lines.append(f"Sizes, counts or rates are {times}: for a look, not for figures.")
    rows = results.every_row()
    disturbed = sum(row["disturbed"] for row in rows)
    if disturbed:
        left = f"{DISTURBED} marks where only such were left"
        lines.append(f"{disturbed} of {len(rows)} runs were disturbed by other work on the machine; {left}.")
    wrong = sorted({f"{row['contender']} in {row['workload']}" for row in rows if not row["right"]})
    if wrong:
        lines.append(f"WRONG at least once: {', '.join(wrong)}.")
    lines += results.notes
    return "".join(f"- {line}\n" for line in lines)


def whole(results, with_details=False):
    parts = [summary(results), bar_table(results), details(results) if with_details else "", footnotes(results)]
    return "\n".join(part for part in parts if part)
