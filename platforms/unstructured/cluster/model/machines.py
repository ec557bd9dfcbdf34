"""Machines of a managed Kubernetes, whose control plane the provider runs and does not show."""

from lib import system
from lib.cluster import digest
from lib.rbac import READ, controller, rule
from lib.workload import container, daemon_set, deployment, hostpath, mounts, probe

KUBELET = "v1.36.4-eks-3f2a91c"


def build(cluster):
    for name in ("default", "kube-system", "kube-public", "kube-node-lease"):
        cluster.namespace(name)
    cluster.add("v1", "Service", "kubernetes", "default", labels={"component": "apiserver", "provider": "kubernetes"}, spec={
        "clusterIP": "172.20.0.1", "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": 443}], "type": "ClusterIP",
    }, status={"loadBalancer": {}})
    for number, letter in enumerate("abc"):
        node(cluster, number, letter)
    cluster.add("v1", "ConfigMap", "extension-apiserver-authentication", "kube-system", data={"client-ca-file": cluster.root_ca})
    agents(cluster)
    services(cluster)
    cluster.add("storage.k8s.io/v1", "StorageClass", "gp3-encrypted", allowVolumeExpansion=True,
                annotations={"storageclass.kubernetes.io/is-default-class": "true"}, parameters={"encrypted": "true", "type": "gp3"},
                provisioner="ebs.csi.aws.com", reclaimPolicy="Delete", volumeBindingMode="WaitForFirstConsumer")
    cluster.add("snapshot.storage.k8s.io/v1", "VolumeSnapshotClass", "ebs", deletionPolicy="Retain", driver="ebs.csi.aws.com",
                labels={"velero.io/csi-volumesnapshot-class": "true"}, parameters={})


def node(cluster, number, letter, created=None):
    """A machine in a private subnet of a zone."""
    zone, address = f"us-east-1{letter}", f"10.60.{number + 1}.21"
    name = f"ip-10-60-{number + 1}-21.ec2.internal"
    added = cluster.add("v1", "Node", name, created=created, annotations={"proofbook.dev/patched-at": "2026-11-11T05:40:00Z"}, labels={
        "kubernetes.io/arch": "amd64", "kubernetes.io/hostname": name, "kubernetes.io/os": "linux",
        "karpenter.k8s.aws/ec2nodeclass": "default", "topology.kubernetes.io/region": "us-east-1", "topology.kubernetes.io/zone": zone,
    }, spec={"podCIDR": f"10.61.{number}.0/24", "providerID": f"aws:///{zone}/i-0{digest(name)[:16]}"})
    room = {"cpu": "32", "memory": "128Gi", "pods": "110"}
    added["status"] = {
        "addresses": [{"address": address, "type": "InternalIP"}, {"address": name, "type": "Hostname"}], "allocatable": room,
        "capacity": room, "conditions": system.conditions(added),
        "nodeInfo": {"architecture": "amd64", "containerRuntimeVersion": "containerd://2.2.1",
                     "kernelVersion": "6.12.55-74.119.amzn2023.x86_64",
                     "kubeletVersion": KUBELET, "operatingSystem": "linux", "osImage": "Bottlerocket OS 1.50.0 (aws-k8s-1.36)"},
    }
    return added


def agents(cluster):
    """What runs on every machine: the network with its policies, volumes, and the driver that mounts secrets."""
    cluster.add("karpenter.k8s.aws/v1", "EC2NodeClass", "default", spec={"blockDeviceMappings": [
        {"deviceName": "/dev/xvda", "ebs": {"encrypted": True, "volumeSize": "20Gi", "volumeType": "gp3"}},
        {"deviceName": "/dev/xvdb", "ebs": {"encrypted": True, "volumeSize": "200Gi", "volumeType": "gp3"}}]})
    wide = {"capabilities": {"add": ["NET_ADMIN", "NET_RAW"], "drop": ["ALL"]}, "readOnlyRootFilesystem": True}
    daemon_set(cluster, "aws-node", "kube-system", [
        container("aws-node", cluster.image("mirror/vpc-cni", "v1.21.1"), ports={"metrics": 61678}, probes=probe("/metrics", "metrics"),
                  security=wide, memory="256Mi"),
        container("aws-eks-nodeagent", cluster.image("mirror/network-policy-agent", "v1.3.0"), ports={"agent": 8162},
                  probes=probe("/metrics", "agent"), security={"privileged": True, "readOnlyRootFilesystem": True},
                  args=["--enable-ipv6=false", "--enable-network-policy=true", "--metrics-bind-addr=:8162"],
                  volumeMounts=mounts(bpf="/sys/fs/bpf")),
    ], token=True, root=True, hostNetwork=True, volumes=[hostpath("bpf", "/sys/fs/bpf", "DirectoryOrCreate")])
    node_driver(cluster, "ebs-csi-node", "ebs-plugin", "mirror/ebs-csi-driver", "v1.54.0", [])
    node_driver(cluster, "csi-secrets-store", "secrets-store", "mirror/secrets-store-csi-driver", "v1.5.5",
                ["--enable-secret-rotation=true", "--rotation-poll-interval=2m"])
    node_driver(cluster, "secrets-provider-aws", "provider", "mirror/secrets-store-provider-aws", "2.1.1", [])
    system.falco(cluster)
    controller(cluster, "kube-system", "aws-node", rule([""], ["namespaces", "nodes", "pods"], READ),
               rule(["networking.k8s.aws"], ["policyendpoints"], READ))
    controller(cluster, "kube-system", "csi-secrets-store", rule([""], ["pods"], READ),
               rule(["secrets-store.csi.x-k8s.io"], ["secretproviderclasses", "secretproviderclasspodstatuses"],
                    READ + ["create", "delete", "patch", "update"]))


def node_driver(cluster, name, label, path, tag, args):
    """A driver that mounts volumes for the kubelet."""
    daemon_set(cluster, name, "kube-system", [container(
        label, cluster.image(path, tag), ports={"metrics": 8095}, probes=probe("/healthz", "metrics"), memory="256Mi",
        security={"privileged": True, "readOnlyRootFilesystem": True}, args=args, volumeMounts=mounts(kubelet="/var/lib/kubelet"))],
        token=True, root=True, volumes=[hostpath("kubelet", "/var/lib/kubelet")])


def services(cluster):
    system.coredns(cluster, ".:53 {\n    errors\n    health\n    ready\n    kubernetes cluster.local in-addr.arpa ip6.arpa\n"
                   "    forward . /etc/resolv.conf\n    cache 30\n}\n", "172.20.0.10")
    deployment(cluster, "karpenter", "kube-system", [container(
        "controller", cluster.image("mirror/karpenter", "1.9.0"), ports={"metrics": 8080, "health": 8081},
        probes=probe("/healthz", "health"),
        memory="512Mi")], replicas=2, token=True)
    controller(cluster, "kube-system", "karpenter", rule([""], ["nodes", "pods"], READ),
               rule([""], ["nodes"], ["create", "delete", "patch"]),
               rule(["karpenter.sh"], ["nodeclaims", "nodepools"], READ + ["create", "delete", "patch"]))
