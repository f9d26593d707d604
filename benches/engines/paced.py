# SPDX-License-Identifier: GPL-3.0-or-later
"""An HTTP server that holds each connection, not each request, to a rate.

nginx counts anew with every request and sends its beginning at once, so that a program which asks for
many small ranges escapes its limit. Here the kernel paces the socket; segments are as long as those of
an Ethernet, so that programs are woken as often as they would be on a real line.

    /RATE/FILE~SIZE/NAME    the first SIZE bytes of FILE at RATE bytes a second (0: no limit); NAME is
                            only what programs call the file. A RATE that is a word stands in WORD.rate
                            in the folder, so that it can change while the address stays

Each connection that has ended is a line of JSON in the log: its requests, and the bytes of it that the
other side's kernel has acknowledged.

    paced.py PORT-FILE FOLDER LOG
"""

import json
import os
import re
import socket
import struct
import sys
import threading

SO_MAX_PACING_RATE = 47
SEGMENT = 1448
# Of struct tcp_info: tcpi_bytes_acked.
BYTES_ACKED = 120
LONGEST_HEAD = 64 * 1024
PIECE = 1 << 20


class Refusal(Exception):
    """A request that is answered with an error; the text is the status line."""


def parse_path(path):
    """(rate as it is written, file, size) of the path of an address."""
    parts = re.fullmatch(r"/(\w+)/([\w.-]+)~(\d+)/[^/]+", path)
    if not parts:
        raise Refusal("404 Not Found")
    return parts[1], parts[2], int(parts[3])


def parse_range(text, size):
    """The bytes that are wanted as (first, end), or None for all."""
    parts = re.fullmatch(r"bytes=(\d*)-(\d*)", text or "")
    if not parts or parts[0] == "bytes=-":
        return None
    if not parts[1]:
        return max(0, size - int(parts[2])), size
    first, end = int(parts[1]), min(size, int(parts[2]) + 1) if parts[2] else size
    if first >= end:
        raise Refusal("416 Range Not Satisfiable")
    return first, end


class Connection:
    def __init__(self, server, link):
        self.server = server
        self.link = link
        self.requests = 0
        self.rest = b""
        self.rate = 0

    def run(self):
        try:
            self.link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while self._answer():
                pass
        except OSError:
            pass  # the other side went away, as killed programs do
        finally:
            self.server.write_log({"requests": self.requests, "bytes": self._acknowledged()})
            self.link.close()

    def _acknowledged(self):
        try:
            about = self.link.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, BYTES_ACKED + 8)
            return struct.unpack_from("=Q", about, BYTES_ACKED)[0]
        except (OSError, struct.error):
            return 0

    def _head(self):
        while b"\r\n\r\n" not in self.rest:
            more = self.link.recv(LONGEST_HEAD)
            if not more or len(self.rest) > LONGEST_HEAD:
                return None
            self.rest += more
        head, self.rest = self.rest.split(b"\r\n\r\n", 1)
        return head.decode("latin-1").split("\r\n")

    def _answer(self):
        """Answers one request; whether there may be another."""
        lines = self._head()
        if not lines:
            return False
        self.requests += 1
        method, _, rest = lines[0].partition(" ")
        path, _, version = rest.partition(" ")
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        stays = version == "HTTP/1.1" and fields.get("connection", "").lower() != "close"
        try:
            if method not in ("GET", "HEAD"):
                raise Refusal("405 Method Not Allowed")
            rate, name, size = parse_path(path)
            source = self.server.open(name)
            tag = f'"{name}-{size:x}"'
            wanted = parse_range(fields.get("range"), size) if fields.get("if-range", tag) == tag else None
        except Refusal as refusal:
            self._send_head(str(refusal), {"Content-Length": 0, "Connection": "close"})
            return self._say_goodbye()
        first, end = wanted or (0, size)
        head = {
            "Content-Type": "application/octet-stream",
            "Accept-Ranges": "bytes",
            "ETag": tag,
            "Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT",
            "Content-Length": end - first,
            "Connection": "keep-alive" if stays else "close",
        }
        if wanted:
            head["Content-Range"] = f"bytes {first}-{end - 1}/{size}"
        self._keep_to(self.server.rate(rate))
        self._send_head("206 Partial Content" if wanted else "200 OK", head, more=method == "GET")
        while method == "GET" and first < end:
            sent = os.sendfile(self.link.fileno(), source, first, min(PIECE, end - first))
            if sent == 0:
                return False
            first += sent
        return stays or self._say_goodbye()

    def _keep_to(self, rate):
        if rate and rate != self.rate:
            self.link.setsockopt(socket.SOL_SOCKET, SO_MAX_PACING_RATE, struct.pack("=Q", rate))
            self.rate = rate

    def _send_head(self, status, fields, more=False):
        text = f"HTTP/1.1 {status}\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        self.link.sendall(f"{text}\r\n".encode(), socket.MSG_MORE if more else 0)

    def _say_goodbye(self):
        """Waits until the other side has all and closes, which a close of ours could cut short."""
        self.link.shutdown(socket.SHUT_WR)
        self.link.settimeout(5)
        while self.link.recv(LONGEST_HEAD):
            pass
        return False


class Server:
    def __init__(self, folder, log, address="127.0.0.1"):
        self._folder = folder
        self._log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self._files = {}
        self._lock = threading.Lock()
        self._door = socket.socket()
        self._door.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SEGMENT)
        self._door.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 256 * 1024)
        self._door.bind((address, 0))
        self._door.listen(2048)
        self.port = self._door.getsockname()[1]

    def open(self, name):
        with self._lock:
            if name not in self._files:
                try:
                    self._files[name] = os.open(os.path.join(self._folder, name), os.O_RDONLY)
                except OSError as error:
                    raise Refusal("404 Not Found") from error
            return self._files[name]

    def rate(self, text):
        if text.isdecimal():
            return int(text)
        with open(os.path.join(self._folder, f"{text}.rate")) as file:
            return int(file.read())

    def write_log(self, row):
        os.write(self._log, json.dumps(row).encode() + b"\n")

    def serve(self):
        threading.stack_size(256 * 1024)
        while True:
            try:
                link, _ = self._door.accept()
            except OSError:
                return
            threading.Thread(target=Connection(self, link).run, daemon=True).start()

    def close(self):
        self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()


def main():
    port_file, folder, log = sys.argv[1:]
    server = Server(folder, log)
    with open(f"{port_file}.new", "w") as file:
        file.write(str(server.port))
    os.rename(f"{port_file}.new", port_file)
    server.serve()


if __name__ == "__main__":
    main()
