"""What of the cluster is EIDP's own: where it runs, its registry, its network and its volumes."""

import uuid

from lib.cluster import Cluster, digest


class Eidp(Cluster):
    """The cluster of EIDP: Cilium, and volumes of Ceph."""

    NAME = "eidp"
    DOMAIN = "eidp.example"
    UIDS = uuid.UUID("6f1d7c52-0a5e-4b1f-9a44-e1d900000000")
    REGISTRY = "registry.eidp.example"
    REGIONS = ("eu-central-1",)
    STORAGE_CLASS = "ceph-rbd-encrypted"
    AUTHORITY = "eidp-kubernetes-ca"

    def joined(self, node):
        """The agent tells its public key once its tunnel is up, for which the kernel needs a module."""
        name, kernel = node["metadata"]["name"], node["status"]["nodeInfo"]["kernelVersion"]
        keys = {"network.cilium.io/wg-pub-key": f"{digest(name)[:43]}="} if "deb13" in kernel else None
        self.add("cilium.io/v2", "CiliumNode", name, created=node["metadata"]["creationTimestamp"], annotations=keys, owner=node, spec={
            "addresses": [{"ip": address["address"], "type": address["type"]} for address in node["status"]["addresses"]
                          if address["type"].endswith("IP")],
            "encryption": {"key": 255} if keys else {}, "ipam": {"podCIDRs": [node["spec"]["podCIDR"]]},
        })

    def volume(self, name, claim, storage_class, zone):
        terms = [{"matchExpressions": [
            {"key": "topology.rbd.csi.ceph.com/region", "operator": "In", "values": [zone[:-1]]},
            {"key": "topology.rbd.csi.ceph.com/zone", "operator": "In", "values": [zone]},
        ]}]
        return {
            "csi": {"driver": "rbd.csi.ceph.com", "fsType": "ext4", "volumeAttributes": storage_class["parameters"],
                    "volumeHandle": f"0001-0004-eidp-{digest(name)[:16]}"},
            "nodeAffinity": {"required": {"nodeSelectorTerms": terms}},
        }
