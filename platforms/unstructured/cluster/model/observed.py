"""What the sources besides Kubernetes tell of Unstructured."""

from lib import observed as o

ISSUER = "https://login.unstructured.example/realms/platform"
EDGE = {"app.unstructured.example": "198.51.100.60", "api.unstructured.example": "198.51.100.60",
        "login.unstructured.example": "198.51.100.60"}
STAGES = ["build", "sast", "unit tests", "sbom", "grype"]
S3 = "s3.us-east-1.cloud.example"


def records(cluster):
    out = []
    for host, address in EDGE.items():
        out += [o.endpoint(host, address, "1.2"), o.site(host, address, api=host.startswith("api")),
                o.name(host, "unstructured.example", "amazon.com")]
    out += [o.security_txt("unstructured.example", "198.51.100.61"), o.status_page("status.unstructured.example", "203.0.113.90"),
            o.domain("unstructured.example"), o.reference("app.unstructured.example", "edge.us-east-1.cloud.example")]
    out += [o.provider(ISSUER), o.realm(ISSUER), o.client(ISSUER, "console", "app.unstructured.example"),
            o.identity_provider(ISSUER, "entra", "oidc"), o.identity_provider(ISSUER, "google", "google")]
    out += [o.account(number) for number in range(1, 9)]
    west = [("unstructured-backups-west", "us-west-2")]
    out += [
        o.store_account("main", S3),
        o.bucket("main", "unstructured-documents", "us-east-1"), o.bucket("main", "unstructured-results", "us-east-1"),
        o.bucket("main", "unstructured-logs", "us-east-1", days=90, lock_days=90),
        o.bucket("main", "unstructured-audit", "us-east-1", days=365, lock_days=365),
        o.bucket("main", "unstructured-backups", "us-east-1", copies=west, days=30, lock_days=30),
        o.bucket("main", "unstructured-registry", "us-east-1", copies=[("unstructured-registry-west", "us-west-2")]),
        o.key("main", "cluster-secrets"),
    ]
    out += [o.database_server("keycloak", "keycloak", ["data-postgres-*"]), o.database("keycloak", "keycloak"), o.database_role("keycloak")]
    out += [o.monitoring_server(90), o.ruler(), o.alertmanager(), o.log_stream("loki/platform", 90), o.mesh_authority(),
            o.capacity("cpu", ["us-east-1a", "us-east-1b", "us-east-1c"], 96, 32, 41),
            o.capacity("memory", ["us-east-1a", "us-east-1b", "us-east-1c"], 384, 128, 150), o.availability("edge", 0.99983),
            o.pipeline("metrics", ["prometheusremotewrite", "otlphttp"]), o.pipeline("traces", ["otlphttp"])]
    out += [o.node_clock(node["metadata"]["name"]) for node in cluster.all("Node")]
    out += o.images(cluster, f"{cluster.REGISTRY}/unstructured/")
    out += [o.project(cluster.REGISTRY, label) for label in ("unstructured", "mirror")]
    out += [o.image_storage(cluster.REGISTRY, "unstructured-registry")]
    out += [o.repository("platform"), o.branch("unstructured/platform", STAGES), o.change_set("unstructured/platform", STAGES)]
    return out + files(cluster)


def files(cluster):
    entries = [
        o.supplier("cloud", "Amazon Web Services, Inc.", "US", "Machines, managed Kubernetes, storage and keys",
                   ["aws", "ebs.csi.aws.com", "*.cloud.example"]),
        o.supplier("mail", "Fjord Mail AS", "NO", "Delivery of account and incident mail", []),
    ]
    module = {"standard": "140-3", "status": "active", "approved_mode": True, "looked_up_on": "2026-10-12"}
    modules = [
        {"component": "edge", "purpose": "tls", "module": "Example TLS Module 3.1", "certificate": "9001", **module},
        {"component": "volumes and buckets", "purpose": "storage", "module": "Example Key Service Module 2.0", "certificate": "9002",
         **module},
        {"component": "administration", "purpose": "vpn", "module": "Example TLS Module 3.1", "certificate": "9001", **module},
    ]
    return [
        *(o.policy_document(label) for label in o.POLICIES),
        o.penetration_test(["platform"]),
        o.assurance("soc2-2026", "soc2-type-2", services=["platform"], period=("2025-10-01", "2026-09-30")),
        o.assurance("cloud-iso27001", "iso27001-2022", sites=["us-east-1", "us-west-2"], until="2027-08-31", supplier_name="cloud"),
        *o.suppliers(entries),
        o.store("documents", "documents", "US", "us-east-1"), o.store("results", "results", "US", "us-east-1"),
        o.store("identities", "database", "US", "us-east-1"), o.store("logs", "logs", "US", "us-east-1"),
        o.store("backups", "backup", "US", "us-west-2"),
        o.modules(modules), o.audit_policy(),
        *(o.benchmark(node["metadata"]["name"], "cis-eks-1.7") for node in cluster.all("Node")),
    ]
