# SPDX-License-Identifier: GPL-3.0-or-later
"""A link to far away between two network namespaces, where packets take their time and get lost.

Two tun devices with this relay between them, as not every kernel can delay packets itself. TCP on both
sides sees a true round trip.

    link.py PID ROUND-TRIP-MS MEGABITS LOSS-PERCENT

PID is a process in the far namespace. Prints "ready" when packets can pass.
"""

import fcntl
import os
import random
import select
import struct
import subprocess
import sys
import time
from collections import deque

NEAR, FAR = "10.77.0.1", "10.77.0.2"
NET = "10.77.0.0/30"
MTU = 1500
# What a packet waits at most for its turn, beside a round trip.
LONGEST_QUEUE = 0.1
AT_ONCE = 64

TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000


class Way:
    """One direction: packets go in, and come out when they have been sent at the rate and travelled."""

    def __init__(self, rate, delay, loss, seed):
        self.rate = rate  # bytes a second
        self.delay = delay
        self.loss = loss  # of one
        self._chance = random.Random(seed)
        self._free_at = 0.0
        self._packets = deque()

    def put(self, packet, now):
        """Whether the packet will arrive."""
        if self.loss and self._chance.random() < self.loss:
            return False
        begin = max(now, self._free_at)
        if begin - now > 2 * self.delay + LONGEST_QUEUE:
            return False
        self._free_at = begin + len(packet) / self.rate
        self._packets.append((self._free_at + self.delay, packet))
        return True

    def next_at(self):
        return self._packets[0][0] if self._packets else None

    def arrived(self, now):
        while self._packets and self._packets[0][0] <= now:
            yield self._packets.popleft()[1]


def tun(name):
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    return device


def set_up(name, address, within=()):
    for words in (
        ["link", "set", "lo", "up"],
        ["addr", "add", f"{address}/30", "dev", name],
        ["link", "set", name, "mtu", str(MTU), "txqueuelen", "5000", "up"],
        # What is measured shall not depend on what this machine prefers.
        ["route", "replace", NET, "dev", name, "src", address, "congctl", "cubic"],
    ):
        subprocess.run([*within, "ip", *words], check=True)


def relay(ways):
    """ways: device that is read -> (way, device that is written)."""
    while True:
        due = [at for way, _ in ways.values() if (at := way.next_at()) is not None]
        wait = max(0.0, min(due) - time.monotonic()) if due else None
        ready, _, _ = select.select(list(ways), [], [], wait)
        for device in ready:
            way, _ = ways[device]
            now = time.monotonic()
            for _ in range(AT_ONCE):
                try:
                    packet = os.read(device, 2 * MTU)
                except BlockingIOError:
                    break
                way.put(packet, now)
        now = time.monotonic()
        for way, device in ways.values():
            for packet in way.arrived(now):
                try:
                    os.write(device, packet)
                except OSError:
                    pass  # no room, or not up any more: lost, as packets are


def main():
    far, round_trip, megabits, loss = sys.argv[1], *map(float, sys.argv[2:])
    near_device, far_device = tun("bench-near"), tun("bench-far")
    set_up("bench-near", NEAR)
    subprocess.run(["ip", "link", "set", "bench-far", "netns", far], check=True)
    set_up("bench-far", FAR, ["nsenter", f"--net=/proc/{far}/ns/net"])
    out, home = (Way(megabits * 1e6 / 8, round_trip / 2000, loss / 100, seed) for seed in (1, 2))
    print("ready", flush=True)
    relay({near_device: (out, far_device), far_device: (home, near_device)})


if __name__ == "__main__":
    main()
