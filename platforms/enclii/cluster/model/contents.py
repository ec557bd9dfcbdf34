"""What the dump of Enclii is made of."""

from lib import dump

from . import machines, services, tenants
from .platform import Enclii

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


def cluster():
    """The platform as it should be."""
    made = Enclii()
    for part in (machines, services, tenants):
        part.build(made)
    return made
