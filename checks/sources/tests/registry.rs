//! Registries: a real docker-registry with images that are signed, unsigned, signed by others; and what it cannot do (the referrers API,
//! tokens, Harbor's projects) by recorded, documented answers.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends")]

#[path = "support/canned.rs"]
mod canned;
#[path = "support/library.rs"]
mod library;
#[path = "support/process.rs"]
mod process;
#[path = "registry/signing.rs"]
mod signing;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use canned::{Canned, CannedServer};
use library::{Judged, assert_findings, open};
use process::Running;
use proofbook_checks::inventory::{Completeness, Inventory, Listing};
use proofbook_checks::project::Projection;
use proofbook_checks::resource::Resource;
use proofbook_sources::collector::Collector;
use proofbook_sources::registry::RegistryTarget;
use serde_json::{Value as Json, json};
use signing::{Authority, Key, digest};

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// What a registry holds: by path, media type and content. Tests push it to a server, or let a canned one answer by it.
#[derive(Clone, Default)]
struct Content {
    blobs: BTreeMap<String, Vec<u8>>,
    manifests: Vec<(String, &'static str, Vec<u8>)>,
}

impl Content {
    fn blob(&mut self, data: Vec<u8>) -> (String, usize) {
        let (name, size) = (digest(&data), data.len());
        self.blobs.insert(name.clone(), data);
        (name, size)
    }

    fn manifest(&mut self, reference: &str, kind: &'static str, body: &Json) -> String {
        let data = body.to_string().into_bytes();
        let name = digest(&data);
        self.manifests.push((reference.to_owned(), kind, data.clone()));
        self.manifests.push((name.clone(), kind, data));
        name
    }

    /// An image whose base is told by a label.
    fn image(&mut self, tag: &str, base: &str) -> String {
        let config = json!({
            "architecture": "amd64", "os": "linux", "created": "2026-05-01T00:00:00Z",
            "config": {"Labels": {"org.opencontainers.image.base.name": base}, "Env": [format!("TAG={tag}")]},
        });
        let (config, size) = self.blob(config.to_string().into_bytes());
        let config = json!({"mediaType": "application/vnd.oci.image.config.v1+json", "digest": config, "size": size});
        self.manifest(tag, MANIFEST, &json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": []}))
    }

    /// An artifact of one layer, under a reference or with an artifact type.
    fn artifact(&mut self, reference: &str, kind: &str, data: Vec<u8>, annotations: &Json) -> String {
        let (layer, size) = self.blob(data);
        let (config, config_size) = self.blob(b"{}".to_vec());
        let body = json!({
            "schemaVersion": 2, "mediaType": MANIFEST,
            "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": config, "size": config_size},
            "layers": [{"mediaType": kind, "digest": layer, "size": size, "annotations": annotations}],
        });
        self.manifest(reference, MANIFEST, &body)
    }

    async fn push(&self, url: &str, repository: &str) {
        let client = reqwest::Client::new();
        for (name, data) in &self.blobs {
            let started = client.post(format!("{url}/v2/{repository}/blobs/uploads/")).send().await.unwrap();
            let location = started.headers()["location"].to_str().unwrap().to_owned();
            let done = client.put(format!("{location}&digest={name}")).body(data.clone()).send().await.unwrap();
            assert_eq!(done.status(), 201, "{name}");
        }
        for (reference, kind, data) in &self.manifests {
            let put = client.put(format!("{url}/v2/{repository}/manifests/{reference}")).header("Content-Type", *kind);
            assert_eq!(put.body(data.clone()).send().await.unwrap().status(), 201, "{reference}");
        }
    }

    /// A server that has the referrers API, and whatever else is given.
    fn serve(
        self,
        referrers: BTreeMap<String, Json>,
        first: impl Fn(&str, &str) -> Option<Canned> + Send + Sync + 'static,
    ) -> CannedServer {
        CannedServer::answering(move |_, path, head| {
            if let Some(canned) = first(path, head) {
                return canned;
            }
            let last = path.rsplit('/').next().unwrap_or_default();
            if path.contains("/referrers/") {
                let manifests = referrers.get(last).cloned().unwrap_or_else(|| json!([]));
                return Canned::json(200, &json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}));
            }
            if path.contains("/tags/list") {
                let tags: Vec<&String> =
                    self.manifests.iter().map(|(reference, _, _)| reference).filter(|reference| !reference.contains(':')).collect();
                return Canned::json(200, &json!({"tags": tags}));
            }
            let found = self.manifests.iter().find(|(reference, _, _)| path.contains("/manifests/") && reference == last);
            let found = found.map(|(_, kind, data)| (*kind, data.clone()));
            let found = found.or_else(|| Some(("application/octet-stream", self.blobs.get(last)?.clone())));
            found.map_or_else(
                || Canned::json(404, &json!({"errors": [{"code": "MANIFEST_UNKNOWN"}]})),
                |(kind, data)| Canned::Answer(200, vec![("Content-Type", kind.to_owned())], data),
            )
        })
    }
}

fn simple(image: &str) -> Vec<u8> {
    let critical = json!({
        "identity": {"docker-reference": ""}, "image": {"docker-manifest-digest": image}, "type": "cosign container image signature",
    });
    json!({"critical": critical, "optional": null}).to_string().into_bytes()
}

fn tag_of(image: &str, suffix: &str) -> String {
    format!("{}.{suffix}", image.replace(':', "-"))
}

const SIMPLE: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
const ENVELOPE: &str = "application/vnd.dsse.envelope.v1+json";

fn sign_by_tag(content: &mut Content, image: &str, of: &str, key: &Key) {
    let payload = simple(of);
    let annotations = json!({"dev.cosignproject.cosign/signature": key.sign(&payload)});
    content.artifact(&tag_of(image, "sig"), SIMPLE, payload, &annotations);
}

fn provenance(image: &str, builder: &str) -> Json {
    json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "app", "digest": {"sha256": image.trim_start_matches("sha256:")}}],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {"externalParameters": {"workflow": {"repository": "https://git.example/own/app"}}},
            "runDetails": {"builder": {"id": builder}},
        },
    })
}

fn envelope(statement: &Json, key: &Key) -> Json {
    let payload = statement.to_string().into_bytes();
    let kind = "application/vnd.in-toto+json";
    let signed = [format!("DSSEv1 {} {kind} {} ", kind.len(), payload.len()).into_bytes(), payload.clone()].concat();
    json!({"payloadType": kind, "payload": STANDARD.encode(&payload), "signatures": [{"sig": key.sign(&signed)}]})
}

fn registries(yaml: &str, root: &Path) -> Box<dyn Collector> {
    open::<RegistryTarget>("registry", yaml, root)
}

/// Pods that run images, beside what the registry told.
fn with_pods(mut inventory: Inventory, images: &[String], judged: &Judged) -> Inventory {
    let resource = Resource::kubernetes("pods");
    let projection: &Projection = &judged.wanted()[&resource];
    let pod = |(at, image): (usize, &String)| {
        let container = json!({"image": image.split('@').next().unwrap(), "imageID": image});
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": format!("p{at}"), "namespace": "apps"},
            "status": {"phase": "Running", "containerStatuses": [container]},
        });
        projection.project(&resource, &pod)
    };
    let objects = images.iter().enumerate().map(pod).collect();
    inventory.listings.insert(resource, Listing { completeness: Completeness::Complete, objects, resource_version: None });
    inventory
}

async fn judge(collector: &dyn Collector, checks: &[&str], params: &Json, images: &[String]) -> Vec<String> {
    let judged = Judged::by(checks, params);
    let inventory = with_pods(judged.inventory(collector).await, images, &judged);
    judged.findings(&inventory, library::now())
}

fn docker_registry() -> Running {
    Running::start("docker-registry", |folder, port| {
        let storage = folder.join("data");
        let config = format!(
            "version: 0.1\nstorage: {{filesystem: {{rootdirectory: '{}'}}}}\nhttp: {{addr: '127.0.0.1:{port}'}}\n",
            storage.display()
        );
        fs::write(folder.join("c.yml"), config).unwrap();
        vec!["serve".to_owned(), "c.yml".to_owned()]
    })
}

#[tokio::test]
async fn a_real_registry_with_signatures_by_tags() {
    let mut server = docker_registry();
    let folder = tempfile::tempdir().unwrap();
    let (ours, theirs) = (Key::new(folder.path(), "ours"), Key::new(folder.path(), "theirs"));
    let mut content = Content::default();
    let good = content.image("1.0", "gcr.io/distroless/static");
    let other = content.image("1.1", "docker.io/library/debian:12");
    let moved = content.image("1.2", "a");
    let bare = content.image("1.3", "b");
    sign_by_tag(&mut content, &good, &good, &ours);
    sign_by_tag(&mut content, &other, &other, &theirs);
    // A signature of another image, copied to this one.
    sign_by_tag(&mut content, &moved, &good, &ours);
    let first = envelope(&provenance(&good, "https://builder.example/v1"), &ours);
    content.artifact(&tag_of(&good, "att"), ENVELOPE, first.to_string().into_bytes(), &json!({}));
    let copied = envelope(&provenance(&good, "https://builder.example/v1"), &ours);
    content.artifact(&tag_of(&bare, "att"), ENVELOPE, copied.to_string().into_bytes(), &json!({}));
    let platforms = json!([{"mediaType": MANIFEST, "digest": good, "size": 1, "platform": {"os": "linux", "architecture": "amd64"}},
                           {"mediaType": MANIFEST, "digest": bare, "size": 1, "platform": {"os": "linux", "architecture": "arm64"}}]);
    // BuildKit puts statements that nobody signs into the index: here of one platform of the two.
    let said = provenance(&bare, "https://builder.example/v1").to_string().into_bytes();
    let said = content.artifact("said", "application/vnd.in-toto+json", said, &json!({}));
    let marks = json!({"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": bare});
    let unknown = json!({"os": "unknown", "architecture": "unknown"});
    let statement = json!({"mediaType": MANIFEST, "digest": said, "size": 1, "platform": unknown, "annotations": marks});
    let all = json!([platforms[0], platforms[1], statement]);
    let index = content.manifest("2.0", INDEX, &json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": all}));
    sign_by_tag(&mut content, &index, &index, &ours);
    content.push(&server.url(), "team/app").await;

    let yaml = format!(
        "keys: [{{name: release, file: ours.pub}}]\nregistries: [{{host: r.example, url: '{}', images: ['team/app:1.*', 'team/app:2.0']}}]\n",
        server.url()
    );
    let collector = registries(&yaml, folder.path());
    let builders = json!({"provenance_builders": ["https://builder.example/*"], "provenance_signed": false});
    let judged = Judged::by(&["image-base-allowed", "image-provenance", "image-signed"], &json!({"image-provenance": builders}));
    let plain = judged.inventory(&*collector).await;
    let image = |digest: &str| format!("r.example/team/app@{digest}");
    let running = [&good, &other, &moved, &bare, &index].map(|digest| image(digest)).to_vec();
    let mut inventory = with_pods(plain.clone(), &running, &judged);
    let bills = Resource::of_object("proofbook.dev/sbom", "Bill");
    inventory.listings.insert(bills, Listing::without_objects(Completeness::Complete));
    let found = judged.findings(&inventory, library::now());
    let of = |check: &str, digest: &str| {
        let start = format!("{check} Image/{} ", image(digest));
        found.iter().find_map(|line| line.strip_prefix(&start)).unwrap_or_else(|| panic!("{start}: {found:#?}")).to_owned()
    };
    assert_eq!(found.len(), 15, "{found:#?}");
    assert!(of("image-base-allowed", &good).starts_with("pass"), "{found:#?}");
    assert!(of("image-base-allowed", &other).starts_with("fail not-allowed: the base is docker.io/library/debian:12"), "{found:#?}");
    assert!(of("image-base-allowed", &index).starts_with("pass"), "the platforms of an index share their base: {found:#?}");
    assert!(of("image-signed", &good).starts_with("pass"), "{found:#?}");
    assert!(of("image-signed", &other).starts_with("fail not-as-promised: no signature counts: signed by none of the keys"));
    assert!(of("image-signed", &moved).starts_with("fail not-as-promised: no signature counts: the signature is of another image"));
    // It has none of its own, but the index that names it is signed.
    assert!(of("image-signed", &bare).starts_with("pass"), "{found:#?}");
    assert!(of("image-signed", &index).starts_with("pass"), "{found:#?}");
    assert!(of("image-provenance", &good).starts_with("pass"), "{found:#?}");
    // One statement is about another image; the one in the index, which nobody signed, is about this one, and not about the whole index.
    assert!(of("image-provenance", &bare).starts_with("pass"), "{found:#?}");
    assert!(of("image-provenance", &index).starts_with("fail missing-object"), "{found:#?}");
    let signed = Judged::by(&["image-provenance"], &json!({"image-provenance": {"provenance_builders": ["https://builder.example/*"]}}));
    let strict = signed.findings(&with_pods(plain.clone(), &[image(&bare)], &signed), library::now());
    let told = format!(
        "image-provenance Image/{} fail not-as-promised: the statement of origin does not count: the statement is not signed",
        image(&bare)
    );
    assert_findings(&strict, &[&told]);
    assert!(of("image-provenance", &other).starts_with("fail missing-object"));

    let planned = judged.planned(&*collector);
    for request in &plain.requests {
        let path = request.query.split_once("/v2/team/app/").unwrap().1;
        let kind = path.split('/').next().unwrap();
        assert!(planned.iter().any(|planned| planned.contains(&format!("/v2/team/app/{kind}/"))), "{path} was not planned");
    }
    server.kill();
    let found = judge(&*collector, &["image-signed"], &json!({}), &[image(&good)]).await;
    assert_findings(&found, &[&format!("image-signed Image/{} error unreachable", image(&good))]);
}

#[tokio::test]
async fn bundles_by_the_referrers_api_and_identities_of_an_authority() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new(folder.path());
    let log = Key::new(folder.path(), "log");
    let mut content = Content::default();
    let image = content.image("1.0", "a");
    let statement = json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"digest": {"sha256": image.trim_start_matches("sha256:")}}],
        "predicateType": "https://sigstore.dev/cosign/sign/v1", "predicate": {},
    });
    let leaf = authority.identity("https://git.example/own/app/.github/workflows/release.yml@refs/heads/main");
    let envelope = envelope(&statement, &leaf.key);
    let payload = STANDARD.decode(envelope["payload"].as_str().unwrap()).unwrap();
    let signature = envelope["signatures"][0]["sig"].clone();
    let body = json!({"apiVersion": "0.0.1", "kind": "dsse", "spec": {
        "payloadHash": {"algorithm": "sha256", "value": digest(&payload).trim_start_matches("sha256:")},
        "signatures": [{"signature": signature}],
    }});
    let entry = |at: i64, body: &Json, log: &Key| {
        let body = STANDARD.encode(body.to_string());
        let id = [7_u8; 32];
        let hex: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
        let promised = format!(r#"{{"body":"{body}","integratedTime":{at},"logID":"{hex}","logIndex":42}}"#);
        json!({
            "logIndex": "42", "logId": {"keyId": STANDARD.encode(id)}, "integratedTime": at.to_string(),
            "inclusionPromise": {"signedEntryTimestamp": log.sign(promised.as_bytes())}, "canonicalizedBody": body,
        })
    };
    let now = library::now().as_second();
    let other = Key::new(folder.path(), "other");
    let bundle = |entry: Json| {
        json!({
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {"certificate": {"rawBytes": STANDARD.encode(&leaf.certificate)}, "tlogEntries": [entry]},
            "dsseEnvelope": envelope,
        })
    };
    let wrong = json!({"spec": {"payloadHash": {"value": "00"}, "signatures": []}});
    let trusted = "authorities: authority.pem\nlog_key: log.pub\n";
    for (entry, trust, expected) in [
        (entry(now, &body, &log), trusted, "pass as-promised"),
        (
            entry(now, &body, &other),
            trusted,
            "fail not-as-promised: no signature counts: the log that is trusted did not promise the entry",
        ),
        (entry(now, &wrong, &log), trusted, "fail not-as-promised: no signature counts: the entry of the log is about another signature"),
        (entry(now - 900_000_000, &body, &log), trusted, "fail not-as-promised: no signature counts: a certificate was not valid"),
        (json!({}), trusted, "fail not-as-promised: no signature counts: no entry of a log"),
        (
            entry(now, &body, &log),
            "authorities: stranger.pem\nlog_key: log.pub\n",
            "fail not-as-promised: no signature counts: its certificate leads to no authority",
        ),
        (
            entry(now, &body, &log),
            "authorities: authority.pem\n",
            "fail not-as-promised: no signature counts: the workspace names no key of a log",
        ),
        (
            entry(now, &body, &log),
            "keys: []\n",
            "fail not-as-promised: no signature counts: signed by a certificate, and the workspace names no authority",
        ),
    ] {
        let mut content = content.clone();
        let kind = "application/vnd.dev.sigstore.bundle.v0.3+json";
        let attached = content.artifact("unused", kind, bundle(entry).to_string().into_bytes(), &json!({}));
        let referrers =
            BTreeMap::from([(image.clone(), json!([{"mediaType": MANIFEST, "digest": attached, "size": 1, "artifactType": kind}]))]);
        let server = content.serve(referrers, |_, _| None);
        let yaml = format!("{trust}registries: [{{host: r.example, url: '{}', images: ['app:1.0']}}]\n", server.url());
        let found = judge(&*registries(&yaml, folder.path()), &["image-signed"], &json!({}), &[format!("r.example/app@{image}")]).await;
        assert_findings(&found, &[&format!("image-signed Image/r.example/app@{image} {expected}")]);
    }
}

const NOTATION: &str = "application/vnd.cncf.notary.signature";
const FOR_CODE: &str = "keyUsage=critical,digitalSignature\nextendedKeyUsage=codeSigning\nbasicConstraints=CA:FALSE\n";

/// An envelope of Notation after the specification of the Notary Project.
fn notation(algorithm: &str, digest: &str, more: &Json, key: &Key, chain: &[Vec<u8>]) -> Json {
    let encode = |json: &Json| URL_SAFE_NO_PAD.encode(json.to_string());
    let mut protected = json!({
        "alg": algorithm, "cty": "application/vnd.cncf.notary.payload.v1+json", "crit": ["io.cncf.notary.signingScheme"],
        "io.cncf.notary.signingScheme": "notary.x509", "io.cncf.notary.signingTime": "2026-05-01T00:00:00Z",
    });
    protected.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let payload = encode(&json!({"targetArtifact": {"mediaType": MANIFEST, "digest": digest, "size": 1}}));
    let protected = encode(&protected);
    let signature = key.sign_jws(algorithm, &format!("{protected}.{payload}"));
    let chain: Vec<String> = chain.iter().map(|certificate| STANDARD.encode(certificate)).collect();
    json!({"payload": payload, "protected": protected, "header": {"x5c": chain}, "signature": URL_SAFE_NO_PAD.encode(signature)})
}

#[tokio::test]
async fn signatures_of_notation_count_by_their_own_authority() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new(folder.path());
    let (curve, rsa) = (Key::new(folder.path(), "curve"), Key::rsa(folder.path(), "rsa"));
    let (of_curve, of_rsa) = (authority.signer("curve", FOR_CODE, 1), authority.signer("rsa", FOR_CODE, 1));
    let of_server = authority.signer("curve", "keyUsage=digitalSignature\nextendedKeyUsage=serverAuth,codeSigning\n", 1);
    let unused = authority.signer("curve", "extendedKeyUsage=codeSigning\n", 1);
    let mut content = Content::default();
    let image = content.image("1.0", "a");
    let other = digest(b"another image");
    let plain = json!({});
    let good = notation("ES256", &image, &plain, &curve, &of_curve);
    let damaged = json!({"payload": good["payload"], "protected": good["protected"], "header": good["header"],
        "signature": URL_SAFE_NO_PAD.encode([1; 64])});
    let plugin = json!({"crit": ["io.cncf.notary.signingScheme", "io.cncf.notary.verificationPlugin"]});
    let until = |text: &str| json!({"io.cncf.notary.expiry": text, "crit": ["io.cncf.notary.signingScheme", "io.cncf.notary.expiry"]});
    let trusted = "notation_authorities: authority.pem\n";
    let jws = "application/jose+json";
    let fails = |problem: &str| format!("fail not-as-promised: no signature counts: {problem}");
    for (envelope, kind, trust, expected) in [
        (good.clone(), jws, trusted, "pass as-promised".to_owned()),
        (notation("PS256", &image, &plain, &rsa, &of_rsa), jws, trusted, "pass as-promised".to_owned()),
        (notation("ES256", &image, &until("2099-01-01T00:00:00Z"), &curve, &of_curve), jws, trusted, "pass as-promised".to_owned()),
        (notation("ES256", &image, &until("2026-01-01T00:00:00Z"), &curve, &of_curve), jws, trusted, fails("the signature has expired")),
        (notation("ES256", &other, &plain, &curve, &of_curve), jws, trusted, fails("the signature is of another image")),
        (notation("ES256", &image, &plugin, &curve, &of_curve), jws, trusted, fails("it demands what is not known here")),
        (notation("ES256", &image, &json!({"alg": "none"}), &curve, &of_curve), jws, trusted, fails("the signature is not one of")),
        (notation("ES256", &image, &plain, &curve, &of_rsa), jws, trusted, fails("the signature is not one of the certificate's key")),
        (notation("ES256", &image, &plain, &curve, &of_server), jws, trusted, fails("its certificate is not one for signing code")),
        (notation("ES256", &image, &plain, &curve, &unused), jws, trusted, fails("its certificate is not one for signing code")),
        (damaged, jws, trusted, fails("the signature is not one of the certificate's key")),
        (json!({"payload": "x"}), jws, trusted, fails("the signature is no JWS of Notation")),
        (good.clone(), jws, "notation_authorities: stranger.pem\n", fails("its certificate leads to no authority")),
        // What is trusted for cosign is not trusted for this.
        (good.clone(), jws, "authorities: authority.pem\n", fails("signed by a certificate, and the workspace names no authority")),
        (good.clone(), "application/cose", trusted, fails("signatures of Notation are verified as application/jose+json only")),
    ] {
        let mut content = content.clone();
        let attached = content.artifact("unused", kind, envelope.to_string().into_bytes(), &json!({}));
        let referrer = json!([{"mediaType": MANIFEST, "digest": attached, "size": 1, "artifactType": NOTATION}]);
        let server = content.serve(BTreeMap::from([(image.clone(), referrer)]), |_, _| None);
        let yaml = format!("{trust}registries: [{{host: r.example, url: '{}', images: ['app:1.0']}}]\n", server.url());
        let found = judge(&*registries(&yaml, folder.path()), &["image-signed"], &json!({}), &[format!("r.example/app@{image}")]).await;
        assert_findings(&found, &[&format!("image-signed Image/r.example/app@{image} {expected}")]);
    }
}

#[tokio::test]
async fn tokens_redirects_pages_and_refusals() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("password"), "EXAMPLE-hush").unwrap();
    let key = Key::new(folder.path(), "ours");
    let mut content = Content::default();
    let image = content.image("1.0", "a");
    sign_by_tag(&mut content, &image, &image, &key);
    // Blobs lie on another server, which must see no credential.
    let blobs = content.blobs.clone();
    let storage = CannedServer::answering(move |_, path, head| {
        assert!(!head.to_ascii_lowercase().contains("authorization"), "{head}");
        let found = blobs.get(path.trim_start_matches('/'));
        found.map_or_else(|| Canned::text(404, ""), |blob| Canned::Answer(200, Vec::new(), blob.clone()))
    });
    let (storage_url, basic) = (storage.url(), format!("Basic {}", STANDARD.encode("robot:EXAMPLE-hush")));
    let port = Arc::new(Mutex::new(0));
    let own = Arc::clone(&port);
    let server = content.clone().serve(BTreeMap::new(), move |path, head| {
        if path.starts_with("/token") {
            assert!(path.contains("service=r") && path.contains("scope=repository%3Aapp%3Apull"), "{path}");
            assert!(head.contains(&basic), "the realm is asked with name and password: {head}");
            return Some(Canned::json(200, &json!({"token": "EXAMPLE-pull"})));
        }
        if !head.contains("Bearer EXAMPLE-pull") {
            let realm = format!("Bearer realm=\"http://127.0.0.1:{}/token\",service=\"r\"", own.lock().unwrap());
            return Some(Canned::Answer(401, vec![("WWW-Authenticate", realm)], Vec::new()));
        }
        if let Some((_, digest)) = path.split_once("/blobs/") {
            return Some(Canned::Answer(307, vec![("Location", format!("{storage_url}/{digest}"))], Vec::new()));
        }
        if path == "/v2/app/tags/list" {
            return Some(Canned::Answer(
                200,
                vec![("Link", "</v2/app/tags/list?last=a>; rel=\"next\"".to_owned())],
                b"{\"tags\":[]}".to_vec(),
            ));
        }
        path.contains("/referrers/").then(|| Canned::text(404, "404 page not found"))
    });
    *port.lock().unwrap() = server.port;
    let yaml = format!(
        "keys: [{{name: release, file: ours.pub}}]\n\
         registries: [{{host: r.example, url: '{}', images: [app], access: {{user: robot, password: {{file: password}}}}}}]\n",
        server.url()
    );
    let collector = registries(&yaml, folder.path());
    let judged = Judged::by(&["image-signed"], &json!({}));
    let inventory = with_pods(judged.inventory(&*collector).await, &[format!("r.example/app@{image}")], &judged);
    assert_findings(&judged.findings(&inventory, library::now()), &[&format!("image-signed Image/r.example/app@{image} pass")]);
    let everything = format!("{inventory:?}");
    assert!(!everything.contains("EXAMPLE-hush") && !everything.contains("EXAMPLE-pull"));
    assert_eq!(inventory.targets[0].actor.identity, "robot");

    for (canned, reason) in [
        (Canned::text(401, ""), "not-permitted"),
        (Canned::json(403, &json!({"errors": [{"code": "DENIED"}]})), "not-permitted"),
        (Canned::json(429, &json!({"errors": [{"code": "TOOMANYREQUESTS"}]})), "throttled"),
        (Canned::text(503, ""), "unreachable"),
        (Canned::text(200, "garbage"), "parse-error"),
        (Canned::HangUp, "unreachable"),
        (Canned::Silence, "timeout"),
    ] {
        let canned = canned.clone();
        // The image is there, but what is attached cannot be seen.
        let refusing = content.clone().serve(BTreeMap::new(), move |path, _| path.contains("/referrers/").then(|| canned.clone()));
        let yaml =
            format!("registries: [{{host: r.example, url: '{}', images: ['app:1.0'], access: {{deadline_seconds: 1}}}}]", refusing.url());
        let found = judge(&*registries(&yaml, folder.path()), &["image-signed"], &json!({}), &[format!("r.example/app@{image}")]).await;
        assert_findings(&found, &[&format!("image-signed Image/r.example/app@{image} error {reason}")]);
    }
    // A blob, and a manifest, that are not what their digests say.
    let forged = content.serve(BTreeMap::new(), |path, _| path.contains("/blobs/").then(|| Canned::text(200, "{}x")));
    let yaml = format!("registries: [{{host: r.example, url: '{}', images: ['app:1.0']}}]", forged.url());
    let found = judge(&*registries(&yaml, folder.path()), &["image-signed"], &json!({}), &[format!("r.example/app@{image}")]).await;
    assert_findings(&found, &[&format!("image-signed Image/r.example/app@{image} error parse-error")]);
}

/// Made after the documentation of Harbor 2; no Harbor can be started here.
#[tokio::test]
async fn projects_of_harbor_by_recorded_answers() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("password"), "EXAMPLE-hush").unwrap();
    let rule = |disabled: bool, pattern: &str| {
        json!({
            "id": 1, "project_id": 1, "disabled": disabled, "action": "immutable", "template": "immutable_template",
            "tag_selectors": [{"kind": "doublestar", "decoration": "matches", "pattern": pattern}],
            "scope_selectors": {"repository": [{"kind": "doublestar", "decoration": "repoMatches", "pattern": "**"}]},
        })
    };
    let artifact = |status: &str| {
        json!([{"push_time": "2026-05-01T10:00:00.000Z", "scan_overview": {
            "application/vnd.security.vulnerability.report; version=1.1": {"scan_status": status, "end_time": "2026-05-01T10:02:00.000Z"},
        }}])
    };
    let answers = BTreeMap::from([
        ("/api/v2.0/projects/team", json!({"name": "team", "metadata": {"auto_scan": "true", "public": "false"}})),
        ("/api/v2.0/projects/open", json!({"name": "open", "metadata": {"public": "true"}})),
        ("/api/v2.0/projects/team/immutabletagrules", json!([rule(false, "**")])),
        ("/api/v2.0/projects/open/immutabletagrules", json!([rule(true, "**"), rule(false, "v*")])),
        ("/api/v2.0/projects/team/repositories", json!([{"name": "team/sub/app"}])),
        ("/api/v2.0/projects/open/repositories", json!([])),
        ("/api/v2.0/projects/team/repositories/sub%252Fapp/artifacts", artifact("Success")),
    ]);
    let server = CannedServer::answering(move |_, path, head| {
        if !head.contains("authorization: Basic ") {
            return Canned::json(401, &json!({"errors": [{"code": "UNAUTHORIZED"}]}));
        }
        let plain = path.split('?').next().unwrap();
        answers.get(plain).map_or_else(|| Canned::json(403, &json!({"errors": [{"code": "FORBIDDEN"}]})), |body| Canned::json(200, body))
    });
    let yaml = format!(
        "registries: [{{host: harbor.example, url: '{}', product: harbor, projects: [team, open, closed], \
         access: {{user: robot$audit, password: {{file: password}}}}}}]\n",
        server.url()
    );
    let judged = Judged::by(&["registry-immutable-tags", "registry-scan-on-push"], &json!({}));
    assert_findings(
        &judged.run(&*registries(&yaml, folder.path())).await,
        &[
            "registry-immutable-tags Project/harbor.example/closed error not-permitted",
            "registry-immutable-tags Project/harbor.example/open fail not-as-promised: no active rule",
            "registry-immutable-tags Project/harbor.example/team pass",
            "registry-scan-on-push Project/harbor.example/closed error not-permitted",
            "registry-scan-on-push Project/harbor.example/open fail not-as-promised: images are not scanned",
            "registry-scan-on-push Project/harbor.example/team pass",
        ],
    );
}
