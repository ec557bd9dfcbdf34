"""Writes the two variants of a platform as dumps: one file a kind of Kubernetes, as `kubectl get KIND -A -o yaml` prints it,
and a folder for each other source with one file a kind, in the form in which a scan records what it saw.

There is no chance and no clock in it: the same bytes come out every time.
"""

import sys

from .yaml import document

# Kinds of policies for the network that none of the platforms serves.
OTHER_POLICIES = [
    "adminnetworkpolicies.policy.networking.k8s.io",
    "baselineadminnetworkpolicies.policy.networking.k8s.io",
    "clusternetworkpolicies.crd.antrea.io",
    "clusternetworkpolicies.policy.networking.k8s.io",
    "globalnetworkpolicies.crd.projectcalico.org",
    "globalnetworkpolicies.projectcalico.org",
    "networkpolicies.crd.antrea.io",
    "networkpolicies.crd.projectcalico.org",
    "networkpolicies.projectcalico.org",
]


def files(cluster, absent, not_served, records=()):
    """The files of a dump by name; `absent` is served and empty, `not_served` is unknown to the API server."""
    out = {"dump.yaml": document({"absent": sorted(absent), "collected_at": cluster.NOW, "not_served": sorted(not_served)})}
    for resource, items in cluster.by_resource().items():
        listing = {"apiVersion": "v1", "items": items, "kind": "List", "metadata": {"resourceVersion": ""}}
        out[f"{resource}.yaml"] = document(listing)
    by_file = {}
    for record in records:
        source = record["apiVersion"].removeprefix("proofbook.dev/")
        by_file.setdefault(f"{source}/{record['kind'].lower()}.yaml", []).append(record)
    for name, items in by_file.items():
        out[name] = document({"apiVersion": "v1", "items": items, "kind": "List"})
    return out


def main(folder, variants, check):
    """Writes what `variants` gives by name, or with `check` tells whether it is there; the exit code."""
    differing = []
    for variant, wanted in variants.items():
        below = folder / variant
        there = {str(path.relative_to(below)) for path in below.rglob("*.yaml")} if below.is_dir() else set()
        for name in sorted(there | set(wanted)):
            path, text = below / name, wanted.get(name)
            if text is not None and path.is_file() and path.read_text(encoding="utf-8") == text:
                continue
            differing.append(path)
            if check:
                continue
            if text is None:
                path.unlink()
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
    for path in differing:
        print(f"{'differs' if check else 'written'}: {path}", file=sys.stderr)
    return 1 if check and differing else 0
