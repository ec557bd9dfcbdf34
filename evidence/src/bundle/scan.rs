//! From an inventory to a sealed bundle in one pass: evaluate, add up, write, and give the folder its name.

use std::io::Write;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use proofbook_checks::evaluate::{Evaluation, SEMANTICS};
use proofbook_checks::inventory::{Assurance, Inventory};
use proofbook_checks::{Catalog, CheckResult, Plan};
use proofbook_controls::files::Files;

use super::archive::{self, SealedSettings};
use super::manifest::{MANIFEST, Manifest, Run, run_id};
use super::observations::{self, write_line};
use super::staging::{self, Staging};
use super::{ASSESSMENT, BundleError, FINDINGS, VALUES};
use crate::assessment::Assessment;
use crate::attestation::Attestations;
use crate::ledger::Ledger;
use crate::rollup::Assessor;
use crate::values;

/// What a bundle is made from.
#[derive(Clone, Copy)]
pub struct RunInputs<'r> {
    /// The catalog.
    pub catalog: &'r Catalog,
    /// The files that the catalog was read from.
    pub files: &'r Files,
    /// The plan of the run.
    pub plan: &'r Plan<'r>,
    /// What was collected.
    pub inventory: &'r Inventory,
    /// What people attested.
    pub attestations: &'r Attestations,
    /// The workspace's name.
    pub workspace: &'r str,
    /// The environment's name.
    pub environment: &'r str,
    /// The time of the run.
    pub clock: Timestamp,
    /// The version of the program.
    pub tool_version: &'r str,
    /// The ledger's folder.
    pub ledger: &'r Path,
    /// Whether the whole default selection ran.
    pub full: bool,
}

/// A bundle that was written.
#[derive(Clone, Debug)]
pub struct Sealed {
    /// Its folder.
    pub path: PathBuf,
    /// The run's id.
    pub run_id: String,
    /// What the findings add up to.
    pub assessment: Assessment,
}

/// What evaluation writes.
pub(crate) struct Streams<'s> {
    pub(crate) findings: &'s mut dyn Write,
    pub(crate) values: &'s mut dyn Write,
}

/// Evaluates every check of the plan; findings and values are written as they come.
pub(crate) fn evaluate_all(
    catalog: &Catalog,
    plan: &Plan<'_>,
    inventory: &Inventory,
    attestations: &Attestations,
    clock: Timestamp,
    streams: Streams<'_>,
    on_result: &mut dyn FnMut(&CheckResult),
) -> Result<Assessment, BundleError> {
    let Streams { findings, values } = streams;
    let evaluation = Evaluation::new(inventory, &plan.settings, clock);
    let mut assessor = Assessor::new(catalog, clock);
    for planned in plan.checks.values() {
        let result = evaluation.check(planned);
        on_result(&result);
        for finding in &result.findings {
            write_line(findings, finding)?;
        }
        for value in values::measured(&result) {
            write_line(values, &value)?;
        }
        assessor.add(planned.check, &result);
    }
    Ok(assessor.finish(plan, attestations))
}

/// Evaluates an inventory and seals it with what came out. The bundle appears whole in the ledger, or not at all.
///
/// # Errors
/// What cannot be written; the ledger is then as it was.
pub fn scan_to_bundle(inputs: &RunInputs<'_>, on_result: &mut dyn FnMut(&CheckResult)) -> Result<Sealed, BundleError> {
    let ledger = Ledger::create(inputs.ledger)?;
    let lock = ledger.lock()?;
    staging::clear_leftovers(inputs.ledger)?;
    let mut staging = Staging::begin(inputs.ledger)?;
    observations::write(&mut staging, inputs.inventory)?;
    let settings = SealedSettings { settings: inputs.plan.settings.clone(), selection: inputs.plan.checks.keys().cloned().collect() };
    let mut files = inputs.files.clone();
    files.extend(inputs.attestations.files.clone());
    archive::write(&mut staging, &files, &settings)?;

    let mut findings = staging.begin_zst(FINDINGS)?;
    let mut measured = Vec::new();
    let streams = Streams { findings: &mut findings, values: &mut measured };
    let assessment =
        evaluate_all(inputs.catalog, inputs.plan, inputs.inventory, inputs.attestations, inputs.clock, streams, on_result)?;
    staging.end_zst(FINDINGS, findings)?;
    staging.write(VALUES, &measured)?;
    staging.write(ASSESSMENT, &serde_json_canonicalizer::to_vec(&assessment)?)?;
    staging.write("verify.txt", VERIFY.as_bytes())?;

    let run_id = run_id(inputs.clock, staging.files());
    let supplied = inputs.inventory.targets.iter().any(|target| target.assurance == Assurance::AsSupplied);
    let run = Run {
        workspace: inputs.workspace.to_owned(),
        environment: inputs.environment.to_owned(),
        run_id: run_id.clone(),
        previous: ledger.head()?.map(|head| head.manifest_sha256),
        tool_version: inputs.tool_version.to_owned(),
        semantics: SEMANTICS,
        full: inputs.full,
        checks: settings.selection,
        clock: inputs.clock,
        assurance: if supplied { Assurance::AsSupplied } else { Assurance::Live },
        targets: inputs.inventory.targets.clone(),
        sizes: Default::default(),
    };
    let manifest = Manifest::new(run, staging.files()).to_bytes()?;
    staging.write(MANIFEST, &manifest)?;
    let path = inputs.ledger.join(&run_id);
    // The same inputs at the same time were sealed before: that bundle stands.
    staging.commit(inputs.ledger, &run_id)?;
    drop(lock);
    Ok(Sealed { path, run_id, assessment })
}

const VERIFY: &str = "How to check this bundle

1. manifest.json names every sealed file with its SHA-256. With common tools:

     python3 -c 'import json;[print(f[\"digest\"][\"sha256\"]+\"  \"+f[\"name\"]) for f in json.load(open(\"manifest.json\"))[\"subject\"]]' | sha256sum -c

2. Any other file of this folder, besides manifest.json and what lies in seal/, does not belong to it.
3. predicate.previous is the SHA-256 of the manifest.json of the run before, so that no run can be taken out unseen.
4. proofbook verify DIR does all of this and decides every verdict again from observations/ and library.tar.zst.

A digest proves that nothing was changed since somebody else got hold of it. Who sealed the bundle is told by a signature in
seal/; without one the bundle is UNSIGNED.
";
