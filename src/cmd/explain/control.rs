//! A control, explained: who does what, what shows it, and which requirements it serves.

use proofbook_controls::ControlId;
use proofbook_controls::control::AttestationNeed;
use proofbook_evidence::assessment::ControlAssessment;
use serde::Serialize;

use super::Ground;
use super::newest::Told;
use super::requirement::{Served, lines, served_by};
use super::sheet::Sheet;

/// All that is told of a control.
#[derive(Serialize)]
pub(super) struct ControlView {
    kind: &'static str,
    id: String,
    title: String,
    objective: String,
    layer: &'static str,
    split: &'static str,
    provider: Vec<String>,
    customer: Vec<String>,
    checks: Vec<Shows>,
    attestations: Vec<Attested>,
    no_evidence: Option<String>,
    inherited_from: Option<String>,
    review_months: u32,
    serves: Vec<Served>,
    newest: Option<Told>,
    file: String,
}

#[derive(Serialize)]
struct Shows {
    id: String,
    title: String,
    required: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
}

#[derive(Serialize)]
struct Attested {
    id: String,
    statement: String,
    valid_days: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
}

/// Gathers all that is told of a control.
pub(super) fn view(ground: &Ground<'_>, id: &ControlId) -> ControlView {
    let controls = &ground.catalog.controls;
    let control = &controls.controls[id];
    let assessed = ground.newest.as_ref().and_then(|newest| Some((newest, newest.aged.controls.get(id)?)));
    let status = |part: &str| {
        let (_, control): (_, &ControlAssessment) = assessed?;
        control.parts.iter().find(|known| known.id == part).map(|known| known.status.as_str())
    };
    let required = control.checks.required.iter().map(|check| (check, true));
    let checks = required.chain(control.checks.supporting.iter().map(|check| (check, false)));
    let shows = checks.map(|(check, required)| Shows {
        id: check.value.to_string(),
        title: ground.catalog.checks.get(&check.value).map(|check| check.definition.title.clone()).unwrap_or_default(),
        required,
        status: status(check.value.as_str()),
    });
    let attested = |need: &AttestationNeed| Attested {
        id: need.id.clone(),
        statement: need.statement.clone(),
        valid_days: need.valid_days,
        status: status(&need.id),
    };
    ControlView {
        kind: "control",
        id: id.to_string(),
        title: control.title.clone(),
        objective: control.objective.clone(),
        layer: control.layer.as_str(),
        split: control.responsibility.split.as_str(),
        provider: control.responsibility.provider.clone(),
        customer: control.responsibility.customer.clone(),
        checks: shows.collect(),
        attestations: control.attestations.iter().map(attested).collect(),
        no_evidence: control.no_evidence.clone(),
        inherited_from: control.inherited_from.clone(),
        review_months: control.review_months,
        serves: served_by(ground, [id.as_str()]),
        newest: assessed.map(|(newest, control)| newest.told(control.status.as_str())),
        file: controls.control_files.get(id).cloned().unwrap_or_default(),
    }
}

/// The view as people read it.
pub(super) fn sheet(view: &ControlView) -> Sheet {
    let mut sheet = Sheet::new(&format!("{} (control, layer {}, split {})", view.id, view.layer, view.split), &view.title);
    sheet.say("Objective", &view.objective);
    sheet.all("Provider", &view.provider);
    sheet.all("Customer", &view.customer);
    sheet.say("Inherited", &view.inherited_from.as_ref().map(|from| format!("from {from}")).unwrap_or_default());
    let told = |status: Option<&str>| status.map(|status| format!(", {status}")).unwrap_or_default();
    let shows = |check: &Shows| {
        let role = if check.required { "required" } else { "supporting" };
        format!("{} ({role}{}): {}", check.id, told(check.status), check.title)
    };
    sheet.all("Checks", view.checks.iter().map(shows));
    let attested = |need: &Attested| format!("{} (for {} days{}): {}", need.id, need.valid_days, told(need.status), need.statement);
    sheet.all("Attested", view.attestations.iter().map(attested));
    sheet.say("No evidence", view.no_evidence.as_deref().unwrap_or_default());
    sheet.say("Reviewed", &format!("every {} months", view.review_months));
    sheet.say("Newest", &view.newest.as_ref().map_or_else(|| "no result is at hand".to_owned(), Told::text));
    sheet.say("Written in", &view.file);
    sheet.all("Serves", lines(&view.serves));
    sheet
}
