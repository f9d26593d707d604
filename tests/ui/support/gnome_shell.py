# SPDX-License-Identifier: GPL-3.0-or-later
"""GNOME Shell, started by wayland-session.sh: where windows are, a pointer, keys, screenshots, and what the
Shell itself shows. Asked by its own Eval, which it answers with --unsafe-mode alone."""

import json

from gi.repository import Gio, GLib

from .desktop import Rect
from .waiting import until

# As Clutter has them.
KEYS = {"ctrl": 0xFFE3, "shift": 0xFFE1, "alt": 0xFFE9, "super": 0xFFEB, "Return": 0xFF0D, "Escape": 0xFF1B, "Tab": 0xFF09}
NOW = "imports.gi.GLib.get_monotonic_time()"
SETUP = """
    const Clutter = imports.gi.Clutter;
    const seat = Clutter.get_default_backend().get_default_seat();
    global.freshetPointer ??= seat.create_virtual_device(Clutter.InputDeviceType.POINTER_DEVICE);
    global.freshetKeyboard ??= seat.create_virtual_device(Clutter.InputDeviceType.KEYBOARD_DEVICE);
    // What it has to say of itself would lie above ours.
    Main.messageTray.getSources().forEach(it => it.destroy());
    Main.overview.hide();
"""


class GnomeShell:
    def __init__(self, width, height):
        self.width, self.height = width, height
        self._bus = Gio.bus_get_sync(Gio.BusType.SESSION)
        self.evaluate(SETUP + "true")
        until("the overview to go", lambda: not self.evaluate("Main.overview.visible || Main.overview.animationInProgress"))

    def evaluate(self, script):
        """What a script comes to in the Shell."""
        arguments = GLib.Variant("(s)", (script,))
        place = ("org.gnome.Shell", "/org/gnome/Shell", "org.gnome.Shell", "Eval")
        is_well, said = self._bus.call_sync(*place, arguments, None, Gio.DBusCallFlags.NONE, 10_000, None).unpack()
        assert is_well, f"the Shell says {said} to {script}"
        return json.loads(said) if said else None

    def window(self, title):
        """Where the window of this title, a regular expression, is; None while there is none."""
        rect = self._meant(title, """
            const rect = meant?.get_frame_rect();
            rect ? [rect.x, rect.y, rect.width, rect.height] : null
        """)
        return Rect(*rect) if rect else None

    def _meant(self, title, script):
        # Not the windows that are shown: one that is gone may still fade.
        return self.evaluate(f"""
            const title = new RegExp({json.dumps(f"^(?:{title})$")});
            const meant = global.display.list_all_windows().find(it => title.test(it.get_title()) && !it.minimized);
            {script}
        """)

    def put_in_corner(self, title):
        """Moves a small window to the lower right, above all others."""
        until(f"the window {title}", lambda: self.window(title))

        def is_there():
            # A window that has just come is placed by the Shell first, and finds its size.
            rect = self.window(title)
            x, y = self.width - rect.width, self.height - rect.height
            self._meant(title, f"meant.make_above(); meant.move_frame(true, {x}, {y}); true")
            return self.window(title) == (x, y, rect.width, rect.height)

        until(f"the window {title} in the corner", is_there)

    def focus(self, title):
        """Gives the keyboard to the window of this title, or to none."""
        if title is None:
            self.evaluate("global.display.unset_input_focus(global.get_current_time()); true")
        else:
            until(f"the window {title}", lambda: self.window(title))
            self._meant(title, "Main.activateWindow(meant); true")

    def move(self, x, y):
        self.evaluate(f"global.freshetPointer.notify_absolute_motion({NOW}, {int(x)}, {int(y)}); true")

    def press(self, button=1):
        self._button(button, "PRESSED")

    def release(self, button=1):
        self._button(button, "RELEASED")

    def _button(self, button, state):
        state = f"imports.gi.Clutter.ButtonState.{state}"
        self.evaluate(f"global.freshetPointer.notify_button({NOW}, {button}, {state}); true")

    def key(self, *keys):
        """key("ctrl", "n")"""
        values = [KEYS.get(key) or ord(key) for key in keys]
        self._keys(values, "PRESSED")
        self._keys(values[::-1], "RELEASED")

    def type(self, text):
        for letter in text:
            self.key(letter)

    def _keys(self, values, state):
        state = f"imports.gi.Clutter.KeyState.{state}"
        self.evaluate(f"{values}.forEach(key => global.freshetKeyboard.notify_keyval({NOW}, key, {state})); true")

    def screenshot(self, path):
        place = ("org.gnome.Shell.Screenshot", "/org/gnome/Shell/Screenshot", "org.gnome.Shell.Screenshot", "Screenshot")
        arguments = GLib.Variant("(bbs)", (False, False, str(path)))
        is_well, _ = self._bus.call_sync(*place, arguments, None, Gio.DBusCallFlags.NONE, 10_000, None).unpack()
        assert is_well, "the Shell takes no screenshot"

    # What the Shell shows.

    def notifications(self):
        """What its list of messages has of Freshet: (title, body, whether there is a picture)."""
        return [tuple(it) for it in self.evaluate("""
            Main.messageTray.getSources().filter(source => source.title === 'Freshet').flatMap(
                source => source.notifications.map(it => [it.title, it.bannerBodyText, !!(it.gicon ?? source.icon)]))
        """)]

    def found(self, text):
        """What its search shows of Freshet for a text, a result each: (name, description)."""
        self.evaluate("Main.overview.show(); true")
        until("the overview", lambda: self.evaluate("Main.overview.visible && !Main.overview.animationInProgress"))
        self.evaluate(f"Main.overview.searchEntry.set_text({json.dumps(text)}); true")
        script = """
            const search = Main.overview._overview.controls._searchController._searchResults;
            const provider = search._providers.find(it => it.id === 'io.github.freshet.Freshet.desktop');
            const results = provider?.display?.visible ? provider.display._content.get_children() : [];
            results.filter(it => it.metaInfo).map(it => [it.metaInfo.name, it.metaInfo.description])
        """
        return until(f"results for “{text}”", lambda: self.evaluate(script))

    def leave_overview(self):
        self.evaluate("Main.overview.hide(); true")
        until("the overview to go", lambda: not self.evaluate("Main.overview.visible || Main.overview.animationInProgress"))
