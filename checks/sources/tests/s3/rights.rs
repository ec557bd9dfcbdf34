//! The printed policy is exact: without any one of its actions, exactly the checks that need it are errors. moto itself refuses
//! nothing, so a server before it refuses the one action, as Amazon documents it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use proofbook_sources::rights::Platform;
use proofbook_sources::s3::rights::policy;

use crate::front::{Front, Reply, Request};
use crate::judge::Judge;
use crate::moto::{Moto, answer, at};
use crate::{CHECKS, about_all, open};

/// The action that a request takes, by Amazon's reference; none where it takes no right.
fn action(request: &Request) -> Option<&'static str> {
    let of_keys = [("ListKeys", "kms:ListKeys"), ("DescribeKey", "kms:DescribeKey"), ("GetKeyRotationStatus", "kms:GetKeyRotationStatus")];
    let target = request.header("x-amz-target");
    if let Some((_, action)) = of_keys.iter().find(|(name, _)| target == format!("TrentService.{name}")) {
        return Some(action);
    }
    if request.target.starts_with("/v20180820/configuration/publicAccessBlock") {
        return Some("s3:GetAccountPublicAccessBlock");
    }
    let of_buckets = [
        ("location", "s3:GetBucketLocation"),
        ("encryption", "s3:GetEncryptionConfiguration"),
        ("versioning", "s3:GetBucketVersioning"),
        ("object-lock", "s3:GetBucketObjectLockConfiguration"),
        ("lifecycle", "s3:GetLifecycleConfiguration"),
        ("policy", "s3:GetBucketPolicy"),
        ("policyStatus", "s3:GetBucketPolicyStatus"),
        ("publicAccessBlock", "s3:GetBucketPublicAccessBlock"),
        ("acl", "s3:GetBucketAcl"),
        ("logging", "s3:GetBucketLogging"),
        ("replication", "s3:GetReplicationConfiguration"),
        ("tagging", "s3:GetBucketTagging"),
    ];
    let found = of_buckets.iter().find(|(query, _)| request.asks(query)).map(|(_, action)| *action);
    found.or_else(|| (request.method == "GET" && request.target == "/").then_some("s3:ListAllMyBuckets"))
}

fn judge() -> Judge {
    Judge::new(&CHECKS, &about_all().into_iter().chain([("key_holder", "customer".into())]).collect::<Vec<_>>())
}

/// moto behind a server that refuses one action, which can be changed.
fn guarded(moto: &Moto) -> (Front, Arc<Mutex<String>>) {
    let refused = Arc::new(Mutex::new(String::new()));
    let now = Arc::clone(&refused);
    let front = Front::start(moto.port, move |request| match action(request) {
        Some(action) if action == *now.lock().unwrap() => {
            if action.starts_with("kms:") {
                Reply::Answer(400, Vec::new(), r#"{"__type": "AccessDeniedException"}"#.to_owned())
            } else {
                Reply::error(403, "AccessDenied")
            }
        }
        _ => answer(request),
    });
    (front, refused)
}

#[tokio::test(flavor = "multi_thread")]
async fn without_any_one_action_exactly_the_checks_that_need_it_are_errors() {
    let moto = Moto::start();
    moto.set_up();
    let (front, refused) = guarded(&moto);
    let judge = judge();
    let collector = open(&at(&front));
    let before = judge.verdicts(&judge.collect(&*collector).await);
    let by_check = |verdicts: &BTreeMap<String, String>, of: &dyn Fn(&str) -> bool| -> BTreeSet<String> {
        verdicts.iter().filter(|(_, verdict)| of(verdict)).map(|(what, _)| what.split(' ').next().unwrap().to_owned()).collect()
    };
    let is_refused = |verdict: &str| verdict == "error (not-permitted)";
    assert_eq!(by_check(&before, &is_refused), BTreeSet::new());

    // Every request takes a right that is printed, or none.
    let rights: BTreeSet<String> = Platform::Aws.rights(&judge.wanted()).into_iter().map(|right| right.name).collect();
    let used: BTreeSet<String> = front.seen.lock().unwrap().iter().filter_map(action).map(str::to_owned).collect();
    assert_eq!(used, rights);
    let text = policy(&judge.wanted(), &BTreeSet::new(), &BTreeSet::new()).to_string();
    assert!(rights.iter().all(|right| text.contains(&format!("\"{right}\""))), "{text}");

    let plan = judge.plan();
    for right in &rights {
        let needs = |wanted| Platform::Aws.rights(wanted).iter().any(|needed| needed.name == *right);
        let need: BTreeSet<String> =
            plan.checks.values().filter(|planned| needs(&planned.wanted)).map(|planned| planned.check.id().to_string()).collect();
        right.clone_into(&mut refused.lock().unwrap());
        let after = judge.verdicts(&judge.collect(&*collector).await);
        assert_eq!(by_check(&after, &is_refused), need, "without {right}");
        let others = |verdicts: &BTreeMap<String, String>| -> BTreeMap<String, String> {
            let other = |what: &str| !need.contains(what.split(' ').next().unwrap());
            verdicts.iter().filter(|(what, _)| other(what)).map(|(what, verdict)| (what.clone(), verdict.clone())).collect()
        };
        assert_eq!(others(&after), others(&before), "without {right}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_account_may_not_read_is_told_and_what_it_may_besides_is_not_known() {
    let moto = Moto::start();
    moto.set_up();
    let (front, refused) = guarded(&moto);
    let wanted = judge().wanted();
    let collector = open(&at(&front));
    let [found] = collector.compare(&wanted).await.try_into().unwrap();
    assert!(found.missing.is_empty() && found.surplus.is_empty(), "{found:?}");
    assert_eq!(found.held.len(), Platform::Aws.rights(&wanted).len());
    assert!(found.account.starts_with("arn:aws:"), "{found:?}");
    // That nothing is too much cannot be known, so it is not exact.
    assert!(!found.is_exact() && found.unknown.len() == 1 && found.unknown[0].contains("does not tell"), "{found:?}");

    for (right, missing) in [
        ("s3:GetBucketAcl", "s3:GetBucketAcl of bad-a, "),
        ("kms:ListKeys", "kms:ListKeys"),
        ("s3:ListAllMyBuckets", "s3:ListAllMyBuckets"),
    ] {
        right.clone_into(&mut refused.lock().unwrap());
        let [found] = collector.compare(&wanted).await.try_into().unwrap();
        assert!(found.missing.len() == 1 && found.missing[0].starts_with(missing), "{right}: {found:?}");
    }
    // Only reads were tried.
    let seen = front.seen.lock().unwrap();
    let reads = |request: &Request| {
        ["GET", "HEAD"].contains(&request.method.as_str()) || request.header("x-amz-target").starts_with("TrentService.")
    };
    assert!(seen.iter().all(|request| reads(request) || request.body.starts_with("Action=GetCallerIdentity")));
}
