# SPDX-License-Identifier: GPL-3.0-or-later
"""`freshet get` beside the download programs that are on this machine, on servers of its own.

| file | what is in it |
|---|---|
| `__main__.py` | the options, namespaces of its own where root allows them |
| `workloads.py` | what is downloaded, from which server, and how |
| `contenders.toml`, `contenders.py` | the programs and their command lines |
| `session.py` | the rounds, whose turn it is, when it is enough |
| `runs.py` | one run: prepare, measure, compare what came with what was sent |
| `measure.py`, `machine.py` | time, CPU and memory of a process; who else uses the machine |
| `sources.py` | the files that are downloaded, and the check of what arrived |
| `servers.py`, `paced.py`, `link.py` | nginx, a server with a rate for each connection, a link to far away |
| `report.py`, `bars.py` | the tables, and what Freshet has promised to reach |

Everything is in two folders that are removed at the end, and nothing leaves the machine.
"""
