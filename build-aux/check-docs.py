#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the documents speak of what is there: files and folders they name, functions and types, links to
files and to headings; and whether every version has its news everywhere that versions have theirs.
Prints what is wrong and exits with 1, or says how much was looked up."""

import fnmatch
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENDINGS = r"rs|py|sh|ui|md|toml|xml|in|yml|po|pot|1|txt|css|json|lock|png|svg|service|desktop"
# In backquotes: a path, or the name of a file.
PATH = re.compile(rf"(?:[\w.*-]+/)*[\w*-][\w.*-]*\.(?:{ENDINGS})|(?:[\w.-]+/)+")
# `Type::method`, `function()`, a_name.
NAME = re.compile(r"(?:[A-Z]\w*::)*(?:[A-Z]\w+|[a-z][a-z0-9]*(?:_[a-z0-9]+)+)(?:\(\))?")
CODE = re.compile(r"`([^`\n]+)`")
# "`name` of `path`", "`path`: `name`" and "`path` (`name`)" say that the one is in the other.
IN_FILE = re.compile(r"`(?P<name>[^`\n]+)` of `(?P<path>[^`\n]+)`|`(?P<path2>[^`\n]+)`(?::| \() ?`(?P<name2>[^`\n]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
# What others have: the kernel, libcurl, distributions.
FOREIGN = {"SO_RCVLOWAT", "ssh_block_statemach", "PKGBUILD"}
# What is made when it is needed, and kept nowhere.
MADE = re.compile(r"_build/|target/|vendor/|\.cargo/|flatpak/cargo-sources\.json|freshet-VERSION|\.flatpak-builder/")


def tracked():
    if not (ROOT / ".git").exists():
        # The archive of a release has all that is tracked, and the crates.
        files = (path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file())
        return [str(file) for file in files if file.parts[0] not in ("target", "vendor", "_build")]
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True)
    return listed.stdout.split("\n")[:-1]


class Tree:
    def __init__(self):
        self.files = tracked()
        folders = {str(parent) + "/" for file in self.files for parent in Path(file).parents if str(parent) != "."}
        self.all = [*self.files, *folders]
        sources = (file for file in self.files if file.endswith((".rs", ".py", ".sh", ".ui", ".xml", ".toml", ".build")))
        self.words = FOREIGN | {Path(file).stem for file in self.files}
        for file in sources:
            self.words |= set(re.findall(r"\w+", (ROOT / file).read_text()))

    def find(self, path):
        """By its whole path or the end of it, as a document about a folder names what is in it."""
        ends = (path.removeprefix("./"), "*/" + path.removeprefix("./"))
        return [file for file in self.all if any(fnmatch.fnmatchcase(file, end) for end in ends)]


def anchors(text):
    """The headings, as they are linked to."""
    return {
        re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.*)$", text, re.M)
    }


def wrong_in(document, tree):
    text = (ROOT / document).read_text()
    looked_up = 0
    for number, line in enumerate(text.split("\n"), 1):
        for code in CODE.findall(line):
            # Of a command only what it runs or is given from here is looked up.
            for word in code.split():
                word = word.rstrip(",;:")
                if MADE.search(word):
                    continue
                if PATH.fullmatch(word) and not word.startswith("..."):
                    looked_up += 1
                    if not tree.find(word):
                        yield f"{document}:{number}: there is no {word}"
                elif NAME.fullmatch(word):
                    looked_up += 1
                    for name in re.findall(r"\w+", word):
                        if name not in tree.words:
                            yield f"{document}:{number}: nothing in the sources is called {name}"
        for found in IN_FILE.finditer(line):
            name, path = found["name"] or found["name2"], found["path"] or found["path2"]
            files = [file for file in tree.find(path) if not file.endswith("/")] if PATH.fullmatch(path) else []
            if files and (NAME.fullmatch(name) or name.isidentifier()):
                last = re.findall(r"\w+", name)[-1]
                if not any(re.search(rf"\b{last}\b", (ROOT / file).read_text()) for file in files):
                    yield f"{document}:{number}: there is no {last} in {path}"
        for target in LINK.findall(line):
            if re.match(r"[a-z]+:", target):
                continue
            looked_up += 1
            path, _, anchor = target.partition("#")
            there = (ROOT / document).parent / path if path else ROOT / document
            if not there.exists():
                yield f"{document}:{number}: there is no {target}"
            elif anchor and anchor not in anchors(there.read_text()):
                yield f"{document}:{number}: {path or document} has no heading #{anchor}"
    wrong_in.looked_up += looked_up


wrong_in.looked_up = 0


def wrong_releases():
    version = tomllib.loads((ROOT / "Cargo.toml").read_text())["package"]["version"]
    changes = re.findall(r"^## (\d\S*)", (ROOT / "CHANGELOG.md").read_text(), re.M)
    metainfo = (ROOT / "data/io.github.freshet.Freshet.metainfo.xml.in").read_text()
    for picture in re.findall(r"<image>.*/main/(.*)</image>", metainfo):
        if not (ROOT / picture).exists():
            yield f"the metainfo shows {picture}, which is not there"
    spec = (ROOT / "build-aux/freshet.spec").read_text()
    if f"Version:        {version}\n" not in spec:
        yield f"build-aux/freshet.spec is not of version {version}"
    told = {
        "CHANGELOG.md": changes,
        "the metainfo": re.findall(r'<release version="([^"]+)"', metainfo),
        "freshet.spec": re.findall(r"^[*] .* - (\S*)-\d+$", spec, re.M),
        "debian/changelog": re.findall(r"^freshet \(([^)]*)-[^-)]*\)", (ROOT / "debian/changelog").read_text(), re.M),
    }
    for where, versions in told.items():
        if versions[:1] != [version]:
            yield f"the newest version in {where} is {versions[:1]}, in Cargo.toml {version}"
        if versions != changes:
            yield f"{where} has news of {versions}, CHANGELOG.md of {changes}"


def main():
    tree = Tree()
    documents = [file for file in tree.files if file.endswith(".md")]
    wrong = [line for document in documents for line in wrong_in(document, tree)]
    wrong += wrong_releases()
    for line in wrong:
        print(line)
    print(f"{len(documents)} documents, {wrong_in.looked_up} names looked up, {len(wrong)} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
