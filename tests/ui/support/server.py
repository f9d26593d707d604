# SPDX-License-Identifier: GPL-3.0-or-later
"""A small HTTP server on 127.0.0.1 with ranges, validators, a rate that can be changed while it sends,
and a record of what was asked."""

import base64
import re
import threading
import time
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PIECE = 64 * 1024
DRIP = 0.02


@dataclass
class Asked:
    """A request: its path, its first byte (None without a range), its headers, the bytes of body sent for it, and
    when it came (time.monotonic)."""

    path: str
    first: int | None
    headers: Message
    sent: int = 0
    at: float = field(default_factory=time.monotonic)


class Server:
    """with Server({"/f.bin": data}, rate=200_000) as server: ..."""

    def __init__(self, files, rate=None):
        self.files = files
        self.rate = rate  # bytes a second for each connection; None: as fast as it goes
        self.refuses = {}  # path: the status it is answered with in place of the file
        self.logins = {}  # path: the user and password without which it is answered with 401
        self.realms = {}  # path: what it then says that the log-in is for
        self.proxy_login = None  # as a proxy: the user and password without which all is answered with 407
        self.headers = {}  # path: more headers of its answers
        self.asked = []
        self.heads = []  # paths of which only the head was asked for
        self.head_logins = []  # what each of these asked with
        self._cuts = 0
        self._ended = threading.Event()
        self._http = _Listener(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05})

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    @property
    def port(self):
        return self._http.server_port

    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"

    def asked_for(self, path):
        return [asked for asked in self.asked if asked.path == path]

    def cut(self):
        """Ends all connections that send something, in the middle."""
        self._cuts += 1

    def send(self, write, data, asked):
        """Whether all of it was sent."""
        begin, rate, counted = time.monotonic(), self.rate, 0
        at, cuts = 0, self._cuts
        while at < len(data) and not self._ended.is_set() and self._cuts == cuts:
            if self.rate != rate:  # count anew from here
                begin, rate, counted = time.monotonic(), self.rate, 0
            take = PIECE if rate is None else max(1, int(rate * DRIP))
            piece = data[at : at + take]
            write(piece)
            at += len(piece)
            counted += len(piece)
            asked.sent += len(piece)
            if rate is not None:
                self._ended.wait(max(0, begin + counted / rate - time.monotonic()))
        return at == len(data)


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request, client_address):
        """That a client goes away in the middle is what these tests are about."""


def _handler(server):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 60

        def do_HEAD(self):
            path = self.path.split("?")[0]
            data = server.files.get(path)
            server.heads.append(path)
            server.head_logins.append(self.headers.get("Authorization"))
            if not self._is_from(server.logins.get(path), "Authorization"):
                self._head(401, 0, "", {"WWW-Authenticate": 'Basic realm="files"'})
                return
            refusal = server.refuses.get(path, 404 if data is None else None)
            if refusal:
                self.send_error(refusal)
            else:
                self._head(200, len(data), f'"{len(data):x}-{hash(data):x}"', {"Accept-Ranges": "bytes"})

        def do_GET(self):
            path = self.path.split("?")[0]
            if not self._is_from(server.proxy_login, "Proxy-Authorization"):
                server.asked.append(Asked(path, None, self.headers))
                self._head(407, 0, "", {"Proxy-Authenticate": 'Basic realm="the way out"'})
                return
            if not self._is_from(server.logins.get(path), "Authorization"):
                server.asked.append(Asked(path, None, self.headers))
                realm = server.realms.get(path, "files")
                self._head(401, 0, "", {"WWW-Authenticate": f'Basic realm="{realm}"'})
                return
            data = server.files.get(path)
            refusal = server.refuses.get(path, 404 if data is None else None)
            if refusal:
                server.asked.append(Asked(path, None, self.headers))
                self.send_error(refusal)
                return
            etag = f'"{len(data):x}-{hash(data):x}"'
            wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
            if wanted and self.headers.get("If-Range", etag) == etag:
                first, last = int(wanted[1]), int(wanted[2] or len(data) - 1)
                asked = Asked(path, first, self.headers)
                server.asked.append(asked)
                if first >= len(data):
                    self._head(416, 0, etag, {"Content-Range": f"bytes */{len(data)}"})
                    return
                last = min(last, len(data) - 1)
                body = data[first : last + 1]
                self._head(206, len(body), etag, {"Content-Range": f"bytes {first}-{last}/{len(data)}"})
            else:
                asked = Asked(path, None, self.headers)
                server.asked.append(asked)
                body = data
                self._head(200, len(body), etag, {"Accept-Ranges": "bytes"})
            if not server.send(self.wfile.write, body, asked):
                self.close_connection = True

        def _is_from(self, login, header):
            return login is None or self.headers.get(header) == f"Basic {base64.b64encode(login.encode()).decode()}"

        def _head(self, status, length, etag, more):
            self.send_response(status)
            for name, value in {
                "Content-Type": "application/octet-stream",
                "Content-Length": length,
                "ETag": etag,
                **server.headers.get(self.path, {}),
                **more,
            }.items():
                self.send_header(name, str(value))
            self.end_headers()

        def log_message(self, *_):
            pass

    return Handler
