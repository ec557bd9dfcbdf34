"""How the drifted Enclii came to differ from what is promised: one function a fault, each with its story.

A fault changes the cluster, the records of the other sources, or both. What the checks must find is written by hand in
expected.yaml, not computed from here.
"""

from lib import rbac
from lib.faults import Faults, record_of
from lib.observed import endpoint, find, store_account
from lib.workload import claim_spec, service

from .observed import EDGE, ISSUER

FAULTS = Faults()
fault = FAULTS.fault


@fault
def customer_as_root(cluster):
    """Kornblume's API was given root and all privileges to install a tool while a release was failing."""
    spec = cluster.get("Deployment", "api", "kornblume-prod")["spec"]["template"]["spec"]
    cluster.get("Namespace", "kornblume-prod")["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] = "privileged"
    spec["securityContext"] = {"runAsUser": 0, "seccompProfile": {"type": "RuntimeDefault"}}
    spec["containers"][0]["securityContext"] = {"privileged": True}


@fault
def no_policies(cluster):
    """Atelier's site could not reach a supplier, and all policies of its namespace were deleted instead of one being added."""
    for name in ("allow-dns", "allow-edge", "allow-within-namespace", "default-deny"):
        cluster.remove("NetworkPolicy", name, "atelier-prod")
    cluster.remove("AuthorizationPolicy", "allow-own", "atelier-prod")


@fault
def no_quota(cluster):
    """Atelier's import needed more memory than its quota had, and the quota was taken away."""
    cluster.remove("ResourceQuota", "tenant", "atelier-prod")


@fault
def old_clients(cluster):
    """A customer's cash register speaks TLS 1.2 only, and the lowest version of the API's host was lowered for it."""
    cluster.get("TLSOption", "default", "edge")["spec"]["minVersion"] = "VersionTLS12"

    def change(records):
        at = next(i for i, item in enumerate(records) if item["kind"] == "Endpoint" and item["host"] == "api.enclii.example")
        records[at] = endpoint("api.enclii.example", EDGE["api.enclii.example"], "1.2")
    return change


@fault
def mesh_permissive(cluster):
    """The mode of the mesh was loosened to move a database into it, and the move was put off."""
    cluster.get("PeerAuthentication", "default", "istio-system")["spec"]["mtls"]["mode"] = "PERMISSIVE"


@fault
def plain_tunnel(cluster):
    """The third machine was set up again from notes that are older than WireGuard, and its traffic is plain."""
    cluster.get("Node", "enclii-3")["metadata"]["annotations"]["flannel.alpha.coreos.com/backend-type"] = "vxlan"


@fault
def open_port(cluster):
    """A port on every machine, past the tunnel, to look at werft9's portal from a laptop."""
    exposed = service(cluster, "portal-debug", "werft9-prod", {"http": 8080}, app="portal", created="2026-11-05", type="NodePort")
    exposed["spec"]["ports"][0]["nodePort"] = 31477


@fault
def plain_volume(cluster):
    """A class without encryption, made to measure the disks; kornblume's import lies on it."""
    cluster.add("storage.k8s.io/v1", "StorageClass", "longhorn-fast", created="2026-10-06", parameters={"numberOfReplicas": "1"},
                provisioner="driver.longhorn.io", reclaimPolicy="Delete", volumeBindingMode="Immediate")
    cluster.claim("import", "kornblume-prod", claim_spec("20Gi", "longhorn-fast"), "fsn1-dc14", created="2026-10-07")


@fault
def literal_secret(cluster):
    """Atelier's key for mails was written into the manifest, as Lockbox was being upgraded."""
    env = cluster.get("Deployment", "site", "atelier-prod")["spec"]["template"]["spec"]["containers"][0]["env"]
    env.append({"name": "MAIL_API_TOKEN", "value": "EXAMPLE-not-a-token"})


@fault
def hotfix_image(cluster):
    """A hotfix of kornblume's shop came from a laptop by way of another registry."""
    cluster.get("Deployment", "shop", "kornblume-prod")["spec"]["template"]["spec"]["containers"][0]["image"] = (
        "docker.io/kornblume/shop:latest")


@fault
def short_backups(cluster):
    """The store of backups was close to its limit, and werft9's backups were cut to a week."""
    cluster.get("Schedule", "werft9-daily", "velero")["spec"]["template"]["ttl"] = "168h0m0s"


@fault
def paused_backups(cluster):
    """Atelier's backups were paused for its import on 16 November."""
    cluster.get("Schedule", "atelier-daily", "velero")["spec"]["paused"] = True
    for day in (17, 18, 19, 20):
        cluster.remove("Backup", f"atelier-daily-202611{day}010004", "velero")


@fault
def short_logs(cluster):
    """The volume of logs grew, and somebody set fourteen days."""
    data = cluster.get("ConfigMap", "loki", "monitoring")["data"]
    data["loki.yaml"] = data["loki.yaml"].replace("retention_period: 720h", "retention_period: 336h")

    def change(records):
        find(records, "LogStream", "loki/applications").update(retention_hours=336, at_most_hours=336)
        find(records, "Server", "main").update(retention={"text": "30d", "hours": 720})
        find(records, "Bucket", "enclii-logs")["lifecycle"]["rules"][0]["days"] = 14
    return change


@fault
def short_audit_archive(_):
    """With the same stroke the archive of audit logs went to 90 days."""
    return record_of("Bucket", "enclii-audit", lambda bucket: bucket["lifecycle"]["rules"][0].update(days=90))


@fault
def support_as_admin(cluster):
    """Support of the sister company was made cluster-admin for a weekend in October."""
    rbac.cluster_binding(cluster, "madfam-support", "cluster-admin", rbac.group("oidc:madfam-support"), created="2026-10-10")


@fault
def machine_in_finland(cluster):
    """The Nuremberg site had no machine in stock, and one in Helsinki joined."""
    node = cluster.get("Node", "enclii-2")["metadata"]["labels"]
    node["topology.kubernetes.io/region"], node["topology.kubernetes.io/zone"] = "hel1", "hel1-dc2"


@fault
def metrics_in_finland(_):
    """The volume of metrics was full, and a new store was ordered at the site that had space."""
    return record_of("Store", "metrics", lambda store: store.update(country="FI", site="HEL1"))


@fault
def backups_without_jurisdiction(_):
    """The bucket of backups was made again after an error, by hand, without the jurisdiction and without the lock."""
    def change(bucket):
        bucket["location"] = {"place": "", "hint": "weur"}
        bucket["object_lock"] = {"enabled": False}
    return record_of("Bucket", "enclii-backups", change)


@fault
def long_sessions(_):
    """Customers complained about logins, and both lifetimes were raised."""
    def change(realm):
        realm["lifetimes"].update(access_token=604800, access_token_implicit=604800, session_max=7776000)
        realm["refresh"] = {"revoked": False, "reuse": 0}
    return record_of("Realm", ISSUER, change)


@fault
def symmetric_tokens(_):
    """An old library of a customer wanted HS256."""
    def change(provider):
        provider["token"]["algorithm"] = provider["configured"]["algorithm"] = "HS256"
        provider["discovery"]["signing_algorithms"] = ["HS256", "RS256"]
    return record_of("Provider", ISSUER, change)


@fault
def operators_without_factor(_):
    """The step for operators was removed while their keys were being replaced."""
    def change(realm):
        realm["login"]["ways"][1] = [step for step in realm["login"]["ways"][1]
                                     if not any(when.get("role") for when in step["when"])]
    return record_of("Realm", ISSUER, change)


@fault
def plain_http(_):
    """The console's host answers on port 80 again, since its entry at the edge was made new."""
    return record_of("Site", f"app.enclii.example@{EDGE['app.enclii.example']}",
                     lambda site: site.update(plain={"outcome": "answered", "status": 200, "cookies": []}))


@fault
def firewall_off(_):
    """The rules of the web firewall were switched off for a customer's upload."""
    return record_of("EdgeProbe", f"api.enclii.example@{EDGE['api.enclii.example']}", lambda probe: probe.update(attack={"status": 200}))


@fault
def old_contact(_):
    """Nobody renewed the file with the contact for reports."""
    return record_of("SecurityTxt", "enclii.example@198.51.100.24",
                     lambda text: text["file"].update(expires=["2026-10-31T00:00:00Z"]))


@fault
def status_with_the_platform(_):
    """The status page was moved to the edge, where it falls together with what it reports on."""
    return record_of("StatusPage", "status.enclii.example", lambda page: page.update(addresses=[EDGE["app.enclii.example"]]))


@fault
def late_patch(cluster):
    """A critical flaw of the API's image is known, fixed by its makers for nine days, and still runs."""
    hashed = cluster.image("enclii/api", "2026.46.1").split("@")[1]
    return record_of("Scan", f"scans/{hashed[7:19]}.json", lambda scan: scan.update(vulnerabilities=[
        {"id": "CVE-2026-90001", "severity": "critical", "state": "fixed", "fixed_in": "1.4.2", "package": "example-http",
         "version": "1.4.1",
         "published": "2026-11-11T00:00:00Z"}]))


@fault
def release_past_the_pipeline(cluster):
    """The builder's last release was pushed by hand: without signature, origin and bill of materials."""
    hashed = cluster.image("enclii/builder", "2026.46.1").split("@")[1]

    def change(records):
        for item in records:
            if item["kind"] == "Image" and item["digest"] == hashed:
                item.update(signatures=[], attestations=[])
        records[:] = [item for item in records if not (item["kind"] == "Bill" and hashed in item["digests"])]
    return change


@fault
def unknown_provider(_):
    """Old exports were moved to a cheap store that no register names."""
    return lambda records: records.append(store_account("exports", "objects.budget-store.example", "other"))


@fault
def pipeline_without_scan(_):
    """The scan of images was slow, and is no longer required."""
    def change(branch):
        branch["rules"][0]["checks"] = [check for check in branch["rules"][0]["checks"] if check != "image scan"]
    return record_of("Branch", "hub/enclii/platform@main", change)


@fault
def unrecorded_lockbox(_):
    """The disk of Lockbox's audit device ran full, and the device was switched off; atelier's key was last rotated two years ago."""
    def change(records):
        find(records, "Server", "lockbox").update(audit=[])
        find(records, "TransitKey", "lockbox/transit/atelier").update(rotated_at="2024-11-04T00:00:00Z", auto_rotate_seconds=0)
    return change


@fault
def plain_database(_):
    """Kornblume's database takes connections without TLS since an old report tool was attached to it."""
    def change(server):
        server["rules"]["lines"][1]["type"] = "host"
        server["sessions"] = {"tls": 5, "plain": 2}
    return record_of("Server", "kornblume", change)


@fault
def silent_alerts(_):
    """The integration with the pager was removed with an account of somebody who left."""
    def change(manager):
        for severity in manager["severities"]:
            severity["ways"] = [{"receiver": "chat", "kinds": ["slack"], "timed": False}]
    return record_of("Alertmanager", "main", change)


@fault
def failed_benchmark(_):
    """A file of the second machine is readable by all."""
    def change(result):
        result.update(failed=["1.1.7"], passed=90)
        result["files"].update(failed=["1.1.7"], passed=27)
    return record_of("Benchmark", "enclii-2", change)


@fault
def old_test(_):
    """The penetration test of this year was put off again and again."""
    return record_of("PenetrationTest", "pentest-2026", lambda test: test.update({"from": "2025-09-01", "to": "2025-09-19",
                                                                                 "retested_on": "2025-10-20"}))


@fault
def late_notice(_):
    """In May customers were told of a breach on the fourth day, when its extent was known."""
    return record_of("IncidentRegister", "incidents.yaml",
                     lambda register: register["incidents"][0].update(customers_told_at="2026-05-09T16:00:00Z"))


@fault
def late_answer(_):
    """A report of October lay unread over a long weekend."""
    return record_of("DisclosureRegister", "disclosures.yaml",
                     lambda register: register["reports"][3].update(answered_at="2026-10-06T08:10:00Z"))


@fault
def late_erasure(_):
    """The request of June was found again in September."""
    return record_of("RequestRegister", "requests.yaml", lambda register: register["requests"][1].update(done_on="2026-09-07"))


@fault
def agreement_for_a_plan(_):
    """The new agreement on data processing was published with the order form of the Enterprise plan only."""
    return record_of("Agreement", "dpa", lambda agreement: agreement.update(for_all_customers=False))
