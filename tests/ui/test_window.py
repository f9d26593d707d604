#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the window's buttons do, that a second start hands over to the first, and that everything that
can be worked has a name for a screen reader."""

import random
import re
import subprocess
from contextlib import ExitStack, contextmanager

import gi

gi.require_version("Atspi", "2.0")
from gi.repository import Atspi  # noqa: E402

from support import desktop, words
from support.freshet_ui import Clipboard, Freshet, Home, is_usable
from support.screen_reader import focus_of, name
from support.server import Server
from support.waiting import outside, run, until

DESKTOP = desktop.here()

SLOW = 400_000
# With all its connections it still takes longer than a click on a slow machine.
SLOWER = 20_000
NAME = "file.bin"
DATA = random.Random(1).randbytes(2_000_000)


@contextmanager
def begun(rate=SLOW):
    """The program with one download that has begun."""
    with Server({f"/{NAME}": DATA}, rate) as server, Home() as home, Freshet(home, server.url(f"/{NAME}")) as app:
        app.row(NAME)
        if rate:
            app.wait_for(NAME, words.DOWNLOADING)
            until("the first bytes", lambda: sum(asked.sent for asked in server.asked) > 50_000)
        yield server, home, app


def point_at_window():
    """Without a window manager keys go to the window under the pointer."""
    DESKTOP.move(*desktop.middle(until("the window", lambda: DESKTOP.window(words.WINDOW))))


def is_right(home):
    return (home.downloads / NAME).read_bytes() == DATA


def a_second_start_hands_its_address_to_the_first():
    with Server({f"/{NAME}": DATA, "/other.bin": DATA}) as server, Home() as home, Freshet(home) as app:
        assert app.run_again(server.url("/other.bin")) == 0, "the second start does not end well"
        app.wait_for("other.bin", words.COMPLETED)
        assert (home.downloads / "other.bin").read_bytes() == DATA


def a_copied_address_is_pasted():
    with Server({f"/{NAME}": DATA}) as server, Home() as home, Freshet(home) as app:
        with Clipboard(f"Look at {server.url(f'/{NAME}')}, it is good."):
            point_at_window()
            DESKTOP.key("ctrl", "v")
            app.wait_for(NAME, words.COMPLETED)
        assert is_right(home), "the file is not the server's"


def a_paste_without_an_address_is_answered():
    with Home() as home, Freshet(home) as app, Clipboard("no address at all"):
        point_at_window()
        DESKTOP.key("ctrl", "v")
        app.wait_to_say(words.NOTHING_TO_PASTE)


def the_shortcuts_and_the_about_window_open():
    with Home() as home, Freshet(home) as app:
        point_at_window()
        for item, within in ((words.SHORTCUTS, words.IN_SHORTCUTS), (words.ABOUT, words.IN_ABOUT)):
            DESKTOP.key("F10")
            app.click(item, roles=words.MENU_ITEM)
            app.find(words.LABEL, within)
            DESKTOP.key("Escape")
            until("its end", lambda: not app.seen(words.LABEL, within))


@outside("the portal starts no program that stands in the test's own home; tests/flatpak tries the help there")
def the_help_opens_in_the_browser():
    with Home() as home:
        opened, programs = home.path / "opened", home.path / "data" / "applications"
        programs.mkdir()
        (programs / "probe.desktop").write_text(
            f"[Desktop Entry]\nType=Application\nName=Probe\nExec=cp %f {opened}\nMimeType=text/html;\n"
        )
        (home.config / "mimeapps.list").write_text("[Default Applications]\ntext/html=probe.desktop\n")
        with Freshet(home):
            point_at_window()
            DESKTOP.key("F1")
            until("the help", lambda: opened.exists() and "Freshet Help" in opened.read_text())


def a_paused_download_stands_still_and_goes_on_where_it_was():
    with begun(SLOWER) as (server, home, app):
        app.click_in_row(NAME, words.PAUSE)
        app.wait_for(NAME, words.PAUSED)
        requests = len(server.asked)
        server.rate = None
        app.click_in_row(NAME, words.RESUME)
        app.wait_for(NAME, words.COMPLETED)
        assert is_right(home), "the file is not the server's"
        # A checksum beside the file is asked for as a whole.
        later = [asked for asked in server.asked[requests:] if asked.path == f"/{NAME}"]
        assert later and all(asked.first for asked in later), "it did not ask for the rest only"


def a_cancelled_download_comes_back_with_undo():
    with begun(SLOWER) as (server, home, app):
        app.click_in_row(NAME, words.CANCEL)
        app.wait_gone(NAME)
        server.rate = None
        app.click(words.UNDO)
        app.row(NAME)
        app.wait_for(NAME, words.COMPLETED)
        assert is_right(home), "the file is not the server's"


def a_removed_row_leaves_its_file():
    with begun(rate=None) as (_, home, app):
        app.wait_for(NAME, words.COMPLETED)
        app.click_in_row(NAME, words.REMOVE)
        app.wait_gone(NAME)
        assert is_right(home), "removing a row touched its finished file"


def a_failed_download_says_so_and_can_be_tried_again():
    with Server({}) as server, Home() as home, Freshet(home, server.url(f"/{NAME}")) as app:
        app.wait_for(NAME, words.FAILED)
        app.screenshot(DESKTOP, "failed")
        server.files[f"/{NAME}"] = DATA
        app.click_in_row(NAME, words.RETRY)
        app.wait_for(NAME, words.COMPLETED)
        assert is_right(home), "the file is not the server's"


def everything_that_can_be_worked_has_a_name():
    with begun() as (_, _home, app):
        app.screenshot(DESKTOP, "window")
        worked = [node for node in app.nodes() if node.get_role_name() in words.BUTTON + words.ENTRY + words.ROW]
        assert len(worked) > 3, f"only {len(worked)} buttons, entries and rows are seen"
        bare = [node for node in worked if _is_bare(node)]
        assert not bare, f"without a name: {[_place(node) for node in bare]}"


def _is_bare(node):
    name = node.get_name() or ""
    # A picture without a label is called after its class.
    return not name.strip() or name.startswith(("Gtk", "Adw"))


def _place(node):
    path = []
    while node and len(path) < 6:
        path.append(f"{node.get_role_name()} “{node.get_name()}”")
        node = node.get_parent()
    return " in ".join(path)


def the_add_dialog_explains_a_bad_address_and_takes_a_good_one():
    with Server({f"/{NAME}": DATA}) as server, Home() as home, Freshet(home) as app:
        app.click(words.ADD_DOWNLOAD)
        app.write(words.ADDRESSES, "this is nothing")
        app.wait_to_say(words.BAD_ADDRESS)
        button = app.find(words.BUTTON, words.ADD)
        assert not is_usable(button), "a bad address can be added"
        app.screenshot(DESKTOP, "add-dialog")
        app.write(words.ADDRESSES, server.url(f"/{NAME}"))
        app.click(words.ADD)
        app.wait_for(NAME, words.COMPLETED)
        assert is_right(home), "the file is not the server's"


def the_list_is_sorted_by_speed_and_stays_so():
    rates = {"middle.bin": 40_000, "slow.bin": 10_000, "fast.bin": 160_000}
    slowest_first, fastest_first = ["slow.bin", "middle.bin", "fast.bin"], ["fast.bin", "middle.bin", "slow.bin"]
    with ExitStack() as servers, Home() as home:
        urls = [
            servers.enter_context(Server({f"/{name}": DATA * 8}, rate)).url(f"/{name}") for name, rate in rates.items()
        ]
        # A rate is that of a connection: with several the fastest is soon complete, and has none any more.
        home.prefer(connections_per_download=1)
        # Over a row the pointer would hold them all in their places.
        DESKTOP.move(DESKTOP.width - 5, DESKTOP.height - 5)
        with Freshet(home, *urls) as app:
            for name in rates:
                app.wait_for(name, words.DOWNLOADING)
            assert order_of_rows(app, rates) == list(rates), "they are not in the order they were added in"
            choose_in_sort_menu(app, words.BY_SPEED)
            until("the slowest first", lambda: order_of_rows(app, rates) == slowest_first)
            choose_in_sort_menu(app, words.DESCENDING)
            until("the fastest first", lambda: order_of_rows(app, rates) == fastest_first)
            app.screenshot(DESKTOP, "sorted")
        with Freshet(home) as app:
            until("the fastest first, again", lambda: order_of_rows(app, rates) == fastest_first, 20)


def choose_in_sort_menu(app, item):
    app.click(words.MAIN_MENU)
    app.click(words.SORT_BY, roles=words.MENU_ITEM)
    app.click(item, roles=words.MENU_ITEM)
    until("the end of the menu", lambda: not app.seen(words.MENU_ITEM, item))


def order_of_rows(app, names):
    """From the top downwards, as they are seen."""
    places = {name: app.place_of_row(name).y for name in names}
    return sorted(places, key=places.get)


def the_window_fits_a_narrow_screen():
    with Server({}) as server, Home() as home:
        home.prefer(window_width=360, window_height=640)
        with Freshet(home, server.url("/missing.bin")) as app:
            app.wait_for("missing.bin", words.FAILED)
            app.screenshot(DESKTOP, "narrow")
            # Of what is seen: the X11 window has an invisible border around it.
            window = extents(app.find(("frame", "window"), words.WINDOW))
            assert 0 < window.width <= 360, f"it takes {window.width} pixels"
            for name in (words.GROUPS, words.ADD_DOWNLOAD, words.SEARCH, words.MAIN_MENU):
                place = extents(app.find(words.BUTTON, name))
                # GTK 4.24 counts from within the shadow, and its header bar has a pixel more on each side.
                left = place.x - window.x
                assert left >= -1 and left + place.width <= window.width + 1, f"“{name}” is outside"


def in_a_narrow_window_keys_go_through_the_groups_and_return_leaves_them():
    with Server({}) as server, Home() as home:
        home.prefer(window_width=360, window_height=640)
        with Freshet(home, server.url("/missing.bin")) as app:
            app.wait_for("missing.bin", words.FAILED)
            app.click(words.GROUPS)
            until("the focus in the groups", lambda: words.GROUP_ALL.match(name(focus_of(app))))
            for group in ("Active", "Waiting", "Completed"):
                DESKTOP.key("Down")
                until(f"the group {group}", lambda: name(focus_of(app)).startswith(f"{group}, "), 3)
            app.wait_to_say(words.EMPTY_GROUP)
            assert app.seen(words.ROW, re.compile("^Completed, ")), "the groups are gone"
            DESKTOP.key("Down")
            until("the group of what has failed", lambda: app.seen_row("missing.bin"))
            DESKTOP.key("Return")
            # What lies out of sight beside the window still counts as shown; the focus leaves it.
            until("the list without the groups", lambda: name(focus_of(app)) == words.GROUPS, 5)


def the_window_is_as_large_as_it_was_when_the_program_was_quit():
    with Home() as home:
        home.prefer(window_width=640, window_height=480)
        with Freshet(home) as app:
            before = until("the window", lambda: DESKTOP.window(words.WINDOW))
            found = ["xdotool", "search", "--onlyvisible", "--name", f"^{words.WINDOW}$"]
            size = [str(before.width + 100), str(before.height + 60)]
            subprocess.run([*found, "windowsize", *size], check=True, capture_output=True, timeout=10)

            def is_resized():
                return DESKTOP.window(words.WINDOW).width == before.width + 100

            until("the new size", is_resized)
            point_at_window()
            DESKTOP.key("ctrl", "q")
            until("the end", lambda: app.process.poll() is not None)
        kept = (home.config / "glib-2.0" / "settings" / "keyfile").read_text()
        assert "window-width=740" in kept and "window-height=540" in kept, kept


def extents(node):
    return node.get_component_iface().get_extents(Atspi.CoordType.WINDOW)


if __name__ == "__main__":
    run(
        a_second_start_hands_its_address_to_the_first,
        a_copied_address_is_pasted,
        a_paste_without_an_address_is_answered,
        the_shortcuts_and_the_about_window_open,
        the_help_opens_in_the_browser,
        a_paused_download_stands_still_and_goes_on_where_it_was,
        a_cancelled_download_comes_back_with_undo,
        a_removed_row_leaves_its_file,
        a_failed_download_says_so_and_can_be_tried_again,
        everything_that_can_be_worked_has_a_name,
        the_add_dialog_explains_a_bad_address_and_takes_a_good_one,
        the_list_is_sorted_by_speed_and_stays_so,
        the_window_fits_a_narrow_screen,
        in_a_narrow_window_keys_go_through_the_groups_and_return_leaves_them,
        the_window_is_as_large_as_it_was_when_the_program_was_quit,
    )
