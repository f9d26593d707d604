# SPDX-License-Identifier: GPL-3.0-or-later
"""One run of a workload by a contender: prepare, measure, compare what came with what was sent."""

import os
import shlex
import shutil
import time

from . import measure, sources
from .workloads import GIB, MIB

# Of a rate that is set by the server a program has to take at least, and can take at most.
LEAST_SHARE, MOST_SHARE = 0.9, 1.1
# A kill that comes before this part of the file has come says nothing.
LEAST_BEFORE_KILL = 5
KEPT = ("PATH", "LANG", "TERM", "USER")


class Runs:
    def __init__(self, memory, disk, servers, files, quiet):
        self._memory, self._disk = memory, disk
        self._servers, self._sources, self._quiet = servers, files, quiet
        self._scratch = servers.run
        self.far = []  # what is put before a command so that it runs at the far end of the link

    def once(self, workload, contender):
        """What is written down of it; "right" is true only if all has come as it was sent."""
        target = fresh((self._disk if workload.to_disk else self._memory) / "target")
        state = fresh(self._memory / "state")
        way = {"file": self._file, "list": self._list, "slow": self._slow, "killed": self._killed}[workload.kind]
        try:
            row = way(workload, contender, target, state)
        finally:
            shutil.rmtree(target, ignore_errors=True)
            shutil.rmtree(state, ignore_errors=True)
        row["disturbed"] = row.get("disturbed", False) or measure.is_disturbed(row, workload.to_disk)
        for folder, name in ((self._memory, "MEMORY"), (self._disk, "DISK")):
            row["command"] = row["command"].replace(str(folder), name)
            row["said"] = row["said"].replace(str(folder), name)
        return {"workload": workload.name, "contender": contender.name, "program": contender.program} | row

    # The four kinds.

    def _file(self, workload, contender, target, state):
        if workload.to_disk:
            sources.fill_page_cache(self._disk / "warm", workload.size)
        source, url = self._source(workload)
        template = contender.template(contender.way(workload), workload)
        mark = self._mark(workload)
        row = self._measure(workload, contender, template, target, state, url=url)
        if workload.to_disk:
            begin = time.perf_counter()
            os.sync()
            row["sync"] = time.perf_counter() - begin
        same = sources.same_sparse_file if workload.sparse else sources.same_file
        row["right"] = row["status"] == 0 and same(source, target / "out.bin", workload.size)
        row["bytes"] = workload.size
        row["cpu_per_gib"] = row["cpu"] / (workload.size / GIB)
        row["speed"] = workload.size / MIB / row["wall"]
        row["ideal"] = workload.ideal
        return row | self._facts(workload, mark, row)

    def _list(self, workload, contender, target, state):
        folder, names = self._sources.files(workload.count, workload.size)
        base = self._servers.address(workload.server, far=bool(self.far))
        urls = [(f"{base}/{folder.name}/{name}", name) for name in names]
        mark = self._mark(workload)
        row = self._measure_list(workload, contender, target, state, urls)
        wrong = sources.wrong_files(folder, target, names)
        row["right"] = row["status"] == 0 and not wrong
        row["wrong_files"] = len(wrong)
        return row | self._facts(workload, mark, row)

    def _slow(self, workload, contender, target, state):
        """What has come cannot be compared, as each has its own way to keep what is not complete."""
        names = [f"{index:05}.bin" for index in range(workload.count)]
        urls = [(self._paced(workload, workload.rate, name), name) for name in names]
        mark = self._mark(workload)
        row = self._measure_list(
            workload, contender, target, state, urls, kill_at=workload.seconds, look_at=workload.seconds / 4
        )
        row |= self._facts(workload, mark, row)
        row["share_each"] = row["share"] / workload.count if "share" in row else None
        row["got"] = row["server_bytes"] / (workload.count * workload.rate * row["wall"])
        row["right"] = bool(row.get("killed")) and LEAST_SHARE < row["got"] < MOST_SHARE
        return row

    def _killed(self, workload, contender, target, state):
        """What the server has sent in both runs, beyond the size of the file, was fetched again."""
        way = contender.way(workload)
        template = contender.template(way, workload)
        again = contender.template("again", workload) or template
        connections = workload.connections if way == "segmented" else 1
        rate_file = self._sources.folder / "killed.rate"
        url = self._paced(workload, "killed", "out.bin")

        rate_file.write_text(str(workload.rate * workload.connections // connections))
        mark = self._mark(workload)
        first = self._measure(workload, contender, template, target, state, url=url, kill_at=workload.seconds)
        before = self._facts(workload, mark, first)["server_bytes"]
        rate_file.write_text(str(workload.later_rate * workload.connections // connections))
        row = self._measure(workload, contender, again, target, state, url=url)
        row |= self._facts(workload, mark, row)
        # What is told of both is that of the worse one.
        row["disturbed"] = measure.is_disturbed(first, workload.to_disk)
        row["rss"] = max((run["rss"] for run in (first, row) if run["rss"] is not None), default=None)
        row["before_kill"] = 100 * before / workload.size
        row["again"] = 100 * (row["server_bytes"] - workload.size) / workload.size
        row["right"] = (
            bool(first.get("killed"))
            and row["before_kill"] > LEAST_BEFORE_KILL
            and row["status"] == 0
            and sources.same_file(self._sources.largest, target / "out.bin", workload.size)
        )
        return row

    # What they share.

    def _measure(self, workload, contender, template, target, state, *, kill_at=None, look_at=None, **values):
        values = {
            "ca": self._servers.certificate, "out": target / "out.bin", "folder": target, "name": "out.bin",
            "connections": workload.connections, "jobs": workload.connections, **values,
        }  # fmt: skip
        command = contender.command(template, **values)
        environment = {name: os.environ[name] for name in KEPT if name in os.environ}
        environment |= {"HOME": str(state), "XDG_RUNTIME_DIR": str(state)}
        environment |= {"SSL_CERT_FILE": str(self._servers.certificate)} | contender.env
        nginx = self._servers.cpu_of_nginx()
        row = measure.run(
            command, environment=environment, folder=state, scratch=self._scratch, quiet=self._quiet,
            known=self._servers.pids(), before=self.far, timeout=workload.timeout, kill_at=kill_at, look_at=look_at,
        )  # fmt: skip
        row["server_cpu"] = self._servers.cpu_of_nginx() - nginx
        row["command"] = shlex.join(map(str, command))
        return row

    def _measure_list(self, workload, contender, target, state, urls, **more):
        path = self._scratch / "list.txt"
        contender.write_list(path, target, urls)
        template = contender.template("batch", workload)
        return self._measure(workload, contender, template, target, state, list=path, **more)

    def _paced(self, workload, rate, name):
        source = self._sources.largest.name
        return f"{self._servers.address('paced')}/{rate}/{source}~{workload.size}/{name}"

    def _source(self, workload):
        """The file that is sent, and its address."""
        if workload.server == "paced":
            return self._sources.largest, self._paced(workload, workload.rate, "out.bin")
        path = self._sources.folder / f"{'sparse-' if workload.sparse else ''}{workload.size}.bin"
        return path, f"{self._servers.address(workload.server, far=bool(self.far))}/{path.name}"

    def _log(self, workload):
        return self._servers.logs["paced" if workload.server == "paced" else "nginx"]

    def _mark(self, workload):
        return self._log(workload).mark()

    def _facts(self, workload, mark, row):
        """What the server saw."""
        lines = self._log(workload).since(mark)
        facts = {"server_bytes": sum(line["bytes"] for line in lines)}
        if workload.server == "paced":
            return facts | {"connections": len(lines), "requests": sum(line["requests"] for line in lines)}
        facts["requests"] = len(lines)
        facts["connections"] = len({line["connection"] for line in lines})
        facts["protocols"] = sorted({" ".join(filter(None, (line["protocol"], line["tls"]))) for line in lines})
        if lines:
            facts["first_request"] = 1000 * (min(line["end"] - line["took"] for line in lines) - row["begin"])
        return facts


def fresh(folder):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder
