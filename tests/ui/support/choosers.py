# SPDX-License-Identifier: GPL-3.0-or-later
"""The toolkit's own dialog for a folder."""

import time

from . import desktop, words
from .waiting import until


def choose(screen, folder):
    """In GTK's own dialog, where a slash brings the entry for a place."""
    place = until("the chooser", lambda: screen.window(words.FOLDER_CHOOSER))
    screen.move(*desktop.middle(place))
    time.sleep(0.5)
    screen.type(str(folder))
    time.sleep(0.5)

    def gone():
        # The first one may only take what the dialog suggests.
        if screen.window(words.FOLDER_CHOOSER):
            screen.key("Return")
            time.sleep(0.5)
        return screen.window(words.FOLDER_CHOOSER) is None

    until("the end of the chooser", gone)
