//! The record of a bucket: its parts as far as checks read them, each asked on its own, so that one closed door hides
//! nothing else.

use proofbook_checks::inventory::Reason;
use serde_json::{Map, Value as Json, json};

use super::account::Account;
use super::settings::Provider;
use super::{keys, parts};
use crate::observed::{Unread, part};

/// Reads what is asked for of a bucket.
pub(super) async fn read(account: &Account, bucket: &str, reads: impl Fn(&str) -> bool) -> Json {
    let mut record = Map::new();
    record.insert("metadata".to_owned(), json!({"name": bucket, "namespace": account.name}));
    record.insert("bucket".to_owned(), bucket.into());
    record.insert("account".to_owned(), account.name.clone().into());
    record.insert("provider".to_owned(), account.provider.as_str().into());
    let reads_key = reads("key");
    for asked in parts::asked(reads) {
        let mut found = account.part(bucket, asked).await;
        match asked.name {
            "location" => found = found.map(|told| location(account, &told)),
            "public_access_block" => found = or_unsupported(account, found, json!({"supported": false})),
            "policy_status" => found = or_unsupported(account, found, json!({"supported": false, "public": false})),
            "replication" => {
                if let Ok(replication) = &mut found {
                    regions_of_copies(account, replication).await;
                }
            }
            "encryption" if reads_key => {
                let key = match &found {
                    Ok(encryption) => keys::of_bucket(account, bucket, encryption).await,
                    Err(unread) => Err(unread.clone()),
                };
                record.insert("key".to_owned(), part(key));
            }
            _ => {}
        }
        record.insert(asked.name.to_owned(), part(found));
    }
    Json::Object(record)
}

/// What stands for the buckets of an account that could not be listed.
pub(super) fn unlisted(account: &Account, unread: &Unread) -> Json {
    let mut record = unread.to_json();
    record["metadata"] = json!({"name": "(all)", "namespace": account.name});
    record
}

// Where the bucket is, as far as the store vouches for it. An empty constraint means the first region at Amazon, and
// nothing at all elsewhere; R2 vouches for the jurisdiction in its host name, and only hints at a region.
fn location(account: &Account, told: &Json) -> Json {
    let constraint = told["constraint"].as_str().unwrap_or_default();
    match account.provider {
        Provider::Aws => json!({"place": match constraint {
            "" => "us-east-1",
            "EU" => "eu-west-1",
            region => region,
        }}),
        Provider::R2 => {
            let host = account.services.s3.as_ref().and_then(|url| url.host_str()).unwrap_or_default();
            let jurisdiction = host.strip_suffix(".r2.cloudflarestorage.com").and_then(|rest| rest.split_once('.')).map(|(_, found)| found);
            json!({"place": jurisdiction.unwrap_or_default(), "hint": constraint.to_ascii_lowercase()})
        }
        Provider::Minio | Provider::Other => json!({"place": constraint}),
    }
}

// Stores other than Amazon's have no such block and may not judge their policies; there the policy itself decides, and
// where that cannot be read either, nothing does.
fn or_unsupported(account: &Account, found: Result<Json, Unread>, unsupported: Json) -> Result<Json, Unread> {
    match found {
        Err(unread) if unread.reason == Reason::NotServed && account.provider != Provider::Aws => Ok(unsupported),
        found => found,
    }
}

async fn regions_of_copies(account: &Account, replication: &mut Json) {
    for destination in replication["destinations"].as_array_mut().into_iter().flatten() {
        let bucket = destination["bucket"].as_str().unwrap_or_default().to_owned();
        destination["region"] = part(account.region_of(&bucket).await.map(|region| json!({"name": region})));
    }
}
