//! Certificates and reports against what the workspace states of them: scheme, level or type, status, and until when it counts.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use proofbook_evidence::facts::{Certification, CertificationStatus};

use super::judge::Finding;
use super::{ClaimVerdict, Said};

/// The worst that the facts say of the schemes that a statement names; none where they say nothing of any.
pub(super) fn judge(said: &Said, certifications: &[Certification], at: Timestamp) -> Option<Finding> {
    let value = said.reading.value.as_ref()?;
    let parts = value.as_str().split(',').filter_map(|part| part.split_once(':'));
    let findings = parts.filter_map(|(scheme, status)| {
        let stated = certifications.iter().find(|known| is_scheme(scheme, known.framework.as_str()))?;
        of_scheme(scheme, status, stated, at)
    });
    findings.min_by_key(|finding| finding.verdict)
}

fn of_scheme(scheme: &str, status: &str, stated: &Certification, at: Timestamp) -> Option<Finding> {
    let framework = &stated.framework;
    match (status, stated.status) {
        ("certified" | "attested", CertificationStatus::Certified) => Some(of_certificate(scheme, stated, at)),
        ("certified" | "attested", other) => {
            let other = if other == CertificationStatus::InProgress { "in progress" } else { "aligned, with no certificate or report" };
            let message = format!("promises {scheme}:{status}; proofbook.yaml states {framework} as {other}");
            Some(Finding::new(ClaimVerdict::Contradicted, message))
        }
        ("in-progress", CertificationStatus::InProgress) => {
            Some(Finding::new(ClaimVerdict::Attested, format!("proofbook.yaml states {framework} as in progress")))
        }
        ("aligned", _) => Some(Finding::new(ClaimVerdict::Attested, format!("proofbook.yaml states {framework}"))),
        _ => None,
    }
}

fn of_certificate(scheme: &str, stated: &Certification, at: Timestamp) -> Finding {
    let framework = &stated.framework;
    if let Some(until) = stated.valid_until
        && until < at.to_zoned(TimeZone::UTC).date()
    {
        return Finding::new(ClaimVerdict::Stale, format!("the certificate or report for {framework} was valid until {until}"));
    }
    let attested = || Finding::new(ClaimVerdict::Attested, format!("proofbook.yaml states a valid certificate or report for {framework}"));
    let Some(said) = level_of(scheme) else { return attested() };
    match stated.level.as_deref() {
        Some(level) if level == said => attested(),
        None => {
            let message = format!("promises {scheme}, and proofbook.yaml does not say of which level or type {framework} is");
            Finding::new(ClaimVerdict::Unbacked, message)
        }
        Some(level) => {
            let lower = ORDERS.iter().any(|order| {
                let place = |name: &str| order.iter().position(|known| *known == name);
                place(said).zip(place(level)).is_some_and(|(said, stated)| said < stated)
            });
            let verdict = if lower { ClaimVerdict::UnderClaim } else { ClaimVerdict::Contradicted };
            Finding::new(verdict, format!("promises {scheme}; proofbook.yaml states {framework} as {level}"))
        }
    }
}

// From the least to the most.
const ORDERS: [&[&str]; 3] = [&["type1", "type2"], &["low", "moderate", "high"], &["l1", "l2", "l3"]];

// `type2` of `soc2-type2`, `moderate` of `fedramp-moderate`; none of `iso27001`, `pci-dss` or `fedramp-20x`.
fn level_of(scheme: &str) -> Option<&str> {
    let (_, rest) = scheme.split_once('-')?;
    ORDERS.iter().flat_map(|order| order.iter()).find(|level| **level == rest).copied()
}

// `soc2-type2` is of `soc2-tsc-2017`, `iso27001` of `iso27001-2022`, and `fedramp-high` of a baseline, which `fedramp-20x` has none of.
fn is_scheme(scheme: &str, framework: &str) -> bool {
    let head = |text: &str| text.split(['-', '_']).next().unwrap_or_default().to_owned();
    if head(scheme) != head(framework) {
        return false;
    }
    match scheme {
        "fedramp" => true,
        _ if head(scheme) == "fedramp" => (scheme == "fedramp-20x") == framework.starts_with("fedramp-20x"),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(scheme: &str, status: &str, facts: &str) -> Option<ClaimVerdict> {
        let stated: Certification = serde_saphyr::from_str(facts).unwrap();
        let at = "2026-11-20T00:00:00Z".parse().unwrap();
        let found = is_scheme(scheme, stated.framework.as_str()).then(|| of_scheme(scheme, status, &stated, at)).flatten();
        found.map(|finding| finding.verdict)
    }

    #[test]
    fn level_type_and_time_are_those_that_are_stated() {
        use ClaimVerdict::{Attested, Contradicted, Stale, Unbacked, UnderClaim};
        let type_1 = "{framework: soc2-tsc-2017, status: certified, level: type1}";
        let type_2 = "{framework: soc2-tsc-2017, status: certified, level: type2, valid_until: 2026-12-31}";
        for (scheme, status, facts, verdict) in [
            ("soc2-type2", "attested", type_2, Some(Attested)),
            ("soc2", "attested", type_2, Some(Attested)),
            ("soc2-type1", "attested", type_2, Some(UnderClaim)),
            ("soc2-type2", "attested", type_1, Some(Contradicted)),
            ("soc2-type2", "attested", "{framework: soc2-tsc-2017, status: certified}", Some(Unbacked)),
            ("soc2-type2", "attested", "{framework: soc2-tsc-2017, status: certified, valid_until: 2026-11-19}", Some(Stale)),
            ("iso27001", "certified", "{framework: iso27001-2022, status: certified}", Some(Attested)),
            ("iso27001", "certified", "{framework: iso27001-2022, status: aligned}", Some(Contradicted)),
            ("iso27001", "in-progress", "{framework: iso27001-2022, status: in-progress}", Some(Attested)),
            ("fedramp-high", "certified", "{framework: fedramp-20x-2026, status: certified}", None),
            ("fedramp-high", "certified", "{framework: fedramp-rev5, status: certified, level: moderate}", Some(Contradicted)),
            ("fedramp-20x", "certified", "{framework: fedramp-rev5, status: certified, level: high}", None),
        ] {
            assert_eq!(judged(scheme, status, facts), verdict, "{scheme}:{status} {facts}");
        }
    }
}
