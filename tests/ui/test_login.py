#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Log-ins that servers and proxies ask for, and what the keyring remembers of them."""

import random
import time
from contextlib import contextmanager

import gi

gi.require_version("Atspi", "2.0")
from gi.repository import Atspi  # noqa: E402

from support import desktop, words  # noqa: E402
from support.freshet_ui import Freshet, Home, content_of, is_usable  # noqa: E402
from support.keyring import PASSWORD, Keyring, no_keyring  # noqa: E402
from support.screen_reader import faults, tab_until  # noqa: E402
from support.server import Server  # noqa: E402
from support.socks import Socks  # noqa: E402
from support.waiting import run, until  # noqa: E402

DESKTOP = desktop.here()

DATA = random.Random(7).randbytes(200_000)
ONE, TWO, THREE = "one.bin", "two.bin", "three.bin"
SECRET = "s3cret-word"
# How long the program waits for the keyring, in seconds (src/desktop/keyring.rs).
PATIENCE = 5


@contextmanager
def guarded(*names):
    """A server that lets ann have these files."""
    paths = [f"/{name}" for name in names]
    with Server({path: DATA for path in paths}) as server, Home() as home:
        server.logins = {path: f"ann:{SECRET}" for path in paths}
        yield server, home


def authorized(server, path, header="Authorization"):
    """What each request for it logged in with."""
    return [asked.headers.get(header) for asked in server.asked_for(path)]


def is_on(app, name):
    switch = app.seen(words.SWITCH, name)
    return switch is not None and switch.get_state_set().contains(Atspi.StateType.CHECKED)


def open_dialog(app, name):
    app.wait_for(name, words.LOGIN_NEEDED)
    app.click_in_row(name, words.LOG_IN)
    app.wait_to_say(words.ASKS)


def remember(app):
    app.switch(words.REMEMBER_LOGIN, True)


def answer(app, user, password, remembers=False):
    """What the dialog asks for."""
    app.write(words.USER, user)
    app.write(words.SECRET, password)
    if remembers:
        remember(app)
    app.click(words.LOG_IN_NOW)


def log_in(app, name, user, password, remembers):
    open_dialog(app, name)
    answer(app, user, password, remembers)


def saved(user, server, realm="files"):
    return {"protocol": "http", "server": "127.0.0.1", "port": str(server.port), "realm": realm, "user": user}


def has(keyring, *wanted):
    """Whether these logins are in it and no others: (attributes, password)."""
    found = [({name: a.get(name) for name in ("protocol", "server", "port", "realm", "user")}, p) for a, p in keyring.logins()]
    return found == list(wanted)


def no_secret_in(home):
    files = [path for path in home.path.rglob("*") if path.is_file()]
    assert not [path for path in files if SECRET.encode() in path.read_bytes()], "the password was written down"


def a_remembered_login_is_used_by_itself_and_for_its_server_only():
    with Keyring() as keyring, guarded(ONE, TWO, THREE) as (server, home), guarded(ONE) as (other, _):
        server.realms = {f"/{THREE}": "for others"}
        with Freshet(home, server.url(f"/{ONE}")) as app:
            open_dialog(app, ONE)
            app.wait_to_say(words.SERVER_SAYS.format("files"))
            app.screenshot(DESKTOP, "remember")
            answer(app, "ann", SECRET, remembers=True)
            app.wait_for(ONE, words.COMPLETED)
            until("it to be remembered", lambda: has(keyring, (saved("ann", server), SECRET)))
            app.run_again(server.url(f"/{TWO}"))
            app.wait_for(TWO, words.COMPLETED)
        with Freshet(home) as app:
            # For something else on the same server, and on another port of it: neither is that one's.
            app.run_again(server.url(f"/{THREE}"))
            app.wait_for(THREE, words.LOGIN_NEEDED)
            app.run_again(other.url(f"/{ONE}?2"))
            until("the other to be asked", lambda: other.asked)
            time.sleep(1)
            assert authorized(server, f"/{THREE}") == [None], "it was sent for another realm"
            assert authorized(other, f"/{ONE}") == [None], "it was sent to another server"
        no_secret_in(home)


def a_remembered_login_that_is_refused_is_tried_once():
    with Keyring() as keyring, guarded(ONE, TWO) as (server, home):
        with Freshet(home, server.url(f"/{ONE}")) as app:
            log_in(app, ONE, "ann", SECRET, remembers=True)
            app.wait_for(ONE, words.COMPLETED)
            until("it to be remembered", lambda: has(keyring, (saved("ann", server), SECRET)))
            server.logins[f"/{TWO}"] = "ann:another"
            app.run_again(server.url(f"/{TWO}"))
            until("a try", lambda: any(authorized(server, f"/{TWO}")))
            open_dialog(app, TWO)
            app.wait_to_say(words.NOT_TAKEN)
            assert content_of(app.find(words.ENTRY, words.USER)) == "ann", "the name is not known any more"
            until("to be remembered as before", lambda: is_on(app, words.REMEMBER_LOGIN))
            app.screenshot(DESKTOP, "remembered-refused")
            tries = sum(login is not None for login in authorized(server, f"/{TWO}"))
            assert tries == 1, f"it was tried {tries} times"
            app.write(words.SECRET, "another")
            app.click(words.LOG_IN_NOW)
            app.wait_for(TWO, words.COMPLETED)
            until("the new one in its place", lambda: has(keyring, (saved("ann", server), "another")))


def another_user_takes_the_place_of_the_one_that_was_remembered():
    with Keyring() as keyring, guarded(ONE, TWO) as (server, home):
        with Freshet(home, server.url(f"/{ONE}")) as app:
            log_in(app, ONE, "ann", SECRET, remembers=True)
            until("it to be remembered", lambda: has(keyring, (saved("ann", server), SECRET)))
            server.logins[f"/{TWO}"] = "bob:another"
            app.run_again(server.url(f"/{TWO}"))
            until("a try", lambda: any(authorized(server, f"/{TWO}")))
            open_dialog(app, TWO)
            until("to be remembered as before", lambda: is_on(app, words.REMEMBER_LOGIN))
            answer(app, "bob", "another")
            until("the new one in its place", lambda: has(keyring, (saved("bob", server), "another")))


def what_is_refused_is_never_remembered():
    with Keyring() as keyring, guarded(ONE) as (server, home), Freshet(home, server.url(f"/{ONE}")) as app:
        log_in(app, ONE, "ann", "wrong", remembers=True)
        until("a try", lambda: any(authorized(server, f"/{ONE}")))
        open_dialog(app, ONE)
        app.wait_to_say(words.NOT_TAKEN)
        # Without remembering it this time.
        app.write(words.SECRET, SECRET)
        app.click(words.LOG_IN_NOW)
        app.wait_for(ONE, words.COMPLETED)
        time.sleep(1)
        assert keyring.logins() == [], "it is in the keyring"


def the_add_dialog_remembers_as_well():
    with Keyring() as keyring, guarded(ONE, TWO) as (server, home), Freshet(home) as app:
        app.click(words.ADD_DOWNLOAD)
        app.write(words.ADDRESSES, server.url(f"/{ONE}"))
        DESKTOP.move(*desktop.middle(until("the dialog", lambda: DESKTOP.window(words.ADD_DOWNLOAD))))
        DESKTOP.key("alt", "v")
        switch = app.find(words.SWITCH, words.REMEMBER_LOGIN)
        assert not is_usable(switch), "there is nothing to remember yet"
        app.write(words.USER, "ann")
        app.write(words.SECRET, SECRET)
        remember(app)
        app.screenshot(DESKTOP, "add-remember")
        app.click(words.ADD)
        app.wait_for(ONE, words.COMPLETED)
        until("it to be remembered", lambda: has(keyring, (saved("ann", server, ""), SECRET)))
        app.run_again(server.url(f"/{TWO}"))
        app.wait_for(TWO, words.COMPLETED)


def without_a_keyring_the_choice_can_not_be_made():
    with no_keyring(), guarded(ONE) as (server, home), Freshet(home, server.url(f"/{ONE}")) as app:
        open_dialog(app, ONE)
        app.wait_to_say(words.NO_KEYRING)
        assert not is_usable(app.find(words.SWITCH, words.REMEMBER_LOGIN)), "it can be chosen"
        app.screenshot(DESKTOP, "no-keyring")
        answer(app, "ann", SECRET)
        app.wait_for(ONE, words.COMPLETED)
        open_preferences(app)
        app.wait_to_say(words.NO_KEYRING)
        assert (home.downloads / ONE).read_bytes() == DATA


def a_keyring_that_never_answers_holds_up_nothing():
    with Keyring() as keyring, guarded(ONE) as (server, home):
        with Freshet(home) as app:
            # Portals wait for it when they start, and GTK, when it starts, for them.
            keyring.stop_answering()
            app.run_again(server.url(f"/{ONE}"))
            open_dialog(app, ONE)
            app.write(words.USER, "ann")
            app.write(words.SECRET, SECRET)
            remember(app)
            began = time.monotonic()
            app.click(words.LOG_IN_NOW)
            until("the log-in", lambda: any(authorized(server, f"/{ONE}")))
            took = next(asked.at for asked in server.asked_for(f"/{ONE}") if "Authorization" in asked.headers) - began
            assert took < PATIENCE, f"it was sent after {took:.1f} s"
            # All of it before anything is given up.
            until("the file", lambda: (home.downloads / ONE).exists())
            assert not app.says(words.NOT_REMEMBERED), "the keyring was waited for"
            app.wait_for(ONE, words.COMPLETED)
            app.wait_to_say(words.NOT_REMEMBERED, 30)
            app.screenshot(DESKTOP, "not-remembered")
            open_preferences(app)
            app.wait_to_say(words.SILENT_KEYRING, 20)
        assert (home.downloads / ONE).read_bytes() == DATA
        print(f"# {took:.1f} s with a keyring that never answers", flush=True)


def a_locked_keyring_is_unlocked_only_when_the_user_says_so():
    with Keyring() as keyring, guarded(ONE, TWO) as (server, home):
        with Freshet(home, server.url(f"/{ONE}")) as app:
            log_in(app, ONE, "ann", SECRET, remembers=True)
            until("it to be remembered", lambda: has(keyring, (saved("ann", server), SECRET)))
        keyring.lock()
        with Freshet(home, server.url(f"/{TWO}")) as app:
            open_dialog(app, TWO)
            app.wait_to_say(words.LOCKED)
            assert authorized(server, f"/{TWO}") == [None]
            app.screenshot(DESKTOP, "locked")
            app.click(words.UNLOCK)
            unlock()
            until("the name", lambda: content_of(app.find(words.ENTRY, words.USER)) == "ann")
            app.click(words.LOG_IN_NOW)
            app.wait_for(TWO, words.COMPLETED)
        keyring.lock()
        with Freshet(home) as app:
            open_preferences(app)
            app.wait_to_say(words.KEYRING_LOCKED)
            app.screenshot(DESKTOP, "preferences-locked")
            app.click(words.UNLOCK)
            unlock()
            app.find(words.BUTTON, words.REMOVE_LOGIN)


def unlock():
    """The desktop's own question."""
    until("the question for the password", lambda: DESKTOP.window(words.UNLOCKING), 20)
    DESKTOP.focus(words.UNLOCKING)
    DESKTOP.type(PASSWORD)
    DESKTOP.key("Return")


def open_preferences(app):
    app.click(words.MAIN_MENU)
    app.click(words.PREFERENCES, roles=words.MENU_ITEM)
    app.show_page(words.SERVERS_PAGE)


def saved_logins_are_listed_and_removed():
    with Keyring() as keyring, guarded(ONE) as (server, home), Freshet(home) as app:
        open_preferences(app)
        app.wait_to_say(words.NO_LOGINS)
        app.screenshot(DESKTOP, "no-logins")
        DESKTOP.focus(words.PREFERENCES)
        DESKTOP.key("Escape")
        app.run_again(server.url(f"/{ONE}"))
        log_in(app, ONE, "ann", SECRET, remembers=True)
        until("it to be remembered", lambda: has(keyring, (saved("ann", server), SECRET)))
        open_preferences(app)
        title = f"http://127.0.0.1:{server.port}"
        app.find(words.ROW, title)
        app.wait_to_say(words.FOR_FILES)
        # It is found as other rows are, and shown in its place.
        DESKTOP.focus(words.PREFERENCES)
        DESKTOP.key("ctrl", "f")
        DESKTOP.type("127.0")
        def is_found():
            # Beside its page; newer versions of the toolkit do not tell of that meanwhile.
            is_alone = app.seen(words.ROW, title) and not app.seen(words.ROW, words.NETRC)
            return is_alone or [node.get_name() for node in app.nodes()].count(title) == 4

        until("it among what is found", is_found)
        app.screenshot(DESKTOP, "search-logins")
        DESKTOP.key("Escape")
        app.click(words.REMOVE_LOGIN)
        app.wait_to_say(words.REMOVE_LOGIN_ASKS)
        assert not (found := faults(app, "preferences")), found
        app.screenshot(DESKTOP, "remove-login")
        app.click(words.CANCEL)
        assert has(keyring, (saved("ann", server), SECRET)), "it is gone though nobody wanted that"
        app.click(words.REMOVE_LOGIN)
        app.wait_to_say(words.REMOVE_LOGIN_ASKS)
        app.click(words.REMOVE_IT)
        app.wait_to_say(words.NO_LOGINS)
        until("the keyring to be empty", lambda: not keyring.logins())


def a_proxy_asks_for_a_login_of_its_own():
    far = "http://files.example.org"
    with Keyring() as keyring, Server({f"{far}/{ONE}": DATA, f"{far}/{TWO}": DATA}) as proxy, Home() as home:
        proxy.proxy_login = f"ann:{SECRET}"
        home.prefer(proxy=f"'127.0.0.1:{proxy.port}'")
        with Freshet(home, f"{far}/{ONE}") as app:
            app.wait_for(ONE, words.PROXY_ASKS)
            app.click_in_row(ONE, words.LOG_IN)
            app.wait_to_say(rf"proxy .?127\.0\.0\.1:{proxy.port}.? asks for")
            app.wait_to_say(words.PROXY_SAYS)
            app.screenshot(DESKTOP, "proxy")
            answer(app, "ann", SECRET, remembers=True)
            app.wait_for(ONE, words.COMPLETED)
            wanted = {**saved("ann", proxy, "the way out"), "protocol": "proxy+http"}
            until("it to be remembered", lambda: has(keyring, (wanted, SECRET)))
            app.run_again(f"{far}/{TWO}")
            app.wait_for(TWO, words.COMPLETED)
            assert not any(asked.headers.get("Authorization") for asked in proxy.asked), "the server got the proxy's"


def a_socks_proxy_asks_for_a_login_as_well():
    with Keyring() as keyring, Server({f"/{name}": DATA for name in (ONE, TWO)}) as server, Home() as home:
        far = f"http://files.example.org:{server.port}"
        with Socks("ann", SECRET) as proxy:
            home.prefer(proxy=f"'socks5h://127.0.0.1:{proxy.port}'")
            with Freshet(home, f"{far}/{ONE}") as app:
                app.wait_for(ONE, words.PROXY_ASKS)
                app.click_in_row(ONE, words.LOG_IN)
                app.wait_to_say(rf"proxy .?127\.0\.0\.1:{proxy.port}.? asks for")
                app.screenshot(DESKTOP, "socks")
                answer(app, "ann", "wrong")
                until("a try", lambda: ("ann", "wrong") in proxy.tried)
                app.wait_for(ONE, words.PROXY_ASKS)
                app.click_in_row(ONE, words.LOG_IN)
                app.wait_to_say(words.NOT_TAKEN)
                assert not server.asked, "the proxy let it through"
                app.write(words.SECRET, SECRET)
                remember(app)
                app.click(words.LOG_IN_NOW)
                app.wait_for(ONE, words.COMPLETED)
                wanted = {**saved("ann", server, ""), "protocol": "proxy+socks5h", "port": str(proxy.port)}
                until("it to be remembered", lambda: has(keyring, (wanted, SECRET)))
                app.run_again(f"{far}/{TWO}")
                app.wait_for(TWO, words.COMPLETED)
            assert set(proxy.asked) == {"files.example.org"}
        assert not any(asked.headers.get("Authorization") for asked in server.asked), "the server got the proxy's"
        assert (home.downloads / ONE).read_bytes() == DATA


def the_dialog_can_be_left():
    with guarded(ONE) as (server, home), Freshet(home, server.url(f"/{ONE}")) as app:
        asked = len(server.asked)
        for leave in (lambda: app.click(words.CANCEL), lambda: DESKTOP.key("Escape")):
            open_dialog(app, ONE)
            # From the user name to the password, which has the focus when the dialog closes.
            DESKTOP.focus(words.LOG_IN_NOW)
            until("the focus on the password", lambda: tab_until(app, DESKTOP, words.SECRET))
            DESKTOP.type("half a passw")
            # Newer versions of the toolkit tell dots.
            until("it to be written", lambda: len(content_of(app.find(words.ENTRY, words.SECRET))) == 12)
            leave()
            until("the dialog to go", lambda: not app.says(words.ASKS))
            assert app.process.poll() is None, "it ended"
        app.wait_for(ONE, words.LOGIN_NEEDED)
        assert len(server.asked) <= asked + 1, "it was tried"


if __name__ == "__main__":
    run(
        a_remembered_login_is_used_by_itself_and_for_its_server_only,
        a_remembered_login_that_is_refused_is_tried_once,
        another_user_takes_the_place_of_the_one_that_was_remembered,
        what_is_refused_is_never_remembered,
        the_add_dialog_remembers_as_well,
        without_a_keyring_the_choice_can_not_be_made,
        a_keyring_that_never_answers_holds_up_nothing,
        a_locked_keyring_is_unlocked_only_when_the_user_says_so,
        saved_logins_are_listed_and_removed,
        a_proxy_asks_for_a_login_of_its_own,
        a_socks_proxy_asks_for_a_login_as_well,
        the_dialog_can_be_left,
    )
