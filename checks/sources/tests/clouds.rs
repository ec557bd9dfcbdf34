//! Registries of clouds: Amazon ECR as moto serves it (PyPI `moto[server]`), Google Artifact Registry by answers made after its
//! documentation.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends")]

#[path = "support/canned.rs"]
mod canned;
#[path = "support/library.rs"]
mod library;

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use canned::{Canned, CannedServer};
use library::{Judged, assert_findings, open};
use proofbook_sources::collector::Collector;
use proofbook_sources::registry::RegistryTarget;
use serde_json::json;

struct Moto {
    process: Child,
    url: String,
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Moto {
    fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = Command::new("moto_server");
        command.args(["-H", "127.0.0.1", "-p", &port.to_string()]).stdout(Stdio::null()).stderr(Stdio::null());
        let process = command.spawn().expect("install moto[server] from PyPI");
        let until = Instant::now() + Duration::from_mins(1);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < until, "moto did not come up");
            std::thread::sleep(Duration::from_millis(100));
        }
        Self { process, url: format!("http://127.0.0.1:{port}") }
    }
}

fn ecr(root: &Path, url: &str) -> Box<dyn Collector> {
    fs::write(root.join("id"), "AKIAIOSFODNN7EXAMPLE").unwrap();
    fs::write(root.join("key"), "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY").unwrap();
    let yaml = format!("ecr: [{{region: eu-central-1, endpoint: '{url}', access_key_id: {{file: id}}, secret_access_key: {{file: key}}}}]");
    open::<RegistryTarget>("registry", &yaml, root)
}

#[tokio::test(flavor = "multi_thread")]
async fn repositories_of_amazon() {
    let moto = Moto::start();
    let script = "import boto3, sys
ecr = boto3.client('ecr', endpoint_url=sys.argv[1], region_name='eu-central-1', aws_access_key_id='t', aws_secret_access_key='t')
ecr.create_repository(repositoryName='team/api', imageTagMutability='IMMUTABLE', imageScanningConfiguration={'scanOnPush': True})
ecr.create_repository(repositoryName='team/web')";
    let output = Command::new("python3").args(["-c", script, &moto.url]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let folder = tempfile::tempdir().unwrap();
    let collector = ecr(folder.path(), &moto.url);
    let judged = Judged::by(&["registry-immutable-tags"], &json!({}));
    assert_findings(
        &judged.run(&*collector).await,
        &[
            "registry-immutable-tags Project/123456789012.dkr.ecr.eu-central-1.amazonaws.com/team/api pass",
            "registry-immutable-tags Project/123456789012.dkr.ecr.eu-central-1.amazonaws.com/team/web fail missing-object",
        ],
    );
    assert_eq!(judged.planned(&*collector).len(), 2);
    assert!(!format!("{:?}", judged.inventory(&*collector).await).contains("wJalr"));
}

#[tokio::test]
async fn a_right_that_amazon_refuses_is_an_error() {
    let refused = json!({"__type": "AccessDeniedException", "message": "User is not authorized"});
    for (answer, reason) in [
        (Canned::json(400, &refused), "not-permitted"),
        (Canned::json(400, &json!({"__type": "InvalidParameterException"})), "unreachable"),
        (Canned::text(200, "<html>"), "parse-error"),
        (Canned::json(200, &json!({"repositories": [{"repositoryName": "a"}]})), "parse-error"),
    ] {
        let server = CannedServer::start([("*", answer)]);
        let folder = tempfile::tempdir().unwrap();
        let judged = Judged::by(&["registry-immutable-tags"], &json!({}));
        let found = judged.run(&*ecr(folder.path(), &server.url())).await;
        assert!(found.len() == 1 && found[0].contains(&format!(" error {reason}")), "{reason}: {found:?}");
    }
}

#[tokio::test]
async fn repositories_of_google() {
    let repository = |name: &str, format: &str, more: serde_json::Value| {
        let mut told = json!({"name": format!("projects/p/locations/europe/repositories/{name}"), "format": format});
        told.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        told
    };
    let first = json!({"repositories": [
        repository("images", "DOCKER", json!({"dockerConfig": {"immutableTags": true}})),
        repository("npm", "NPM", json!({})),
    ], "nextPageToken": "more"});
    let second = json!({"repositories": [repository("drafts", "DOCKER", json!({"dockerConfig": {}}))]});
    let server = CannedServer::start([
        ("/v1/projects/p/locations/europe/repositories?pageSize=500", Canned::json(200, &first)),
        ("/v1/projects/p/locations/europe/repositories?pageSize=500&pageToken=more", Canned::json(200, &second)),
    ]);
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("token"), "hush").unwrap();
    let google = |url: &str| {
        let yaml = format!("artifact_registry: [{{project: p, location: europe, url: '{url}', access: {{token: {{file: token}}}}}}]");
        open::<RegistryTarget>("registry", &yaml, folder.path())
    };
    let judged = Judged::by(&["registry-immutable-tags"], &json!({}));
    assert_findings(
        &judged.run(&*google(&server.url())).await,
        &["registry-immutable-tags Project/p/europe/drafts fail missing-object", "registry-immutable-tags Project/p/europe/images pass"],
    );
    let refused = CannedServer::start([("*", Canned::json(403, &json!({"error": {"code": 403}})))]);
    assert_findings(&judged.run(&*google(&refused.url())).await, &["registry-immutable-tags Project/p/europe error not-permitted"]);
}
