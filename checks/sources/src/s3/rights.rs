//! Which actions reading an object store takes, the policy that allows them, and whether an account may do them.
//!
//! Who is asking (`sts:GetCallerIdentity`) takes no right. The region of a bucket that copies go to stands in the headers of an
//! answer that Amazon also gives to whom it refuses, so no right is asked for there. Stores other than Amazon's know the same
//! actions by the same names, as far as they know them.

use std::collections::{BTreeMap, BTreeSet};

use proofbook_checks::inventory::{Reason, Wanted};
use serde_json::{Value as Json, json};

use super::account::{Account, Buckets};
use super::services::Service;
use super::{Wants, keys, parts};
use crate::observed::Unread;
use crate::rights::{Comparison, Platform, Right};

const LIST: &str = "s3:ListAllMyBuckets";
const BLOCK: &str = "s3:GetAccountPublicAccessBlock";
const LIST_KEYS: &str = "kms:ListKeys";
const DESCRIBE: &str = "kms:DescribeKey";
const ROTATION: &str = "kms:GetKeyRotationStatus";
const LIST_OBJECTS: &str = "s3:ListBucket";
const LIST_VERSIONS: &str = "s3:ListBucketVersions";

/// What the keys of an account take.
pub(super) fn of_keys() -> [Right; 3] {
    [
        Right::new(LIST_KEYS, "the keys of the account"),
        Right::new(DESCRIBE, "holder and state of each key"),
        Right::new(ROTATION, "rotation of each key that the account holds"),
    ]
}

/// The actions that reading takes.
pub(crate) fn needed(wanted: &Wanted) -> Vec<Right> {
    let wants = Wants::new(wanted);
    let mut out = Vec::new();
    if wants.account.as_ref().is_some_and(|mask| mask.covers("public_access_block")) {
        out.push(Right::new(BLOCK, "the account's block of public access"));
    }
    if let Some(mask) = &wants.bucket {
        out.push(Right::new(LIST, "the buckets of the account, where the workspace names none"));
        out.extend(parts::asked(|part| mask.covers(part)).map(|part| Right::new(part.permission, "a setting of each bucket")));
        if mask.covers("key") {
            out.push(Right::new(DESCRIBE, "holder of the key that a bucket names"));
        }
    }
    if wants.keys {
        out.extend(of_keys());
    }
    if wants.trials {
        out.push(Right::new(LIST_OBJECTS, "whether a trial of deletion left an object"));
        out.push(Right::new(LIST_VERSIONS, "whether a trial of deletion left a version"));
    }
    out
}

/// A policy of Amazon's identity service that allows what reading takes, of these buckets; of all where none is named. What lies in a
/// bucket is listed only below the prefixes of trials of deletion, as `bucket/prefix`.
#[must_use]
pub fn policy(wanted: &Wanted, buckets: &BTreeSet<String>, trials: &BTreeSet<String>) -> Json {
    let (mut account, mut bucket) = (Vec::new(), Vec::new());
    for Right { name, .. } in Platform::Aws.rights(wanted) {
        if name == LIST && !buckets.is_empty() || name == LIST_OBJECTS || name == LIST_VERSIONS {
            continue;
        }
        let of_bucket = parts::PARTS.iter().any(|part| part.permission == name);
        if of_bucket { &mut bucket } else { &mut account }.push(name);
    }
    let buckets: Vec<String> = if buckets.is_empty() {
        vec!["arn:aws:s3:::*".to_owned()]
    } else {
        buckets.iter().map(|name| format!("arn:aws:s3:::{name}")).collect()
    };
    let mut statements = Vec::new();
    if !account.is_empty() {
        statements.push(json!({"Effect": "Allow", "Action": account, "Resource": "*"}));
    }
    if !bucket.is_empty() {
        statements.push(json!({"Effect": "Allow", "Action": bucket, "Resource": buckets}));
    }
    let mut prefixes: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (bucket, prefix) in trials.iter().filter_map(|trial| trial.split_once('/')).filter(|_| Wants::new(wanted).trials) {
        prefixes.entry(bucket).or_default().push(prefix);
    }
    for (bucket, prefixes) in prefixes {
        statements.push(json!({
            "Effect": "Allow",
            "Action": [LIST_OBJECTS, LIST_VERSIONS],
            "Resource": [format!("arn:aws:s3:::{bucket}")],
            "Condition": {"StringEquals": {"s3:prefix": prefixes}},
        }));
    }
    json!({"Version": "2012-10-17", "Statement": statements})
}

/// Tries each action once at each place. What else the account may do, no store tells the account itself.
pub(super) async fn compare(account: &Account, wants: &Wants, buckets: Result<Buckets, Unread>) -> Comparison {
    let mut tried = Tried::default();
    let caller = match account.caller().await {
        Some(Ok(caller)) => caller,
        Some(Err(unread)) => {
            tried.unknown.push(format!("who is asking: {unread}"));
            super::account::Caller::default()
        }
        None => super::account::Caller::default(),
    };
    if wants.account.as_ref().is_some_and(|mask| mask.covers("public_access_block")) {
        tried.note(BLOCK, "", account.access_block(&caller.account).await.map(drop));
    }
    if let Some(mask) = &wants.bucket {
        if account.buckets.is_empty() {
            tried.note(LIST, "", buckets.as_ref().map(drop).map_err(Clone::clone));
        }
        let names = buckets.map(|buckets| buckets.names).unwrap_or_default();
        if names.is_empty() {
            tried.unknown.push("whether settings of buckets may be read: there is no bucket to try it on".to_owned());
        }
        for name in &names {
            for part in parts::asked(|part| mask.covers(part)) {
                let read = account.part(name, part).await;
                if part.name == "encryption"
                    && mask.covers("key")
                    && let Ok(encryption) = &read
                {
                    tried.note(DESCRIBE, name, keys::of_bucket(account, name, encryption).await.map(drop));
                }
                tried.note(part.permission, name, read.map(drop));
            }
        }
    }
    if wants.keys && account.services.url(Service::Kms, &account.region, "").is_some() {
        tried.keys(account).await;
    }
    if wants.trials {
        if account.trials.is_empty() {
            tried.unknown.push(format!("whether the account may {LIST_OBJECTS} and {LIST_VERSIONS}: no trial of deletion is named"));
        }
        for (bucket, prefix) in &account.trials {
            tried.note(LIST_OBJECTS, bucket, account.objects_left(bucket, prefix).await.map(drop));
            tried.note(LIST_VERSIONS, bucket, account.versions_left(bucket, prefix).await.map(drop));
        }
    }
    let mut found = Comparison { account: caller.identity, unknown: tried.unknown, ..Comparison::new(Platform::Aws, &account.name) };
    for (right, places) in tried.places {
        let refused: Vec<&str> = places.iter().filter(|(_, held)| !**held).map(|(place, _)| place.as_str()).collect();
        let shown = if refused.is_empty() || refused == [""] { right.to_owned() } else { format!("{right} of {}", refused.join(", ")) };
        found.note(shown, refused.is_empty());
    }
    found.unknown.push("which other actions the account may do: a store does not tell; look at the policies of the account".to_owned());
    found.sorted()
}

/// What trials came to: for each action, whether it was permitted at each place.
#[derive(Default)]
struct Tried {
    places: BTreeMap<&'static str, BTreeMap<String, bool>>,
    unknown: Vec<String>,
}

impl Tried {
    fn note(&mut self, right: &'static str, place: &str, read: Result<(), Unread>) {
        let held = match read {
            Ok(()) => true,
            Err(unread) if unread.reason == Reason::NotPermitted => false,
            // That a store has no such setting says nothing of a right to it.
            Err(unread) if unread.reason == Reason::NotServed => return,
            Err(unread) => return self.unknown.push(format!("whether the account may {right}: {unread}")),
        };
        self.places.entry(right).or_default().insert(place.to_owned(), held);
    }

    async fn keys(&mut self, account: &Account) {
        let listed = account.key_service(&account.region, "ListKeys", &json!({})).await;
        self.note(LIST_KEYS, "", listed.as_ref().map(drop).map_err(Clone::clone));
        let listed = listed.unwrap_or_default();
        let keys: Vec<&str> = listed["Keys"].as_array().into_iter().flatten().filter_map(|key| key["KeyId"].as_str()).collect();
        if keys.is_empty() {
            self.unknown.push(format!("whether the account may {DESCRIBE} and {ROTATION}: there is no key to try it on"));
        }
        for key in keys {
            let input = json!({"KeyId": key});
            self.note(DESCRIBE, key, account.key_service(&account.region, "DescribeKey", &input).await.map(drop));
            // Of keys that are not the account's own rotation is not asked.
            let rotation = account.key_service(&account.region, "GetKeyRotationStatus", &input).await;
            if !rotation.as_ref().is_err_and(|unread| unread.reason != Reason::NotPermitted) {
                self.note(ROTATION, key, rotation.map(drop));
            }
        }
    }
}
