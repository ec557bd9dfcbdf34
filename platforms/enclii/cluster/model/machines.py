"""Three servers of k3s, which run workloads too, and what k3s brings with it."""

import json

from lib import system
from lib.rbac import READ, controller, rule
from lib.workload import container, daemon_set, hostpath, mounts, probe

K3S = "v1.36.6+k3s1"
AUDIT = "/var/lib/rancher/k3s/server/logs"
ARGUMENTS = [
    "server",
    "--protect-kernel-defaults", "true",
    "--secrets-encryption", "true",
    "--flannel-backend", "wireguard-native",
    "--disable", "traefik", "--disable", "servicelb", "--disable", "local-storage",
    "--kube-apiserver-arg", "anonymous-auth=false",
    "--kube-apiserver-arg", f"audit-log-path={AUDIT}/audit.log",
    "--kube-apiserver-arg", "audit-policy-file=/var/lib/rancher/k3s/server/audit.yaml",
    "--kube-apiserver-arg", "audit-log-maxage=30",
    "--kubelet-arg", "seccomp-default=true",
    "--kubelet-arg", "pod-max-pids=4096",
    "--kubelet-arg", "streaming-connection-idle-timeout=5m",
    "--etcd-snapshot-schedule-cron", "0 */6 * * *",
    "--etcd-s3", "true",
]
MACHINES = (("enclii-1", "10.40.1.11", "fsn1", "fsn1-dc14"), ("enclii-2", "10.40.1.12", "nbg1", "nbg1-dc3"),
            ("enclii-3", "10.40.1.13", "fsn1", "fsn1-dc17"))


def build(cluster):
    for name in ("default", "kube-system", "kube-public", "kube-node-lease"):
        cluster.namespace(name)
    cluster.add("v1", "Service", "kubernetes", "default", labels={"component": "apiserver", "provider": "kubernetes"}, spec={
        "clusterIP": "10.43.0.1", "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": 6443}], "type": "ClusterIP",
    }, status={"loadBalancer": {}})
    for number, (name, address, region, zone) in enumerate(MACHINES):
        node(cluster, name, address, region, zone, number)
    cluster.add("v1", "ConfigMap", "extension-apiserver-authentication", "kube-system", data={"client-ca-file": cluster.root_ca})
    system.coredns(cluster, ".:53 {\n    errors\n    health\n    ready\n    kubernetes cluster.local in-addr.arpa ip6.arpa\n"
                   "    forward . 10.40.1.53\n    cache 30\n}\n", "10.43.0.10")
    system.metrics_server(cluster)
    storage(cluster)
    snapshots(cluster)


def node(cluster, name, address, region, zone, number, created=None):
    """A server of k3s: a dedicated machine with an encrypted disk, patched in the last round of updates."""
    added = cluster.add("v1", "Node", name, created=created, annotations={
        "flannel.alpha.coreos.com/backend-type": "wireguard", "k3s.io/encryption-config-hash": "reencrypt_finished-7d1f0c9be2a4",
        "k3s.io/node-args": json.dumps(ARGUMENTS, separators=(",", ":")), "proofbook.dev/patched-at": "2026-11-11T05:40:00Z",
    }, labels={
        "kubernetes.io/arch": "amd64", "kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "node.enclii.example/disk": "luks",
        "node-role.kubernetes.io/control-plane": "true", "topology.kubernetes.io/region": region, "topology.kubernetes.io/zone": zone,
    }, spec={"podCIDR": f"10.42.{number}.0/24", "providerID": f"hcloud://{48210031 + number}"})
    room = {"cpu": "24", "memory": "128Gi", "pods": "110"}
    added["status"] = {
        "addresses": [{"address": address, "type": "InternalIP"}, {"address": name, "type": "Hostname"}], "allocatable": room,
        "capacity": room, "conditions": system.conditions(added),
        "nodeInfo": {"architecture": "amd64", "containerRuntimeVersion": "containerd://2.2.1-k3s1", "kernelVersion": "6.12.57+deb13-amd64",
                     "kubeletVersion": K3S, "operatingSystem": "linux", "osImage": "Debian GNU/Linux 13 (trixie)"},
    }
    return added


def storage(cluster):
    """Longhorn: each volume is encrypted with a key of its own, and kept on two machines."""
    cluster.namespace("longhorn-system", proofbook_dev__owner="team-infrastructure")
    cluster.add("storage.k8s.io/v1", "StorageClass", "longhorn-encrypted", allowVolumeExpansion=True,
                annotations={"storageclass.kubernetes.io/is-default-class": "true"},
                parameters={"csi.storage.k8s.io/node-stage-secret-name": "longhorn-crypto", "encrypted": "true", "numberOfReplicas": "2"},
                provisioner="driver.longhorn.io", reclaimPolicy="Delete", volumeBindingMode="WaitForFirstConsumer")
    cluster.add("snapshot.storage.k8s.io/v1", "VolumeSnapshotClass", "longhorn", deletionPolicy="Retain", driver="driver.longhorn.io",
                labels={"velero.io/csi-volumesnapshot-class": "true"}, parameters={"type": "bak"})
    daemon_set(cluster, "longhorn-manager", "longhorn-system", [container(
        "manager", cluster.image("mirror/longhorn-manager", "v1.10.1"), ports={"http": 9500}, probes=probe("/v1/healthz", "http"),
        memory="512Mi", security={"privileged": True, "readOnlyRootFilesystem": True},
        volumeMounts=mounts(dev="/host/dev", longhorn="/var/lib/longhorn"))], token=True, root=True,
        volumes=[hostpath("dev", "/dev"), hostpath("longhorn", "/var/lib/longhorn")])
    controller(cluster, "longhorn-system", "longhorn-manager",
               rule([""], ["nodes", "persistentvolumeclaims", "persistentvolumes", "pods"], READ + ["patch", "update"]),
               rule(["storage.k8s.io"], ["csinodes", "storageclasses", "volumeattachments"], READ),
               rule(["longhorn.io"], ["engines", "nodes", "replicas", "volumes"], READ + ["create", "delete", "patch", "update"]))


def snapshots(cluster):
    """Snapshots of the datastore, which k3s takes every six hours and keeps in the bucket of the backups."""
    for hour in ("18", "00"):
        day = "19" if hour == "18" else "20"
        name = f"s3-etcd-snapshot-enclii-1-202611{day}{hour}"
        cluster.add("k3s.cattle.io/v1", "ETCDSnapshotFile", name, created=f"2026-11-{day}T{hour}:00:09Z", spec={
            "location": f"s3://enclii-etcd/{name}", "nodeName": "s3", "s3": {"bucket": "enclii-etcd"}, "snapshotName": name,
        }, status={"creationTime": f"2026-11-{day}T{hour}:00:05Z", "readyToUse": True, "size": "48Mi"})
