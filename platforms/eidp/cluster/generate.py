#!/usr/bin/env python3
"""Writes the two variants of EIDP's cluster as dumps, one file a kind, as `kubectl get KIND -A -o yaml` prints them.

    ./generate.py            write compliant/ and drifted/
    ./generate.py --check    exit with 1 if what lies there differs from what would be written

The compliant variant is what model/ builds; the drifted one is the same with the faults of model/drift.py planted. There is
no chance and no clock in it: the same bytes come out every time.
"""

import sys
from pathlib import Path

sys.dont_write_bytecode = True

from model import addons, controlplane, drift, operations, rbac, tenants  # noqa: E402
from model.cluster import Cluster  # noqa: E402
from model.yaml import document  # noqa: E402

# Served, and there is none at the moment.
ABSENT = [
    "certificatesigningrequests.certificates.k8s.io",
    "ciliumclusterwidenetworkpolicies.cilium.io",
    "ciliumnetworkpolicies.cilium.io",
]

# Served by no CRD of this cluster: there is no mesh, no CSI driver for secrets, and nothing of what other platforms use.
NOT_SERVED = [
    "adminnetworkpolicies.policy.networking.k8s.io",
    "applications.argoproj.io",
    "authorizationpolicies.security.istio.io",
    "autoscalingrunnersets.actions.github.com",
    "backendtrafficpolicies.gateway.envoyproxy.io",
    "baselineadminnetworkpolicies.policy.networking.k8s.io",
    "clienttrafficpolicies.gateway.envoyproxy.io",
    "clusterimagepolicies.policy.sigstore.dev",
    "clusternetworkpolicies.crd.antrea.io",
    "clusternetworkpolicies.policy.networking.k8s.io",
    "clusters.postgresql.cnpg.io",
    "destinationrules.networking.istio.io",
    "ec2nodeclasses.karpenter.k8s.aws",
    "etcdsnapshotfiles.k3s.cattle.io",
    "felixconfigurations.crd.projectcalico.org",
    "gateways.networking.istio.io",
    "globalnetworkpolicies.crd.projectcalico.org",
    "globalnetworkpolicies.projectcalico.org",
    "imagevalidatingpolicies.policies.kyverno.io",
    "kustomizations.kustomize.toolkit.fluxcd.io",
    "networkpolicies.crd.antrea.io",
    "networkpolicies.crd.projectcalico.org",
    "networkpolicies.projectcalico.org",
    "objectstores.barmancloud.cnpg.io",
    "opentelemetrycollectors.opentelemetry.io",
    "peerauthentications.security.istio.io",
    "scheduledbackups.postgresql.cnpg.io",
    "secretproviderclasses.secrets-store.csi.x-k8s.io",
    "serviceentries.networking.istio.io",
    "sidecars.networking.istio.io",
    "verticalpodautoscalers.autoscaling.k8s.io",
]


def build(faults):
    cluster = Cluster()
    for part in (controlplane, rbac, addons, operations, tenants):
        part.build(cluster)
    for fault in faults:
        fault(cluster)
    cluster.derive()
    return cluster


def files(cluster):
    """The files of a dump by name."""
    out = {"dump.yaml": document({"absent": ABSENT, "collected_at": cluster.NOW, "not_served": NOT_SERVED})}
    for resource, items in cluster.by_resource().items():
        listing = {"apiVersion": "v1", "items": items, "kind": "List", "metadata": {"resourceVersion": ""}}
        out[f"{resource}.yaml"] = document(listing)
    return out


def main(check):
    differing = []
    for variant, faults in (("compliant", []), ("drifted", drift.FAULTS)):
        folder = Path(__file__).parent / variant
        wanted = files(build(faults))
        there = {path.name for path in folder.glob("*.yaml")} if folder.is_dir() else set()
        for name in sorted(there | set(wanted)):
            path, text = folder / name, wanted.get(name)
            if text is not None and path.is_file() and path.read_text(encoding="utf-8") == text:
                continue
            differing.append(path)
            if check:
                continue
            if text is None:
                path.unlink()
            else:
                folder.mkdir(exist_ok=True)
                path.write_text(text, encoding="utf-8")
    for path in differing:
        print(f"{'differs' if check else 'written'}: {path}", file=sys.stderr)
    return 1 if check and differing else 0


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))
