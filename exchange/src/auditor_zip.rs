//! The auditor's archive: an index page that opens offline, tables, the bundle as it was sealed, and a list of hashes.
//!
//! The same bundle gives the same archive: names are sorted, and entries carry no time.

use std::collections::BTreeMap;
use std::io::{Cursor, Write};
use std::path::Path;

use proofbook_checks::evaluate::Evaluation;
use proofbook_checks::inventory::Target;
use proofbook_checks::redact::Redactions;
use proofbook_checks::{Population, Subject, Verdict};
use proofbook_controls::CheckId;
use proofbook_evidence::bundle::Bundle;
use proofbook_evidence::bundle::manifest::sha256_hex;
use proofbook_evidence::records;
use proofbook_evidence::views::{CheckView, Publication};
use serde::Serialize;
use zip::write::SimpleFileOptions;

use crate::csv_table::table;
use crate::{ExportError, Input, ipe, tables};

const INDEX: &str = include_str!("auditor_index.html");

pub(crate) fn write(input: &Input<'_>) -> Result<Vec<u8>, ExportError> {
    let publication = input.publication;
    let mut files = BTreeMap::new();
    add_folder(input.bundle.path(), "bundle", &mut files)?;
    files.insert("checks.csv".to_owned(), checks(publication)?);
    files.insert("controls.csv".to_owned(), controls(publication)?);
    files.insert("coverage.csv".to_owned(), coverage(publication)?);
    files.insert("findings.csv".to_owned(), findings(input.bundle)?);
    files.insert("README.md".to_owned(), readme(input.bundle).into_bytes());
    files.insert("index.html".to_owned(), index(publication, input.bundle)?);
    let sheets = records::sheets(input.bundle, |_| true)?;
    files.insert("ipe.md".to_owned(), ipe::markdown(&sheets).into_bytes());
    files.insert("populations.csv".to_owned(), ipe::populations(&sheets)?);
    if let Some(soa) = &publication.soa {
        files.insert("statement-of-applicability.csv".to_owned(), tables::soa(soa)?);
    }
    if let Some(sprs) = &publication.sprs {
        files.insert("sprs.csv".to_owned(), tables::sprs(sprs)?);
    }
    let hashes = files.iter().map(|(name, bytes)| [name.clone(), "SHA-256".to_owned(), sha256_hex(bytes), bytes.len().to_string()]);
    let manifest = table(["file", "algorithm", "hash", "bytes"], hashes)?;
    files.insert("artifact-manifest.csv".to_owned(), manifest);

    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().last_modified_time(zip::DateTime::DEFAULT).unix_permissions(0o644);
    for (name, bytes) in &files {
        archive.start_file(name.as_str(), options)?;
        archive.write_all(bytes).map_err(|source| ExportError::File { path: name.clone(), source })?;
    }
    Ok(archive.finish()?.into_inner())
}

// What the archive is of, what is not in it any more, and how it is checked: for whoever opens it without a browser.
fn readme(bundle: &Bundle) -> String {
    let run = &bundle.manifest().predicate;
    let target = |target: &Target| format!("- {} `{}`, {}\n", target.source, target.name, target.assurance.as_str());
    let targets = run.targets.iter().map(target).collect::<Vec<_>>().concat();
    format!(
        "# Evidence of {}, environment {}

Run {}, of {}. The SHA-256 of its manifest, by which it is known:

    {}

## What was read
{targets}
## What was removed
{}, before anything was judged or kept. In each record (`proofbook export --format records`) `redactions` names the places.

## How to check it
- `artifact-manifest.csv` has the SHA-256 of every file of this archive.
- `bundle/` is what was sealed; `bundle/verify.txt` says how it is checked with common tools and without a network.
- `index.html` lists what else is here.
",
        run.workspace,
        run.environment,
        run.run_id,
        run.clock,
        bundle.manifest_sha256(),
        sentence(run.collection.redactions),
    )
}

fn sentence(redactions: Redactions) -> String {
    let text = redactions.to_string();
    text.strip_prefix("no ").map_or_else(|| text.clone(), |rest| format!("No {rest}"))
}

fn add_folder(dir: &Path, prefix: &str, files: &mut BTreeMap<String, Vec<u8>>) -> Result<(), ExportError> {
    let fault = |source| ExportError::File { path: dir.display().to_string(), source };
    for entry in std::fs::read_dir(dir).map_err(fault)? {
        let entry = entry.map_err(fault)?;
        let name = format!("{prefix}/{}", entry.file_name().to_string_lossy());
        if entry.file_type().map_err(fault)?.is_dir() {
            add_folder(&entry.path(), &name, files)?;
        } else {
            files.insert(name, std::fs::read(entry.path()).map_err(fault)?);
        }
    }
    Ok(())
}

fn findings(bundle: &Bundle) -> Result<Vec<u8>, ExportError> {
    let (plan, inventory) = (bundle.plan()?, bundle.inventory()?);
    let evaluation = Evaluation::new(&inventory, &plan.settings, bundle.manifest().predicate.clock);
    let mut rows = Vec::new();
    // Findings come check by check.
    let mut commands: (Option<CheckId>, BTreeMap<Subject, String>) = (None, BTreeMap::new());
    bundle.findings(|finding| {
        if commands.0.as_ref() != Some(&finding.check) {
            let all = plan.checks.get(&finding.check).map(|planned| evaluation.manual_commands(planned, |_| true));
            commands = (Some(finding.check.clone()), all.unwrap_or_default());
        }
        let measured = serde_json::to_string(&finding.measured).unwrap_or_default();
        rows.push([
            finding.check.to_string(),
            finding.subject.to_string(),
            finding.verdict.to_string(),
            finding.reason_code.as_str(),
            finding.message,
            measured,
            commands.1.remove(&finding.subject).unwrap_or_default(),
            finding.exceptions.join(" "),
        ]);
    })?;
    let heading = ["check", "subject", "verdict", "reason_code", "message", "measured", "manual_command", "exceptions"];
    table(heading, rows.into_iter())
}

fn checks(publication: &Publication) -> Result<Vec<u8>, ExportError> {
    let count = |counts: &BTreeMap<Verdict, u64>, verdict| counts.get(&verdict).copied().unwrap_or(0).to_string();
    let rows = publication.checks.values().map(|check| {
        let population = &check.population;
        [
            check.id.clone(),
            check.title.clone(),
            check.severity.as_str().to_owned(),
            check.method.as_str().to_owned(),
            check.status.to_string(),
            population.definition.clone(),
            population.enumerated.to_string(),
            population.subjects.to_string(),
            population.complete.to_string(),
            count(&check.counts, Verdict::Pass),
            count(&check.counts, Verdict::Fail),
            count(&check.counts, Verdict::Error),
            check.fresh_until.to_string(),
            check.manual.clone(),
        ]
    });
    let heading = [
        "check",
        "title",
        "severity",
        "method",
        "status",
        "population",
        "enumerated",
        "subjects",
        "complete",
        "pass",
        "fail",
        "error",
        "fresh_until",
        "manual_command",
    ];
    table(heading, rows)
}

fn controls(publication: &Publication) -> Result<Vec<u8>, ExportError> {
    let basis = |control: &proofbook_evidence::views::ControlView| {
        serde_json::to_value(control.basis).unwrap_or_default().as_str().unwrap_or_default().to_owned()
    };
    let rows = publication.controls.values().map(|control| {
        let checks: Vec<&str> = control.checks.iter().filter(|check| check.required).map(|check| check.id.as_str()).collect();
        [
            control.id.clone(),
            control.title.clone(),
            control.layer_title.to_owned(),
            control.split.as_str().to_owned(),
            control.status.to_string(),
            basis(control),
            checks.join(" "),
            control.provider.join(" "),
            control.customer.join(" "),
        ]
    });
    table(["control", "title", "layer", "split", "status", "basis", "required_checks", "provider", "customer"], rows)
}

fn coverage(publication: &Publication) -> Result<Vec<u8>, ExportError> {
    let frameworks = publication.frameworks.values();
    let requirements =
        frameworks.flat_map(|framework| framework.groups.iter().flat_map(|group| &group.requirements).map(move |found| (framework, found)));
    let rows = requirements.map(|(framework, requirement)| {
        let controls: Vec<&str> = requirement.mappings.iter().map(|mapping| mapping.control.as_str()).collect();
        let limits: Vec<&str> = requirement.mappings.iter().map(|mapping| mapping.limits.as_str()).collect();
        [
            framework.id.clone(),
            requirement.id.clone(),
            requirement.title.clone(),
            requirement.coverage.as_str().to_owned(),
            requirement.status.map(|status| status.to_string()).unwrap_or_default(),
            controls.join(" "),
            limits.join(" "),
        ]
    });
    table(["framework", "requirement", "title", "coverage", "status", "controls", "not_proved"], rows)
}

/// A check on the index page.
#[derive(Serialize)]
struct Row<'p> {
    id: &'p str,
    title: &'p str,
    status: Verdict,
    population: &'p Population,
    findings: String,
}

impl<'p> Row<'p> {
    fn new(check: &'p CheckView) -> Self {
        let counts = Verdict::ALL.iter().filter_map(|verdict| check.counts.get(verdict).map(|count| format!("{count} {verdict}")));
        Self {
            id: &check.id,
            title: &check.title,
            status: check.status,
            population: &check.population,
            findings: counts.collect::<Vec<_>>().join(", "),
        }
    }
}

fn index(publication: &Publication, bundle: &Bundle) -> Result<Vec<u8>, ExportError> {
    let mut tera = tera::Tera::default();
    tera.add_raw_template("index.html", INDEX)?;
    // The engine's maps have no order, so that rows come as a list.
    let rows: Vec<Row<'_>> = publication.checks.values().map(Row::new).collect();
    let mut context = tera::Context::new();
    context.insert("facts", &publication.facts);
    context.insert("run", &publication.run);
    context.insert("removed", &sentence(bundle.manifest().predicate.collection.redactions));
    context.insert("checks", &rows);
    context.insert("soa", &publication.soa.is_some());
    context.insert("sprs", &publication.sprs.is_some());
    Ok(tera.render("index.html", &context)?.into_bytes())
}
