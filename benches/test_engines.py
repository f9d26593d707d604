#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the benchmarks themselves: they would be worse than none if they took a wrong file for a right
one, or judged by the wrong figures. Needs no more than a few seconds; the figures of a run do not matter."""

import json
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
import types
import unittest
from pathlib import Path

from engines import bars, contenders, link, paced, report, runs, sources, workloads
from engines.workloads import MIB

ENGINES = Path(__file__).resolve().parent / "engines"


def row(workload="A", contender="freshet", **more):
    usual = {"program": contender, "right": True, "disturbed": False, "wall": 1.0, "cpu_per_gib": 1.0, "rss": 10.0}
    return {"workload": workload, "contender": contender} | usual | more


def verdicts(*rows):
    return {(one.bar.workload, one.bar.measure): one for one in bars.judge(report.Results(list(rows)))}


class Scratch(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="freshet-bench-test-"))
        self.addCleanup(shutil.rmtree, self.folder)


class Workloads(unittest.TestCase):
    def test_a_name_stands_for_itself_or_for_a_series(self):
        names = lambda *given: [one.name for one in workloads.chosen(given)]
        self.assertEqual(names("A"), ["A"])
        self.assertEqual(names("D"), ["D_http", "D_https"])
        self.assertEqual(names("L_files", "L_files_http"), ["L_files_http", "L_files_https"])
        self.assertEqual(len(names("scaling")), 4 + 6 + 6)
        self.assertEqual(set(names("all")), set(workloads.ALL))
        self.assertRaises(ValueError, workloads.chosen, ["Q"])

    def test_a_smaller_one_is_killed_in_the_same_place(self):
        whole = workloads.ALL["F"]
        small = whole.scaled(0.01)
        part = lambda one: one.rate * one.connections * one.seconds / one.size
        self.assertAlmostEqual(part(small), part(whole), 3)

    def test_what_the_rates_allow(self):
        self.assertAlmostEqual(workloads.ALL["C"].ideal, (1 << 30) / 320e6)
        self.assertIsNone(workloads.ALL["A"].ideal)


class Contenders(Scratch):
    def table(self, more=""):
        file = self.folder / "more.toml"
        file.write_text(more)
        return {one.name: one for one in contenders.load(sys.executable, file)}

    def test_every_command_can_be_written(self):
        names = "url out folder name list jobs connections ca".split()
        for one in self.table('[axel]\nbin = "sh"\n[lftp]\nbin = "sh"\n[aria2]\nbin = "sh"\n').values():
            for template in one.templates.values():
                words = one.command(template, **{name: f"a {name}" for name in names})
                self.assertFalse([word for word in words if "{" in word], one.name)
        words = one.command("{bin} -o {out}", out="a folder/b")
        self.assertEqual(words, [one.bin, "-o", "a folder/b"])

    def test_who_can_do_what(self):
        one, many = '[one]\nbin = "sh"\nsingle = "{bin}"\nskip = ["B"]\n', '[many]\nbin = "sh"\nsegmented = "{bin}"\n'
        table = self.table(one + many)
        way = lambda name, workload: table[name].way(workloads.ALL[workload])
        self.assertEqual(way("freshet", "A"), "single")
        self.assertEqual(way("freshet", "C"), "segmented")
        self.assertEqual(way("freshet", "E"), "batch")
        self.assertEqual([way("one", name) for name in ("A", "F")], ["single", "single"])
        self.assertEqual([way("one", name) for name in ("B", "C", "G")], [None, None, None])
        self.assertEqual([way("many", name) for name in ("A", "C", "F_late")], [None, "segmented", "segmented"])

    def test_the_lists(self):
        path = self.folder / "list"
        for lists, text in {
            "plain": "u\n",
            "aria2": "u\n  out=n\n",
            "curl": 'url = "u"\noutput = "/f/n"\n',
            "lftp": "queue get u -o n\n",
        }.items():
            contenders.Contender("it", "it", lists=lists).write_list(path, "/f", [("u", "n")])
            self.assertEqual(path.read_text(), text)


class Report(unittest.TestCase):
    def test_disturbed_runs_count_only_where_there_are_no_others(self):
        some = report.Results([row(wall=9.0, disturbed=True), row(wall=1.0), row(wall=3.0)])
        self.assertEqual(some.median("A", "freshet", "wall"), 2.0)
        self.assertFalse(some.is_disturbed("A", "freshet"))
        only = report.Results([row(wall=9.0, disturbed=True)])
        self.assertEqual(only.median("A", "freshet", "wall"), 9.0)
        self.assertIn("9.00\\*", report.summary(only))

    def test_the_best_peer_is_right_every_time(self):
        rows = [row(wall=0.5), row(contender="curl", wall=2.0), row(contender="axel", wall=1.0)]
        results = report.Results([*rows, row(contender="axel", wall=1.0, right=False, disturbed=True)])
        self.assertEqual(results.best_peer("A", "wall"), ("curl", 2.0))
        self.assertEqual(results.best_peer("A", "wall", "axel"), ("", None))
        self.assertIn("| 0.50 | 2.00 | WRONG |", report.summary(results))
        self.assertIn("WRONG at least once: axel in A.", report.footnotes(results))

    def test_a_program_is_shown_at_its_best(self):
        rows = [row("B", contender="curl", wall=2.0), row("B", contender="curl-http1", program="curl", wall=1.5)]
        self.assertIn("| 1.50 |", report.summary(report.Results([row("B"), *rows])))

    def test_numbers(self):
        self.assertEqual(report.spread([1.0, 5.0, 2.0], "wall"), "2.00 [1.00–5.00]")
        self.assertEqual(report.spread([1.0, 1.001], "wall"), "1.00")
        self.assertEqual(report.spread([], "wall"), report.NOTHING)

    def test_every_workload_has_its_table(self):
        for name, workload in workloads.ALL.items():
            text = report.details(report.Results([row(name), row(name, contender="curl")]))
            self.assertIn(workload.title, text)
            self.assertIn(workload.headline, report.MEASURES)


class Bars(unittest.TestCase):
    def test_they_are_of_workloads_and_measures_that_there_are(self):
        for bar in bars.BARS:
            self.assertIn(bar.workload, workloads.ALL)
            self.assertIn(bar.measure, report.COLUMNS[workloads.ALL[bar.workload].kind])

    def test_a_ratio_to_the_best_peer(self):
        peers = [row(contender="curl", wall=2.0), row(contender="wget2", wall=1.0)]
        for wall, said in ((0.75, "reached"), (0.754, "reached"), (0.76, "not reached")):
            verdict = verdicts(row(wall=wall), *peers)["A", "wall"]
            self.assertEqual((verdict.said, verdict.peer), (said, "wget2"))

    def test_a_limit_of_its_own(self):
        self.assertEqual(verdicts(row(rss=19.9))["A", "rss"].said, "reached")
        self.assertEqual(verdicts(row(rss=20.0))["A", "rss"].said, "not reached")
        self.assertEqual(verdicts(row("F", again=0.5))["F", "again"].said, "reached")

    def test_what_the_rates_allow(self):
        others = row("C", contender="axel", wall=3.0)
        self.assertEqual(verdicts(row("C", wall=3.03, ideal=3.0), others)["C", "wall"].said, "reached")
        self.assertEqual(verdicts(row("C", wall=3.1, ideal=3.0), others)["C", "wall"].said, "not reached")

    def test_one_certain_peer(self):
        rows = [row("E", share=5.0), row("E", contender="aria2", share=11.0), row("E", contender="curl", share=6.0)]
        self.assertEqual(verdicts(*rows)["E", "share"].peer, "aria2")
        self.assertEqual(verdicts(*rows)["E", "share"].said, "reached")
        self.assertEqual(verdicts(rows[0], rows[2])["E", "share"].said, "nothing to compare with")

    def test_a_wrong_file_reaches_nothing(self):
        rows = [row(wall=0.1), row(wall=0.1, right=False), row(contender="curl", wall=1.0)]
        self.assertEqual(verdicts(*rows)["A", "wall"].said, "not reached: WRONG")

    def test_what_was_not_run_is_not_judged(self):
        self.assertEqual(verdicts(row("B")).keys(), {("B", "wall"), ("B", "cpu_per_gib")})


class Sources(Scratch):
    def test_a_piece_in_the_wrong_place_is_found(self):
        files = sources.Sources(self.folder)
        source = files.file(3 * MIB + 5)
        data = bytearray(source.read_bytes())
        target = self.folder / "target"
        same = lambda: sources.same_file(source, target, 3 * MIB + 5)
        target.write_bytes(data)
        self.assertTrue(same())
        target.write_bytes(data + b"x")
        self.assertFalse(same())
        data[:4096] = data[MIB : MIB + 4096]
        target.write_bytes(data)
        self.assertFalse(same())
        target.write_bytes(source.read_bytes()[:MIB])
        self.assertTrue(sources.same_file(source, target, MIB), "the beginning is what the paced server sends")
        self.assertFalse(sources.same_file(source, self.folder / "none", MIB))

    def test_a_sparse_file_is_more_than_zeros(self):
        size = 5 << 30
        source = sources.Sources(self.folder).sparse_file(size)
        self.assertLess(source.stat().st_blocks * 512, 64 * MIB)
        target = self.folder / "target"
        with open(target, "wb") as file:
            file.truncate(size)
        self.assertFalse(sources.same_sparse_file(source, target, size))
        self.assertTrue(sources.same_sparse_file(source, source, size))
        marks = sources.places(size)
        self.assertEqual((marks[0], marks[-1]), (0, size - sources.SAMPLE))

    def test_files_of_a_list(self):
        folder, names = sources.Sources(self.folder).files(3, 1000)
        target = self.folder / "target"
        shutil.copytree(folder, target)
        self.assertEqual(sources.wrong_files(folder, target, names), [])
        shutil.copy(folder / names[0], target / names[1])
        (target / names[2]).unlink()
        self.assertEqual(sources.wrong_files(folder, target, names), names[1:])


class Paced(Scratch):
    def setUp(self):
        super().setUp()
        self.data = bytes(range(256)) * 4096
        (self.folder / "f.bin").write_bytes(self.data)
        self.server = paced.Server(str(self.folder), self.folder / "log")
        thread = threading.Thread(target=self.server.serve)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(self.server.close)

    def ask(self, path, field="X: y"):
        """(status, body, seconds) of a request on a connection of its own."""
        begin = time.monotonic()
        with socket.create_connection(("127.0.0.1", self.server.port), 10) as ours:
            ours.sendall(f"GET {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n{field}\r\n\r\n".encode())
            answer = b"".join(iter(lambda: ours.recv(65536), b""))
        head, _, body = answer.partition(b"\r\n\r\n")
        return int(head.split()[1]), body, time.monotonic() - begin

    def test_a_connection_keeps_to_its_rate(self):
        status, body, seconds = self.ask("/500000/f.bin~500000/name")
        self.assertEqual((status, body), (200, self.data[:500_000]))
        self.assertGreater(seconds, 0.8)

    def test_a_rate_that_can_change(self):
        # Two seconds at the one rate, and as fast as it goes at the other: on a busy machine that takes a while, too.
        (self.folder / "now.rate").write_text("0")
        self.assertLess(self.ask("/now/f.bin~400000/name")[2], 1.6)
        (self.folder / "now.rate").write_text("200000")
        self.assertGreater(self.ask("/now/f.bin~400000/name")[2], 1.6)

    def test_ranges(self):
        ask = lambda text: self.ask("/0/f.bin~1000/name", f"Range: bytes={text}")[:2]
        self.assertEqual(ask("10-19"), (206, self.data[10:20]))
        self.assertEqual(ask("990-"), (206, self.data[990:1000]))
        self.assertEqual(ask("-3"), (206, self.data[997:1000]))
        self.assertEqual(ask("1000-")[0], 416)
        self.assertEqual(self.ask("/0/none.bin~10/name")[0], 404)

    def test_it_writes_down_what_arrived(self):
        self.ask("/0/f.bin~100000/name")
        end = time.monotonic() + 5
        while not (self.folder / "log").read_text() and time.monotonic() < end:
            time.sleep(0.02)
        told = json.loads((self.folder / "log").read_text())
        self.assertEqual(told["requests"], 1)
        self.assertTrue(100_000 < told["bytes"] < 101_000, told)


class Link(unittest.TestCase):
    def test_a_packet_takes_its_time_and_waits_for_those_before_it(self):
        way = link.Way(rate=1000, delay=0.5, loss=0, seed=1)
        self.assertTrue(way.put(b"x" * 100, now=10))
        self.assertTrue(way.put(b"y" * 100, now=10))
        self.assertAlmostEqual(way.next_at(), 10.6)
        self.assertEqual(list(way.arrived(10.65)), [b"x" * 100])
        self.assertEqual(list(way.arrived(10.75)), [b"y" * 100])

    def test_a_queue_is_not_endless(self):
        way = link.Way(rate=1000, delay=0.05, loss=0, seed=1)
        self.assertEqual(sum(way.put(b"x" * 100, now=0) for _ in range(10)), 3)

    def test_some_are_lost(self):
        way = link.Way(rate=1e9, delay=0, loss=0.1, seed=1)
        self.assertTrue(850 < sum(way.put(b"x", now=index) for index in range(1000)) < 950)


class Killed(Scratch):
    """A program that is killed and run again, as its two runs were measured."""

    def run_twice(self, first, second):
        workload = types.SimpleNamespace(
            name="E", kind="killed", server="paced", to_disk=False, seconds=1,
            size=1000, rate=1, later_rate=1, connections=1,
        )  # fmt: skip
        contender = types.SimpleNamespace(name="x", program="x", way=lambda _: "single", template=lambda way, _: way)
        servers = types.SimpleNamespace(run=self.folder, address=lambda _: "", logs={"paced": self})
        files = types.SimpleNamespace(folder=self.folder, largest=self.folder / "f.bin")
        both = runs.Runs(self.folder, self.folder, servers, files, None)
        usual = {"quiet": True, "others": 0, "stolen": 0, "wall": 1, "command": "", "said": "", "status": 0}
        told = [usual | {"rss": 1.0} | first, usual | {"rss": 1.0} | second]
        both._measure = lambda *_, **__: told.pop(0)
        return both.once(workload, contender)

    def mark(self):
        return 0

    def since(self, _mark):
        return []

    def test_either_run_may_be_disturbed(self):
        self.assertFalse(self.run_twice({}, {})["disturbed"])
        self.assertTrue(self.run_twice({"quiet": False}, {})["disturbed"])
        self.assertTrue(self.run_twice({}, {"quiet": False})["disturbed"])

    def test_the_larger_memory_counts(self):
        self.assertEqual(self.run_twice({"rss": 3.0}, {"rss": 2.0})["rss"], 3.0)
        self.assertEqual(self.run_twice({"rss": None}, {"rss": 2.0})["rss"], 2.0)
        self.assertIsNone(self.run_twice({"rss": None}, {"rss": None})["rss"])


DOWNLOADER = """#!{python}
import sys, urllib.request
out = sys.argv[sys.argv.index("-o") + 1]
data = urllib.request.urlopen(sys.argv[-1]).read()
open(out, "wb").write({change})
"""


class Whole(Scratch):
    """Runs all of it with downloaders of our own, a right one and one that lies."""

    def setUp(self):
        super().setUp()
        self.disk = self.folder / "disk"
        self.disk.mkdir()

    def downloader(self, name, change):
        path = self.folder / name
        path.write_text(DOWNLOADER.format(python=sys.executable, change=change))
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return path

    def bench(self, ours, other):
        table = self.folder / "table.toml"
        table.write_text(f'[other]\nbin = "{other}"\nsegmented = "{{bin}} -o {{out}} {{url}}"\n')
        command = [
            sys.executable, ENGINES, "--freshet", ours, "--contenders", table, "--only", "freshet,other", "-w", "C",
            "--scale", "0.002", "-n", "1", "--no-wait", "--again", "0", "--disk", self.disk,
            "--results", self.folder / "results.jsonl",
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        self.assertEqual((self.folder / "results.md").read_text().strip(), done.stdout.strip(), done.stderr)
        return done

    def test_a_wrong_file_is_found_whatever_the_exit_status_says(self):
        right = self.downloader("right", "data")
        wrong = self.downloader("wrong", "data[:70000] + bytes(1) + data[70001:]")
        done = self.bench(right, wrong)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"\| C: .* \| [\d.*\\]+ \| WRONG \|")
        rows = [json.loads(line) for line in (self.folder / "results.jsonl").read_text().splitlines()]
        self.assertEqual([one["right"] for one in rows if "workload" in one], [True, False])

        done = self.bench(self.downloader("short", "data[:-1]"), right)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("not reached: WRONG", done.stdout)
        self.assertEqual(list(self.disk.iterdir()), [], "something was left behind")


if __name__ == "__main__":
    unittest.main()
