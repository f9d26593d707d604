# SPDX-License-Identifier: GPL-3.0-or-later
"""A real browser that shows a page of one link, in a profile of its own."""

import os
import shutil
import signal
import subprocess
import tempfile
from html import escape
from pathlib import Path

TITLE = "Links"
# Nobody listens there (RFC 863's port, which takes root): whatever a browser asks for of its own accord goes nowhere.
NO_PROXY, NO_PORT = "127.0.0.1", 9
SIZE = (500, 400)


class Browser:
    """While it runs its window is there, with nothing but the link in the lower half of it."""

    def __init__(self, url):
        self._url = url

    def __enter__(self):
        self._home = Path(tempfile.mkdtemp(prefix="freshet-browser-"))
        page = self._home / "page.html"
        # A window is there before its page is. It gets its title when that has been drawn.
        drawn = f"requestAnimationFrame(() => requestAnimationFrame(() => {{ document.title = '{TITLE}' }}))"
        page.write_text(
            f'<!doctype html><meta charset="utf-8"><title>Loading</title>'
            f'<body style="margin: 0; font-size: 40px" onload="{drawn}">'
            f'<a href="{escape(self._url)}" style="display: block; height: 100vh; overflow: hidden">{"the link " * 99}</a>'
        )
        # What it leaves in the folder for temporary files goes with its home.
        environment = {**os.environ, "HOME": str(self._home), "TMPDIR": str(self._home)}
        environment |= {"GTK_MODULES": "", "NO_AT_BRIDGE": "1"}
        if "WAYLAND_DISPLAY" in environment:
            environment["MOZ_ENABLE_WAYLAND"] = "1"
        log = (self._home / "log").open("w")
        # A group of its own: a browser is many processes.
        self._process = subprocess.Popen(
            [self.program, *self.options(page)], env=environment, stdout=log, stderr=log, start_new_session=True
        )
        log.close()
        return self

    def __exit__(self, kind, *_):
        if kind:
            print((self._home / "log").read_text()[-4000:])
        os.killpg(self._process.pid, signal.SIGTERM)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(10)
        shutil.rmtree(self._home, ignore_errors=True)


class Firefox(Browser):
    title = f"{TITLE} .*Mozilla Firefox"
    program = shutil.which("firefox-esr") or shutil.which("firefox")

    def options(self, page):
        profile = self._home / "profile"
        profile.mkdir()
        quiet = {
            "browser.aboutwelcome.enabled": "false",
            "browser.shell.checkDefaultBrowser": "false",
            "datareporting.policy.dataSubmissionEnabled": "false",
            "toolkit.telemetry.reportingpolicy.firstRun": "false",
            "app.update.enabled": "false",
            # Nothing is looked for in the network.
            "network.captive-portal-service.enabled": "false",
            "network.connectivity-service.enabled": "false",
            "network.proxy.type": "1",
            "network.proxy.http": f'"{NO_PROXY}"',
            "network.proxy.http_port": str(NO_PORT),
            "network.proxy.ssl": f'"{NO_PROXY}"',
            "network.proxy.ssl_port": str(NO_PORT),
        }
        (profile / "user.js").write_text("".join(f'user_pref("{key}", {value});\n' for key, value in quiet.items()))
        return ["--no-remote", "--profile", profile, "--width", str(SIZE[0]), "--height", str(SIZE[1]), page.as_uri()]


class Chromium(Browser):
    title = TITLE
    program = shutil.which("chromium") or shutil.which("chromium-browser")

    def options(self, page):
        # It refuses to run as root with its sandbox.
        sandbox = ["--no-sandbox"] if os.getuid() == 0 else []
        return [
            *sandbox,
            "--disable-gpu",
            "--no-first-run",
            "--no-default-browser-check",
            "--password-store=basic",
            "--disable-background-networking",
            "--disable-component-update",
            # Of the loopback nothing is asked by way of it.
            f"--proxy-server={NO_PROXY}:{NO_PORT}",
            f"--user-data-dir={self._home / 'profile'}",
            f"--window-size={SIZE[0]},{SIZE[1]}",
            f"--app={page.as_uri()}",
        ]
