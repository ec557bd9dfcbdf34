//! Rights that are missing, stores that are slow, down or damaged: the reason each time, and everything else unharmed.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use proofbook_checks::inventory::Completeness;
use proofbook_checks::resource::Resource;

use crate::front::{Front, Reply, Request};
use crate::judge::{Judge, assert_verdicts};
use crate::{CHECKS, about_all, open};

const LIST: &str = "<ListAllMyBucketsResult><Owner><ID>owner-id</ID></Owner><Buckets><Bucket><Name>one</Name></Bucket></Buckets>\
    </ListAllMyBucketsResult>";

const KEY: &str = r#"{"KeyMetadata": {"Arn": "arn:aws:kms:eu-central-1:1:key/k", "KeyManager": "CUSTOMER", "KeyState": "Enabled",
    "KeySpec": "SYMMETRIC_DEFAULT", "Origin": "AWS_KMS", "CreationDate": 1767225600.5}}"#;

/// A bucket `one` in which everything is as it should be, answered as Amazon documents it.
fn good(request: &Request) -> Reply {
    let xml = |body: &str| Reply::xml(200, body);
    let json = |body: &str| Reply::Answer(200, Vec::new(), body.to_owned());
    let query = request.target.split_once('?').map_or("", |(_, query)| query).trim_end_matches('=');
    if request.method == "POST" {
        return match request.header("x-amz-target").as_str() {
            "TrentService.ListKeys" => json(r#"{"Keys": [{"KeyId": "k"}], "Truncated": false}"#),
            "TrentService.DescribeKey" => json(KEY),
            "TrentService.GetKeyRotationStatus" => json(r#"{"KeyRotationEnabled": true, "RotationPeriodInDays": 180}"#),
            _ => xml(
                "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::1:role/reader</Arn><Account>123456789012</Account>\
                 </GetCallerIdentityResult></GetCallerIdentityResponse>",
            ),
        };
    }
    let block = "<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls><IgnorePublicAcls>true</IgnorePublicAcls>\
        <BlockPublicPolicy>true</BlockPublicPolicy><RestrictPublicBuckets>true</RestrictPublicBuckets></PublicAccessBlockConfiguration>";
    match (request.target.as_str(), query) {
        ("/", _) => xml(LIST),
        (target, _) if target.starts_with("/v2018") => xml(block),
        (_, "location") => xml("<LocationConstraint>eu-central-1</LocationConstraint>"),
        (_, "encryption") => {
            xml("<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>aws:kms</SSEAlgorithm>\
             <KMSMasterKeyID>k</KMSMasterKeyID></ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>")
        }
        (_, "versioning") => xml("<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"),
        (_, "object-lock") => {
            xml("<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention><Mode>COMPLIANCE</Mode>\
             <Days>90</Days></DefaultRetention></Rule></ObjectLockConfiguration>")
        }
        (_, "lifecycle") => {
            xml("<LifecycleConfiguration><Rule><ID>a</ID><Filter/><Status>Enabled</Status><Expiration><Days>364</Days></Expiration>\
             <NoncurrentVersionExpiration><NoncurrentDays>1</NoncurrentDays></NoncurrentVersionExpiration></Rule></LifecycleConfiguration>")
        }
        (_, "policy") => json(
            r#"{"Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": ["arn:aws:s3:::one", "arn:aws:s3:::one/*"],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}}}]}"#,
        ),
        (_, "policyStatus") => xml("<PolicyStatus><IsPublic>false</IsPublic></PolicyStatus>"),
        (_, "publicAccessBlock") => xml(block),
        (_, "acl") => xml("<AccessControlPolicy><Owner><ID>1</ID></Owner><AccessControlList/></AccessControlPolicy>"),
        (_, "logging") => {
            xml("<BucketLoggingStatus><LoggingEnabled><TargetBucket>logs</TargetBucket></LoggingEnabled></BucketLoggingStatus>")
        }
        (_, "tagging") => xml("<Tagging><TagSet><Tag><Key>tenant</Key><Value>a</Value></Tag></TagSet></Tagging>"),
        (_, "replication") => Reply::error(404, "ReplicationConfigurationNotFoundError"),
        _ => Reply::error(400, "InvalidRequest"),
    }
}

fn account(name: &str, front: &Front, more: &str) -> String {
    let url = &front.url;
    format!("{{name: {name}, region: eu-central-1, provider: aws, endpoint: '{url}', kms: '{url}', sts: '{url}', control: '{url}'{more}}}")
}

fn judge() -> Judge {
    let mut parameters = about_all();
    parameters.push(("key_holder", "customer".into()));
    Judge::new(&CHECKS, &parameters)
}

fn all_pass() -> String {
    let subject = |check: &str| if check == "kms-key-rotation" { "Key/prod/k" } else { "Bucket/prod/one" };
    CHECKS.iter().map(|check| format!("{check} {}: pass\n", subject(check))).collect()
}

type Answer = fn(&Request) -> Reply;

#[tokio::test(flavor = "multi_thread")]
async fn a_store_in_which_everything_is_as_it_should_be_passes() {
    let judge = judge();
    let front = Front::start(0, good);
    let inventory = judge.collect(&*open(&account("prod", &front, ""))).await;
    assert_verdicts(&judge.verdicts(&inventory), &all_pass());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_checks_do_not_read_is_not_asked_for() {
    let judge = Judge::new(&["s3-encryption"], &[]);
    let front = Front::start(0, good);
    let collector = open(&account("prod", &front, ""));
    let inventory = judge.collect(&*collector).await;
    assert_verdicts(&judge.verdicts(&inventory), "s3-encryption Bucket/prod/one: pass");
    let asked: BTreeSet<String> = front.seen.lock().unwrap().iter().map(|seen| seen.target.clone()).collect();
    assert_eq!(asked, ["/", "/one?encryption"].map(str::to_owned).into());
    assert!(Judge::new(&[], &[]).collect(&*collector).await.requests.is_empty());
    assert!(collector.plan(&Judge::new(&[], &[]).wanted()).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_of_one_account_has_its_reason_and_leaves_the_other_alone() {
    let judge = Judge::new(&["s3-encryption", "s3-versioning"], &[]);
    let well = Front::start(0, good);
    let cases: [(&str, Answer, &str); 9] = [
        ("the list is refused", |_| Reply::error(403, "AccessDenied"), "not-permitted"),
        ("the key is unknown", |_| Reply::error(403, "InvalidAccessKeyId"), "not-permitted"),
        ("the clocks differ", |_| Reply::error(403, "RequestTimeTooSkewed"), "clock-skew"),
        ("too many requests", |_| Reply::error(503, "SlowDown"), "throttled"),
        ("the store is ill", |_| Reply::error(500, "InternalError"), "unreachable"),
        ("no answer", |_| Reply::Silence, "timeout"),
        ("the connection breaks", |_| Reply::Close, "unreachable"),
        ("not HTTP", |_| Reply::Bytes(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec()), "unreachable"),
        ("another service", |_| Reply::Answer(200, Vec::new(), "<html><body>hello</body></html>".to_owned()), "not-served"),
    ];
    for (name, answer, reason) in cases {
        let ill = Front::start(0, answer);
        let accounts = format!("{}\n{}", account("ill", &ill, ", deadline_seconds: 1"), account("prod", &well, ""));
        let inventory = judge.collect(&*open(&accounts)).await;
        let verdicts = judge.verdicts(&inventory);
        assert!(verdicts.values().any(|verdict| verdict.contains(reason)), "{name}: {verdicts:?}");
        assert_verdicts(
            &verdicts,
            &format!(
                "s3-encryption Bucket/ill/(all): error ({reason})\ns3-versioning Bucket/ill/(all): error ({reason})
                 s3-encryption Bucket/prod/one: pass\ns3-versioning Bucket/prod/one: pass"
            ),
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_port_and_a_setting_that_does_not_answer_are_told_apart_from_what_was_read() {
    let judge = Judge::new(&["s3-encryption", "s3-versioning"], &[]);
    let closed = open("{name: closed, region: eu-central-1, endpoint: 'http://127.0.0.1:1'}");
    let inventory = judge.collect(&*closed).await;
    assert_verdicts(
        &judge.verdicts(&inventory),
        "s3-encryption Bucket/closed/(all): error (unreachable)\ns3-versioning Bucket/closed/(all): error (unreachable)",
    );

    // Stops to answer in the middle of a scan.
    let front = Front::start(0, |request| if request.asks("versioning") { Reply::Silence } else { good(request) });
    let begun = Instant::now();
    let inventory = judge.collect(&*open(&account("prod", &front, ", deadline_seconds: 1"))).await;
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert_verdicts(&judge.verdicts(&inventory), "s3-encryption Bucket/prod/one: pass\ns3-versioning Bucket/prod/one: error (timeout)");

    // A bucket that the workspace names and that does not exist; one whose name leads elsewhere.
    let front =
        Front::start(0, |request| if request.target.starts_with("/gone") { Reply::error(404, "NoSuchBucket") } else { good(request) });
    let inventory = judge.collect(&*open(&account("prod", &front, ", buckets: [gone, 'one?x=', one]"))).await;
    assert_verdicts(
        &judge.verdicts(&inventory),
        "s3-encryption Bucket/prod/gone: error (dangling-reference)
         s3-versioning Bucket/prod/gone: error (dangling-reference)
         s3-encryption Bucket/prod/one?x=: error (parse-error)
         s3-versioning Bucket/prod/one?x=: error (parse-error)
         s3-encryption Bucket/prod/one: pass
         s3-versioning Bucket/prod/one: pass",
    );
    assert!(
        front.seen.lock().unwrap().iter().all(|seen| seen.method == "POST" || seen.target != "/"),
        "buckets that are named are not listed"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn long_lists_are_read_to_their_end_or_not_judged() {
    let judge = Judge::new(&["s3-encryption"], &[]);
    let page = |name: &str, more: &str| {
        Reply::xml(
            200,
            &format!("<ListAllMyBucketsResult><Buckets><Bucket><Name>{name}</Name></Bucket></Buckets>{more}</ListAllMyBucketsResult>"),
        )
    };
    let front = Front::start(0, move |request| match request.target.as_str() {
        "/" => page("one", "<ContinuationToken>next</ContinuationToken>"),
        "/?continuation-token=next" => page("two", ""),
        _ => good(request),
    });
    let inventory = judge.collect(&*open(&account("prod", &front, ""))).await;
    assert_verdicts(&judge.verdicts(&inventory), "s3-encryption Bucket/prod/one: pass\ns3-encryption Bucket/prod/two: pass");

    for more in ["<IsTruncated>true</IsTruncated>", "<ContinuationToken>again</ContinuationToken><IsTruncated>true</IsTruncated>"] {
        let front =
            Front::start(
                0,
                move |request| if request.target.starts_with("/?") || request.target == "/" { page("one", more) } else { good(request) },
            );
        let inventory = judge.collect(&*open(&account("prod", &front, ""))).await;
        assert_verdicts(&judge.verdicts(&inventory), "s3-encryption Bucket/prod/(all): error (incomplete-list)");
    }

    let keys = Judge::new(&["kms-key-rotation"], &[]);
    let front = Front::start(0, |request| {
        if request.header("x-amz-target") == "TrentService.ListKeys" {
            let body = if request.body.contains("\"m\"") {
                r#"{"Keys": [{"KeyId": "k2"}]}"#
            } else {
                r#"{"Keys": [{"KeyId": "k1"}], "Truncated": true, "NextMarker": "m"}"#
            };
            return Reply::Answer(200, Vec::new(), body.to_owned());
        }
        good(request)
    });
    let inventory = keys.collect(&*open(&account("prod", &front, ""))).await;
    assert_verdicts(&keys.verdicts(&inventory), "kms-key-rotation Key/prod/k1: pass\nkms-key-rotation Key/prod/k2: pass");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_without_key_service_has_no_list_of_keys() {
    let judge = Judge::new(&["kms-key-rotation"], &[]);
    let front = Front::start(0, good);
    let inventory = judge.collect(&*open(&format!("{{name: own, region: eu-central-1, endpoint: '{}'}}", front.url))).await;
    let keys = Resource::of_object("proofbook.dev/s3", "Key");
    assert_eq!(inventory.completeness(&keys), &Completeness::NotCollected);
    assert_verdicts(&judge.verdicts(&inventory), "kms-key-rotation Population/kms-key-rotation: error (not-collected)");
}
