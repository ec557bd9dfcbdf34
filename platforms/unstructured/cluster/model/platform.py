"""What of the cluster is Unstructured's own: where it runs, its registry and its volumes."""

import uuid

from lib.cluster import Cluster, digest


class Unstructured(Cluster):
    """The cluster of Unstructured: a managed Kubernetes, with volumes of the same cloud."""

    NAME = "unstructured"
    DOMAIN = "unstructured.example"
    UIDS = uuid.UUID("6f1d7c52-0a5e-4b1f-9a44-e3d900000000")
    REGISTRY = "registry.unstructured.example"
    REGIONS = ("us-east-1",)
    STORAGE_CLASS = "gp3-encrypted"
    AUTHORITY = "unstructured-kubernetes-ca"

    def volume(self, name, claim, storage_class, zone):
        terms = [{"matchExpressions": [{"key": "topology.kubernetes.io/zone", "operator": "In", "values": [zone]},
                                       {"key": "topology.kubernetes.io/region", "operator": "In", "values": [zone[:-1]]}]}]
        return {"csi": {"driver": "ebs.csi.aws.com", "fsType": "ext4", "volumeHandle": f"vol-0{digest(name)[:16]}"},
                "nodeAffinity": {"required": {"nodeSelectorTerms": terms}}}
