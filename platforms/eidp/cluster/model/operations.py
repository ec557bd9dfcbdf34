"""How the platform runs itself: backups, metrics and logs, its own API and console."""

from .addons import certificate, scaler
from lib.network import allow_dns, allow_within, default_deny, policy
from lib.rbac import READ, binding, cluster_binding, cluster_role, controller, role, rule, service_account
from lib.workload import account, budget, container, daemon_set, deployment, hostpath, labels_of, mounts, probe, scratch, service, stateful_set


def build(cluster):
    backups(cluster)
    monitoring(cluster)
    platform_services(cluster)


def backups(cluster):
    """Velero with a location in each region; every production namespace of a tenant has a daily schedule of its own."""
    cluster.namespace("velero", proofbook_dev__owner="team-platform")
    path = cluster.image("mirror/velero", "v1.18.0")
    deployment(cluster, "velero", "velero", [container(
        "velero", path, ports={"metrics": 8085}, probes=probe("/metrics", "metrics"), cpu="200m", memory="512Mi",
        args=["server", "--default-backup-ttl=720h0m0s", "--features=EnableCSI"],
        volumeMounts=mounts(plugins="/plugins", scratch="/scratch", tmp="/tmp"),
        env=[{"name": "AWS_SHARED_CREDENTIALS_FILE", "value": "/credentials/cloud"}],
    )], token=True, volumes=scratch("plugins", "scratch", "tmp"))
    daemon_set(cluster, "node-agent", "velero", [container(
        "node-agent", path, ports={"metrics": 8085}, probes=probe("/metrics", "metrics"), memory="1Gi", args=["node-agent", "server"],
        security={"allowPrivilegeEscalation": False, "capabilities": {"add": ["DAC_READ_SEARCH"], "drop": ["ALL"]},
                  "readOnlyRootFilesystem": True},
        volumeMounts=mounts(pods="/host_pods", scratch="/scratch"),
    )], everywhere=False, token=True, root=True, volumes=[hostpath("pods", "/var/lib/kubelet/pods"), *scratch("scratch")])
    cluster_binding(cluster, "velero", "cluster-admin", service_account("velero", "velero"))
    role(cluster, "node-agent", "velero", rule(["velero.io"], ["datadownloads", "datauploads", "podvolumebackups", "podvolumerestores"],
                                               READ + ["patch", "update"]),
         rule([""], ["pods"], READ))
    binding(cluster, "node-agent", "velero", "node-agent", service_account("velero", "node-agent"))
    location(cluster, "primary", "eidp-prod-backups", "eu-west-1", "https://objects.eu-west-1.waterland.example", default=True)
    location(cluster, "secondary", "eidp-prod-backups-copy", "eu-central-1", "https://objects.eu-central-1.elbe.example")
    schedule(cluster, "platform-daily", ["eidp-system", "monitoring"], "40 0 * * *", location_name="secondary")
    # Each month a backup of a tenant is restored beside the original and compared with it.
    cluster.add("velero.io/v1", "Restore", "trial-2026-11", "velero", created="2026-11-17T09:02:11Z", spec={
        "backupName": "hansekontor-daily-20261117010004", "includedNamespaces": ["hansekontor-prod"],
        "namespaceMapping": {"hansekontor-prod": "restore-trial"},
    }, status={"completionTimestamp": "2026-11-17T09:20:48Z", "phase": "Completed", "progress": {"itemsRestored": 1052, "totalItems": 1052},
               "startTimestamp": "2026-11-17T09:02:11Z"})


def location(cluster, name, bucket, region, url, default=False, created=None, **config):
    config = config or {"kmsKeyId": "vault-transit-eidp-backups"}
    cluster.add("velero.io/v1", "BackupStorageLocation", name, "velero", created=created, spec={
        "accessMode": "ReadWrite", "config": {"region": region, "s3ForcePathStyle": "true", "s3Url": url, **config}, "default": default,
        "objectStorage": {"bucket": bucket}, "provider": "aws",
    }, status={"lastSyncedTime": "2026-11-20T02:59:20Z", "lastValidationTime": "2026-11-20T02:59:31Z", "phase": "Available"})


def schedule(cluster, name, namespaces, cron, *, ttl="720h0m0s", location_name="primary", created=None):
    """A Schedule, and its newest five backups: older ones are left out of the dump, so that it stays readable."""
    spec = {"includedNamespaces": namespaces, "snapshotMoveData": True, "snapshotVolumes": True, "storageLocation": location_name,
            "ttl": ttl}
    cluster.add("velero.io/v1", "Schedule", name, "velero", created=created,
                spec={"schedule": cron, "skipImmediately": False, "template": spec, "useOwnerReferencesInBackup": False},
                status={"lastBackup": f"2026-11-20T{cron.split()[1]:0>2}:{cron.split()[0]:0>2}:04Z", "phase": "Enabled"})
    for day in range(16, 21):
        backup(cluster, name, day)


def backup(cluster, schedule_name, day):
    """The backup that a Schedule made on a day of November."""
    plan = cluster.get("Schedule", schedule_name, "velero")["spec"]
    minute, hour, *_ = plan["schedule"].split()
    start = f"2026-11-{day:02}T{hour:0>2}:{minute:0>2}"
    stamp = start.replace("-", "").replace("T", "").replace(":", "")
    items = 400 + 37 * len(schedule_name) + day
    cluster.add("velero.io/v1", "Backup", f"{schedule_name}-{stamp}04", "velero", created=f"{start}:04Z",
                labels={"velero.io/schedule-name": schedule_name, "velero.io/storage-location": plan["template"]["storageLocation"]},
                spec=dict(plan["template"]), status={
                    "completionTimestamp": f"{start}:53Z", "expiration": f"2026-12-{day:02}T{hour:0>2}:{minute:0>2}:04Z",
                    "formatVersion": "1.1.0",
                    "phase": "Completed", "progress": {"itemsBackedUp": items, "totalItems": items}, "startTimestamp": f"{start}:04Z",
                    "version": 1,
                })


LOKI = """\
auth_enabled: true
server:
  http_listen_port: 3100
common:
  replication_factor: 1
  storage:
    s3:
      bucketnames: eidp-prod-logs
      endpoint: objects.eu-west-1.waterland.example
      region: eu-west-1
limits_config:
  retention_period: 2160h
  max_query_parallelism: 16
compactor:
  working_directory: /data/compactor
  retention_enabled: true
  delete_request_store: s3
"""


def monitoring(cluster):
    """Metrics in Prometheus for 90 days, logs in Loki for 90 days, read on every node by Alloy."""
    cluster.namespace("monitoring", proofbook_dev__owner="team-observability")
    cluster.add("v1", "ConfigMap", "loki", "monitoring", data={"loki.yaml": LOKI})
    cluster.add("v1", "ConfigMap", "prometheus-args", "monitoring", data={
        "args": "--config.file=/etc/prometheus/prometheus.yml --storage.tsdb.path=/data "
                "--storage.tsdb.retention.time=90d --web.enable-lifecycle"})
    cluster.add("v1", "ConfigMap", "prometheus", "monitoring", data={"prometheus.yml": """\
global:
  scrape_interval: 30s
scrape_configs:
- job_name: pods
  kubernetes_sd_configs:
  - role: pod
"""})
    cluster.add("v1", "ConfigMap", "alloy", "monitoring", data={"config.alloy": """\
loki.source.kubernetes "pods" {
  targets    = discovery.kubernetes.pods.targets
  forward_to = [loki.write.central.receiver]
}
loki.source.file "audit" {
  targets    = [{__path__ = "/var/log/kubernetes/audit/audit.log", job = "audit"}]
  forward_to = [loki.write.central.receiver]
}
"""})
    stateful_set(cluster, "prometheus", "monitoring", [container(
        "prometheus", cluster.image("mirror/prometheus", "v3.8.0"), ports={"http": 9090}, probes=probe("/-/healthy", "http"), cpu="500m",
        memory="4Gi",
        command=["/bin/sh", "-c", "exec prometheus $(cat /etc/prometheus-args/args)"],
        volumeMounts=mounts(args="/etc/prometheus-args", config="/etc/prometheus", data="/data"),
    )], storage="200Gi", token=True, volumes=[{"configMap": {"name": "prometheus"}, "name": "config"},
                                              {"configMap": {"name": "prometheus-args"}, "name": "args"}])
    stateful_set(cluster, "loki", "monitoring", [container(
        "loki", cluster.image("mirror/loki", "3.6.2"), ports={"http": 3100}, probes=probe("/ready", "http"), cpu="500m", memory="2Gi",
        args=["-config.file=/etc/loki/loki.yaml", "-config.expand-env=true"], volumeMounts=mounts(config="/etc/loki", data="/data"),
    )], storage="50Gi", volumes=[{"configMap": {"name": "loki"}, "name": "config"}])
    daemon_set(cluster, "alloy", "monitoring", [container(
        "alloy", cluster.image("mirror/alloy", "v1.12.0"), ports={"http": 12345}, probes=probe("/-/ready", "http"), memory="512Mi",
        args=["run", "/etc/alloy/config.alloy", "--storage.path=/tmp/alloy"],
        volumeMounts=mounts(audit="/var/log/kubernetes/audit", config="/etc/alloy", logs="/var/log/pods", tmp="/tmp"),
    )], token=True, root=True, volumes=[{"configMap": {"name": "alloy"}, "name": "config"}, hostpath("logs", "/var/log/pods"),
                                        hostpath("audit", "/var/log/kubernetes/audit", "DirectoryOrCreate"), *scratch("tmp")])
    deployment(cluster, "kube-state-metrics", "monitoring", [container(
        "kube-state-metrics", cluster.image("mirror/kube-state-metrics", "v2.18.0"), ports={"http": 8080}, probes=probe("/livez", "http"))],
            token=True)
    for name, ports in (("prometheus", {"http": 9090}), ("loki", {"http": 3100}), ("kube-state-metrics", {"http": 8080})):
        service(cluster, name, "monitoring", ports)
    controller(cluster, "monitoring", "prometheus", rule([""], ["endpoints", "nodes", "nodes/metrics", "pods", "services"], READ),
               {"nonResourceURLs": ["/metrics"], "verbs": ["get"]})
    controller(cluster, "monitoring", "alloy", rule([""], ["namespaces", "nodes", "pods", "pods/log"], READ))
    controller(cluster, "monitoring", "kube-state-metrics",
               rule([""], ["namespaces", "nodes", "persistentvolumeclaims", "persistentvolumes", "pods", "resourcequotas", "services"],
                    READ),
               rule(["apps"], ["daemonsets", "deployments", "replicasets", "statefulsets"], READ),
               rule(["batch"], ["cronjobs", "jobs"], READ))
    default_deny(cluster, "monitoring")
    allow_dns(cluster, "monitoring")
    allow_within(cluster, "monitoring")
    policy(cluster, "allow-scraping", "monitoring", labels_of("prometheus"),
           egress=[{"to": [{"namespaceSelector": {}}], "ports": [{"port": 8080}, {"port": 9090}, {"port": 9100}, {"port": 9402}]}])


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
