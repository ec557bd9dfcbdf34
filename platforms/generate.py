#!/usr/bin/env python3
"""Writes the two variants of an example platform as dumps.

    platforms/generate.py eidp            write cluster/compliant/ and cluster/drifted/ of EIDP
    platforms/generate.py eidp --check    exit with 1 if what lies there differs from what would be written

The compliant variant is what cluster/model/ of the platform builds; the drifted one is the same with the faults of its drift.py
planted.
"""

import sys
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent


def build(faults):
    cluster = contents.cluster()
    changes = [fault(cluster) for fault in faults]
    cluster.derive()
    records = observed.records(cluster)
    for change in changes:
        if change:
            change(records)
    return dump.files(cluster, contents.ABSENT, contents.NOT_SERVED, records)


if __name__ == "__main__":
    names = sorted(path.parents[1].name for path in HERE.glob("*/cluster/model"))
    arguments = sys.argv[1:]
    if not arguments or arguments[0] not in names or arguments[1:] not in ([], ["--check"]):
        sys.exit(f"usage: generate.py {'|'.join(names)} [--check]")
    folder = HERE / arguments[0] / "cluster"
    sys.path[:0] = [str(folder), str(HERE)]
    from lib import dump
    from model import contents, drift, observed

    variants = {"compliant": build([]), "drifted": build(drift.FAULTS)}
    sys.exit(dump.main(folder, variants, bool(arguments[1:])))
