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

// What one transform processor comes to.
fn transform(statements: &str) -> (Json, Json) {
    let config = format!(
        "processors: {{transform: {{log_statements: {statements}}}}}\nservice: {{pipelines: {{logs: {{processors: [transform], exporters: [otlp]}}}}}}\n"
    );
    let record = &found("c.yaml", &config)[0].1;
    (record["masks"].clone(), record["scripts"].clone())
}

#[test]
fn only_what_replaces_in_the_line_of_every_record_masks() {
    let token = r#""Bearer [A-Za-z0-9=]+", "***""#;
    let masked = (json!(["token"]), json!([]));
    for good in [
        format!("[{{context: log, statements: ['replace_pattern(body, {token})']}}]"),
        format!("['replace_pattern(log.body, {token})']"),
        format!("[{{context: log, conditions: [], statements: ['replace_all_patterns(body, \"value\", {token})']}}]"),
        r#"['replace_pattern(log.body, "(a, b\\)|Bearer [A-Za-z0-9=]+)", "*** (x), y")']"#.to_owned(),
    ] {
        assert_eq!(transform(&good), masked, "{good}");
    }
    let untried = (json!([]), json!(["transform"]));
    for other in [
        format!("[{{context: log, statements: ['replace_pattern(attributes[\"token\"], {token})']}}]"),
        format!("['replace_pattern(log.attributes[\"token\"], {token})']"),
        format!("['replace_pattern(log.body[\"token\"], {token})']"),
        format!("[{{context: log, statements: ['replace_all_patterns(attributes, \"value\", {token})']}}]"),
        format!("[{{context: log, statements: ['replace_all_patterns(body, \"key\", {token})']}}]"),
        format!("[{{context: log, conditions: ['severity_number < 9'], statements: ['replace_pattern(body, {token})']}}]"),
        format!("['replace_pattern(log.body, {token}) where IsMatch(log.body, \"x\")']"),
        format!("['replace_pattern(log.body, {token}, SHA256)']"),
        "[{context: log, conditions: [x], statements: ['delete_key(attributes, \"email\")']}]".to_owned(),
    ] {
        assert_eq!(transform(&other), untried, "{other}");
    }
    assert_eq!(transform("['set(log.attributes[\"a\"], \"b\")']"), (json!([]), json!([])));
}

#[test]
fn processors_that_leave_records_out_remove_nothing_in_general() {
    let of = |settings: &str, kind: &str| {
        let config = format!(
            "processors: {{{kind}: {{{settings}}}}}\nservice: {{pipelines: {{logs: {{processors: [{kind}], exporters: [otlp]}}}}}}\n"
        );
        let record = &found("c.yaml", &config)[0].1;
        (record["masks"].clone(), record["removes"].clone(), record["scripts"].clone())
    };
    let delete = "actions: [{key: user.email, action: delete}]";
    assert_eq!(of(delete, "attributes"), (json!([]), json!(["user.email"]), json!([])));
    for narrow in ["include: {match_type: strict, services: [a]}", "exclude: {match_type: strict, services: [a]}"] {
        assert_eq!(of(&format!("{narrow}, {delete}"), "attributes"), (json!([]), json!([]), json!(["attributes"])), "{narrow}");
    }
    let insert = "include: {services: [a]}, actions: [{key: a, value: b, action: insert}]";
    assert_eq!(of(insert, "attributes"), (json!([]), json!([]), json!([])));
    let blocked = "blocked_values: ['Bearer [A-Za-z0-9=]+']";
    assert_eq!(of(blocked, "redaction").0, json!(["token"]));
    assert_eq!(of(&format!("{blocked}, allowed_values: ['Bearer c2.*']"), "redaction"), (json!([]), json!([]), json!(["redaction"])));
}

// What one program of Vector comes to.
fn remap(source: &str) -> (Json, Json, Json) {
    let config = json!({"transforms": {"mask": {"type": "remap", "inputs": ["k"], "source": source}}, "sinks": {"s": {"type": "loki", "inputs": ["mask"]}}});
    let record = &found("vector.yaml", &config.to_string())[0].1;
    (record["masks"].clone(), record["removes"].clone(), record["scripts"].clone())
}

#[test]
fn programs_of_vector_count_where_they_read_and_write_the_line() {
    let masked = (json!(["token"]), json!([]), json!([]));
    for good in [
        ".message = redact(.message, filters: [r'Bearer [A-Za-z0-9=]+'])",
        ". = redact(., filters: [r'Bearer [A-Za-z0-9=]+'], redactor: \"full\") # all of it",
        ".message = redact!(\n  .message, # the line; \"of\" one's own\n  filters: [\n    r'never, #1', r'Bearer [A-Za-z0-9=]+',\n  ]\n)",
        ".message = redact(.message, filters: [{\"type\": \"pattern\", \"patterns\": [r'Bearer [A-Za-z0-9=]+']}])",
        ".message = replace(string!(.message), r'Bearer [A-Za-z0-9=]+', \"Bearer ***\"); .a = 1",
        "# if it is so\n.message = replace(.message, r'Bearer [A-Za-z0-9=]+', \"***\")",
    ] {
        assert_eq!(remap(good), masked, "{good}");
    }
    let untried = (json!([]), json!([]), json!(["mask"]));
    for other in [
        ".other = redact(.message, filters: [r'Bearer [A-Za-z0-9=]+'])",
        ".message = redact(.other, filters: [r'Bearer [A-Za-z0-9=]+'])",
        ".message = redact(.message, filters: [\"us_social_security_number\"])",
        ".message = replace(.message, r'Bearer [A-Za-z0-9=]+', \"***\", count: 1)",
        ".message = replace(.other, r'Bearer [A-Za-z0-9=]+', \"***\") + replace(.message, r'x', \"***\")",
        ".message = replace(.message, r'Bearer [A-Za-z0-9=]+', \"***\") ?? string!(.message)",
        "if .a == 1 { .message = redact(.message, filters: [r'Bearer [A-Za-z0-9=]+']) }",
        "return .\n.message = redact(.message, filters: [r'Bearer [A-Za-z0-9=]+'])",
        ".b = del(.a)",
    ] {
        assert_eq!(remap(other), untried, "{other}");
    }
    let nothing = (json!([]), json!([]), json!([]));
    assert_eq!(remap("# .message = redact(.message, filters: [r'Bearer [A-Za-z0-9=]+'])\n.a = \"#\""), nothing);
    assert_eq!(remap("#del(.user)\ndel(.user.name) # del(.b)"), (json!([]), json!(["user.name"]), json!([])));
}

#[test]
fn filters_of_some_records_drop_nothing_in_general() {
    let classic = |filter: &str| {
        let text = format!("[INPUT]\n  Name tail\n[FILTER]\n{filter}\n[OUTPUT]\n  Name loki\n");
        let record = &found("a", &text)[0].1;
        (record["removes"].clone(), record["scripts"].clone())
    };
    let yaml = |filter: &str| {
        let text = format!("pipeline: {{inputs: [{{name: tail}}], filters: [{{{filter}}}], outputs: [{{name: loki}}]}}\n");
        let record = &found("a", &text)[0].1;
        (record["removes"].clone(), record["scripts"].clone())
    };
    let dropped = (json!(["email"]), json!([]));
    assert_eq!(classic("  Name modify\n  Match *\n  Remove email"), dropped);
    assert_eq!(yaml("name: modify, match: '*', remove: email"), dropped);
    let untried = (json!([]), json!(["modify"]));
    for narrow in [
        "  Match kube.shop.*\n  Remove email",
        "  Match_Regex kube\n  Remove email",
        "  Remove email",
        "  Match *\n  Condition Key_exists a\n  Remove email",
    ] {
        assert_eq!(classic(&format!("  Name modify\n{narrow}")), untried, "{narrow}");
    }
    assert_eq!(yaml("name: modify, match: '*', remove: email, condition: {op: and, rules: [{field: a, op: eq, value: b}]}"), untried);
    assert_eq!(classic("  Name modify\n  Match kube.*\n  Add a b"), (json!([]), json!([])));
}

#[test]
fn a_template_of_promtail_may_bring_back_what_it_replaces() {
    let of = |by: &str| {
        let text = format!(
            "clients: [{{url: 'http://loki'}}]\nscrape_configs:\n- pipeline_stages:\n  - replace: {{expression: 'Bearer (\\S+)', replace: '{by}'}}\n"
        );
        let record = &found("p.yaml", &text)[0].1;
        (record["masks"].clone(), record["scripts"].clone())
    };
    assert_eq!(of("***"), (json!(["token"]), json!([])));
    assert_eq!(of("{{ .Value }}"), (json!([]), json!(["replace"])));
}
