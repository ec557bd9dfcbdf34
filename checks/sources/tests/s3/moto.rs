//! Both postures at moto: what a platform should have passes, what it should not have fails.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use proofbook_checks::inventory::{Completeness, Inventory, Listing};
use proofbook_checks::resource::Resource;
use proofbook_checks::value::Value;
use serde_json::{Value as Json, json};

use crate::front::{Front, Reply, Request};
use crate::judge::{Judge, assert_verdicts};
use crate::{CHECKS, ID, KEY, about_all, open};

pub(crate) struct Moto {
    process: Child,
    pub(crate) port: u16,
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Moto {
    pub(crate) fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = Command::new("moto_server");
        command.args(["-H", "127.0.0.1", "-p", &port.to_string()]).stdout(Stdio::null()).stderr(Stdio::null());
        let process = command.spawn().expect("install moto[server] from PyPI");
        let moto = Self { process, port };
        let until = Instant::now() + Duration::from_mins(1);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < until, "moto did not come up");
            std::thread::sleep(Duration::from_millis(100));
        }
        moto
    }

    pub(crate) fn set_up(&self) -> Json {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/s3/postures.py");
        let output = Command::new("python3").args([script, &format!("http://127.0.0.1:{}", self.port)]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

/// moto knows neither the status of a policy nor the settings of an account; both are answered as documented.
pub(crate) fn answer(request: &Request) -> Reply {
    if request.asks("policyStatus") {
        let public = request.target.contains("/bad-a?");
        return Reply::xml(200, &format!("<PolicyStatus><IsPublic>{public}</IsPublic></PolicyStatus>"));
    }
    if request.target.starts_with("/v20180820/configuration/publicAccessBlock") {
        assert_eq!(request.header("x-amz-account-id"), "123456789012");
        return Reply::error(404, "NoSuchPublicAccessBlockConfiguration");
    }
    Reply::Forward
}

fn front(moto: &Moto) -> Front {
    Front::start(moto.port, answer)
}

pub(crate) fn at(front: &Front) -> String {
    let url = &front.url;
    format!("{{name: prod, region: eu-central-1, provider: aws, endpoint: '{url}', kms: '{url}', sts: '{url}', control: '{url}'}}")
}

fn with_nodes(mut inventory: Inventory, judge: &Judge) -> Inventory {
    let nodes = Resource::kubernetes("nodes");
    let node =
        json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n", "labels": {"topology.kubernetes.io/region": "eu-west-1"}}});
    let projection = &judge.wanted()[&nodes];
    let objects = vec![projection.project(&nodes, &node)];
    inventory.listings.insert(nodes, Listing { completeness: Completeness::Complete, objects, resource_version: None });
    inventory
}

#[tokio::test(flavor = "multi_thread")]
async fn both_postures_come_out_as_they_are() {
    let moto = Moto::start();
    let keys = moto.set_up();
    let front = front(&moto);
    let collector = open(&at(&front));

    let parameters = |holder: &str, names: &str| -> Vec<(&'static str, Json)> {
        let all = about_all().into_iter().map(|(name, value)| match name {
            "allowed_regions" | "audit_log_min_days" => (name, value),
            "bucket_retention" => (name, json!([{"bucket": names, "days": 365}])),
            _ => (name, json!([names])),
        });
        let more = [("sensitive_buckets", json!([names])), ("versioned_buckets", json!([names])), ("key_holder_buckets", json!([names]))];
        all.chain(more).chain([("key_holder", json!(holder)), ("backup_apart", json!("region"))]).collect()
    };
    let checks: Vec<&str> = CHECKS.into_iter().chain(["backup-offsite"]).collect();

    let judge = Judge::new(&checks, &parameters("customer", "good-*"));
    let inventory = with_nodes(judge.collect(&*collector).await, &judge);
    let mut verdicts = judge.verdicts(&inventory);
    // Checks without a choice of buckets speak of all of them.
    verdicts.retain(|what, _| !what.contains("bad-") && !what.contains("good-sink") && !what.contains("copies"));
    let [rotated, other, forgotten] = ["rotated", "other", "forgotten"].map(|key| keys[key].as_str().unwrap());
    let mut expected: String = checks
        .iter()
        .filter(|check| **check != "kms-key-rotation")
        .flat_map(|check| ["a", "b"].map(|name| format!("{check} Bucket/prod/good-{name}: pass\n")))
        .collect();
    for (key, verdict) in [(rotated, "pass"), (other, "pass"), (forgotten, "fail (missing-object)")] {
        let _ = writeln!(expected, "kms-key-rotation Key/prod/{key}: {verdict}");
    }
    assert_verdicts(&verdicts, &expected);

    let judge = Judge::new(&checks, &parameters("customer", "bad-*"));
    let inventory = with_nodes(judge.collect(&*collector).await, &judge);
    let mut verdicts = judge.verdicts(&inventory);
    verdicts.retain(|what, _| what.contains("bad-"));
    assert_verdicts(
        &verdicts,
        "audit-log-retention Bucket/prod/bad-a: pass
         audit-log-retention Bucket/prod/bad-b: fail (below-min)
         backup-encrypted Bucket/prod/bad-a: fail (missing-object)
         backup-encrypted Bucket/prod/bad-b: pass
         backup-key-per-tenant Bucket/prod/bad-a: fail (missing-object)
         backup-key-per-tenant Bucket/prod/bad-b: pass
         backup-offsite Bucket/prod/bad-a: pass
         backup-offsite Bucket/prod/bad-b: pass
         log-append-only Bucket/prod/bad-a: fail (missing-object)
         log-append-only Bucket/prod/bad-b: fail (missing-object)
         s3-access-logging Bucket/prod/bad-a: fail (missing-object)
         s3-access-logging Bucket/prod/bad-b: fail (missing-object)
         s3-encryption Bucket/prod/bad-a: fail (missing-object)
         s3-encryption Bucket/prod/bad-b: pass
         s3-key-ownership Bucket/prod/bad-a: fail (missing-object)
         s3-key-ownership Bucket/prod/bad-b: pass
         s3-lifecycle Bucket/prod/bad-a: fail (missing-object)
         s3-lifecycle Bucket/prod/bad-b: fail (missing-object)
         s3-location Bucket/prod/bad-a: pass
         s3-location Bucket/prod/bad-b: pass
         s3-object-lock Bucket/prod/bad-a: fail (missing-object)
         s3-object-lock Bucket/prod/bad-b: fail (missing-object)
         s3-public-access Bucket/prod/bad-a: fail (forbidden-object)
         s3-public-access Bucket/prod/bad-b: fail (forbidden-object)
         s3-tls-only Bucket/prod/bad-a: fail (missing-object)
         s3-tls-only Bucket/prod/bad-b: fail (missing-object)
         s3-versioning Bucket/prod/bad-a: fail (missing-object)
         s3-versioning Bucket/prod/bad-b: fail (not-as-promised)",
    );

    // An alias and the key behind it are one key, whoever names it.
    let buckets = &inventory.listings[&Resource::of_object("proofbook.dev/s3", "Bucket")].objects;
    let key = buckets.iter().map(Value::to_json).find(|bucket| bucket["bucket"] == "bad-b").unwrap()["key"]["id"].clone();
    assert!(key.as_str().unwrap().ends_with(forgotten), "{key}");

    // Who was asked by whom is what the store says; no key of ours is anywhere.
    let [target] = &inventory.targets[..] else { panic!("{:?}", inventory.targets) };
    assert_eq!((target.name.as_str(), target.identity.as_str()), ("prod", "123456789012"));
    assert_eq!(target.actor.identity, "arn:aws:sts::123456789012:user/moto");
    assert!(target.clock_offset_ms.is_some_and(|offset| offset.abs() < 5_000), "{:?}", target.clock_offset_ms);
    let kept = format!("{inventory:?}");
    assert!(!kept.contains(KEY) && !kept.contains(ID), "a key was kept");

    // Every request that was made had been told, and nothing but reading was among them.
    let planned = collector.plan(&judge.wanted());
    let names = |query: &str| {
        let (path, rest) = query.split_once('?').unwrap_or((query, ""));
        let bucket = path.rsplit('/').next().filter(|name| !name.is_empty() && !path.contains("/v2018"));
        format!("{} {}", path.replace(&format!("/{}", bucket.unwrap_or("-")), "/BUCKET"), rest.trim_end_matches('='))
    };
    let made: BTreeSet<String> = inventory.requests.iter().map(|request| format!("{} {}", request.method, names(&request.query))).collect();
    // What is asked only where something else was found does not come up in this account.
    let certain = planned.iter().filter(|plan| !plan.reason.contains("only where"));
    let told: BTreeSet<String> = planned.iter().map(|plan| format!("{} {}", plan.method, names(&plan.query))).collect();
    let certain: BTreeSet<String> = certain.map(|plan| format!("{} {}", plan.method, names(&plan.query))).collect();
    let (surplus, missing): (Vec<_>, Vec<_>) = (made.difference(&told).collect(), certain.difference(&made).collect());
    assert!(surplus.is_empty() && missing.is_empty(), "not planned: {surplus:#?}; planned and not made: {missing:#?}");
    for seen in front.seen.lock().unwrap().iter().filter(|seen| seen.method == "POST") {
        let action = seen.header("x-amz-target");
        let reads = ["TrentService.ListKeys", "TrentService.DescribeKey", "TrentService.GetKeyRotationStatus"].contains(&action.as_str());
        assert!(reads || seen.body.starts_with("Action=GetCallerIdentity"), "{action} {}", seen.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_trial_of_deletion_left_is_told_and_nothing_else() {
    let moto = Moto::start();
    let script = "import boto3, sys
k = dict(endpoint_url=sys.argv[1], region_name='eu-central-1', aws_access_key_id='t', aws_secret_access_key='t')
s3 = boto3.client('s3', **k)
for b in ('plain', 'kept'):
    s3.create_bucket(Bucket=b, CreateBucketConfiguration={'LocationConstraint': 'eu-central-1'})
s3.put_bucket_versioning(Bucket='kept', VersioningConfiguration={'Status': 'Enabled'})
for b in ('plain', 'kept'):
    for key in ('canary/gone', 'other/stays'):
        s3.put_object(Bucket=b, Key=key, Body=b'x')
    s3.delete_object(Bucket=b, Key='canary/gone')
s3.put_object(Bucket='plain', Key='left/here', Body=b'x')";
    let output = Command::new("python3").args(["-c", script, &format!("http://127.0.0.1:{}", moto.port)]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let account = format!(
        "{{name: prod, region: eu-central-1, provider: aws, endpoint: 'http://127.0.0.1:{}', \
         trials: [plain/canary/, kept/canary/, plain/left/, none/canary/]}}",
        moto.port
    );
    let judge = Judge::new(&["data-deletion-effective"], &[]);
    let collector = open(&account);
    let inventory = judge.collect(&*collector).await;
    let trials = &inventory.listings[&Resource::of_object("proofbook.dev/s3", "Trial")];
    let found: Vec<Json> = trials.objects.iter().map(Value::to_json).collect();
    let told = |place: &str| found.iter().find(|trial| trial["metadata"]["name"] == place).unwrap().clone();
    for (place, objects, versions) in [("plain/canary/", false, false), ("kept/canary/", false, true), ("plain/left/", true, true)] {
        assert_eq!((&told(place)["objects"], &told(place)["versions"]), (&json!(objects), &json!(versions)), "{place}");
    }
    assert!(told("none/canary/")["unread"].is_object(), "a bucket that is not there is not an empty one");
    let planned: Vec<String> = collector.plan(&judge.wanted()).into_iter().map(|plan| plan.query).collect();
    assert_eq!(planned.iter().filter(|query| query.contains("prefix=")).count(), 8, "{planned:#?}");
    assert!(!format!("{inventory:?}").contains("other/stays"));
}
