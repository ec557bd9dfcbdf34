//! Registers of people and process, configuration of encryption and of pipelines, keys of an API and audit events, in both postures.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use proofbook_checks::inventory::{Completeness, Inventory, Listing};
use proofbook_checks::resource::Resource;
use proofbook_controls::yaml;
use proofbook_sources::file::FileTarget;
use proofbook_sources::settings::{Setup, TargetSettings};
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::judge::{Judge, assert_verdicts};
use crate::open;

/// All checks of registers, and of what other programs wrote.
const CHECKS: [&str; 17] = [
    "access-review-recent",
    "admin-access-audited",
    "api-key-scoping",
    "confidentiality-commitments",
    "contract-dora-addendum",
    "customer-deletion-requests",
    "dpa-published",
    "dr-exercise",
    "incident-notification-metrics",
    "incident-process",
    "log-pii-minimised",
    "risk-treatment-current",
    "ropa-current",
    "secrets-key-rotation",
    "secrets-kms-envelope",
    "training-current",
    "vdp-response",
];

const SETTINGS: &str = "documents: [documents.yaml]
suppliers: [suppliers.yaml]
registers:
  disclosures: ['disclosures-*.csv']
  incidents: [incidents.yaml]
  requests: [requests.yaml]
  tickets: [tickets.yaml]
  staff: ['staff-*.csv']
  access_reviews: [reviews.yaml]
  exercises: [exercises.yaml]
  risks: [risks.yaml]
  contracts: [contracts.yaml]
  processing: [processing.yaml]
encryption: [encryption.yaml, 'livez-*.txt']
log_pipelines: [vector.toml]
api_keys: [{file: 'keys-*.json', keys: /items, scopes: /scopes, expires_at: /expires}]
audit_events: {files: ['audit-*.log.gz'], staff: {groups: [ops]}}
";

fn event(at: &str, verb: &str, resource: &str) -> String {
    json!({"kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Metadata", "auditID": at, "stage": "ResponseComplete", "verb": verb,
        "requestURI": "/x", "user": {"username": "jane.doe@example.com", "groups": ["ops"]},
        "objectRef": {"resource": resource, "namespace": "tenant-a", "name": "n", "apiVersion": "v1"},
        "responseStatus": {"code": 200}, "requestReceivedTimestamp": at, "stageTimestamp": at})
    .to_string()
}

fn write(root: &Path, name: &str, text: &str) -> String {
    fs::write(root.join(name), text).unwrap();
    Sha256::digest(text).iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

fn write_events(root: &Path, name: &str, events: &[String]) {
    let mut packed = GzEncoder::new(fs::File::create(root.join(name)).unwrap(), Compression::fast());
    std::io::Write::write_all(&mut packed, events.join("\n").as_bytes()).unwrap();
    packed.finish().unwrap();
}

fn good() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    let agreement = write(root, "dpa.md", "agreement");
    let procedure = write(root, "incidents.md", "procedure");
    let protocol = write(root, "protocol.md", "protocol");
    let accounts = write(root, "accounts.csv", "accounts");
    write(
        root,
        "documents.yaml",
        &format!(
            "documents:
  - {{name: dpa, file: dpa.md, sha256: {agreement}, agreement: {{version: '4', published_on: 2026-02-01, published_at: 'https://example.com/dpa',
     for_all_customers: true, notice_hours: 48, subprocessors: [hoster], measures: true}}}}
  - {{name: incidents, file: incidents.md, sha256: {procedure}, procedure: {{version: '2', approved_on: 2026-01-10, approved_by: Board, notice_hours: 24}}}}
"
        ),
    );
    write(
        root,
        "suppliers.yaml",
        "suppliers:
  - {name: hoster, legal_entity: Example GmbH, country: DE, service: hosting, subprocessor: true, critical: true, locations: [DE],
     since: 2023-01-01, reviewed_on: 2026-03-01}
",
    );
    write(
        root,
        "disclosures-2026-05-31.csv",
        "\u{feff}id,received_at,answered_at,test\nV-1,2026-05-01T08:00:00Z,2026-05-01T10:00:00Z,no\n",
    );
    write(root, "disclosures-2026-04-30.csv", "id,received_at\nV-0,2026-04-01T08:00:00Z\n");
    write(root, "staff-2026-05-31.csv", STAFF);
    write(
        root,
        "incidents.yaml",
        "as_of: 2026-05-31
incidents: [{id: I-1, aware_at: 2026-04-01T10:00:00Z, customers_due: true, customers_told_at: 2026-04-02T10:00:00Z, authority_due: false}]\n",
    );
    write(
        root,
        "requests.yaml",
        "as_of: 2026-05-31\nrequests: [{id: R-1, kind: export, received_on: 2026-04-01, done_on: 2026-04-03, opened: true}]\n",
    );
    write(
        root,
        "tickets.yaml",
        "as_of: 2026-05-31
tickets: [{id: T-1, namespaces: [tenant-a], from: 2026-05-10T09:00:00Z, until: 2026-05-10T12:00:00Z, reason: restore, approved_by: customer}]\n",
    );
    write(
        root,
        "reviews.yaml",
        &format!(
            "reviews: [{{id: q1, on: 2026-04-10, scope: [admins], population: {{file: accounts.csv, sha256: {accounts}, on: 2026-04-09}},
  reviewed_by: Head of operations, accounts: 3, kept: 2, changed: 1, changes_done_on: 2026-04-11}}]\n"
        ),
    );
    let exercise = |id: &str, kind: &str| {
        format!(
            "  - {{id: {id}, kind: {kind}, on: 2026-02-01, scenario: loss of a site, roles: [on-call], outcome: met, \
             record: {{file: protocol.md, sha256: {protocol}, on: 2026-02-01}}}}\n"
        )
    };
    write(root, "exercises.yaml", &format!("exercises:\n{}{}", exercise("a", "disaster-recovery"), exercise("b", "incident")));
    write(
        root,
        "risks.yaml",
        "assessed_on: 2026-01-10
approved_by: Board
applicability_on: 2026-01-20
risks: [{id: R-1, level: high, treatment: reduce, owner: CTO, due_on: 2026-09-01}]\n",
    );
    write(
        root,
        "contracts.yaml",
        "as_of: 2026-05-31
contracts: [{id: C-1, financial_entity: true, critical_function: false, clauses: [2.a, 2.b, 2.c, 2.d, 2.e, 2.f, 2.g, 2.h, 2.i]}]\n",
    );
    write(
        root,
        "processing.yaml",
        "reviewed_on: 2026-03-01
processors_named: true
controllers_named: true
activities: [{id: hosting, categories: [hosting], subprocessors: [hoster], measures: measures.md}]\n",
    );
    write(root, "encryption.yaml", ENCRYPTION);
    write(root, "livez-2026-05-30.txt", "[+]ping ok\n[+]etcd ok\n[+]kms-providers ok\nlivez check passed\n");
    write(root, "livez-2026-05-01.txt", "[+]ping ok\n[+]etcd ok\n[-]kms-providers failed\nlivez check failed\n");
    write(root, "vector.toml", VECTOR);
    write(root, "keys-2026-05-30.json", r#"{"items": [{"key": "pk_hush", "scopes": ["orders:read"], "expires": "2026-09-01T00:00:00Z"}]}"#);
    write_events(root, "audit-1.log.gz", &[event("2026-04-20T10:00:00Z", "list", "pods"), event("2026-05-10T10:00:00Z", "get", "secrets")]);
    write_events(root, "audit-2.log.gz", &[event("2026-05-10T10:30:00Z", "list", "pods"), event("2026-05-31T22:00:00Z", "list", "pods")]);
    dir
}

const STAFF: &str = "id,joined_on,left_on,contractor,trained_on,committed_on
Jane Doe,2020-01-01,,no,2026-01-10,2020-01-01
Joe Bloggs,2024-03-01,,yes,2025-09-01,2024-03-01
Max Gone,2019-01-01,2025-12-31,no,,
";

const ENCRYPTION: &str = "apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
- resources: [secrets]
  providers:
  - kms: {apiVersion: v2, name: vault, endpoint: 'unix:///run/kms.sock'}
  - identity: {}
";

const VECTOR: &str = "[transforms.mask]
type = 'remap'
inputs = ['k']
source = '''
.message = redact(.message, filters: [r'[a-z._0-9]+@[a-z.]+', r'[0-9]+\\.[0-9]+\\.[0-9]+\\.[0-9]+', r'Bearer [A-Za-z0-9]+'])
'''
[sinks.store]
type = 'loki'
inputs = ['mask']
";

fn judge() -> Judge {
    Judge::new(&CHECKS, &[("notification_hours", json!(48)), ("access_review_groups", json!(["admins"]))])
}

// The namespaces of the cluster, which another source lists.
pub(crate) fn with_namespaces(mut inventory: Inventory, judge: &Judge) -> Inventory {
    let namespaces = Resource::kubernetes("namespaces");
    let tenant: Json =
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "tenant-a", "labels": {"proofbook.dev/tenant": "a"}}});
    let objects = vec![judge.wanted()[&namespaces].project(&namespaces, &tenant)];
    inventory.listings.insert(namespaces, Listing { completeness: Completeness::Complete, objects, resource_version: None });
    inventory
}

async fn verdicts(judge: &Judge, root: &Path) -> (std::collections::BTreeMap<String, String>, String) {
    let collector = open(root, SETTINGS);
    let inventory = with_namespaces(judge.collect(&*collector).await, judge);
    let planned: Vec<String> = collector.plan(&judge.wanted()).into_iter().map(|plan| plan.query).collect();
    for request in &inventory.requests {
        let told = planned.iter().any(|pattern| proofbook_checks::settings::glob(pattern, &request.query));
        assert!(told, "{} was not told: {planned:?}", request.query);
    }
    (judge.verdicts(&inventory), format!("{:?}", inventory.listings))
}

#[tokio::test]
async fn both_postures_of_people_and_process() {
    let dir = good();
    let judge = judge();
    let (found, kept) = verdicts(&judge, dir.path()).await;
    assert_verdicts(
        &found,
        "access-review-recent AccessReviewRegister/reviews.yaml: pass
         admin-access-audited AuditTrail/audit-1.log.gz: pass
         admin-access-audited AuditTrail/audit-2.log.gz: pass
         api-key-scoping ApiKeyExport/keys-2026-05-30.json: pass
         confidentiality-commitments StaffRegister/staff-2026-05-31.csv: pass
         contract-dora-addendum ContractRegister/contracts.yaml: pass
         customer-deletion-requests RequestRegister/requests.yaml: pass
         dpa-published Agreement/dpa: pass
         dr-exercise ExerciseRegister/exercises.yaml: pass
         incident-notification-metrics IncidentRegister/incidents.yaml: pass
         incident-process Procedure/incidents: pass
         log-pii-minimised LogPipeline/vector.toml/store: pass
         risk-treatment-current RiskRegister/risks.yaml: pass
         ropa-current ProcessingRegister/processing.yaml: pass
         secrets-key-rotation EncryptionConfig/encryption.yaml: not-applicable (out-of-scope)
         secrets-kms-envelope EncryptionConfig/encryption.yaml: pass
         training-current StaffRegister/staff-2026-05-31.csv: pass
         vdp-response DisclosureRegister/disclosures-2026-05-31.csv: pass",
    );
    for name in ["Jane", "Joe", "jane.doe", "pk_hush", "kms.sock"] {
        assert!(!kept.contains(name), "{name} was kept");
    }

    // Drifted, each in one thing.
    let root = dir.path();
    let replace = |name: &str, from: &str, to: &str| {
        let text = fs::read_to_string(root.join(name)).unwrap();
        assert!(text.contains(from), "{name}: {from}");
        fs::write(root.join(name), text.replacen(from, to, 1)).unwrap();
    };
    replace("reviews.yaml", "changes_done_on: 2026-04-11", "changes_done_on: 2026-05-11");
    replace("tickets.yaml", "tenant-a", "tenant-b");
    replace("keys-2026-05-30.json", "orders:read", "*");
    replace("staff-2026-05-31.csv", "2025-09-01,2024-03-01", "2025-05-01,");
    replace("contracts.yaml", ", 2.i", "");
    replace("requests.yaml", "opened: true", "opened: false");
    replace("incidents.yaml", "2026-04-02", "2026-04-09");
    replace("risks.yaml", "2026-09-01", "2026-03-01");
    replace("processing.yaml", "[hoster]", "[hoster, other]");
    replace("encryption.yaml", "  - identity: {}\n", "");
    replace("encryption.yaml", "  providers:\n", "  providers:\n  - identity: {}\n");
    replace("vector.toml", "inputs = ['mask']", "inputs = ['k']");
    replace("disclosures-2026-05-31.csv", "2026-05-01T10", "2026-05-09T10");
    write(root, "protocol.md", "another protocol");
    write(root, "dpa.md", "edited");
    let (found, _) = verdicts(&judge, root).await;
    assert_verdicts(
        &found,
        "access-review-recent AccessReviewRegister/reviews.yaml: fail (not-as-promised)
         admin-access-audited AuditTrail/audit-1.log.gz: fail (missing-object)
         admin-access-audited AuditTrail/audit-2.log.gz: pass
         api-key-scoping ApiKeyExport/keys-2026-05-30.json: fail (forbidden-object)
         confidentiality-commitments StaffRegister/staff-2026-05-31.csv: fail (missing-object)
         contract-dora-addendum ContractRegister/contracts.yaml: fail (missing-object)
         customer-deletion-requests RequestRegister/requests.yaml: fail (missing-object)
         dpa-published Agreement/dpa: fail (not-as-promised)
         dr-exercise ExerciseRegister/exercises.yaml: fail (not-as-promised)
         incident-notification-metrics IncidentRegister/incidents.yaml: fail (above-max)
         incident-process Procedure/incidents: fail (dangling-reference)
         log-pii-minimised LogPipeline/vector.toml/store: fail (missing-object)
         risk-treatment-current RiskRegister/risks.yaml: fail (expired)
         ropa-current ProcessingRegister/processing.yaml: fail (dangling-reference)
         secrets-key-rotation EncryptionConfig/encryption.yaml: fail (missing-object)
         secrets-kms-envelope EncryptionConfig/encryption.yaml: fail (forbidden-object)
         training-current StaffRegister/staff-2026-05-31.csv: fail (below-min)
         vdp-response DisclosureRegister/disclosures-2026-05-31.csv: fail (above-max)",
    );
}

#[tokio::test]
async fn what_is_not_said_or_not_there_is_no_pass() {
    let dir = good();
    let judge = judge();
    let text = fs::read_to_string(dir.path().join("contracts.yaml")).unwrap();
    write(dir.path(), "contracts.yaml", &text.replace("critical_function: false, ", ""));
    write(dir.path(), "livez.txt", "[+]kms-providers ok\n");
    let settings = SETTINGS.replace("'audit-*.log.gz'", "'audit-*.log.gz', 'other-*.log.gz'").replace("livez-*", "livez");
    let inventory = with_namespaces(judge.collect(&*open(dir.path(), &settings)).await, &judge);
    let found = judge.verdicts(&inventory);
    for (what, verdict) in [
        ("contract-dora-addendum ContractRegister/contracts.yaml", "error (not-collected)"),
        ("secrets-kms-envelope EncryptionConfig/encryption.yaml", "error (parse-error)"),
        ("secrets-key-rotation EncryptionConfig/encryption.yaml", "not-applicable (out-of-scope)"),
        ("admin-access-audited AuditTrail/other-*.log.gz", "error (dangling-reference)"),
        ("admin-access-audited AuditTrail/audit-1.log.gz", "error (dangling-reference)"),
    ] {
        assert_eq!(found.get(what).map(String::as_str), Some(verdict), "{what}: {found:#?}");
    }
}

#[test]
fn events_without_anybody_who_is_staff_are_refused() {
    for staff in ["{}", "{groups: [], users: []}", "{groups: ['']}"] {
        let target: FileTarget = yaml::parse("proofbook.yaml", &format!("audit_events: {{files: [a.log], staff: {staff}}}\n")).unwrap();
        let error = target.open("file", &Setup { root: Path::new("."), file: "proofbook.yaml" }).err().unwrap();
        assert!(error.target == "file" && error.detail.contains("names nobody"), "{error:?}");
    }
}

#[tokio::test]
async fn tables_that_cannot_be_read_are_errors_that_name_nobody() {
    let judge = Judge::new(&["training-current"], &[]);
    for (name, text) in [
        ("staff-2026-05-31.csv", "id,joined_on\nJane Doe,May 2020\n"),
        ("staff-2026-05-31.csv", "id,joined_on\nJane Doe,2020-01-01\nJane Doe,2021-01-01\n"),
        ("staff-2026-05-31.csv", "id,joined_on\nJane Doe\n"),
        ("staff-2026-05-31.csv", "id,joined_on,Jane Doe\na,2020-01-01,x\n"),
        ("staff-2026-05-31.csv", "name\nJane Doe\n"),
        ("staff-2026-05-31.csv", "id,joined_on\n,2020-01-01\n"),
        ("staff-now.csv", "id,joined_on\nJane Doe,2020-01-01\n"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), name, text);
        let inventory = judge.collect(&*open(dir.path(), "registers: {staff: ['staff-*.csv']}\n")).await;
        assert_verdicts(&judge.verdicts(&inventory), &format!("training-current StaffRegister/{name}: error (parse-error)"));
        assert!(!format!("{inventory:?}").contains("Doe") || text.contains(",Jane Doe\n"), "{text}: {inventory:?}");
    }
}
