#!/usr/bin/env python3
"""Writes the two variants of Unstructured as dumps.

    ./generate.py            write compliant/ and drifted/
    ./generate.py --check    exit with 1 if what lies there differs from what would be written

The compliant variant is what model/ builds; the drifted one is the same with the faults of model/drift.py planted.
"""

import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from lib import dump  # noqa: E402
from model import drift, machines, observed, services  # noqa: E402
from model.platform import Unstructured  # noqa: E402

# Served, and there is none at the moment.
ABSENT = [
    "certificatesigningrequests.certificates.k8s.io",
    "cronjobs.batch",
    "externalsecrets.external-secrets.io",
    "ingressclasses.networking.k8s.io",
    "ingresses.networking.k8s.io",
    "issuers.cert-manager.io",
    "storageversionmigrations.storagemigration.k8s.io",
    # Of other sources: no probe of the edge's firewall, no store of secrets of its own, no tables of several customers.
    "partitionings",
    "tables",
]

# Served by no CRD of this cluster.
NOT_SERVED = [
    *dump.OTHER_POLICIES,
    "applications.argoproj.io",
    "autoscalingrunnersets.actions.github.com",
    "backendtrafficpolicies.gateway.envoyproxy.io",
    "ciliumclusterwidenetworkpolicies.cilium.io",
    "ciliumnetworkpolicies.cilium.io",
    "ciliumnodes.cilium.io",
    "clienttrafficpolicies.gateway.envoyproxy.io",
    "clusterimagepolicies.policy.sigstore.dev",
    "clusters.postgresql.cnpg.io",
    "etcdsnapshotfiles.k3s.cattle.io",
    "felixconfigurations.crd.projectcalico.org",
    "gatewayclasses.gateway.networking.k8s.io",
    "gateways.gateway.networking.k8s.io",
    "httproutes.gateway.networking.k8s.io",
    "imagevalidatingpolicies.policies.kyverno.io",
    "kustomizations.kustomize.toolkit.fluxcd.io",
    "middlewares.traefik.io",
    "objectstores.barmancloud.cnpg.io",
    "scheduledbackups.postgresql.cnpg.io",
    "tlsoptions.traefik.io",
    "verticalpodautoscalers.autoscaling.k8s.io",
]


def build(faults):
    cluster = Unstructured()
    for part in (machines, services):
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
