//! Dumps of generated clusters whose violations are known: exactly these come out, whatever the seed, the size, the
//! rate of faults, the labels and the regions are.
//!
//! The generator lies beside the repository. Where it is not there, the dump of a small cluster that it made stands in.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::support::{Finding, Workspace, data, read_yaml, root, skipped};

/// `tests/truth.yaml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Truth {
    workspace: serde_json::Map<String, Json>,
    properties: BTreeMap<String, Judge>,
}

/// Which check judges a property, and by which of its failing findings.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Judge {
    check: String,
    measured: Option<String>,
    #[serde(default)]
    is: Is,
}

/// What a measured value has to be.
#[derive(Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
enum Is {
    /// True, or a list with something in it.
    #[default]
    Set,
    /// A list with nothing in it.
    Empty,
}

impl Judge {
    /// Whether a finding says that the property is violated.
    fn counts(&self, finding: &Finding) -> bool {
        let measured = self.measured.as_ref().is_none_or(|name| {
            let value = finding.measured.get(name).unwrap_or_else(|| panic!("{} measures no {name}: {finding:?}", self.check));
            match (value, self.is) {
                (Json::Bool(value), Is::Set) => *value,
                (Json::Array(list), Is::Set) => !list.is_empty(),
                (Json::Array(list), Is::Empty) => list.is_empty(),
                _ => panic!("{} measures {name} as {value}", self.check),
            }
        });
        finding.verdict == "fail" && finding.check == self.check && measured
    }
}

/// What a generator writes beside a dump.
#[derive(Deserialize)]
struct Planted {
    now: String,
    properties: BTreeMap<String, Property>,
}

#[derive(Deserialize)]
struct Property {
    violations: BTreeSet<String>,
}

impl Planted {
    fn read(folder: &Path) -> Self {
        serde_json::from_slice(&fs::read(folder.join("truth.json")).unwrap()).unwrap()
    }

    /// Scans the dump and tells every difference from what was planted.
    fn differences(&self, truth: &Truth, dump: &Path, settings: &serde_json::Map<String, Json>) -> Vec<String> {
        let mut settings = settings.clone();
        settings.insert("workspace".to_owned(), json!("truth"));
        let workspace = Workspace::with_settings(&settings.into());
        let (ran, findings) = workspace.scan(&format!("--dump {} --at {}", dump.display(), self.now));
        // Some kinds are in no dump, so there is always something that could not be looked at.
        let _ = ran.ends_with(3);
        let mut differences = Vec::new();
        for (name, property) in &self.properties {
            let judge = &truth.properties[name];
            let of_check: Vec<&Finding> = findings.iter().filter(|finding| finding.check == judge.check).collect();
            assert!(!of_check.is_empty(), "{} said nothing", judge.check);
            let errors = of_check.iter().filter(|finding| finding.verdict == "error");
            differences.extend(errors.map(|finding| format!("{name}: {} is an error: {}", finding.subject(), finding.message)));
            let found: BTreeSet<String> =
                of_check.iter().filter(|finding| judge.counts(finding)).map(|finding| finding.subject()).collect();
            differences.extend(property.violations.difference(&found).map(|subject| format!("{name}: {subject} was missed")));
            differences.extend(found.difference(&property.violations).map(|subject| format!("{name}: {subject} was not planted")));
        }
        differences
    }
}

fn truth() -> Truth {
    read_yaml("truth.yaml")
}

#[test]
fn every_property_is_judged() {
    let (truth, planted) = (truth(), Planted::read(&data("cluster-small")));
    let known: BTreeSet<&String> = planted.properties.keys().collect();
    assert_eq!(truth.properties.keys().collect::<BTreeSet<_>>(), known);
    assert_eq!(known.len(), 58);
    // A property that is nowhere violated would prove nothing.
    assert!(planted.properties.values().all(|property| !property.violations.is_empty()));
}

#[test]
fn a_committed_cluster_shows_exactly_its_violations() {
    let (truth, planted) = (truth(), Planted::read(&data("cluster-small")));
    for dump in ["cluster-small", "cluster-small.yaml.gz"] {
        let differences = planted.differences(&truth, &data(dump), &truth.workspace);
        assert!(differences.is_empty(), "{dump}: {differences:#?}");
    }
}

/// The generator, where it is there.
fn generator() -> Option<PathBuf> {
    let script = root().parent()?.join("shared/fixtures/generate_cluster.py");
    script.is_file().then_some(script)
}

/// How a generated cluster differs from the usual one.
#[derive(Clone, Copy, Default)]
struct Variation {
    arguments: &'static [&'static str],
    /// Texts that are replaced in the dump and in the settings.
    renamed: &'static [(&'static str, &'static str)],
}

const TENANT_LABEL: (&str, &str) = ("platform.example/scope", "tenancy.example/role");
const REGIONS: [(&str, &str); 2] = [("eu-central-1", "de-fra-2"), ("eu-west-1", "nl-ams-1")];

/// One variation a seed.
const VARIATIONS: [Variation; 5] = [
    Variation { arguments: &[], renamed: &[] },
    Variation { arguments: &["--managed-fields"], renamed: &[TENANT_LABEL] },
    Variation { arguments: &["--fault-rate", "0.4"], renamed: &[] },
    Variation { arguments: &["--format", "yaml"], renamed: &REGIONS },
    Variation { arguments: &["--fault-rate", "0.02", "--now", "2026-02-28T23:59:59Z"], renamed: &[TENANT_LABEL, REGIONS[0], REGIONS[1]] },
];

fn rename(text: &str, renamed: &[(&str, &str)]) -> String {
    renamed.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

fn generated_clusters_show_exactly_their_violations(size: &str) {
    let Some(script) = generator() else {
        skipped("generator of clusters", "it does not lie beside the repository");
        return;
    };
    let truth = truth();
    for (seed, variation) in (1..).zip(VARIATIONS) {
        let folder = tempfile::tempdir().unwrap();
        let mut python = Command::new("python3");
        python.arg(&script).args(["--size", size, "--seed", &seed.to_string(), "--out"]).arg(folder.path()).args(variation.arguments);
        let output = python.output().expect("python3 runs the generator");
        assert!(output.status.success(), "{output:?}");
        let planted = Planted::read(folder.path());
        fs::remove_file(folder.path().join("truth.json")).unwrap();
        for entry in fs::read_dir(folder.path()).unwrap() {
            let path = entry.unwrap().path();
            fs::write(&path, rename(&fs::read_to_string(&path).unwrap(), variation.renamed)).unwrap();
        }
        let settings = rename(&Json::from(truth.workspace.clone()).to_string(), variation.renamed);
        let differences = planted.differences(&truth, folder.path(), &serde_json::from_str(&settings).unwrap());
        assert!(differences.is_empty(), "{size}, seed {seed}: {differences:#?}");
    }
}

#[test]
fn small_clusters_show_exactly_their_violations() {
    generated_clusters_show_exactly_their_violations("small");
}

#[test]
fn medium_clusters_show_exactly_their_violations() {
    generated_clusters_show_exactly_their_violations("medium");
}

/// A hundred thousand objects take minutes without optimisation, so they are made only where somebody asks for them:
/// `PROOFBOOK_TRUTH_LARGE=1`. `./check` runs the small and the medium clusters.
#[test]
fn large_clusters_show_exactly_their_violations() {
    if std::env::var_os("PROOFBOOK_TRUTH_LARGE").is_none() {
        skipped("large clusters", "PROOFBOOK_TRUTH_LARGE is not set");
        return;
    }
    generated_clusters_show_exactly_their_violations("large");
}
