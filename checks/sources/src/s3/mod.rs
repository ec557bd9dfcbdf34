//! Object storage that speaks the S3 API: Amazon's own, MinIO, Cloudflare R2 and their like.
//!
//! Read are the settings of accounts, buckets and keys, never an object and never the list of objects; of places that the workspace
//! names for trials of deletion, whether anything is left there. Only what the
//! selected checks read is asked for, each setting by a signed question of its own, so that a setting which may not be
//! read is told as such in the record of its bucket while the rest of the record stands. Kinds of records: `Account`,
//! `Bucket` (its namespace is the account), `Key` and `Trial`.

mod account;
mod bucket;
mod keys;
mod parts;
mod policy;
mod refusal;
pub mod rights;
mod services;
mod settings;
mod signing;
mod xml;

use std::sync::Arc;

use proofbook_checks::inventory::{Actor, Assurance, Inventory, Target, Wanted};
use proofbook_checks::mask::Mask;
use proofbook_checks::resource::{GROUP, Resource, Source};
use reqwest::Url;
use serde_json::{Value as Json, json};

use self::account::{Account, Buckets};
use self::services::Service;
pub(crate) use self::services::{Service as AwsService, is_region};
pub use self::settings::{Provider, S3Account, S3Target, Style};
pub(crate) use self::signing::{Signer, Unsigned};
use crate::bounded::each;
use crate::collector::{Collecting, Collector, Comparing, PlannedRequest, Progress};
use crate::observed::{Observed, Unread, part};

/// How many buckets are read at a time.
const CONCURRENCY: usize = 16;

/// The collector of object stores.
#[derive(Debug)]
pub struct S3Collector {
    target: String,
    accounts: Vec<Arc<Account>>,
}

impl S3Collector {
    fn new(target: &str, accounts: Vec<Account>) -> Self {
        Self { target: target.to_owned(), accounts: accounts.into_iter().map(Arc::new).collect() }
    }

    async fn gather(&self, wanted: &Wanted, progress: &dyn Progress) -> Inventory {
        let wants = Wants::new(wanted);
        let mut observed = Observed::new(Source::S3);
        if !wants.anything() || self.accounts.is_empty() {
            return observed.finish(wanted);
        }
        let mut work = Vec::new();
        for account in &self.accounts {
            let buckets = if wants.bucket.is_some() { self.buckets_of(account).await } else { Ok(Buckets::default()) };
            self.read_account(account, &wants, &buckets, &mut observed).await;
            match buckets {
                Ok(buckets) => work.extend(buckets.names.into_iter().map(|bucket| (Arc::clone(account), bucket))),
                Err(unread) => observed.record("Bucket", "", bucket::unlisted(account, &unread)),
            }
        }
        work.sort_by(|(a, bucket), (b, other)| (&a.name, bucket).cmp(&(&b.name, other)));
        if let Some(mask) = &wants.bucket {
            observed.listed("Bucket");
            let mut records = Vec::new();
            let reading = work.into_iter().map(|(account, name)| {
                let mask = Arc::clone(mask);
                async move { (bucket::read(&account, &name, |part| mask.covers(part)).await, name) }
            });
            let lost = each(reading, CONCURRENCY, |record| {
                progress.advanced(&self.target, "buckets", 1);
                records.push(record);
            })
            .await;
            records.sort_by(|(a, _), (b, _)| a["metadata"].to_string().cmp(&b["metadata"].to_string()));
            records.into_iter().for_each(|(record, name)| observed.record("Bucket", &name, record));
            if lost > 0 {
                let detail = format!("{lost} buckets broke off while they were read");
                observed.failed("Bucket", Unread::new(proofbook_checks::inventory::Reason::IncompleteList, detail));
            }
        }
        for account in &self.accounts {
            observed.requests(account.web.requests());
        }
        observed.finish(wanted)
    }

    async fn buckets_of(&self, account: &Account) -> Result<Buckets, Unread> {
        if account.buckets.is_empty() {
            return account.list().await;
        }
        Ok(Buckets { names: account.buckets.clone(), ..Buckets::default() })
    }

    // Who was asked by whom, the account's own settings, and its keys.
    async fn read_account(&self, account: &Account, wants: &Wants, buckets: &Result<Buckets, Unread>, observed: &mut Observed) {
        let caller = match account.caller().await {
            Some(Ok(caller)) => caller,
            // Without an identity service the owner of the buckets is all that the store tells.
            Some(Err(_)) | None => account::Caller {
                account: String::new(),
                identity: buckets.as_ref().map(|buckets| buckets.owner.clone()).unwrap_or_default(),
            },
        };
        let place = account.services.url(Service::S3, &account.region, "").map(Url::into).unwrap_or_default();
        observed.target(Target {
            source: Source::S3,
            name: account.name.clone(),
            identity: Some(caller.account.clone()).filter(|known| !known.is_empty()).unwrap_or(place),
            version: String::new(),
            actor: Actor { identity: caller.identity, auth: "access-key".to_owned(), rights_sha256: None },
            clock_offset_ms: buckets.as_ref().ok().and_then(|buckets| buckets.clock_offset_ms),
            assurance: Assurance::Live,
        });
        if let Some(mask) = &wants.account {
            let host = account.services.url(Service::S3, &account.region, "").and_then(|url| url.host_str().map(str::to_owned));
            let mut record = json!({"account": account.name, "provider": account.provider.as_str(), "host": host.unwrap_or_default()});
            if mask.covers("public_access_block") {
                let block = account.access_block(&caller.account).await;
                record["public_access_block"] = part(block.map(|block| block.unwrap_or_else(|| json!({"supported": false}))));
            }
            if mask.covers("plain_http") {
                record["plain_http"] = part(account.plain_http().await.map(|outcome| json!({"outcome": outcome})));
            }
            observed.record("Account", &account.name, record);
        }
        if wants.trials {
            observed.listed("Trial");
            for (bucket, prefix) in &account.trials {
                let mut left = part(account.left(bucket, prefix).await);
                left["place"] = format!("{bucket}/{prefix}").into();
                observed.record("Trial", &format!("{bucket}/{prefix}"), left);
            }
        }
        // An account without a key service has no list of keys, be it an empty one.
        if wants.keys && account.services.url(Service::Kms, &account.region, "").is_some() {
            observed.listed("Key");
            match keys::list(account).await {
                Ok(found) => found.into_iter().for_each(|(id, record)| key(observed, account, &id, record)),
                Err(unread) => key(observed, account, "(all)", unread.to_json()),
            }
        }
    }

    fn planned(account: &Account, method: &str, url: Option<Url>, reason: &str) -> Option<PlannedRequest> {
        let url = url?;
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        Some(PlannedRequest {
            source: Source::S3,
            target: account.name.clone(),
            method: method.to_owned(),
            query: format!("{}{}{query}", url.origin().ascii_serialization(), url.path()),
            reason: reason.to_owned(),
        })
    }
}

fn key(observed: &mut Observed, account: &Account, name: &str, mut record: Json) {
    record["metadata"] = json!({"name": name, "namespace": account.name});
    observed.record("Key", name, record);
}

/// What of the source is asked for.
struct Wants {
    account: Option<Arc<Mask>>,
    bucket: Option<Arc<Mask>>,
    keys: bool,
    trials: bool,
}

impl Wants {
    fn new(wanted: &Wanted) -> Self {
        let mask = |kind: &str| {
            let resource = Resource::of_object(&format!("{GROUP}{}", Source::S3), kind);
            wanted.get(&resource).map(|projection| Arc::clone(&projection.mask))
        };
        Self { account: mask("Account"), bucket: mask("Bucket"), keys: mask("Key").is_some(), trials: mask("Trial").is_some() }
    }

    const fn anything(&self) -> bool {
        self.account.is_some() || self.bucket.is_some() || self.keys || self.trials
    }
}

impl Collector for S3Collector {
    fn source(&self) -> Source {
        Source::S3
    }

    fn target(&self) -> &str {
        &self.target
    }

    fn plan(&self, wanted: &Wanted) -> Vec<PlannedRequest> {
        let wants = Wants::new(wanted);
        if !wants.anything() {
            return Vec::new();
        }
        let mut plan = Vec::new();
        for account in &self.accounts {
            let url = |service| account.services.url(service, &account.region, "ACCOUNT");
            let mut add = |method: &str, url: Option<Url>, reason: &str| plan.extend(Self::planned(account, method, url, reason));
            add("POST", url(Service::Sts), "sts:GetCallerIdentity: who is asking");
            if let Some(mask) = &wants.account {
                if mask.covers("public_access_block") {
                    let control = url(Service::Control).map(|mut url| {
                        url.set_path("/v20180820/configuration/publicAccessBlock");
                        url
                    });
                    add("GET", control, "s3:GetAccountPublicAccessBlock: the account's block of public access");
                }
                if mask.covers("plain_http") {
                    add("GET", account.plain_url(), "none, not signed: whether the store answers without TLS");
                }
            }
            if wants.keys {
                for right in rights::of_keys() {
                    add("POST", url(Service::Kms), &format!("{}: {}", right.name, right.why));
                }
            }
            for (bucket, prefix) in account.trials.iter().filter(|_| wants.trials) {
                for (what, right) in [("list-type=2", "s3:ListBucket"), ("versions", "s3:ListBucketVersions")] {
                    let mut at = url(Service::S3);
                    if let Some(at) = &mut at {
                        at.set_path(&format!("/{bucket}"));
                        at.set_query(Some(&account::trial_query(what, prefix)));
                    }
                    add("GET", at, &format!("{right}: whether a trial of deletion left anything"));
                }
            }
            let Some(mask) = &wants.bucket else { continue };
            if account.buckets.is_empty() {
                add("GET", url(Service::S3), "s3:ListAllMyBuckets: the buckets of the account");
            }
            let names = if account.buckets.is_empty() { vec!["BUCKET".to_owned()] } else { account.buckets.clone() };
            for name in names {
                let at = |query: &str| {
                    let mut url = url(Service::S3)?;
                    url.set_path(&format!("/{name}"));
                    url.set_query(Some(query).filter(|query| !query.is_empty()));
                    Some(url)
                };
                for asked in parts::asked(|part| mask.covers(part)) {
                    add("GET", at(asked.query), asked.permission);
                }
                if mask.covers("key") {
                    add("POST", url(Service::Kms), "kms:DescribeKey: holder of the key that the bucket names");
                }
                if mask.covers("replication") {
                    add("HEAD", at(""), "s3:ListBucket: region of each bucket that copies go to");
                }
            }
        }
        plan
    }

    fn collect<'a>(&'a self, wanted: &'a Wanted, progress: &'a dyn Progress) -> Collecting<'a> {
        Box::pin(self.gather(wanted, progress))
    }

    fn compare<'a>(&'a self, wanted: &'a Wanted) -> Comparing<'a> {
        Box::pin(async {
            let wants = Wants::new(wanted);
            let mut found = Vec::new();
            for account in self.accounts.iter().filter(|_| wants.anything()) {
                let buckets = if wants.bucket.is_some() { self.buckets_of(account).await } else { Ok(Buckets::default()) };
                found.push(rights::compare(account, &wants, buckets).await);
            }
            found
        })
    }
}
