#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The list as a user works it: groups beside it, search, and what keys do with several rows."""

import random
import re
import shutil
import subprocess
import tempfile
import time
from contextlib import ExitStack, nullcontext

import gi

gi.require_version("Atspi", "2.0")
from gi.repository import Atspi  # noqa: E402

from support import desktop, words
from support.freshet_ui import Freshet, Home, text_of
from support.screen_reader import focus_of
from support.server import Server
from support.waiting import run, until

DESKTOP = desktop.here()
DATA = random.Random(4).randbytes(300_000)
FILES = {"/pub/thesis.pdf": DATA, "/pub/song.flac": DATA, "/other/picture.png": DATA}


def the_groups_show_their_downloads_and_count_them():
    with Server(FILES) as server, Home() as home:
        urls = [server.url(path) for path in (*FILES, "/missing.pdf")]
        with Freshet(home, *urls) as app:
            app.wait_for("missing.pdf", words.FAILED)
            for name in ("thesis.pdf", "song.flac", "picture.png"):
                app.wait_for(name, words.COMPLETED)
            until("the counts", lambda: counts(app, "All", "Completed", "Failed", "Documents") == [4, 3, 1, 2])
            app.screenshot(DESKTOP, "groups")
            choose(app, "Failed")
            until("only what failed", lambda: rows(app) == ["missing.pdf"])
            choose(app, "Documents")
            until("only documents", lambda: rows(app) == ["missing.pdf", "thesis.pdf"])
            choose(app, "Video")
            app.find(words.LABEL, words.EMPTY_GROUP)
            app.screenshot(DESKTOP, "empty-group")
            app.click(words.SHOW_ALL)
            until("all rows", lambda: len(rows(app)) == 4)


def the_rules_of_the_user_make_groups():
    with Server(FILES) as server, Home() as home:

        def rule(name, patterns):
            return f"{{'name': '{name}', 'names': '{patterns}', 'folder': '{home.path}'}}"

        home.prefer(folder_rules=f"[{rule('University', '*.pdf')}]")
        with Freshet(home, *[server.url(path) for path in FILES]) as app:
            until("the count", lambda: counts(app, "University") == [1])
            choose(app, "University")
            until("what fits", lambda: rows(app) == ["thesis.pdf"])
            # As by the dialog: the program sees that its preferences are other ones.
            home.prefer(folder_rules=f"[{rule('Nothing', '*.none')}, {rule('University', '*.png *.flac')}]")
            until("what fits now", lambda: rows(app) == ["song.flac", "picture.png"])
            assert counts(app, "University", "All") == [2, 3]
            app.screenshot(DESKTOP, "groups-of-rules")
            choose(app, "Nothing")
            app.find(words.LABEL, words.EMPTY_GROUP)
            app.wait_to_say("What fits your rule “Nothing” is shown here.")
            app.screenshot(DESKTOP, "group-of-rule-empty")
            home.prefer(folder_rules=f"[{rule('University', '*.png *.flac')}]")
            until("all rows, as the rule is gone", lambda: len(rows(app)) == 3)
            assert counts(app, "Nothing", "University") == [None, 2]


def what_is_typed_is_looked_for():
    with Server(FILES) as server, Home() as home:
        with Freshet(home, *[server.url(path) for path in FILES]) as app:
            for name in ("thesis.pdf", "song.flac", "picture.png"):
                app.wait_for(name, words.COMPLETED)
            point_at_window()
            DESKTOP.key("ctrl", "f")
            app.write(words.SEARCH_ENTRY, "PUB son")
            until("the song", lambda: rows(app) == ["song.flac"])
            app.screenshot(DESKTOP, "search")
            app.write(words.SEARCH_ENTRY, "nowhere")
            app.find(words.LABEL, words.NO_RESULTS)
            DESKTOP.key("Escape")
            until("all rows", lambda: len(rows(app)) == 3)


def what_is_asked_of_several_rows_is_done_with_each():
    names = ("a.bin", "b.bin", "c.bin", "d.bin")
    with Server({f"/{name}": DATA * 10 for name in names}, 20_000) as server, Home() as home:
        with Freshet(home, *[server.url(f"/{name}") for name in names]) as app:

            def are(*states):
                until(f"{states}", lambda: all(state in said(app, name) for name, state in zip(names, states)))

            are(*[words.DOWNLOADING] * 4)
            click_row(app, "a.bin")
            click_row(app, "b.bin", held="shift")
            DESKTOP.key("space")
            are(words.PAUSED, words.PAUSED, words.DOWNLOADING, words.DOWNLOADING)
            click_row(app, "d.bin")
            DESKTOP.key("shift", "Up")
            DESKTOP.key("space")
            are(*[words.PAUSED] * 4)
            DESKTOP.key("ctrl", "a")
            click_row(app, "c.bin", button=3)
            app.find(words.MENU_ITEM, words.RESUME)
            app.screenshot(DESKTOP, "menu")
            app.click(words.RESUME, roles=words.MENU_ITEM)
            are(*[words.DOWNLOADING] * 4)
            DESKTOP.key("shift", "F10")
            app.click(words.COPY_ADDRESSES, roles=words.MENU_ITEM)
            app.wait_to_say(words.COPIED)
            click_row(app, "a.bin")
            click_row(app, "c.bin", held="ctrl")
            DESKTOP.key("Delete")
            app.wait_to_say(words.REMOVED)
            until("two rows", lambda: [name for name in names if app.seen_row(name)] == ["b.bin", "d.bin"])
            DESKTOP.key("ctrl", "z")
            until("all rows", lambda: all(app.seen_row(name) for name in names))


def several_rows_are_selected_by_simple_clicks():
    names = ("a.bin", "b.bin", "c.bin", "d.bin")
    with Server({f"/{name}": DATA * 10 for name in names}, 20_000) as server, Home() as home:
        with Freshet(home, *[server.url(f"/{name}") for name in names]) as app:

            def are_selected(*wanted):
                until(f"{wanted} to be selected", lambda: [name for name in names if is_chosen(app, name)] == list(wanted))

            for name in names:
                app.wait_for(name, words.DOWNLOADING)
            click_row(app, "d.bin")
            app.click(words.SELECT)
            app.find(words.BUTTON, words.SELECT_ALL)
            click_row(app, "a.bin")
            click_row(app, "c.bin")
            click_row(app, "d.bin")
            are_selected("a.bin", "c.bin")
            app.wait_to_say(words.SELECTED.format(2))
            # To go from row to row changes nothing; Space does.
            DESKTOP.key("Up")
            DESKTOP.key("Up")
            DESKTOP.key("space")
            are_selected("a.bin", "b.bin", "c.bin")
            DESKTOP.key("space")
            are_selected("a.bin", "c.bin")
            app.screenshot(DESKTOP, "selecting")
            app.click(words.PAUSE)
            for name, state in zip(names, (words.PAUSED, words.DOWNLOADING) * 2):
                app.wait_for(name, state)
            app.click(words.MORE_ACTIONS)
            app.find(words.MENU_ITEM, words.COPY_ADDRESSES)
            app.screenshot(DESKTOP, "selecting-more")
            app.click(words.RESUME, roles=words.MENU_ITEM)
            app.wait_for("a.bin", words.DOWNLOADING)
            app.click(words.SELECT_ALL)
            are_selected(*names)
            click_row(app, "b.bin", held="ctrl")
            are_selected("a.bin", "c.bin", "d.bin")
            # As in their menu: what is not at its end is cancelled.
            app.click(words.CANCEL)
            until("one row", lambda: [name for name in names if app.seen_row(name)] == ["b.bin"])
            DESKTOP.key("ctrl", "z")
            app.row("d.bin")
            point_at_window()
            DESKTOP.key("Escape")
            until("the end of it", lambda: not app.seen(words.BUTTON, words.SELECT_ALL))
            click_row(app, "a.bin")
            click_row(app, "b.bin")
            are_selected("b.bin")


def a_row_looks_and_is_as_before_when_its_menu_is_closed():
    names = ("a.bin", "b.bin", "c.bin")
    with Server({f"/{name}": DATA for name in names}) as server, Home() as home:
        with Freshet(home, *(server.url(f"/{name}") for name in names)) as app:
            for name in names:
                app.wait_for(name, words.COMPLETED)
            for name in names[:2]:
                open_menu(app, name)
                time.sleep(0.5)  # a menu that is closed before it is all there takes the next click
                DESKTOP.key("Escape")
                until("the end of the menu", lambda: app.seen(words.MENU_ITEM, words.OPEN_FILE) is None)
            assert "b.bin" in text_of(focus_of(app)), "keys would go on from elsewhere"
            window = DESKTOP.window(words.WINDOW)
            DESKTOP.move(window.x + window.width // 2, window.y + window.height - 20)
            # The second is the selected one.
            until("the ground of rows", lambda: ground(app, "a.bin") == ground(app, "c.bin") != ground(app, "b.bin"))


def open_menu(app, name):
    """By the mouse; once more where a menu that is still fading took the click."""

    def opens():
        # As slowly as a hand: what was open by then would get the end of the click.
        click_row(app, name, button=3, as_long_as=0.2)
        try:
            return app.find(words.MENU_ITEM, words.OPEN_FILE, timeout=2)
        except AssertionError:
            return None

    until(f"the menu of {name}", opens, 20)


def ground(app, name):
    """The colour of a row beside its words."""
    window, row = DESKTOP.window(words.WINDOW), app.place_of_row(name)
    with tempfile.NamedTemporaryFile(suffix=".png") as picture:
        DESKTOP.screenshot(picture.name)
        pixel = f"%[pixel:p{{{window.x + row.x + row.width // 2},{window.y + row.y + row.height // 2}}}]"
        return subprocess.run(["convert", picture.name, "-format", pixel, "info:"], capture_output=True, check=True).stdout


def a_finished_file_goes_to_the_trash_with_its_row():
    with Server(FILES) as server, Home() as home:
        trash = home.path / "data" / "Trash"
        with Freshet(home, *[server.url(path) for path in FILES]) as app:
            for name in ("thesis.pdf", "song.flac", "picture.png"):
                app.wait_for(name, words.COMPLETED)
            click_row(app, "thesis.pdf")
            DESKTOP.key("shift", "Delete")
            app.wait_gone("thesis.pdf")
            assert (trash / "files" / "thesis.pdf").read_bytes() == DATA, "it is not in the trash"
            assert not (home.downloads / "thesis.pdf").exists(), "it is still in its folder"
            app.screenshot(DESKTOP, "trashed")
            app.click(words.UNDO)
            app.row("thesis.pdf")
            app.wait_to_say(words.RESTORED)
            # Where the trash should be no folder can be made.
            shutil.rmtree(trash)
            trash.write_text("")
            click_row(app, "song.flac", button=3)
            app.click(words.MOVE_TO_TRASH, roles=words.MENU_ITEM)
            app.wait_to_say(words.NO_TRASH)
            assert app.seen_row("song.flac") and (home.downloads / "song.flac").read_bytes() == DATA


def rows_removed_in_quick_succession_come_back_with_one_undo():
    names = [f"{number}.bin" for number in range(6)]
    with Server({f"/{name}": DATA for name in names}) as server, Home() as home:
        with Freshet(home, *(server.url(f"/{name}") for name in names)) as app:
            for name in names:
                app.wait_for(name, words.COMPLETED)
            for _ in range(2):
                for name in names:
                    app.click_in_row(name, words.REMOVE)
                until("an empty list", lambda: not any(app.seen_row(name) for name in names))
                DESKTOP.key("ctrl", "z")
                until("all rows", lambda: all(app.seen_row(name) for name in names))


def a_double_click_opens_the_finished_file():
    with Server(FILES) as server, Home() as home:
        opened = home.path / "opened"
        # A program for documents that tells what it was asked to open.
        programs = home.path / "data" / "applications"
        programs.mkdir()
        (programs / "probe.desktop").write_text(
            f"[Desktop Entry]\nType=Application\nName=Probe\nExec=cp %f {opened}\nMimeType=application/pdf;\n"
        )
        (home.config / "mimeapps.list").write_text("[Default Applications]\napplication/pdf=probe.desktop\n")
        with Freshet(home, server.url("/pub/thesis.pdf")) as app:
            app.wait_for("thesis.pdf", words.COMPLETED)
            for way in ("double click", "Return"):
                if way == "Return":
                    click_row(app, "thesis.pdf")
                    DESKTOP.key("Return")
                else:
                    point_at_row(app, "thesis.pdf")
                    DESKTOP.double_click()
                until(f"the file after {way}", opened.exists)
                opened.unlink()
                time.sleep(0.5)  # or the next click would be the third of a row


def rows_do_not_move_under_the_pointer():
    rates = {"a.bin": 10_000, "b.bin": 20_000, "c.bin": 40_000, "d.bin": 70_000, "e.bin": 110_000, "f.bin": 160_000}
    names, away = list(rates), (DESKTOP.width - 5, DESKTOP.height - 5)
    with ExitStack() as opened, Home() as home:
        servers = [opened.enter_context(Server({f"/{name}": DATA * 30}, rate)) for name, rate in rates.items()]
        home.prefer(parallel_downloads=6, connections_per_download=1, sort_order="'speed'", sort_descending="true", window_height=300)
        DESKTOP.move(*away)
        with Freshet(home, *[server.url(f"/{name}") for server, name in zip(servers, names)]) as app:
            # Of rows out of sight GTK 4.24 tells nothing.
            until("all to be downloaded", lambda: all(server.asked for server in servers))

            def is_in_order(order):
                seen = in_order(app, names)
                return len(seen) > 2 and seen == [name for name in order if name in seen]

            until("the fastest first", lambda: is_in_order(names[::-1]))
            window = DESKTOP.window(words.WINDOW)
            DESKTOP.move(window.x + 300, window.y + window.height // 2)
            turn_wheel(up=6)
            top = settled(app, names)
            turn_wheel(down=1)
            places = settled(app, names)
            assert places != top, "the list is not scrolled"
            for server, rate in zip(servers, reversed(rates.values())):
                server.rate = rate
            for _ in range(8):
                time.sleep(0.5)
                assert places_of(app, names) == places, "rows move under the pointer"
            DESKTOP.move(*away)
            until("the fastest first again", lambda: is_in_order(names))


def the_list_does_not_go_after_rows_that_overtake_each_other():
    away = (DESKTOP.width - 5, DESKTOP.height - 5)
    with ExitStack() as opened, Home() as home:
        names = [f"{letter}.bin" for letter in "abcdefgh"]
        servers = [opened.enter_context(Server({f"/{name}": DATA * 30}, 10_000)) for name in names]
        home.prefer(parallel_downloads=8, connections_per_download=1, sort_order="'speed'", sort_descending="true", window_height=300)
        DESKTOP.move(*away)
        with Freshet(home, *[server.url(f"/{name}") for server, name in zip(servers, names)]) as app:
            until("all to be downloaded", lambda: all(server.asked for server in servers))
            # What is added is shown, which is at the end of the list.
            window = DESKTOP.window(words.WINDOW)
            DESKTOP.move(window.x + 300, window.y + window.height // 2)
            turn_wheel(up=10)
            settled(app, names)
            DESKTOP.move(*away)
            for fastest in ("a.bin", "h.bin"):
                for server, name in zip(servers, names):
                    server.rate = 300_000 if name == fastest else 10_000
                until(f"{fastest} above all", lambda: in_order(app, names)[0] == fastest)
            # It may be drawn yet. Where rows are GTK 4.8 does not tell truly of all, so what is seen is clicked on.
            time.sleep(0.5)
            desktop.click(DESKTOP, window.x + 300, window.y + 90)
            chosen = until("a row to be chosen", lambda: [name for name in names if is_chosen(app, name)])
            assert chosen == ["h.bin"], f"the list has gone after another row: {chosen}"


def the_queue_gets_the_order_that_keys_and_a_drag_give_it():
    names = [f"{letter}.bin" for letter in "abcdef"]
    with Server({f"/{name}": DATA * 10 for name in names}, 5_000) as server, Home() as home:
        home.prefer(parallel_downloads=1, connections_per_download=1)
        with Freshet(home, *[server.url(f"/{name}") for name in names]) as app:
            app.wait_for("a.bin", words.DOWNLOADING)

            def is_now(order):
                def seen():
                    places = places_of(app, names)
                    return "".join(name[0] for name in sorted(places, key=places.get))

                until(f"the order {order}", lambda: seen() == order)

            is_now("abcdef")
            click_row(app, "e.bin")
            DESKTOP.key("alt", "Up")
            is_now("abcedf")
            DESKTOP.key("alt", "Home")
            is_now("eabcdf")
            DESKTOP.key("alt", "End")
            is_now("abcdfe")
            window, row, to = DESKTOP.window(words.WINDOW), app.place_of_row("d.bin"), app.place_of_row("b.bin")
            x = window.x + row.x + 200
            desktop.drag(DESKTOP, (x, desktop.middle(row)[1] + window.y), (x, window.y + to.y + 12))
            is_now("adbcfe")
            click_row(app, "f.bin")
            DESKTOP.key("ctrl", "Return")
            app.wait_for("f.bin", words.DOWNLOADING)
            assert words.DOWNLOADING.lower() in said(app, "a.bin").lower(), "another one had to stop"
        with Freshet(home) as app:
            app.row("f.bin")
            is_now("adbcfe")


def turn_wheel(up=0, down=0):
    for button in [4] * up + [5] * down:
        DESKTOP.press(button)
        DESKTOP.release(button)


def settled(app, names):
    """Where the rows are when they are scrolled no more."""
    places = {}

    def rest():
        time.sleep(0.3)
        before = dict(places)
        places.update(places_of(app, names))
        return places == before

    until("the end of scrolling", rest)
    return places


def is_chosen(app, name):
    row = app.seen_row(name)
    return row is not None and row.get_state_set().contains(Atspi.StateType.SELECTED)


def places_of(app, names):
    """Of all rows in one go, from above: they may move."""
    rows = [(node, text_of(node)) for node in app.nodes() if node.get_role_name() in words.ROW]
    found = ((name, row) for row, text in rows for name in names if name in text)
    return {name: row.get_component_iface().get_extents(Atspi.CoordType.WINDOW).y for name, row in found}


def in_order(app, names):
    """Names as the list has them. Rows out of sight have no true place."""
    return list(places_of(app, names))


def point_at_row(app, name):
    # Not in the middle, where at the narrowest a button may be.
    window, row = until("the window", lambda: DESKTOP.window(words.WINDOW)), app.place_of_row(name)
    DESKTOP.move(window.x + row.x + 60, window.y + row.y + 12)


def click_row(app, name, button=1, held=None, as_long_as=0):
    point_at_row(app, name)
    with DESKTOP.held(held) if held else nullcontext():
        DESKTOP.press(button)
        time.sleep(as_long_as)
        DESKTOP.release(button)


def said(app, name):
    row = app.seen_row(name)
    return text_of(row) if row else ""


def point_at_window():
    """Without a window manager keys go to the window under the pointer."""
    DESKTOP.move(*desktop.middle(until("the window", lambda: DESKTOP.window(words.WINDOW))))


def counts(app, *groups):
    """As a screen reader says them."""
    said = (re.match(r"(\w+), (\d+) downloads?", text_of(node)) for node in app.nodes() if node.get_role_name() in words.ROW)
    found = {match[1]: int(match[2]) for match in said if match}
    return [found.get(group) for group in groups]


def choose(app, group):
    desktop.click(DESKTOP, *desktop.middle(app.place_of_row(f"{group}, ")))


def rows(app):
    names = ("missing.pdf", "thesis.pdf", "song.flac", "picture.png")
    return [name for name in names if app.seen_row(name)]


if __name__ == "__main__":
    run(
        the_groups_show_their_downloads_and_count_them,
        the_rules_of_the_user_make_groups,
        what_is_typed_is_looked_for,
        what_is_asked_of_several_rows_is_done_with_each,
        several_rows_are_selected_by_simple_clicks,
        a_row_looks_and_is_as_before_when_its_menu_is_closed,
        a_finished_file_goes_to_the_trash_with_its_row,
        rows_removed_in_quick_succession_come_back_with_one_undo,
        a_double_click_opens_the_finished_file,
        rows_do_not_move_under_the_pointer,
        the_list_does_not_go_after_rows_that_overtake_each_other,
        the_queue_gets_the_order_that_keys_and_a_drag_give_it,
    )
