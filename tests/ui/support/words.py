# SPDX-License-Identifier: GPL-3.0-or-later
"""Every word of the window that the tests look for, in English, in one place."""

import re

WINDOW = "Freshet"

# Buttons, by their accessible names.
ADD_DOWNLOAD = "Add Downloads"
PAUSE = "Pause"
RESUME = "Resume"
CANCEL = "Cancel"
RETRY = "Try Again Now"
REMOVE = "Remove From List"
UNDO = "Undo"
OPEN_FILE = "Open"
SHOW_IN_FOLDER = "Show in Folder"

# The add dialog: its entry and the button that takes the addresses.
ADDRESSES = "Addresses, one a line"
ADD = "Add"
BAD_ADDRESS = re.compile(r"(not|no|invalid)\b.*\baddress", re.IGNORECASE)

NOTHING_TO_PASTE = "There is no link on the clipboard"

# The main menu, and a text in each of the windows that it opens.
SHORTCUTS, IN_SHORTCUTS = "Keyboard Shortcuts", "Selected Downloads"
ABOUT, IN_ABOUT = "About Freshet", "The Freshet developers"

# States, as a row says them.
QUEUED = "Queued"
CONNECTING = "Connecting"
DOWNLOADING = "Downloading"
PAUSED = "Paused"
WAITING = "Waiting"
VERIFYING = "Verifying"
COMPLETED = "Completed"
FAILED = "Failed"

# Roles have had more than one name over the years.
BUTTON = ("push button", "button", "toggle button", "menu button")
LABEL = ("label", "static")
MENU_ITEM = ("menu item", "check menu item")
ENTRY = ("text", "entry", "password text")
ROW = ("list item", "table row", "row", "tree item")
