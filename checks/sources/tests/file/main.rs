//! Files of a workspace in both postures, and files that are missing, damaged or somewhere else.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends")]

#[path = "../support/canned.rs"]
mod canned;
#[path = "../support/judge.rs"]
mod judge;
mod process;
mod streamed;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use proofbook_checks::inventory::Assurance;
use proofbook_controls::yaml;
use proofbook_sources::collector::Collector;
use proofbook_sources::file::FileTarget;
use proofbook_sources::settings::{Setup, TargetSettings};
use serde_json::json;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use self::judge::{Judge, assert_verdicts};

/// All checks that read files and nothing else.
const CHECKS: [&str; 10] = [
    "audit-policy-content",
    "audit-report-validity",
    "cis-benchmark-run",
    "crypto-module-inventory",
    "data-endpoints-region",
    "datacenter-assurance",
    "node-file-permissions",
    "pentest-current",
    "policy-review",
    "supplier-review",
];

const SETTINGS: &str = "documents: [registers/documents.yaml]\nsuppliers: [registers/suppliers.yaml]\nstores: [registers/stores.yaml]\n\
    modules: [registers/modules.yaml]\nbenchmarks: ['reports/*.json']\naudit_policies: [audit.yaml]\n";

const AUDIT_POLICY: &str = "
# The first rule that matches decides.
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - level: None
    users: [system:kube-proxy]
    verbs: [watch]
    resources: [{group: '', resources: [endpoints, services, services/status]}]
  - level: None
    nonResourceURLs: ['/healthz*', /version]
  - level: Metadata
    resources:
      - {group: '', resources: [secrets, configmaps, serviceaccounts/token]}
      - {group: authentication.k8s.io, resources: [tokenreviews]}
  - level: Request
    verbs: [get, list, watch]
    resources: [{group: apps}]
  - level: Metadata
";

fn kube_bench(status: &str) -> String {
    format!(
        r#"{{"Controls": [{{"id": "4", "version": "cis-1.9", "detected_version": "1.29", "text": "Worker", "node_type": "node", "tests": [
          {{"section": "4.1", "type": "", "pass": 1, "fail": 0, "warn": 0, "info": 0, "desc": "Worker Node Configuration Files", "results": [
            {{"test_number": "4.1.1", "test_desc": "x", "audit": "stat", "status": "PASS", "scored": true}},
            {{"test_number": "4.1.2", "test_desc": "x", "audit": "stat", "status": "{status}", "scored": true}}]}}],
          "total_pass": 1, "total_fail": 0, "total_warn": 0, "total_info": 0}}],
        "Totals": {{"total_pass": 1, "total_fail": 0, "total_warn": 0, "total_info": 0}}}}"#
    )
}

/// A workspace in which everything is as it should be.
fn good() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        let digest = Sha256::digest(text);
        digest.iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    };
    let (policy, letter, report, certificate) = (
        write("policies/security.md", "# Security\n"),
        write("documents/letter.pdf", "letter"),
        write("documents/soc2.pdf", "report"),
        write("documents/site.pdf", "certificate"),
    );
    write(
        "registers/documents.yaml",
        &format!(
            "documents:
  - {{name: security, file: policies/security.md, sha256: {policy}, policy: {{version: '3', approved_on: 2026-01-10, approved_by: Board}}}}
  - name: pentest
    file: documents/letter.pdf
    sha256: {letter}
    penetration_test: {{tester: Example, independent: true, from: 2026-02-01, to: 2026-02-20, scope: [platform],
      findings: {{critical: 0, high: 1}}, open: {{critical: 0, high: 0}}}}
  - name: soc2
    file: documents/soc2.pdf
    sha256: {report}
    assurance: {{standard: soc2-type-2, issuer: Example Audit, services: [platform], period: {{from: 2025-04-01, to: 2026-03-31}}, unqualified: true}}
  - name: site
    file: documents/site.pdf
    sha256: {certificate}
    assurance: {{standard: iso27001-2022, issuer: Example Cert, supplier: hoster, sites: [FSN1], valid_until: 2027-01-01}}
"
        ),
    );
    write(
        "registers/suppliers.yaml",
        "suppliers:
  - {name: hoster, legal_entity: Example GmbH, country: DE, service: hosting, subprocessor: true, critical: true, locations: [DE],
     since: 2023-01-01, announced_on: 2022-11-01, reviewed_on: 2026-03-01, seen_as: [hcloud]}
",
    );
    write("registers/stores.yaml", STORES);
    write(
        "registers/modules.yaml",
        "modules:
  - {component: ingress, purpose: tls, module: M, standard: '140-3', certificate: '4999', status: active, approved_mode: true, looked_up_on: 2026-05-01}
  - {component: disk, purpose: storage, module: M, standard: '140-3', certificate: '4998', status: active, approved_mode: true, looked_up_on: 2026-05-01}
  - {component: tunnel, purpose: vpn, module: W, standard: '', certificate: '', status: none, approved_mode: false, looked_up_on: 2026-05-01,
     deviation: {reason: no validated build, expires_on: 2026-12-31, approved_by: CISO}}
",
    );
    write("reports/worker-2026-05-30.json", &kube_bench("PASS"));
    write("reports/worker-2026-05-01.json", &kube_bench("FAIL"));
    write("audit.yaml", AUDIT_POLICY);
    dir
}

const STORES: &str = "stores:
  - {name: orders, purpose: database, supplier: hoster, country: DE, site: FSN1, evidence: api, verified_on: 2026-05-01}
";

fn open(root: &Path, settings: &str) -> Box<dyn Collector> {
    let target: FileTarget = yaml::parse("proofbook.yaml", settings).unwrap();
    target.open("file", &Setup { root, file: "proofbook.yaml" }).unwrap()
}

fn judge() -> Judge {
    Judge::new(&CHECKS, &[("assured_services", json!(["platform"]))])
}

const ALL_PASS: &str = "audit-policy-content AuditPolicy/audit.yaml: pass
    audit-report-validity Assurance/soc2: pass
    cis-benchmark-run Benchmark/worker: pass
    crypto-module-inventory Register/registers/modules.yaml: pass
    data-endpoints-region Store/orders: pass
    datacenter-assurance Store/orders: pass
    node-file-permissions Benchmark/worker: pass
    pentest-current PenetrationTest/pentest: pass
    policy-review Policy/security: pass
    supplier-review Supplier/hoster: pass";

#[tokio::test]
async fn both_postures_come_out_as_they_are() {
    let dir = good();
    let judge = judge();
    let collector = open(dir.path(), SETTINGS);
    let inventory = judge.collect(&*collector).await;
    assert_verdicts(&judge.verdicts(&inventory), ALL_PASS);
    let [target] = &inventory.targets[..] else { panic!("one target") };
    assert_eq!((target.assurance, target.actor.identity.as_str()), (Assurance::AsSupplied, "as-supplied"));
    // What was read had been told; of several runs only the newest was opened.
    let planned: Vec<String> = collector.plan(&judge.wanted()).into_iter().map(|plan| plan.query).collect();
    assert_eq!(planned.len(), 6);
    let read: Vec<&str> = inventory.requests.iter().map(|request| request.query.as_str()).collect();
    assert!(read.contains(&"reports/worker-2026-05-30.json") && !read.contains(&"reports/worker-2026-05-01.json"), "{read:?}");
    assert!(inventory.requests.iter().all(|request| request.response_sha256.is_some()));

    // Drifted: an edited policy, a letter that is gone, a newer run that failed, a policy that shows Secrets.
    let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
    write("policies/security.md", "# Security, edited\n");
    fs::remove_file(dir.path().join("documents/letter.pdf")).unwrap();
    write("documents/soc2.pdf", "another report");
    write("documents/site.pdf", "another certificate");
    write("reports/worker-2026-05-31.json", &kube_bench("FAIL"));
    write("audit.yaml", &AUDIT_POLICY.replacen("level: Metadata", "level: RequestResponse", 1));
    write("registers/stores.yaml", &STORES.replace("api", "geolocation"));
    for (name, from, to) in [("suppliers", "2026-03-01", "2024-03-01"), ("modules", "expires_on: 2026-12-31", "expires_on: 2026-01-31")] {
        let path = format!("registers/{name}.yaml");
        let text = fs::read_to_string(dir.path().join(&path)).unwrap();
        write(&path, &text.replace(from, to));
    }
    let drifted = judge.collect(&*collector).await;
    assert_verdicts(
        &judge.verdicts(&drifted),
        "audit-policy-content AuditPolicy/audit.yaml: fail (forbidden-object)
         audit-report-validity Assurance/soc2: fail (not-as-promised)
         cis-benchmark-run Benchmark/worker: fail (not-as-promised)
         crypto-module-inventory Register/registers/modules.yaml: fail (not-as-promised)
         data-endpoints-region Store/orders: fail (not-as-promised)
         datacenter-assurance Store/orders: fail (missing-object)
         node-file-permissions Benchmark/worker: fail (not-as-promised)
         pentest-current PenetrationTest/pentest: fail (dangling-reference)
         policy-review Policy/security: fail (not-as-promised)
         supplier-review Supplier/hoster: fail (expired)",
    );
    assert_ne!(drifted.targets[0].identity, target.identity);
}

#[tokio::test]
async fn a_file_that_is_missing_or_damaged_is_an_error_of_what_it_is_for() {
    let judge = judge();
    let lines: Vec<&str> = ALL_PASS.lines().map(str::trim).collect();
    // What is done to a file, and the subjects whose checks are errors then.
    let cases: [(&str, Option<&str>, &str, &[&str]); 7] = [
        ("registers/stores.yaml", None, "dangling-reference", &["Store/"]),
        ("registers/stores.yaml", Some("stores: [{name: orders"), "parse-error", &["Store/"]),
        ("registers/stores.yaml", Some("stores: [{name: a b}]"), "parse-error", &["Store/"]),
        ("registers/suppliers.yaml", Some("suppliers: []\nothers: []\n"), "parse-error", &["Supplier/"]),
        ("audit.yaml", Some("\u{0}\u{1}garbage"), "parse-error", &["AuditPolicy/"]),
        ("audit.yaml", Some("kind: Pod\napiVersion: v1\n"), "parse-error", &["AuditPolicy/"]),
        ("reports/worker-2026-05-30.json", Some("{\"Controls\": null}"), "parse-error", &["Benchmark/"]),
    ];
    for (name, text, reason, kinds) in cases {
        let dir = good();
        match text {
            Some(text) => fs::write(dir.path().join(name), text).unwrap(),
            None => fs::remove_file(dir.path().join(name)).unwrap(),
        }
        let inventory = judge.collect(&*open(dir.path(), SETTINGS)).await;
        let verdicts = judge.verdicts(&inventory);
        for line in &lines {
            let (what, _) = line.split_once(": ").unwrap();
            let hit = kinds.iter().any(|kind| what.contains(kind));
            let of_check = verdicts.iter().filter(|(other, _)| other.split(' ').next() == what.split(' ').next());
            let found: Vec<&String> = of_check.map(|(_, verdict)| verdict).collect();
            let expected = if hit { format!("error ({reason})") } else { "pass".to_owned() };
            // A register of suppliers that cannot be read may hold modules for all we know.
            let also = name.ends_with("suppliers.yaml") && what.contains("Register/");
            assert!(also || found.iter().all(|verdict| **verdict == expected), "{name} {text:?}: {what}: {found:?}");
        }
    }
}

#[tokio::test]
async fn documents_are_one_thing_each_and_lie_in_the_workspace() {
    let judge = Judge::new(&["policy-review"], &[]);
    let policy = "policy: {version: '1', approved_on: 2026-01-01, approved_by: Board}";
    for (register, expected) in [
        (format!("[{{name: a, file: ../outside.md, sha256: x, {policy}}}]"), "policy-review Policy/a: error (not-permitted)"),
        (format!("[{{name: a, file: /etc/hostname, sha256: x, {policy}}}]"), "policy-review Policy/a: error (not-permitted)"),
        (format!("[{{name: a, file: gone.md, sha256: x, {policy}}}]"), "policy-review Policy/a: fail (dangling-reference)"),
        ("[{name: a, file: b.md, sha256: x}]".to_owned(), "policy-review Policy/registers/documents.yaml: error (parse-error)"),
        (
            format!("[{{name: a, file: b.md, sha256: x, {policy}}}, {{name: a, file: c.md, sha256: x, {policy}}}]"),
            "policy-review Policy/registers/documents.yaml: error (parse-error)",
        ),
        ("[]".to_owned(), "policy-review Population/policy-review: error (empty-population)"),
    ] {
        let dir = good();
        fs::write(dir.path().join("registers/documents.yaml"), format!("documents: {register}\n")).unwrap();
        let inventory = judge.collect(&*open(dir.path(), SETTINGS)).await;
        assert_verdicts(&judge.verdicts(&inventory), expected);
    }
    // Nothing was named, so nothing was looked at.
    let inventory = judge.collect(&*open(good().path(), "{}")).await;
    assert_verdicts(&judge.verdicts(&inventory), "policy-review Population/policy-review: error (not-collected)");
    assert!(inventory.targets.is_empty());
}
