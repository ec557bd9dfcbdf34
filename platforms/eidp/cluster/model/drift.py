"""How the drifted EIDP came to differ from what is promised: one function a fault, each with its story.

A fault changes the cluster, or gives the change that is made to the records of the other sources. The order matters in places: a
later fault may build on an earlier one. What the checks must find is written by hand in
expected.yaml, not computed from here.
"""

from lib import policies, rbac
from lib.faults import Faults, record_of
from lib.observed import find
from lib.workload import claim_spec, service, template

from . import controlplane, tenants
from .observed import EDGE, ISSUER

FAULTS = Faults()
fault = FAULTS.fault


@fault
def egress_open(cluster):
    """Nordwind could not reach a partner's broker, and support took egress out of its policies to see whether that was it."""
    for name in ("allow-dns", "allow-https-out"):
        cluster.remove("NetworkPolicy", name, "nordwind-prod")
    for name in ("allow-within-namespace", "default-deny"):
        spec = cluster.get("NetworkPolicy", name, "nordwind-prod")["spec"]
        spec["policyTypes"] = ["Ingress"]
        spec.pop("egress", None)


@fault
def wildcard_role(cluster):
    """Fleetwerk's pipeline was refused a subresource, and its role was given all of them."""
    rbac.role(cluster, "pipeline", "fleetwerk-prod", rbac.rule(["apps"], ["*"], ["*"]), created="2026-10-21")
    rbac.binding(cluster, "pipeline", "fleetwerk-prod", "pipeline", rbac.group("oidc:fleetwerk-pipelines"), created="2026-10-21")


@fault
def person_cluster_admin(cluster):
    """An engineer on duty bound herself to cluster-admin during an incident, and the binding stayed."""
    rbac.cluster_binding(cluster, "incident-0417-temporary", "cluster-admin", rbac.user("oidc:j.petersen@eidp.example"),
                         created="2026-09-14")


@fault
def anonymous_cluster_info(cluster):
    """`kubeadm init phase bootstrap-token` was run to join a node, and let everybody read cluster-info again."""
    name = "kubeadm:bootstrap-signer-clusterinfo"
    rbac.role(cluster, name, "kube-public", rbac.rule([""], ["configmaps"], ["get"], ["cluster-info"]), created="2026-11-03")
    rbac.binding(cluster, name, "kube-public", name, rbac.user("system:anonymous"), created="2026-11-03")


@fault
def foreign_group(cluster):
    """A consultant of nordwind helped hansekontor, and was let in by his own company's group."""
    rbac.binding(cluster, "consulting", "hansekontor-prod", "view", rbac.group("oidc:nordwind-developers"), kind="ClusterRole",
                 created="2026-08-25")


@fault
def plain_storage_class(cluster):
    """A class without encryption was made for a benchmark, and fleetwerk's import of map data still lies on it."""
    cluster.add("storage.k8s.io/v1", "StorageClass", "ceph-rbd-bench", created="2026-10-05", allowVolumeExpansion=True,
                parameters={"clusterID": "eidp-prod", "pool": "rbd-prod"}, provisioner="rbd.csi.ceph.com", reclaimPolicy="Delete",
                volumeBindingMode="WaitForFirstConsumer")
    cluster.claim("map-import", "fleetwerk-prod", claim_spec("80Gi", "ceph-rbd-bench"), "eu-central-1b", created="2026-10-06")


@fault
def paused_schedule(cluster):
    """Nordwind's backups were paused for a migration on 17 November and never resumed."""
    cluster.get("Schedule", "nordwind-daily", "velero")["spec"]["paused"] = True
    cluster.get("Schedule", "nordwind-daily", "velero")["status"]["lastBackup"] = "2026-11-17T01:00:04Z"
    for day in (18, 19, 20):
        cluster.remove("Backup", f"nordwind-daily-202611{day}010004", "velero")


@fault
def failed_backup(cluster):
    """The last backup of hansekontor could not move one of the database's volumes."""
    status = cluster.get("Backup", "hansekontor-daily-20261120010004", "velero")["status"]
    status.update(phase="PartiallyFailed", errors=1)


@fault
def short_backup_retention(cluster):
    """The bucket ran full, and fleetwerk's backups were cut to a week instead of ordering more room."""
    cluster.get("Schedule", "fleetwerk-daily", "velero")["spec"]["template"]["ttl"] = "168h0m0s"


@fault
def node_port(cluster):
    """A NodePort to look at hansekontor's API past the edge, with a colleague's laptop in mind."""
    exposed = service(cluster, "api-debug", "hansekontor-prod", {"http": 8080}, app="api", created="2026-11-09", type="NodePort")
    exposed["spec"]["ports"][0]["nodePort"] = 31808


@fault
def ingress_without_tls(cluster):
    """Fleetwerk's tracking boxes of the first generation speak no TLS, so they got a host without it."""
    tenants.ingress(cluster, "boxes", "fleetwerk-prod", "boxes.fleetwerk.example", "tracker", tls=False, created="2026-10-12")


@fault
def policy_in_audit(cluster):
    """The two policies about images only audit since a tenant's release was refused on a Friday evening."""
    for name in ("require-image-digest", "restrict-image-registries"):
        for rule in cluster.get("ClusterPolicy", name)["spec"]["rules"]:
            rule["validate"]["failureAction"] = "Audit"


@fault
def privileged_debugging(cluster):
    """To trace nordwind's packets, support lowered the namespace's level, made an exception and left the tool running."""
    space = "nordwind-prod"
    cluster.get("Namespace", space)["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] = "privileged"
    labels = {"app": "netshoot"}
    pod = template(labels, [{
        "command": ["sleep", "infinity"], "image": "docker.io/nicolaka/netshoot:latest", "imagePullPolicy": "Always", "name": "netshoot",
        "resources": {}, "securityContext": {"privileged": True}, "volumeMounts": [{"mountPath": "/host", "name": "host"}],
    }], account="default")
    for field in ("automountServiceAccountToken", "securityContext"):
        del pod["spec"][field]
    pod["spec"] |= {"hostNetwork": True, "hostPID": True, "volumes": [{"hostPath": {"path": "/", "type": "Directory"}, "name": "host"}]}
    cluster.add("apps/v1", "Deployment", "netshoot", space, labels=labels, created="2026-11-12", spec={
        "progressDeadlineSeconds": 600, "replicas": 1, "revisionHistoryLimit": 10, "selector": {"matchLabels": labels},
        "strategy": {"rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}, "type": "RollingUpdate"}, "template": pod})
    policies.report(cluster, "Deployment", "netshoot", space, failed=2, skipped=1, created="2026-11-12")


@fault
def exception_past_its_end(cluster):
    """The exception for that tool was meant for two days."""
    policies.exception(cluster, "packet-trace", "nordwind-prod", ["restrict-host-access"], "2026-11-14",
                       [{"kinds": ["Deployment", "Pod"], "names": ["netshoot*"], "namespaces": ["nordwind-prod"]}], created="2026-11-12")


@fault
def latest_image(cluster):
    """A hotfix of hansekontor's shop was pushed from a laptop to Docker Hub, as the pipeline was down."""
    cluster.get("Deployment", "web",
                "hansekontor-prod")["spec"]["template"]["spec"]["containers"][0]["image"] = "docker.io/hansekontor/shop-web:latest"
    report = cluster.get("Deployment", "web", "hansekontor-prod")["metadata"]["uid"]
    cluster.remove("PolicyReport", report, "hansekontor-prod")
    policies.report(cluster, "Deployment", "web", "hansekontor-prod", failed=2)


@fault
def password_in_config_map(cluster):
    """While Vault was being moved, the database's password was written into fleetwerk's settings."""
    data = cluster.get("ConfigMap", "tracker", "fleetwerk-prod")["data"]
    data["application.properties"] += "spring.datasource.password=EXAMPLE-not-a-password\n"


@fault
def literal_token(cluster):
    """Nordwind tried a supplier's new token by writing it into the Deployment."""
    env = cluster.get("Deployment", "ingest", "nordwind-prod")["spec"]["template"]["spec"]["containers"][0]["env"]
    env[0] = {"name": "METER_API_TOKEN", "value": "EXAMPLE-not-a-token"}


@fault
def node_abroad(cluster):
    """For the load of a campaign a machine of an American provider joined as a worker, as that provider hands machines out: with a
    public address, a plain disk and a kernel of its own, which has no module for WireGuard and nothing for the sensor to load into.
    """
    node = controlplane.node(cluster, "eidp-prod-w-4", "10.20.4.21", "us-east-1a", created="2026-11-13")
    del node["metadata"]["annotations"], node["metadata"]["labels"]["node.eidp.example/disk"]
    node["status"]["addresses"].append({"address": "198.51.100.44", "type": "ExternalIP"})
    node["status"]["nodeInfo"] |= {"kernelVersion": "6.8.0-49-generic", "osImage": "Ubuntu 24.04.1 LTS"}
    cluster.unwell.add(("tetragon", "eidp-prod-w-4"))


@fault
def old_kubelet(cluster):
    """A worker was restored from an image of last year, and kept that image's kubelet and its patches."""
    node = cluster.get("Node", "eidp-prod-w-3")
    node["status"]["nodeInfo"]["kubeletVersion"] = "v1.32.9"
    node["metadata"]["annotations"]["proofbook.dev/patched-at"] = "2025-10-14T05:40:00Z"


@fault
def api_server_without_audit_log(cluster):
    """The second control-plane node was rebuilt from a template that is older than the audit log."""
    container = cluster.get("Pod", "kube-apiserver-eidp-prod-cp-2", "kube-system")["spec"]["containers"][0]
    container["command"] = [flag for flag in container["command"] if not flag.startswith("--audit-")]


@fault
def expiring_certificate(cluster):
    """The record of hansekontor's shop points elsewhere since a move of its domain, so the authority cannot check it."""
    status = cluster.get("Certificate", "shop-tls", "hansekontor-prod")["status"]
    status.update(notBefore="2026-08-26T04:12:30Z", notAfter="2026-11-24T04:12:30Z", renewalTime="2026-10-25T04:12:30Z", revision=2)
    status["conditions"].append({"lastTransitionTime": "2026-11-19T22:12:44Z", "message": "The certificate request has failed to complete",
                                 "reason": "Failed", "status": "False", "type": "Issuing"})


@fault
def single_replica(cluster):
    """Fleetwerk went down to one replica to save memory, and its disruption budget was in the way of a drain."""
    cluster.get("Deployment", "tracker", "fleetwerk-prod")["spec"]["replicas"] = 1
    cluster.remove("PodDisruptionBudget", "tracker", "fleetwerk-prod")


@fault
def short_log_retention(cluster):
    """The log bucket grew too fast, and somebody set the retention to seven days."""
    data = cluster.get("ConfigMap", "loki", "monitoring")["data"]
    data["loki.yaml"] = data["loki.yaml"].replace("retention_period: 2160h", "retention_period: 168h")


@fault
def agent_without_room(cluster):
    """The disk of a worker ran full, and its log agent starts over and over since."""
    cluster.unwell.add(("alloy", "eidp-prod-w-2"))


@fault
def datastore_backup_suspended(cluster):
    """The backup of etcd was suspended for its upgrade on 17 November, and nobody set it going again."""
    job = cluster.get("CronJob", "etcd-backup", "kube-system")
    job["spec"]["suspend"] = True
    job["status"] = {"lastScheduleTime": "2026-11-17T01:20:00Z", "lastSuccessfulTime": "2026-11-17T01:23:41Z"}


@fault
def old_tls_option(cluster):
    """The scanners in hansekontor's warehouse do not speak TLS 1.3, and got an option of their own."""
    cluster.add("traefik.io/v1alpha1", "TLSOption", "scanners", "hansekontor-prod", created="2026-10-28",
                spec={"minVersion": "VersionTLS12"})


@fault
def developer_namespace(cluster):
    """A developer of the platform tried a new console in the production cluster, as the one for development was full."""
    cluster.namespace("console-preview", born="2026-11-06", pod_security="restricted", env="development",
                      proofbook_dev__owner="team-platform")


@fault
def firewall_off(_):
    """The rules of the web firewall were switched off for fleetwerk's boxes."""
    return record_of("EdgeProbe", f"api.eidp.example@{EDGE['api.eidp.example']}", lambda probe: probe.update(attack={"status": 200}))


@fault
def old_contact(_):
    """Nobody renewed the file with the contact for reports."""
    return record_of("SecurityTxt", "eidp.example@203.0.113.12", lambda text: text["file"].update(expires=["2026-09-30T00:00:00Z"]))


@fault
def unlocked_logs(_):
    """The bucket of logs was made again without a lock, so that old objects could be cleared by hand."""
    return record_of("Bucket", "eidp-prod-logs", lambda bucket: bucket.update(object_lock={"enabled": False}))


@fault
def shared_backup_key(_):
    """Nordwind's bucket of backups was set up from a copy of hansekontor's, with its key."""
    def change(bucket):
        bucket["encryption"]["key"] = bucket["key"]["id"] = "vault-transit-hansekontor"
    return record_of("Bucket", "eidp-backups-nordwind", change)


@fault
def key_not_rotated(_):
    """The rotation of the key of volumes was stopped for a restore and not started again."""
    return record_of("TransitKey", "main/transit/volumes", lambda key: key.update(rotated_at="2025-06-01T00:00:00Z", auto_rotate_seconds=0))


@fault
def secrets_unwatched(_):
    """The rule that tells of unusual readings of secrets was noisy, and was deleted."""
    def change(ruler):
        ruler["alerts"] = [alert for alert in ruler["alerts"] if alert["name"] != "SecretReadUnusual"]
    return record_of("Ruler", "main", change)


@fault
def tags_overwritten(_):
    """Fleetwerk's project lets tags be overwritten, and no longer scans what arrives."""
    return record_of("Project", "registry.eidp.example/fleetwerk", lambda project: project.update(immutable=[], scan_on_push=False))


@fault
def unsigned_release(cluster):
    """The last release of the console came from a laptop: no signature, no statement of its origin."""
    hashed = cluster.image("eidp/console", "2026.46.0").split("@")[1]

    def change(records):
        for item in records:
            if item["kind"] == "Image" and item["digest"] == hashed:
                item.update(signatures=[], attestations=[])
    return change


@fault
def pipeline_without_analysis(_):
    """The analysis of dependencies found too much, and is no longer required."""
    def change(branch):
        branch["rules"][0]["checks"].remove("dependency analysis")
    return record_of("Branch", "hub/eidp/platform@main", change)


@fault
def sold_supplier(_):
    """The supplier at the edge was bought by an American company in October."""
    def change(records):
        owner = {"parent": "Example Edge Holdings, Inc.", "parent_country": "US"}
        find(records, "Supplier", "deichtor")["ownership"].update(owner)
    return change


@fault
def store_abroad(_):
    """Metrics of more than thirty days went to a store of another cloud, in Virginia."""
    return record_of("Store", "metrics", lambda store: store.update(country="US", site="us-east-1"))


@fault
def saml_disabled(_):
    """Hansekontor's connection by SAML was disabled when its certificate ended."""
    return record_of("IdentityProvider", f"{ISSUER} hansekontor", lambda provider: provider.update(enabled=False))


@fault
def tuned_by_itself(cluster):
    """The vertical autoscaler of the API was let change what it should only recommend."""
    cluster.get("VerticalPodAutoscaler", "api", "eidp-system")["spec"]["updatePolicy"]["updateMode"] = "Auto"


@fault
def log_not_archived(cluster):
    """The archive of the console's database has been failing since its credentials were replaced."""
    condition = cluster.get("Cluster", "console-db", "eidp-system")["status"]["conditions"][0]
    condition.update(status="False", lastTransitionTime="2026-11-15T10:12:00Z")


@fault
def failed_benchmark(_):
    """A file of the second control-plane node is readable by all."""
    def change(result):
        result.update(failed=["1.1.13"], passed=90)
        result["files"].update(failed=["1.1.13"], passed=27)
    return record_of("Benchmark", "eidp-prod-cp-2", change)
