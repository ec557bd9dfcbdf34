"""Nodes, the namespaces of Kubernetes, and the control plane as kubeadm sets it up: static Pods with their flags."""

from lib import system
from lib.cluster import digest, public_pem
from lib.workload import account, container, hostpath, labels_of, mounts, probe, scratch, template

KUBERNETES = "v1.36.6"
ZONES = ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
PKI = "/etc/kubernetes/pki"
COREFILE = """\
.:53 {
    errors
    health
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa
    prometheus :9153
    forward . 10.20.0.53
    cache 30
}
"""


def build(cluster):
    for name in ("default", "kube-system", "kube-public", "kube-node-lease"):
        cluster.namespace(name)
    cluster.add("v1", "Service", "kubernetes", "default", labels={"component": "apiserver", "provider": "kubernetes"}, spec={
        "clusterIP": "10.96.0.1", "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": 6443}], "type": "ClusterIP",
    }, status={"loadBalancer": {}})
    for number, zone in enumerate(ZONES, 1):
        node(cluster, f"eidp-prod-cp-{number}", f"10.20.{number}.11", zone, control_plane=True)
        node(cluster, f"eidp-prod-w-{number}", f"10.20.{number}.21", zone)
    for number in range(1, 4):
        static_pods(cluster, f"eidp-prod-cp-{number}")
    config_maps(cluster)
    # Encryption was there before the first tenant, and everything that kubeadm had written by then was written again.
    cluster.add("storagemigration.k8s.io/v1beta1", "StorageVersionMigration", "secrets", created="2026-03-10T09:31:07Z",
                spec={"resource": {"group": "", "resource": "secrets"}}, status={"conditions": [
                    {"lastTransitionTime": "2026-03-10T09:31:44Z", "reason": "StorageVersionMigrationSucceeded", "status": "True",
                     "type": "Succeeded"}]})
    system.coredns(cluster, COREFILE, "10.96.0.10")
    system.metrics_server(cluster)
    etcd_backup(cluster)


def node(cluster, name, address, zone, *, control_plane=False, version=KUBERNETES, created=None):
    """A node: a virtual machine of the platform's own, on an encrypted disk, patched in the last round of updates."""
    cores, memory = ("4", "16Gi") if control_plane else ("16", "64Gi")
    role = {"node-role.kubernetes.io/control-plane": ""} if control_plane else {"node.eidp.example/pool": "workers"}
    taints = [{"effect": "NoSchedule", "key": "node-role.kubernetes.io/control-plane"}] if control_plane else []
    subnet = int(address.split(".")[2]) + (0 if control_plane else 10)
    added = cluster.add("v1", "Node", name, created=created, annotations={"proofbook.dev/patched-at": "2026-11-11T05:40:00Z"}, labels={
        "beta.kubernetes.io/arch": "amd64", "beta.kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "node.eidp.example/disk": "luks",
        "topology.kubernetes.io/region": zone[:-1],
        "topology.kubernetes.io/zone": zone, **role,
    }, spec={"podCIDR": f"10.244.{subnet}.0/24"} | ({"taints": taints} if taints else {}))
    added["status"] = {
        "addresses": [{"address": address, "type": "InternalIP"}, {"address": name, "type": "Hostname"}],
        "allocatable": {"cpu": cores, "memory": memory, "pods": "110"}, "capacity": {"cpu": cores, "memory": memory, "pods": "110"},
        "conditions": system.conditions(added),
        "nodeInfo": {"architecture": "amd64", "containerRuntimeVersion": "containerd://2.2.1", "kernelVersion": "6.12.57+deb13-cloud-amd64",
                     "kubeletVersion": version, "operatingSystem": "linux", "osImage": "Debian GNU/Linux 13 (trixie)"},
    }
    return added


def apiserver_flags(address):
    etcd = ",".join(f"https://10.20.{member}.11:2379" for member in range(1, 4))
    return [
        "kube-apiserver",
        f"--advertise-address={address}",
        "--allow-privileged=true",
        "--anonymous-auth=false",
        "--audit-log-maxage=30",
        "--audit-log-maxbackup=20",
        "--audit-log-maxsize=200",
        "--audit-log-path=/var/log/kubernetes/audit/audit.log",
        "--audit-policy-file=/etc/kubernetes/audit/policy.yaml",
        "--authorization-mode=Node,RBAC",
        f"--client-ca-file={PKI}/ca.crt",
        "--enable-admission-plugins=NodeRestriction",
        "--encryption-provider-config=/etc/kubernetes/encryption/config.yaml",
        f"--etcd-cafile={PKI}/etcd/ca.crt",
        f"--etcd-certfile={PKI}/apiserver-etcd-client.crt",
        f"--etcd-keyfile={PKI}/apiserver-etcd-client.key",
        f"--etcd-servers={etcd}",
        f"--kubelet-client-certificate={PKI}/apiserver-kubelet-client.crt",
        f"--kubelet-client-key={PKI}/apiserver-kubelet-client.key",
        "--oidc-client-id=eidp-kubernetes",
        "--oidc-groups-claim=groups",
        "--oidc-groups-prefix=oidc:",
        "--oidc-issuer-url=https://login.eidp.example/realms/platform",
        "--oidc-username-prefix=oidc:",
        "--profiling=false",
        "--secure-port=6443",
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
        f"--service-account-key-file={PKI}/sa.pub",
        f"--service-account-signing-key-file={PKI}/sa.key",
        "--service-cluster-ip-range=10.96.0.0/16",
        f"--tls-cert-file={PKI}/apiserver.crt",
        "--tls-min-version=VersionTLS13",
        f"--tls-private-key-file={PKI}/apiserver.key",
    ]


def etcd_flags(address, name):
    members = ",".join(f"eidp-prod-cp-{member}=https://10.20.{member}.11:2380" for member in range(1, 4))
    return [
        "etcd",
        f"--advertise-client-urls=https://{address}:2379",
        f"--cert-file={PKI}/etcd/server.crt",
        "--client-cert-auth=true",
        "--data-dir=/var/lib/etcd",
        f"--initial-advertise-peer-urls=https://{address}:2380",
        f"--initial-cluster={members}",
        f"--key-file={PKI}/etcd/server.key",
        f"--listen-client-urls=https://127.0.0.1:2379,https://{address}:2379",
        "--listen-metrics-urls=http://127.0.0.1:2381",
        f"--listen-peer-urls=https://{address}:2380",
        f"--name={name}",
        f"--peer-cert-file={PKI}/etcd/peer.crt",
        "--peer-client-cert-auth=true",
        f"--peer-key-file={PKI}/etcd/peer.key",
        f"--peer-trusted-ca-file={PKI}/etcd/ca.crt",
        f"--trusted-ca-file={PKI}/etcd/ca.crt",
    ]


def manager_flags(name, port):
    kubeconfig = f"/etc/kubernetes/{name.removeprefix('kube-')}.conf"
    accounts = ["--use-service-account-credentials=true"] if name == "kube-controller-manager" else []
    return [name, f"--authentication-kubeconfig={kubeconfig}", f"--authorization-kubeconfig={kubeconfig}", "--bind-address=127.0.0.1",
            f"--kubeconfig={kubeconfig}", "--leader-elect=true", "--profiling=false", f"--secure-port={port}",
            "--tls-min-version=VersionTLS13", *accounts]


def static_pods(cluster, node_name):
    """The four Pods that the kubelet of a control-plane node runs from files."""
    owner = cluster.get("Node", node_name)
    address = owner["status"]["addresses"][0]["address"]
    # Without anonymous requests the usual probes over HTTPS would be refused, so these look whether the port answers.
    answers = {"tcpSocket": {"host": address, "port": 6443}, "periodSeconds": 10}
    parts = {
        "etcd": (cluster.image("mirror/etcd", "3.6.6-0"), etcd_flags(address, node_name), probe("/livez", 2381)),
        "kube-apiserver": (cluster.image("mirror/kube-apiserver", KUBERNETES), apiserver_flags(address),
                           {"livenessProbe": answers, "readinessProbe": answers}),
        "kube-controller-manager": (cluster.image("mirror/kube-controller-manager", KUBERNETES),
                                    manager_flags("kube-controller-manager", 10257),
                                    probe("/healthz", 10257, "HTTPS")),
        "kube-scheduler": (cluster.image("mirror/kube-scheduler", KUBERNETES), manager_flags("kube-scheduler", 10259),
                           probe("/healthz", 10259, "HTTPS")),
    }
    for name, (path, flags, probes) in parts.items():
        pod = container(name, path, probes=probes, cpu="250m", memory="2Gi" if name in ("etcd", "kube-apiserver") else "512Mi",
                        command=flags)
        pod["volumeMounts"] = mounts(pki=PKI)
        spec = {
            "containers": [pod], "dnsPolicy": "ClusterFirst", "hostNetwork": True, "nodeName": node_name,
            "priorityClassName": "system-node-critical", "restartPolicy": "Always",
            "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
            "tolerations": [{"effect": "NoExecute", "operator": "Exists"}], "volumes": [hostpath("pki", PKI, "DirectoryOrCreate")],
        }
        cluster.add("v1", "Pod", f"{name}-{node_name}", "kube-system", created="2026-11-11", owner=owner,
                    labels={"component": name, "tier": "control-plane"},
                    annotations={"kubernetes.io/config.hash": digest(f"{name}{node_name}")[:32], "kubernetes.io/config.source": "file"},
                    spec=spec, status=cluster.pod_status(node_name, name, "2026-11-11T08:14:02Z", spec=spec))


def config_maps(cluster):
    cluster.add("v1", "ConfigMap", "extension-apiserver-authentication", "kube-system",
                data={"client-ca-file": public_pem("eidp-kubernetes-ca"),
                      "requestheader-client-ca-file": public_pem("eidp-front-proxy-ca")})
    cluster.add("v1", "ConfigMap", "kubeadm-config", "kube-system", data={"ClusterConfiguration": f"""\
apiVersion: kubeadm.k8s.io/v1beta4
clusterName: eidp-prod
controlPlaneEndpoint: api.eidp.internal:6443
kind: ClusterConfiguration
kubernetesVersion: {KUBERNETES}
networking:
  dnsDomain: cluster.local
  podSubnet: 10.244.0.0/16
  serviceSubnet: 10.96.0.0/16
"""})
    cluster.add("v1", "ConfigMap", "kubelet-config", "kube-system", data={"kubelet": """\
apiVersion: kubelet.config.k8s.io/v1beta1
authentication:
  anonymous:
    enabled: false
  webhook:
    enabled: true
  x509:
    clientCAFile: /etc/kubernetes/pki/ca.crt
authorization:
  mode: Webhook
kind: KubeletConfiguration
podPidsLimit: 4096
protectKernelDefaults: true
rotateCertificates: true
seccompDefault: true
serverTLSBootstrap: true
tlsMinVersion: VersionTLS13
"""})
    cluster.add("v1", "ConfigMap", "cluster-info", "kube-public", data={"kubeconfig": """\
apiVersion: v1
clusters:
- cluster:
    server: https://api.eidp.internal:6443
  name: ""
kind: Config
"""})


def etcd_backup(cluster):
    """The daily snapshot of etcd, which needs etcd's own certificate and therefore the disk of a control-plane node."""
    account(cluster, "etcd-backup", "kube-system")
    labels = labels_of("etcd-backup")
    pod = template(labels, [container(
        "snapshot", cluster.image("eidp/etcd-backup", "1.8.2"), probes={}, cpu="100m", memory="512Mi", env=[
            {"name": "ETCDCTL_ENDPOINTS", "value": "https://127.0.0.1:2379"},
            {"name": "TARGET", "value": "s3://eidp-prod-etcd/snapshots"},
        ], args=["--keep-days=30", "--encrypt"], volumeMounts=mounts(etcd_pki=f"{PKI}/etcd", tmp="/tmp"),
    )], account="etcd-backup", root=True, hostNetwork=True, nodeName="eidp-prod-cp-1",
        volumes=[hostpath("etcd-pki", f"{PKI}/etcd"), *scratch("tmp")])
    pod["spec"]["restartPolicy"] = "OnFailure"
    cluster.add("batch/v1", "CronJob", "etcd-backup", "kube-system", labels=labels, spec={
        "concurrencyPolicy": "Forbid", "failedJobsHistoryLimit": 3, "jobTemplate": {"spec": {"backoffLimit": 2, "template": pod}},
        "schedule": "20 1 * * *", "successfulJobsHistoryLimit": 1, "suspend": False,
    }, status={"lastScheduleTime": "2026-11-20T01:20:00Z", "lastSuccessfulTime": "2026-11-20T01:23:41Z"})
