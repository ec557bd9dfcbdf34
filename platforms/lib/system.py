"""What every cluster of the platforms runs for itself, and the state of a node that is well."""

from .rbac import READ, controller, rule
from .workload import RESTRICTED, container, daemon_set, deployment, hostpath, mounts, probe, scratch, service


def conditions(node):
    """The conditions of a node that is well."""
    return [{"lastHeartbeatTime": "2026-11-20T02:58:11Z", "lastTransitionTime": node["metadata"]["creationTimestamp"], "reason": reason,
             "status": status, "type": kind} for kind, status, reason in [
                 ("MemoryPressure", "False", "KubeletHasSufficientMemory"), ("DiskPressure", "False", "KubeletHasNoDiskPressure"),
                 ("PIDPressure", "False", "KubeletHasSufficientPID"), ("Ready", "True", "KubeletReady")]]


def coredns(cluster, corefile, address):
    """The name server of the cluster at a cluster address."""
    cluster.add("v1", "ConfigMap", "coredns", "kube-system", data={"Corefile": corefile})
    security = RESTRICTED | {"capabilities": {"add": ["NET_BIND_SERVICE"], "drop": ["ALL"]}}
    deployment(cluster, "coredns", "kube-system", [container(
        "coredns", cluster.image("mirror/coredns", "v1.13.1"), ports={"dns-tcp": 53, "metrics": 9153}, probes=probe("/health", 8080),
        memory="170Mi", cpu="100m", security=security, args=["-conf", "/etc/coredns/Corefile"], volumeMounts=mounts(config="/etc/coredns"),
    )], replicas=2, token=True, volumes=[{"configMap": {"name": "coredns"}, "name": "config"}])
    service(cluster, "kube-dns", "kube-system", {"dns-tcp": 53, "metrics": 9153}, app="coredns", clusterIP=address)
    controller(cluster, "kube-system", "coredns", rule([""], ["namespaces", "pods", "services"], READ),
               rule(["discovery.k8s.io"], ["endpointslices"], READ))


def metrics_server(cluster):
    deployment(cluster, "metrics-server", "kube-system", [container(
        "metrics-server", cluster.image("mirror/metrics-server", "v0.8.0"), ports={"https": 10250},
        probes=probe("/livez", "https", "HTTPS"), cpu="100m", memory="200Mi", args=["--cert-dir=/tmp", "--secure-port=10250"],
        volumeMounts=mounts(tmp="/tmp"))], token=True, volumes=scratch("tmp"))
    service(cluster, "metrics-server", "kube-system", {"https": 443})
    controller(cluster, "kube-system", "metrics-server", rule([""], ["nodes/metrics"], ["get"]),
               rule([""], ["namespaces", "nodes", "pods"], READ))


def falco(cluster):
    """Watches what processes do on every machine."""
    daemon_set(cluster, "falco", "kube-system", [container(
        "falco", cluster.image("mirror/falco", "0.43.0"), ports={"http": 8765}, probes=probe("/healthz", "http"), memory="512Mi",
        security={"privileged": True, "readOnlyRootFilesystem": True}, volumeMounts=mounts(procfs="/host/proc", tmp="/tmp"))],
        token=True, root=True, volumes=[hostpath("procfs", "/proc"), *scratch("tmp")])
    controller(cluster, "kube-system", "falco", rule([""], ["namespaces", "pods"], READ))


def external_secret(cluster, name, namespace, tenant, store, *keys):
    """An ExternalSecret that brings keys of a tenant from a store."""
    cluster.add("external-secrets.io/v1", "ExternalSecret", name, namespace, spec={
        "data": [{"remoteRef": {"key": f"{tenant}/{name}", "property": key}, "secretKey": key} for key in keys],
        "refreshInterval": "1h", "secretStoreRef": {"kind": "ClusterSecretStore", "name": store},
        "target": {"creationPolicy": "Owner", "name": name},
    }, status={"conditions": [{"lastTransitionTime": "2026-11-12T09:00:12Z", "message": "secret synced", "reason": "SecretSynced",
                               "status": "True", "type": "Ready"}],
               "refreshTime": "2026-11-20T02:41:12Z"})
