//! What each directive prints, and why it may not.

use std::fmt::Write;

use jiff::Timestamp;
use proofbook_checks::Verdict;
use proofbook_controls::diagnostic::did_you_mean;
use proofbook_evidence::views::{CheckView, FrameworkView, LayerView, MatrixRow};
use serde_json::Value;

use super::Sources;
use crate::checking::shown_value;

/// Why nothing is filled in.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) help: String,
}

impl Fault {
    fn new(code: &'static str, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { code, message: message.into(), help: help.into() }
    }
}

/// The words that directives begin with.
pub(super) const DIRECTIVES: [&str; 4] = ["claim", "matrix", "status", "value"];

/// A word that is no directive, or one with too few or too many words behind it.
pub(super) fn unknown(words: &[&str]) -> Fault {
    let all = "write {{claim ID}}, {{value CHECK.MEASURE}}, {{matrix}}, {{matrix LAYER}} or {{status FRAMEWORK}}; \\{{ stays as it is";
    match words.first() {
        Some(name) if DIRECTIVES.contains(name) => Fault::new("directive", format!("`{}` is not complete", words.join(" ")), all),
        name => {
            let name = name.copied().unwrap_or_default();
            Fault::new("directive", format!("`{name}` is no directive"), did_you_mean(name, DIRECTIVES.into_iter(), all))
        }
    }
}

/// A measured value with a link to its check.
pub(super) fn value(sources: &Sources<'_>, id: &str) -> Result<String, Fault> {
    let publication = sources.publication;
    let Some(value) = publication.values.get(id) else {
        let (check, measure) = id.split_once('.').unwrap_or((id, ""));
        return Err(match publication.checks.get(check) {
            Some(view) if view.population.subjects == 0 => {
                Fault::new("no-value", format!("run {} measured no `{id}`: {}", publication.run.run_id, told(view)), "see the check's page")
            }
            Some(_) if sources.evidence.store.is_some_and(|store| store.get(id).is_some()) => Fault::new(
                "withheld-value",
                format!("`{id}` is not for the readers of this page"),
                format!("let the check `{check}` publish `{measure}`, if it never holds a name"),
            ),
            _ => {
                let known = publication.values.keys().map(String::as_str);
                Fault::new("unknown-value", format!("no measured value `{id}`"), did_you_mean(id, known, "see values.ndjson of the bundle"))
            }
        });
    };
    let check = publication.checks.get(&value.check);
    let check = check.ok_or_else(|| Fault::new("no-value", format!("the check of `{id}` did not run"), "scan again with all checks"))?;
    if check.status != Verdict::Pass {
        let message = format!("`{id}` is not true of everything: {}", told(check));
        return Err(Fault::new("untrue-value", message, "mend the platform, or say what is so"));
    }
    if value.distinct.is_empty() {
        let message = format!("nothing has a value `{id}`: {}", told(check));
        return Err(Fault::new("no-value", message, "say it in words"));
    }
    let name = id.rsplit('.').next().unwrap_or(id);
    let texts: Vec<String> = value.distinct.iter().map(|(one, _)| text_of(one, name)).collect();
    Ok(linked(sources, check, &texts.join(", ")))
}

fn text_of(value: &Value, name: &str) -> String {
    match value {
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        other => shown_value(other, name),
    }
}

// What a check came to, in words.
fn told(check: &CheckView) -> String {
    let count = check.counts.get(&check.status).copied().unwrap_or(0);
    format!("check {} is `{}` on {count} of {} subjects", check.id, check.status, check.population.subjects)
}

/// The sentence of a claim that holds, with a link to what shows it.
pub(super) fn claim(sources: &Sources<'_>, id: &str) -> Result<String, Fault> {
    let registry = sources.evidence.registry;
    let Some(claim) = registry.get(id) else {
        let known = registry.iter().map(|claim| claim.id.value.as_str());
        return Err(Fault::new("unknown-claim", format!("no claim `{id}`"), did_you_mean(id, known, "see claims.yaml")));
    };
    if let Err(why) = sources.holds(id, &claim.statement) {
        return Err(Fault::new(
            "untrue-claim",
            format!("the claim `{id}` does not hold: {why}"),
            "mend the platform, or take the claim out",
        ));
    }
    let mut out = escaped(claim.statement.split_whitespace().collect::<Vec<_>>().join(" ").as_str());
    let shown_by = claim.checks.first().map(|check| check.value.as_str());
    let shown_by = shown_by.or_else(|| claim.values.first().and_then(|value| value.value.split('.').next()));
    if let Some(check) = shown_by.and_then(|check| sources.publication.checks.get(check))
        && let Some(site) = sources.site
    {
        write!(out, " ([evidence]({site}/checks/{}.html))", check.id).expect("text grows in memory");
    }
    Ok(out)
}

/// The responsibility matrix, or one layer of it, as tables of Markdown.
pub(super) fn matrix(sources: &Sources<'_>, layer: Option<&str>) -> Result<String, Fault> {
    let matrix = &sources.publication.matrix;
    let name = |view: &LayerView| view.layer.as_str().to_owned();
    let chosen: Vec<&LayerView> = matrix.iter().filter(|view| layer.is_none_or(|layer| name(view) == layer)).collect();
    if chosen.is_empty() {
        let names: Vec<String> = matrix.iter().map(name).collect();
        let layer = layer.unwrap_or_default();
        let help = did_you_mean(layer, names.iter().map(String::as_str), &format!("there are: {}", names.join(", ")));
        return Err(Fault::new("unknown-layer", format!("no layer `{layer}`"), help));
    }
    let mut out = String::new();
    for view in chosen.into_iter().filter(|view| !view.rows.is_empty()) {
        if layer.is_none() {
            write!(out, "\n**{}**\n", escaped(view.title)).expect("text grows in memory");
        }
        out.push_str("\n| Control | The provider has to | The customer has to | Status |\n|---|---|---|---|\n");
        view.rows.iter().for_each(|row| matrix_row(sources, row, &mut out));
    }
    Ok(out)
}

fn matrix_row(sources: &Sources<'_>, row: &MatrixRow, out: &mut String) {
    let duties = |duties: &[String]| duties.iter().map(|duty| escaped(duty)).collect::<Vec<_>>().join("<br />");
    let title = escaped(&row.title);
    let title = match sources.site {
        Some(site) => format!("[{title}]({site}/controls/{}.html)", row.control),
        None => title,
    };
    let status = escaped(&row.status.to_string());
    writeln!(out, "| {title} | {} | {} | {status} |", duties(&row.provider), duties(&row.customer)).expect("text grows in memory");
}

/// How a framework stands, in counts: never that it is complied with.
pub(super) fn status(sources: &Sources<'_>, id: &str) -> Result<String, Fault> {
    let publication = sources.publication;
    let Some(framework) = publication.frameworks.get(id) else {
        let known = publication.frameworks.keys().map(String::as_str);
        return Err(Fault::new(
            "unknown-framework",
            format!("no framework `{id}` in scope"),
            did_you_mean(id, known, "see proofbook.yaml"),
        ));
    };
    let total: u64 = framework.coverage.values().sum();
    let mut parts: Vec<String> = Vec::new();
    for (verdict, words) in WORDS {
        if let Some(count) = framework.statuses.get(&verdict).filter(|count| **count > 0) {
            parts.push(format!("{count} {words}"));
        }
    }
    let told: u64 = framework.statuses.values().sum();
    if total > told {
        parts.push(format!("{} without a control of ours", total - told));
    }
    let title = title_of(framework);
    let title = sources.site.map_or_else(|| title.clone(), |site| format!("[{title}]({site}/frameworks/{id}.html)"));
    let time = time(publication.run.collected_at);
    Ok(format!("{title}, as of {time}: of {total} requirements, {}", parts.join(", ")))
}

fn title_of(framework: &FrameworkView) -> String {
    let level = framework.level.as_ref().map(|level| format!(" ({})", level.title)).unwrap_or_default();
    escaped(&format!("{} {}{level}", framework.short_title, framework.edition))
}

// From the best to the worst; what is not listed does not come up for a requirement.
const WORDS: [(Verdict, &str); 8] = [
    (Verdict::Pass, "with controls that all pass"),
    (Verdict::Manual, "that rest on signed statements"),
    (Verdict::NotApplicable, "with controls that do not apply"),
    (Verdict::Skipped, "not looked at"),
    (Verdict::Exception, "with an accepted exception"),
    (Verdict::Stale, "with a result that is too old"),
    (Verdict::Error, "that could not be seen"),
    (Verdict::Fail, "with a control that fails"),
];

fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

fn linked(sources: &Sources<'_>, check: &CheckView, text: &str) -> String {
    let text = escaped(text);
    match sources.site {
        Some(site) => format!("[{text}]({site}/checks/{}.html \"measured {}\")", check.id, time(sources.publication.run.collected_at)),
        None => text,
    }
}

// A backslash before every sign that Markdown or MDX could take for markup.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if c == '\n' {
            out.push(' ');
            continue;
        }
        if "\\`*_{}[]<>|~&$".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
