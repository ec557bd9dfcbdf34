"""Velero: locations, schedules and the backups that they made."""

from .rbac import READ, binding, cluster_binding, role, rule, service_account
from .workload import container, daemon_set, deployment, hostpath, mounts, probe, scratch

# Keys that lie in a file.
STATIC_KEYS = [{"name": "AWS_SHARED_CREDENTIALS_FILE", "value": "/credentials/cloud"}]


def velero(cluster, env):
    """Velero with its agent on each node that has volumes; `env` says how it logs in to the store."""
    cluster.namespace("velero", proofbook_dev__owner="team-platform")
    path = cluster.image("mirror/velero", "v1.18.0")
    deployment(cluster, "velero", "velero", [container(
        "velero", path, ports={"metrics": 8085}, probes=probe("/metrics", "metrics"), cpu="200m", memory="512Mi",
        args=["server", "--default-backup-ttl=720h0m0s", "--features=EnableCSI"],
        volumeMounts=mounts(plugins="/plugins", scratch="/scratch", tmp="/tmp"),
        env=env,
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


def location(cluster, name, bucket, region, url, default=False, created=None, **config):
    config = config or {"kmsKeyId": f"vault-transit-{cluster.NAME}-backups"}
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
