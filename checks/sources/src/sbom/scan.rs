//! Reports of scanners: what was scanned when, with how old a database, and what was found.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};

use super::kev::Exploited;
use super::report::{GrypeTarget, Report};

/// One report.
#[derive(Debug, Default)]
pub(super) struct Scan {
    tool: &'static str,
    tool_version: Option<String>,
    scanned_at: Option<String>,
    db_built: Option<String>,
    image: String,
    digests: BTreeSet<String>,
    vulnerabilities: Vec<Vulnerability>,
}

#[derive(Debug, Default)]
struct Vulnerability {
    id: String,
    /// Other numbers of the same.
    aliases: Vec<String>,
    severity: String,
    package: String,
    version: String,
    state: String,
    fixed_in: String,
    published: Option<String>,
    fix_available: Option<String>,
    first_seen: Option<String>,
}

/// Reads a report of a scanner.
pub(super) fn scan(report: &Report) -> Scan {
    let mut scan = if report.matches.is_some() { grype(report) } else { trivy(report) };
    scan.vulnerabilities.sort_by(|a, b| (&a.id, &a.package, &a.version).cmp(&(&b.id, &b.package, &b.version)));
    scan.vulnerabilities.dedup_by(|a, b| (&a.id, &a.package, &a.version) == (&b.id, &b.package, &b.version));
    scan
}

fn grype(report: &Report) -> Scan {
    let descriptor = report.descriptor.as_ref();
    let db = descriptor.and_then(|descriptor| descriptor.db.as_ref());
    let built = db.and_then(|db| db.built.clone().or_else(|| db.status.as_ref()?.built.clone()));
    let (image, digests) = match report.source.as_ref().and_then(|source| source.target.as_ref()) {
        Some(GrypeTarget::Image { user_input, manifest_digest, repo_digests }) => {
            let digests = repo_digests.iter().chain([manifest_digest]).filter_map(|text| digest_of(text)).collect();
            (user_input.clone(), digests)
        }
        Some(GrypeTarget::Path(path)) => (path.clone(), BTreeSet::new()),
        None => Default::default(),
    };
    let found = report.matches.iter().flatten().map(|found| {
        let fix = found.vulnerability.fix.as_ref();
        Vulnerability {
            id: found.vulnerability.id.clone(),
            aliases: found.related_vulnerabilities.iter().map(|related| related.id.clone()).collect(),
            severity: found.vulnerability.severity.to_ascii_lowercase(),
            package: found.artifact.name.clone(),
            version: found.artifact.version.clone().unwrap_or_default(),
            state: fix.map(|fix| fix.state.clone()).unwrap_or_default(),
            fixed_in: fix.map(|fix| fix.versions.join(", ")).unwrap_or_default(),
            // The earliest version that mends it.
            fix_available: fix.and_then(|fix| fix.available.iter().filter_map(|available| time(available.date.as_deref()?)).min()),
            ..Vulnerability::default()
        }
    });
    Scan {
        tool: "grype",
        tool_version: descriptor.and_then(|descriptor| descriptor.version.clone()),
        scanned_at: descriptor.and_then(|descriptor| time(descriptor.timestamp.as_deref()?)),
        db_built: built.as_deref().and_then(time),
        image,
        digests,
        vulnerabilities: found.collect(),
    }
}

fn trivy(report: &Report) -> Scan {
    let metadata = report.trivy_metadata.as_ref();
    let found = report.trivy_results.iter().flatten().flat_map(|result| result.vulnerabilities.iter().flatten()).map(|found| {
        let fixed_in = found.fixed_version.clone().unwrap_or_default();
        let status = found.status.clone().unwrap_or_default().replace('_', "-");
        Vulnerability {
            id: found.id.clone(),
            aliases: found.vendor_ids.clone(),
            severity: found.severity.to_ascii_lowercase(),
            package: found.pkg_name.clone(),
            version: found.installed_version.clone(),
            state: if fixed_in.is_empty() { status } else { "fixed".to_owned() },
            fixed_in,
            published: found.published_date.as_deref().and_then(time),
            ..Vulnerability::default()
        }
    });
    Scan {
        tool: "trivy",
        tool_version: report.trivy.as_ref().and_then(|trivy| trivy.version.clone()),
        scanned_at: report.trivy_created.as_deref().and_then(time),
        db_built: None,
        image: report.trivy_artifact.clone().unwrap_or_default(),
        digests: metadata.iter().flat_map(|metadata| &metadata.repo_digests).filter_map(|text| digest_of(text)).collect(),
        vulnerabilities: found.collect(),
    }
}

/// Adds to each finding when it was first seen, in any of the reports about the same repository by the same tool.
pub(super) fn add_first_seen(scans: &mut [(String, Scan)]) {
    let key = |scan: &Scan, found: &Vulnerability| (scan.tool, repository(&scan.image).to_owned(), found.id.clone(), found.package.clone());
    let mut first: BTreeMap<_, String> = BTreeMap::new();
    for (_, scan) in &*scans {
        let Some(at) = &scan.scanned_at else { continue };
        for found in &scan.vulnerabilities {
            let seen = first.entry(key(scan, found)).or_insert_with(|| at.clone());
            if at < seen {
                seen.clone_from(at);
            }
        }
    }
    for (_, scan) in scans {
        for at in 0..scan.vulnerabilities.len() {
            let seen = first.get(&key(scan, &scan.vulnerabilities[at])).cloned();
            scan.vulnerabilities[at].first_seen = seen;
        }
    }
}

impl Scan {
    pub(super) fn to_json(&self, exploited: Option<&Exploited>) -> Json {
        let vulnerability = |found: &Vulnerability| {
            json!({
                "id": found.id,
                "severity": found.severity,
                "package": found.package,
                "version": found.version,
                "state": found.state,
                "fixed_in": found.fixed_in,
                "published": found.published,
                "fix_available": found.fix_available,
                "first_seen": found.first_seen,
                "exploited": exploited.and_then(|exploited| exploited.of(std::iter::once(&found.id).chain(&found.aliases))),
            })
        };
        json!({
            "tool": self.tool,
            "tool_version": self.tool_version,
            "scanned_at": self.scanned_at,
            "db_built": self.db_built,
            "image": self.image,
            "digests": self.digests,
            "vulnerabilities": self.vulnerabilities.iter().map(vulnerability).collect::<Vec<_>>(),
        })
    }
}

// The repository of a reference: without tag and digest.
fn repository(image: &str) -> &str {
    let image = image.split('@').next().unwrap_or_default();
    match image.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => repository,
        _ => image,
    }
}

/// The digest in a text such as `r.example/app@sha256:…`, `pkg:oci/app@sha256%3A…` or `RepoDigest: …`.
pub(super) fn digest_of(text: &str) -> Option<String> {
    let at = text.find("sha256:").map(|at| at + 7).or_else(|| text.find("sha256%3A").map(|at| at + 9))?;
    let hex = text.get(at..at + 64).filter(|hex| hex.bytes().all(|c| c.is_ascii_hexdigit()))?;
    Some(format!("sha256:{}", hex.to_ascii_lowercase()))
}

/// A time in UTC to the second, so that times compare as texts; none where it is no time.
pub(super) fn time(text: &str) -> Option<String> {
    let at: jiff::Timestamp = text.parse().ok()?;
    Some(jiff::Timestamp::from_second(at.as_second()).ok()?.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_and_times_are_read_wherever_they_stand() {
        let digest = format!("sha256:{}", "ab".repeat(32));
        for text in [digest.clone(), format!("r.example/a@{digest}"), format!("pkg:oci/a@sha256%3A{}?tag=1", "AB".repeat(32))] {
            assert_eq!(digest_of(&text).as_deref(), Some(digest.as_str()), "{text}");
        }
        assert_eq!((digest_of("sha256:ab"), digest_of("1.0")), (None, None));
        assert_eq!(time("2026-05-01T02:00:00.123456789+02:00").as_deref(), Some("2026-05-01T00:00:00Z"));
        assert_eq!((time("2026-05-01"), time("soon")), (None, None));
        assert_eq!((repository("r:5000/a/b:1"), repository("r:5000/a"), repository("a@sha256:1")), ("r:5000/a/b", "r:5000/a", "a"));
    }
}
