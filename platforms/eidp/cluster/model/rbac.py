"""Roles and bindings: kubeadm's, and those of the platform's own groups."""

from lib.rbac import GROUP, READ, WRITE, binding, bootstrapped, cluster_binding, cluster_role, group, role, rule


def build(cluster):
    bootstrapped(cluster)
    kubeadm(cluster)
    platform(cluster)


def kubeadm(cluster):
    """What `kubeadm init` leaves, without the anonymous access to cluster-info: it was taken away when the last node had joined."""
    cluster_role(cluster, "kubeadm:get-nodes", rule([""], ["nodes"], ["get"]))
    bootstrappers = group("system:bootstrappers:kubeadm:default-node-token")
    cluster_binding(cluster, "kubeadm:cluster-admins", "cluster-admin", group("kubeadm:cluster-admins"))
    cluster_binding(cluster, "kubeadm:get-nodes", "kubeadm:get-nodes", bootstrappers)
    cluster_binding(cluster, "kubeadm:kubelet-bootstrap", "system:node-bootstrapper", bootstrappers)
    requests = "system:certificates.k8s.io:certificatesigningrequests"
    cluster_binding(cluster, "kubeadm:node-autoapprove-bootstrap", f"{requests}:nodeclient", bootstrappers)
    cluster_binding(cluster, "kubeadm:node-autoapprove-certificate-rotation", f"{requests}:selfnodeclient", group("system:nodes"))
    for name in ("kubeadm-config", "kubelet-config"):
        role(cluster, f"kubeadm:{name}", "kube-system", rule([""], ["configmaps"], ["get"], [name]))
        binding(cluster, f"kubeadm:{name}", "kube-system", f"kubeadm:{name}", bootstrappers, group("system:nodes"))


def platform(cluster):
    """The groups of the identity provider: operators without Secrets and shells, auditors, and what a tenant's people may do."""
    cluster_role(cluster, "eidp:operator",
                 rule([""], ["configmaps", "events", "namespaces", "nodes", "persistentvolumeclaims", "persistentvolumes", "pods",
                             "pods/log", "services"], READ),
                 rule([""], ["pods/eviction"], ["create"]), rule([""], ["nodes"], ["patch"]),
                 rule(["apps"], ["daemonsets", "deployments", "replicasets", "statefulsets"], READ + ["patch"]),
                 rule(["velero.io"], ["backups", "restores", "schedules"], WRITE))
    cluster_role(cluster, "eidp:auditor", rule([GROUP], ["clusterrolebindings", "clusterroles", "rolebindings", "roles"], READ),
                 rule(["networking.k8s.io"], ["ingresses", "networkpolicies"], READ), rule([""], ["namespaces", "nodes", "services"], READ))
    cluster_role(cluster, "eidp:tenant-developer",
                 rule([""], ["configmaps", "persistentvolumeclaims", "services"], WRITE), rule([""], ["events", "pods", "pods/log"], READ),
                 rule(["apps"], ["deployments", "statefulsets"], WRITE), rule(["apps"], ["replicasets"], READ),
                 rule(["autoscaling"], ["horizontalpodautoscalers"], WRITE), rule(["batch"], ["cronjobs", "jobs"], WRITE),
                 rule(["external-secrets.io"], ["externalsecrets"], WRITE), rule(["networking.k8s.io"], ["ingresses"], WRITE),
                 rule(["gateway.networking.k8s.io"], ["httproutes"], WRITE), rule(["policy"], ["poddisruptionbudgets"], WRITE))
    cluster_binding(cluster, "eidp:operators", "eidp:operator", group("oidc:eidp-operators"))
    cluster_binding(cluster, "eidp:auditors", "eidp:auditor", group("oidc:eidp-auditors"))
