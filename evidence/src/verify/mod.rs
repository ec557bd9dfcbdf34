//! Verification: is every sealed byte what the manifest says, who vouches for it, since when, and does the bundle still decide
//! what it says?
//!
//! Nothing is taken on trust from the bundle but its own consistency: keys and authorities come from a trust file that the
//! reader holds. What could not be established is told apart from what does not hold.

mod chain;
mod replay;
mod report;
mod retention;
mod seal;
mod sealed;

use std::path::Path;

use jiff::Timestamp;
use proofbook_checks::evaluate::SEMANTICS;

use crate::bundle::BundleError;
use crate::bundle::manifest::{MANIFEST, Manifest};
use crate::freshness::SKEW;
use crate::seal::trust::Trust;

pub use crate::deviation::{Deviation, DeviationKind};
pub use report::{Chain, Report};
pub use retention::{Deleted, Withheld};
pub use seal::{SignatureReport, SignatureState, StampReport, StampState, stamp};

/// What a bundle is held to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Demands<'t> {
    /// Whose signatures and stamps count; without it nobody's do.
    pub trust: Option<&'t Trust>,
    /// The time of the reader, by which keys must not have run out, and beyond which no stamp and no run can be. It never undoes a
    /// revocation: only a stamp shows that a signature is older.
    pub at: Option<Timestamp>,
    /// Whether a signature by a trusted key must be there.
    pub require_signature: bool,
    /// Whether a stamp by a trusted authority must be there.
    pub require_timestamp: bool,
    /// Whether the bundle is looked at alone: its verdicts are not decided again, and no run beside it is looked at.
    pub alone: bool,
}

/// Checks every sealed byte, the folder and the link to the run before; keys and verdicts are left aside.
///
/// # Errors
/// A bundle that is not there at all.
pub fn integrity(path: &Path) -> Result<Report, BundleError> {
    inspect(path, &Demands::default()).map(|(report, _)| report)
}

/// Checks every sealed byte, and decides every verdict again; keys are left aside.
///
/// # Errors
/// A bundle that is not there at all.
pub fn verify(path: &Path) -> Result<Report, BundleError> {
    verify_against(path, &Demands::default())
}

/// Holds a bundle to all that is demanded.
///
/// # Errors
/// A bundle that is not there at all.
pub fn verify_against(path: &Path, demands: &Demands<'_>) -> Result<Report, BundleError> {
    let (mut report, manifest) = inspect(path, demands)?;
    let Some(manifest) = manifest.filter(|_| !demands.alone && report.is_sealed_set_whole()) else {
        return Ok(report);
    };
    if manifest.predicate.semantics != SEMANTICS {
        let detail = format!("decided by semantics {}, this program has {SEMANTICS}", manifest.predicate.semantics);
        report.deviate(DeviationKind::EngineUnavailable, MANIFEST, detail);
        return Ok(report);
    }
    let before = report.deviations.len();
    if let Err(error) = replay::replay(path, &manifest, &mut report) {
        report.replayed = false;
        report.deviate(DeviationKind::Malformed, "replay", error.to_string());
    }
    report.replay_equal = report.replayed && report.deviations.len() == before;
    report.deviations.sort();
    Ok(report)
}

/// What the signatures that a bundle carries come to: the best of them; none where it carries none.
///
/// # Errors
/// A bundle or a seal that cannot be looked into.
pub fn signature(path: &Path, demands: &Demands<'_>) -> Result<Option<SignatureState>, BundleError> {
    let mut report = Report::new(path, demands);
    if let Some((manifest, bytes)) = sealed::manifest(path, &mut report) {
        seal::check(path, &manifest, &bytes, demands, &mut report)?;
    }
    Ok(report.signatures.iter().map(|signature| signature.state).min())
}

fn inspect(path: &Path, demands: &Demands<'_>) -> Result<(Report, Option<Manifest>), BundleError> {
    std::fs::read_dir(path).map_err(BundleError::file(path))?;
    let mut report = Report::new(path, demands);
    let manifest = sealed::manifest(path, &mut report);
    let manifest = match manifest {
        Some((manifest, bytes)) => {
            sealed::files(path, &manifest, demands.alone, &mut report)?;
            chain::check(path, &manifest, demands.alone, &mut report);
            seal::check(path, &manifest, &bytes, demands, &mut report)?;
            let clock = manifest.predicate.clock;
            if let Some(at) = demands.at.filter(|at| clock.duration_since(*at) > SKEW) {
                report.deviate(DeviationKind::RunTime, MANIFEST, format!("the run is of {clock}, which is to come: it is {at}"));
            }
            Some(manifest)
        }
        None => None,
    };
    report.deviations.sort();
    Ok((report, manifest))
}
