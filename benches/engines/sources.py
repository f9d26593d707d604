# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that are downloaded, the check of what arrived, and memory that is ready for it."""

import mmap
import os
import random
import subprocess

from .workloads import GIB, MIB

POOL = 8 * MIB
STEP = 7919  # odd, so that no two places in the pool fall together at any alignment
WHOLE = 4 * GIB  # up to this size sparse files are compared byte by byte
SAMPLES = 256
SAMPLE = 64 * 1024
PAGE = mmap.PAGESIZE


def places(size):
    """Where a large sparse file has bytes that are not zero: at both ends and evenly between."""
    if size <= SAMPLE:
        return [0]
    last = size - SAMPLE
    return sorted({last * index // (SAMPLES - 1) for index in range(SAMPLES)})


class Sources:
    """Files in a folder that are the same each time. Each MiB of them differs from all others
    everywhere, so that a piece in the wrong place is found."""

    def __init__(self, folder):
        self.folder = folder
        self.largest = None  # the file of which the paced server sends the beginning
        self._pool = memoryview(random.Random(1).randbytes(POOL))
        self._sizes = {}

    def _block(self, index):
        start = index * STEP % (POOL - MIB)
        return self._pool[start : start + MIB]

    def file(self, size):
        """One of this size; the largest has to be asked for first if the paced server is to use it."""
        path = self.folder / f"{size}.bin"
        if not path.exists():
            with open(path, "wb", buffering=0) as file:
                for index in range(0, size, MIB):
                    file.write(self._block(index // MIB)[: size - index])
        if self.largest is None or size > self._sizes[self.largest]:
            self.largest = path
        self._sizes[path] = size
        return path

    def sparse_file(self, size):
        path = self.folder / f"sparse-{size}.bin"
        with open(path, "wb", buffering=0) as file:
            file.truncate(size)
            for index, place in enumerate(places(size)):
                file.seek(place)
                file.write(self._block(index)[: min(SAMPLE, size)])
        return path

    def files(self, count, size):
        """A folder of many, and their names."""
        folder = self.folder / f"{count}x{size}"
        names = [f"{index:05}.bin" for index in range(count)]
        if not folder.exists():
            folder.mkdir()
            for index, name in enumerate(names):
                start = index * STEP % (POOL - MIB)
                (folder / name).write_bytes(self._pool[start : start + size])
        return folder, names


def same_file(source, target, size):
    """Whether the target is the first `size` bytes of the source and no more."""
    if not target.is_file() or target.stat().st_size != size:
        return False
    return subprocess.run(["cmp", "--silent", f"--bytes={size}", source, target]).returncode == 0


def same_sparse_file(source, target, size):
    """The same for a sparse source: all of it, or only samples where that would take too long."""
    if size <= WHOLE:
        return same_file(source, target, size)
    if not target.is_file() or target.stat().st_size != size:
        return False
    marks = places(size)
    between = [(one + SAMPLE + other) // 2 for one, other in zip(marks, marks[1:])]
    with open(source, "rb", buffering=0) as left, open(target, "rb", buffering=0) as right:
        ends = left.fileno(), right.fileno()
        return all(os.pread(ends[0], SAMPLE, place) == os.pread(ends[1], SAMPLE, place) for place in marks + between)


def wrong_files(source, target, names):
    """Those of the names that are not there, or not the same."""
    wrong = []
    for name in names:
        try:
            same = (source / name).read_bytes() == (target / name).read_bytes()
        except OSError:
            same = False
        if not same:
            wrong.append(name)
    return wrong


def keep_memory_warm(size):
    """A virtual machine may give memory that nobody uses back to its host in large pieces, and to get
    one again costs several times the transfer. So take that much, and free all of it but a page of each
    MiB, which holds its piece here as long as the answer is alive."""
    size -= size % MIB
    if size <= 0:
        return None
    held = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    held.madvise(mmap.MADV_NOHUGEPAGE)
    block = bytes(b"\1" * MIB)
    for start in range(0, size, MIB):
        held[start : start + MIB] = block
    for start in range(0, size, MIB):
        held.madvise(mmap.MADV_DONTNEED, start + PAGE, MIB - PAGE)
    return held


def fill_page_cache(path, size):
    """The same for a file on disk, just before it is written: its pages come in larger pieces."""
    block = bytes(MIB)
    with open(path, "wb", buffering=0) as file:
        for start in range(0, size, MIB):
            file.write(block[: min(MIB, size - start)])
    path.unlink()
