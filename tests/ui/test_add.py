#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be written into the dialog that adds downloads."""

import base64
import hashlib
import random
import time

from support import desktop, words
from support.choosers import choose
from support.freshet_ui import Clipboard, DragSource, Freshet, Home, content_of, text_of
from support.screen_reader import focused, role, tab_until
from support.server import Server
from support.waiting import outside, run, until

DESKTOP = desktop.here()
DATA = random.Random(1).randbytes(50_000)


def a_pattern_adds_each_of_its_files():
    names = ["part-08.bin", "part-09.bin", "part-10.bin"]
    with Server({f"/{name}": DATA for name in names}) as server, Home() as home, Freshet(home) as app:
        app.click(words.ADD_DOWNLOAD)
        app.wait_to_say(words.PATTERNS)
        app.write(words.ADDRESSES, server.url("/part-[10-8].bin"))
        app.wait_to_say(words.COUNTS_DOWN)
        app.write(words.ADDRESSES, server.url("/part-[08-10].bin"))
        app.wait_to_say("^3 files")
        app.screenshot(DESKTOP, "add-pattern")
        app.click(words.ADD)
        for name in names:
            app.wait_for(name, words.COMPLETED)
            assert (home.downloads / name).read_bytes() == DATA, f"{name} is not the server's"


def what_addresses_lead_to_is_told_before_they_are_added():
    with Server({"/one.bin": DATA, "/two": DATA}) as server, Home() as home, Freshet(home) as app:
        server.headers["/two"] = {"Content-Disposition": 'attachment; filename="named.zip"'}
        app.click(words.ADD_DOWNLOAD)
        app.write(words.ADDRESSES, "\n".join(server.url(path) for path in ("/one.bin", "/two", "/gone.bin")))
        for said in words.PREVIEW:
            app.wait_to_say(said)
        app.screenshot(DESKTOP, "add-preview")
        app.write(words.ADDRESSES, server.url("/one.bin"))
        until("one of them", lambda: app.says(words.PREVIEW[0]) and not app.says(words.PREVIEW[1]))
        assert sorted(server.heads) == ["/gone.bin", "/one.bin", "/two"], f"it asked for {server.heads}"
        assert not server.asked and not list(home.downloads.iterdir()), "something was fetched"
        app.click(words.ADD)
        app.wait_for("one.bin", words.COMPLETED)


def a_curl_command_is_downloaded_as_it_says():
    with Server({"/file": DATA}) as server, Home() as home, Freshet(home) as app:
        app.click(words.ADD_DOWNLOAD)
        url = server.url("/file")
        app.write(words.ADDRESSES, f"curl -X POST '{url}'")
        app.wait_to_say(words.ONLY_DOWNLOADS)
        app.write(words.ADDRESSES, f"curl -fL '{url}' \\\n  -H 'X-Key: it is' -A Probe/1 -o named.bin")
        app.click(words.ADD)
        app.wait_for("named.bin", words.COMPLETED)
        assert (home.downloads / "named.bin").read_bytes() == DATA, "the file is not the server's"
        headers = next(asked.headers for asked in server.asked if asked.path == "/file")
        assert (headers["X-Key"], headers["User-Agent"]) == ("it is", "Probe/1"), f"it asked with {headers}"


def what_is_in_the_list_already_is_noticed():
    with Server({"/file.bin": DATA, "/new.bin": DATA}) as server, Home() as home:
        url = server.url("/file.bin")
        with Freshet(home, url) as app:
            app.wait_for("file.bin", words.COMPLETED)
        # Most of a long list is kept in another place after a restart.
        with Freshet(home, url) as app:
            app.wait_to_say(words.HAS_ADDRESS)
            app.screenshot(DESKTOP, "add-known")
            app.click(words.SHOW)
            until("its end", lambda: not app.says(words.HAS_ADDRESS))
            app.run_again(url, server.url("/new.bin"))
            app.click(words.ONLY_NEW)
            app.wait_for("new.bin", words.COMPLETED)
            assert len(server.asked_for("/file.bin")) == 1, "it was downloaded again"
            app.run_again(url)
            app.click(words.AGAIN)
            app.wait_for("file (1).bin", words.COMPLETED)


@outside("the sandbox does not see the folders that the test makes for the rules")
def a_rule_of_the_user_says_where_a_download_goes():
    with Server({"/a.iso": DATA, "/watch": DATA}) as server, Home() as home:
        server.headers["/watch"] = {"Content-Type": "video/mp4"}
        discs, films = home.path / "discs", home.path / "films"
        discs.mkdir()
        films.mkdir()
        rules = (
            f"{{'name': 'Discs', 'names': '*.iso *.img', 'folder': '{discs}'}}",
            f"{{'type': 'video', 'folder': '{films}'}}",
        )
        home.prefer(folder_rules=f"[{', '.join(rules)}]")
        with Freshet(home) as app:
            app.click(words.ADD_DOWNLOAD)
            app.write(words.ADDRESSES, server.url("/a.iso"))
            app.wait_to_say(words.BY_RULE)
            app.screenshot(DESKTOP, "add-by-rule")
            app.write(words.ADDRESSES, f"{server.url('/a.iso')}\n{server.url('/watch')}")
            # The second is a film by the word of its server.
            app.wait_to_say(words.BY_RULES)
            app.click(words.ADD)
            app.wait_for("a.iso", words.COMPLETED)
            app.wait_for("watch.mp4", words.COMPLETED)
        assert (discs / "a.iso").read_bytes() == DATA and (films / "watch.mp4").read_bytes() == DATA
        assert not list(home.downloads.iterdir()), "something is where it would be without rules"


@outside("the sandbox does not see the folders that the test makes for the rules")
def a_rule_is_made_in_the_preferences():
    with Server({"/a.iso": DATA}) as server, Home() as home, Freshet(home) as app:
        discs = home.path / "discs"
        discs.mkdir()
        DESKTOP.move(*desktop.middle(until("the window", lambda: DESKTOP.window(words.WINDOW))))
        DESKTOP.key("ctrl", "comma")
        app.click(words.ADD_RULE)
        app.wait_to_say(words.NO_CONDITION)
        app.write(words.RULE_PATTERNS, "*.iso")
        app.wait_to_say(words.NO_FOLDER)
        app.click(words.CHOOSE_RULE_FOLDER)
        choose(app, DESKTOP, discs)
        until("a rule that can be used", lambda: not app.says(words.NO_FOLDER))
        app.screenshot(DESKTOP, "rule-dialog")
        app.click(words.SAVE)
        app.find(words.LABEL, "*.iso")
        app.screenshot(DESKTOP, "rules")
        app.run_again(server.url("/a.iso"))
        app.wait_for("a.iso", words.COMPLETED)
        assert (discs / "a.iso").read_bytes() == DATA, "it is not in the folder of the rule"


def point_at_dialog():
    """Without a window manager keys go to the window under the pointer."""
    DESKTOP.move(*desktop.middle(until("the dialog", lambda: DESKTOP.window(words.ADD_DOWNLOAD))))


def what_the_dialog_says_of_a_download_is_how_it_is_fetched():
    right = f"sha256:{hashlib.sha256(DATA).hexdigest()}"
    with Server({"/file.bin": DATA}) as server, Home() as home, Freshet(home) as app:
        app.click(words.ADD_DOWNLOAD)
        app.write(words.ADDRESSES, server.url("/file.bin"))
        point_at_dialog()
        DESKTOP.key("alt", "v")
        time.sleep(0.5)
        app.write(words.HEADERS, "X-Key it is")
        app.wait_to_say(words.NO_HEADER)
        app.write(words.HEADERS, "X-Key: it is")
        for name, text in words.ADVANCED.items():
            app.write(name, text)
        app.write(words.CHECKSUM, right)
        app.screenshot(DESKTOP, "add-advanced")
        app.click(words.ADD)
        app.wait_for("file.bin", words.COMPLETED)
        app.wait_for("file.bin", words.VERIFIED)
        headers = next(asked.headers for asked in server.asked if asked.path == "/file.bin")
        wanted = {
            "X-Key": "it is",
            "Cookie": "a=1",
            "Referer": "http://page.example/",
            "User-Agent": "Probe/1",
        }
        assert {name: headers[name] for name in wanted} == wanted, f"it asked with {headers}"


def a_log_in_that_is_being_typed_is_not_tried_and_a_wrong_one_once():
    paths = ["/one.bin", "/two.bin"]
    with Server(dict.fromkeys(paths, DATA)) as server, Home() as home, Freshet(home) as app:
        server.logins = dict.fromkeys(paths, "ann:secret")

        def tried(password):
            return server.head_logins.count(f"Basic {base64.b64encode(f'ann:{password}'.encode()).decode()}")

        app.click(words.ADD_DOWNLOAD)
        app.write(words.ADDRESSES, server.url(paths[0]))
        app.wait_to_say(words.LOGIN_NEEDED)
        point_at_dialog()
        DESKTOP.key("alt", "v")
        until("the rows", lambda: app.seen(words.ENTRY, words.SECRET))
        until("the focus on the password", lambda: tab_until(app, DESKTOP, words.SECRET))
        app.write(words.USER, "ann")
        app.write(words.SECRET, "half")
        # The focus stays where it is.
        app.write(words.ADDRESSES, "\n".join(map(server.url, paths)))
        until("the second", lambda: paths[1] in server.heads and not app.says(words.ASKING))
        assert not tried("half"), f"it asked with {server.head_logins}"
        app.write(words.SECRET, "wrong")
        until("the focus on the next row", lambda: tab_until(app, DESKTOP, words.REMEMBER_LOGIN))
        until("the wrong one", lambda: tried("wrong") and not app.says(words.ASKING))
        app.write(words.SECRET, "secret")
        until("what both lead to", lambda: tried("secret") == 2 and not app.says(words.LOGIN_NEEDED))
        assert (tried("half"), tried("wrong")) == (0, 1), f"it asked with {server.head_logins}"


def the_dialog_begins_with_a_link_that_was_copied_and_with_no_secret():
    link, secret = "https://127.0.0.1/a", "Tr0ub4dor.correct"
    with Home() as home:
        home.prefer(preview_addresses="false")
        with Freshet(home) as app:
            with Clipboard(link):
                app.click(words.ADD_DOWNLOAD)
                entry = app.find(words.ENTRY, words.ADDRESSES)
                until("the link", lambda: content_of(entry) == link)
                point_at_dialog()
                DESKTOP.key("Escape")
                until("its end", lambda: not app.seen(words.ENTRY, words.ADDRESSES))
            with Clipboard(secret):
                app.click(words.ADD_DOWNLOAD)
                entry = app.find(words.ENTRY, words.ADDRESSES)
                point_at_dialog()
                # The dialog asked before for what is pasted now.
                DESKTOP.key("ctrl", "End")
                DESKTOP.key("ctrl", "v")
                until("the secret", lambda: content_of(entry))
                assert content_of(entry) == secret, "it was there before"


def a_download_waits_for_its_time_or_its_user_over_a_restart():
    with Server({f"/{name}": DATA for name in ("timed.bin", "manual.bin")}) as server, Home() as home:
        home.prefer(preview_addresses="false")
        with Freshet(home) as app:
            add_to_start(app, server.url("/timed.bin"), words.AT_A_TIME)
            app.wait_for("timed.bin", words.STARTS_AT)
            add_to_start(app, server.url("/manual.bin"), words.BY_HAND)
            app.wait_for("manual.bin", words.PAUSED)
        with Freshet(home) as app:
            app.wait_for("manual.bin", words.PAUSED)
            app.wait_for("timed.bin", words.STARTS_AT)
            assert not server.asked and not server.heads, "it was begun all the same, or asked about"
            app.click_in_row("timed.bin", words.RESUME)
            app.wait_for("timed.bin", words.COMPLETED)


def what_is_dropped_on_the_dialog_gets_lines_of_its_own():
    with Server({"/listed.bin": DATA}) as server, Home() as home, Freshet(home) as app:
        links = [server.url(f"/{name}.zip") for name in ("written", "one", "two", "three")]
        app.click(words.ADD_DOWNLOAD)
        app.write(words.ADDRESSES, links[0])
        dialog = until("the dialog", lambda: DESKTOP.window(words.ADD_DOWNLOAD))
        above, below = (dialog.x + 150, dialog.y + 150), (dialog.x + 150, dialog.y + dialog.height - 60)

        def said():
            return content_of(app.find(words.ENTRY, words.ADDRESSES)).splitlines()

        for count, (kind, place) in enumerate((("uri-list", above), ("text", above), ("browser", below)), 1):
            drop(kind, links[count], place, lambda: said() == links[: count + 1])
        listing = home.path / "list.txt"
        listing.write_text(server.url("/listed.bin"))
        drop("uri-list", listing.as_uri(), above, lambda: app.seen_row("listed.bin"))
        app.wait_for("listed.bin", words.COMPLETED)
        assert said() == links, "the list is in the dialog as well"


def drop(kind, text, place, is_taken):
    with DragSource(kind, text) as source:
        DESKTOP.put_in_corner(source.title)
        rect = until("the drag source", lambda: DESKTOP.window(source.title))
        desktop.drag(DESKTOP, desktop.middle(rect), place)
        until(f"{text} of a {kind}", is_taken)


def an_overlay_says_that_a_drop_on_the_dialog_adds():
    with Home() as home, Freshet(home) as app, DragSource("uri-list", "http://127.0.0.1/a.zip") as source:
        app.click(words.ADD_DOWNLOAD)
        dialog = until("the dialog", lambda: DESKTOP.window(words.ADD_DOWNLOAD))
        DESKTOP.put_in_corner(source.title)
        start = desktop.middle(until("the drag source", lambda: DESKTOP.window(source.title)))
        shown = (words.LABEL, words.DROP_TO_ADD)
        assert not app.seen(*shown), "it is shown before"
        DESKTOP.move(*start)
        DESKTOP.press()
        for step in range(desktop.STEPS + 1):
            x, y = (a + (b - a) * step / desktop.STEPS for a, b in zip(start, (dialog.x + 150, dialog.y + 200)))
            DESKTOP.move(x, y)
            time.sleep(0.03)
        time.sleep(0.5)
        app.screenshot(DESKTOP, "add-drop-hint")
        until("the words", lambda: app.seen(*shown))
        DESKTOP.release()
        until("the address", lambda: content_of(app.find(words.ENTRY, words.ADDRESSES)) == "http://127.0.0.1/a.zip")


def a_file_with_addresses_is_chosen():
    files = {f"/{name}.bin": DATA for name in ("one", "two", "three")}
    with Server(files) as server, Home() as home, Freshet(home) as app:
        listing, metalink = home.path / "list.txt", home.path / "list.meta4"
        listing.write_text(f"{server.url('/one.bin')}\n  out=named.bin\n{server.url('/two.bin')}\n")
        metalink.write_text(
            '<metalink xmlns="urn:ietf:params:xml:ns:metalink"><file name="three.bin">'
            f"<url>{server.url('/three.bin')}</url></file></metalink>"
        )
        for path, names in ((listing, ("named.bin", "two.bin")), (metalink, ("three.bin",))):
            app.click(words.ADD_DOWNLOAD)
            app.click(words.FROM_FILE)
            choose(app, DESKTOP, path, title=words.FILE_CHOOSER)
            for name in names:
                app.wait_for(name, words.COMPLETED)
                assert (home.downloads / name).read_bytes() == DATA, f"{name} is not the server's"
            until("the end of the dialog", lambda: DESKTOP.window(words.ADD_DOWNLOAD) is None)


def what_is_to_start_at_once_waits_for_no_other():
    with Server({f"/{name}": DATA * 10 for name in ("first.bin", "second.bin", "urgent.bin")}, 5_000) as server:
        with Home() as home:
            home.prefer(parallel_downloads=1, connections_per_download=1, preview_addresses="false")
            with Freshet(home, server.url("/first.bin"), server.url("/second.bin")) as app:
                app.wait_for("first.bin", words.DOWNLOADING)
                add_to_start(app, server.url("/urgent.bin"), words.AT_ONCE)
                app.wait_for("urgent.bin", words.DOWNLOADING)
                assert words.QUEUED in text_of(app.row("second.bin")), "all others were started, too"


def add_to_start(app, url, choice):
    def chosen():
        """The choice that the focus is on, while they are shown."""
        node = focused(app)
        if node is None or role(node) not in words.ROW:
            return None
        text = text_of(node)
        return next((each for each in words.STARTS if text.startswith(each)), None)

    app.click(words.ADD_DOWNLOAD)
    app.write(words.ADDRESSES, url)
    point_at_dialog()
    DESKTOP.key("alt", "s")
    place = words.STARTS.index(choice)
    for each in words.STARTS[:place]:
        until(f"the choice “{each}”", lambda: chosen() == each)
        DESKTOP.key("Down")
    until(f"the choice “{choice}”", lambda: chosen() == choice)
    DESKTOP.key("Return")
    until("the choices to go", lambda: chosen() is None)
    app.screenshot(DESKTOP, f"add-to-start-{place}")
    app.click(words.ADD)


if __name__ == "__main__":
    run(
        a_pattern_adds_each_of_its_files,
        what_addresses_lead_to_is_told_before_they_are_added,
        a_curl_command_is_downloaded_as_it_says,
        what_is_in_the_list_already_is_noticed,
        a_rule_of_the_user_says_where_a_download_goes,
        a_rule_is_made_in_the_preferences,
        what_the_dialog_says_of_a_download_is_how_it_is_fetched,
        a_log_in_that_is_being_typed_is_not_tried_and_a_wrong_one_once,
        the_dialog_begins_with_a_link_that_was_copied_and_with_no_secret,
        a_download_waits_for_its_time_or_its_user_over_a_restart,
        what_is_to_start_at_once_waits_for_no_other,
        what_is_dropped_on_the_dialog_gets_lines_of_its_own,
        an_overlay_says_that_a_drop_on_the_dialog_adds,
        a_file_with_addresses_is_chosen,
    )
