"""Roles and bindings, and those that every API server makes by itself."""

GROUP = "rbac.authorization.k8s.io"
VERSION = f"{GROUP}/v1"
READ = ["get", "list", "watch"]
WRITE = ["create", "delete", "get", "list", "patch", "update", "watch"]


def rule(groups, resources, verbs, names=None):
    return {"apiGroups": groups, "resources": resources, "verbs": verbs} | ({"resourceNames": names} if names else {})


def paths(*urls):
    return {"nonResourceURLs": list(urls), "verbs": ["get"]}


def group(name):
    return {"apiGroup": GROUP, "kind": "Group", "name": name}


def user(name):
    return {"apiGroup": GROUP, "kind": "User", "name": name}


def service_account(namespace, name):
    return {"kind": "ServiceAccount", "name": name, "namespace": namespace}


def cluster_role(cluster, name, *rules, labels=None):
    cluster.add(VERSION, "ClusterRole", name, labels=labels, rules=list(rules))


def cluster_binding(cluster, name, role, *subjects, labels=None, created=None):
    cluster.add(VERSION, "ClusterRoleBinding", name, labels=labels, created=created, subjects=list(subjects),
                roleRef={"apiGroup": GROUP, "kind": "ClusterRole", "name": role})


def role(cluster, name, namespace, *rules, created=None):
    cluster.add(VERSION, "Role", name, namespace, created=created, rules=list(rules))


def binding(cluster, name, namespace, role_name, *subjects, kind="Role", created=None):
    cluster.add(VERSION, "RoleBinding", name, namespace, created=created, subjects=list(subjects),
                roleRef={"apiGroup": GROUP, "kind": kind, "name": role_name})


def controller(cluster, namespace, name, *rules):
    """A ClusterRole for one ServiceAccount, and its binding."""
    cluster_role(cluster, name, *rules)
    cluster_binding(cluster, name, name, service_account(namespace, name))


def bootstrapped(cluster):
    """The roles that the API server makes by itself, as far as a binding of this cluster needs them."""
    made = {"kubernetes.io/bootstrapping": "rbac-defaults"}
    cluster_role(cluster, "cluster-admin", rule(["*"], ["*"], ["*"]), {"nonResourceURLs": ["*"], "verbs": ["*"]}, labels=made)
    edit = [
        rule([""], ["pods/attach", "pods/exec", "pods/portforward", "pods/proxy", "secrets", "services/proxy"],
             READ + ["create", "delete", "patch", "update"]),
        rule([""], ["configmaps", "events", "persistentvolumeclaims", "pods", "serviceaccounts", "services"], WRITE),
        rule(["apps"], ["daemonsets", "deployments", "deployments/scale", "replicasets", "statefulsets", "statefulsets/scale"], WRITE),
        rule(["batch"], ["cronjobs", "jobs"], WRITE),
    ]
    cluster_role(cluster, "admin", *edit, rule([GROUP], ["rolebindings", "roles"], WRITE), labels=made)
    cluster_role(cluster, "edit", *edit, labels=made | {f"{GROUP}/aggregate-to-admin": "true"})
    cluster_role(cluster, "view", rule([""], ["configmaps", "endpoints", "events", "persistentvolumeclaims", "pods", "pods/log",
                                              "services"], READ),
                 rule(["apps"], ["daemonsets", "deployments", "replicasets", "statefulsets"], READ),
                 rule(["batch"], ["cronjobs", "jobs"], READ), rule(["networking.k8s.io"], ["ingresses", "networkpolicies"], READ),
                 labels=made | {f"{GROUP}/aggregate-to-edit": "true"})
    public = ["/healthz", "/livez", "/readyz", "/version", "/version/"]
    system = {
        "system:basic-user": [rule(["authentication.k8s.io"], ["selfsubjectreviews"], ["create"]),
                              rule(["authorization.k8s.io"], ["selfsubjectaccessreviews", "selfsubjectrulesreviews"], ["create"])],
        "system:discovery": [paths("/api", "/api/*", "/apis", "/apis/*", "/healthz", "/livez", "/openapi", "/openapi/*", "/readyz",
                                   "/version", "/version/")],
        "system:public-info-viewer": [paths(*public)],
        "system:monitoring": [paths("/healthz", "/healthz/*", "/livez", "/livez/*", "/metrics", "/metrics/slis", "/readyz", "/readyz/*")],
        "system:kube-scheduler": [rule([""], ["nodes", "persistentvolumeclaims", "persistentvolumes", "pods"], READ),
                                  rule([""], ["bindings", "pods/binding"], ["create"])],
        "system:kube-controller-manager": [rule([""], ["secrets"], READ), rule([""], ["serviceaccounts/token"], ["create"]),
                                           rule(["*"], ["*"], ["list", "watch"])],
        "system:node-bootstrapper": [rule(["certificates.k8s.io"], ["certificatesigningrequests"], ["create", "get", "list", "watch"])],
        "system:certificates.k8s.io:certificatesigningrequests:nodeclient": [
            rule(["certificates.k8s.io"], ["certificatesigningrequests/nodeclient"], ["create"])],
        "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient": [
            rule(["certificates.k8s.io"], ["certificatesigningrequests/selfnodeclient"], ["create"])],
        "system:auth-delegator": [rule(["authentication.k8s.io"], ["tokenreviews"], ["create"]),
                                  rule(["authorization.k8s.io"], ["subjectaccessreviews"], ["create"])],
        "system:controller:generic-garbage-collector": [rule(["*"], ["*"], ["delete", "get", "list", "patch", "update", "watch"])],
        "system:controller:namespace-controller": [rule(["*"], ["*"], ["delete", "deletecollection", "get", "list"])],
        "system:controller:replicaset-controller": [rule(["apps"], ["replicasets"], ["get", "list", "update", "watch"]),
                rule([""], ["pods"], WRITE)],
    }
    for name, rules in system.items():
        cluster_role(cluster, name, *rules, labels=made)
    bound = {
        "cluster-admin": [group("system:masters")],
        "system:basic-user": [group("system:authenticated")],
        "system:discovery": [group("system:authenticated")],
        "system:public-info-viewer": [group("system:authenticated"), group("system:unauthenticated")],
        "system:monitoring": [group("system:monitoring")],
        "system:kube-scheduler": [user("system:kube-scheduler")],
        "system:kube-controller-manager": [user("system:kube-controller-manager")],
    }
    for name, subjects in bound.items():
        cluster_binding(cluster, name, name, *subjects, labels=made)
    for name in system:
        if name.startswith("system:controller:"):
            account = name.removeprefix("system:controller:")
            cluster_binding(cluster, name, name, service_account("kube-system", account), labels=made)
            cluster.add("v1", "ServiceAccount", account, "kube-system")
    role(cluster, "extension-apiserver-authentication-reader", "kube-system",
         rule([""], ["configmaps"], READ, ["extension-apiserver-authentication"]))
