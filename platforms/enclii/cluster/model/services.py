"""What Enclii runs for all customers: the tunnel, the mesh, the login, Lockbox, backups, monitoring and its own services."""

from lib import certificates, policies
from lib.backups import STATIC_KEYS, location, schedule, velero
from lib.monitoring import monitoring
from lib.network import allow_dns, default_deny, policy
from lib.rbac import READ, WRITE, bootstrapped, cluster_binding, cluster_role, controller, group, role, rule, binding, service_account
from lib.system import falco
from lib.workload import account, budget, container, daemon_set, deployment, mounts, probe, scaler, scratch, service

from .machines import AUDIT

# The label by which a namespace is in the mesh without sidecars.
AMBIENT = {"istio.io/dataplane-mode": "ambient"}
R2 = "https://7f3c.eu.r2.cloudflarestorage.example"


def build(cluster):
    bootstrapped(cluster)
    roles(cluster)
    edge(cluster)
    mesh(cluster)
    falco(cluster)
    certificates.manager(cluster, "https://acme.ca.example/directory", solver={"dns01": {"cloudflare": {"email": "dns@enclii.example"}}})
    certificates.certificate(cluster, "public-tls", "edge", ["app.enclii.example", "api.enclii.example", "docs.enclii.example"],
                             "public-acme")
    external_secrets(cluster)
    admission(cluster)
    backups(cluster)
    monitoring(cluster, bucket="enclii-logs", endpoint="fsn1.objects.enclii.example", region="fsn1", log_hours=720, metrics_days=90,
               audit=AUDIT)
    platform(cluster)


def roles(cluster):
    """The four roles of the documentation, and the two groups of the provider's own people."""
    cluster_role(cluster, "enclii:viewer", rule([""], ["events", "pods", "services"], READ),
                 rule(["apps"], ["deployments", "replicasets", "statefulsets"], READ))
    cluster_role(cluster, "enclii:developer", rule([""], ["configmaps", "services"], WRITE),
                 rule([""], ["events", "pods", "pods/log"], READ),
                 rule(["apps"], ["deployments", "statefulsets"], WRITE), rule(["batch"], ["cronjobs", "jobs"], WRITE))
    cluster_role(cluster, "enclii:admin", rule([""], ["configmaps", "persistentvolumeclaims", "services"], WRITE),
                 rule([""], ["events", "pods", "pods/log"], READ), rule(["apps"], ["deployments", "statefulsets"], WRITE),
                 rule(["batch"], ["cronjobs", "jobs"], WRITE), rule(["external-secrets.io"], ["externalsecrets"], WRITE))
    cluster_role(cluster, "enclii:owner", rule([""], ["events", "namespaces", "resourcequotas"], READ),
                 rule(["rbac.authorization.k8s.io"], ["rolebindings"], READ))
    cluster_role(cluster, "enclii:operator",
                 rule([""], ["configmaps", "events", "namespaces", "nodes", "pods", "pods/log", "services"], READ),
                 rule(["apps"], ["daemonsets", "deployments", "statefulsets"], READ),
                 rule(["velero.io"], ["backups", "restores", "schedules"], WRITE))
    cluster_binding(cluster, "enclii:operators", "enclii:operator", group("oidc:enclii-operators"))


def edge(cluster):
    """The tunnel to the edge network is the only way in; Traefik behind it answers inside of the cluster only."""
    cluster.namespace("edge", pod_security="restricted", env="production", proofbook_dev__owner="team-infrastructure")
    deployment(cluster, "cloudflared", "edge", [container(
        "cloudflared", cluster.image("mirror/cloudflared", "2026.11.0"), ports={"metrics": 2000}, probes=probe("/ready", "metrics"),
        args=["tunnel", "--no-autoupdate", "--metrics=0.0.0.0:2000", "run"], volumeMounts=mounts(token="/etc/cloudflared"))],
        replicas=3, volumes=[{"name": "token", "secret": {"secretName": "tunnel"}}])
    budget(cluster, "cloudflared", "edge")
    deployment(cluster, "traefik", "edge", [container(
        "traefik", cluster.image("mirror/traefik", "v3.6.4"), ports={"websecure": 8443, "metrics": 9100}, probes=probe("/ping", "metrics"),
        cpu="500m", memory="512Mi", volumeMounts=mounts(tmp="/tmp"), args=[
            "--entrypoints.websecure.address=:8443", "--entrypoints.websecure.http.middlewares=edge-rate-limit@kubernetescrd",
            "--entrypoints.websecure.http.tls=true", "--metrics.prometheus=true", "--ping=true", "--providers.kubernetescrd=true",
            "--providers.kubernetesingress=true", "--providers.kubernetesingress.ingressclass=traefik"])],
        replicas=3, token=True, volumes=scratch("tmp"))
    budget(cluster, "traefik", "edge")
    service(cluster, "traefik", "edge", {"websecure": 443})
    controller(cluster, "edge", "traefik", rule([""], ["namespaces", "secrets", "services"], READ),
               rule(["discovery.k8s.io"], ["endpointslices"], READ), rule(["networking.k8s.io"], ["ingressclasses", "ingresses"], READ),
               rule(["traefik.io"], ["middlewares", "tlsoptions"], READ))
    cluster.add("networking.k8s.io/v1", "IngressClass", "traefik", annotations={"ingressclass.kubernetes.io/is-default-class": "true"},
                spec={"controller": "traefik.io/ingress-controller"})
    cluster.add("traefik.io/v1alpha1", "TLSOption", "default", "edge", spec={"minVersion": "VersionTLS13", "sniStrict": True})
    cluster.add("traefik.io/v1alpha1", "Middleware", "rate-limit", "edge",
                spec={"rateLimit": {"average": 50, "burst": 100, "period": "1s"}})
    default_deny(cluster, "edge")
    allow_dns(cluster, "edge")
    policy(cluster, "allow-edge", "edge", {}, ingress=[{"from": [{"podSelector": {}}], "ports": [{"port": 8443}]}],
           egress=[{"to": [{"namespaceSelector": {"matchLabels": {"enclii.example/edge": "public"}}}]},
                   {"ports": [{"port": 7844}], "to": [{"ipBlock": {"cidr": "198.51.100.0/24"}}]}])


def mesh(cluster):
    """Istio without sidecars: what goes from Pod to Pod is encrypted, and both sides show who they are."""
    cluster.namespace("istio-system", proofbook_dev__owner="team-infrastructure")
    deployment(cluster, "istiod", "istio-system", [container(
        "discovery", cluster.image("mirror/pilot", "1.29.1"), ports={"grpc": 15010, "http": 8080}, probes=probe("/ready", "http"),
        memory="1Gi", volumeMounts=mounts(tmp="/tmp"))], replicas=2, token=True, volumes=scratch("tmp"))
    budget(cluster, "istiod", "istio-system")
    daemon_set(cluster, "ztunnel", "istio-system", [container(
        "ztunnel", cluster.image("mirror/ztunnel", "1.29.1"), ports={"readiness": 15021}, probes=probe("/healthz/ready", "readiness"),
        memory="512Mi", security={"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                                  "capabilities": {"add": ["NET_ADMIN", "NET_RAW", "SYS_ADMIN"], "drop": ["ALL"]}})], token=True, root=True)
    controller(cluster, "istio-system", "istiod", rule([""], ["endpoints", "namespaces", "nodes", "pods", "services"], READ),
               rule(["networking.istio.io", "security.istio.io"], ["authorizationpolicies", "destinationrules", "peerauthentications"],
                    READ))
    cluster.add("security.istio.io/v1", "PeerAuthentication", "default", "istio-system", spec={"mtls": {"mode": "STRICT"}})


def external_secrets(cluster):
    """Brings what customers keep in Lockbox to their namespaces."""
    cluster.namespace("external-secrets", pod_security="restricted", proofbook_dev__owner="team-platform")
    deployment(cluster, "external-secrets", "external-secrets", [container(
        "external-secrets", cluster.image("mirror/external-secrets", "v1.2.0"), ports={"metrics": 8080, "live": 8082},
        probes=probe("/healthz", "live"), args=["--concurrent=2", "--live-addr=:8082"])], token=True)
    controller(cluster, "external-secrets", "external-secrets",
               rule(["external-secrets.io"], ["clustersecretstores", "externalsecrets", "secretstores"], READ + ["patch", "update"]),
               rule([""], ["secrets"], READ + ["create", "delete", "patch", "update"]), rule([""], ["namespaces", "serviceaccounts"], READ),
               rule([""], ["serviceaccounts/token"], ["create"]))


def admission(cluster):
    policies.engine(cluster)
    policies.cluster_policies(cluster)
    policies.exception(cluster, "node-agents", "kyverno", ["restrict-host-access"], "2027-03-31", [
        {"kinds": ["DaemonSet", "Pod"], "names": ["alloy*", "falco*", "longhorn-manager*", "node-agent*", "ztunnel*"],
         "namespaces": ["istio-system", "kube-system", "longhorn-system", "monitoring", "velero"]}])
    policies.built_in(cluster)
    policies.webhooks(cluster)


def backups(cluster):
    """Velero, into a bucket of another provider under the jurisdiction of the European Union."""
    velero(cluster, STATIC_KEYS)
    location(cluster, "r2", "enclii-backups", "eu", R2, default=True, customerKeyEncryptionFile="/credentials/key")
    schedule(cluster, "platform-daily", ["enclii-system", "janua", "lockbox", "monitoring"], "40 0 * * *", location_name="r2")
    cluster.add("velero.io/v1", "Restore", "trial-2026-11", "velero", created="2026-11-12T09:02:11Z", spec={
        "backupName": "kornblume-daily-20261112010004", "includedNamespaces": ["kornblume-prod"],
        "namespaceMapping": {"kornblume-prod": "restore-trial"},
    }, status={"completionTimestamp": "2026-11-12T09:14:20Z", "phase": "Completed", "progress": {"itemsRestored": 318, "totalItems": 318},
               "startTimestamp": "2026-11-12T09:02:11Z"})


def platform(cluster):
    """Enclii's own services: API, console and builder; Janua for logins; Lockbox for secrets."""
    for namespace, programs in (("enclii-system", {"api": 8080, "console": 8080, "builder": 8080}), ("janua", {"janua": 8080}),
                                ("lockbox", {"lockbox": 8200})):
        cluster.namespace(namespace, pod_security="restricted", env="production", enclii_example__edge="public",
                          proofbook_dev__owner="team-platform", **AMBIENT)
        for name, port in programs.items():
            deployment(cluster, name, namespace, [container(
                name, cluster.image(f"enclii/{name}", "2026.46.1"), ports={"http": port}, cpu="250m", memory="512Mi",
                volumeMounts=mounts(tmp="/tmp"))], replicas=3, volumes=scratch("tmp"), token=name == "api")
            budget(cluster, name, namespace)
            service(cluster, name, namespace, {"http": port})
        default_deny(cluster, namespace)
        allow_dns(cluster, namespace)
        policy(cluster, "allow-edge", namespace, {}, ingress=[
            {"from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "edge"}}}], "ports": [{"port": 8080}]}])
    scaler(cluster, "api", "enclii-system", 3, 6)
    policy(cluster, "allow-kubernetes-api", "enclii-system", {"app.kubernetes.io/name": "api"},
           egress=[{"ports": [{"port": 6443}], "to": [{"ipBlock": {"cidr": "10.40.0.0/16"}}]}])
    for name in ("api", "console"):
        cluster.add("networking.k8s.io/v1", "Ingress", name, "enclii-system", spec={
            "ingressClassName": "traefik", "rules": [{"host": f"{'app' if name == 'console' else name}.enclii.example", "http": {"paths": [
                {"backend": {"service": {"name": name, "port": {"number": 8080}}}, "path": "/", "pathType": "Prefix"}]}}],
            "tls": [{"hosts": [f"{'app' if name == 'console' else name}.enclii.example"], "secretName": "public-tls"}]})
    cluster_role(cluster, "enclii:api", rule([""], ["limitranges", "namespaces", "resourcequotas"], READ + ["create", "patch"]),
                 rule(["networking.k8s.io"], ["networkpolicies"], READ + ["create", "patch"]))
    cluster_binding(cluster, "enclii:api", "enclii:api", service_account("enclii-system", "api"))
    account(cluster, "proofbook", "enclii-system")
    controller(cluster, "enclii-system", "proofbook",
               rule([""], ["configmaps", "namespaces", "nodes", "pods", "serviceaccounts", "services"], ["list"]),
               rule(["apps"], ["daemonsets", "deployments", "replicasets", "statefulsets"], ["list"]),
               rule(["networking.k8s.io"], ["ingresses", "networkpolicies"], ["list"]))
    role(cluster, "backup-readers", "velero", rule(["velero.io"], ["backups"], READ))
    binding(cluster, "backup-readers", "velero", "backup-readers", group("oidc:enclii-operators"))
