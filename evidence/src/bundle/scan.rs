//! From an inventory to a sealed bundle in one pass: evaluate, add up, write, and give the folder its name.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;
use proofbook_checks::evaluate::{Evaluation, SEMANTICS};
use proofbook_checks::inventory::{Assurance, Inventory};
use proofbook_checks::{Catalog, CheckResult, Plan};
use proofbook_controls::files::Files;

use super::archive::{self, SealedSettings};
use super::collection::Collection;
use super::manifest::{Manifest, Run, sha256_hex};
use super::observations;
use super::staging::{Staging, json_line};
use super::{ASSESSMENT, BundleError, FINDINGS, Sink, VALUES};
use crate::assessment::Assessment;
use crate::attestation::Attestations;
use crate::exception::{Active, Exceptions};
use crate::freshness::{ControlWindows, Windows};
use crate::ledger::{Appended, Custody, Entry, Ledger, LedgerError, Record, RunRef, verdicts};
use crate::rollup::Assessor;
use crate::scope::Scopes;
use crate::{values, verify};

/// What a bundle is made from.
#[derive(Clone)]
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
    /// What was accepted for a time, and who may accept it.
    pub exceptions: &'r Exceptions,
    /// What the workspace answers for.
    pub scopes: &'r Scopes,
    /// The windows that the workspace sets for controls, in hours.
    pub freshness: &'r ControlWindows,
    /// The workspace's name.
    pub workspace: &'r str,
    /// The environment's name.
    pub environment: &'r str,
    /// The time of the run.
    pub clock: Timestamp,
    /// The version of the program.
    pub tool_version: &'r str,
    /// How the run came about.
    pub collection: &'r Collection,
    /// The ledger.
    pub ledger: &'r Ledger,
    /// Whether the whole default selection ran.
    pub full: bool,
    /// What tells the key by which people's names became pseudonyms, where they did.
    pub pseudonyms: Option<String>,
}

/// A bundle that was written.
#[derive(Clone, Debug)]
pub struct Sealed {
    /// Its folder.
    pub path: PathBuf,
    /// The run's id.
    pub run_id: String,
    /// The digest of its manifest.
    pub manifest_sha256: String,
    /// What the findings add up to.
    pub assessment: Assessment,
    /// What happened to evidence by this run, to be told to the chain of custody; nothing where an equal run stood there.
    pub custody: Vec<Custody>,
}

/// All that findings and assessment are a function of.
#[derive(Clone, Copy)]
pub(crate) struct Basis<'b> {
    pub(crate) catalog: &'b Catalog,
    pub(crate) plan: &'b Plan<'b>,
    pub(crate) inventory: &'b Inventory,
    pub(crate) attestations: &'b Attestations,
    pub(crate) exceptions: &'b Exceptions,
    pub(crate) scopes: &'b Scopes,
    pub(crate) clock: Timestamp,
}

/// Evaluates every check of the plan; findings and values are handed on as they come.
pub(crate) fn evaluate_all(
    basis: Basis<'_>,
    findings: &mut dyn Sink,
    values: &mut dyn Sink,
    on_result: &mut dyn FnMut(&CheckResult),
) -> Result<Assessment, BundleError> {
    let evaluation = Evaluation::new(basis.inventory, &basis.plan.settings, basis.clock);
    let mut assessor = Assessor::new(basis.catalog, Windows::new(&basis.catalog.controls, basis.scopes), basis.clock);
    for planned in basis.plan.checks.values() {
        let mut result = evaluation.check(planned);
        Active::new(basis.exceptions, basis.catalog, planned.check, basis.clock).mark(&mut result.findings);
        on_result(&result);
        for finding in &result.findings {
            findings.line(&json_line(finding)?)?;
        }
        for value in values::measured(&result) {
            values.line(&json_line(&value)?)?;
        }
        assessor.add(planned.check, &result);
    }
    Ok(assessor.finish(basis.plan, basis.attestations, basis.exceptions, basis.scopes))
}

/// Evaluates an inventory and seals it with what came out. The bundle appears whole in the ledger, or not at all.
///
/// A run that is equal in everything to the last one adds nothing to the ledger: the bundle that stands there is the result.
///
/// # Errors
/// What cannot be written; the ledger is then as it was.
pub fn scan_to_bundle(inputs: &RunInputs<'_>, on_result: &mut dyn FnMut(&CheckResult)) -> Result<Sealed, BundleError> {
    let writer = inputs.ledger.writer()?;
    let mut staging = Staging::begin(inputs.ledger.dir())?;
    observations::write(&mut staging, inputs.inventory, &inputs.plan.wanted())?;
    let checks: Vec<_> = inputs.plan.checks.keys().cloned().collect();
    let settings = SealedSettings {
        settings: inputs.plan.settings.clone(),
        selection: checks.iter().cloned().collect(),
        scopes: inputs.scopes.clone(),
        freshness: inputs.freshness.clone(),
        pseudonyms: inputs.pseudonyms.clone(),
        approval: inputs.exceptions.approval.clone(),
    };
    let mut files = inputs.files.clone();
    files.extend(inputs.attestations.files.clone());
    files.extend(inputs.exceptions.files.clone());
    archive::write(&mut staging, &files, &settings)?;

    let mut findings = staging.zst(FINDINGS)?;
    let mut measured = staging.plain(VALUES)?;
    let basis = Basis {
        catalog: inputs.catalog,
        plan: inputs.plan,
        inventory: inputs.inventory,
        attestations: inputs.attestations,
        exceptions: inputs.exceptions,
        scopes: inputs.scopes,
        clock: inputs.clock,
    };
    let assessment = evaluate_all(basis, &mut findings, &mut measured, on_result)?;
    staging.end_zst(findings)?;
    staging.end(measured)?;
    staging.write(ASSESSMENT, &serde_json_canonicalizer::to_vec(&assessment)?)?;
    staging.write("verify.txt", VERIFY.as_bytes())?;

    // Nothing was read live where nothing was read.
    let targets = inputs.inventory.targets.clone();
    let assurance = targets.iter().map(|target| target.assurance).max().unwrap_or(Assurance::AsSupplied);
    let mut run = Run {
        workspace: inputs.workspace.to_owned(),
        environment: inputs.environment.to_owned(),
        run_id: String::new(),
        previous: None,
        tool_version: inputs.tool_version.to_owned(),
        semantics: SEMANTICS,
        full: inputs.full,
        checks,
        clock: inputs.clock,
        assurance,
        targets,
        collection: inputs.collection.clone(),
        sizes: BTreeMap::new(),
    };
    let files = staging.files().clone();
    for _ in 0..ROUNDS {
        let (before, head) = writer.head()?.unzip();
        run.previous = before.as_ref().map(|before| before.manifest_sha256.clone());
        let manifest = Manifest::new(run.clone(), &files)?;
        if let Some(head) = head.filter(|head| head.manifest.is_same_run(&manifest)) {
            return stand(inputs.ledger, &head, assessment);
        }
        match writer.append(staging, &manifest, verdicts(&assessment), before.as_ref())? {
            Appended::Done(path) => {
                let custody = custody(&manifest, before.as_ref())?;
                let (run_id, manifest_sha256) = (manifest.predicate.run_id.clone(), sha256_hex(&manifest.to_bytes()?));
                return Ok(Sealed { path, run_id, manifest_sha256, assessment, custody });
            }
            Appended::Taken(again) => staging = again,
        }
    }
    Err(LedgerError::Crowded { place: inputs.ledger.place(), rounds: ROUNDS }.into())
}

// Each round another run was sealed: so many at once are no accident.
const ROUNDS: u32 = 50;

fn stand(ledger: &Ledger, head: &Entry, assessment: Assessment) -> Result<Sealed, BundleError> {
    let run = RunRef { run_id: head.run_id.clone(), manifest_sha256: head.manifest_sha256.clone() };
    let path = ledger.fetch(&run)?;
    if !verify::integrity(&path)?.is_whole() {
        return Err(BundleError::Standing { path });
    }
    let RunRef { run_id, manifest_sha256 } = run;
    Ok(Sealed { path, run_id, manifest_sha256, assessment, custody: Vec::new() })
}

fn custody(manifest: &Manifest, before: Option<&Record>) -> Result<Vec<Custody>, BundleError> {
    let run = &manifest.predicate;
    let target = |target: &proofbook_checks::inventory::Target| format!("{}/{} {}", target.source, target.name, target.identity);
    let mut events = vec![
        Custody::Collected { run_id: run.run_id.clone(), targets: run.targets.iter().map(target).collect() },
        Custody::Sealed { run_id: run.run_id.clone(), manifest_sha256: sha256_hex(&manifest.to_bytes()?) },
    ];
    if let Some(older) = before.and_then(|before| before.newest_full.as_ref()).filter(|_| run.full) {
        events.push(Custody::Superseded { run_id: older.run_id.clone(), by: run.run_id.clone() });
    }
    Ok(events)
}

const VERIFY: &str = "How to check this bundle

1. manifest.json names every sealed file with its SHA-256. With common tools:

     python3 -c 'import json;[print(f[\"digest\"][\"sha256\"]+\"  \"+f[\"name\"]) for f in json.load(open(\"manifest.json\"))[\"subject\"]]' | sha256sum -c

2. Any other file of this folder, besides manifest.json and what lies in seal/, does not belong to it.
3. predicate.previous is the SHA-256 of the manifest.json of the run before, so that no run can be taken out unseen.
4. seal/KEYID.dsse.json, where there is one, is a signature over manifest.json: an in-toto Statement in a DSSE envelope. KEYID is the
   SHA-256 of the public key in DER, which you must have from somewhere else. What was signed, and how openssl checks it:

     sed -E 's/.*\"sig\":\"([^\"]*)\".*/\\1/' seal/KEYID.dsse.json | openssl base64 -d -A > signature
     { printf 'DSSEv1 28 application/vnd.in-toto+json %d ' $(wc -c < manifest.json); cat manifest.json; } > signed
     openssl pkeyutl -verify -pubin -inkey KEY.pem -rawin -in signed -sigfile signature          (Ed25519)
     openssl dgst -sha256 -verify KEY.pem -signature signature signed                            (ECDSA P-256)

5. seal/timestamp.tsr, where there is one, is a time stamp by RFC 3161 over manifest.json, with the roots of its authority in ROOTS.pem:

     openssl ts -verify -data manifest.json -in seal/timestamp.tsr -CAfile ROOTS.pem

6. proofbook verify DIR --trust FILE does all of this and decides every verdict again from observations/ and library.tar.zst.

A digest proves that nothing was changed since somebody else got hold of it. Without a signature the bundle is UNSIGNED: nothing says
who sealed it.
";
