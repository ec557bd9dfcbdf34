#!/usr/bin/env python3
"""Writes the two variants of Enclii as dumps.

    ./generate.py            write compliant/ and drifted/
    ./generate.py --check    exit with 1 if what lies there differs from what would be written

The compliant variant is what model/ builds; the drifted one is the same with the faults of model/drift.py planted.
"""

import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from lib import dump  # noqa: E402
from model import drift, machines, observed, services, tenants  # noqa: E402
from model.platform import Enclii  # noqa: E402

# Served, and there is none at the moment.
ABSENT = [
    "certificatesigningrequests.certificates.k8s.io",
    "cronjobs.batch",
    "destinationrules.networking.istio.io",
    "gateways.networking.istio.io",
    "issuers.cert-manager.io",
    "jobs.batch",
    "serviceentries.networking.istio.io",
    "sidecars.networking.istio.io",
    "storageversionmigrations.storagemigration.k8s.io",
    # Of other sources: no key service, no tables that belong to several customers, no collector of OpenTelemetry.
    "keys",
    "partitionings",
    "pipelines",
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
    "ec2nodeclasses.karpenter.k8s.aws",
    "felixconfigurations.crd.projectcalico.org",
    "gatewayclasses.gateway.networking.k8s.io",
    "gateways.gateway.networking.k8s.io",
    "httproutes.gateway.networking.k8s.io",
    "imagevalidatingpolicies.policies.kyverno.io",
    "kustomizations.kustomize.toolkit.fluxcd.io",
    "objectstores.barmancloud.cnpg.io",
    "opentelemetrycollectors.opentelemetry.io",
    "scheduledbackups.postgresql.cnpg.io",
    "secretproviderclasses.secrets-store.csi.x-k8s.io",
    "verticalpodautoscalers.autoscaling.k8s.io",
]


def build(faults):
    cluster = Enclii()
    for part in (machines, services, tenants):
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
