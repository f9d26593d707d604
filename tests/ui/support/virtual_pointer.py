# SPDX-License-Identifier: GPL-3.0-or-later
"""A pointer on a wlroots compositor: a client of zwlr_virtual_pointer_manager_v1 that speaks the
Wayland protocol by itself. A headless seat has no pointer until one connects, so make it before the
programs that need one, and keep it."""

import os
import socket
import struct
import time

DISPLAY, REGISTRY, FIRST_FREE = 1, 2, 3
MANAGER = b"zwlr_virtual_pointer_manager_v1"
LEFT_BUTTON = 0x110


def _text(value):
    value += b"\0"
    return struct.pack("=I", len(value)) + value + b"\0" * (-len(value) % 4)


class VirtualPointer:
    def __init__(self, width, height):
        self._extent = (width, height)
        self._next = FIRST_FREE
        path = os.path.join(os.environ["XDG_RUNTIME_DIR"], os.environ["WAYLAND_DISPLAY"])
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(5)
        self._socket.connect(path)
        self._send(DISPLAY, 1, struct.pack("=I", REGISTRY))  # get_registry
        found = self._roundtrip()
        if MANAGER not in found:
            raise RuntimeError("this compositor has no virtual pointers")
        manager, self._pointer = self._new(), self._new()
        self._send(REGISTRY, 0, struct.pack("=I", found[MANAGER]) + _text(MANAGER) + struct.pack("=II", 1, manager))
        self._send(manager, 0, struct.pack("=II", 0, self._pointer))  # of no seat in particular
        self._roundtrip()

    def move(self, x, y):
        self._send(self._pointer, 1, struct.pack("=5I", self._now(), int(x), int(y), *self._extent))
        self._frame()

    def press(self):
        self._button(1)

    def release(self):
        self._button(0)

    def close(self):
        self._socket.close()

    def _button(self, state):
        self._send(self._pointer, 2, struct.pack("=3I", self._now(), LEFT_BUTTON, state))
        self._frame()

    def _frame(self):
        self._send(self._pointer, 4, b"")
        self._roundtrip()

    def _now(self):
        return int(time.monotonic() * 1000) & 0xFFFFFFFF

    def _new(self):
        self._next += 1
        return self._next - 1

    def _send(self, thing, opcode, arguments):
        self._socket.sendall(struct.pack("=II", thing, (8 + len(arguments)) << 16 | opcode) + arguments)

    def _receive(self, length):
        data = b""
        while len(data) < length:
            piece = self._socket.recv(length - len(data))
            if not piece:
                raise ConnectionError("the compositor closed the connection")
            data += piece
        return data

    def _roundtrip(self):
        """Waits until all that was sent is dealt with; returns the globals that were told meanwhile."""
        callback, found = self._new(), {}
        self._send(DISPLAY, 0, struct.pack("=I", callback))  # sync
        while True:
            thing, size_and_opcode = struct.unpack("=II", self._receive(8))
            data, opcode = self._receive((size_and_opcode >> 16) - 8), size_and_opcode & 0xFFFF
            if thing == callback:
                return found
            if thing == DISPLAY and opcode == 0:
                raise RuntimeError(f"protocol error: {data[12:].rstrip(bytes(1)).decode()}")
            if thing == REGISTRY and opcode == 0:
                number, length = struct.unpack_from("=II", data)
                found[data[8 : 8 + length - 1]] = number
