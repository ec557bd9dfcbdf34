"""Workloads with the settings that the platform gives every template: no root, no privileges, limits, probes, an own account."""

from .cluster import digest

RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
}


def probe(path, port, scheme="HTTP"):
    """Both health probes of a container."""
    check = {"httpGet": {"path": path, "port": port, "scheme": scheme}, "periodSeconds": 10}
    return {"livenessProbe": check, "readinessProbe": dict(check)}


def command_probe(*command):
    """Both health probes by a command in the container."""
    check = {"exec": {"command": list(command)}, "periodSeconds": 15}
    return {"livenessProbe": check, "readinessProbe": dict(check)}


def container(name, image, *, ports=None, probes=None, cpu="50m", memory="128Mi", security=None, **rest):
    """A container; `ports` by their names."""
    return {
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "name": name,
        **({"ports": [{"containerPort": port, "name": label, "protocol": "TCP"} for label, port in ports.items()]} if ports else {}),
        **(probes if probes is not None else probe("/healthz", next(iter(ports.values())))),
        "resources": {"limits": {"memory": memory}, "requests": {"cpu": cpu, "memory": memory}},
        "securityContext": security or dict(RESTRICTED),
        **rest,
    }


def template(labels, containers, *, account, token=False, root=False, spread=None, **rest):
    """A pod template; `token` where the program calls the API, `spread` is the label that replicas are spread by."""
    security = {"seccompProfile": {"type": "RuntimeDefault"}}
    security |= {"runAsUser": 0} if root else {"fsGroup": 65532, "runAsNonRoot": True, "runAsUser": 65532}
    spec = {
        "automountServiceAccountToken": token,
        "containers": containers,
        "dnsPolicy": "ClusterFirst",
        "restartPolicy": "Always",
        "securityContext": security,
        "serviceAccountName": account,
        **rest,
    }
    if spread:
        spec["topologySpreadConstraints"] = [{
            "labelSelector": {"matchLabels": dict(labels)}, "maxSkew": 1,
            "topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "ScheduleAnyway",
        }]
    return {"metadata": {"labels": dict(labels)}, "spec": spec}


def account(cluster, name, namespace, created=None):
    """A ServiceAccount whose token is mounted only where a Pod asks for it."""
    cluster.add("v1", "ServiceAccount", name, namespace, created=created, automountServiceAccountToken=False)


def labels_of(name):
    return {"app.kubernetes.io/name": name}


def deployment(cluster, name, namespace, containers, *, replicas=1, account_name=None, created=None, **rest):
    """A Deployment with its own ServiceAccount, unless another one is named."""
    labels = labels_of(name)
    if account_name is None:
        account(cluster, name, namespace, created)
    pod = template(labels, containers, account=account_name or name, spread=replicas > 1, **rest)
    return cluster.add("apps/v1", "Deployment", name, namespace, labels=labels, created=created, spec={
        "progressDeadlineSeconds": 600, "replicas": replicas, "revisionHistoryLimit": 3, "selector": {"matchLabels": labels},
        "strategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}, "type": "RollingUpdate"}, "template": pod,
    })


def stateful_set(cluster, name, namespace, containers, *, replicas=1, storage=None, created=None, **rest):
    """A StatefulSet with its own ServiceAccount and a volume `data` of the given size for each replica."""
    labels = labels_of(name)
    account(cluster, name, namespace, created)
    pod = template(labels, containers, account=name, spread=replicas > 1, **rest)
    claims = [{"metadata": {"name": "data"}, "spec": claim_spec(storage, cluster.STORAGE_CLASS)}] if storage else []
    return cluster.add("apps/v1", "StatefulSet", name, namespace, labels=labels, created=created, spec={
        "podManagementPolicy": "OrderedReady", "replicas": replicas, "selector": {"matchLabels": labels}, "serviceName": name,
        "template": pod, "updateStrategy": {"type": "RollingUpdate"}, "volumeClaimTemplates": claims,
    })


def daemon_set(cluster, name, namespace, containers, *, everywhere=True, **rest):
    """A DaemonSet with its own ServiceAccount; `everywhere` means on control-plane nodes too."""
    labels = labels_of(name)
    account(cluster, name, namespace)
    tolerations = [{"operator": "Exists"}] if everywhere else []
    pod = template(labels, containers, account=name, tolerations=tolerations, **rest)
    return cluster.add("apps/v1", "DaemonSet", name, namespace, labels=labels, spec={
        "revisionHistoryLimit": 3, "selector": {"matchLabels": labels}, "template": pod,
        "updateStrategy": {"rollingUpdate": {"maxUnavailable": 1}, "type": "RollingUpdate"},
    })


def claim_spec(size, storage_class):
    return {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}},
            "storageClassName": storage_class, "volumeMode": "Filesystem"}


def service(cluster, name, namespace, ports, *, app=None, created=None, **spec):
    """A Service for the Pods of `app`; `ports` by their names."""
    listed = [{"name": label, "port": port, "protocol": "TCP", "targetPort": label} for label, port in ports.items()]
    return cluster.add("v1", "Service", name, namespace, labels=labels_of(app or name), created=created, spec={
        "clusterIP": cluster_ip(name, namespace), "ports": listed, "selector": labels_of(app or name), "type": "ClusterIP", **spec,
    }, status={"loadBalancer": {}})


def cluster_ip(name, namespace):
    number = int(digest(f"{namespace}/{name}")[:4], 16)
    return f"10.96.{number // 256}.{number % 256}"


def budget(cluster, name, namespace, created=None, **spec):
    """A PodDisruptionBudget that lets one Pod of `name` go at a time, unless told otherwise."""
    spec = spec or {"maxUnavailable": 1}
    return cluster.add("policy/v1", "PodDisruptionBudget", name, namespace, created=created,
                       spec={"selector": {"matchLabels": labels_of(name)}, **spec})


def hostpath(name, path, kind="Directory"):
    return {"hostPath": {"path": path, "type": kind}, "name": name}


def scratch(*names):
    """Volumes for what a program writes beside its data."""
    return [{"emptyDir": {"sizeLimit": "1Gi"}, "name": name} for name in names]


def mounts(**paths):
    """Mounts by the names of their volumes."""
    return [{"mountPath": path, "name": name.replace("_", "-")} for name, path in paths.items()]


def scaler(cluster, name, namespace, least, most, created=None):
    cluster.add("autoscaling/v2", "HorizontalPodAutoscaler", name, namespace, created=created, spec={
        "maxReplicas": most, "minReplicas": least,
        "metrics": [{"resource": {"name": "cpu", "target": {"averageUtilization": 70, "type": "Utilization"}}, "type": "Resource"}],
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
    }, status={"currentReplicas": least, "desiredReplicas": least})
