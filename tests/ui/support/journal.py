# SPDX-License-Identifier: GPL-3.0-or-later
"""What a part file's journal says is durable."""

import json
from pathlib import Path


def durable(path: Path) -> list[dict[str, int]]:
    """The ranges of the last durable record; empty as long as there is none."""
    lines = [line for line in path.read_text().splitlines() if '"durable"' in line]
    if not lines:
        return []
    record = json.loads(lines[-1][lines[-1].index("{"):lines[-1].rindex("}") + 1])
    return [{"start": start, "end": end} for start, end in record["durable"][1]]
