"""Records of the sources besides Kubernetes, in the form in which a scan keeps them.

Each function gives one record as it should be; what a platform does otherwise, or what drifted, is told by its arguments
or changed in the record afterwards.
"""

from .cluster import digest

DAY = "2026-11-20"


def record(source, kind, name, namespace=None, **fields):
    """A record of a source."""
    meta = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": f"proofbook.dev/{source}", "kind": kind, "metadata": meta, **fields}


def find(records, kind, name):
    """The record of a kind and a name, which is there."""
    return next(item for item in records if item["kind"] == kind and item["metadata"]["name"] == name)


# TLS and web

def endpoint(host, address, lowest="1.3"):
    """A TLS endpoint that accepts the versions from `lowest` on; the browser's list of versions ends at 1.3."""
    suites = {"1.1": ["TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA"],
              "1.2": ["TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"],
              "1.3": ["TLS_AES_256_GCM_SHA384", "TLS_AES_128_GCM_SHA256"]}
    accepted = [version for version in suites if version >= lowest]
    versions = {name: {"alert": "protocol_version", "result": "alert"} for name in ("ssl3", "tls1.0", "tls1.1", "tls1.2")}
    versions |= {f"tls{version}": {"cipher": suites[version][0], "group": "x25519", "result": "accepted"} for version in accepted}
    below = {"session": {"compression": False, "extended_master_secret": True, "secure_renegotiation": True, "tickets": False}}
    return record("tls", "Endpoint", f"{host}:443@{address}", host=host, port=443, address=address, outcome="handshake", detail="",
                  versions=versions, lowest=f"tls{accepted[0]}", highest="tls1.3", alpn="h2",
                  suites={f"tls{version}": suites[version] for version in accepted},
                  groups={f"tls{version}": ["x25519", "secp256r1"] for version in accepted if version > "1.1"},
                  **(below if accepted[0] < "1.3" else {}),
                  certificate={"names": [host], "not_before": "2026-10-09T04:12:30Z", "not_after": "2027-01-07T04:12:30Z",
                               "key": {"bits": 384, "type": "EC"}, "signature": "ecdsa-with-SHA384", "self_signed": False,
                               "covers_host": True},
                  chain={"length": 2, "verifies": True, "error": ""})


def site(host, address, *, api=False):
    """A web server at one of its addresses: plain HTTP sends to HTTPS, which sends the headers that browsers look for."""
    headers = [{"name": "content-security-policy", "value": "default-src 'self'"}, {"name": "x-content-type-options", "value": "nosniff"}]
    cookie = {"name": "session", "secure": True, "http_only": True, "same_site": "Lax", "removed": False}
    return record("http", "Site", f"{host}@{address}", host=host, address=address, api=api,
                  plain={"outcome": "answered", "status": 308, "cookies": [], "location": {"scheme": "https", "host": host, "path": "/"}},
                  secure={"outcome": "answered", "cookies": [] if api else [cookie],
                          "hsts": {"max_age": 31536000, "include_subdomains": True, "preload": False},
                          "page": {"status": 200, "html": not api, "headers": headers}})


def security_txt(host, address, expires="2027-05-31T00:00:00Z"):
    return record("http", "SecurityTxt", f"{host}@{address}", host=host, file={
        "status": 200, "media_type": "text/plain", "charset": "utf-8", "signed": True, "contacts": [{"scheme": "mailto"}],
        "expires": [expires], "names_itself": True, "problems": []})


def status_page(host, address):
    return record("http", "StatusPage", host, url=f"https://{host}/", addresses=[address], page={"status": 200},
                  summary={"served": True, "indicator": "none", "components": 7},
                  incidents={"served": True, "count": 3, "oldest": "2026-09-02T07:40:00Z"})


def edge_probe(host, address, attack=403):
    return record("http", "EdgeProbe", f"{host}@{address}", host=host, harmless={"status": 200}, attack={"status": attack})


# DNS

def name(host, zone, issuer):
    return record("dns", "Name", host, caa={"at": zone, "records": 1, "issue": [issuer], "issuewild": []})


def domain(zone):
    return record("dns", "Domain", zone, sends_mail=True,
                  dnssec={"zone": zone, "validation": "secure", "anchor": ".", "algorithms": [13],
                          "ds": [{"algorithm": 13, "digest_type": 2, "key_tag": 20326}]},
                  mail={"spf": {"records": 1, "at": zone, "all": "fail"},
                        "dmarc": {"records": 1, "at": zone, "inherited": False, "policy": "reject", "subdomain_policy": "reject",
                                  "percent": 100, "testing": False, "reports": True},
                        "dkim": [{"selector": "s1", "published": True, "revoked": False}]})


def reference(source, target):
    return record("dns", "Reference", f"{source} CNAME {target}", **{"from": source, "type": "CNAME", "to": target,
                                                                      "target": {"addresses": 2}})


# Login

def provider(issuer):
    endpoints = [{"name": label, "https": True} for label in ("authorization_endpoint", "jwks_uri", "revocation_endpoint",
                                                               "token_endpoint")]
    return record("oidc", "Provider", issuer, issuer=issuer, configured={"algorithm": "RS256"},
                  discovery={"issuer_matches": True, "endpoints": endpoints, "pkce": ["S256"], "response_types": ["code"],
                             "signing_algorithms": ["RS256"]},
                  keys=[{"id": digest(issuer)[:8], "type": "RSA", "use": "sig", "bits": 3072, "private": False}],
                  token={"form": "jwt", "algorithm": "RS256"})


def realm(issuer, *, access=300, session_max=36000, offline=2592000, factor_for=None):
    """A realm of Keycloak. Everybody needs a second factor, or those with the role `factor_for` and who has set one up."""
    password = {"provider": "auth-username-password-form", "when": []}
    for_role = {"condition": "conditional-user-role", "role": factor_for, "negated": False}
    whens = [[for_role], [{"condition": "conditional-user-configured"}]] if factor_for else [[]]
    ways = [[{"provider": "auth-cookie", "when": []}], [password, *({"provider": "auth-otp-form", "when": when} for when in whens)]]
    return record("oidc", "Realm", issuer, issuer=issuer, realm=issuer.rsplit("/", 1)[-1],
                  brute_force={"protected": True, "failures": 5, "permanent": False, "max_wait": 900},
                  events={"enabled": True, "listeners": ["jboss-logging"], "expiration": 31536000, "admin_enabled": True,
                          "admin_details": True},
                  lifetimes={"access_token": access, "access_token_implicit": access, "session_idle": min(3600, session_max),
                             "session_max": session_max, "offline_idle": offline, "offline_max": offline, "offline_max_enabled": True},
                  login={"flow": "browser", "ways": ways},
                  password_policy={"length": "14", "passwordHistory": "5", "notUsername": "undefined"},
                  refresh={"revoked": True, "reuse": 0},
                  required_actions=[{"alias": "CONFIGURE_TOTP", "enabled": True, "default": not factor_for}])


def client(issuer, label, host):
    return record("oidc", "Client", f"{issuer} {label}", issuer=issuer, client=label, enabled=True, public=True, code=True,
                  implicit=False, direct_grants=False, pkce="S256", id_token_algorithm="", own_login=False,
                  redirects=[{"uri": f"https://{host}/callback", "any_host": False, "plain_http": False}])


def identity_provider(issuer, alias, kind):
    return record("oidc", "IdentityProvider", f"{issuer} {alias}", issuer=issuer, alias=alias, provider=kind, enabled=True,
                  trust_email=False, validates_signature=True, certificate_ends=["2029-03-01T00:00:00Z"] if kind == "saml" else [])


def account(number, last_login="2026-11-18T08:11:00Z"):
    return record("oidc", "Account", f"u{number:03}", enabled=True, created="2026-02-02T09:00:00Z",
                  activity={"recorded_since": "2026-02-01T00:00:00Z", "last_login": last_login})


# Object storage

def store_account(label, host, kind="aws"):
    return record("s3", "Account", label, account=label, host=host, provider=kind, plain_http={"outcome": "refused"},
                  public_access_block={"supported": kind == "aws", "block_public_acls": True, "ignore_public_acls": True,
                                       "block_public_policy": True, "restrict_public_buckets": True})


def bucket(account_name, label, place, *, kind="aws", copies=(), key="", days=None, lock_days=None, tags=None, hint=None):
    """A bucket: encrypted, closed, versioned; `days` is when objects are deleted, `lock_days` how long nobody can."""
    arn = f"arn:aws:s3:::{label}"
    statements = [{"effect": "Deny", "anyone": True, "inverted": False, "actions": ["s3:*"], "resources": [arn, f"{arn}/*"],
                   "conditions": [{"operator": "bool", "key": "aws:securetransport", "values": ["false"]}]}]
    rules = [{"id": "delete", "enabled": True, "whole_bucket": True, "days": days, "noncurrent_days": 1, "abort_days": 7}] if days else []
    lock = {"enabled": True, "mode": "COMPLIANCE", "days": lock_days} if lock_days else {"enabled": False}
    return record("s3", "Bucket", label, account_name, bucket=label, account=account_name, provider=kind,
                  acl={"everyone": [], "every_account": []},
                  encryption={"configured": True, "algorithm": "aws:kms" if key else "AES256", "key": key},
                  key={"holder": "customer" if key else "provider", "id": key}, lifecycle={"rules": rules},
                  location={"place": place} | ({"hint": hint} if hint else {}), logging={"enabled": True, "target": "access-logs"},
                  object_lock=lock, policy={"statements": statements}, policy_status={"public": False},
                  public_access_block={"supported": kind == "aws", "block_public_acls": True, "ignore_public_acls": True,
                                       "block_public_policy": True, "restrict_public_buckets": True},
                  replication={"destinations": [{"bucket": target, "region": {"name": region}} for target, region in copies]},
                  tags=tags or {}, versioning={"status": "Enabled", "mfa_delete": False})


def key(account_name, label):
    return record("s3", "Key", label, account_name, holder="customer", state="Enabled", origin="AWS_KMS", spec="SYMMETRIC_DEFAULT",
                  created={"at": "2026-03-02 09:00:00+00:00"}, rotation={"possible": True, "enabled": True, "period_days": 365})


# PostgreSQL

def database_server(label, namespace, claims):
    """A server, with the volumes that it writes to."""
    lines = [{"line": 1, "type": "local", "from": "socket", "family": "", "method": "peer"},
             {"line": 2, "type": "hostssl", "from": "anywhere", "family": "", "method": "scram-sha-256"}]
    common = {"all_databases": True, "all_users": True, "broken": False}
    return record("postgres", "Server", label, checksums={"failures": 0}, passwords={"md5": 0, "scram": 4, "other": 0},
                  rules={"lines": [line | common for line in lines]}, sessions={"tls": 6, "plain": 0},
                  settings={"data_checksums": "on", "log_connections": "on", "log_statement": "ddl", "password_encryption": "scram-sha-256",
                            "pgaudit_log": "ddl, role", "shared_preload_libraries": "pg_stat_statements, pgaudit", "ssl": "on",
                            "ssl_min_protocol_version": "TLSv1.3"},
                  storage={"namespace": namespace, "claims": claims})


def database(server, label):
    return record("postgres", "Database", label, server, extensions=[{"name": "plpgsql"}, {"name": "pgaudit"}])


def database_role(server):
    return record("postgres", "Role", "postgres", server, role="postgres", superuser=True, creates_roles=True,
                  bypasses_row_security=True, member_of=[])


# Monitoring

ALERTS = {
    "KubeAPIDown": "absent(up{job=\"apiserver\"} == 1)",
    "NodeNotReady": "kube_node_status_condition{condition=\"Ready\",status=\"true\"} == 0",
    "BackupFailed": "increase(velero_backup_failure_total[1d]) > 0",
    "CertExpiry": "certmanager_certificate_expiration_timestamp_seconds - time() < 1209600",
    "LogsDropped": "rate(loki_write_dropped_entries_total[5m]) > 0",
    "SecretReadUnusual": "sum(rate({job=\"audit\"} |= \"objectRef\" |= \"secrets\" [10m])) > 5",
}


def monitoring_server(days):
    return record("prometheus", "Server", "main", alertmanagers=1, retention={"text": f"{days}d", "hours": days * 24})


def ruler():
    return record("prometheus", "Ruler", "main", product="prometheus",
                  alerts=[{"name": name, "query": query, "health": "ok", "without_data": []} for name, query in ALERTS.items()])


def alertmanager():
    ways = [{"receiver": "on-call", "kinds": ["pagerduty"], "timed": False}]
    return record("prometheus", "Alertmanager", "main", severities=[
        {"severity": "critical", "ways": ways, "silences": 0}, {"severity": "warning", "ways": ways, "silences": 1}],
        watchdog={"alerts": [{"updated_at": f"{DAY}T02:58:00Z", "state": "active", "receivers": ["dead-man"]}]})


def log_stream(label, days):
    return record("prometheus", "LogStream", label, store="loki", product="loki", deletes=True, retention_hours=days * 24,
                  at_most_hours=days * 24)


def node_clock(node):
    return record("prometheus", "NodeClock", f"main/{node}", synchronised=True, offset_seconds=0.004)


def capacity(resource, zones, allocatable, largest, requested):
    return record("prometheus", "Capacity", f"main/{resource}", resource=resource, zones=zones, outside_zones=False,
                  allocatable=allocatable, largest_zone=largest, requested=requested)


def availability(label, share):
    return record("prometheus", "Availability", f"main/{label}", share=share, hours_measured=720, period_hours=720)


def mesh_authority():
    return record("prometheus", "CertificateAuthority", "main/istio-root/istiod", what="istio-root", expires_at="2035-04-01T00:00:00Z")


def pipeline(signal, exporters):
    return record("prometheus", "Pipeline", f"gateway/{signal}", signal=signal, receivers=["otlp"], processors=["batch"],
                  exporters=exporters, undeclared=[])


# Secrets

def vault(label, seal, engines):
    """A store of secrets: unsealed, audited; `engines` by their paths."""
    mounted = [{"path": f"{path}/", "type": kind, "max_ttl_seconds": 3600 if kind != "kv" else 2764800} for path, kind in engines.items()]
    return record("vault", "Server", label, initialized=True, sealed=False, seal_type=seal,
                  audit=[{"path": "file/", "type": "file", "raw": False}], engines=mounted)


def auth_method(label, path):
    return record("vault", "AuthMethod", f"{label}/{path}", path=f"{path}/", type=path, max_ttl_seconds=86400)


def transit_key(label, name, rotated="2026-10-01T00:00:00Z"):
    return record("vault", "TransitKey", f"{label}/transit/{name}", type="aes256-gcm96", rotated_at=rotated, auto_rotate_seconds=7776000,
                  exportable=False, plaintext_backup=False)


# Images, repositories

def images(cluster, own):
    """What the registry, the bills of materials and the scans tell of each image of the platform's registry that runs; `own` is
    a prefix of repositories that the platform builds itself, and signs.
    """
    out = []
    for reference in sorted(cluster.running()):
        repository, hashed = reference.split("@")
        if not repository.startswith(cluster.REGISTRY):
            continue
        base = f"{cluster.REGISTRY}/base/distroless-static"
        signed = repository.startswith(own)
        builder = f"https://ci.{cluster.DOMAIN}/builder"
        out.append(record("registry", "Image", reference, registry=cluster.REGISTRY, digest=hashed, base={"name": base},
                          signatures=[{"scheme": "cosign-tag", "verified": True, "signer": "release", "problem": ""}] if signed else [],
                          attestations=[{"predicate_type": "https://slsa.dev/provenance/v1", "verified": True, "about_image": True,
                                         "builder": builder, "sources": [f"git+https://git.{cluster.DOMAIN}/platform@refs/heads/main"],
                                         "problem": ""}] if signed else []))
        out.append(record("sbom", "Bill", f"bills/{hashed[7:19]}.json", digests=[hashed], format="cyclonedx 1.6",
                          created="2026-11-10T09:00:00Z", components=40, named=40, identified=40, system="debian 13", cycles=["debian 13"],
                          shells=[]))
        out.append(record("sbom", "Scan", f"scans/{hashed[7:19]}.json", tool="grype", digests=[hashed], scanned_at="2026-11-19T22:10:00Z",
                          db_built="2026-11-19T04:00:00Z", vulnerabilities=[]))
    out.append(record("sbom", "KevCatalog", "known-exploited", released="2026-11-18T00:00:00Z"))
    return out


def project(host, label):
    return record("registry", "Project", f"{host}/{label}", registry=host, scan_on_push=True,
                  immutable=[{"enabled": True, "tags": "**", "excludes": False, "repositories": "**", "excludes_repositories": False}],
                  latest={"pushed_at": "2026-11-18T10:00:00.000Z", "scanned_at": "2026-11-18T10:01:12.000Z", "scan_status": "Success"})


def image_storage(host, bucket_name):
    return record("registry", "Storage", host, registry=host, bucket=bucket_name)


def repository(label):
    return record("git", "Repository", label, branch="main",
                  dependencies={"manifests": [{"path": "go.mod", "lock": "go.sum", "verified": True},
                                              {"path": "web/package.json", "lock": "web/package-lock.json", "verified": True}],
                                "commands": []},
                  secrets={"files": 2140, "too_large": 0, "total": 0, "findings": []},
                  signatures={"checked": 200, "states": {"good": 200}, "others": []})


def branch(label, checks):
    """A branch at a host: two people look at a change, and `checks` must be green."""
    return record("git", "Branch", f"hub/{label}@main", repository=label, branch="main", rules=[
        {"source": "ruleset", "approvals": 2, "dismisses_stale": True, "blocks_force_push": True, "blocks_deletion": True, "checks": checks,
         "signatures": True, "bypass": []}])


def change_set(label, checks):
    """What was merged in a quarter: the newest changes, each reviewed and checked."""
    passed = [{"name": check, "conclusion": "success"} for check in checks]
    return record("git", "ChangeSet", f"hub/{label}@main", repository=label, branch="main", days=90, direct=[],
                  changes=[{"number": number, "by_bot": False, "approvals": 2, "checks": passed} for number in range(812, 790, -1)],
                  **{"from": "2026-08-22T03:00:00Z", "to": f"{DAY}T03:00:00Z"})


# Files

def _document():
    return {"present": True, "is_the_one": True}


POLICIES = ("access", "change", "data-retention", "incident", "information-security", "secure-development")


def policy_document(label, approved="2026-02-16"):
    return record("file", "Policy", label, version="4", approved_on=approved, approved_by="Management", superseded=False,
                  document=_document())


def penetration_test(services, ended="2026-06-19"):
    counts = {"critical": 0, "high": 0, "low": 3, "medium": 1}
    return record("file", "PenetrationTest", f"pentest-{ended[:4]}", tester="Deichgraf Sicherheit GmbH", independent=True,
                  scope=services, findings=counts | {"high": 1}, open=counts | {"medium": 0}, retested_on="2026-08-07", superseded=False,
                  document=_document(), **{"from": "2026-06-01", "to": ended})


def assurance(label, standard, *, services=(), sites=(), until=None, period=None, supplier_name=None):
    """A certificate (`until`) or a report over a period, of the provider or of one of its suppliers."""
    told = {"valid_until": until} if until else {"period": {"from": period[0], "to": period[1]}, "unqualified": True}
    told |= {"supplier": supplier_name} if supplier_name else {}
    return record("file", "Assurance", label, standard=standard, issuer="Example Certification GmbH", services=list(services),
                  sites=list(sites), superseded=False, document=_document(), **told)


def supplier(label, legal_entity, country, service, seen_as, *, subprocessor=True, parent=None, locations=None):
    return {"name": label, "legal_entity": legal_entity, "country": country, "service": service, "subprocessor": subprocessor,
            "critical": True, "locations": locations or [country], "since": "2025-02-01", "announced_on": "2024-12-15",
            "reviewed_on": "2026-09-08", "seen_as": seen_as,
            "ownership": {"parent": (parent or (legal_entity,))[0], "parent_country": (parent or (None, country))[1],
                          "operated_from": locations or [country], "proof": {"file": f"registers/{label}.pdf", "on": "2026-09-01"},
                          "document": _document()}}


def suppliers(entries):
    """The register of suppliers, and each of its entries."""
    register = record("file", "Register", "suppliers.yaml", holds="suppliers", entries=entries)
    return [register, *(record("file", "Supplier", entry["name"], **{k: v for k, v in entry.items() if k != "name"}) for entry in entries)]


def store(label, purpose, country, site_name):
    return record("file", "Store", label, purpose=purpose, country=country, site=site_name, evidence="contract", verified_on="2026-09-08")


def modules(entries):
    return record("file", "Register", "modules.yaml", holds="modules", entries=entries)


def benchmark(node, name_of_benchmark):
    return record("file", "Benchmark", node, benchmarks=[name_of_benchmark], ran={"on": "2026-11-18"}, passed=91, failed=[], unjudged=[],
                  files={"passed": 28, "failed": [], "unjudged": []})


def audit_policy():
    return record("file", "AuditPolicy", "policy.yaml", rules=[
        {"at": 0, "level": "Metadata", "conditional": False, "matches": ["*"]}])


# Registers that people keep

AS_OF = "2026-11-15"


def procedure(notice_hours):
    return record("file", "Procedure", "incidents", version="4", approved_on="2026-02-16", approved_by="Management",
                  notice_hours=notice_hours, superseded=False, document=_document())


def exercises(kind, day, scenario):
    return record("file", "ExerciseRegister", "exercises.yaml", exercises=[
        {"id": f"E-{day[:7]}", "kind": kind, "on": day, "scenario": scenario, "roles": ["on-call", "management"], "outcome": "met",
         "record": {"file": f"registers/exercise-{day}.pdf", "on": day, "document": _document()}, "gaps": []}])


def incidents(aware, told):
    """A register with one incident that customers had to be told of."""
    return record("file", "IncidentRegister", "incidents.yaml", as_of=AS_OF, incidents=[
        {"id": "I-1", "aware_at": aware, "customers_due": True, "customers_told_at": told, "authority_due": False}])


def disclosures(reports):
    """Reports of weaknesses, by the times at which they came and were answered."""
    return record("file", "DisclosureRegister", "disclosures.yaml", as_of=AS_OF, reports=[
        {"id": f"V-{number}", "received_at": received, "answered_at": answered, "test": False}
        for number, (received, answered) in enumerate(reports, 1)])


def requests(entries):
    """Requests about data: their kind and the days on which they came and were done."""
    return record("file", "RequestRegister", "requests.yaml", as_of=AS_OF, requests=[
        {"id": f"R-{number}", "kind": kind, "received_on": received, "done_on": done} | ({"opened": True} if kind == "export" else {})
        for number, (kind, received, done) in enumerate(entries, 1)])


def agreement(address, notice_hours, subprocessors):
    return record("file", "Agreement", "dpa", version="4", published_on="2026-02-01", published_at=address, for_all_customers=True,
                  notice_hours=notice_hours, subprocessors=subprocessors, measures=True, superseded=False, document=_document(),
                  backup_days=30)


def processing(reviewed, subprocessors, transfers):
    return record("file", "ProcessingRegister", "processing.yaml", reviewed_on=reviewed, processors_named=True, controllers_named=True,
                  activities=[{"id": "hosting", "categories": ["hosting", "backup", "logging", "support"], "subprocessors": subprocessors,
                               "transfers": transfers, "measures": "policies/measures.md"}])
