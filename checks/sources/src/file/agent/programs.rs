//! Statements of the languages in which collectors change records: OTTL of OpenTelemetry, VRL of Vector.
//!
//! A statement is tried where it is one call that replaces in the line of the log itself and puts it back there. Any other that
//! replaces or deletes (under a condition, in another member, out of another member, with a fallback) is told as a script: nobody
//! knows here what it does to the line.

use serde_json::Value as Json;

use super::{Pipeline, Replacement};

/// `name(argument, argument)` and nothing else.
struct Call<'t> {
    name: &'t str,
    arguments: Vec<&'t str>,
}

/// A statement of OTTL; `of_all` is false where its group holds under a condition.
pub(super) fn ottl(out: &mut Pipeline, stage: &str, statement: &str, of_all: bool) {
    let text = |quoted: &str| {
        let text = quoted.strip_prefix('"')?.strip_suffix('"')?;
        // In files of the collector `$$` stands for one `$`.
        Some(unescaped(text).replace("$$", "$"))
    };
    let is_line = |target: &str| matches!(target, "body" | "log.body");
    let changes = ["replace_", "delete_", "keep_"].iter().any(|verb| statement.contains(verb));
    let call = call(statement).filter(|_| of_all);
    match call.as_ref().map(|call| (call.name, &call.arguments[..])) {
        Some(("replace_pattern", [target, pattern, by]) | ("replace_all_patterns", [target, "\"value\"", pattern, by]))
            if is_line(target) =>
        {
            match (text(pattern), text(by)) {
                (Some(pattern), Some(by)) => out.mask(stage, &pattern, Replacement::Whole(by)),
                _ => out.scripts.push(stage.to_owned()),
            }
        }
        Some(("delete_key", [_, key])) if text(key).is_some() => out.removes.extend(text(key)),
        _ if changes => out.scripts.push(stage.to_owned()),
        _ => {}
    }
}

/// A transform of Vector: `.message = redact(.message, filters: [r'expression'])` and `.message = replace(.message, r'expression',
/// "text")`, the same of the whole record (`.`), and `del(.member)`; a program with conditions is a script.
pub(super) fn vrl(out: &mut Pipeline, stage: &str, transform: &Json) {
    if transform["type"] == "lua" {
        out.scripts.push(stage.to_owned());
    }
    let Some(source) = transform["source"].as_str().filter(|_| transform["type"] == "remap") else { return };
    let program = without_comments(source);
    let mut words = program.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    // After a way out of the program nothing is carried out.
    if words.any(|word| matches!(word, "if" | "abort" | "return")) {
        out.scripts.push(stage.to_owned());
        return;
    }
    for statement in parts(&program, &['\n', ';']) {
        let changes = ["redact", "replace", "del(", "remove"].iter().any(|name| statement.contains(name));
        if changes && !tried(out, stage, statement) {
            out.scripts.push(stage.to_owned());
        }
    }
}

// Whether a statement of VRL is one that can be tried; then it is.
fn tried(out: &mut Pipeline, stage: &str, statement: &str) -> bool {
    if let Some(deleted) = call(statement) {
        let [member] = &deleted.arguments[..] else { return false };
        let member = member.strip_prefix('.').filter(|member| deleted.name == "del" && is_path(member));
        out.removes.extend(member.map(str::to_owned));
        return member.is_some();
    }
    let Some((written, right)) = statement.split_once('=') else { return false };
    let written = written.trim();
    let Some(call) = call(right).filter(|_| matches!(written, "." | ".message")) else { return false };
    let reads = |argument: &str| argument == written || self::call(argument).is_some_and(|text| is_text_of(&text, written));
    match (call.name.trim_end_matches('!'), &call.arguments[..]) {
        ("redact", [read, filters, redactor @ ..]) if reads(read) && redactor.iter().all(|argument| argument.starts_with("redactor:")) => {
            let Some(filters) = filters.strip_prefix("filters:").and_then(list) else { return false };
            let patterns: Vec<Option<Vec<&str>>> = filters.into_iter().map(patterns).collect();
            for pattern in patterns.iter().flatten().flatten() {
                out.mask(stage, pattern, Replacement::Whole("[REDACTED]".to_owned()));
            }
            // What filters by name mask is not known here.
            patterns.iter().all(Option::is_some)
        }
        ("replace", [read, pattern, by]) if written != "." && reads(read) => {
            let by = by.strip_prefix('"').and_then(|by| by.strip_suffix('"')).map(unescaped);
            let (Some(pattern), Some(by)) = (raw(pattern), by) else { return false };
            out.mask(stage, pattern, Replacement::Whole(by));
            true
        }
        _ => false,
    }
}

// `string!(.message)` is `.message`, or the program ends.
fn is_text_of(call: &Call<'_>, member: &str) -> bool {
    matches!(call.name, "string!" | "to_string!" | "to_string") && call.arguments == [member]
}

fn is_path(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.@".contains(&byte))
}

// The expressions of a filter: `r'expression'`, or `{type: "pattern", patterns: [r'expression']}`.
fn patterns(filter: &str) -> Option<Vec<&str>> {
    if let Some(pattern) = raw(filter) {
        return Some(vec![pattern]);
    }
    let mut found = Vec::new();
    for member in parts(filter.strip_prefix('{')?.strip_suffix('}')?, &[',', '\n']) {
        let (name, value) = member.split_once(':')?;
        match name.trim().trim_matches('"') {
            "type" if value.trim() == "\"pattern\"" => {}
            "patterns" => found = list(value)?.into_iter().map(raw).collect::<Option<_>>()?,
            _ => return None,
        }
    }
    Some(found)
}

// `[one, two]`
fn list(text: &str) -> Option<Vec<&str>> {
    Some(parts(text.trim().strip_prefix('[')?.strip_suffix(']')?, &[',']).collect())
}

// `r'expression'`
fn raw(text: &str) -> Option<&str> {
    text.strip_prefix("r'")?.strip_suffix('\'').filter(|text| !text.contains('\''))
}

fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match characters.peek() {
            Some(next @ ('\\' | '"')) if c == '\\' => {
                out.push(*next);
                characters.next();
            }
            _ => out.push(c),
        }
    }
    out
}

// A text that is one call from its first character to its last.
fn call(text: &str) -> Option<Call<'_>> {
    let (name, rest) = text.trim().split_once('(')?;
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_!".contains(&byte));
    let arguments = rest.strip_suffix(')').filter(|_| is_name)?;
    // A closing bracket too many: what seemed to be one call are several.
    let is_one = depths(arguments).all(|(_, _, depth)| depth >= 0);
    is_one.then(|| Call { name, arguments: parts(arguments, &[',']).collect() })
}

// What stands between separators that are in no brackets and no quotes; empty parts are left out.
fn parts<'t>(text: &'t str, separators: &[char]) -> impl Iterator<Item = &'t str> {
    let mut ends: Vec<usize> = depths(text).filter(|(_, c, depth)| *depth == 0 && separators.contains(c)).map(|(at, ..)| at).collect();
    ends.push(text.len());
    let mut from = 0;
    let part = move |end: usize| {
        let part = text[from..end].trim();
        from = text[end..].chars().next().map_or(end, |separator| end + separator.len_utf8());
        part
    };
    ends.into_iter().map(part).filter(|part| !part.is_empty())
}

// Each character outside of quotes with its place, and how many brackets are open after it.
fn depths(text: &str) -> impl Iterator<Item = (usize, char, i32)> {
    let (mut quote, mut escaped, mut depth) = (None, false, 0_i32);
    text.char_indices().filter_map(move |(at, c)| {
        if let Some(open) = quote {
            quote = quote.filter(|_| escaped || c != open);
            escaped = c == '\\' && !escaped;
            return None;
        }
        match c {
            '"' | '\'' => quote = Some(c),
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
        Some((at, c, depth))
    })
}

// A comment goes from `#` to the end of its line.
fn without_comments(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some((at, ..)) = depths(rest).find(|(_, c, _)| *c == '#') {
        out.push_str(&rest[..at]);
        rest = rest[at..].find('\n').map_or("", |end| &rest[at + end..]);
    }
    out + rest
}
