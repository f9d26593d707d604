#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""`freshet get` beside curl, wget and aria2: one large file from a private nginx on the loopback to
memory. Runs take turns, each round begins with another program, every file is compared. Prints a
Markdown table of medians; ends with 1 when a run of freshet failed.

    benches/get.py --freshet target/release/freshet --gib 4 --runs 5
"""

import argparse
import contextlib
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MIB = 1 << 20
LONGEST_RUN = 180

NGINX = """daemon off; master_process off; user root; pid {prefix}/pid; error_log {prefix}/error.log;
events {{ worker_connections 512; }}
http {{
    access_log off; sendfile on; default_type application/octet-stream;
    client_body_temp_path {prefix}/body; proxy_temp_path {prefix}/proxy; fastcgi_temp_path {prefix}/fastcgi;
    uwsgi_temp_path {prefix}/uwsgi; scgi_temp_path {prefix}/scgi;
    server {{ listen 127.0.0.1:{port}; root {prefix}/source; }}
}}
"""


def contenders(freshet):
    """Name -> command; {url} and {out} are filled in. One connection first: there all do the same."""
    programs = {
        "freshet get -x 1": [freshet, "get", "--quiet", "-x", "1", "-o", "{out}", "{url}"],
        "freshet get": [freshet, "get", "--quiet", "-o", "{out}", "{url}"],
        "curl": ["curl", "--silent", "--fail", "--output", "{out}", "{url}"],
        "wget": ["wget", "--quiet", "--output-document={out}", "{url}"],
        "wget2": ["wget2", "--quiet", "--output-document={out}", "{url}"],
    }
    for connections in ("1", "8"):
        programs[f"aria2c -x {connections}"] = [
            "aria2c", "--quiet", "--no-conf", "--file-allocation=none", f"--max-connection-per-server={connections}",
            f"--split={connections}", "--dir={folder}", "--out={name}", "{url}",
        ]  # fmt: skip
    return {name: command for name, command in programs.items() if shutil.which(command[0])}


def write_source(path, mib):
    """No two MiB are alike, so that a piece in the wrong place is found."""
    block = os.urandom(MIB)
    with open(path, "wb") as file:
        for index in range(mib):
            file.write(index.to_bytes(8, "little") + block[8:])


@contextlib.contextmanager
def nginx(prefix):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = prefix / "nginx.conf"
    config.write_text(NGINX.format(prefix=prefix, port=port))
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    server = subprocess.Popen([program, "-p", prefix, "-c", config, "-e", prefix / "error.log"])
    try:
        end = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                if server.poll() is not None or time.monotonic() > end:
                    sys.exit("nginx does not start")
                time.sleep(0.02)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


def run(command, source, target):
    """Wall seconds, CPU seconds, and what went wrong."""
    begin = time.monotonic()
    child = subprocess.Popen(["timeout", "--foreground", str(LONGEST_RUN), *command], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    wall = time.monotonic() - begin
    wrong = None
    if child.returncode != 0:
        wrong = f"ended with {child.returncode}"
    elif subprocess.run(["cmp", "--silent", source, target]).returncode != 0:
        wrong = "the file is not the server's"
    for left in target.parent.iterdir():
        left.unlink()
    return wall, usage.ru_utime + usage.ru_stime, wrong


def table(results, gib):
    def column(name, index):
        return [result[index] / gib for result in results[name]]

    def cell(name, index):
        values = column(name, index)
        return f"{statistics.median(values):.3f} [{min(values):.3f}–{max(values):.3f}]"

    def ratio(name, index):
        if "curl" not in results:
            return "–"
        return f"{statistics.median(column(name, index)) / statistics.median(column('curl', index)):.2f}"

    print("| program | wall s/GiB | to curl | CPU s/GiB | to curl | runs |")
    print("|---|---:|---:|---:|---:|---:|")
    for name in results:
        cells = [name, cell(name, 0), ratio(name, 0), cell(name, 1), ratio(name, 1)]
        print(f"| {' | '.join(cells)} | {len(results[name])} |")


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--freshet", default="target/release/freshet", help="the program (%(default)s)")
    options.add_argument("--gib", type=float, default=4, help="size of the file (%(default)s)")
    options.add_argument("--runs", type=int, default=5, help="measured runs of each (%(default)s)")
    options = options.parse_args()
    if not shutil.which(options.freshet):
        sys.exit(f"{options.freshet} is not there: cargo build --release")

    mib = max(1, int(options.gib * 1024))
    memory = "/dev/shm" if os.path.isdir("/dev/shm") else None
    failed = {}
    with tempfile.TemporaryDirectory(prefix="freshet-get-", dir=memory) as prefix:
        prefix = Path(prefix)
        source, target = prefix / "source" / "file.bin", prefix / "target" / "file.bin"
        source.parent.mkdir()
        target.parent.mkdir()
        write_source(source, mib)
        with nginx(prefix) as address:
            values = {"url": f"{address}/file.bin", "out": target, "folder": target.parent, "name": target.name}
            commands = {
                name: [word.format(**values) for word in command]
                for name, command in contenders(options.freshet).items()
            }
            results = {name: [] for name in commands}
            names = list(commands)
            # The round before the first warms the memory up and is not counted.
            for turn in range(options.runs + 1):
                for name in names[turn % len(names) :] + names[: turn % len(names)]:
                    if name in failed:
                        continue
                    *measured, wrong = run(commands[name], source, target)
                    if wrong:
                        failed[name] = wrong
                        print(f"{name}: {wrong}", file=sys.stderr)
                    elif turn > 0:
                        results[name].append(measured)
    table({name: runs for name, runs in results.items() if runs and name not in failed}, mib / 1024)
    sys.exit(1 if any(name.startswith("freshet") for name in failed) else 0)


if __name__ == "__main__":
    main()
