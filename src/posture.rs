//! The changelog of posture: what the runs of a ledger up to a published one found.

use anyhow::Result;
use proofbook_evidence::bundle::{Bundle, Glance};
use proofbook_evidence::ledger::Ledger;
use proofbook_evidence::views::Publication;
use proofbook_evidence::views::history::{HistoryView, PastRun};

use crate::output::Output;

// So many runs are put side by side: a month of nightly ones.
const RUNS: usize = 30;

/// What the full runs up to that of `bundle` found. A run that is no longer there to be read is left out, which is told.
pub(crate) fn history(ledger: &Ledger, bundle: &Bundle, publication: &Publication, output: &Output) -> Result<HistoryView> {
    let own = bundle.manifest_sha256();
    let records = ledger.records(None)?;
    let up_to = records.iter().position(|record| record.manifest_sha256 == own).map_or(0, |at| at + 1);
    let mut full: Vec<_> = records[..up_to].iter().filter(|record| record.full || record.manifest_sha256 == own).rev().take(RUNS).collect();
    full.reverse();
    let mut runs = Vec::new();
    for record in full {
        let looked = ledger.fetch(&record.run()).map_err(anyhow::Error::from).and_then(|path| {
            let sealed = Glance::open(&path, &record.manifest_sha256)?;
            Ok(PastRun::of(&record.run_id, &sealed)?)
        });
        match looked {
            Ok(run) => runs.push(run),
            Err(error) => output.warn(format_args!("{} is left out of the changelog of posture: {error:#}", record.run_id)),
        }
    }
    Ok(HistoryView::new(&runs, &publication.checks))
}
