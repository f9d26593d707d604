#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The details of a download, a new address for one that is stuck, metalinks, and a list that was
damaged."""

import base64
import hashlib
import random
import re
import subprocess
from contextlib import contextmanager, suppress

from support import desktop, words
from support.freshet_ui import DragSource, Freshet, Home, content_of, is_usable
from support.journal import durable
from support.screen_reader import faults
from support.server import Server
from support.waiting import run, until

DESKTOP = desktop.here()

SLOW = 300_000
SAMPLE = 16 * 1024  # read again to see whether it is the same file
NAME = "file.bin"
DATA = random.Random(4).randbytes(12_000_000)


def sent(server, path):
    return sum(asked.sent for asked in server.asked_for(path))


def is_right(home):
    return (home.downloads / NAME).read_bytes() == DATA


def the_details_show_what_the_connections_do():
    with Server({f"/{NAME}": DATA}, SLOW) as server, Home() as home:
        home.prefer(rate_limit="uint64 700000", rate_limit_enabled="true")
        with Freshet(home, server.url(f"/{NAME}")) as app:
            app.wait_for(NAME, words.DOWNLOADING)
            assert not app.seen(words.PICTURE, words.MAP), "details are shown without being asked for"
            app.click(words.DETAILS)
            app.find(words.PICTURE, words.MAP, timeout=30)
            for said in (server.url(f"/{NAME}"), words.IN_USE, words.BY_ITS_TAG, str(home.downloads)):
                app.wait_to_say(said)
            app.find(words.PICTURE, words.SPEEDS)
            for said in (words.LIMITED, words.CONNECTION, words.FIRST_BYTE, r"^BaseHTTP.* at 127\.0\.0\.1\b"):
                app.wait_to_say(said)
            app.screenshot(DESKTOP, "details")
            app.click(words.COPY_COMMAND)
            app.wait_to_say(words.COPIED)
        server.rate = None
        # They are remembered.
        with Freshet(home) as app:
            app.wait_for(NAME, words.COMPLETED)
            desktop.click(DESKTOP, *desktop.middle(app.place_of_row(NAME)))
            app.find(words.PICTURE, words.WHOLE)
            DESKTOP.key("F9")
            until("no details", lambda: not app.seen(words.PICTURE, words.WHOLE))
        assert is_right(home), "the file is not the server's"


def the_log_tells_what_happened_to_a_download():
    with Server({f"/{NAME}": DATA}, SLOW) as server, Home() as home:
        home.prefer(details_visible="true")
        server.refuses[f"/{NAME}"] = 503
        with Freshet(home, server.url(f"/{NAME}")) as app:
            app.wait_for(NAME, words.WAITING)
            del server.refuses[f"/{NAME}"]
            app.wait_for(NAME, words.DOWNLOADING, 30)
            desktop.click(DESKTOP, *desktop.middle(app.place_of_row(NAME)))
            assert not app.seen(words.TEXT, words.LOG), "it is not folded away"
            app.click(words.UNFOLD_LOG)
            log = app.find(words.TEXT, words.LOG)
            until("what came", lambda: sent(server, f"/{NAME}") > 1_000_000)
            app.click_in_row(NAME, words.PAUSE)
            app.wait_for(NAME, words.PAUSED)
            server.rate = None
            app.click_in_row(NAME, words.RESUME)
            app.wait_for(NAME, words.COMPLETED)
            until("the end of it", lambda: content_of(log).endswith(words.COMPLETED))
            told = [line.split("\u2003", 1) for line in content_of(log).splitlines()]
            assert all(re.fullmatch(r"\d\d:\d\d:\d\d", time) for time, _ in told), told
            what = [line for _, line in told]
            for before, after in zip(words.LOGGED, words.LOGGED[1:]):
                places = [next((n for n, line in enumerate(what) if re.search(p, line)), None) for p in (before, after)]
                assert None not in places and places[0] < places[1], f"{before}, then {after}: {what}"
            app.screenshot(DESKTOP, "log")
            app.click(words.COPY_LOG)
            app.wait_to_say(words.COPIED)


def a_checksum_is_shown_with_its_origin_and_its_result():
    digest = hashlib.sha256(DATA)
    beside = f"{digest.hexdigest()}  {NAME}\n".encode()
    with Server({f"/{NAME}": DATA, f"/2/{NAME}": DATA, f"/2/{NAME}.sha256": beside}, SLOW) as server, Home() as home:
        server.headers[f"/{NAME}"] = {"Repr-Digest": f"sha-256=:{base64.b64encode(digest.digest()).decode()}:"}
        home.prefer(details_visible="true", find_checksum="true")
        with Freshet(home, server.url(f"/{NAME}")) as app:
            app.wait_to_say(words.CHECKED_LATER)
            server.rate = None
            app.wait_to_say(words.CHECKED, 20)
            app.screenshot(DESKTOP, "checksum")
            app.run_again(server.url(f"/2/{NAME}"))
            app.wait_to_say(words.BESIDE, 20)
        assert is_right(home), "the file is not the server's"


def a_file_with_another_checksum_is_kept_at_the_users_wish():
    beside = f"{hashlib.sha256(b'an older file').hexdigest()}  {NAME}\n".encode()
    with Server({f"/{NAME}": DATA, f"/{NAME}.sha256": beside}) as server, Home() as home:
        home.prefer(details_visible="true")
        with Freshet(home, server.url(f"/{NAME}")) as app:
            app.wait_for(NAME, words.WRONG)
            app.find(words.BUTTON, words.KEEP)
            app.screenshot(DESKTOP, "wrong")
            asked = len(server.asked)
        # It is offered as long as the row is there.
        with Freshet(home) as app:
            app.wait_for(NAME, words.WRONG)
            desktop.click(DESKTOP, *desktop.middle(app.place_of_row(NAME)))
            app.click(words.KEEP)
            app.wait_for(NAME, words.KEPT)
            app.screenshot(DESKTOP, "kept")
        assert is_right(home), "the file is not the server's"
        assert len(server.asked) == asked, "the server was asked again"
        assert {path.name for path in home.downloads.iterdir()} == {NAME}, "something was left behind"


@contextmanager
def stuck():
    """A download whose address has expired after a part of the file."""
    with Server({f"/{NAME}": DATA, "/fresh/file.bin": DATA}, SLOW) as server, Home() as home:
        with Freshet(home, server.url(f"/{NAME}")) as app:
            app.wait_for(NAME, words.DOWNLOADING)
            until("some bytes", lambda: sent(server, f"/{NAME}") > 1_500_000)
            server.refuses[f"/{NAME}"] = 403
            server.cut()
            app.wait_for(NAME, words.FAILED)
            server.rate = None
            kept = durable(home.downloads / f"{NAME}.part.journal")
            assert kept, "nothing was kept"
            yield server, home, app, kept


def check_continued(later, kept):
    """What was sent is no measure: much of it is on its way to connections that are closed."""
    assert kept and later, f"it had {kept} and asked {later}"
    for part in kept:
        again = [asked for asked in later if part["start"] <= (asked.first or 0) < part["end"]]
        assert not again, f"it has {part} and asked for it again: {again}"


def check_renewed(server, home, app, kept):
    app.wait_for(NAME, words.COMPLETED)
    assert is_right(home), "the file is not the server's"
    later = [asked for asked in server.asked_for("/fresh/file.bin") if asked.sent > SAMPLE]
    check_continued(later, kept)
    assert {path.name for path in home.downloads.iterdir()} == {NAME}, "something was left behind"


def a_stuck_download_goes_on_from_a_new_address():
    with stuck() as (server, home, app, kept):
        app.screenshot(DESKTOP, "stuck")
        app.click_in_row(NAME, words.NEW_ADDRESS)
        app.find(words.ENTRY, words.ADDRESS_ENTRY)
        assert not is_usable(app.find(words.BUTTON, words.USE_ADDRESS)), "no address can be used"
        app.write(words.ADDRESS_ENTRY, "this is nothing")
        app.wait_to_say(words.BAD_ADDRESS)
        app.write(words.ADDRESS_ENTRY, server.url("/fresh/file.bin"))
        app.screenshot(DESKTOP, "new-address")
        app.click(words.USE_ADDRESS)
        check_renewed(server, home, app, kept)


def a_login_that_is_given_later_lets_all_of_the_server_go_on():
    other = "other.bin"
    with Server({f"/{NAME}": DATA, f"/{other}": DATA}, SLOW) as server, Home() as home:
        home.prefer(details_visible="true")
        with Freshet(home, server.url(f"/{NAME}"), server.url(f"/{other}")) as app:
            app.wait_for(NAME, words.DOWNLOADING)
            until("some bytes", lambda: sent(server, f"/{NAME}") > 1_500_000)
            server.logins = {f"/{NAME}": "ann:s3cret-word", f"/{other}": "ann:s3cret-word"}
            server.cut()
            for name in (NAME, other):
                app.wait_for(name, words.LOGIN_NEEDED)
            assert not app.says(words.ASKS), "a dialog came by itself"
            kept = durable(home.downloads / f"{NAME}.part.journal")
            server.rate = None
            asked = len(server.asked)
            app.click_in_row(NAME, words.LOG_IN)
            for said in (words.ASKS, words.IN_CLEAR, words.FOR_OTHER):
                app.wait_to_say(said)
            assert not app.says(words.NOT_TAKEN), "nothing was given yet"
            app.write(words.USER, "ann")
            app.write(words.SECRET, "wrong")
            app.screenshot(DESKTOP, "log-in")
            app.click(words.LOG_IN_NOW)
            for name in (NAME, other):
                until("an answer", lambda: len(server.asked_for(f"/{name}")) > 2)
                app.wait_for(name, words.LOGIN_NEEDED)
            assert not app.says(words.ASKS), "a dialog came by itself"
            # By its key; the name is still known.
            desktop.click(DESKTOP, *desktop.middle(app.place_of_row(NAME)))
            app.screenshot(DESKTOP, "log-in-row")
            DESKTOP.key("ctrl", "u")
            app.wait_to_say(words.NOT_TAKEN)
            app.write(words.SECRET, "s3cret-word")
            app.screenshot(DESKTOP, "log-in-again")
            app.click(words.LOG_IN_NOW)
            for name in (NAME, other):
                app.wait_for(name, words.COMPLETED)
            check_continued([one for one in server.asked[asked:] if one.path == f"/{NAME}" and one.sent > 0], kept)
        assert is_right(home), "the file is not the server's"
        secrets = [p for p in home.path.rglob("*") if p.is_file() and b"s3cret-word" in p.read_bytes() and p.suffix != ".bin"]
        assert not secrets, f"the password was written into {secrets}"


def a_link_dropped_on_a_stuck_download_may_be_its_new_address():
    with stuck() as (server, home, app, kept):
        with DragSource("browser", server.url("/fresh/file.bin")) as source:
            desktop.drop_on_window(DESKTOP, source.title, app.place_of_row(NAME))
            app.find(words.BUTTON, words.USE_ADDRESS)
            assert not (found := faults(app, "the dropped address")), found
            app.screenshot(DESKTOP, "dropped-address")
        app.click(words.USE_ADDRESS)
        check_renewed(server, home, app, kept)


def a_metalink_is_downloaded_from_all_its_addresses():
    with Server({f"/one/{NAME}": DATA, f"/two/{NAME}": DATA}, SLOW) as server, Home() as home:
        addresses = "".join(f"<url>{server.url(f'/{host}/{NAME}')}</url>" for host in ("one", "two"))
        # A sandbox sees this folder, too.
        metalink = home.downloads / "file.meta4"
        metalink.write_text(
            f'<metalink xmlns="urn:ietf:params:xml:ns:metalink"><file name="{NAME}">'
            f"<size>{len(DATA)}</size>{addresses}</file></metalink>"
        )
        with Freshet(home) as app:
            app.run_again(str(metalink))
            app.click(words.DETAILS)
            app.wait_to_say(server.url(f"/two/{NAME}"))
            until("bytes of both", lambda: sent(server, f"/one/{NAME}") and sent(server, f"/two/{NAME}"), 30)
            app.screenshot(DESKTOP, "metalink")
            server.rate = None
            app.wait_for(NAME, words.COMPLETED)
        assert is_right(home), "the file is not the server's"


def the_speed_of_all_downloads_is_limited_and_set_free():
    with Server({f"/{NAME}": DATA}) as server, Home() as home:
        home.prefer(rate_limit="uint64 500000")
        with Freshet(home) as app:
            until("the window", lambda: DESKTOP.window(words.WINDOW))
            DESKTOP.move(*desktop.middle(DESKTOP.window(words.WINDOW)))
            DESKTOP.key("ctrl", "comma")
            app.show_page(words.CONNECTIONS_PAGE)
            app.switch(words.LIMIT_SPEED, True)
            app.screenshot(DESKTOP, "preferences")
            app.run_again(server.url(f"/{NAME}"))
            app.wait_to_say(r"\b[45]\d\d\.\d\skB/s", 20)
            app.switch(words.LIMIT_SPEED, False)
            app.wait_for(NAME, words.COMPLETED)
        assert is_right(home), "the file is not the server's"


def one_download_is_limited_and_set_free():
    with Server({f"/{NAME}": DATA}, SLOW) as server, Home() as home:
        home.prefer(details_visible="true")
        with Freshet(home, server.url(f"/{NAME}")) as app:
            app.wait_for(NAME, words.DOWNLOADING)
            desktop.click(DESKTOP, *desktop.middle(app.place_of_row(NAME)))
            DESKTOP.key("ctrl", "shift", "l")
            until("the limit", lambda: app.seen(words.NUMBER, words.RATE))
            DESKTOP.key("ctrl", "a")
            DESKTOP.type("100")
            app.screenshot(DESKTOP, "limit")
            app.click(words.LIMIT)
            app.wait_to_say(r"^100\.0\skB/s")
            server.rate = None
            app.wait_to_say(r"\b(9\d|1[01]\d)\.\d\skB/s – ", 20)
            DESKTOP.key("ctrl", "shift", "l")
            app.click(words.NO_LIMIT)
            app.wait_for(NAME, words.COMPLETED)
        assert is_right(home), "the file is not the server's"


def a_damaged_list_is_told_once():
    with Home() as home:
        folder = home.data / "freshet"
        with Freshet(home):
            pass
        # What was written last would be read from there, and all would be well.
        (folder / "list.sqlite-wal").unlink(missing_ok=True)
        (folder / "list.sqlite").write_bytes(b"this is no database" * 1000)
        with Freshet(home) as app:
            app.wait_to_say(words.DAMAGED)
            app.screenshot(DESKTOP, "damaged")
            app.click(words.DISMISS)
            until("an end of it", lambda: not app.says(words.DAMAGED))
            assert app.seen(words.BUTTON, words.ADD_DOWNLOAD), "the window went, too"
        with Freshet(home) as app:
            assert not app.says(words.DAMAGED), "it is told again"


@contextmanager
def small_drive(folder):
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def a_list_that_can_not_be_saved_is_told_as_long_as_it_is_so():
    with Server({f"/{NAME}": DATA}) as server, Home() as home, small_drive(home.data) as drive:
        filler = drive / "filler"
        with Freshet(home) as app:
            app.find(words.BUTTON, words.ADD_DOWNLOAD)
            with suppress(OSError), filler.open("wb", buffering=0) as file:
                while True:
                    file.write(bytes(4096))
            app.run_again(server.url(f"/{NAME}"))
            app.wait_to_say(words.UNSAVED)
            app.screenshot(DESKTOP, "unsaved")
            filler.unlink()
            until("an end of it", lambda: not app.says(words.UNSAVED), 20)
        with Freshet(home) as app:
            app.wait_for(NAME, words.COMPLETED)


if __name__ == "__main__":
    run(
        the_details_show_what_the_connections_do,
        the_log_tells_what_happened_to_a_download,
        a_checksum_is_shown_with_its_origin_and_its_result,
        a_file_with_another_checksum_is_kept_at_the_users_wish,
        a_stuck_download_goes_on_from_a_new_address,
        a_login_that_is_given_later_lets_all_of_the_server_go_on,
        a_link_dropped_on_a_stuck_download_may_be_its_new_address,
        a_metalink_is_downloaded_from_all_its_addresses,
        the_speed_of_all_downloads_is_limited_and_set_free,
        one_download_is_limited_and_set_free,
        a_damaged_list_is_told_once,
        a_list_that_can_not_be_saved_is_told_as_long_as_it_is_so,
    )
