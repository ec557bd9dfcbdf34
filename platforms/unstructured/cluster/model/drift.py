"""How the drifted Unstructured came to differ from what is promised: one function a fault, each with its story.

A fault changes the cluster, the records of the other sources, or both. What the checks must find is written by hand in
expected.yaml, not computed from here.
"""

from lib import rbac
from lib.faults import Faults, record_of
from lib.observed import endpoint

from .observed import EDGE, ISSUER

FAULTS = Faults()
fault = FAULTS.fault


def containers(cluster, name, namespace):
    """The containers of a Deployment."""
    return cluster.get("Deployment", name, namespace)["spec"]["template"]["spec"]["containers"]


@fault
def plain_console(cluster):
    """A monitor of the console could not speak mutual TLS, and the namespace was let speak plain."""
    cluster.add("security.istio.io/v1", "PeerAuthentication", "default", "console", created="2026-10-30",
                spec={"mtls": {"mode": "PERMISSIVE"}})


@fault
def outside_of_the_mesh(cluster):
    """The sidecar cost the embedding service a tenth of its speed, and was switched off for it."""
    cluster.get("Deployment", "embed", "etl-workers")["spec"]["template"]["metadata"]["labels"]["sidecar.istio.io/inject"] = "false"


@fault
def old_clients(cluster):
    """A customer's scanner speaks TLS 1.1, and the gateway was opened for it."""
    server = cluster.get("Gateway", "public", "istio-ingress")["spec"]["servers"][0]
    server["tls"]["minProtocolVersion"] = "TLSV1_1"

    def change(records):
        at = next(i for i, item in enumerate(records) if item["kind"] == "Endpoint" and item["host"] == "api.unstructured.example")
        records[at] = endpoint("api.unstructured.example", EDGE["api.unstructured.example"], "1.1")
    return change


@fault
def plain_egress(cluster):
    """A supplier of addresses is called over plain HTTP."""
    cluster.add("networking.istio.io/v1", "ServiceEntry", "addresses", "etl-api", created="2026-09-17", spec={
        "hosts": ["addresses.example"], "location": "MESH_EXTERNAL", "ports": [{"name": "http", "number": 80, "protocol": "HTTP"}],
        "resolution": "DNS"})


@fault
def open_namespace(cluster):
    """The console's policies were deleted while its chart was being replaced."""
    for name in ("allow-dns", "allow-mesh", "allow-within-namespace", "default-deny"):
        cluster.remove("NetworkPolicy", name, "console")


@fault
def plain_results(_):
    """The bucket of results was made again without its settings, and a key of the customer's came with it."""
    def change(bucket):
        bucket["encryption"] = {"configured": False, "algorithm": "", "key": ""}
        bucket["key"] = {"holder": "customer", "id": "arn:aws:kms:us-east-1:100000000000:key/own"}
    return record_of("Bucket", "unstructured-results", change)


@fault
def copied_secret(cluster):
    """A library of the API reads its secret from the environment, so the driver copies it into the cluster."""
    spec = cluster.get("SecretProviderClass", "api", "etl-api")["spec"]
    spec["secretObjects"] = [{"data": [{"key": "token", "objectName": "bluefin/api"}], "secretName": "api-token", "type": "Opaque"}]


@fault
def literal_secret(cluster):
    """The ingest service was given a token for a source while the store of secrets could not be written."""
    containers(cluster, "ingest", "etl-api")[0]["env"].append({"name": "SOURCE_API_TOKEN", "value": "EXAMPLE-not-a-token"})


@fault
def static_key(cluster):
    """The ingest service reads a partner's bucket by a key that does not end."""
    containers(cluster, "ingest", "etl-api")[0]["env"].append(
        {"name": "AWS_ACCESS_KEY_ID", "valueFrom": {"secretKeyRef": {"key": "id", "name": "partner"}}})


@fault
def no_rotation(cluster):
    """The driver polled the store too often, and was told to look only once an hour."""
    args = cluster.get("DaemonSet", "csi-secrets-store", "kube-system")["spec"]["template"]["spec"]["containers"][0]["args"]
    args[1] = "--rotation-poll-interval=60m"


@fault
def login_by_password(_):
    """A script of a customer logs in with name and password, and for it the client was opened."""
    return record_of("Client", f"{ISSUER} console", lambda client: client.update(direct_grants=True, implicit=True))


@fault
def no_google(_):
    """The connection to Google was disabled when its key ended."""
    return record_of("IdentityProvider", f"{ISSUER} google", lambda provider: provider.update(enabled=False))


@fault
def developers_everywhere(cluster):
    """Developers were given all rights of the cluster to look into a failed release."""
    rbac.cluster_role(cluster, "developer-debug", rbac.rule(["*"], ["*"], ["*"]))
    rbac.cluster_binding(cluster, "developer-debug", "developer-debug", rbac.group("oidc:bluefin-developers"), created="2026-11-02")


@fault
def pipeline_without_analysis(_):
    """Static analysis and the scan with Grype fail on a new language, and are no longer required."""
    def change(branch):
        branch["rules"][0]["checks"] = ["build", "unit tests", "sbom"]
    return record_of("Branch", "hub/unstructured/platform@main", change)


@fault
def release_past_the_pipeline(cluster):
    """The last release of the API came from a developer's machine, on a base of its own, with no bill and no scan."""
    hashed = cluster.image("unstructured/api", "2026.11.3").split("@")[1]

    def change(records):
        for item in records:
            if item["kind"] == "Image" and item["digest"] == hashed:
                item.update(attestations=[], base={"name": "docker.io/library/ubuntu"}, signatures=[])
        records[:] = [item for item in records if not (item["kind"] in ("Bill", "Scan") and hashed in item["digests"])]
    return change


@fault
def agent_without_room(cluster):
    """The disk of a machine ran full, and its log agent starts over and over since."""
    cluster.unwell.add(("alloy", "ip-10-60-2-21.ec2.internal"))


@fault
def metrics_to_nowhere(cluster):
    """The pipeline of metrics was turned to the debug exporter while the remote end was away."""
    pipelines = cluster.get("OpenTelemetryCollector", "gateway", "monitoring")["spec"]["config"]["service"]["pipelines"]
    pipelines["metrics"]["exporters"] = ["debug"]
    return record_of("Pipeline", "gateway/metrics", lambda pipeline: pipeline.update(exporters=["debug"]))


@fault
def report_out_of_date(_):
    """The auditor is late, and the report that the pages speak of ended more than a year ago."""
    return record_of("Assurance", "soc2-2026", lambda report: report.update(period={"from": "2024-10-01", "to": "2025-09-30"}))


@fault
def module_out_of_force(_):
    """The certificate of the module at the edge went to the historical list in September."""
    def change(register):
        register["entries"][0].update(status="historical")
    return record_of("Register", "modules.yaml", change)


@fault
def job_left_behind(cluster):
    """The controller was restarted while a job ended, and its namespace stayed."""
    name = "job-4398"
    cluster.namespace(name, born="2026-11-16T20:02:11Z", pod_security="baseline", env="production", proofbook_dev__owner="team-etl",
                      proofbook_dev__tenant="bluefin", **{"istio-injection": "enabled", "workflow-job": "4398"})


@fault
def old_policy(_):
    """The policy for secure development was due for its review in the summer."""
    return record_of("Policy", "secure-development", lambda policy: policy.update(approved_on="2025-07-01"))
