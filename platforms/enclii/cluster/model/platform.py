"""What of the cluster is Enclii's own: where it runs, its registry and its volumes."""

import uuid

from lib.cluster import Cluster, digest


class Enclii(Cluster):
    """The cluster of Enclii: k3s on three machines, with volumes of Longhorn."""

    NAME = "enclii"
    DOMAIN = "enclii.example"
    UIDS = uuid.UUID("6f1d7c52-0a5e-4b1f-9a44-e2d900000000")
    REGISTRY = "registry.enclii.example"
    REGIONS = ("fsn1", "nbg1")
    STORAGE_CLASS = "longhorn-encrypted"
    AUTHORITY = "enclii-k3s-ca"

    def volume(self, name, claim, storage_class, zone):
        terms = [{"matchExpressions": [{"key": "topology.kubernetes.io/region", "operator": "In", "values": list(self.REGIONS)}]}]
        return {
            "csi": {"driver": "driver.longhorn.io", "fsType": "ext4", "volumeAttributes": storage_class["parameters"],
                    "volumeHandle": f"pvc-{digest(name)[:16]}"},
            "nodeAffinity": {"required": {"nodeSelectorTerms": terms}},
        }
