# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts servers on this machine, reads what they write down, and stops them by their process ids."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

from . import link, machine

HERE = Path(__file__).parent
PATIENCE = 10

NGINX = """daemon off; master_process off; worker_rlimit_nofile 20000;
pid {run}/nginx.pid; error_log {run}/nginx.err warn;
events {{ worker_connections 8192; }}
http {{
    default_type application/octet-stream; sendfile on; tcp_nopush on; server_tokens off;
    keepalive_timeout 60; keepalive_requests 1000000;
    client_body_temp_path {run}/body; proxy_temp_path {run}/proxy; fastcgi_temp_path {run}/fastcgi;
    uwsgi_temp_path {run}/uwsgi; scgi_temp_path {run}/scgi;
    log_format lines escape=json '{{"end":$msec,"took":$request_time,"connection":$connection,"bytes":$bytes_sent,'
        '"status":$status,"protocol":"$server_protocol","tls":"$ssl_protocol"}}';
    access_log {run}/nginx.log lines;
    ssl_certificate {run}/certificate.pem; ssl_certificate_key {run}/key.pem; ssl_protocols TLSv1.3;
    server {{
        listen {address}:{http} backlog=4096;
        listen {address}:{https} ssl http2 backlog=4096;
        root {root};
    }}
}}
"""


class Log:
    """Lines of JSON that somebody else writes."""

    SETTLED = 0.3
    LONGEST = 3

    def __init__(self, path):
        self.path = path

    def mark(self):
        return self.path.stat().st_size if self.path.exists() else 0

    def since(self, mark):
        """What was written after the mark, once nothing more has come for a moment."""
        end, size, still = time.monotonic() + self.LONGEST, -1, 0
        while time.monotonic() < min(end, still + self.SETTLED) or size < 0:
            if self.mark() != size:
                size, still = self.mark(), time.monotonic()
            time.sleep(0.05)
        if not self.path.exists():
            return []
        with open(self.path) as file:
            file.seek(mark)
            return [json.loads(line) for line in file]


class Servers:
    """with Servers(...) as servers: ...; stops all of them at the end."""

    def __init__(self, run, root):
        self.run, self.root = run, root
        self.certificate = run / "certificate.pem"
        self.logs = {"nginx": Log(run / "nginx.log"), "paced": Log(run / "paced.log")}
        self.ports = {}
        self._started = {}

    def __enter__(self):
        self._make_certificate()
        return self

    def __exit__(self, *_):
        for name in reversed(list(self._started)):
            self.stop(name)

    def pids(self):
        return [process.pid for process in self._started.values()]

    def cpu_of_nginx(self):
        return machine.running_cpu([self._started["nginx"].pid]) if "nginx" in self._started else 0.0

    def address(self, server, far=False):
        scheme = "https" if server == "https" else "http"
        return f"{scheme}://{link.NEAR if far else '127.0.0.1'}:{self.ports[server]}"

    def _start(self, name, command, **more):
        with open(self.run / f"{name}.out", "wb") as out:
            more = {"stdout": out, "stderr": out, "stdin": subprocess.DEVNULL, "start_new_session": True} | more
            self._started[name] = subprocess.Popen(command, **more)
        return self._started[name]

    def _wait(self, name, ready):
        end = time.monotonic() + PATIENCE
        while not ready():
            if self._started[name].poll() is not None or time.monotonic() > end:
                said = "".join(path.read_text() for path in sorted(self.run.glob(f"{name}.*r*")))
                raise RuntimeError(f"{name} does not start: {said[-2000:]}")
            time.sleep(0.02)

    def stop(self, name):
        process = self._started.pop(name)
        process.terminate()
        try:
            process.wait(3)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def start_nginx(self, far=False):
        """far: to be reached from the far namespace too; only where this one is ours."""
        address = "0.0.0.0" if far else "127.0.0.1"
        self.ports["http"], self.ports["https"] = free_ports(2)
        config = self.run / "nginx.conf"
        config.write_text(NGINX.format(run=self.run, root=self.root, address=address, **self.ports))
        self._start("nginx", [program("nginx"), "-p", self.run, "-c", config, "-e", self.run / "nginx.err"])
        self._wait("nginx", lambda: answers(self.ports["https"]))

    def _make_certificate(self):
        subprocess.run(
            [
                "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                "-keyout", self.run / "key.pem", "-out", self.certificate, "-days", "30", "-subj", "/CN=localhost",
                "-addext", f"subjectAltName=DNS:localhost,IP:127.0.0.1,IP:{link.NEAR}",
            ],
            check=True, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def start_paced(self):
        port = self.run / "paced.port"
        self._start("paced", [sys.executable, HERE / "paced.py", port, self.root, self.logs["paced"].path])
        self._wait("paced", port.exists)
        self.ports["paced"] = int(port.read_text())

    def start_link(self, about):
        """What to put before a command so that it runs at the far end."""
        holder = self._start("far", ["unshare", "--net", "sleep", "86400"])
        ours = os.readlink("/proc/self/ns/net")
        self._wait("far", lambda: os.readlink(f"/proc/{holder.pid}/ns/net") != ours)
        words = [str(holder.pid), *map(str, (about.round_trip_ms, about.megabits, about.loss_percent))]
        relay = self._start("link", [sys.executable, HERE / "link.py", *words], stdout=subprocess.PIPE, text=True)
        if relay.stdout.readline().strip() != "ready":
            raise RuntimeError(f"no link: {(self.run / 'link.out').read_text()[-2000:]}")
        return ["nsenter", f"--net=/proc/{holder.pid}/ns/net"]

    def stop_link(self):
        for name in ("link", "far"):
            if name in self._started:
                self.stop(name)


def program(name):
    """Also where it is not in everybody's PATH."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin:/usr/local/sbin")


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def answers(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False
