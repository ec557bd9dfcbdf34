//! Pipelines of logs, out of the configuration of what collects them: which of them mask personal data and secrets, and where
//! each leads. Known are OpenTelemetry collectors, Fluent Bit, Vector and Promtail.
//!
//! Whether a rule masks is not guessed from its name: its own replacement is carried out on made-up text that holds an address of
//! mail, an address of a machine and a token, and what is gone is masked. Only what replaces in the line itself, of every record,
//! is tried so. Scripts, conditions, and rules about other members cannot be tried, and are told as scripts.
//! Settings of outputs are not kept, only their kinds: they hold addresses and keys.

mod programs;
#[cfg(test)]
mod tests;

use proofbook_checks::inventory::Reason;
use regex::Regex;
use serde_json::{Map, Value as Json, json};

use super::reading::Read;
use super::records::Records;
use crate::observed::Unread;
use crate::text::yaml;

/// The kinds of records that come out of these files.
pub(super) const KINDS: &[&str] = &["LogPipeline"];

/// What is masked, by the part of the made-up text that must be gone, with the text.
const SAMPLES: [(&str, &[&str], &str); 3] = [
    ("email", &["jane", "doe", "bob_1"], "login of jane.doe@mail.example.com, then bob_1@example.org ok"),
    ("ip", &["203.0.113.77", "198.51.100.4"], "GET / from 203.0.113.77:51234 via 198.51.100.4 200"),
    ("token", &["c2VjcmV0", "LXZhbHVl", "LW9mLW5v"], "Authorization: Bearer c2VjcmV0LXZhbHVlLW9mLW5vYm9keQ00 sent"),
];

/// A pipeline as it is put together.
#[derive(Debug, Default)]
struct Pipeline {
    masks: Vec<Mask>,
    removes: Vec<String>,
    scripts: Vec<String>,
    sinks: Vec<String>,
}

/// A replacement.
#[derive(Debug)]
struct Mask {
    pattern: Regex,
    by: Replacement,
}

#[derive(Debug)]
enum Replacement {
    /// The whole match by a text with references to groups.
    Whole(String),
    /// The text of each group, as Promtail does.
    Groups(String),
}

impl Mask {
    fn apply(&self, text: &str) -> String {
        match &self.by {
            Replacement::Whole(by) => self.pattern.replace_all(text, by.as_str()).into_owned(),
            Replacement::Groups(by) => {
                let mut spans: Vec<_> = self
                    .pattern
                    .captures_iter(text)
                    .flat_map(|found| found.iter().skip(1).flatten().map(|group| group.range()).collect::<Vec<_>>())
                    .collect();
                spans.sort_by_key(|span| std::cmp::Reverse(span.start));
                let mut out = text.to_owned();
                for span in spans {
                    if span.end <= out.len() && out.is_char_boundary(span.start) {
                        out.replace_range(span, by);
                    }
                }
                out
            }
        }
    }
}

impl Pipeline {
    fn record(&self, form: &str) -> Json {
        let masked = |text: &str| self.masks.iter().fold(text.to_owned(), |text, mask| mask.apply(&text));
        let masks: Vec<&str> = SAMPLES
            .iter()
            .filter(|(_, gone, text)| {
                let left = masked(text);
                gone.iter().all(|part| !left.contains(part))
            })
            .map(|(what, ..)| *what)
            .collect();
        let sorted = |list: &[String]| {
            let mut list = list.to_vec();
            list.sort();
            list.dedup();
            list
        };
        json!({
            "form": form,
            "masks": masks,
            "rules": self.masks.len(),
            "removes": sorted(&self.removes),
            "scripts": sorted(&self.scripts),
            "sinks": sorted(&self.sinks),
        })
    }

    // What is removed of some records only is not removed in general.
    fn remove(&mut self, stage: &str, of_all: bool, members: Vec<String>) {
        if of_all {
            self.removes.extend(members);
        } else if !members.is_empty() {
            self.scripts.push(stage.to_owned());
        }
    }

    fn mask(&mut self, stage: &str, pattern: &str, by: Replacement) {
        match Regex::new(pattern) {
            Ok(pattern) => self.masks.push(Mask { pattern, by }),
            // An expression of another dialect cannot be tried.
            Err(_) => self.scripts.push(stage.to_owned()),
        }
    }
}

/// The pipelines of a file.
pub(super) fn read(name: &str, file: &Read) -> Records {
    let text = file.text()?;
    let found = if let Some(classic) = fluent_classic(text) {
        vec![("logs".to_owned(), classic.record("fluent-bit"))]
    } else {
        of_document(&document(name, text)?)?
    };
    let named = |(pipeline, mut record): (String, Json)| {
        record["sha256"] = file.sha256.clone().into();
        ("LogPipeline", format!("{name}/{pipeline}"), record)
    };
    Ok(found.into_iter().map(named).collect())
}

fn document(name: &str, text: &str) -> Result<Json, Unread> {
    if name.ends_with(".toml") {
        let fault = |_| Unread::new(Reason::ParseError, "the configuration is no TOML that can be read");
        return toml::from_str::<Json>(text).map_err(fault);
    }
    yaml("the configuration of the collector of logs", text)
}

fn of_document(told: &Json) -> Result<Vec<(String, Json)>, Unread> {
    if let Some(pipelines) = told["service"]["pipelines"].as_object() {
        return Ok(otel(told, pipelines));
    }
    if told["sinks"].is_object() {
        return Ok(vector(told));
    }
    if told["pipeline"].is_object() {
        return Ok(vec![("logs".to_owned(), fluent(&told["pipeline"]).record("fluent-bit"))]);
    }
    if let Some(jobs) = told["scrape_configs"].as_array()
        && told["clients"].is_array()
    {
        return Ok(jobs.iter().enumerate().map(|(at, job)| promtail(told, at, job)).collect());
    }
    Err(Unread::new(Reason::ParseError, "the file is no configuration of an OpenTelemetry collector, Fluent Bit, Vector or Promtail"))
}

fn otel(told: &Json, pipelines: &Map<String, Json>) -> Vec<(String, Json)> {
    let logs = pipelines.iter().filter(|(name, _)| kind(name) == "logs");
    let of = |(name, pipeline): (&String, &Json)| {
        let mut out = Pipeline::default();
        for processor in texts(&pipeline["processors"]) {
            otel_processor(&mut out, processor, &told["processors"][processor]);
        }
        out.sinks = texts(&pipeline["exporters"]).map(|exporter| kind(exporter).to_owned()).collect();
        (name.clone(), out.record("otel"))
    };
    logs.map(of).collect()
}

fn otel_processor(out: &mut Pipeline, name: &str, told: &Json) {
    match kind(name) {
        // Values that are allowed stay, also where they are blocked.
        "redaction" if texts(&told["allowed_values"]).next().is_some() => out.scripts.push(name.to_owned()),
        "redaction" => {
            for pattern in texts(&told["blocked_values"]) {
                out.mask(name, pattern, Replacement::Whole("****".to_owned()));
            }
        }
        "attributes" | "resource" => {
            let actions = told[if kind(name) == "resource" { "attributes" } else { "actions" }].as_array().into_iter().flatten();
            let gone = actions.filter(|action| action["action"] == "delete" || action["action"] == "hash");
            let gone: Vec<String> = gone.filter_map(|action| action["key"].as_str()).map(str::to_owned).collect();
            out.remove(name, told["include"].is_null() && told["exclude"].is_null(), gone);
        }
        "transform" => {
            for group in told["log_statements"].as_array().into_iter().flatten() {
                let of_all = texts(&group["conditions"]).next().is_none();
                let statements: Vec<&str> = group.as_str().into_iter().chain(texts(&group["statements"])).collect();
                statements.into_iter().for_each(|statement| programs::ottl(out, name, statement, of_all));
            }
        }
        _ => {}
    }
}

// Transforms that lead to a sink, found backwards from it.
fn vector(told: &Json) -> Vec<(String, Json)> {
    let of = |(name, sink): (&String, &Json)| {
        let mut out = Pipeline { sinks: vec![sink["type"].as_str().unwrap_or_default().to_owned()], ..Pipeline::default() };
        let mut inputs: Vec<&str> = texts(&sink["inputs"]).collect();
        let mut seen = std::collections::BTreeSet::new();
        let mut chain = Vec::new();
        while let Some(input) = inputs.pop() {
            // Outputs of one transform have names below its own.
            let input = input.split('.').next().unwrap_or(input);
            let transform = &told["transforms"][input];
            if transform.is_object() && seen.insert(input) {
                chain.push((input, transform));
                inputs.extend(texts(&transform["inputs"]));
            }
        }
        // With two ways into one sink a mask on one of them would be told of both.
        let forks = chain.iter().any(|(_, transform)| texts(&transform["inputs"]).count() > 1) || texts(&sink["inputs"]).count() > 1;
        for (name, transform) in chain.into_iter().rev() {
            let masks = out.masks.len();
            programs::vrl(&mut out, name, transform);
            if forks && out.masks.len() > masks {
                out.masks.truncate(masks);
                out.scripts.push(name.to_owned());
            }
        }
        (name.clone(), out.record("vector"))
    };
    told["sinks"].as_object().into_iter().flatten().map(of).collect()
}

fn fluent(pipeline: &Json) -> Pipeline {
    let mut out = Pipeline::default();
    for filter in pipeline["filters"].as_array().into_iter().flatten() {
        let name = filter["name"].as_str().unwrap_or_default().to_ascii_lowercase();
        let mut settings = Vec::new();
        for (member, value) in filter.as_object().into_iter().flatten() {
            // A member that is given several times is a list; a condition has a form of its own.
            let values = value.as_array().map_or_else(|| std::slice::from_ref(value), Vec::as_slice);
            let text = |value: &Json| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            settings.extend(values.iter().map(|value| (member.to_ascii_lowercase(), text(value))));
        }
        fluent_filter(&mut out, &name, &settings);
    }
    let outputs = pipeline["outputs"].as_array().into_iter().flatten();
    out.sinks = outputs.filter_map(|output| output["name"].as_str()).map(str::to_ascii_lowercase).collect();
    out
}

// Fluent Bit drops members; it replaces text only by scripts.
fn fluent_filter(out: &mut Pipeline, name: &str, settings: &[(String, String)]) {
    let values = |member: &'static str| settings.iter().filter(move |(found, _)| found == member).map(|(_, value)| value.clone());
    // Which inputs a tag is of is not followed.
    let of_all = values("match").eq(["*"]) && values("match_regex").next().is_none() && values("condition").next().is_none();
    match name {
        "record_modifier" => out.remove(name, of_all, values("remove_key").collect()),
        "modify" => out.remove(name, of_all, values("remove").collect()),
        "lua" | "wasm" => out.scripts.push(name.to_owned()),
        _ => {}
    }
}

// The classic form: sections in brackets, a member and its value a line.
fn fluent_classic(text: &str) -> Option<Pipeline> {
    let heads = ["[INPUT]", "[OUTPUT]"];
    let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    if !heads.iter().all(|head| lines().any(|line| line.eq_ignore_ascii_case(head))) {
        return None;
    }
    let mut out = Pipeline::default();
    let mut section = (String::new(), Vec::new());
    let mut close = |(head, settings): (String, Vec<(String, String)>)| {
        let name = settings.iter().find(|(member, _)| member == "name").map(|(_, value)| value.to_ascii_lowercase()).unwrap_or_default();
        match head.as_str() {
            "[filter]" => fluent_filter(&mut out, &name, &settings),
            "[output]" => out.sinks.push(name),
            _ => {}
        }
    };
    for line in lines() {
        if line.starts_with('[') {
            close(std::mem::replace(&mut section, (line.to_ascii_lowercase(), Vec::new())));
        } else if let Some((member, value)) = line.split_once(char::is_whitespace) {
            section.1.push((member.to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
    close(section);
    Some(out)
}

fn promtail(told: &Json, at: usize, job: &Json) -> (String, Json) {
    let mut out = Pipeline::default();
    let clients = told["clients"].as_array().into_iter().flatten();
    out.sinks = clients.map(|_| "loki".to_owned()).collect();
    for stage in job["pipeline_stages"].as_array().into_iter().flatten() {
        let replace = &stage["replace"];
        let by = replace["replace"].as_str().unwrap_or_default();
        // With a source only what another stage took out is replaced, not the line.
        match replace["expression"].as_str().filter(|_| replace["source"].is_null()) {
            // A template may bring back what it replaces.
            Some(_) if by.contains("{{") => out.scripts.push("replace".to_owned()),
            Some(pattern) => out.mask("replace", pattern, Replacement::Groups(by.to_owned())),
            None => {}
        }
        out.removes.extend(texts(&stage["labeldrop"]).map(str::to_owned));
    }
    (job["job_name"].as_str().map_or_else(|| at.to_string(), str::to_owned), out.record("promtail"))
}

fn texts(list: &Json) -> impl Iterator<Item = &str> {
    list.as_array().into_iter().flatten().filter_map(Json::as_str)
}

// `transform/mask` is a `transform`.
fn kind(name: &str) -> &str {
    name.split_once('/').map_or(name, |(kind, _)| kind)
}
