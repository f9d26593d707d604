# SPDX-License-Identifier: GPL-3.0-or-later
"""Every word of the window that the tests look for, in English, in one place."""

import re

WINDOW = "Freshet"

# Buttons, by their accessible names.
ADD_DOWNLOAD = "Add Downloads"
PAUSE = "Pause"
PAUSE_ALL = "Pause All"
RESUME = "Resume"
CANCEL = "Cancel"
RETRY = "Try Again Now"
START_NOW = "Start Now"
REMOVE = "Remove From List"
UNDO = "Undo"
MOVE_TO_TRASH = "Move File to Trash"
RESTORED, NO_TRASH = r"can be restored there", r"“song\.flac” cannot be moved to the trash"
REMOVED = r"2 downloads were taken off the list"
COPY_ADDRESSES = "Copy Addresses"
OPEN_FILE = "Open"
SHOW_IN_FOLDER = "Show in Folder"

# Of a notification.
TRY_AGAIN = "Try Again"

# The add dialog: its entry and the button that takes the addresses.
ADDRESSES = "Addresses, one a line"
ADD = "Add"
UNFOLDS = "Advanced"
# Rows that cannot be used as long as what is above them is off, and entry rows, which with libadwaita 1.2 do not
# tell that they have the focus.
FOLDED = ("File name (optional)", "Kilobytes a second")
FROM_FILE, FILE_CHOOSER, DROP_TO_ADD = "From File…", "Add From File", "Drop to Add"
BAD_ADDRESS = re.compile(r"(not|no|invalid)\b.*\baddress", re.IGNORECASE)
PATTERNS, COUNTS_DOWN = r"Patterns like \[001-100\]", r"“\[10-8\]” counts down"
ONLY_DOWNLOADS = r"“-X POST” in the curl command .* Freshet only downloads"
HAS_ADDRESS, SHOW, AGAIN, ONLY_NEW = "has this address", "Show", "Download Again", "Add Only New Ones"
PREVIEW = (
    r"^one\.bin\b",
    r"^named\.zip\b",
    r"^50\.0\skB – Zip archive – can be resumed\b",
    r"^The file is not on the server \(error 404\)",
    r"^at least 100\.0\skB – .* free in the folder\b",
)
ASKING = "Asking the server…"
HEADERS, NO_HEADER, CHECKSUM = "Headers, one a line", "“X-Key it is” is no header", "Checksum"
ADVANCED = {
    "User name": "ann",
    "Password": "secret",
    "Referrer": "http://page.example/",
    "User agent": "Probe/1",
    "Cookies": "a=1",
}

# A link that was copied before the window got the focus.
OFFER_LINKS = "Offer links from the clipboard"
OFFER, TAKE_OFFER = "You copied a link to “{}” on 127.0.0.1", "Download"

NOTHING_TO_PASTE = "There is no link on the clipboard"

# The details of a download: their button, the picture of where its bytes are, and what they say.
DETAILS = "Details"
MAP = re.compile(r"^\d+% done, ([2-9]) connections$")
SPEEDS = re.compile(r"^[\d.]+\skB/s now, [\d.]+\skB/s on average, [\d.]+\skB/s at most; limited to 700\.0\skB/s$")
COPY_COMMAND, COPIED = "Copy as curl Command", r"^Copied to the clipboard\b"
# What happened to it, folded away: in this order, among more.
LOG, UNFOLD_LOG, COPY_LOG = "Log of Events", "Log of Events", "Copy Log"
LOGGED = (
    r"^Added to the list$",
    r"^Connecting to 127\.0\.0\.1…$",
    r"^The server is busy\. Tries again in \d+\ss \(attempt 1\)\.$",
    r"^127\.0\.0\.1 answers and sends the file from 0 bytes to 12\.0\sMB$",
    r"^Paused$",
    r"^Goes on with the [\d.]+\sMB that are here$",
    r"^All of the file is here$",
    r"^Saved as .*/Downloads/file\.bin$",
    r"^Completed$",
)
LIMITED = r"All downloads together are limited to 700\.0\skB/s\."
CONNECTION = r"^HTTP/1\.1, not encrypted – [\d.]+\s\w+ to [\d.]+\s\w+ – .* received – .*kB/s – for \d+\ss\b"
FIRST_BYTE = r"(name lookup .*|connected before), first byte \d+\sm?s\b"
WHOLE = "All of the file is here"
IN_USE = r"In use with \d+ connections"
CHECKED_LATER = r"SHA-256 will be checked at the end: [0-9a-f]{64} – told by the server"
CHECKED, BESIDE = r"SHA-256 is right: [0-9a-f]{64} – told by the server", "– found beside the file on the server"
BY_ITS_TAG = r"Yes, the file is known by its tag"

# A log-in.
LOG_IN, LOG_IN_NOW, USER, SECRET, FOR_OTHER = "Log In…", "Log In", "User name", "Password", "Also for 1 more download"
ASKS, LOGIN_NEEDED = r"127\.0\.0\.1:\d+\S? asks for", r"asks for a user name and a password"
NOT_TAKEN, IN_CLEAR = r"refused this user name and password", r"not encrypted: others"

LOGIN_NEEDED_TITLE = "Log-in Needed"

# What is remembered in the keyring.
REMEMBER_LOGIN, SERVER_SAYS = "Remember this log-in", r"The server says: “.?{}.?”"
NO_KEYRING, NOT_REMEMBERED = r"This computer has no keyring\.", r"could not be remembered\. The keyring does not answer\."
SILENT_KEYRING, KEYRING_LOCKED = r"^The keyring does not answer\.", r"^The keyring is locked\."
LOCKED, UNLOCK, UNLOCKING = r"A log-in is saved, but the keyring is locked", "Unlock…", "Unlock .*Keyring"
NO_LOGINS, FOR_FILES = r"No log-ins are saved", r"ann, for “files”"
REMOVE_LOGIN, REMOVE_LOGIN_ASKS, REMOVE_IT = "Remove This Log-in", r"ask for the password of ann at", "Remove"
PROXY_ASKS, PROXY_SAYS = r"The proxy asks for a user name and a password", r"The proxy says: “.?the way out.?”"

# A new address for a download that is stuck.
NEW_ADDRESS, ADDRESS_ENTRY, USE_ADDRESS = "New Address…", "New address", "Use Address"
CHANGE_FOLDER = "Change Folder…"
ADD_AS_NEW = "Add as New Download"
DROP_ADDRESS = "Drop a new address for"

# A row that is dragged out of the window, or what is dropped and has no links.
NOT_DRAGGED, NO_LINKS = "can be dragged when it is complete", "is no list of links|There is no link"

# A file with another checksum than the one that was told.
KEEP, WRONG, KEPT = "Keep File", "The checksum does not match", "not verified: its checksum did not match"

# Folders by rules, in the add dialog.
BY_RULE, BY_RULES = r"Folder by the rule “Discs”", r"Folders by your rules"

PREFERENCES = "Preferences"
FILES_PAGE, CONNECTIONS_PAGE, SERVERS_PAGE, BACKGROUND_PAGE = "Files", "Connections", "Servers", "Background"
PREFERENCES_PAGES = (FILES_PAGE, CONNECTIONS_PAGE, SERVERS_PAGE, BACKGROUND_PAGE)
FIND_CHECKSUM, NETRC = "Look for a published checksum", "Log in as ~/.netrc says"

# Hours of the week, as they are edited.
PARALLEL = "Downloads at a time"
ONLY_AT_HOURS, LIMITS_AT_HOURS = "Only at these hours", "Other limits at some hours"
ADD_HOURS, REMOVE_HOURS, FROM, UNTIL = "Add Hours", "Remove These Hours", "From", "Until"
NEXT_DAY, EVERY_DAY = "On the next day", "Every day"
RUN_AT_HOURS = "Downloads run at these hours and wait at all others: "
RUN_AT_ANY_TIME, NO_DAY, NO_TIME = "Downloads run at any time", "Choose at least one day", "ends when it begins"

# A rule is made.
RULE_PATTERNS, NO_CONDITION, NO_FOLDER = "File name, as *.iso", "^Choose a type, or", "^Choose the folder in which"
ADD_RULE, CHOOSE_RULE_FOLDER, SAVE = "Add Rule", "Choose Folder", "Save"
NO_AUTOSTART = r"list of programs to start cannot be written"
START_WITH_SESSION, RUN_IN_BACKGROUND = "Start when I log in", "Keep running when the window is closed"
NO_LIMIT, LIMIT, RATE = "No Limit", "Limit", "Kilobytes a second"
LIMIT_SPEED = "Limit the speed of all downloads together"

DAMAGED = "The list of downloads was damaged"
DISMISS = "Dismiss"
NO_LIST = r"A file of this name is there already.*creating the folder"
UNSAVED = r"cannot be saved: .*\. The disk is full\."

# A folder that is out of reach, and the title of the chooser for another one.
FOLDER_GONE = r"\bgone for new downloads cannot be reached\."
NO_DOWNLOADS = r"\bDownloads (for new downloads )?cannot be reached"
LOST, CHOOSE_FOLDER, FOLDER_CHOOSER = r"\bgone cannot be reached\. 1 download is", "Choose Folder…", "Choose Folder"

# Several rows are selected.
SELECT, SELECTED, DONE, SELECT_ALL = "Select Downloads", r"^{} selected\s*$", "Done", "Select All"

# The groups beside the list, and the search.
GROUPS, GROUP_FAILED, GROUP_ALL = "Groups", re.compile("^Failed, "), re.compile("^All, ")
SEARCH, SEARCH_ENTRY = "Search", "Search for name, address or folder"
DROP_HERE = "Drop links or files here"
NO_RESULTS, EMPTY_GROUP, SHOW_ALL = "No Results", "No Downloads in This Group", "Show All Downloads"

# The main menu, and a text in each of the windows that it opens.
MAIN_MENU = "Main Menu"
SORT_BY, BY_SPEED, DESCENDING = "Sort By", "Speed", "Descending"
SHORTCUTS, IN_SHORTCUTS = "Keyboard Shortcuts", "Undo a removal"
QUIT, KEEP_RUNNING, STOP_DOWNLOADING = "Quit", "Keep Running", r"1 download is not complete"
WHEN_DONE = "When All Downloads Have Ended"
SUSPEND, SUSPEND_NOW, SHUT_DOWN, RUN_COMMAND = "Suspend", "Suspend Now", "Shut Down", "Run Command"
WILL_SUSPEND, WILL_SHUT_DOWN = "The Computer Will Be Suspended", "The Computer Will Be Shut Down"
ENDS_SOON, ALL_ENDED = r"1 download is complete\. This happens in \d+ seconds?\.", "All Downloads Have Ended"
NO_SERVICE, NOT_ALLOWED = r"no service here that suspends", r"You are not allowed to suspend this computer"
ABOUT, IN_ABOUT = "About Freshet", "The Freshet developers"

# The list as a file: items of the menu, titles of the choosers, what is said then.
EXPORT_LIST, AS_JSON, EXPORTED = "Export List", "JSON…", "The list is in “list.json”"
AS_ADDRESSES = "Addresses…"
IMPORT_ITEM, IMPORT_LIST = "Import List…", "Import List"

# What was in the list, and how much came.
HISTORY, STATISTICS, NO_HISTORY, CLEAR, CLEAR_NOW = "History", "Statistics", "No History", "Clear…", "Clear"
HISTORY_ENTRY = "Search for name, address, folder or date"
DOWNLOADED_BEFORE = "was downloaded before"
MORE_ACTIONS, DOWNLOAD_AGAIN = "More Actions", "Download Again"
IN_HISTORY = r"^done\.bin: 50\.0\skB – 127\.0\.0\.1 – \d+ \w+ \d+, \d+:\d+\b"
CAME_TODAY, CAME_FROM = r"^100\.0\skB in the last 30 days, 100\.0\skB of them today", r"^127\.0\.0\.1: 100\.0\skB\b"
CAME_FROM_SERVER, IS_FORGOTTEN = r"^127\.0\.0\.1: ", r"from which server is forgotten"

# The list of the window.
DOWNLOADS = "Downloads"

# States, as a row says them.
QUEUED = "Queued"
STARTS_AT = "Starts at"
# When a download starts, as the add dialog lists it.
STARTS = (TURN, AT_ONCE, BY_HAND, AT_A_TIME) = ("When It Is Its Turn", "At Once", "Later, by Hand", "At a Time")
VERIFIED = "checksum verified"
CONNECTING = "Connecting"
DOWNLOADING = "Downloading"
PAUSED = "Paused"
WAITING = "Waiting"
VERIFYING = "Verifying"
NO_NETWORK, METERED, WAITS_FOR = "There is no network", "The network is metered", "Waits for"
COMPLETED = "Completed"
FAILED = "Failed"

# Roles have had more than one name over the years.
BUTTON = ("push button", "button", "toggle button", "menu button")
LABEL = ("label", "static")
MENU_ITEM = ("menu item", "check menu item", "radio menu item")
SWITCH = ("switch", "toggle button", "check box")
PAGE = ("page tab",)
PICTURE = ("image", "img", "graphic", "icon")
ENTRY = ("text", "entry", "password text")
TEXT = ("text",)
NUMBER = ("spin button", "text", "entry")
ROW = ("list item", "table row", "row", "tree item")
