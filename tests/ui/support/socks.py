# SPDX-License-Identifier: GPL-3.0-or-later
"""A SOCKS5 proxy on 127.0.0.1 (RFC 1928) that wants a user name and a password (RFC 1929). Whatever host is asked
for, it connects to 127.0.0.1."""

import socket
import struct
import threading
from socketserver import StreamRequestHandler, ThreadingTCPServer

PIECE = 64 * 1024
BY_PASSWORD, NO_METHOD = 2, 255


class Socks:
    """with Socks("ann", "secret") as proxy: ..."""

    def __init__(self, user, password):
        self.login = (user, password)
        self.tried = []  # the log-in of each connection, None where none was offered
        self.asked = []  # the hosts that those who were let in asked for
        self._listener = _Listener(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._listener.serve_forever, kwargs={"poll_interval": 0.05})

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._listener.shutdown()
        self._listener.server_close()
        self._thread.join()

    @property
    def port(self):
        return self._listener.server_address[1]


class _Listener(ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request, client_address):
        """That a client goes away in the middle is ordinary."""


def _handler(proxy):
    class Handler(StreamRequestHandler):
        timeout = 60

        def handle(self):
            _version, count = self._read(2)
            if BY_PASSWORD not in self._read(count):
                proxy.tried.append(None)
                self.wfile.write(bytes((5, NO_METHOD)))
                return
            self.wfile.write(bytes((5, BY_PASSWORD)))
            self._read(1)
            login = (self._text(), self._text())
            proxy.tried.append(login)
            self.wfile.write(bytes((1, int(login != proxy.login))))
            if login == proxy.login:
                self._connect()

        def _connect(self):
            _version, _command, _, kind = self._read(4)
            host = self._text() if kind == 3 else self._read({1: 4, 4: 16}[kind])
            (port,) = struct.unpack("!H", self._read(2))
            proxy.asked.append(host)
            with socket.create_connection(("127.0.0.1", port)) as server:
                self.wfile.write(struct.pack("!BBBB4sH", 5, 0, 0, 1, bytes((127, 0, 0, 1)), port))
                up = threading.Thread(target=_pass_on, args=(self.connection, server), daemon=True)
                up.start()
                _pass_on(server, self.connection)
                up.join()

        def _read(self, count):
            data = self.rfile.read(count)
            if len(data) < count:
                raise ConnectionError("it went away")
            return data

        def _text(self):
            return self._read(self._read(1)[0]).decode()

    return Handler


def _pass_on(source, target):
    try:
        while data := source.recv(PIECE):
            target.sendall(data)
    except OSError:
        pass  # One of them went away, which ends it for both.
    for end in (source, target):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # It is shut already.
