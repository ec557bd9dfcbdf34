//! Bills of materials and reports of scanners, made after the documented forms of CycloneDX, SPDX, Grype and Trivy; their makers' tools
//! cannot be had here.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends")]

#[path = "support/library.rs"]
mod library;

use std::fs;
use std::io::Write as _;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use library::{Judged, assert_findings, open};
use proofbook_checks::inventory::{Assurance, Completeness, Inventory, Listing};
use proofbook_checks::resource::Resource;
use proofbook_sources::collector::Collector;
use proofbook_sources::sbom::SbomTarget;
use serde_json::{Value as Json, json};

fn digest(of: char) -> String {
    format!("sha256:{}", of.to_string().repeat(64))
}

fn write(folder: &Path, name: &str, content: &Json) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content.to_string()).unwrap();
}

fn cyclonedx(image: &str, system: (&str, &str), components: Json) -> Json {
    let mut all = vec![json!({"type": "operating-system", "name": system.0, "version": system.1})];
    all.extend(components.as_array().unwrap().clone());
    json!({
        "bomFormat": "CycloneDX", "specVersion": "1.6", "serialNumber": "urn:uuid:0", "version": 1,
        "metadata": {
            "timestamp": "2026-05-01T10:00:00+02:00",
            "tools": {"components": [{"type": "application", "name": "syft", "version": "1.18.0"}]},
            "component": {"type": "container", "name": "r.example/app", "version": image},
        },
        "components": all,
    })
}

fn spdx(image: &str) -> Json {
    let package = |name: &str, version: &str, purl: &str| {
        json!({
            "SPDXID": format!("SPDXRef-{name}"), "name": name, "versionInfo": version,
            "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": purl}],
        })
    };
    json!({
        "spdxVersion": "SPDX-2.3", "SPDXID": "SPDXRef-DOCUMENT", "name": "r.example/app",
        "creationInfo": {"created": "2026-05-01T08:00:00Z", "creators": ["Organization: Example", "Tool: syft-1.18.0"]},
        "packages": [
            {"SPDXID": "SPDXRef-Root", "name": "r.example/app", "versionInfo": image, "primaryPackagePurpose": "CONTAINER"},
            package("musl", "1.2.5", "pkg:apk/alpine/musl@1.2.5?arch=x86_64&distro=alpine-3.18.4"),
            package("busybox", "1.36.1", "pkg:apk/alpine/busybox@1.36.1?arch=x86_64&distro=alpine-3.18.4"),
        ],
        "relationships": [{"spdxElementId": "SPDXRef-DOCUMENT", "relatedSpdxElement": "SPDXRef-Root", "relationshipType": "DESCRIBES"}],
    })
}

fn grype(image: &str, at: &str, built: &str, vulnerability: &str) -> Json {
    json!({
        "matches": [{
            "vulnerability": {
                "id": vulnerability, "severity": "Critical",
                "fix": {"versions": ["3.0.9"], "state": "fixed", "available": [{"version": "3.0.9", "date": "2026-04-20", "kind": "first-observed"}]},
            },
            "relatedVulnerabilities": [{"id": "CVE-2026-1111"}],
            "artifact": {"name": "openssl", "version": "3.0.8", "type": "deb", "purl": "pkg:deb/debian/openssl@3.0.8"},
        }],
        "source": {"type": "image", "target": {
            "userInput": "r.example/app:1.0", "imageID": digest('9'), "manifestDigest": digest('8'),
            "repoDigests": [format!("r.example/app@{image}")],
        }},
        "distro": {"name": "debian", "version": "12"},
        "descriptor": {"name": "grype", "version": "0.87.0", "timestamp": at, "db": {"status": {"built": built, "schemaVersion": "v6.0.2"}}},
    })
}

fn trivy(image: &str, at: &str) -> Json {
    json!({
        "SchemaVersion": 2, "CreatedAt": at, "ArtifactName": "r.example/app:1.0", "ArtifactType": "container_image",
        "Metadata": {"OS": {"Family": "debian", "Name": "12.5"}, "RepoDigests": [format!("r.example/app@{image}")]},
        "Results": [
            {"Target": "app (debian 12.5)", "Class": "os-pkgs", "Type": "debian", "Vulnerabilities": [
                {"VulnerabilityID": "CVE-2026-2222", "PkgName": "zlib1g", "InstalledVersion": "1.2.13", "FixedVersion": "1.2.14",
                 "Status": "fixed", "Severity": "CRITICAL", "PublishedDate": "2026-05-29T00:00:00Z"},
                {"VulnerabilityID": "CVE-2023-3333", "PkgName": "tar", "InstalledVersion": "1.34", "Status": "will_not_fix",
                 "Severity": "CRITICAL", "PublishedDate": "2023-01-01T00:00:00Z"},
            ]},
            {"Target": "app/go.mod", "Class": "lang-pkgs"},
        ],
    })
}

fn kev(released: &str, due: &str) -> Json {
    json!({
        "title": "CISA Catalog of Known Exploited Vulnerabilities", "catalogVersion": "2026.05.28", "dateReleased": released, "count": 1,
        "vulnerabilities": [{"cveID": "CVE-2026-1111", "dateAdded": "2026-05-01", "dueDate": due}],
    })
}

fn reports(yaml: &str, root: &Path) -> Box<dyn Collector> {
    open::<SbomTarget>("sbom", yaml, root)
}

/// What a collector gathered, beside pods that run images and a registry without anything.
async fn judge(collector: &dyn Collector, checks: &[&str], params: &Json, images: &[char]) -> (Inventory, Vec<String>) {
    let judged = Judged::by(checks, params);
    let mut inventory = judged.inventory(collector).await;
    let pods = Resource::kubernetes("pods");
    let pod = |of: &char| {
        let container = json!({"image": "r.example/app:1.0", "imageID": format!("r.example/app@{}", digest(*of))});
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": format!("p{of}"), "namespace": "apps"},
            "status": {"phase": "Running", "containerStatuses": [container]},
        });
        judged.wanted()[&pods].project(&pods, &pod)
    };
    let objects = images.iter().map(pod).collect();
    inventory.listings.insert(pods.clone(), Listing { completeness: Completeness::Complete, objects, resource_version: None });
    let registry = Resource::of_object("proofbook.dev/registry", "Image");
    inventory.listings.insert(registry, Listing::without_objects(Completeness::Complete));
    let found = judged.findings(&inventory, "2026-06-01T00:00:00Z".parse().unwrap());
    let short = |line: &String| ['a', 'b', 'c'].iter().fold(line.clone(), |line, of| line.replace(&digest(*of), &of.to_string()));
    (inventory, found.iter().map(short).collect())
}

#[tokio::test]
async fn bills_of_both_forms() {
    let folder = tempfile::tempdir().unwrap();
    let library = |name: &str, version: &str, purl: &str| json!({"type": "library", "name": name, "version": version, "purl": purl});
    let components = json!([
        library("libc6", "2.36", "pkg:deb/debian/libc6@2.36?distro=debian-12"),
        library("python", "3.12.3", "pkg:generic/python@3.12.3"),
        {"type": "file", "name": "/app/main.py"},
    ]);
    write(folder.path(), "bills/a.cdx.json", &cyclonedx(&digest('a'), ("debian", "12.5"), components));
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(spdx(&digest('b')).to_string().as_bytes()).unwrap();
    fs::write(folder.path().join("bills/b.spdx.json.gz"), packed.finish().unwrap()).unwrap();
    fs::write(folder.path().join("bills/readme.txt"), "no report").unwrap();

    let collector = reports("reports: [bills]", folder.path());
    let (inventory, found) = judge(&*collector, &["image-sbom", "image-eol", "image-base-allowed"], &json!({}), &['a', 'b', 'c']).await;
    assert_findings(
        &found,
        &[
            "image-base-allowed Image/r.example/app@a pass",
            "image-base-allowed Image/r.example/app@b fail above-max: the base is not told, and the image has 2 components and a shell (busybox)",
            "image-base-allowed Image/r.example/app@c error not-collected",
            "image-eol Image/r.example/app@a pass",
            "image-eol Image/r.example/app@b fail expired: support has ended of alpine 3.18",
            "image-eol Image/r.example/app@c error not-collected",
            "image-sbom Image/r.example/app@a pass",
            "image-sbom Image/r.example/app@b pass",
            "image-sbom Image/r.example/app@c fail missing-object",
        ],
    );
    assert_eq!(inventory.targets[0].assurance, Assurance::AsSupplied);
    let bills = inventory.objects(&Resource::of_object("proofbook.dev/sbom", "Bill"));
    let formats: Vec<_> = bills.iter().map(|bill| bill.to_json()["format"].clone()).collect();
    assert_eq!(formats, [json!("cyclonedx 1.6"), json!("spdx 2.3")]);
}

#[tokio::test]
async fn scans_of_both_tools_in_two_postures() {
    let checks = ["image-scan-recent", "kev-absent", "vuln-remediation-sla"];
    // Compliant: recent, what is found is young or not due yet.
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "scans/a.json", &grype(&digest('a'), "2026-05-31T03:00:00.123Z", "2026-05-30T04:00:00Z", "GHSA-xxxx"));
    write(folder.path(), "kev.json", &kev("2026-05-28T17:00:00.0000Z", "2026-06-20"));
    let yaml = "{reports: [scans], known_exploited: kev.json}";
    let params = json!({"vuln-remediation-sla": {"vuln_clock": "first_seen"}});
    let (_, found) = judge(&*reports(yaml, folder.path()), &checks, &params, &['a']).await;
    assert_findings(
        &found,
        &[
            "image-scan-recent Image/r.example/app@a pass",
            "kev-absent Image/r.example/app@a pass",
            "vuln-remediation-sla Image/r.example/app@a pass",
        ],
    );
    // An older report of the same repository, of another digest, saw it first.
    write(folder.path(), "scans/2026-05/a.json", &grype(&digest('b'), "2026-05-15T03:00:00Z", "2026-05-14T04:00:00Z", "GHSA-xxxx"));
    write(folder.path(), "scans/c.json", &trivy(&digest('c'), "2026-05-31T03:00:00Z"));
    write(folder.path(), "kev.json", &kev("2026-05-28T17:00:00.0000Z", "2026-05-20"));
    let (_, found) = judge(&*reports(yaml, folder.path()), &checks, &params, &['a', 'b', 'c']).await;
    assert_findings(
        &found,
        &[
            "image-scan-recent Image/r.example/app@a pass",
            "image-scan-recent Image/r.example/app@b fail expired: no scan is younger",
            "image-scan-recent Image/r.example/app@c error parse-error: the report of trivy does not tell",
            "kev-absent Image/r.example/app@a fail expired: GHSA-xxxx are known to be exploited and were due on 2026-05-20",
            "kev-absent Image/r.example/app@b fail expired",
            "kev-absent Image/r.example/app@c pass",
            "vuln-remediation-sla Image/r.example/app@a fail expired: 1 vulnerabilities are past their time, GHSA-xxxx in openssl 3.0.8",
            "vuln-remediation-sla Image/r.example/app@b fail expired",
            "vuln-remediation-sla Image/r.example/app@c pass",
        ],
    );
    // By publication, which Trivy tells and Grype does not.
    let (_, found) = judge(&*reports(yaml, folder.path()), &["vuln-remediation-sla"], &json!({}), &['a', 'c']).await;
    assert_findings(
        &found,
        &[
            "vuln-remediation-sla Image/r.example/app@a error parse-error: the reports do not tell for GHSA-xxxx since when",
            "vuln-remediation-sla Image/r.example/app@c fail expired: 1 vulnerabilities are past their time, CVE-2026-2222 in zlib1g",
        ],
    );
}

#[tokio::test]
async fn files_that_cannot_be_read_and_a_catalog_that_is_none() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("scans")).unwrap();
    fs::write(folder.path().join("scans/garbage.json"), "{\"matches\": [").unwrap();
    fs::write(folder.path().join("scans/other.json"), "{\"runs\": []}").unwrap();
    fs::write(folder.path().join("scans/cut.json.gz"), [0x1f, 0x8b, 8, 0, 0]).unwrap();
    fs::write(folder.path().join("kev.json"), "{}").unwrap();
    let collector = reports("{reports: [scans], known_exploited: kev.json}", folder.path());
    let (inventory, found) = judge(&*collector, &["image-scan-recent", "kev-absent"], &json!({}), &['a']).await;
    let expected = [
        "image-scan-recent Image/r.example/app@a fail missing-object",
        "kev-absent Image/r.example/app@a error parse-error: the catalog of exploited",
    ];
    assert_findings(&found, &expected);
    let scans = inventory.objects(&Resource::of_object("proofbook.dev/sbom", "Scan"));
    let told: Vec<String> = scans.iter().map(|scan| scan.to_json()["unread"]["reason"].as_str().unwrap().to_owned()).collect();
    assert_eq!(told, ["parse-error", "parse-error", "parse-error"]);
    assert!(inventory.requests.iter().all(|request| request.method == "read" && request.response_sha256.is_some()));
}
