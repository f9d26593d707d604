#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The licences of all crates that become part of the program.

licences.py           writes data/licences.txt, a line for each crate: name, version, licence, home
licences.py --check   says whether that file fits Cargo.lock, and whether every licence may be combined
                      with GPL-3.0-or-later and every crate comes from the registry
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIST = ROOT / "data/licences.txt"
HEAD = """\
# The crates that are part of Freshet: name, version, licence, where it comes from.
# Written by build-aux/licences.py.
"""
# Each may be part of a program under GPL-3.0-or-later.
ALLOWED = {
    *("MIT", "MIT-0", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD-2-Clause", "BSD-3-Clause", "ISC"),
    *("Zlib", "0BSD", "Unlicense", "CC0-1.0", "BSL-1.0", "Unicode-3.0", "MPL-2.0", "LGPL-2.1-or-later"),
    *("LGPL-3.0-or-later", "GPL-3.0-or-later"),
}


def crates():
    """(name, version, licence, home) of what is linked on Linux, without what only tests need."""
    command = ["cargo", "tree", "--locked", "--edges", "normal", "--prefix", "none", "--no-dedupe"]
    command += ["--format", "{p}\t{l}\t{r}"]
    tree = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    found = set()
    for line in tree.splitlines():
        package, licence, home = line.split("\t")
        name, version, *source = package.split(" ")
        if name == "freshet":
            continue
        if any(word.startswith("(") and word not in ("(proc-macro)", "(*)") for word in source):
            sys.exit(f"{name} does not come from the registry: {' '.join(source)}")
        found.add((name, version.lstrip("v"), licence, home))
    return sorted(found)


def is_allowed(licence):
    """An SPDX expression, also with the slash of old crates; AND binds tighter than OR."""
    expression = licence.replace("/", " OR ")
    terms = re.split(r"\s+OR\s+|\(|\)", expression) if " AND " not in expression else [expression]
    if " AND " in expression:
        parts = [part.strip(" ()") for part in re.split(r"\s+AND\s+", expression)]
        return all(is_allowed(part) for part in parts)
    return any(term.strip() in ALLOWED for term in terms)


def main():
    here = crates()
    text = HEAD + "".join(f"{name} {version}\t{licence}\t{home}\n" for name, version, licence, home in here)
    if sys.argv[1:] != ["--check"]:
        LIST.write_text(text)
    complaints = [f"{name}: may “{licence}” be combined?" for name, _, licence, _ in here if not is_allowed(licence)]
    if LIST.read_text() != text:
        complaints.append("data/licences.txt does not fit Cargo.lock: run build-aux/licences.py")
    if complaints:
        sys.exit("\n".join(complaints))
    print(f"{len(here)} crates, all under licences that go with GPL-3.0-or-later")


main()
