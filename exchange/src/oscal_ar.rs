//! OSCAL assessment results: one result for the run, an observation a check, a finding a requirement.
//!
//! Identifiers are UUIDv5 over the path of what they name; those of observations and findings include the run. The
//! document keeps to what both 1.1.3 and 1.2.1 accept.

use std::collections::BTreeMap;

use proofbook_checks::Verdict;
use proofbook_checks::definition::Method;
use proofbook_evidence::assessment::Counts;
use proofbook_evidence::exception::{Kind, Rating, Standing};
use proofbook_evidence::views::exceptions::ExceptionView;
use proofbook_evidence::views::{CheckView, FrameworkView, Publication, RequirementView};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::{ExportError, Input};

/// The namespace of our own properties.
const NS: &str = "https://proofbook.dev/ns/oscal";
/// The version that the document declares; its content is valid for 1.1.3 too.
const OSCAL: &str = "1.2.1";

pub(crate) fn write(input: &Input<'_>) -> Result<Vec<u8>, ExportError> {
    let document = Document::new(input.publication);
    let mut out = serde_json::to_vec_pretty(&document.whole())?;
    out.push(b'\n');
    Ok(out)
}

struct Document<'p> {
    publication: &'p Publication,
    namespace: Uuid,
}

impl<'p> Document<'p> {
    fn new(publication: &'p Publication) -> Self {
        let name = format!("https://proofbook.dev/workspaces/{}", publication.run.workspace);
        Self { publication, namespace: Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes()) }
    }

    // The id of something that exists over runs.
    fn stable(&self, path: &str) -> String {
        Uuid::new_v5(&self.namespace, path.as_bytes()).to_string()
    }

    // The id of a fact of this run.
    fn of_run(&self, path: &str) -> String {
        self.stable(&format!("{path}/{}", self.publication.run.run_id))
    }

    fn whole(&self) -> Value {
        let run = &self.publication.run;
        let facts = &self.publication.facts;
        let at = run.collected_at.to_string();
        let (system, tool, party, plan) = (
            self.stable("component/this-system"),
            self.stable("component/proofbook"),
            self.stable("party/provider"),
            self.of_run("resource/plan"),
        );
        json!({"assessment-results": {
            "uuid": self.of_run(&format!("assessment-results/{}", run.manifest_sha256)),
            "metadata": {
                "title": format!("Assessment results of {} ({}), run {}", facts.product.name, run.environment, run.run_id),
                "last-modified": run.as_of.max(run.collected_at).to_string(),
                "version": run.run_id,
                "oscal-version": OSCAL,
                "roles": [{"id": "prepared-by", "title": "Prepared by"}],
                "parties": [{"uuid": party, "type": "organization", "name": facts.organisation.legal_name}],
                "responsible-parties": [{"role-id": "prepared-by", "party-uuids": [party]}],
            },
            "import-ap": {"href": format!("#{plan}")},
            "results": [{
                "uuid": self.of_run("result"),
                "title": format!("Run {}", run.run_id),
                "description": format!(
                    "Automated checks of the environment {}; the observations are {}.",
                    run.environment,
                    serde_json::to_value(run.assurance).unwrap_or_default().as_str().unwrap_or_default(),
                ),
                "start": at,
                "end": at,
                "props": [prop("run-id", &run.run_id), prop("manifest-sha256", &run.manifest_sha256), prop("tool-version", &run.tool_version)],
                "local-definitions": {"components": [
                    {"uuid": system, "type": "this-system", "title": facts.product.name, "description": facts.product.description, "status": {"state": "operational"}},
                    {"uuid": tool, "type": "software", "title": "Proofbook", "description": "The program that looked and decided.", "status": {"state": "operational"}},
                ]},
                "reviewed-controls": {"control-selections": [self.selection()]},
                "observations": self.publication.checks.values().map(|check| self.observation(check, &system, &tool)).collect::<Vec<_>>(),
                "risks": self.publication.exceptions.values().filter(|exception| stands(exception)).map(|exception| self.risk(exception)).collect::<Vec<_>>(),
                "findings": self.findings(),
            }],
            "back-matter": {"resources": [{
                "uuid": plan,
                "title": "Assessment plan of the run",
                "description": "The checks, parameters and mappings that decided, sealed in the bundle.",
                "rlinks": [{"href": "library.tar.zst"}],
            }]},
        }})
        .without_empty()
    }

    fn requirements(&self) -> impl Iterator<Item = (&'p FrameworkView, &'p RequirementView)> {
        let frameworks = self.publication.frameworks.values();
        frameworks
            .flat_map(|framework| framework.groups.iter().flat_map(move |group| group.requirements.iter().map(move |r| (framework, r))))
    }

    fn selection(&self) -> Value {
        let mut included = Vec::new();
        let mut excluded = Vec::new();
        for (framework, requirement) in self.requirements().filter(|(_, requirement)| !requirement.mappings.is_empty()) {
            let id = json!({"control-id": control_id(framework, requirement)});
            if requirement.status == Some(Verdict::NotApplicable) { excluded.push(id) } else { included.push(id) }
        }
        let mut selection = Map::new();
        selection.insert("description".into(), "Requirements to which at least one control is mapped.".into());
        if included.is_empty() {
            selection.insert("include-all".into(), json!({}));
        } else {
            selection.insert("include-controls".into(), included.into());
        }
        if !excluded.is_empty() {
            selection.insert("exclude-controls".into(), excluded.into());
            selection.insert("remarks".into(), "Excluded: every check of the mapped controls found that it does not apply.".into());
        }
        selection.into()
    }

    fn observation(&self, check: &CheckView, system: &str, tool: &str) -> Value {
        let run = &self.publication.run;
        let population = &check.population;
        // An accepted failure is observed as what it is.
        let observed = if check.status == Verdict::Exception { Verdict::Fail } else { check.status };
        let mut props = vec![
            prop("check-id", &check.id),
            prop("check-version", &check.version.to_string()),
            prop("verdict", observed.as_str()),
            prop("reason-code", &check.reason.as_str()),
            prop("population-complete", &population.complete.to_string()),
            prop("run-id", &run.run_id),
        ];
        let covering = self.publication.exceptions.values().filter(|exception| exception.check.as_ref() == Some(&check.id));
        props.extend(covering.filter(|exception| stands(exception)).map(|exception| prop("exception-id", &exception.id)));
        json!({
            "uuid": self.observation_id(&check.id),
            "title": check.title,
            "description": format!(
                "{}: {} of {} enumerated objects are subjects; {}.",
                population.definition,
                population.subjects,
                population.enumerated,
                counted(&check.counts),
            ),
            "props": props,
            "methods": [match check.method { Method::Examine => "EXAMINE", Method::Test => "TEST" }],
            "types": ["control-objective"],
            "origins": [{"actors": [{"type": "tool", "actor-uuid": tool}]}],
            "subjects": [{"subject-uuid": system, "type": "component"}],
            "relevant-evidence": [{"href": "findings.ndjson.zst", "description": format!("Findings of the check {} in the bundle {}", check.id, run.run_id)}],
            "collected": run.collected_at.to_string(),
            "expires": check.fresh_until.to_string(),
            "remarks": format!("Proves: {} Does not prove: {}", check.proves.trim(), check.does_not_prove.trim()),
        })
    }

    fn observation_id(&self, check: &str) -> String {
        self.of_run(&format!("observation/{check}"))
    }

    fn risk(&self, exception: &ExceptionView) -> Value {
        let rating = |rating: Rating| serde_json::to_value(rating).unwrap_or_default().as_str().unwrap_or_default().to_owned();
        let mut props = vec![
            prop("exception-id", &exception.id),
            prop("exception-kind", exception.kind.as_str()),
            prop("risk", &rating(exception.risk)),
            prop("failures-covered", &exception.findings.to_string()),
        ];
        props.extend(exception.adjusted.map(|adjusted| prop("adjusted-risk", &rating(adjusted))));
        json!({
            "uuid": self.risk_id(&exception.id),
            "title": format!("{} {}", exception.kind, exception.id),
            "description": format!("Asked for by {}, approved by {}: {}", exception.requester, exception.approver, exception.reason),
            "statement": exception.mitigation.as_deref().unwrap_or("Nothing mitigates it; see the reason."),
            "props": props,
            "status": status(exception.kind),
            "deadline": exception.until.to_string(),
            "related-observations": exception.check.iter().map(|check| json!({"observation-uuid": self.observation_id(check)})).collect::<Vec<_>>(),
        })
    }

    fn risk_id(&self, exception: &str) -> String {
        self.of_run(&format!("risk/{exception}"))
    }

    fn findings(&self) -> Vec<Value> {
        self.requirements().filter_map(|(framework, requirement)| self.finding(framework, requirement)).collect()
    }

    fn finding(&self, framework: &FrameworkView, requirement: &RequirementView) -> Option<Value> {
        let status = requirement.status.filter(|status| !matches!(status, Verdict::NotApplicable | Verdict::Skipped))?;
        let (state, reason) = match status {
            Verdict::Pass => ("satisfied", "pass"),
            Verdict::Manual => ("satisfied", "other"),
            Verdict::Fail => ("not-satisfied", "fail"),
            // Without an earlier result that is still fresh, what could not be looked at is not satisfied.
            _ => ("not-satisfied", "other"),
        };
        let id = control_id(framework, requirement);
        let controls: BTreeMap<&str, _> = requirement.mappings.iter().map(|mapping| (mapping.control.as_str(), mapping)).collect();
        let checks = controls.keys().filter_map(|control| self.publication.controls.get(*control)).flat_map(|control| &control.checks);
        let mut observations: Vec<&str> = checks.map(|check| check.id.as_str()).collect();
        observations.sort_unstable();
        observations.dedup();
        let concerns = |exception: &&ExceptionView| {
            let check = exception.check.as_deref().is_some_and(|check| observations.contains(&check));
            check || exception.control.as_deref().is_some_and(|control| controls.contains_key(control))
        };
        let risks = self.publication.exceptions.values().filter(|exception| stands(exception)).filter(concerns);
        let limits: Vec<String> = controls.values().map(|mapping| format!("{}: {}", mapping.control, mapping.limits.trim())).collect();
        Some(json!({
            "uuid": self.of_run(&format!("finding/{}/{id}", framework.id)),
            "title": format!("{} {}", requirement.id, requirement.title),
            "description": format!("Worst of the mapped controls: {}.", controls.keys().copied().collect::<Vec<_>>().join(", ")),
            "props": [prop("framework", &framework.id), prop("requirement", &requirement.id), prop("verdict", status.as_str())],
            "target": {"type": "objective-id", "target-id": format!("{id}_obj"), "status": {"state": state, "reason": reason}},
            "related-observations": observations.iter().map(|check| json!({"observation-uuid": self.observation_id(check)})).collect::<Vec<_>>(),
            "related-risks": risks.map(|exception| json!({"risk-uuid": self.risk_id(&exception.id)})).collect::<Vec<_>>(),
            "remarks": format!("What this does not prove: {}", limits.join(" ")),
        }))
    }
}

// What does not apply is no risk: its requirements are excluded with a reason.
fn stands(exception: &ExceptionView) -> bool {
    exception.standing == Standing::InEffect && exception.kind != Kind::NotApplicable
}

// What waits, stays or was only rated anew is still open.
const fn status(kind: Kind) -> &'static str {
    match kind {
        Kind::OperationalRequirement | Kind::VendorDependency | Kind::RiskAdjustment => "open",
        _ => "deviation-approved",
    }
}

fn prop(name: &str, value: &str) -> Value {
    json!({"name": name, "ns": NS, "value": value})
}

fn counted(counts: &Counts) -> String {
    let parts: Vec<String> =
        Verdict::ALL.iter().filter_map(|verdict| counts.get(verdict).map(|count| format!("{count} {verdict}"))).collect();
    parts.join(", ")
}

/// The id of a requirement as an OSCAL token: lower case, dots for parentheses, a letter first.
fn control_id(framework: &FrameworkView, requirement: &RequirementView) -> String {
    let plain = requirement.id.to_ascii_lowercase().replace('(', ".").replace([')', ' '], "").replace('&', "and");
    if plain.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return plain;
    }
    format!("{}-{plain}", framework.id)
}

/// OSCAL knows no empty lists: the key is left out.
trait WithoutEmpty {
    fn without_empty(self) -> Self;
}

impl WithoutEmpty for Value {
    fn without_empty(self) -> Self {
        match self {
            Self::Object(map) => {
                let entries = map.into_iter().map(|(key, value)| (key, value.without_empty()));
                entries.filter(|(_, value)| !value.as_array().is_some_and(Vec::is_empty)).collect::<Map<_, _>>().into()
            }
            Self::Array(items) => items.into_iter().map(Self::without_empty).collect::<Vec<_>>().into(),
            other => other,
        }
    }
}
