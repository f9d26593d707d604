#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The preferences: their pages, and the hours of the week, which are edited by days and times and kept as a text."""

import re
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from support import desktop, words
from support.freshet_ui import Freshet, Home, is_usable
from support.screen_reader import Atspi, activate, called, focused, name, press_tab, role
from support.waiting import outside, run, until

DESKTOP = desktop.here()

NARROW = 360
FRAME = 5  # is drawn around a window in place of its shadow where nothing blends windows
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

# A switch of each page.
SWITCHES = {
    words.FILES_PAGE: words.FIND_CHECKSUM,
    words.CONNECTIONS_PAGE: words.LIMIT_SPEED,
    words.SERVERS_PAGE: words.NETRC,
    words.BACKGROUND_PAGE: words.START_WITH_SESSION,
}


class Place(Home):
    """A home with more in its environment."""

    more = {}

    def environment(self):
        return {**super().environment(), **self.more}


@contextmanager
def opened(more=None, clock=None, **preferences):
    """The preferences, and where they are in English the keyboard in them."""
    with Place() as home:
        home.more = more or {}
        if clock:
            home.set_up_desktop(clock_format=f"'{clock}'")
        home.prefer(**preferences)
        with Freshet(home) as app:
            activate("preferences", "/window/1")
            app.find(words.PAGE, re.compile("."))
            if not more:
                DESKTOP.focus(words.PREFERENCES)
                until("a focus", lambda: focused(app))
            yield home, app


def make_narrow(width):
    found = ["xdotool", "search", "--onlyvisible", "--name", f"^{words.PREFERENCES}$"]
    subprocess.run([*found, "windowsize", str(width), "640"], check=True, capture_output=True, timeout=10)

    def is_narrow():
        return DESKTOP.window(words.PREFERENCES).width - 2 * FRAME <= width

    until(f"the preferences to be {width} pixels wide", is_narrow, 5)


def wait_for(home, key, text):
    file = home.config / "glib-2.0" / "settings" / "keyfile"

    def kept():
        lines = file.read_text().splitlines()
        return next((line.partition("=")[2].strip("'\"") for line in lines if line.startswith(f"{key}=")), None)

    try:
        until(f"{key} to be “{text}”", lambda: kept() == text, 5)
    except AssertionError as error:
        raise AssertionError(f"{error}; it is “{kept()}”") from None


def tab_to(app, wanted, roles=None, most=60):
    """Moves the focus by Tab; a row has the same name as what is in it."""
    seen = []
    for _ in range(most):
        node = focused(app)
        if node is not None and name(node) == wanted and (roles is None or role(node) in roles):
            return
        seen.append(node and called(node))
        press_tab(DESKTOP)
    raise AssertionError(f"Tab does not come to “{wanted}”, but to {seen}")


def to_page(app, page):
    """By Tab; in newer versions of libadwaita that comes to the page that is shown, and arrows lead to the others."""
    pages = list(SWITCHES)

    def is_there():
        node = focused(app)
        if node is None or role(node) not in words.PAGE:
            press_tab(DESKTOP)
        elif name(node) != page:
            DESKTOP.key("Right" if pages.index(name(node)) < pages.index(page) else "Left")
            time.sleep(0.2)
        else:
            return True
        return False

    until(f"the focus on the page {page}", is_there, 30)


def wait_for_focus(app, wanted):
    until(f"the focus on {wanted}", lambda: (node := focused(app)) is not None and name(node) == wanted, 5)


def add_hours(app, row):
    """Presses the button of the one or the other row."""

    def press():
        button = (found := app.seen(words.ROW, row)) and app.seen(words.BUTTON, words.ADD_HOURS, found)
        return button and is_usable(button) and button.do_action(0)

    until(f"a click on {words.ADD_HOURS}", press)


def type_into(app, entry, text):
    tab_to(app, entry, words.NUMBER)
    DESKTOP.key("ctrl", "a")
    DESKTOP.type(text)
    DESKTOP.key("Return")


def the_pages_are_chosen_by_keys_in_a_narrow_window_too():
    with opened() as (_, app):
        for width in (None, NARROW):
            if width:
                make_narrow(width)
            for page, switch in SWITCHES.items():
                to_page(app, page)
                DESKTOP.key("space")
                # Only what is in sight is come to by Tab.
                tab_to(app, switch)
                app.screenshot(DESKTOP, f"preferences-{page.lower()}{'-narrow' if width else ''}")


def hours_are_chosen_by_days_and_times():
    with opened() as (home, app):
        app.show_page(words.CONNECTIONS_PAGE)
        app.wait_to_say(words.RUN_AT_ANY_TIME)
        add_hours(app, words.ONLY_AT_HOURS)
        wait_for(home, "hours", "daily 22:00-06:00")
        app.wait_to_say(f"{words.RUN_AT_HOURS}every day, 22:00 to 06:00 $")
        app.wait_to_say(words.NEXT_DAY)
        # The new one is unfolded, and gone on with from there.
        wait_for_focus(app, "Every day")
        tab_to(app, "Sunday", words.BUTTON)
        DESKTOP.key("space")
        wait_for(home, "hours", "Mon-Sat 22:00-06:00")
        app.screenshot(DESKTOP, "hours")
        type_into(app, words.FROM, "7 pm")
        wait_for(home, "hours", "Mon-Sat 19:00-06:00")
        DESKTOP.key("Up")
        wait_for(home, "hours", "Mon-Sat 19:15-06:00")
        type_into(app, words.UNTIL, "24:00")
        wait_for(home, "hours", "Mon-Sat 19:15-24:00")
        DESKTOP.key("Down")
        wait_for(home, "hours", "Mon-Sat 19:15-23:45")
        DESKTOP.key("Up")
        wait_for(home, "hours", "Mon-Sat 19:15-24:00")
        for _ in range(3):
            DESKTOP.key("shift", "Tab")
        type_into(app, words.FROM, "0")
        wait_for(home, "hours", "Mon-Sat 00:00-24:00")
        app.wait_to_say(f"{words.RUN_AT_HOURS}Monday–Saturday, all day $")
        add_hours(app, words.ONLY_AT_HOURS)
        wait_for(home, "hours", "Mon-Sat 00:00-24:00; daily 22:00-06:00")
        app.click(words.REMOVE_HOURS)
        wait_for(home, "hours", "daily 22:00-06:00")
        wait_for_focus(app, "Every day")
        DESKTOP.key("Delete")
        wait_for(home, "hours", "")
        app.wait_to_say(words.RUN_AT_ANY_TIME)
        wait_for_focus(app, words.ADD_HOURS)


def the_wheel_scrolls_the_page_and_turns_a_number_only_with_the_focus():
    with opened() as (home, app):
        app.show_page(words.CONNECTIONS_PAGE)
        at = place_of(app.find(words.NUMBER, words.PARALLEL))
        turn_wheel_at(at)
        until("the page to move", lambda: place_of(app.find(words.NUMBER, words.PARALLEL)).y < at.y)
        tab_to(app, words.PARALLEL, words.NUMBER)
        turn_wheel_at(place_of(app.find(words.NUMBER, words.PARALLEL)))
        # It was 5 until then.
        wait_for(home, "parallel-downloads", "4")


def place_of(node):
    return node.get_component_iface().get_extents(Atspi.CoordType.WINDOW)


def turn_wheel_at(place):
    window = DESKTOP.window(words.PREFERENCES)
    DESKTOP.move(window.x + place.x + place.width // 4, window.y + place.y + place.height // 2)
    time.sleep(0.2)
    DESKTOP.press(5)
    DESKTOP.release(5)


def what_can_not_be_meant_is_said_and_not_kept():
    with opened(hours="'Sun 08:00-18:00'") as (home, app):
        app.show_page(words.CONNECTIONS_PAGE)
        tab_to(app, "Sunday", words.ROW)
        DESKTOP.key("Return")
        tab_to(app, "Sunday", words.BUTTON)
        DESKTOP.key("space")
        app.wait_to_say(words.NO_DAY)
        wait_for(home, "hours", "Sun 08:00-18:00")
        DESKTOP.key("space")
        until("the complaint to go", lambda: not app.says(words.NO_DAY))
        type_into(app, words.UNTIL, "8:00")
        app.wait_to_say(words.NO_TIME)
        app.screenshot(DESKTOP, "hours-wrong")
        wait_for(home, "hours", "Sun 08:00-18:00")
        DESKTOP.key("Up")
        wait_for(home, "hours", "Sun 08:00-08:15")
        until("the complaint to go", lambda: not app.says(words.NO_TIME))


def what_is_not_changed_of_limits_stays_as_it_is():
    rest = "daily 23:00-06:00 unlimited; Sun 01:00-02:00 999"
    with opened(rate_schedule=f"'Mon-Fri 08:00-18:00 512K; {rest}'") as (home, app):
        app.show_page(words.CONNECTIONS_PAGE)
        tab_to(app, "Monday–Friday")
        for key, text in (
            ("Down", "daily 23:00-06:00 unlimited; Mon-Fri 08:00-18:00 512K; Sun 01:00-02:00 999"),
            ("Up", f"Mon-Fri 08:00-18:00 512K; {rest}"),
        ):
            DESKTOP.key("alt", key)
            wait_for(home, "rate-schedule", text)
            wait_for_focus(app, "Monday–Friday")
        DESKTOP.key("Return")
        tab_to(app, "Saturday", words.BUTTON)
        DESKTOP.key("space")
        wait_for(home, "rate-schedule", f"Mon-Sat 08:00-18:00 512K; {rest}")
        type_into(app, words.RATE, "300")
        wait_for(home, "rate-schedule", f"Mon-Sat 08:00-18:00 300000; {rest}")
        type_into(app, words.RATE, "0")
        wait_for(home, "rate-schedule", f"Mon-Sat 08:00-18:00 unlimited; {rest}")
        app.screenshot(DESKTOP, "limits-at-hours")
        DESKTOP.key("alt", "Down")
        wait_for(
            home,
            "rate-schedule",
            "daily 23:00-06:00 unlimited; Mon-Sat 08:00-18:00 unlimited; Sun 01:00-02:00 999",
        )
        wait_for_focus(app, "Monday–Saturday")


def a_text_that_can_not_be_read_is_shown_and_left_alone():
    with opened(hours="'at night'") as (home, app):
        app.show_page(words.CONNECTIONS_PAGE)
        app.find(words.ROW, "at night")
        row = app.find(words.ROW, words.ONLY_AT_HOURS)
        assert not is_usable(app.find(words.BUTTON, words.ADD_HOURS, row)), "it would be written over"
        # Another preference is saved, and this is not.
        app.switch(words.LIMIT_SPEED, True)
        wait_for(home, "rate-limit-enabled", "true")
        wait_for(home, "hours", "at night")
        app.screenshot(DESKTOP, "hours-unread")
        app.click(words.REMOVE_HOURS)
        wait_for(home, "hours", "")
        add_hours(app, words.ONLY_AT_HOURS)
        wait_for(home, "hours", "daily 22:00-06:00")


def on_tuesday(app):
    if (node := focused(app)) is not None and "Tuesday" in name(node):
        return True
    press_tab(DESKTOP)
    return False


def days_of(app):
    # Newer versions of the toolkit have what is unfolded twice in the tree.
    return tuple(dict.fromkeys(name(node) for node in app.nodes() if role(node) in words.BUTTON and name(node) in DAYS))


@outside("the sandbox has locales of its own")
def days_and_times_are_those_of_the_country():
    with tempfile.TemporaryDirectory() as folder:
        for locale in ("en_US", "en_GB", "he_IL"):
            made = subprocess.run(
                ["localedef", "-i", locale, "-f", "UTF-8", str(Path(folder) / f"{locale}.UTF-8")], capture_output=True
            )
            assert (Path(folder) / f"{locale}.UTF-8").is_dir(), made.stderr
        for country, language, first, clock, hours in (
            ("en_US", "en_US", "Sunday", None, r"10:00\sPM\b.* \S?6:00\sAM"),
            ("en_GB", "en_US", "Monday", None, r"\S?22:00\b.* \S?06:00"),
            # From right to left.
            ("en_GB", "he_IL", "Monday", None, r"\S?22:00\b.* \S?06:00"),
            # As was chosen for the clock of the desktop.
            ("en_US", "en_US", "Sunday", "24h", r"\S?22:00\b.* \S?06:00"),
            ("en_GB", "en_US", "Monday", "12h", r"10:00\s(PM|pm)\b.* \S?6:00\s(AM|am)"),
        ):
            more = {"LOCPATH": folder, "LC_ALL": "", "LANG": f"{language}.UTF-8", "LC_TIME": f"{country}.UTF-8"}
            with opened(more, clock, hours="'Tue 22:00-06:00'") as (_, app):
                # By its place, as its name is of the language.
                pages = [node for node in app.nodes() if role(node) in words.PAGE and app.shows(node)]
                pages[words.PREFERENCES_PAGES.index(words.CONNECTIONS_PAGE)].do_action(0)
                app.wait_to_say(f"Tuesday.* {hours}")
                until("the focus on the hours", lambda: on_tuesday(app), 30)
                DESKTOP.key("Return")
                start = DAYS.index(first)
                wanted = DAYS[start:] + DAYS[:start]
                until(f"the days as in {country}", lambda: days_of(app) == wanted)


if __name__ == "__main__":
    run(
        the_pages_are_chosen_by_keys_in_a_narrow_window_too,
        hours_are_chosen_by_days_and_times,
        the_wheel_scrolls_the_page_and_turns_a_number_only_with_the_focus,
        what_can_not_be_meant_is_said_and_not_kept,
        what_is_not_changed_of_limits_stays_as_it_is,
        a_text_that_can_not_be_read_is_shown_and_left_alone,
        days_and_times_are_those_of_the_country,
    )
