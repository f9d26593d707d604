#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The licences of all crates that become part of the program.

licences.py           writes data/licences.txt, which the about window shows: a line for each crate, with its
                      name, version, licence, home and copyright
licences.py --check   says whether that file fits Cargo.lock, and whether every licence may be combined
                      with GPL-3.0-or-later and every crate comes from the registry
"""

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIST = ROOT / "data/licences.txt"
HEAD = """\
# The crates that are part of Freshet: name, version, licence, where it comes from, copyright.
# Written by build-aux/licences.py.
"""
# Each may be part of a program under GPL-3.0-or-later.
ALLOWED = {
    *("MIT", "MIT-0", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD-2-Clause", "BSD-3-Clause", "ISC"),
    *("Zlib", "0BSD", "Unlicense", "CC0-1.0", "BSL-1.0", "Unicode-3.0", "MPL-2.0", "LGPL-2.1-or-later"),
    *("LGPL-3.0-or-later", "GPL-3.0-or-later"),
}


# As the crates' own files have it: with a year, or of somebody; not what the licences say of copyrights.
COPYRIGHT = re.compile(r"^\s*(?:Copyright (?:\(c\) |© )?|Portions ©)(?=\d|[A-Z])(.*)$")
EMAIL = re.compile(r"\s*<[^>]*>")


def cargo(*arguments):
    return subprocess.run(["cargo", *arguments], cwd=ROOT, check=True, capture_output=True, text=True).stdout


def crates():
    """(name, version, licence, home, copyright) of what is linked on Linux, without what only tests need."""
    host = re.search(r"^host: (.*)$", subprocess.run(["rustc", "-vV"], capture_output=True, text=True).stdout, re.M)[1]
    packages = json.loads(cargo("metadata", "--locked", "--format-version", "1", "--filter-platform", host))["packages"]
    known = {(package["name"], package["version"]): package for package in packages}
    tree = cargo("tree", "--locked", "--edges", "normal", "--prefix", "none", "--no-dedupe", "--format", "{p}\t{l}\t{r}")
    found = set()
    for line in tree.splitlines():
        package, licence, home = line.split("\t")
        name, version, *source = package.split(" ")
        version = version.lstrip("v")
        if name == "freshet":
            continue
        if any(word.startswith("(") and word not in ("(proc-macro)", "(*)") for word in source):
            sys.exit(f"{name} does not come from the registry: {' '.join(source)}")
        found.add((name, version, licence, home, copyrights(known[name, version])))
    return sorted(found)


def copyrights(package):
    """Who has the rights, by the crate's own files, else by its manifest."""
    folder = Path(package["manifest_path"]).parent
    holders = []
    for path in sorted(folder.iterdir()):
        if re.match(r"licen[cs]e|copyright", path.name, re.IGNORECASE) and path.is_file():
            found = map(COPYRIGHT.match, path.read_text(errors="replace").splitlines())
            holders += [EMAIL.sub("", match[1]).strip(" ,") for match in found if match]
    nobody = f"the authors of {package['name']}"
    # Some tell the years alone.
    holders = [holder if re.search("[a-z]", holder) else f"{holder} {nobody}" for holder in holders]
    holders = holders or [EMAIL.sub("", author) for author in package["authors"]] or [nobody]
    return "; ".join(dict.fromkeys(f"© {holder}" for holder in holders))


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
    text = HEAD + "".join(f"{name} {version}\t" + "\t".join(rest) + "\n" for name, version, *rest in here)
    if sys.argv[1:] != ["--check"]:
        LIST.write_text(text)
    complaints = [f"{name}: may “{licence}” be combined?" for name, _, licence, *_ in here if not is_allowed(licence)]
    if LIST.read_text() != text:
        complaints.append("data/licences.txt does not fit Cargo.lock: run build-aux/licences.py")
    if complaints:
        sys.exit("\n".join(complaints))
    print(f"{len(here)} crates, all under licences that go with GPL-3.0-or-later")


main()
