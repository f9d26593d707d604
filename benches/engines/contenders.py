# SPDX-License-Identifier: GPL-3.0-or-later
"""The programs of contenders.toml: which are here, and how they are called."""

import re
import shlex
import shutil
import subprocess
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

TABLE = Path(__file__).with_name("contenders.toml")
OURS = "freshet"


@dataclass
class Contender:
    name: str
    bin: str
    version: str = ""
    of: str = ""
    only: list[str] = field(default_factory=list)
    skip: list[str] = field(default_factory=list)
    env: dict[str, str] = field(default_factory=dict)
    lists: str = "plain"
    templates: dict[str, str] = field(default_factory=dict)

    @property
    def program(self):
        return self.of or self.name

    def template(self, kind, workload):
        """The command for this, or None. The one for the workload goes before that for its series."""
        series = workload.name.split("_")[0]
        for key in (f"{kind}_{workload.name}", f"{kind}_{series}", kind):
            if key in self.templates:
                return self.templates[key]
        return None

    def way(self, workload):
        """Which of its commands does the workload, or None."""
        names = {workload.name, workload.name.split("_")[0]}
        if names & set(self.skip) or (self.only and not names & set(self.only)):
            return None
        if workload.kind in ("list", "slow"):
            ways = ["batch"]
        elif workload.connections == 1:
            ways = ["single"]
        else:
            ways = ["segmented"] + ["single"] * workload.one_will_do
        return next((way for way in ways if self.template(way, workload)), None)

    def command(self, template, **values):
        """Split first, so that a folder with a blank in its name is still one word."""
        return [word.format(bin=self.bin, **values) for word in shlex.split(template)]

    def told_version(self):
        """The first number with dots that it tells."""
        try:
            command = [self.bin, *shlex.split(self.version)]
            told = subprocess.run(command, capture_output=True, text=True, timeout=10, stdin=subprocess.DEVNULL)
        except (OSError, subprocess.TimeoutExpired):
            return "?"
        number = re.search(r"\d+(\.\d+)+", told.stdout + told.stderr)
        return number[0] if number else "?"

    def write_list(self, path, folder, files):
        """files: (address, name) of each."""
        write = {
            "plain": lambda url, name: f"{url}\n",
            "curl": lambda url, name: f'url = "{url}"\noutput = "{folder}/{name}"\n',
            "aria2": lambda url, name: f"{url}\n  out={name}\n",
            "lftp": lambda url, name: f"queue get {url} -o {name}\n",
        }[self.lists]
        path.write_text("".join(write(url, name) for url, name in files))


def load(freshet, more=None):
    """All of the table, and of the file with more, that are installed."""
    table = tomllib.loads(TABLE.read_text())
    table[OURS]["bin"] = str(freshet)
    if more:
        for name, entry in tomllib.loads(Path(more).read_text()).items():
            table.setdefault(name, {}).update(entry)
    known = set(Contender.__dataclass_fields__) - {"name", "templates"}
    found = []
    for name, entry in table.items():
        entry["bin"] = shutil.which(entry["bin"])
        if entry["bin"]:
            templates = {key: text for key, text in entry.items() if key not in known}
            found.append(Contender(name, **{key: entry[key] for key in known & set(entry)}, templates=templates))
    return found
