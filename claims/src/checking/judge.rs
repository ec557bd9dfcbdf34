//! The verdict on one statement, with what the evidence says in words.

use proofbook_checks::Verdict;
use proofbook_evidence::claims::{Claim, Class, Kind, Promise, Quantifier, StoredValue};
use proofbook_evidence::facts::{Certification, CertificationStatus};
use proofbook_evidence::notice::Notice;

use super::compare::{Comparison, compare, present, shown};
use super::words::Wordings;
use super::{ClaimVerdict, Evidence, Judgement, Said, bindings, fingerprint};

// A verdict in the making.
struct Finding {
    verdict: ClaimVerdict,
    message: String,
    suggestion: Option<String>,
    replacement: Option<String>,
}

impl Finding {
    fn new(verdict: ClaimVerdict, message: impl Into<String>) -> Self {
        Self { verdict, message: message.into(), suggestion: None, replacement: None }
    }
}

/// A statement that conflicts and promises nothing itself.
pub(crate) fn conflict(said: &Said, claim: Option<&Claim>, message: &str) -> Judgement {
    finish(said, claim, Finding::new(ClaimVerdict::Conflict, message))
}

/// The verdict on a statement.
pub(crate) fn judge(said: &Said, claim: Option<&Claim>, conflict: Option<&str>, evidence: &Evidence<'_>, wordings: &Wordings) -> Judgement {
    if let Some(id) = said.anchor.as_deref().filter(|_| claim.is_none()) {
        let mut finding =
            Finding::new(ClaimVerdict::Unregistered, format!("the anchor names the claim `{id}`, which is not in the registry"));
        finding.suggestion = Some("Name a claim of claims.yaml.".to_owned());
        return finish(said, None, finding);
    }
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
        && let Some(finding) = certificate(said, evidence.certifications)
    {
        findings.push(finding);
    }
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
        Some(claim) if matches!(worst.verdict, ClaimVerdict::Backed | ClaimVerdict::Attested) => against_registry(said, claim, worst),
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
fn against_registry(said: &Said, claim: &Claim, holds: Finding) -> Finding {
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
    if let (Some(said_value), Some(promised)) = (&said.reading.value, &claim.value)
        && !said_value.equals(promised)
    {
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
    }
    holds
}

// A claim by its values, checks, attestations and, where it is an umbrella, its parts.
fn of_claim(said: &Said, claim: &Claim, evidence: &Evidence<'_>, depth: usize) -> Vec<Finding> {
    let mut findings = Vec::new();
    let implied = bindings::implied(&said.reading.text);
    let promise = if depth == 0 { said.reading.value.as_ref().or(claim.value.as_ref()).or(implied.as_ref()) } else { claim.value.as_ref() };
    let quantifier = if depth == 0 { said.reading.quantifier.or(claim.quantifier) } else { claim.quantifier };
    let mut by_value = Vec::new();
    if let Some(store) = evidence.store {
        for id in &claim.values {
            if let Some(stored) = store.get(&id.value) {
                let kind = if depth == 0 { said.reading.kind } else { claim.kind };
                by_value.extend(of_value(stored, promise, kind, quantifier, false, said.reading.class == Class::Hedged, evidence));
            }
        }
    }
    let decided = !by_value.is_empty();
    findings.extend(by_value);
    if let Some(store) = evidence.store.filter(|_| !decided) {
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

fn of_binding(said: &Said, evidence: &Evidence<'_>) -> Option<Finding> {
    let binding = bindings::of(said)?;
    let store = evidence.store?;
    let stored = binding.values.iter().find_map(|id| store.get(id))?;
    of_value(
        stored,
        said.reading.value.as_ref(),
        said.reading.kind,
        said.reading.quantifier,
        binding.absent,
        said.reading.class == Class::Hedged,
        evidence,
    )
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
    if let Some(promise) = promise
        && let Some(comparison) = compare(promise, kind, quantifier, stored)
    {
        return Some(compared(&comparison, promise, stored, name, &run, evidence));
    }
    let total: u64 = measured.distinct.iter().map(|(_, count)| count).sum();
    if (absent || quantifier == Some(Quantifier::None)) && promise.is_none() {
        let states: Vec<(Option<bool>, u64)> = measured.distinct.iter().map(|(value, count)| (present(value), *count)).collect();
        let there: u64 = states.iter().filter(|(there, _)| *there == Some(true)).map(|(_, count)| count).sum();
        if there > 0 {
            return Some(Finding::new(
                ClaimVerdict::Contradicted,
                format!("{run} shows the opposite on {there} of {total} subjects ({})", measured.id),
            ));
        }
        if total > 0 && states.iter().all(|(there, _)| *there == Some(false)) {
            return Some(fresh(stored, format!("{run} shows it on all of {total} subjects ({})", measured.id), evidence));
        }
    }
    let status = stored.verdict?;
    if hedged && promise.is_none() && status == Verdict::Pass {
        let list = measured.distinct.iter().take(3).map(|(value, _)| shown(value, name)).collect::<Vec<_>>().join(", ");
        return Some(Finding::new(ClaimVerdict::UnderClaim, format!("says no value; {run} shows {list} ({})", measured.id)));
    }
    let list =
        measured.distinct.iter().take(3).map(|(value, count)| format!("{} on {count}", shown(value, name))).collect::<Vec<_>>().join(", ");
    Some(of_status(
        status,
        format!("{run}: check {} is {status}; {} shows {list} of {total} subjects", measured.check, measured.id),
        stored.fresh_until,
        evidence,
    ))
}

fn compared(comparison: &Comparison, promise: &Promise, stored: &StoredValue, name: &str, run: &str, evidence: &Evidence<'_>) -> Finding {
    let id = &stored.measured.id;
    let subjects = comparison.subjects;
    if comparison.against.is_empty() {
        let list = stored.measured.distinct.iter().take(3).map(|(value, _)| shown(value, name)).collect::<Vec<_>>().join(", ");
        return fresh(stored, format!("{run} shows {list} on all of {subjects} subjects ({id})"), evidence);
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

// What holds, if it is fresh.
fn fresh(stored: &StoredValue, message: String, evidence: &Evidence<'_>) -> Finding {
    if evidence.at > stored.fresh_until {
        return Finding::new(ClaimVerdict::Stale, format!("{message}; that counted until {}", stored.fresh_until));
    }
    Finding::new(ClaimVerdict::Backed, message)
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

// Certificates and reports against what the workspace states of them.
fn certificate(said: &Said, certifications: &[Certification]) -> Option<Finding> {
    let value = said.reading.value.as_ref()?;
    let mut findings = Vec::new();
    for part in value.as_str().split(',') {
        let (scheme, status) = part.split_once(':')?;
        let stated = certifications.iter().find(|known| is_scheme(scheme, known.framework.as_str()))?;
        let needs_certificate = matches!(status, "certified" | "attested");
        findings.push(match (needs_certificate, stated.status) {
            (true, CertificationStatus::Certified) => Finding::new(
                ClaimVerdict::Attested,
                format!("proofbook.yaml states a valid certificate or report for {}", stated.framework),
            ),
            (true, other) => {
                let other = if other == CertificationStatus::InProgress { "in progress" } else { "aligned, with no certificate or report" };
                Finding::new(ClaimVerdict::Contradicted, format!("promises {part}; proofbook.yaml states {} as {other}", stated.framework))
            }
            (false, CertificationStatus::InProgress) if status == "in-progress" => {
                Finding::new(ClaimVerdict::Attested, format!("proofbook.yaml states {} as in progress", stated.framework))
            }
            (false, _) if status == "aligned" => {
                Finding::new(ClaimVerdict::Attested, format!("proofbook.yaml states {}", stated.framework))
            }
            (false, _) => return None,
        });
    }
    findings.into_iter().min_by_key(|finding| finding.verdict)
}

// `soc2-type2` is of `soc2-tsc-2017`, and `iso27001` of `iso27001-2022`.
fn is_scheme(scheme: &str, framework: &str) -> bool {
    let head = |text: &str| text.split(['-', '_']).next().unwrap_or_default().to_owned();
    head(scheme) == head(framework)
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
        replacement,
        anchor: claim.filter(|_| said.anchor.is_none()).map(|claim| claim.id.value.clone()),
    }
}
