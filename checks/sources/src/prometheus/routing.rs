//! Where an Alertmanager sends an alert: its tree of routes, walked as it walks it.

use proofbook_checks::inventory::Reason;
use regex::Regex;
use serde_json::Value as Json;

use crate::observed::Unread;

/// The labels of an alert.
pub(super) type Labels<'l> = [(&'l str, &'l str)];

/// A condition on one label; a label that is absent is empty.
#[derive(Clone, Debug)]
pub(super) struct Matcher {
    label: String,
    value: String,
    negated: bool,
    pattern: Option<Regex>,
}

impl Matcher {
    /// A condition as `name`, `value` and what it is, as the API writes silences.
    pub(super) fn new(label: &str, value: &str, is_regex: bool, negated: bool) -> Result<Self, Unread> {
        let pattern = is_regex.then(|| Regex::new(&format!("^(?s:{value})$"))).transpose();
        let pattern = pattern.map_err(|_| fault("a pattern is no regular expression"))?;
        Ok(Self { label: label.to_owned(), value: value.to_owned(), negated, pattern })
    }

    // `severity="critical"`, `severity =~ 'a|b'`, `"severity"!=x`; several may stand in braces, separated by commas.
    fn parse(text: &str) -> Result<Vec<Self>, Unread> {
        let text = text.trim();
        let inner = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')).unwrap_or(text);
        split_outside_quotes(inner).into_iter().filter(|part| !part.trim().is_empty()).map(Self::parse_one).collect()
    }

    fn parse_one(text: &str) -> Result<Self, Unread> {
        let at = text.find(['=', '!']).ok_or_else(|| fault("a matcher has no operator"))?;
        let (label, rest) = text.split_at(at);
        let (operator, value) = ["=~", "!~", "!=", "="]
            .into_iter()
            .find_map(|operator| Some((operator, rest.strip_prefix(operator)?)))
            .ok_or_else(|| fault("a matcher has no operator"))?;
        Self::new(&unquoted(label), &unquoted(value), operator.ends_with('~'), operator.starts_with('!'))
    }

    pub(super) fn matches(&self, labels: &Labels<'_>) -> bool {
        let given = labels.iter().find(|(label, _)| *label == self.label).map_or("", |(_, value)| value);
        let holds = match &self.pattern {
            Some(pattern) => pattern.is_match(given),
            None => given == self.value,
        };
        holds != self.negated
    }

    // Values of a label that this condition names one by one.
    fn named(&self, label: &str) -> Vec<String> {
        if self.label != label {
            return Vec::new();
        }
        let plain = |word: &&str| !word.is_empty() && word.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'_');
        self.value.split('|').map(|word| word.trim_matches(['(', ')'])).filter(plain).map(str::to_owned).collect()
    }
}

/// A route with those below it.
#[derive(Clone, Debug)]
pub(super) struct Route {
    receiver: String,
    matchers: Vec<Matcher>,
    goes_on: bool,
    /// Whether the route is silent at some times of day.
    timed: bool,
    routes: Vec<Self>,
}

/// Where an alert goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Way {
    pub receiver: String,
    pub timed: bool,
}

impl Route {
    /// Reads the tree out of a configuration.
    pub(super) fn parse(route: &Json, parent: Option<&str>) -> Result<Self, Unread> {
        let receiver = route["receiver"].as_str().or(parent).ok_or_else(|| fault("a route has no receiver"))?;
        let mut matchers = Vec::new();
        for (key, is_regex) in [("match", false), ("match_re", true)] {
            for (label, value) in route[key].as_object().into_iter().flatten() {
                matchers.push(Matcher::new(label, value.as_str().unwrap_or_default(), is_regex, false)?);
            }
        }
        for text in route["matchers"].as_array().into_iter().flatten() {
            matchers.extend(Matcher::parse(text.as_str().ok_or_else(|| fault("a matcher is no text"))?)?);
        }
        let timed = ["mute_time_intervals", "active_time_intervals"].iter().any(|key| !route[*key].as_array().is_none_or(Vec::is_empty));
        let routes =
            route["routes"].as_array().into_iter().flatten().map(|child| Self::parse(child, Some(receiver))).collect::<Result<_, _>>()?;
        let goes_on = route["continue"] == true || route["continue"] == "true";
        Ok(Self { receiver: receiver.to_owned(), matchers, goes_on, timed, routes })
    }

    /// Where an alert with these labels goes; nowhere where the route does not match.
    pub(super) fn ways(&self, labels: &Labels<'_>) -> Vec<Way> {
        if !self.matchers.iter().all(|matcher| matcher.matches(labels)) {
            return Vec::new();
        }
        let mut out = Vec::new();
        for child in &self.routes {
            let ways = child.ways(labels);
            let ends = !ways.is_empty() && !child.goes_on;
            out.extend(ways);
            if ends {
                break;
            }
        }
        if out.is_empty() {
            out.push(Way { receiver: self.receiver.clone(), timed: self.timed });
        }
        out
    }

    /// The values of a label that the tree names.
    pub(super) fn values(&self, label: &str) -> Vec<String> {
        let own = self.matchers.iter().flat_map(|matcher| matcher.named(label));
        own.chain(self.routes.iter().flat_map(|route| route.values(label))).collect()
    }
}

fn fault(detail: &str) -> Unread {
    Unread::new(Reason::ParseError, format!("the configuration of Alertmanager: {detail}"))
}

fn split_outside_quotes(text: &str) -> Vec<&str> {
    let (mut quoted, mut escaped, mut start, mut out) = (None, false, 0, Vec::new());
    for (at, c) in text.char_indices() {
        match (c, quoted) {
            _ if escaped => escaped = false,
            ('\\', Some(_)) => escaped = true,
            (c, Some(quote)) if c == quote => quoted = None,
            ('"' | '\'', None) => quoted = Some(c),
            (',', None) => {
                out.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    out.push(&text[start..]);
    out
}

fn unquoted(text: &str) -> String {
    let text = text.trim();
    let inner = ['"', '\''].iter().find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote));
    inner.map_or_else(|| text.to_owned(), |inner| inner.replace("\\\"", "\"").replace("\\\\", "\\"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn receivers(tree: &Json, labels: &Labels<'_>) -> Vec<String> {
        Route::parse(tree, None).unwrap().ways(labels).into_iter().map(|way| way.receiver).collect()
    }

    #[test]
    fn the_tree_is_walked_as_alertmanager_walks_it() {
        let tree = json!({
            "receiver": "default",
            "routes": [
                {"receiver": "dead-man", "matchers": ["alertname=\"Watchdog\""]},
                {"receiver": "chat", "matchers": ["severity=~\"critical|page\""], "continue": true},
                {"match": {"severity": "critical"}, "receiver": "pager", "routes": [
                    {"matchers": ["{team=\"a\", env!='test'}"], "receiver": "team-a"},
                    {"match_re": {"team": "b.*"}},
                ]},
                {"matchers": ["severity!~\"info|none\""], "receiver": "mail", "mute_time_intervals": ["nights"]},
            ],
        });
        for (labels, expected) in [
            (&[("severity", "critical")][..], &["chat", "pager"][..]),
            (&[("severity", "critical"), ("team", "a")], &["chat", "team-a"]),
            (&[("severity", "critical"), ("team", "a"), ("env", "test")], &["chat", "pager"]),
            (&[("severity", "critical"), ("team", "bb")], &["chat", "pager"]),
            (&[("severity", "page")], &["chat", "mail"]),
            (&[("severity", "none")], &["default"]),
            (&[("severity", "critical-ish")], &["mail"]),
            (&[("alertname", "Watchdog"), ("severity", "none")], &["dead-man"]),
        ] {
            assert_eq!(receivers(&tree, labels), expected, "{labels:?}");
        }
        let route = Route::parse(&tree, None).unwrap();
        assert_eq!(route.values("severity"), ["critical", "page", "critical", "info", "none"]);
        assert!(route.ways(&[("severity", "warning")])[0].timed);
    }

    #[test]
    fn what_cannot_be_walked_is_told() {
        for tree in [
            json!({"routes": []}),
            json!({"receiver": "a", "matchers": ["severity"]}),
            json!({"receiver": "a", "matchers": [1]}),
            json!({"receiver": "a", "match_re": {"b": "("}}),
        ] {
            assert_eq!(Route::parse(&tree, None).unwrap_err().reason, Reason::ParseError, "{tree}");
        }
    }
}
