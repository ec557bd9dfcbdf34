//! The metrics that a query in PromQL needs.
//!
//! A rule whose metrics nobody delivers never fires. To tell this, names of metrics are read off a query by its tokens: what is
//! neither text, selector, range, keyword, function nor a list of labels. Metrics inside `absent()` are those that the rule waits to
//! lose, and are left out.

use std::collections::BTreeSet;

/// The metrics of a query.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Metrics {
    /// Names whose series the query needs.
    pub names: BTreeSet<String>,
    /// Whether the query has `or` or `unless`, so that it may give a result although one of them is missing.
    pub alternatives: bool,
}

impl Metrics {
    /// The metrics that keep the query silent, given which of them have series.
    pub(super) fn silent(&self, has_series: impl Fn(&str) -> bool) -> Vec<&str> {
        let missing: Vec<&str> = self.names.iter().map(String::as_str).filter(|name| !has_series(name)).collect();
        if self.alternatives && missing.len() < self.names.len() { Vec::new() } else { missing }
    }
}

const AGGREGATIONS: [&str; 14] = [
    "avg",
    "bottomk",
    "count",
    "count_values",
    "group",
    "limit_ratio",
    "limitk",
    "max",
    "min",
    "quantile",
    "stddev",
    "stdvar",
    "sum",
    "topk",
];
const WITH_LABELS: [&str; 6] = ["by", "group_left", "group_right", "ignoring", "on", "without"];
const WORDS: [&str; 9] = ["and", "atan2", "bool", "end", "inf", "nan", "offset", "or", "unless"];

/// Reads the metrics off a query.
pub(super) fn metrics(query: &str) -> Metrics {
    let mut lexer = Lexer { rest: query };
    let mut found = Metrics::default();
    // For each open parenthesis, whether what stands in it is expected to be absent.
    let mut within: Vec<bool> = Vec::new();
    let mut absent_next = false;
    while let Some(next) = lexer.rest.chars().next() {
        let absent = within.last().copied().unwrap_or(false);
        match next {
            '"' | '\'' | '`' => lexer.text(next),
            '#' => lexer.skip_until(|c| c == '\n'),
            '{' => {
                if let Some(name) = lexer.selector().filter(|_| !absent) {
                    found.names.insert(name);
                }
            }
            '[' => lexer.skip_until(|c| c == ']'),
            '(' => {
                within.push(absent || absent_next);
                absent_next = false;
                lexer.advance(1);
            }
            ')' => {
                within.pop();
                lexer.advance(1);
            }
            '0'..='9' => lexer.skip_until(|c| !(c.is_ascii_alphanumeric() || c == '.')),
            'a'..='z' | 'A'..='Z' | '_' | ':' => {
                let word = lexer.word();
                let called = lexer.rest.trim_start().starts_with('(');
                let lower = word.to_ascii_lowercase();
                if WITH_LABELS.contains(&lower.as_str()) {
                    if called {
                        lexer.skip_until(|c| c == ')');
                        lexer.advance(1);
                    }
                } else if called {
                    absent_next = matches!(word, "absent" | "absent_over_time");
                } else if WORDS.contains(&lower.as_str()) || AGGREGATIONS.contains(&lower.as_str()) {
                    found.alternatives |= matches!(lower.as_str(), "or" | "unless");
                } else if !absent {
                    found.names.insert(word.to_owned());
                }
            }
            _ => lexer.advance(next.len_utf8()),
        }
    }
    found
}

struct Lexer<'q> {
    rest: &'q str,
}

impl<'q> Lexer<'q> {
    fn advance(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
    }

    fn skip_until(&mut self, end: impl Fn(char) -> bool) {
        let at = self.rest.find(end).unwrap_or(self.rest.len());
        self.rest = &self.rest[at..];
    }

    fn word(&mut self) -> &'q str {
        let end = self.rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':')).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word
    }

    // Passes over a text with its quotes.
    fn text(&mut self, quote: char) {
        let mut escaped = false;
        for (at, c) in self.rest.char_indices().skip(1) {
            match c {
                '\\' if quote != '`' && !escaped => escaped = true,
                c if c == quote && !escaped => return self.advance(at + 1),
                _ => escaped = false,
            }
        }
        self.rest = "";
    }

    // Passes over `{…}`, and gives the name that stands in it as `__name__="x"`.
    fn selector(&mut self) -> Option<String> {
        let mut name = None;
        self.advance(1);
        while let Some(next) = self.rest.chars().next() {
            match next {
                '}' => {
                    self.advance(1);
                    return name;
                }
                '"' | '\'' | '`' => self.text(next),
                _ if self.rest.starts_with("__name__") => {
                    let value = self.rest["__name__".len()..].trim_start().strip_prefix('=').map(str::trim_start);
                    let quoted = value.and_then(|value| value.strip_prefix(['"', '\'', '`']));
                    name = quoted.and_then(|quoted| quoted.split(['"', '\'', '`']).next()).map(str::to_owned).or(name);
                    self.advance("__name__".len());
                }
                _ => self.advance(next.len_utf8()),
            }
        }
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_from_everything_else() {
        for (query, names, alternatives) in [
            ("up == 0", &["up"][..], false),
            (r#"sum by (job, instance) (rate(http_requests_total{code=~"5.."}[5m])) / 100 > 0.5"#, &["http_requests_total"], false),
            ("sum(a) without (b) > bool 1 and on (c) group_left (d) e:f offset 5m", &["a", "e:f"], false),
            (r#"absent(up{job="apiserver"} == 1)"#, &[], false),
            ("absent_over_time(up[5m]) or (kube_x unless kube_y)", &["kube_x", "kube_y"], true),
            (r#"{__name__="velero_x", a="__name__"} # up"#, &["velero_x"], false),
            (r#"{__name__=~"velero_.*"} > 1e9"#, &[], false),
            (r#"label_replace(a{x="\"}"}, "b", "$1", "c", "(.*)") > Inf"#, &["a"], false),
            ("count_values(\"v\", b) + topk(5, c) - time() > vector(1)", &["b", "c"], false),
            ("a @ end() - a @ 1609746000", &["a"], false),
            ("", &[], false),
            ("broken{", &["broken"], false),
        ] {
            let found = metrics(query);
            assert_eq!(found.names.iter().map(String::as_str).collect::<Vec<_>>(), names, "{query}");
            assert_eq!(found.alternatives, alternatives, "{query}");
        }
    }

    #[test]
    fn a_query_is_silent_when_what_it_needs_is_missing() {
        let has = |name: &str| name == "a";
        assert_eq!(metrics("a and b").silent(has), ["b"]);
        assert_eq!(metrics("a or b").silent(has), Vec::<&str>::new());
        assert_eq!(metrics("b or c").silent(has), ["b", "c"]);
        assert_eq!(metrics("vector(1)").silent(has), Vec::<&str>::new());
    }
}
