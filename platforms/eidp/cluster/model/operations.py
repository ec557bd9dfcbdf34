"""How the platform runs itself: backups, metrics and logs, its own API and console."""

from lib.backups import STATIC_KEYS, location, schedule, velero
from lib.certificates import certificate
from lib.monitoring import monitoring
from lib.network import allow_dns, default_deny, policy
from lib.rbac import READ, cluster_binding, cluster_role, controller, rule, service_account
from lib.workload import account, budget, container, deployment, labels_of, mounts, scaler, scratch, service


def build(cluster):
    backups(cluster)
    monitoring(cluster, bucket="eidp-prod-logs", endpoint="objects.eu-west-1.waterland.example", region="eu-west-1", log_hours=2160,
               metrics_days=90)
    platform_services(cluster)
    runners(cluster)


def backups(cluster):
    """Velero with a location in each region; every production namespace of a tenant has a daily schedule of its own."""
    velero(cluster, STATIC_KEYS)
    location(cluster, "primary", "eidp-prod-backups", "eu-west-1", "https://objects.eu-west-1.waterland.example", default=True)
    location(cluster, "secondary", "eidp-prod-backups-copy", "eu-central-1", "https://objects.eu-central-1.elbe.example")
    schedule(cluster, "platform-daily", ["eidp-system", "monitoring"], "40 0 * * *", location_name="secondary")
    # Each month a backup of a tenant is restored beside the original and compared with it.
    cluster.add("velero.io/v1", "Restore", "trial-2026-11", "velero", created="2026-11-17T09:02:11Z", spec={
        "backupName": "hansekontor-daily-20261117010004", "includedNamespaces": ["hansekontor-prod"],
        "namespaceMapping": {"hansekontor-prod": "restore-trial"},
    }, status={"completionTimestamp": "2026-11-17T09:20:48Z", "phase": "Completed", "progress": {"itemsRestored": 1052, "totalItems": 1052},
               "startTimestamp": "2026-11-17T09:02:11Z"})


def platform_services(cluster):
    """The API and the console by which tenants order what they need, and the account that reads the evidence for this workspace."""
    namespace = "eidp-system"
    cluster.namespace(namespace, pod_security="restricted", env="production", eidp_example__edge="public",
                      proofbook_dev__owner="team-platform")
    cluster.add("cert-manager.io/v1", "Issuer", "internal-ca", namespace, spec={"ca": {"secretName": "internal-ca"}}, status={
        "conditions": [{"lastTransitionTime": "2026-03-10T12:20:44Z", "reason": "KeyPairVerified", "status": "True", "type": "Ready"}]})
    certificate(cluster, "api-internal", namespace, ["api.eidp-system.svc", "api.eidp-system.svc.cluster.local"], "internal-ca",
                issuer_kind="Issuer")
    deployment(cluster, "api", namespace, [container(
        "api", cluster.image("eidp/api", "2026.45.2"), ports={"http": 8080}, cpu="250m", memory="512Mi",
        volumeMounts=mounts(config="/etc/eidp", tmp="/tmp"),
        env=[{"name": "OIDC_ISSUER", "value": "https://login.eidp.example/realms/platform"}, {"name": "REGION", "value": "eu-central-1"}],
    )], replicas=3, token=True, volumes=[{"configMap": {"name": "api-config"}, "name": "config"}, *scratch("tmp")])
    deployment(cluster, "console", namespace, [container(
        "console", cluster.image("eidp/console", "2026.46.0"), ports={"http": 8080}, volumeMounts=mounts(tmp="/tmp"),
        env=[{"name": "API_URL", "value": "https://api.eidp.example"}],
    )], replicas=3, volumes=scratch("tmp"))
    cluster.add("v1", "ConfigMap", "api-config", namespace,
                data={"settings.yaml": "regions:\n- eu-central-1\n- eu-west-1\nquota_class: standard\n"})
    for name in ("api", "console"):
        budget(cluster, name, namespace)
        service(cluster, name, namespace, {"http": 80})
        cluster.add("gateway.networking.k8s.io/v1", "HTTPRoute", name, namespace, spec={
            "hostnames": [f"{name}.eidp.example"], "parentRefs": [{"name": "public", "namespace": "edge", "sectionName": "https"}],
            "rules": [{"backendRefs": [{"name": name, "port": 80}], "matches": [{"path": {"type": "PathPrefix", "value": "/"}}]}],
        })
    scaler(cluster, "api", namespace, 3, 6)
    recommendation(cluster, "api", namespace)
    database(cluster, "console-db", namespace)
    cluster_role(cluster, "eidp:api", rule([""], ["limitranges", "namespaces", "resourcequotas"], READ + ["create", "patch"]),
               rule(["rbac.authorization.k8s.io"], ["rolebindings"], READ + ["create", "delete"]),
               rule(["networking.k8s.io"], ["networkpolicies"], READ + ["create", "patch"]))
    cluster_binding(cluster, "eidp:api", "eidp:api", service_account(namespace, "api"))
    account(cluster, "proofbook", namespace)
    controller(cluster, namespace, "proofbook",
               rule([""], ["configmaps", "namespaces", "nodes", "pods", "serviceaccounts", "services"], ["list"]),
               rule(["apps"], ["daemonsets", "deployments", "replicasets", "statefulsets"], ["list"]),
               rule(["networking.k8s.io"], ["ingresses", "networkpolicies"], ["list"]))
    default_deny(cluster, namespace)
    allow_dns(cluster, namespace)
    policy(cluster, "allow-edge", namespace, {}, ingress=[
        {"from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "edge"}}}], "ports": [{"port": 8080}]}])
    policy(cluster, "allow-kubernetes-api", namespace, labels_of("api"),
           egress=[{"ports": [{"port": 6443}], "to": [{"ipBlock": {"cidr": "10.20.0.0/16"}}]}])


def recommendation(cluster, name, namespace):
    """A vertical autoscaler that only says what it would ask for."""
    cluster.add("autoscaling.k8s.io/v1", "VerticalPodAutoscaler", name, namespace, spec={
        "targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}, "updatePolicy": {"updateMode": "Off"}})


def database(cluster, name, namespace):
    """The database of the console, of the newer kind: its log is archived, so that it can go back to a moment."""
    cluster.add("postgresql.cnpg.io/v1", "Cluster", name, namespace, spec={
        "backup": {"barmanObjectStore": {"destinationPath": "s3://eidp-prod-databases/console"}, "retentionPolicy": "30d"},
        "imageName": cluster.image("eidp/postgres", "18.1-3"), "instances": 3, "storage": {"size": "20Gi"},
    }, status={"conditions": [{"lastTransitionTime": "2026-03-12T08:00:00Z", "status": "True", "type": "ContinuousArchiving"}],
               "firstRecoverabilityPoint": "2026-10-21T02:05:11Z", "lastSuccessfulBackup": "2026-11-20T02:05:40Z", "readyInstances": 3})
    cluster.add("postgresql.cnpg.io/v1", "ScheduledBackup", name, namespace, spec={"cluster": {"name": name}, "schedule": "0 5 2 * * *"})


def runners(cluster):
    """Builds, each in a Pod that ends with its job and reaches the registry and the repository only."""
    cluster.namespace("runners", pod_security="restricted", proofbook_dev__owner="team-platform")
    default_deny(cluster, "runners")
    allow_dns(cluster, "runners")
    policy(cluster, "allow-https-out", "runners", {}, egress=[
        {"ports": [{"port": 443, "protocol": "TCP"}], "to": [{"ipBlock": {"cidr": "203.0.113.0/28"}}]}])
    runner = container("runner", cluster.image("eidp/runner", "2.330.0"), probes={}, cpu="1", memory="4Gi",
                       volumeMounts=mounts(work="/work"))
    cluster.add("actions.github.com/v1alpha1", "AutoscalingRunnerSet", "builds", "runners", spec={
        "githubConfigUrl": "https://git.eidp.example/platform", "maxRunners": 8, "minRunners": 0,
        "template": {"spec": {"automountServiceAccountToken": False, "containers": [runner], "restartPolicy": "Never",
                              "securityContext": {"runAsNonRoot": True, "runAsUser": 65532}, "volumes": scratch("work")}}})
