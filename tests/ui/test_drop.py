#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A link is dropped on the window from another program: the row appears, is completed, and the file
is right. Runs on X11 and on sway alike."""

import random
import time

from support import desktop, words
from support.freshet_ui import DragSource, DropTarget, Freshet, Home, content_of
from support.server import Server
from support.waiting import run, until

DESKTOP = desktop.here()


def drop(kind, name, text_around="{}"):
    data = random.Random(name).randbytes(3_000_000)
    with Server({f"/{name}": data}) as server, Home() as home, Freshet(home) as app:
        with DragSource(kind, text_around.format(server.url(f"/{name}"))) as source:
            desktop.drop_on_window(DESKTOP, source.title)
            app.row(name)
            app.wait_for(name, words.COMPLETED)
            app.screenshot(DESKTOP, f"drop-{kind}-{type(DESKTOP).__name__.lower()}")
        assert (home.downloads / name).read_bytes() == data, "the file is not the server's"
        assert {path.name for path in home.downloads.iterdir()} == {name}, "something else was left behind"


def a_link_dropped_as_a_uri_list_is_downloaded():
    drop("uri-list", "list.bin")


def a_dropped_link_that_looks_like_a_pattern_is_one_file():
    drop("uri-list", "disc[1-2].bin")


def a_link_dropped_as_a_browser_offers_it_is_downloaded():
    drop("browser", "browser.bin")


def an_address_in_dropped_text_is_downloaded():
    drop("text", "text.bin", "It is at {} since yesterday.")


def a_link_in_dropped_html_alone_is_downloaded():
    drop("html", "html.bin")


def of_a_dropped_piece_of_a_page_the_links_are_chosen_in_the_dialog():
    data = random.Random(2).randbytes(50_000)
    with Server({"/a.bin": data, "/b.bin": data}) as server, Home() as home, Freshet(home) as app:
        links = [server.url(path) for path in ("/a.bin", "/page/", "/b.bin")]
        with DragSource("page", "\n".join(links)) as source:
            desktop.drop_on_window(DESKTOP, source.title)
            entry = app.find(words.TEXT, words.ADDRESSES)
            until("the links", lambda: content_of(entry) == "\n".join(links))
            app.screenshot(DESKTOP, "drop-page")
            entry.set_text_contents("\n".join((links[0], links[2])))
            app.click(words.ADD)
        app.wait_for("a.bin", words.COMPLETED)
        app.wait_for("b.bin", words.COMPLETED)
        assert {path.name for path in home.downloads.iterdir()} == {"a.bin", "b.bin"}


def drag_row(app, name):
    """Drags the row of a download onto another program's window; the test's alarm ends what never comes."""
    DESKTOP.put_in_corner(DropTarget.title)
    window = until("the window", lambda: DESKTOP.window(words.WINDOW))
    target = until("the drop target", lambda: DESKTOP.window(DropTarget.title))
    x, y = desktop.middle(app.place_of_row(name))
    desktop.drag(DESKTOP, (window.x + x, window.y + y), desktop.middle(target))


def a_finished_file_is_dragged_to_another_program():
    data = random.Random(1).randbytes(50_000)
    with Server({"/a%20b.bin": data}) as server, Home() as home, Freshet(home, server.url("/a%20b.bin")) as app:
        app.wait_for("a b.bin", words.COMPLETED)
        with DropTarget() as target:
            drag_row(app, "a b.bin")
            assert "text/uri-list" in target.read("offers")
            assert target.read("files") == [(home.downloads / "a b.bin").as_uri()]


def a_row_dragged_within_its_window_is_no_link():
    data = random.Random(1).randbytes(50_000)
    with Server({"/a.bin": data}) as server, Home() as home, Freshet(home, server.url("/a.bin")) as app:
        app.wait_for("a.bin", words.COMPLETED)
        window = until("the window", lambda: DESKTOP.window(words.WINDOW))
        x, y = desktop.middle(app.place_of_row("a.bin"))
        desktop.drag(DESKTOP, (window.x + x, window.y + y), (window.x + x, window.y + window.height - 60))
        time.sleep(1)
        assert not app.says(words.NO_LINKS), "its file is taken for a list of links"


def a_running_download_says_why_it_can_not_be_dragged():
    data = random.Random(1).randbytes(3_000_000)
    with Server({"/a.bin": data}, 100_000) as server, Home() as home, Freshet(home, server.url("/a.bin")) as app:
        app.wait_for("a.bin", words.DOWNLOADING)
        with DropTarget():
            drag_row(app, "a.bin")
            app.wait_to_say(words.NOT_DRAGGED)


TESTS = (
    a_link_dropped_as_a_uri_list_is_downloaded,
    a_dropped_link_that_looks_like_a_pattern_is_one_file,
    a_link_dropped_as_a_browser_offers_it_is_downloaded,
    an_address_in_dropped_text_is_downloaded,
    a_link_in_dropped_html_alone_is_downloaded,
    of_a_dropped_piece_of_a_page_the_links_are_chosen_in_the_dialog,
    a_finished_file_is_dragged_to_another_program,
    a_row_dragged_within_its_window_is_no_link,
    a_running_download_says_why_it_can_not_be_dragged,
)

if __name__ == "__main__":
    run(*TESTS)
