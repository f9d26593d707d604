# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting with a bound, and the frame every test runs in."""

import os
import signal
import sys
import time
import traceback
from pathlib import Path

STEP = 0.05
LONGEST_TEST = 90


def until(what, condition, timeout=10):
    """Calls condition until it gives something true, and returns that."""
    end = time.monotonic() + timeout
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"waited {timeout} s for {what}")
        time.sleep(STEP)


def _too_long(_signal, _frame):
    raise AssertionError(f"took longer than {LONGEST_TEST} s")


def outside(why):
    """Of a test that cannot be made where the program runs in a sandbox (build-aux/flatpak.sh)."""

    def mark(test):
        test.outside = why
        return test

    return mark


def run(*tests, on_failure=None):
    """Runs the tests, prints one line for each, ends the program with the right status."""
    wanted = sys.argv[1:]
    unknown = set(wanted) - {test.__name__ for test in tests}
    if unknown:
        sys.exit(f"no such test: {', '.join(sorted(unknown))}")
    signal.signal(signal.SIGALRM, _too_long)
    failed = 0
    for test in tests:
        if wanted and test.__name__ not in wanted:
            continue
        if os.environ.get("FRESHET_SANDBOX") and hasattr(test, "outside"):
            print(f"ok {test.__name__}: SKIPPED {test.outside}", flush=True)
            continue
        signal.alarm(LONGEST_TEST)
        try:
            test()
            print(f"ok {test.__name__}", flush=True)
        except Exception as error:  # whatever it is, the other tests run
            failed += 1
            why = str(error).splitlines() or [type(error).__name__]
            print(f"not ok {test.__name__}: {why[0]}", flush=True)
            traceback.print_exc()
        finally:
            signal.alarm(0)
    sys.exit(1 if failed else 0)


def shots():
    """Where screenshots go: FRESHET_SHOTS, or nowhere."""
    folder = os.environ.get("FRESHET_SHOTS")
    if not folder:
        return None
    Path(folder).mkdir(parents=True, exist_ok=True)
    return Path(folder)
