//! A sample as a sheet: Markdown to read and file, CSV to work with.

use std::fmt::Write as _;

use proofbook_evidence::sample::{Drawn, Sample};

use crate::ExportError;
use crate::csv_table::table;
use crate::markdown_table::{escaped, section};

/// As Markdown.
#[must_use]
pub fn markdown(sample: &Sample) -> String {
    let mut out = format!("# Sample of {}\n\n", sample.check);
    let facts = [
        ("Population", format!("{} ({} subjects)", sample.definition, sample.population)),
        ("Drawn", format!("{} of {} asked for", sample.drawn.len(), sample.size)),
        ("Seed", sample.seed.clone()),
        ("Algorithm", sample.algorithm.to_owned()),
        ("Run", sample.run_id.clone()),
        ("Manifest", format!("sha256:{}", sample.manifest_sha256)),
    ];
    for (name, fact) in facts {
        let _ = writeln!(out, "- {name}: {}", escaped(&fact));
    }
    out.push('\n');
    let rows = sample.drawn.iter().enumerate().map(|(at, drawn)| {
        let manual = drawn.manual.clone().unwrap_or_default();
        [(at + 1).to_string(), drawn.id.clone(), drawn.verdict.to_string(), drawn.message.clone(), manual]
    });
    section(&mut out, "Subjects", ["no.", "subject", "verdict", "message", "command"], rows);
    out
}

/// As CSV, one line a subject; seed and algorithm stand in every line, so that none can be taken without them.
///
/// # Errors
/// None that a sample can cause.
pub fn csv(sample: &Sample) -> Result<Vec<u8>, ExportError> {
    let rows = sample.drawn.iter().enumerate().map(|(at, drawn)| {
        let Drawn { id, hmac_sha256, verdict, reason_code, message, manual } = drawn;
        [
            (at + 1).to_string(),
            sample.check.clone(),
            id.clone(),
            verdict.to_string(),
            reason_code.clone(),
            message.clone(),
            manual.clone().unwrap_or_default(),
            hmac_sha256.clone(),
            sample.seed.clone(),
            sample.algorithm.to_owned(),
            sample.population.to_string(),
            sample.run_id.clone(),
        ]
    });
    let heading = [
        "no",
        "check",
        "subject",
        "verdict",
        "reason_code",
        "message",
        "manual_command",
        "hmac_sha256",
        "seed",
        "algorithm",
        "population",
        "run_id",
    ];
    table(heading, rows)
}
