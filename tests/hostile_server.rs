// SPDX-License-Identifier: GPL-3.0-or-later
//! What the engine makes of servers that lie, cut, stall, change and refuse: real libcurl and real
//! files against a server of our own. Each named case is judged by the bytes on disk, by all that
//! lies beside them, and by the message; the cases are tables in `tests/hostile/`.

mod hostile;
mod support;
