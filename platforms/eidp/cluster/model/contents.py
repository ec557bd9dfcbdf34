"""What the dump of EIDP is made of."""

from lib import dump

from . import addons, controlplane, operations, rbac, tenants
from .platform import Eidp

# Served, and there is none at the moment.
ABSENT = [
    "certificateauthorities",
    "certificatesigningrequests.certificates.k8s.io",
    "ciliumclusterwidenetworkpolicies.cilium.io",
    "ciliumnetworkpolicies.cilium.io",
    # Of other sources: no mesh, no key service of a cloud, no tables of several tenants, no collector of OpenTelemetry, no
    # penetration test yet.
    "keys",
    "partitionings",
    "penetrationtests",
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


def cluster():
    """The platform as it should be."""
    made = Eidp()
    for part in (controlplane, rbac, addons, operations, tenants):
        part.build(made)
    return made
