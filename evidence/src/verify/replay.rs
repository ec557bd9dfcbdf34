//! The replay: every verdict is decided again from the sealed observations and the sealed library, and compared with what
//! was sealed, line by line as it comes.

use std::path::Path;

use proofbook_checks::Finding;
use sha2::{Digest, Sha256};

use super::{DeviationKind, Report};
use crate::assessment::Assessment;
use crate::bundle::manifest::{MANIFEST, Manifest};
use crate::bundle::{ASSESSMENT, Basis, Bundle, BundleError, FINDINGS, Lines, Sink, VALUES, evaluate_all};
use crate::values::MeasuredValue;

pub(super) fn replay(path: &Path, manifest: &Manifest, report: &mut Report) -> Result<(), BundleError> {
    let bundle = Bundle::open(path)?;
    let plan = bundle.plan()?;
    if !plan.checks.keys().eq(&manifest.predicate.checks) {
        report.deviate(DeviationKind::Replay, MANIFEST, "names other checks than the sealed selection");
    }
    let (inventory, attestations, exceptions) = (bundle.inventory()?, bundle.attestations()?, bundle.exceptions()?);
    let basis = Basis {
        catalog: bundle.catalog(),
        plan: &plan,
        inventory: &inventory,
        attestations: &attestations,
        exceptions: &exceptions,
        scopes: bundle.scopes(),
        clock: manifest.predicate.clock,
    };
    let mut findings = Compare::new(bundle.sealed().lines(FINDINGS)?);
    let mut values = Compare::new(bundle.sealed().plain_lines(VALUES)?);
    let mut count = 0;
    let assessment = evaluate_all(basis, &mut findings, &mut values, &mut |result| count += result.findings.len() as u64)?;
    report.findings = count;
    report.replayed = true;
    findings.finish(FINDINGS, report)?;
    values.finish(VALUES, report)?;
    let sealed = bundle.sealed().bytes(ASSESSMENT)?;
    if serde_json_canonicalizer::to_vec(&assessment)? != sealed {
        report.deviate(DeviationKind::Replay, ASSESSMENT, differing(&assessment, &sealed));
    }
    Ok(())
}

/// Compares the lines that are handed to it with those that were sealed.
struct Compare {
    sealed: Lines,
    number: u64,
    differing: u64,
    first: Option<String>,
    // Sums over the differing lines of each side: equal where the lines are the same in another order.
    sums: [u128; 2],
}

impl Compare {
    const fn new(sealed: Lines) -> Self {
        Self { sealed, number: 0, differing: 0, first: None, sums: [0; 2] }
    }

    fn differ(&mut self, sealed: Option<&[u8]>, decided: Option<&[u8]>) {
        self.differing += 1;
        for (sum, line) in self.sums.iter_mut().zip([sealed, decided]) {
            let digest = line.map(Sha256::digest).unwrap_or_default();
            let beginning = digest.iter().take(16).fold(0_u128, |all, byte| all << 8 | u128::from(*byte));
            *sum = sum.wrapping_add(beginning);
        }
        let number = self.number;
        self.first.get_or_insert_with(|| match (sealed.map(shown), decided.map(shown)) {
            (Some(sealed), Some(decided)) if sealed == decided => {
                format!("line {number}: {sealed}: sealed with another reason, message or value")
            }
            (Some(sealed), Some(decided)) => format!("line {number}: sealed {sealed}; decided {decided}"),
            (Some(sealed), None) => format!("line {number}: sealed {sealed}, which is not decided again"),
            (None, decided) => format!("line {number}: decided {}, which was not sealed", decided.unwrap_or_default()),
        });
    }

    fn finish(mut self, file: &str, report: &mut Report) -> Result<(), BundleError> {
        self.number += 1;
        while let Some(rest) = self.sealed.next_line()?.map(<[u8]>::to_vec) {
            self.differ(Some(&rest), None);
            self.number += 1;
        }
        if let Some(first) = &self.first {
            let kind = if self.sums[0] == self.sums[1] { DeviationKind::Reordered } else { DeviationKind::Replay };
            report.deviate(kind, file, format!("{} lines differ; {first}", self.differing));
        }
        Ok(())
    }
}

impl Sink for Compare {
    fn line(&mut self, decided: &[u8]) -> Result<(), BundleError> {
        self.number += 1;
        let sealed = self.sealed.next_line()?;
        if sealed != Some(decided) {
            let sealed = sealed.map(<[u8]>::to_vec);
            self.differ(sealed.as_deref(), Some(decided));
        }
        Ok(())
    }
}

// A line in few words.
fn shown(line: &[u8]) -> String {
    if let Ok(finding) = serde_json::from_slice::<Finding>(line) {
        return format!("{} of {} by {}", finding.verdict, finding.subject, finding.check);
    }
    serde_json::from_slice::<MeasuredValue>(line).map_or_else(|_| "a line that cannot be read".to_owned(), |value| value.id)
}

fn differing(decided: &Assessment, sealed: &[u8]) -> String {
    let Ok(sealed) = serde_json::from_slice::<Assessment>(sealed) else {
        return "cannot be read".to_owned();
    };
    let mut ids: Vec<String> = Vec::new();
    let all = decided.checks.keys().chain(sealed.checks.keys());
    ids.extend(all.filter(|id| decided.checks.get(*id) != sealed.checks.get(*id)).map(|id| format!("check {id}")));
    let all = decided.controls.keys().chain(sealed.controls.keys());
    ids.extend(all.filter(|id| decided.controls.get(*id) != sealed.controls.get(*id)).map(|id| format!("control {id}")));
    let all = decided.frameworks.keys().chain(sealed.frameworks.keys());
    ids.extend(all.filter(|id| decided.frameworks.get(*id) != sealed.frameworks.get(*id)).map(|id| format!("framework {id}")));
    ids.first()
        .map_or_else(|| "not in canonical form".to_owned(), |first| format!("the findings add up to something else, first for {first}"))
}
