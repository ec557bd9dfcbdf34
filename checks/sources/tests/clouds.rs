//! Registries of clouds: Amazon ECR as moto serves it (PyPI `moto[server]`), Google Artifact Registry by answers made after its
//! documentation. And what each right counts for, at Harbor too.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends")]

#[path = "support/canned.rs"]
mod canned;
#[path = "support/library.rs"]
mod library;

use std::collections::BTreeSet;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use canned::{Canned, CannedServer};
use library::{Judged, assert_findings, open};
use proofbook_sources::collector::Collector;
use proofbook_sources::registry::RegistryTarget;
use proofbook_sources::rights::Platform;
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
    let script = "import boto3, json, sys
ecr = boto3.client('ecr', endpoint_url=sys.argv[1], region_name='eu-central-1', aws_access_key_id='t', aws_secret_access_key='t')
ecr.create_repository(repositoryName='team/api', imageTagMutability='IMMUTABLE', imageScanningConfiguration={'scanOnPush': True})
ecr.create_repository(repositoryName='team/web')
ecr.create_repository(repositoryName='team/new', imageScanningConfiguration={'scanOnPush': True})
kind = 'application/vnd.docker.distribution.manifest.v2+json'
image = json.dumps({'schemaVersion': 2, 'mediaType': kind, 'layers': [],
  'config': {'mediaType': 'application/vnd.docker.container.image.v1+json', 'size': 1, 'digest': 'sha256:' + '0' * 64}})
ecr.put_image(repositoryName='team/api', imageManifest=image, imageManifestMediaType=kind, imageTag='1.0')";
    let output = Command::new("python3").args(["-c", script, &moto.url]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let folder = tempfile::tempdir().unwrap();
    let collector = ecr(folder.path(), &moto.url);
    let judged = Judged::by(&["registry-immutable-tags"], &json!({}));
    assert_findings(
        &judged.run(&*collector).await,
        &[
            "registry-immutable-tags Project/123456789012.dkr.ecr.eu-central-1.amazonaws.com/team/api pass",
            "registry-immutable-tags Project/123456789012.dkr.ecr.eu-central-1.amazonaws.com/team/new fail missing-object",
            "registry-immutable-tags Project/123456789012.dkr.ecr.eu-central-1.amazonaws.com/team/web fail missing-object",
        ],
    );
    assert_eq!(judged.planned(&*collector).len(), 1);
    // moto scans nothing by itself: the image that arrived waits for its scan.
    let scans = Judged::by(&["registry-scan-on-push"], &json!({}));
    assert_findings(
        &scans.run(&*collector).await,
        &[
            "registry-scan-on-push Project/123456789012.dkr.ecr.eu-central-1.amazonaws.com/team/api error not-collected",
            "registry-scan-on-push Project/123456789012.dkr.ecr.eu-central-1.amazonaws.com/team/new error parse-error",
            "registry-scan-on-push Project/123456789012.dkr.ecr.eu-central-1.amazonaws.com/team/web fail not-as-promised",
        ],
    );
    assert_eq!(scans.planned(&*collector).len(), 3);
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

/// Without any one right of a platform, exactly the checks that need it are errors; with all of them, and without a right that nobody
/// needs, all pass.
async fn each_right_counts(platform: Platform, collector: &dyn Collector, refused: &Mutex<String>) {
    const CHECKS: [&str; 2] = ["registry-immutable-tags", "registry-scan-on-push"];
    let judged = Judged::by(&CHECKS, &json!({}));
    let rights: Vec<String> = platform.rights(&judged.wanted()).into_iter().map(|right| right.name).collect();
    assert!(rights.len() >= 3, "{rights:?}");
    for right in rights.iter().map(String::as_str).chain([""]) {
        right.clone_into(&mut refused.lock().unwrap());
        let need: BTreeSet<&str> = CHECKS
            .into_iter()
            .filter(|check| platform.rights(&Judged::by(&[check], &json!({})).wanted()).iter().any(|needed| needed.name == right))
            .collect();
        assert_eq!(need.is_empty(), right.is_empty());
        let lines = judged.run(collector).await;
        let of = |verdict: &str| -> BTreeSet<&str> {
            lines.iter().filter(|line| line.contains(verdict)).map(|line| line.split(' ').next().unwrap()).collect()
        };
        assert_eq!(of(" error not-permitted"), need, "without {right}: {lines:#?}");
        assert_eq!(of(" pass"), CHECKS.into_iter().filter(|check| !need.contains(check)).collect(), "without {right}: {lines:#?}");
    }
}

#[tokio::test]
async fn without_any_one_action_of_ecr_exactly_the_checks_that_need_it_are_errors() {
    let refused = Arc::new(Mutex::new(String::new()));
    let at_server = Arc::clone(&refused);
    let server = CannedServer::answering_with_body(move |_, _, head, _| {
        let asks = |action: &str| head.to_ascii_lowercase().contains(&format!(".{action}").to_ascii_lowercase());
        if at_server.lock().unwrap().strip_prefix("ecr:").is_some_and(asks) {
            return Canned::json(400, &json!({"__type": "AccessDeniedException"}));
        }
        if asks("DescribeRepositories") {
            let found = json!({"repositoryName": "a", "repositoryUri": "r.example/a", "imageTagMutability": "IMMUTABLE"});
            return Canned::json(200, &json!({"repositories": [found]}));
        }
        if asks("GetRegistryScanningConfiguration") {
            let rule = json!({"scanFrequency": "SCAN_ON_PUSH", "repositoryFilters": [{"filter": "*", "filterType": "WILDCARD"}]});
            return Canned::json(200, &json!({"scanningConfiguration": {"scanType": "BASIC", "rules": [rule]}}));
        }
        let scanned = json!({"imagePushedAt": 1_779_000_000, "imageTags": ["1"], "imageScanStatus": {"status": "COMPLETE"},
            "imageScanFindingsSummary": {"imageScanCompletedAt": 1_779_000_030}});
        Canned::json(200, &json!({"imageDetails": [scanned]}))
    });
    let folder = tempfile::tempdir().unwrap();
    each_right_counts(Platform::Ecr, &*ecr(folder.path(), &server.url()), &refused).await;
}

#[tokio::test]
async fn without_any_one_permission_of_google_exactly_the_checks_that_need_it_are_errors() {
    let refused = Arc::new(Mutex::new(String::new()));
    let at_server = Arc::clone(&refused);
    let server = CannedServer::answering(move |_, path, _| {
        let (right, answer) = if path.contains("/occurrences?") {
            let discovery = json!({"analysisStatus": "FINISHED_SUCCESS", "lastScanTime": "2026-05-30T10:02:00Z"});
            ("containeranalysis.occurrences.list", json!({"occurrences": [{"kind": "DISCOVERY", "discovery": discovery}]}))
        } else if path.contains("/dockerImages") {
            let image = json!({"uri": "europe-docker.pkg.dev/p/a@sha256:00", "tags": ["1"], "uploadTime": "2026-05-30T10:00:00Z"});
            ("artifactregistry.dockerimages.list", json!({"dockerImages": [image]}))
        } else {
            let found = json!({"name": "projects/p/locations/europe/repositories/a", "format": "DOCKER",
                "dockerConfig": {"immutableTags": true}, "vulnerabilityScanningConfig": {"enablementState": "SCANNING_ACTIVE"}});
            ("artifactregistry.repositories.list", json!({"repositories": [found]}))
        };
        if *at_server.lock().unwrap() == right { Canned::json(403, &json!({"error": {"code": 403}})) } else { Canned::json(200, &answer) }
    });
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("token"), "hush").unwrap();
    let yaml = format!(
        "artifact_registry: [{{project: p, location: europe, url: '{url}', analysis_url: '{url}', access: {{token: {{file: token}}}}}}]",
        url = server.url()
    );
    let collector = open::<RegistryTarget>("registry", &yaml, folder.path());
    each_right_counts(Platform::ArtifactRegistry, &*collector, &refused).await;
}

#[tokio::test]
async fn without_any_one_permission_of_harbor_exactly_the_checks_that_need_it_are_errors() {
    let refused = Arc::new(Mutex::new(String::new()));
    let at_server = Arc::clone(&refused);
    let server = CannedServer::answering(move |_, path, _| {
        let (right, answer) = match path.split('?').next().unwrap().strip_prefix("/api/v2.0/projects/team") {
            Some("") => ("project read", json!({"name": "team", "metadata": {"auto_scan": "true", "public": "false"}})),
            Some("/immutabletagrules") => {
                let all = |decoration: &str| json!([{"kind": "doublestar", "decoration": decoration, "pattern": "**"}]);
                let rule = json!({"id": 1, "disabled": false, "action": "immutable", "tag_selectors": all("matches"),
                    "scope_selectors": {"repository": all("repoMatches")}});
                ("immutable-tag list", json!([rule]))
            }
            Some("/repositories") => ("repository list", json!([{"name": "team/app"}])),
            Some("/repositories/app/artifacts") => {
                let scan = json!({"scan_status": "Success", "end_time": "2026-05-01T10:02:00.000Z"});
                let scans = json!({"application/vnd.security.vulnerability.report; version=1.1": scan});
                ("artifact list", json!([{"push_time": "2026-05-01T10:00:00.000Z", "scan_overview": scans}]))
            }
            _ => return Canned::json(404, &json!({})),
        };
        if *at_server.lock().unwrap() == right { Canned::json(403, &json!({"errors": []})) } else { Canned::json(200, &answer) }
    });
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("password"), "EXAMPLE-hush").unwrap();
    let yaml = format!(
        "registries: [{{host: harbor.example, url: '{}', product: harbor, projects: [team], access: {{user: audit, password: {{file: password}}}}}}]",
        server.url()
    );
    let collector = open::<RegistryTarget>("registry", &yaml, folder.path());
    each_right_counts(Platform::Harbor, &*collector, &refused).await;
}

// Answers after the documentation of DescribeImages; moto makes no scans.
#[tokio::test]
async fn scans_of_amazon_are_told_by_the_latest_image() {
    let repository =
        |name: &str| json!({"repositoryName": name, "repositoryUri": format!("r.example/{name}"), "imageTagMutability": "MUTABLE"});
    let image = |more: serde_json::Value| {
        let mut told = json!({"imagePushedAt": 1_779_000_000.25, "imageTags": ["1.0"]});
        told.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        told
    };
    let scanned = json!({"imageScanStatus": {"status": "COMPLETE"}, "imageScanFindingsSummary": {"imageScanCompletedAt": 1_779_000_030.5}});
    let failed = json!({"imageScanStatus": {"status": "FAILED"}});
    let newer = json!({"imagePushedAt": 1_779_500_000});
    let server = CannedServer::answering_with_body(move |_, _, head, body| {
        let head = head.to_ascii_lowercase();
        let input: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
        if head.contains("describerepositories") {
            let repositories = ["good", "failed", "newer", "refused"].map(repository);
            return Canned::json(200, &json!({"repositories": repositories}));
        }
        if head.contains("getregistryscanningconfiguration") {
            let rule = json!({"scanFrequency": "SCAN_ON_PUSH", "repositoryFilters": [{"filter": "*", "filterType": "WILDCARD"}]});
            return Canned::json(200, &json!({"scanningConfiguration": {"scanType": "BASIC", "rules": [rule]}}));
        }
        match (input["repositoryName"].as_str().unwrap(), input["nextToken"].as_str()) {
            ("good", _) => Canned::json(200, &json!({"imageDetails": [image(scanned.clone())]})),
            ("failed", _) => Canned::json(200, &json!({"imageDetails": [image(failed.clone())]})),
            // The latest image stands on the second page.
            ("newer", None) => Canned::json(200, &json!({"imageDetails": [image(scanned.clone())], "nextToken": "more"})),
            ("newer", Some("more")) => Canned::json(200, &json!({"imageDetails": [image(newer.clone())]})),
            _ => Canned::json(400, &json!({"__type": "AccessDeniedException"})),
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let judged = Judged::by(&["registry-scan-on-push"], &json!({}));
    assert_findings(
        &judged.run(&*ecr(folder.path(), &server.url())).await,
        &[
            "registry-scan-on-push Project/r.example/failed fail not-as-promised",
            "registry-scan-on-push Project/r.example/good pass",
            "registry-scan-on-push Project/r.example/newer fail not-as-promised",
            "registry-scan-on-push Project/r.example/refused error not-permitted",
        ],
    );
}

// Answers after the documentation of dockerImages.list and of occurrences.list.
#[tokio::test]
async fn scans_of_google_are_told_by_its_analysis() {
    let repository = |name: &str, state: &str| {
        json!({"name": format!("projects/p/locations/europe/repositories/{name}"), "format": "DOCKER",
            "vulnerabilityScanningConfig": {"enablementState": state}})
    };
    let image = |name: &str, at: &str| json!({"uri": format!("europe-docker.pkg.dev/p/{name}@sha256:00"), "tags": ["1"], "uploadTime": at});
    let analysis = |status: &str| {
        let discovery = json!({"analysisStatus": status, "lastScanTime": "2026-05-30T10:02:00.5Z"});
        Canned::json(200, &json!({"occurrences": [{"kind": "DISCOVERY", "discovery": discovery}]}))
    };
    let server = CannedServer::answering(move |_, path, _| {
        let names = ["good", "failed", "empty", "unread"];
        if path.ends_with("/repositories?pageSize=500") {
            let found = names.map(|name| repository(name, "SCANNING_ACTIVE"));
            let off = repository("off", "SCANNING_DISABLED");
            return Canned::json(200, &json!({"repositories": found.into_iter().chain([off]).collect::<Vec<_>>()}));
        }
        if path.contains("/occurrences?filter=") {
            assert!(path.contains("kind%3D%22DISCOVERY%22+AND+resourceUrl%3D%22https%3A%2F%2Feurope-docker.pkg.dev"), "{path}");
            return match path {
                path if path.contains("good") => analysis("FINISHED_SUCCESS"),
                path if path.contains("failed") => analysis("FINISHED_FAILED"),
                _ => Canned::json(403, &json!({"error": {"code": 403}})),
            };
        }
        match names.iter().find(|name| path.contains(&format!("/{name}/dockerImages"))) {
            Some(&"empty") | None => Canned::json(200, &json!({})),
            Some(name) if path.contains("pageToken=more") => {
                Canned::json(200, &json!({"dockerImages": [image(name, "2026-05-30T10:00:00.25Z")]}))
            }
            Some(name) => Canned::json(
                200,
                &json!({"dockerImages": [image("old", "2026-05-01T10:00:00Z"), image(name, "2026-05-02T10:00:00Z")],
                    "nextPageToken": "more"}),
            ),
        }
    });
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("token"), "hush").unwrap();
    let yaml = format!(
        "artifact_registry: [{{project: p, location: europe, url: '{url}', analysis_url: '{url}', access: {{token: {{file: token}}}}}}]",
        url = server.url()
    );
    let judged = Judged::by(&["registry-scan-on-push"], &json!({}));
    let collector = open::<RegistryTarget>("registry", &yaml, folder.path());
    assert_findings(
        &judged.run(&*collector).await,
        &[
            "registry-scan-on-push Project/p/europe/empty error parse-error",
            "registry-scan-on-push Project/p/europe/failed fail not-as-promised",
            "registry-scan-on-push Project/p/europe/good pass",
            "registry-scan-on-push Project/p/europe/off fail not-as-promised",
            "registry-scan-on-push Project/p/europe/unread error not-permitted",
        ],
    );
    assert_eq!(judged.planned(&*collector).len(), 3);
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
