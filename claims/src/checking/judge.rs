//! The verdict on one statement, with what the evidence says in words.

use proofbook_checks::Verdict;
use proofbook_evidence::claims::{Claim, Class, Kind, Promise, Quantifier, StoredValue};
use proofbook_evidence::notice::Notice;

use super::compare::{Comparison, compare, present, shown};
use super::words::Wordings;
use super::{ClaimVerdict, Evidence, Judgement, Said, bindings, certificate, fingerprint};

// A verdict in the making.
pub(super) struct Finding {
    pub(super) verdict: ClaimVerdict,
    message: String,
    suggestion: Option<String>,
    replacement: Option<String>,
}

impl Finding {
    pub(super) fn new(verdict: ClaimVerdict, message: impl Into<String>) -> Self {
        Self { verdict, message: message.into(), suggestion: None, replacement: None }
    }
}

/// A statement that conflicts and promises nothing itself.
pub(crate) fn conflict(said: &Said, claim: Option<&Claim>, message: &str) -> Judgement {
    finish(said, claim, Finding::new(ClaimVerdict::Conflict, message))
}

/// The verdict on a statement.
pub(crate) fn judge(said: &Said, claim: Option<&Claim>, conflict: Option<&str>, evidence: &Evidence<'_>, wordings: &Wordings) -> Judgement {
    let by_evidence = by_evidence(said, claim, evidence);
    if by_evidence.verdict == ClaimVerdict::Contradicted {
        return finish(said, claim, by_evidence);
    }
    if let Some(message) = conflict {
        return finish(said, claim, Finding::new(ClaimVerdict::Conflict, message));
    }
    if let Some(error) = wordings.error(&said.reading.text, &said.beside) {
        let mut finding = Finding::new(ClaimVerdict::CategoryError, error.why.clone());
        finding.suggestion = Some(format!("Say instead: {}.", error.better));
        return finish(said, claim, finding);
    }
    finish(said, claim, by_evidence)
}

fn by_evidence(said: &Said, claim: Option<&Claim>, evidence: &Evidence<'_>) -> Finding {
    let mut findings = Vec::new();
    if said.reading.kind == Kind::CertificationStatus
        && let Some(finding) = certificate::judge(said, evidence.certifications, evidence.at)
    {
        findings.push(finding);
    }
    // Whether what is said was held against facts or measured values, and not only against the words of the registry.
    let compared = !findings.is_empty() || claim.is_some_and(|claim| !claim.values.is_empty());
    match claim {
        Some(claim) => findings.extend(of_claim(said, claim, evidence, 0)),
        None => findings.extend(of_binding(said, evidence)),
    }
    let none = || match claim {
        Some(claim) => Finding::new(ClaimVerdict::Unbacked, nothing_shows(claim, evidence)),
        None => Finding::new(ClaimVerdict::Unregistered, "promises something that is not in the registry of claims"),
    };
    // The worst decides.
    let worst = findings.into_iter().min_by_key(|finding| finding.verdict).unwrap_or_else(none);
    match claim {
        Some(claim) if matches!(worst.verdict, ClaimVerdict::Backed | ClaimVerdict::Attested) => {
            against_registry(said, claim, worst, compared)
        }
        _ => worst,
    }
}

fn nothing_shows(claim: &Claim, evidence: &Evidence<'_>) -> String {
    let id = &claim.id.value;
    match evidence.store {
        None if !claim.checks.is_empty() || !claim.values.is_empty() => format!("there is no evidence to hold the claim `{id}` against"),
        Some(store) if !store.has_verdicts && !claim.checks.is_empty() => {
            format!("run {} holds no value for the claim `{id}`, and its verdicts are withheld", store.run_id)
        }
        Some(store) if !claim.checks.is_empty() => format!("run {} decided no check of the claim `{id}`", store.run_id),
        _ => format!("the claim `{id}` names no check and no attestation in force"),
    }
}

// What the registry says of a statement that the evidence bears out.
fn against_registry(said: &Said, claim: &Claim, holds: Finding, compared: bool) -> Finding {
    let absolute = matches!(said.reading.quantifier, Some(Quantifier::All | Quantifier::Only | Quantifier::None));
    let conditional = matches!(claim.class, Class::Optional | Class::PlanGated | Class::InProgress | Class::Future | Class::Hedged);
    if said.reading.class == Class::Assertion && conditional && (absolute || claim.class != Class::Hedged) {
        let scope = if claim.scope.is_empty() { String::new() } else { format!(" ({})", claim.scope) };
        return Finding::new(
            ClaimVerdict::OverClaim,
            format!("states without condition what the claim `{}` promises as {}{scope}", claim.id.value, claim.class),
        );
    }
    if absolute && claim.quantifier == Some(Quantifier::Some) {
        return Finding::new(ClaimVerdict::OverClaim, format!("speaks of all, and the claim `{}` of some", claim.id.value));
    }
    let Some(said_value) = &said.reading.value else { return holds };
    let Some(promised) = &claim.value else {
        let unbacked = || {
            let message = format!("says {said_value}, and the claim `{}` has no value that it could be held against", claim.id.value);
            Finding::new(ClaimVerdict::Unbacked, message)
        };
        return if compared { holds } else { unbacked() };
    };
    if !said_value.equals(promised) {
        if promised.implies(said_value) {
            return Finding::new(
                ClaimVerdict::UnderClaim,
                format!("says {said_value}, and the claim `{}` promises {promised}, which holds", claim.id.value),
            );
        }
        if said_value.implies(promised) {
            return Finding::new(
                ClaimVerdict::OverClaim,
                format!("says {said_value}, and the claim `{}` promises {promised} only", claim.id.value),
            );
        }
        if !compared {
            return Finding::new(
                ClaimVerdict::OverClaim,
                format!("says {said_value}, and the claim `{}` promises {promised}", claim.id.value),
            );
        }
    }
    holds
}

// A claim by its values, checks, attestations and, where it is an umbrella, its parts.
fn of_claim(said: &Said, claim: &Claim, evidence: &Evidence<'_>, depth: usize) -> Vec<Finding> {
    let mut findings = Vec::new();
    let implied = bindings::implied(&said.reading.text);
    let promise = if depth == 0 { said.reading.value.as_ref().or(claim.value.as_ref()).or(implied.as_ref()) } else { claim.value.as_ref() };
    let quantifier = if depth == 0 { said.reading.quantifier.or(claim.quantifier) } else { claim.quantifier };
    // All that a claim names must show it.
    if evidence.store.is_none() && !(claim.values.is_empty() && claim.checks.is_empty()) {
        findings.push(Finding::new(ClaimVerdict::Unbacked, nothing_shows(claim, evidence)));
    }
    if let Some(store) = evidence.store {
        let kind = if depth == 0 { said.reading.kind } else { claim.kind };
        for id in &claim.values {
            let found = store
                .get(&id.value)
                .and_then(|stored| of_value(stored, promise, kind, quantifier, false, said.reading.class == Class::Hedged, evidence));
            let none = || Finding::new(ClaimVerdict::Unbacked, format!("run {} decides nothing by the value {}", store.run_id, id.value));
            findings.push(found.unwrap_or_else(none));
        }
        for check in &claim.checks {
            match store.check(&check.value) {
                Some(assessed) => {
                    let counts = assessed.counts.get(&assessed.status).copied().unwrap_or(0);
                    let all: u64 = assessed.counts.values().sum();
                    let said = format!(
                        "check {} of run {} ({}): {} on {counts} of {all} subjects",
                        check.value, store.run_id, store.clock, assessed.status
                    );
                    findings.push(of_status(assessed.status, said, assessed.fresh_until, evidence));
                }
                None => findings.push(Finding::new(ClaimVerdict::Unbacked, nothing_shows(claim, evidence))),
            }
        }
    }
    for need in &claim.attestations {
        let attested = evidence.attestations.get(&need.value);
        let attested = attested.map(|attestation| (attestation.verdict(evidence.at), attestation.expires_at()));
        findings.push(match attested {
            Some((Verdict::Manual, until)) => {
                Finding::new(ClaimVerdict::Attested, format!("attestation {} is in force until {until}", need.value))
            }
            Some((_, until)) => {
                Finding::new(ClaimVerdict::Stale, format!("attestation {} is not in force; it counts until {until}", need.value))
            }
            None => Finding::new(ClaimVerdict::Unbacked, format!("nobody signed the attestation {}", need.value)),
        });
    }
    if depth < 3 {
        for part in evidence.registry.parts_of(&claim.id.value) {
            let parts = of_claim(said, part, evidence, depth + 1);
            let worst = parts.into_iter().min_by_key(|finding| finding.verdict);
            findings.push(match worst {
                Some(finding) => Finding { message: format!("its part `{}`: {}", part.id.value, finding.message), ..finding },
                None => Finding::new(ClaimVerdict::Unbacked, format!("its part `{}` is shown by nothing", part.id.value)),
            });
        }
    }
    findings
}

// Measured values that the table of bindings names: without a claim they may contradict, and they back nothing. What speaks for the
// statement is told as a hint.
fn of_binding(said: &Said, evidence: &Evidence<'_>) -> Option<Finding> {
    let binding = bindings::of(said)?;
    let store = evidence.store?;
    let reading = &said.reading;
    // That something is not there is promised by words that deny.
    if binding.absent && reading.quantifier != Some(Quantifier::None) {
        return None;
    }
    let hedged = reading.class == Class::Hedged;
    let found =
        binding.values.iter().filter_map(|id| store.get(id)).filter_map(|stored| {
            of_value(stored, reading.value.as_ref(), reading.kind, reading.quantifier, binding.absent, hedged, evidence)
        });
    let worst = found.min_by_key(|finding| finding.verdict)?;
    if worst.verdict == ClaimVerdict::Contradicted {
        return Some(worst);
    }
    let message = format!("promises something that is not in the registry of claims; {}", worst.message);
    Some(Finding::new(ClaimVerdict::Unregistered, message))
}

// One measured value against a promise.
fn of_value(
    stored: &StoredValue,
    promise: Option<&Promise>,
    kind: Kind,
    quantifier: Option<Quantifier>,
    absent: bool,
    hedged: bool,
    evidence: &Evidence<'_>,
) -> Option<Finding> {
    let store = evidence.store?;
    let measured = &stored.measured;
    let name = measured.id.rsplit('.').next().unwrap_or_default();
    let run = format!("run {} ({})", store.run_id, store.clock);
    if let Some(promise) = promise {
        if let Some(comparison) = compare(promise, kind, quantifier, stored) {
            return Some(compared(&comparison, promise, stored, name, &run, evidence));
        }
        // What a check decides of another thing than the promised value does not show it; what it refutes stays refuted.
        let message = format!("promises {promise}, which cannot be compared with {} of {run}", measured.id);
        return Some(match stored.verdict {
            Some(status @ (Verdict::Fail | Verdict::Exception)) => {
                of_status(status, format!("{message}; check {} is {status}", measured.check), stored.fresh_until, evidence)
            }
            _ => Finding::new(ClaimVerdict::Unbacked, message),
        });
    }
    let total: u64 = measured.distinct.iter().map(|(_, count)| count).sum();
    if absent || quantifier == Some(Quantifier::None) {
        let states: Vec<(Option<bool>, u64)> = measured.distinct.iter().map(|(value, count)| (present(value), *count)).collect();
        let there: u64 = states.iter().filter(|(there, _)| *there == Some(true)).map(|(_, count)| count).sum();
        if there > 0 {
            return Some(Finding::new(
                ClaimVerdict::Contradicted,
                format!("{run} shows the opposite on {there} of {total} subjects ({})", measured.id),
            ));
        }
        if total > 0 && states.iter().all(|(there, _)| *there == Some(false)) {
            return Some(holds(stored, total, format!("{run} shows it on all of {total} subjects ({})", measured.id), evidence));
        }
    }
    let status = stored.verdict?;
    let list =
        measured.distinct.iter().take(3).map(|(value, count)| format!("{} on {count}", shown(value, name))).collect::<Vec<_>>().join(", ");
    let finding = of_status(
        status,
        format!("{run}: check {} is {status}; {} shows {list} of {total} subjects", measured.check, measured.id),
        stored.fresh_until,
        evidence,
    );
    if hedged && finding.verdict == ClaimVerdict::Backed {
        return Some(Finding::new(ClaimVerdict::UnderClaim, format!("says no value; {run} shows {list} ({})", measured.id)));
    }
    Some(finding)
}

fn compared(comparison: &Comparison, promise: &Promise, stored: &StoredValue, name: &str, run: &str, evidence: &Evidence<'_>) -> Finding {
    let id = &stored.measured.id;
    let subjects = comparison.subjects;
    if comparison.against.is_empty() {
        let list = stored.measured.distinct.iter().take(3).map(|(value, _)| shown(value, name)).collect::<Vec<_>>().join(", ");
        return holds(stored, subjects, format!("{run} shows {list} on all of {subjects} subjects ({id})"), evidence);
    }
    let list =
        comparison.against.iter().take(3).map(|(value, count)| format!("{} on {count}", shown(value, name))).collect::<Vec<_>>().join(", ");
    let mut finding =
        Finding::new(ClaimVerdict::Contradicted, format!("promises {promise}; {run} shows {list} of {subjects} subjects ({id})"));
    if let [(value, _)] = stored.measured.distinct.as_slice() {
        let value = shown(value, name);
        finding.suggestion = Some(format!("Mend the platform, or say what the evidence shows: {value}."));
        finding.replacement = Some(value);
    }
    finding
}

// What the values of so many subjects bear out: if these are all subjects that were looked at, if the check that measured them passed,
// and if it is fresh. A verdict that is withheld cannot speak against it.
fn holds(stored: &StoredValue, subjects: u64, message: String, evidence: &Evidence<'_>) -> Finding {
    let measured = &stored.measured;
    let unbacked = |why: String| Finding::new(ClaimVerdict::Unbacked, format!("{message}; {why}"));
    match measured.population {
        None => return unbacked("the bundle does not say how many subjects were looked at".to_owned()),
        Some(population) if population != subjects => {
            return unbacked(format!("{population} subjects were looked at, and {subjects} have the value"));
        }
        Some(_) => {}
    }
    let withheld = evidence.store.is_some_and(|store| !store.has_verdicts);
    match stored.verdict {
        Some(Verdict::Pass) => of_status(Verdict::Pass, message, stored.fresh_until, evidence),
        None if withheld => of_status(Verdict::Pass, message, stored.fresh_until, evidence),
        None => unbacked(format!("check {} decided nothing", measured.check)),
        // The promise is kept by the value, and what the check asks for beside it is not.
        Some(Verdict::Fail) => unbacked(format!("but check {} is fail", measured.check)),
        Some(status) => of_status(status, format!("{message}; but check {} is {status}", measured.check), stored.fresh_until, evidence),
    }
}

fn of_status(status: Verdict, message: String, fresh_until: jiff::Timestamp, evidence: &Evidence<'_>) -> Finding {
    let verdict = match status {
        Verdict::Fail => ClaimVerdict::Contradicted,
        Verdict::Pass if evidence.at > fresh_until => ClaimVerdict::Stale,
        Verdict::Pass => ClaimVerdict::Backed,
        Verdict::Manual => ClaimVerdict::Attested,
        Verdict::Stale => ClaimVerdict::Stale,
        // A known deviation is accepted for some subjects: the statement speaks of more than holds.
        Verdict::Exception => ClaimVerdict::OverClaim,
        Verdict::Error | Verdict::NotApplicable | Verdict::Skipped => ClaimVerdict::Unbacked,
    };
    let message = if verdict == ClaimVerdict::Stale { format!("{message}; that counted until {fresh_until}") } else { message };
    Finding::new(verdict, message)
}

fn finish(said: &Said, claim: Option<&Claim>, finding: Finding) -> Judgement {
    let kind = finding.verdict.kind();
    let words = said.reading.text.get(said.reading.words.clone()).unwrap_or(&said.reading.text);
    let (line, column) = (said.place.line, said.place.column);
    let replacement = finding.replacement.map(|value| (words.to_owned(), value));
    Judgement {
        notice: Notice {
            path: said.path.to_string(),
            line,
            column,
            end_line: said.place.end_line,
            end_column: said.place.end_column,
            code: kind.code,
            level: kind.level,
            verdict: kind.code,
            claim: claim.map(|claim| claim.id.value.clone()),
            text: said.reading.text.clone(),
            fingerprint: fingerprint(&said.path, kind.code, &said.reading.text),
            message: finding.message,
            suggestion: finding.suggestion.unwrap_or_else(|| kind.help.to_owned()),
            source_line: said.source_line.to_string(),
        },
        verdict: Some(finding.verdict),
        other: None,
        replacement,
        anchor: claim.filter(|_| said.anchor.is_none()).map(|claim| claim.id.value.clone()),
    }
}
