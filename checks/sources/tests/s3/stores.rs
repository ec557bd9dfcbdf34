//! Stores that are not Amazon's, and buckets in other regions: answers recorded from the documentation of each.

use crate::front::{Front, Reply};
use crate::judge::{Judge, assert_verdicts};
use crate::open;

const CHECKS: [&str; 6] = ["s3-access-logging", "s3-encryption", "s3-key-ownership", "s3-location", "s3-public-access", "s3-tls-only"];

fn judge() -> Judge {
    Judge::new(&CHECKS, &[("allowed_regions", serde_json::json!(["eu-west-1", "eu", "auto"]))])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_in_another_region_is_asked_there() {
    for told_in_header in [true, false] {
        let front = Front::start(0, move |request| match (request.target.as_str(), request.region().as_str()) {
            ("/", _) => Reply::xml(
                200,
                "<ListAllMyBucketsResult><Buckets><Bucket><Name>far</Name></Bucket></Buckets><Owner><ID>owner</ID></Owner></ListAllMyBucketsResult>",
            ),
            (_, "eu-west-1") if request.asks("encryption") => Reply::xml(
                200,
                "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm>\
                 </ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>",
            ),
            (_, "eu-west-1") => Reply::xml(200, "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"),
            _ if told_in_header => Reply::Answer(
                301,
                vec![("x-amz-bucket-region", "eu-west-1".to_owned())],
                "<Error><Code>PermanentRedirect</Code><Endpoint>elsewhere.example.com</Endpoint></Error>".to_owned(),
            ),
            _ => Reply::xml(400, "<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-1</Region></Error>"),
        });
        let judge = Judge::new(&["s3-encryption", "s3-versioning"], &[]);
        let inventory = judge.collect(&*open(&format!("{{name: prod, region: us-east-1, endpoint: '{}'}}", front.url))).await;
        assert_verdicts(&judge.verdicts(&inventory), "s3-encryption Bucket/prod/far: pass\ns3-versioning Bucket/prod/far: pass");
        // The region is learned once: list, wrong region, right region, next question.
        assert_eq!(front.seen.lock().unwrap().len(), 4);
        assert_eq!(inventory.targets[0].actor.identity, "owner");
    }

    // A store that says the same of every region is not asked for ever.
    let front = Front::start(0, |request| match request.region().as_str() {
        "eu-west-1" => Reply::xml(400, "<Error><Code>AuthorizationHeaderMalformed</Code><Region>us-east-1</Region></Error>"),
        _ => Reply::xml(400, "<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-1</Region></Error>"),
    });
    let judge = Judge::new(&["s3-encryption"], &[]);
    let inventory = judge.collect(&*open(&format!("{{name: prod, region: us-east-1, endpoint: '{}', buckets: [far]}}", front.url))).await;
    assert_verdicts(&judge.verdicts(&inventory), "s3-encryption Bucket/prod/far: error (unreachable)");
    assert_eq!(front.seen.lock().unwrap().len(), 2);
}

// Recorded from MinIO's handlers: no block of public access (501), dummy access control list and logging, a policy status
// that is public only where anyone may read and write.
#[tokio::test(flavor = "multi_thread")]
async fn minio_is_judged_by_its_policy_and_tells_no_region() {
    let front = Front::start(0, |request| {
        if request.asks("location") {
            return Reply::xml(200, "<LocationConstraint xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"></LocationConstraint>");
        }
        if request.asks("encryption") {
            return Reply::error(404, "ServerSideEncryptionConfigurationNotFoundError");
        }
        if request.asks("policy") && request.target.contains("download") {
            let body = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":["*"]},"Action":["s3:GetObject"],"Resource":["arn:aws:s3:::download/*"]}]}"#;
            return Reply::Answer(200, Vec::new(), body.to_owned());
        }
        if request.asks("policy") {
            return Reply::error(404, "NoSuchBucketPolicy");
        }
        if request.asks("policyStatus") {
            return Reply::xml(
                200,
                "<PolicyStatus xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><IsPublic>FALSE</IsPublic></PolicyStatus>",
            );
        }
        if request.asks("acl") {
            return Reply::xml(
                200,
                "<AccessControlPolicy><Owner><ID></ID><DisplayName></DisplayName></Owner><AccessControlList><Grant><Grantee \
                 xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"CanonicalUser\"><Type>CanonicalUser</Type></Grantee>\
                 <Permission>FULL_CONTROL</Permission></Grant></AccessControlList></AccessControlPolicy>",
            );
        }
        if request.asks("logging") {
            return Reply::xml(200, "<BucketLoggingStatus xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"></BucketLoggingStatus>");
        }
        if request.asks("replication") {
            return Reply::error(404, "ReplicationConfigurationNotFoundError");
        }
        if request.target == "/" && request.header("authorization").is_empty() {
            return Reply::error(403, "AccessDenied");
        }
        Reply::error(501, "NotImplemented")
    });
    let judge = judge();
    let collector =
        open(&format!("{{name: minio, region: us-east-1, provider: minio, endpoint: '{}', buckets: [download, quiet]}}", front.url));
    let inventory = judge.collect(&*collector).await;
    assert_verdicts(
        &judge.verdicts(&inventory),
        "s3-access-logging Bucket/minio/download: fail (missing-object)
         s3-access-logging Bucket/minio/quiet: fail (missing-object)
         s3-encryption Bucket/minio/download: fail (missing-object)
         s3-encryption Bucket/minio/quiet: fail (missing-object)
         s3-key-ownership Bucket/minio/download: fail (missing-object)
         s3-key-ownership Bucket/minio/quiet: fail (missing-object)
         s3-location Bucket/minio/download: error (parse-error)
         s3-location Bucket/minio/quiet: error (parse-error)
         s3-public-access Bucket/minio/download: fail (forbidden-object)
         s3-public-access Bucket/minio/quiet: pass
         s3-tls-only Bucket/minio/download: fail (missing-object)
         s3-tls-only Bucket/minio/quiet: fail (missing-object)",
    );
}

// A store that does not know a question may take it for the list of objects, as moto and some gateways do.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_another_question_is_no_setting() {
    let front =
        Front::start(0, |_| Reply::xml(200, "<ListBucketResult><Name>one</Name><IsTruncated>false</IsTruncated></ListBucketResult>"));
    let judge = Judge::new(&["s3-access-logging", "s3-encryption", "s3-public-access", "s3-versioning"], &[]);
    for provider in ["aws", "other"] {
        let account = format!("{{name: odd, region: auto, provider: {provider}, endpoint: '{}', buckets: [one]}}", front.url);
        let found = judge.verdicts(&judge.collect(&*open(&account)).await);
        let reasons: Vec<&str> = found.values().map(String::as_str).collect();
        let (not_served, damaged) = ("error (not-served)", "error (parse-error)");
        // A policy is JSON, so that XML is damage to it; it is looked at before the list of rights.
        let public = found["s3-public-access Bucket/odd/one"].as_str();
        assert!(public == not_served || public == damaged, "{found:?}");
        assert_eq!(reasons.iter().filter(|reason| **reason == not_served || **reason == damaged).count(), 4, "{found:?}");
    }
}

// Cloudflare documents which operations R2 implements; the rest it answers with NotImplemented.
#[tokio::test(flavor = "multi_thread")]
async fn what_r2_does_not_implement_is_an_error_and_no_pass() {
    let front = Front::start(0, |request| {
        if request.asks("location") {
            return Reply::xml(200, "<LocationConstraint xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">WEUR</LocationConstraint>");
        }
        if request.asks("encryption") {
            return Reply::xml(
                200,
                "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm>\
                 </ApplyServerSideEncryptionByDefault><BucketKeyEnabled>true</BucketKeyEnabled></Rule></ServerSideEncryptionConfiguration>",
            );
        }
        Reply::error(501, "NotImplemented")
    });
    let judge = judge();
    let collector = open(&format!("{{name: r2, region: auto, provider: r2, endpoint: '{}', buckets: [one]}}", front.url));
    let inventory = judge.collect(&*collector).await;
    assert_verdicts(
        &judge.verdicts(&inventory),
        "s3-access-logging Bucket/r2/one: error (not-served)
         s3-encryption Bucket/r2/one: pass
         s3-key-ownership Bucket/r2/one: pass
         s3-location Bucket/r2/one: error (not-served)
         s3-public-access Bucket/r2/one: error (not-served)
         s3-tls-only Bucket/r2/one: error (not-served)",
    );
}
