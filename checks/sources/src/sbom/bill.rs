//! Bills of materials: which image one is about, when it was made and by what, and how complete it is.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use super::report::{Component, Package, Report};
use super::scan::{digest_of, time};

/// Programs by which somebody in a container gets a command line.
const SHELLS: [&str; 8] = ["ash", "bash", "busybox", "dash", "fish", "ksh", "mksh", "zsh"];

/// The record of a bill.
pub(super) fn record(report: &Report) -> Json {
    let bill = if report.bom_format.is_some() { cyclonedx(report) } else { spdx(report) };
    let count = |holds: fn(&Part) -> bool| bill.parts.iter().filter(|part| holds(part)).count();
    let shells: BTreeSet<&str> = bill.parts.iter().map(|part| part.name.as_str()).filter(|name| SHELLS.contains(name)).collect();
    let cycles: BTreeSet<String> = bill.parts.iter().filter_map(runtime).chain(bill.system.iter().filter_map(system)).collect();
    json!({
        "format": bill.format,
        "created": bill.created.as_deref().and_then(time),
        "tools": bill.tools,
        "image": bill.image,
        "digests": bill.digests,
        "components": bill.parts.len(),
        "named": count(|part| !part.name.is_empty() && part.version.as_ref().is_some_and(|version| !version.is_empty())),
        "identified": count(|part| part.purl.is_some()),
        "shells": shells,
        "system": bill.system.as_ref().and_then(system),
        "cycles": cycles,
    })
}

/// A component of either form.
struct Part {
    name: String,
    version: Option<String>,
    purl: Option<String>,
}

struct Bill {
    format: String,
    created: Option<String>,
    tools: Vec<String>,
    image: String,
    digests: BTreeSet<String>,
    // The operating system by name and version.
    system: Option<(String, String)>,
    parts: Vec<Part>,
}

fn cyclonedx(report: &Report) -> Bill {
    let metadata = report.metadata.as_ref();
    let root = metadata.and_then(|metadata| metadata.component.as_ref());
    let mut all = Vec::new();
    flatten(report.components.as_deref().unwrap_or_default(), &mut all);
    let system = all.iter().find(|component| component.kind == "operating-system");
    let system = system.map(|system| (system.name.clone(), system.version.clone().unwrap_or_default()));
    let parts: Vec<Part> = all
        .iter()
        .filter(|component| !matches!(component.kind.as_str(), "operating-system" | "file"))
        .map(|component| Part { name: component.name.clone(), version: component.version.clone(), purl: component.purl.clone() })
        .collect();
    let digests = root.into_iter().flat_map(|root| {
        let properties = root.properties.iter().filter(|property| property.name.ends_with("RepoDigest")).map(|property| &property.value);
        root.version.iter().chain(&root.purl).chain(properties).filter_map(|text| digest_of(text)).collect::<Vec<_>>()
    });
    Bill {
        format: format!("cyclonedx {}", report.spec_version.as_deref().unwrap_or_default()),
        created: metadata.and_then(|metadata| metadata.timestamp.clone()),
        tools: metadata.and_then(|metadata| metadata.tools.as_ref()).map(super::report::Tools::names).unwrap_or_default(),
        image: root.map(|root| root.name.clone()).unwrap_or_default(),
        digests: digests.collect(),
        system: system.or_else(|| system_by_purl(&parts)),
        parts,
    }
}

fn flatten<'c>(components: &'c [Component], out: &mut Vec<&'c Component>) {
    for component in components {
        out.push(component);
        flatten(&component.components, out);
    }
}

fn spdx(report: &Report) -> Bill {
    let described = report
        .relationships
        .iter()
        .filter(|relation| relation.spdx_element_id == "SPDXRef-DOCUMENT" && relation.relationship_type == "DESCRIBES");
    let roots: BTreeSet<&str> = described
        .map(|relation| relation.related_spdx_element.as_str())
        .chain(report.document_describes.iter().map(String::as_str))
        .collect();
    let packages = report.packages.as_deref().unwrap_or_default();
    let is_root = |package: &&Package| roots.contains(package.id.as_str());
    let purl = |package: &Package| {
        package.external_refs.iter().find(|reference| reference.reference_type == "purl").map(|found| found.reference_locator.clone())
    };
    let digests = packages.iter().filter(is_root).flat_map(|root| {
        let texts = root.version_info.iter().cloned().chain(purl(root)).chain(root.attribution_texts.iter().cloned());
        texts.filter_map(|text| digest_of(&text)).collect::<Vec<_>>()
    });
    let is_system = |package: &&Package| package.primary_package_purpose.as_deref() == Some("OPERATING-SYSTEM");
    let system = packages.iter().find(is_system).map(|system| (system.name.clone(), system.version_info.clone().unwrap_or_default()));
    let parts: Vec<Part> = packages
        .iter()
        .filter(|package| !is_root(package) && !is_system(package))
        .map(|package| Part { name: package.name.clone(), version: package.version_info.clone(), purl: purl(package) })
        .collect();
    let info = report.creation_info.as_ref();
    let creators = info.map(|info| info.creators.as_slice()).unwrap_or_default();
    Bill {
        format: report.spdx_version.as_deref().unwrap_or_default().to_ascii_lowercase().replace('-', " "),
        created: info.and_then(|info| info.created.clone()),
        tools: creators.iter().filter_map(|creator| creator.strip_prefix("Tool: ").map(str::to_owned)).collect(),
        image: packages.iter().find(is_root).map(|root| root.name.clone()).or_else(|| report.name.clone()).unwrap_or_default(),
        digests: digests.collect(),
        system: system.or_else(|| system_by_purl(&parts)),
        parts,
    }
}

// Packages of a distribution say of which: `pkg:deb/debian/bash@5.2?arch=amd64&distro=debian-12`.
fn system_by_purl(parts: &[Part]) -> Option<(String, String)> {
    let distro = parts.iter().find_map(|part| part.purl.as_ref()?.split_once("distro=").map(|(_, rest)| rest))?;
    let (name, version) = distro.split(['&', '#']).next()?.split_once('-')?;
    Some((name.to_owned(), version.to_owned()))
}

// The release whose support ends: `debian 12`, `alpine 3.20`, `rhel 9`.
fn system((name, version): &(String, String)) -> Option<String> {
    let name = name.to_ascii_lowercase();
    let name = name.split_whitespace().next().unwrap_or_default();
    let by_minor = matches!(name, "alpine" | "ubuntu" | "opensuse" | "opensuse-leap" | "photon");
    let name = match name {
        "redhat" | "red" => "rhel",
        other => other,
    };
    cycle(name, version, if by_minor { 2 } else { 1 })
}

// The release of a runtime whose support ends: `python 3.11`, `node 20`, `go 1.22`.
fn runtime(part: &Part) -> Option<String> {
    let purl = part.purl.as_deref().unwrap_or_default();
    // A library of the name is none: the runtime itself is `generic`, or the standard library of Go.
    let is_runtime = purl.is_empty() || purl.starts_with("pkg:generic/") || purl.starts_with("pkg:golang/stdlib");
    let (name, parts) = match part.name.to_ascii_lowercase().as_str() {
        "python" | "cpython" => ("python", 2),
        "node" | "nodejs" => ("node", 1),
        "stdlib" | "go" => ("go", 2),
        "ruby" => ("ruby", 2),
        "php" | "php-cli" => ("php", 2),
        "openjdk" | "java" | "jdk" | "jre" => ("java", 1),
        "dotnet" => ("dotnet", 1),
        _ => return None,
    };
    cycle(name, part.version.as_deref()?, parts).filter(|_| is_runtime)
}

fn cycle(name: &str, version: &str, parts: usize) -> Option<String> {
    let numbers: Vec<&str> =
        version.trim_start_matches(['v', 'V']).trim_start_matches("go").split(['.', '+', '-', '_']).take(parts).collect();
    let sound = numbers.len() == parts && numbers.iter().all(|part| !part.is_empty() && part.bytes().all(|c| c.is_ascii_digit()));
    (sound && !name.is_empty()).then(|| format!("{name} {}", numbers.join(".")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_told_by_what_their_makers_support() {
        for (name, version, expected) in [
            ("debian", "12.5", Some("debian 12")),
            ("alpine", "3.20.1", Some("alpine 3.20")),
            ("ubuntu", "22.04", Some("ubuntu 22.04")),
            ("Red Hat", "9.4", Some("rhel 9")),
            ("debian", "", None),
            ("alpine", "3", None),
        ] {
            assert_eq!(system(&(name.to_owned(), version.to_owned())).as_deref(), expected, "{name} {version}");
        }
        let part = |name: &str, version: &str, purl: Option<&str>| {
            runtime(&Part { name: name.to_owned(), version: Some(version.to_owned()), purl: purl.map(str::to_owned) })
        };
        assert_eq!(part("python", "3.11.4", Some("pkg:generic/python@3.11.4")).as_deref(), Some("python 3.11"));
        assert_eq!(part("stdlib", "go1.22.3", Some("pkg:golang/stdlib@1.22.3")).as_deref(), Some("go 1.22"));
        assert_eq!(part("node", "18.19.0", None).as_deref(), Some("node 18"));
        assert_eq!(part("node", "18.19.0", Some("pkg:npm/node@18.19.0")), None);
    }
}
