//! Object stores: the S3 API as moto serves it (PyPI `moto[server]`), with what moto does not know, other stores and
//! faults answered as they are documented, by a server of the tests.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends")]
#![expect(clippy::panic, reason = "a test that fails says why")]

mod front;
#[path = "../support/judge.rs"]
mod judge;

mod faults;
mod moto;
mod rights;
mod stores;

use std::path::Path;

use proofbook_controls::yaml;
use proofbook_sources::collector::Collector;
use proofbook_sources::s3::S3Target;
use proofbook_sources::settings::{Setup, TargetSettings};

/// All checks that read object stores and nothing else.
const CHECKS: [&str; 14] = [
    "audit-log-retention",
    "backup-encrypted",
    "backup-key-per-tenant",
    "kms-key-rotation",
    "log-append-only",
    "s3-access-logging",
    "s3-encryption",
    "s3-key-ownership",
    "s3-lifecycle",
    "s3-location",
    "s3-object-lock",
    "s3-public-access",
    "s3-tls-only",
    "s3-versioning",
];

/// The id of the access key of all tests; that of real ones begins like it.
const ID: &str = "AKIAIOSFODNN7EXAMPLE";
/// Its secret.
const KEY: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

/// A collector for accounts written as in a workspace; each gets the keys of the tests.
fn open(accounts: &str) -> Box<dyn Collector> {
    let dir = tempfile::tempdir().unwrap();
    open_in(dir.path(), accounts)
}

fn open_in(dir: &Path, accounts: &str) -> Box<dyn Collector> {
    std::fs::write(dir.join("id"), ID).unwrap();
    std::fs::write(dir.join("key"), KEY).unwrap();
    let keys = ", access_key_id: {file: id}, secret_access_key: {file: key}}";
    let accounts: String = accounts.lines().map(|account| format!("  - {}{keys}\n", account.trim().trim_end_matches('}'))).collect();
    let target: S3Target = yaml::parse("proofbook.yaml", &format!("accounts:\n{accounts}")).unwrap();
    target.open("s3", &Setup { root: dir, file: "proofbook.yaml" }).unwrap()
}

/// Parameters that make every check speak of every bucket.
fn about_all() -> Vec<(&'static str, serde_json::Value)> {
    use serde_json::json;
    vec![
        ("allowed_regions", json!(["eu-central-1"])),
        ("locked_buckets", json!(["*"])),
        ("log_buckets", json!(["*"])),
        ("audit_log_buckets", json!(["*"])),
        ("audit_log_min_days", json!(364)),
        ("backup_buckets", json!(["*"])),
        ("tenant_backup_buckets", json!(["*"])),
        ("bucket_retention", json!([{"bucket": "*", "days": 365}])),
    ]
}
