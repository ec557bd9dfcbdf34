//! Pipelines of logs, out of the configuration of what collects them: which of them mask personal data and secrets, and where
//! each leads. Known are OpenTelemetry collectors, Fluent Bit, Vector and Promtail.
//!
//! Whether a rule masks is not guessed from its name: its own replacement is carried out on made-up text that holds an address of
//! mail, an address of a machine and a token, and what is gone is masked. Scripts cannot be carried out and are told as such.
//! Settings of outputs are not kept, only their kinds: they hold addresses and keys.

use std::sync::LazyLock;

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
        "redaction" => {
            for pattern in texts(&told["blocked_values"]) {
                out.mask(name, pattern, Replacement::Whole("****".to_owned()));
            }
        }
        "attributes" | "resource" => {
            let actions = told[if kind(name) == "resource" { "attributes" } else { "actions" }].as_array().into_iter().flatten();
            let gone = actions.filter(|action| action["action"] == "delete" || action["action"] == "hash");
            out.removes.extend(gone.filter_map(|action| action["key"].as_str()).map(str::to_owned));
        }
        "transform" => {
            let groups = told["log_statements"].as_array().into_iter().flatten();
            let statements = groups.flat_map(|group| match group {
                Json::String(statement) => vec![statement.as_str()],
                group => texts(&group["statements"]).collect(),
            });
            statements.for_each(|statement| ottl(out, name, statement));
        }
        _ => {}
    }
}

// `replace_pattern(body, "expression", "text")`, `replace_all_patterns(attributes, "value", "expression", "text")`, `delete_key(…, "key")`.
fn ottl(out: &mut Pipeline, stage: &str, statement: &str) {
    static QUOTED: LazyLock<Regex> = LazyLock::new(|| Regex::new(r#""((?:[^"\\]|\\.)*)""#).expect("the expression is a constant"));
    let call = statement.trim().split('(').next().unwrap_or_default();
    let arguments = statement.rsplit_once(" where ").filter(|(head, _)| head.ends_with(')')).map_or(statement, |(head, _)| head);
    // A statement that holds only under a condition does not mask in general.
    let conditional = arguments.len() != statement.len();
    let quoted: Vec<String> = QUOTED.captures_iter(arguments).map(|found| found[1].replace("\\\\", "\\").replace("\\\"", "\"")).collect();
    // In files of the collector `$$` stands for one `$`.
    let text = |text: &str| text.replace("$$", "$");
    match (call, &quoted[..]) {
        ("replace_pattern" | "replace_all_patterns", _) if conditional => out.scripts.push(stage.to_owned()),
        ("replace_pattern", [.., pattern, by]) => out.mask(stage, &text(pattern), Replacement::Whole(text(by))),
        ("replace_all_patterns", [mode, pattern, by]) if mode == "value" => {
            out.mask(stage, &text(pattern), Replacement::Whole(text(by)));
        }
        ("delete_key", [key]) if !conditional => out.removes.push(key.clone()),
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
            vrl(&mut out, name, transform);
            if forks && out.masks.len() > masks {
                out.masks.truncate(masks);
                out.scripts.push(name.to_owned());
            }
        }
        (name.clone(), out.record("vector"))
    };
    told["sinks"].as_object().into_iter().flatten().map(of).collect()
}

// `redact(…, filters: [r'expression'])` and `replace(…, r'expression', "text")`; a program with conditions is a script.
fn vrl(out: &mut Pipeline, stage: &str, transform: &Json) {
    static REDACT: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"redact!?\([^\[]*filters:\s*\[((?:r'[^']*'|[^\]'])*)\]").expect("the expression is a constant"));
    static RAW: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"r'([^']*)'").expect("the expression is a constant"));
    static REPLACE: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r#"replace!?\([^,]*,\s*r'([^']*)',\s*"([^"]*)""#).expect("the expression is a constant"));
    static DELETE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"del\(\.([A-Za-z0-9_.]+)\)").expect("the expression is a constant"));
    if transform["type"] == "lua" {
        out.scripts.push(stage.to_owned());
    }
    let Some(source) = transform["source"].as_str().filter(|_| transform["type"] == "remap") else { return };
    if source.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(|word| word == "if") {
        out.scripts.push(stage.to_owned());
        return;
    }
    for filters in REDACT.captures_iter(source) {
        for pattern in RAW.captures_iter(&filters[1]) {
            out.mask(stage, &pattern[1], Replacement::Whole("[REDACTED]".to_owned()));
        }
    }
    for call in REPLACE.captures_iter(source) {
        out.mask(stage, &call[1], Replacement::Whole(call[2].to_owned()));
    }
    out.removes.extend(DELETE.captures_iter(source).map(|found| found[1].to_owned()));
}

fn fluent(pipeline: &Json) -> Pipeline {
    let mut out = Pipeline::default();
    for filter in pipeline["filters"].as_array().into_iter().flatten() {
        let name = filter["name"].as_str().unwrap_or_default().to_ascii_lowercase();
        let mut settings = Vec::new();
        for (member, value) in filter.as_object().into_iter().flatten() {
            // A member that is given several times is a list.
            let values = value.as_array().map_or_else(|| std::slice::from_ref(value), Vec::as_slice);
            settings.extend(values.iter().filter_map(Json::as_str).map(|value| (member.to_ascii_lowercase(), value.to_owned())));
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
    match name {
        "record_modifier" => out.removes.extend(values("remove_key")),
        "modify" => out.removes.extend(values("remove")),
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
        // With a source only what another stage took out is replaced, not the line.
        if let Some(pattern) = replace["expression"].as_str().filter(|_| replace["source"].is_null()) {
            out.mask("replace", pattern, Replacement::Groups(replace["replace"].as_str().unwrap_or_default().to_owned()));
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

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: &str, text: &str) -> Vec<(String, Json)> {
        let file = Read { bytes: text.as_bytes().to_vec(), sha256: "x".to_owned() };
        read(name, &file).unwrap().into_iter().map(|(_, name, record)| (name, record)).collect()
    }

    #[test]
    fn a_rule_masks_what_is_gone_when_it_is_carried_out() {
        let config = r#"
processors:
  batch: {}
  redaction/all: {allow_all_keys: true, blocked_values: ['[a-zA-Z0-9._%+-]+@[a-zA-Z0-9.-]+\.[a-z]{2,}', '\b\d{1,3}(\.\d{1,3}){3}\b']}
  transform/half: {log_statements: [{context: log, statements: ['replace_pattern(body, "([a-z._0-9]+)@[a-z.]+", "$$1@hidden")']}]}
  transform/token: {log_statements: [{context: log, statements: ['replace_pattern(body, "Bearer [A-Za-z0-9=]+", "Bearer ***")', 'delete_key(attributes, "user.email")']}]}
  transform/some: {log_statements: ['replace_pattern(log.body, "Bearer [A-Za-z0-9=]+", "***") where resource.attributes["a"] == "b"']}
exporters: {otlphttp/loki: {endpoint: 'https://user:hush@loki'}, debug: {}}
service:
  pipelines:
    logs: {receivers: [otlp], processors: [redaction/all, transform/token, batch], exporters: [otlphttp/loki]}
    logs/half: {receivers: [otlp], processors: [transform/half, transform/some], exporters: [debug]}
    traces: {receivers: [otlp], exporters: [debug]}
"#;
        let told = found("c.yaml", config);
        assert_eq!(told.len(), 2);
        assert_eq!(told[0].1["masks"], json!(["email", "ip", "token"]));
        assert_eq!((&told[0].1["sinks"], &told[0].1["removes"]), (&json!(["otlphttp"]), &json!(["user.email"])));
        assert_eq!((&told[1].1["masks"], &told[1].1["scripts"]), (&json!([]), &json!(["transform/some"])));
        assert!(!told[0].1.to_string().contains("hush"));
    }

    #[test]
    fn vector_promtail_and_fluent_bit_are_read() {
        let vector = r#"
[sources.k]
type = "kubernetes_logs"
[transforms.mask]
type = "remap"
inputs = ["k"]
source = '''
.message = redact(.message, filters: [r'[a-z._0-9]+@[a-z.]+', r'\d+\.\d+\.\d+\.\d+'])
.message = replace(.message, r'Bearer [A-Za-z0-9]+', "Bearer ***")
del(.user.name)
'''
[transforms.other]
type = "remap"
inputs = ["k"]
source = "if .a == 1 { .message = redact(.message, filters: [r'.*']) }"
[sinks.siem]
type = "splunk_hec_logs"
inputs = ["mask"]
[sinks.both]
type = "loki"
inputs = ["mask", "k"]
[sinks.some]
type = "http"
inputs = ["other"]
"#;
        let told = found("vector.toml", vector);
        let of = |name: &str| &told.iter().find(|(found, _)| found == &format!("vector.toml/{name}")).unwrap().1;
        assert_eq!((&of("siem")["masks"], &of("siem")["removes"]), (&json!(["email", "ip", "token"]), &json!(["user.name"])));
        assert_eq!((&of("both")["masks"], &of("both")["scripts"]), (&json!([]), &json!(["mask"])));
        assert_eq!((&of("some")["masks"], &of("some")["scripts"]), (&json!([]), &json!(["other"])));

        let promtail = "clients: [{url: 'http://loki'}]\nscrape_configs:\n- job_name: pods\n  pipeline_stages:\n  - replace: {expression: '([\\w.]+)@[\\w.]+', replace: '***'}\n  - replace: {expression: 'Bearer (\\w{4})', replace: '***'}\n  - replace: {source: ip, expression: '(.*)', replace: '***'}\n";
        assert_eq!(
            found("p.yaml", promtail),
            [(
                "p.yaml/pods".to_owned(),
                json!({"form": "promtail", "masks": ["email"], "rules": 2, "removes": [], "scripts": [], "sinks": ["loki"], "sha256": "x"})
            )]
        );

        let classic = "[INPUT]\n  Name tail\n[FILTER]\n  Name record_modifier\n  Match *\n  Remove_key email\n[FILTER]\n  Name lua\n  script mask.lua\n[OUTPUT]\n  Name loki\n  host x\n";
        let yaml = "pipeline:\n  inputs: [{name: tail}]\n  filters:\n  - {name: record_modifier, match: '*', remove_key: [email]}\n  - {name: lua, script: mask.lua}\n  outputs: [{name: loki, host: x}]\n";
        let (classic, yaml) = (found("a", classic), found("a", yaml));
        assert_eq!(classic, yaml);
        assert_eq!((&yaml[0].1["removes"], &yaml[0].1["scripts"]), (&json!(["email"]), &json!(["lua"])));
        let none = Read { bytes: b"kind: Pod\n".to_vec(), sha256: "x".to_owned() };
        assert_eq!(read("a", &none).unwrap_err().reason, Reason::ParseError);
    }
}
