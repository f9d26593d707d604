# SPDX-License-Identifier: GPL-3.0-or-later
"""What the window's tests stand on: the program in a home of its own, a server, a desktop to act on."""
