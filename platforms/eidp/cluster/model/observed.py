"""What the sources besides Kubernetes tell of EIDP. Its TLS endpoint is a real one, so that nothing stands here for it."""

from lib import observed as o

ISSUER = "https://login.eidp.example/realms/platform"
EDGE = {host: "203.0.113.10" for host in ("console.eidp.example", "portal.eidp.example", "api.eidp.example")}
STAGES = ["build", "sast", "unit tests", "sbom", "dependency analysis", "image scan"]
TENANTS = ("hansekontor", "nordwind", "fleetwerk")
ELBE, WATERLAND = "objects.eu-central-1.elbe.example", "objects.eu-west-1.waterland.example"


def records(cluster):
    out = []
    for host, address in EDGE.items():
        out += [o.site(host, address, api=host.startswith("api")), o.edge_probe(host, address),
                o.name(host, "eidp.example", "acme.ca.example")]
    out += [o.security_txt("eidp.example", "203.0.113.12"), o.status_page("status.eidp.example", "192.0.2.80"), o.domain("eidp.example"),
            o.reference("docs.eidp.example", "edge.eidp.example")]
    out += [o.provider(ISSUER), o.realm(ISSUER), o.client(ISSUER, "console", "console.eidp.example"),
            o.identity_provider(ISSUER, "hansekontor", "saml"), o.identity_provider(ISSUER, "nordwind", "oidc")]
    out += [o.account(number) for number in range(1, 12)]
    out += storage()
    for tenant in ("hansekontor", "fleetwerk"):
        out += [o.database_server(tenant, f"{tenant}-prod", ["data-postgres-*"]), o.database(tenant, tenant), o.database_role(tenant)]
    out += [o.monitoring_server(90), o.ruler(), o.alertmanager(), o.log_stream("loki/tenants", 90), o.log_stream("loki/audit", 90),
            o.capacity("cpu", ["eu-central-1a", "eu-central-1b", "eu-central-1c"], 48, 16, 19),
            o.capacity("memory", ["eu-central-1a", "eu-central-1b", "eu-central-1c"], 192, 64, 70), o.availability("edge", 0.99974)]
    out += [o.node_clock(node["metadata"]["name"]) for node in cluster.all("Node")]
    out += [o.vault("main", "pkcs11", {f"{tenant}-{kind}": engine for tenant in TENANTS
                                       for kind, engine in (("kv", "kv"), ("db", "database"))}),
            o.auth_method("main", "kubernetes"), *(o.transit_key("main", tenant) for tenant in (*TENANTS, "eidp-backups", "volumes"))]
    out += o.images(cluster, f"{cluster.REGISTRY}/eidp/")
    out += [o.project(cluster.REGISTRY, label) for label in ("eidp", "mirror", *TENANTS)]
    out += [o.image_storage(cluster.REGISTRY, "eidp-registry")]
    out += [o.repository("platform"), o.branch("eidp/platform", STAGES), o.change_set("eidp/platform", STAGES)]
    return out + files(cluster)


def storage():
    """Two stores of the data centres' operators, which speak S3."""
    def bucket(account, label, place, **rest):
        return o.bucket(account, label, place, kind="other", **rest)

    copy = [("eidp-registry-copy", "eu-west-1")]
    return [
        o.store_account("elbe", ELBE, "other"), o.store_account("waterland", WATERLAND, "other"),
        *(bucket("waterland", f"eidp-backups-{tenant}", "eu-west-1", key=f"vault-transit-{tenant}", days=30, lock_days=30,
                 tags={"tenant": tenant}) for tenant in TENANTS),
        bucket("waterland", "eidp-prod-backups", "eu-west-1", key="vault-transit-eidp-backups", days=30, lock_days=30),
        bucket("elbe", "eidp-prod-backups-copy", "eu-central-1", key="vault-transit-eidp-backups", days=30, lock_days=30,
               copies=[("eidp-prod-backups-copy", "eu-west-1")]),
        bucket("waterland", "eidp-prod-etcd", "eu-west-1", key="vault-transit-eidp-backups", days=30, lock_days=30),
        bucket("waterland", "eidp-prod-databases", "eu-west-1", key="vault-transit-eidp-backups", days=30, lock_days=30),
        bucket("waterland", "eidp-prod-logs", "eu-west-1", key="vault-transit-eidp-backups", days=90, lock_days=90),
        bucket("waterland", "eidp-prod-audit", "eu-west-1", key="vault-transit-eidp-backups", days=365, lock_days=365),
        bucket("elbe", "eidp-registry", "eu-central-1", key="vault-transit-eidp-backups", copies=copy),
    ]


def files(cluster):
    entries = [
        o.supplier("elbe", "Elbe Rechenzentren GmbH", "DE", "Data centre, hardware, network and object storage", ["*.elbe.example"]),
        o.supplier("waterland", "Waterland Datacenters B.V.", "NL", "Data centre and object storage", ["*.waterland.example"]),
        o.supplier("mail", "Fjord Mail AS", "NO", "Delivery of account and incident mail", []),
        o.supplier("deichtor", "Deichtor Netzschutz GmbH", "DE", "Mitigation of attacks at the edge", []),
    ]
    return [
        *(o.policy_document(label) for label in o.POLICIES),
        o.assurance("elbe-iso27001", "iso27001-2022", sites=["FRA-1"], until="2027-09-30", supplier_name="elbe"),
        o.assurance("waterland-iso27001", "iso27001-2022", sites=["AMS-2"], until="2027-05-31", supplier_name="waterland"),
        *o.suppliers(entries),
        o.store("databases", "database", "DE", "FRA-1"), o.store("metrics", "metrics", "DE", "FRA-1"),
        o.store("registry", "images", "DE", "FRA-1"), o.store("logs", "logs", "NL", "AMS-2"), o.store("backups", "backup", "NL", "AMS-2"),
        *(o.benchmark(node["metadata"]["name"], "cis-1.12") for node in cluster.all("Node")), o.audit_policy(),
    ]
