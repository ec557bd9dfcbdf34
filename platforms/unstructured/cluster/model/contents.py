"""What the dump of Unstructured is made of."""

from lib import dump

from . import machines, services
from .platform import Unstructured

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


def cluster():
    """The platform as it should be."""
    made = Unstructured()
    for part in (machines, services):
        part.build(made)
    return made
