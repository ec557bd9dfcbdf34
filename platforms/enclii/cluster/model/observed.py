"""What the sources besides Kubernetes tell of Enclii."""

from lib import observed as o

ISSUER = "https://login.enclii.example/realms/janua"
EDGE = {"app.enclii.example": "198.51.100.20", "api.enclii.example": "198.51.100.21", "login.enclii.example": "198.51.100.22",
        "registry.enclii.example": "198.51.100.23"}
R2_HOST = "7f3c.eu.r2.cloudflarestorage.example"
STAGES = ["build", "sast", "unit tests", "sbom", "image scan", "secrets"]


def records(cluster):
    out = []
    for host, address in EDGE.items():
        out += [o.endpoint(host, address), o.site(host, address, api=host.startswith(("api", "registry"))),
                o.edge_probe(host, address), o.name(host, "enclii.example", "letsencrypt.org")]
    out += [o.security_txt("enclii.example", "198.51.100.24"), o.status_page("status.enclii.example", "203.0.113.80"),
            o.domain("enclii.example"), o.reference("app.enclii.example", "7f3c.tunnels.example")]
    out += [o.provider(ISSUER), o.realm(ISSUER, access=86400, session_max=2505600, offline=2505600, factor_for="operator"),
            o.client(ISSUER, "console", "app.enclii.example"), o.identity_provider(ISSUER, "github", "github"),
            o.identity_provider(ISSUER, "werft9", "saml")]
    out += [o.account(number) for number in range(1, 7)]
    out += storage()
    for tenant in ("kornblume", "atelier", "werft9"):
        out += [o.database_server(tenant, f"{tenant}-prod", ["data-postgres-*"]), o.database(tenant, "app"), o.database_role(tenant)]
    out += [o.monitoring_server(90), o.ruler(), o.alertmanager(), o.log_stream("loki/applications", 30), o.log_stream("loki/audit", 365),
            o.mesh_authority(), o.capacity("cpu", ["fsn1", "nbg1"], 72, 24, 31), o.capacity("memory", ["fsn1", "nbg1"], 384, 128, 120),
            o.availability("edge", 0.99961)]
    out += [o.node_clock(node["metadata"]["name"]) for node in cluster.all("Node")]
    out += [o.vault("lockbox", "transit", {"secret": "kv", "database": "database"}), o.auth_method("lockbox", "kubernetes"),
            *(o.transit_key("lockbox", tenant) for tenant in ("kornblume", "atelier", "werft9"))]
    out += o.images(cluster, f"{cluster.REGISTRY}/enclii/")
    out += [o.project("registry.enclii.example", label) for label in ("enclii", "mirror")]
    out += [o.image_storage("registry.enclii.example", "enclii-registry")]
    out += [o.repository("platform"), o.branch("enclii/platform", STAGES), o.change_set("enclii/platform", STAGES)]
    return out + files(cluster)


def storage():
    days, eu = 30, {"kind": "r2", "key": ""}
    return [
        o.store_account("hetzner", "fsn1.objects.enclii.example", "other"), o.store_account("r2", R2_HOST, "r2"),
        o.bucket("hetzner", "enclii-logs", "fsn1", kind="other", days=days, lock_days=30),
        o.bucket("hetzner", "enclii-audit", "fsn1", kind="other", days=365, lock_days=365),
        o.bucket("hetzner", "enclii-registry", "nbg1", kind="other", copies=[("enclii-registry-copy", "fsn1")]),
        o.bucket("r2", "enclii-backups", "eu", days=days, lock_days=days, **eu),
        o.bucket("r2", "enclii-etcd", "eu", days=days, lock_days=days, **eu),
    ]


def files(cluster):
    entries = [
        o.supplier("hetzner", "Hetzner Online GmbH", "DE", "Machines, network and object storage", ["hcloud", "*.objects.enclii.example"]),
        o.supplier("cloudflare", "Cloudflare, Inc.", "US", "Edge network, tunnel and the store of backups",
                   ["*.r2.cloudflarestorage.example"],
                   locations=["DE", "NL"]),
        o.supplier("github", "GitHub B.V.", "NL", "Hosting of source code, and login where a customer chooses it", [],
                   parent=("Microsoft Corporation", "US")),
        o.supplier("madfam", "MADFAM Operations S.L.", "ES", "Operation and support of the platform by the group's own people", []),
    ]
    sites = ["FSN1", "NBG1"]
    return [
        *(o.policy_document(label) for label in o.POLICIES),
        o.penetration_test(["platform", "console"]),
        o.assurance("hetzner-iso27001", "iso27001-2022", sites=sites, until="2027-09-30", supplier_name="hetzner"),
        o.assurance("r2-iso27001", "iso27001-2022", sites=["EU-JURISDICTION"], until="2027-05-31",
                    supplier_name="cloudflare"),
        *o.suppliers(entries),
        o.store("databases", "database", "DE", "FSN1"), o.store("logs", "logs", "DE", "FSN1"), o.store("metrics", "metrics", "DE", "NBG1"),
        o.store("registry", "images", "DE", "NBG1"), o.store("backups", "backup", "NL", "EU-JURISDICTION"),
        *(o.benchmark(node["metadata"]["name"], "k3s-cis-1.10") for node in cluster.all("Node")), o.audit_policy(),
        o.procedure(48), o.exercises("incident", "2026-08-18", "A key of a build machine is used from abroad"),
        o.incidents("2026-05-06T08:20:00Z", "2026-05-07T14:40:00Z"),
        o.disclosures([("2026-06-02T09:00:00Z", "2026-06-02T12:10:00Z"), ("2026-07-14T20:15:00Z", "2026-07-15T05:30:00Z"),
                       ("2026-08-21T10:00:00Z", "2026-08-22T06:05:00Z"), ("2026-10-02T11:30:00Z", "2026-10-03T18:20:00Z")]),
        o.requests([("deletion", "2026-04-20", "2026-04-28"), ("deletion", "2026-06-01", "2026-06-13"),
                    ("deletion", "2026-07-06", "2026-07-09"), ("export", "2026-08-11", "2026-08-14"),
                    ("deletion", "2026-09-24", "2026-10-05")]),
        o.agreement("https://enclii.example/dpa", 48, [entry["name"] for entry in entries]),
        o.processing("2026-05-08", [entry["name"] for entry in entries], [{"country": "US", "safeguard": "standard-clauses"}]),
    ]
