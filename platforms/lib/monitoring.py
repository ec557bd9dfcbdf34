"""Prometheus, Loki and the agent that reads the logs of a node."""

from .network import allow_dns, allow_within, default_deny, policy
from .rbac import READ, controller, rule
from .workload import container, daemon_set, deployment, hostpath, labels_of, mounts, probe, scratch, service, stateful_set

LOKI = """\
auth_enabled: true
server:
  http_listen_port: 3100
common:
  replication_factor: 1
  storage:
    s3:
      bucketnames: {bucket}
      endpoint: {endpoint}
      region: {region}
limits_config:
  retention_period: {hours}h
  max_query_parallelism: 16
compactor:
  working_directory: /data/compactor
  retention_enabled: true
  delete_request_store: s3
"""


def monitoring(cluster, *, bucket, endpoint, region, log_hours, metrics_days, audit="/var/log/kubernetes/audit"):
    """Metrics in Prometheus and logs in Loki, read on every node by Alloy; `audit` is where an API server writes its log."""
    cluster.namespace("monitoring", proofbook_dev__owner="team-observability")
    cluster.add("v1", "ConfigMap", "loki", "monitoring", data={
        "loki.yaml": LOKI.format(bucket=bucket, endpoint=endpoint, region=region, hours=log_hours)})
    cluster.add("v1", "ConfigMap", "prometheus-args", "monitoring", data={
        "args": "--config.file=/etc/prometheus/prometheus.yml --storage.tsdb.path=/data "
                f"--storage.tsdb.retention.time={metrics_days}d --web.enable-lifecycle"})
    cluster.add("v1", "ConfigMap", "prometheus", "monitoring", data={"prometheus.yml": """\
global:
  scrape_interval: 30s
scrape_configs:
- job_name: pods
  kubernetes_sd_configs:
  - role: pod
"""})
    cluster.add("v1", "ConfigMap", "alloy", "monitoring", data={"config.alloy": f"""\
loki.source.kubernetes "pods" {{
  targets    = discovery.kubernetes.pods.targets
  forward_to = [loki.write.central.receiver]
}}
loki.source.file "audit" {{
  targets    = [{{__path__ = "{audit}/audit.log", job = "audit"}}]
  forward_to = [loki.write.central.receiver]
}}
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
        volumeMounts=mounts(audit=audit, config="/etc/alloy", logs="/var/log/pods", tmp="/tmp"),
    )], token=True, root=True, volumes=[{"configMap": {"name": "alloy"}, "name": "config"}, hostpath("logs", "/var/log/pods"),
                                        hostpath("audit", audit, "DirectoryOrCreate"), *scratch("tmp")])
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
