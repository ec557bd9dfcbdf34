#!/usr/bin/env python3
"""Copies a dump with all its dates moved by whole days, so that it was made this morning.

    lib/shift.py eidp/cluster/compliant OUT      the newest 03:00 UTC that has passed becomes the time of the dump

`./demo` shows a platform that was looked at today: evidence of November 2026 would be printed as stale, and rightly so.
"""

import datetime as dt
import re
import sys
from pathlib import Path

DATE = re.compile(r"\b20\d\d-[01]\d-[0-3]\d(?=T\d\d:|\b)")


def main(source, target):
    made = re.search(r'collected_at: "?(\S+?)Z', (source / "dump.yaml").read_text(encoding="utf-8"))[1]
    made = dt.datetime.fromisoformat(made)
    days = (dt.datetime.now(dt.timezone.utc).replace(tzinfo=None) - made).days

    def moved(match):
        return (dt.date.fromisoformat(match[0]) + dt.timedelta(days)).isoformat()

    for path in source.rglob("*.yaml"):
        copy = target / path.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(DATE.sub(moved, path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]))
