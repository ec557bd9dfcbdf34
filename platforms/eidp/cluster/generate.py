#!/usr/bin/env python3
"""Writes the two variants of EIDP as dumps.

    ./generate.py            write compliant/ and drifted/
    ./generate.py --check    exit with 1 if what lies there differs from what would be written

The compliant variant is what model/ builds; the drifted one is the same with the faults of model/drift.py planted.
"""

import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from lib import dump  # noqa: E402
from model import addons, controlplane, drift, observed, operations, rbac, tenants  # noqa: E402
from model.platform import Eidp  # noqa: E402

# Served, and there is none at the moment.
ABSENT = [
    "certificatesigningrequests.certificates.k8s.io",
    "ciliumclusterwidenetworkpolicies.cilium.io",
    "ciliumnetworkpolicies.cilium.io",
    # Of other sources: no key service of a cloud, no tables of several tenants, no collector of OpenTelemetry.
    "keys",
    "partitionings",
    "pipelines",
    "tables",
]

# Served by no CRD of this cluster: there is no mesh, no CSI driver for secrets, and nothing of what other platforms use.
NOT_SERVED = [
    *dump.OTHER_POLICIES,
    "applications.argoproj.io",
    "authorizationpolicies.security.istio.io",
    "backendtrafficpolicies.gateway.envoyproxy.io",
    "clienttrafficpolicies.gateway.envoyproxy.io",
    "clusterimagepolicies.policy.sigstore.dev",
    "destinationrules.networking.istio.io",
    "ec2nodeclasses.karpenter.k8s.aws",
    "etcdsnapshotfiles.k3s.cattle.io",
    "felixconfigurations.crd.projectcalico.org",
    "gateways.networking.istio.io",
    "imagevalidatingpolicies.policies.kyverno.io",
    "kustomizations.kustomize.toolkit.fluxcd.io",
    "objectstores.barmancloud.cnpg.io",
    "opentelemetrycollectors.opentelemetry.io",
    "peerauthentications.security.istio.io",
    "secretproviderclasses.secrets-store.csi.x-k8s.io",
    "serviceentries.networking.istio.io",
    "sidecars.networking.istio.io",
]


def build(faults):
    cluster = Eidp()
    for part in (controlplane, rbac, addons, operations, tenants):
        part.build(cluster)
    changes = [fault(cluster) for fault in faults]
    cluster.derive()
    records = observed.records(cluster)
    for change in changes:
        if change:
            change(records)
    return dump.files(cluster, ABSENT, NOT_SERVED, records)


if __name__ == "__main__":
    variants = {"compliant": build([]), "drifted": build(drift.FAULTS)}
    sys.exit(dump.main(Path(__file__).parent, variants, "--check" in sys.argv[1:]))
