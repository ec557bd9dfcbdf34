//! The CEL environment of checks: the standard library, its extensions, and the few functions that the field needs.
//!
//! Every function is pure. What it is given it reads in full, so the field derivation keeps the whole of its arguments.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use cel::common::types::{CelBool, CelDouble, CelInt, CelString, DYN_TYPE, STRING_TYPE, Type};
use cel::common::value::CowVal;
use cel::{Env, ExecutionError, extensions};

use crate::settings;
use crate::value::Value;

/// An expression may be this long, in bytes.
pub const MAX_SOURCE: usize = 4096;

type Args<'b, 'v> = Vec<CowVal<'b, 'v>>;
type Outcome<'b, 'v> = Result<CowVal<'b, 'v>, ExecutionError>;
type Function = for<'b, 'v> fn(Args<'b, 'v>) -> Outcome<'b, 'v>;

/// A function of the environment, as the guide lists it.
#[derive(Debug)]
pub struct FunctionDoc {
    /// How it is called.
    pub signature: &'static str,
    /// What it yields.
    pub doc: &'static str,
}

#[derive(Debug)]
struct Entry {
    name: &'static str,
    id: &'static str,
    args: &'static [fn() -> Type],
    body: Function,
    doc: FunctionDoc,
}

const ANY: fn() -> Type = || DYN_TYPE;
const TEXT: fn() -> Type = || STRING_TYPE;

macro_rules! entry {
    ($name:literal, [$($arg:ident),*], $body:ident, $signature:literal, $doc:literal) => {
        Entry {
            name: $name,
            id: concat!("proofbook_", $name),
            args: &[$($arg),*],
            body: $body,
            doc: FunctionDoc { signature: $signature, doc: $doc },
        }
    };
}

static FUNCTIONS: &[Entry] = &[
    entry!(
        "cidr_contains",
        [TEXT, TEXT],
        cidr_contains,
        "cidr_contains(cidr, address) -> bool",
        "Whether the CIDR block holds the address."
    ),
    entry!(
        "cron_interval",
        [TEXT],
        cron_interval,
        "cron_interval(expression) -> int",
        "The longest gap in minutes between two runs of a cron schedule (five fields or @daily and the like)."
    ),
    entry!(
        "flag",
        [ANY, TEXT],
        flag,
        "flag(words, name) -> string",
        "The value of a command-line flag among words, `true` for a bare one, `\"\"` where it is absent."
    ),
    entry!("glob", [TEXT, TEXT], glob, "glob(pattern, text) -> bool", "Whether text matches the pattern; `*` stands for any text."),
    entry!("hours", [TEXT], hours, "hours(duration) -> double", "A Go duration (`720h0m0s`) or a day count (`30d`) in hours."),
    entry!(
        "image",
        [TEXT],
        image,
        "image(reference) -> map",
        "An image reference as {registry, repository, tag, digest}; parts that are absent are empty, the registry defaults to docker.io."
    ),
    entry!("minor", [TEXT], minor, "minor(version) -> int", "The minor number of a version such as `v1.33.4`."),
    entry!(
        "permits",
        [ANY, TEXT, TEXT, TEXT],
        permits_call,
        "permits(rule, verb, group, resource) -> bool",
        "Whether an RBAC rule grants the verb on the resource (`pods`, `pods/log`) of the API group, wildcards included; a rule with resourceNames never grants list, watch or the creation of objects."
    ),
    entry!("quantity", [TEXT], quantity, "quantity(text) -> double", "A Kubernetes quantity (`500m`, `2Gi`) as a number."),
    entry!(
        "selects",
        [ANY, ANY],
        selects,
        "selects(selector, labels) -> bool",
        "Whether a Kubernetes label selector matches the labels; an empty selector matches all, null none."
    ),
    entry!(
        "selects_all",
        [ANY],
        selects_all,
        "selects_all(selector) -> bool",
        "Whether a Kubernetes label selector has no condition and so matches everything."
    ),
    entry!(
        "tls_rank",
        [TEXT],
        tls_rank,
        "tls_rank(version) -> int",
        "A protocol version in order: ssl3 < tls1.0 < tls1.1 < tls1.2 < tls1.3; spellings such as `TLSV1_2` and `1.2` are read, unknown ones are an error."
    ),
];

/// The functions that the environment adds to standard CEL, sorted by name.
pub fn documentation() -> impl Iterator<Item = &'static FunctionDoc> {
    FUNCTIONS.iter().map(|entry| &entry.doc)
}

/// The one environment of all checks.
#[must_use]
pub fn environment() -> &'static Arc<Env> {
    static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(|| {
        let mut env = Env::stdlib();
        for extension in [extensions::strings, extensions::lists, extensions::math] {
            env.add_extension(extension).expect("the library's extensions do not collide");
        }
        for entry in FUNCTIONS {
            let args = entry.args.iter().map(|arg| arg()).collect();
            env.add_overload(entry.name, entry.id, args, entry.body).expect("names of our own functions are unique");
        }
        Arc::new(env)
    });
    &ENVIRONMENT
}

/// A function of ours, to be called without the library.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Native(&'static Entry);

/// The function of a name and a number of arguments, where it is one of ours.
pub(crate) fn native(name: &str, args: usize) -> Option<Native> {
    FUNCTIONS.iter().find(|entry| entry.name == name && entry.args.len() == args).map(Native)
}

impl Native {
    /// Its result; none for an error, which is the library's to tell.
    pub(crate) fn call(self, args: &[Cow<'_, Value>]) -> Option<Value> {
        let args = args.iter().map(|arg| CowVal::Borrowed(arg.as_val())).collect();
        (self.0.body)(args).ok().and_then(|found| Value::from_val(found.as_ref()))
    }
}

/// Whether the environment declares a function or operator of this name, global or as a member.
///
/// The library does not say it in words, only by what a call without arguments comes to.
pub(crate) fn is_known(name: &str) -> bool {
    let is_word = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let declared = |call: String| {
        let context = cel::Context::with_env(Arc::clone(environment()));
        environment().compile(&call).is_ok_and(|program| {
            !matches!(cel::Value::resolve_val(program.expression(), &context), Err(ExecutionError::UndeclaredReference(_)))
        })
    };
    // Operators are not written as calls; the parser only makes those that exist.
    !is_word || name.starts_with('_') || declared(format!("{name}()")) || declared(format!("''.{name}()"))
}

fn fault(function: &str, message: impl ToString) -> ExecutionError {
    ExecutionError::function_error(function, message)
}

fn text<'a>(args: &'a Args<'_, '_>, at: usize) -> Result<&'a str, ExecutionError> {
    let arg = args.get(at).ok_or_else(ExecutionError::missing_argument_or_target)?;
    arg.downcast_ref::<CelString>()
        .map(CelString::inner)
        .ok_or_else(|| ExecutionError::UnexpectedType { got: arg.get_type().name().to_owned(), want: "string".to_owned() })
}

fn value(args: &Args<'_, '_>, at: usize) -> Result<Value, ExecutionError> {
    let arg = args.get(at).ok_or_else(ExecutionError::missing_argument_or_target)?;
    Value::from_val(arg.as_ref()).ok_or_else(|| fault("argument", "has no JSON form"))
}

fn bool<'b, 'v>(flag: bool) -> Outcome<'b, 'v> {
    Ok(CowVal::owned(CelBool::from(flag)))
}

fn glob<'b, 'v>(args: Args<'b, 'v>) -> Outcome<'b, 'v> {
    bool(settings::glob(text(&args, 0)?, text(&args, 1)?))
}

fn tls_rank<'b, 'v>(args: Args<'b, 'v>) -> Outcome<'b, 'v> {
    let given = text(&args, 0)?;
    // Spellings: `1.2`, `TLSv1.2`, `TLSV1_2`, `tls1.2`, Go's `VersionTLS12`, `SSLv3`, `VersionSSL30`.
    let plain: String = given.to_ascii_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
    let plain = plain.strip_prefix("version").unwrap_or(&plain);
    let number = plain.strip_prefix("tls").unwrap_or(plain).trim_start_matches('v');
    let rank = match (number, plain) {
        (_, "ssl3" | "ssl30" | "sslv3") => 0,
        ("1" | "10", _) => 1,
        ("11", _) => 2,
        ("12", _) => 3,
        ("13", _) => 4,
        _ => return Err(fault("tls_rank", format!("`{given}` is not a TLS version"))),
    };
    Ok(CowVal::owned(CelInt::from(rank)))
}

fn minor<'b, 'v>(args: Args<'b, 'v>) -> Outcome<'b, 'v> {
    let given = text(&args, 0)?;
    let digits: String = given.split('.').nth(1).unwrap_or_default().chars().take_while(char::is_ascii_digit).collect();
    let number: i64 = digits.parse().map_err(|_| fault("minor", format!("`{given}` is not a version")))?;
    Ok(CowVal::owned(CelInt::from(number)))
}

fn hours<'b, 'v>(args: Args<'b, 'v>) -> Outcome<'b, 'v> {
    let given = text(&args, 0)?;
    parse_hours(given)
        .map(|hours| CowVal::owned(CelDouble::from(hours)))
        .ok_or_else(|| fault("hours", format!("`{given}` is not a duration")))
}

/// Reads a duration such as `720h0m0s`, `30d` or `90m` in hours.
#[must_use]
pub fn parse_hours(given: &str) -> Option<f64> {
    let mut total = 0.0;
    let mut rest = given.trim();
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        let unit_end = rest[digits..].find(|c: char| c.is_ascii_digit()).map_or(rest.len(), |at| digits + at);
        total += number
            * match &rest[digits..unit_end] {
                "y" => 365.0 * 24.0,
                "w" => 7.0 * 24.0,
                "d" => 24.0,
                "h" => 1.0,
                "m" => 1.0 / 60.0,
                "s" => 1.0 / 3600.0,
                "ms" => 1.0 / 3_600_000.0,
                _ => return None,
            };
        rest = &rest[unit_end..];
    }
    Some(total)
}

fn quantity<'b, 'v>(args: Args<'b, 'v>) -> Outcome<'b, 'v> {
    let given = text(&args, 0)?;
    let end = given.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '+' | '-'))).unwrap_or(given.len());
    let (number, suffix) = given.split_at(end);
    let factor = match suffix {
        "" => 1.0,
        "n" => 1e-9,
        "u" => 1e-6,
        "m" => 1e-3,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "P" => 1e15,
        "E" => 1e18,
        "Ki" => 1024.0,
        "Mi" => 1024.0_f64.powi(2),
        "Gi" => 1024.0_f64.powi(3),
        "Ti" => 1024.0_f64.powi(4),
        "Pi" => 1024.0_f64.powi(5),
        "Ei" => 1024.0_f64.powi(6),
        _ => f64::NAN,
    };
    match number.parse::<f64>() {
        Ok(number) if factor.is_finite() => Ok(CowVal::owned(CelDouble::from(number * factor))),
        _ => Err(fault("quantity", format!("`{given}` is not a quantity"))),
    }
}

fn cidr_contains<'b, 'v>(args: Args<'b, 'v>) -> Outcome<'b, 'v> {
    let (block, address) = (text(&args, 0)?, text(&args, 1)?);
    let bad = |what: &str| fault("cidr_contains", format!("`{what}` is not an address"));
    let (base, length) = block.split_once('/').ok_or_else(|| bad(block))?;
    let base: std::net::IpAddr = base.parse().map_err(|_| bad(block))?;
    let length: u32 = length.parse().map_err(|_| bad(block))?;
    let address: std::net::IpAddr = address.parse().map_err(|_| bad(address))?;
    let bits = |ip: std::net::IpAddr| match ip {
        std::net::IpAddr::V4(ip) => (u128::from(u32::from(ip)) << 96, 32),
        std::net::IpAddr::V6(ip) => (u128::from(ip), 128),
    };
    let ((base, width), (address, other)) = (bits(base), bits(address));
    if width != other || length > width {
        return bool(false);
    }
    bool(length == 0 || (base ^ address) >> (128 - length) == 0)
}

fn image<'b, 'v>(args: Args<'b, 'v>) -> Outcome<'b, 'v> {
    let given = text(&args, 0)?;
    let (name, digest) = given.split_once('@').unwrap_or((given, ""));
    let after_slash = name.rfind('/').map_or(0, |at| at + 1);
    let (name, tag) = match name[after_slash..].rfind(':') {
        Some(at) => (&name[..after_slash + at], &name[after_slash + at + 1..]),
        None => (name, ""),
    };
    // The first part is a registry only if it looks like a host, as the reference grammar has it.
    let (registry, repository) = match name.split_once('/') {
        Some((host, rest)) if host.contains(['.', ':']) || host == "localhost" => (host, rest),
        _ => ("docker.io", name),
    };
    Ok(CowVal::owned(Value::map(vec![
        ("registry", Value::str(registry)),
        ("repository", Value::str(repository)),
        ("tag", Value::str(tag)),
        ("digest", Value::str(digest)),
    ])))
}

fn flag<'b, 'v>(args: Args<'b, 'v>) -> Outcome<'b, 'v> {
    let words = value(&args, 0)?;
    let name = text(&args, 1)?;
    let words = words.as_list().unwrap_or_default();
    let mut found = "";
    for (at, word) in words.iter().enumerate() {
        let Some(word) = word.as_str() else { continue };
        if let Some(given) = word.strip_prefix(name).and_then(|rest| rest.strip_prefix('=')) {
            found = given;
        } else if word == name {
            let next = words.get(at + 1).and_then(Value::as_str).filter(|next| !next.starts_with('-'));
            found = next.unwrap_or("true");
        }
    }
    Ok(CowVal::owned(CelString::from(found.to_owned())))
}

fn selects<'b, 'v>(args: Args<'b, 'v>) -> Outcome<'b, 'v> {
    let (selector, labels) = (value(&args, 0)?, value(&args, 1)?);
    bool(selector_matches(&selector, &labels))
}

fn selects_all<'b, 'v>(args: Args<'b, 'v>) -> Outcome<'b, 'v> {
    let selector = value(&args, 0)?;
    let empty = |key: &str| match selector.get(key) {
        None => true,
        Some(value) => value.as_map().is_some_and(<[_]>::is_empty) || value.as_list().is_some_and(<[_]>::is_empty),
    };
    bool(selector.as_map().is_some() && empty("matchLabels") && empty("matchExpressions"))
}

/// Whether a Kubernetes label selector matches labels (`metav1.LabelSelector`, or the plain map of a Service).
#[must_use]
pub fn selector_matches(selector: &Value, labels: &Value) -> bool {
    let Some(entries) = selector.as_map() else {
        return false;
    };
    let structured = entries.is_empty()
        || entries.iter().any(|(key, value)| matches!(*key, "matchLabels" | "matchExpressions") && value.as_str().is_none());
    let plain = if structured { selector.get("matchLabels") } else { Some(selector) };
    let labels_match = plain.and_then(Value::as_map).unwrap_or_default().iter().all(|(key, wanted)| labels.get(key) == Some(wanted));
    let expressions = selector.get("matchExpressions").filter(|_| structured);
    labels_match && expressions.and_then(Value::as_list).unwrap_or_default().iter().all(|expression| expression_matches(expression, labels))
}

fn expression_matches(expression: &Value, labels: &Value) -> bool {
    let key = expression.get("key").and_then(Value::as_str).unwrap_or_default();
    let found = labels.get(key);
    let listed = || {
        let values = expression.get("values").and_then(Value::as_list).unwrap_or_default();
        found.is_some_and(|found| values.contains(found))
    };
    match expression.get("operator").and_then(Value::as_str) {
        Some("In") => listed(),
        Some("NotIn") => !listed(),
        Some("Exists") => found.is_some(),
        Some("DoesNotExist") => found.is_none(),
        _ => false,
    }
}

fn permits_call<'b, 'v>(args: Args<'b, 'v>) -> Outcome<'b, 'v> {
    let rule = value(&args, 0)?;
    bool(permits(&rule, text(&args, 1)?, text(&args, 2)?, text(&args, 3)?))
}

/// Whether a rule of a Role or ClusterRole grants `verb` on `resource` of the API group `group`, on one object at least.
///
/// `*` stands for every verb, group or resource, subresources included; `*/scale` for that subresource of every resource, while
/// `pods/*` means nothing to the API server. The name of an object is not known when it is created, nor in a list or watch of all,
/// so `resourceNames` never grant those; a subresource is created under a known name.
///
/// Newer servers know narrower forms of `impersonate`, such as `impersonate:user-info` in the group `authentication.k8s.io`. Each
/// lets its holder be somebody else, so whoever asks for `impersonate` is told of them too.
#[must_use]
pub fn permits(rule: &Value, verb: &str, group: &str, resource: &str) -> bool {
    let has = |key: &str, wanted: &dyn Fn(&str) -> bool| {
        let items = rule.get(key).and_then(Value::as_list).unwrap_or_default();
        items.iter().filter_map(Value::as_str).any(|item| item == "*" || wanted(item))
    };
    let subresource = resource.split_once('/').map(|(_, subresource)| subresource);
    let of_any = |item: &str| item.strip_prefix("*/").is_some_and(|of_any| Some(of_any) == subresource);
    let named = rule.get("resourceNames").and_then(Value::as_list).is_some_and(|names| !names.is_empty());
    let nameless = matches!(verb, "list" | "watch" | "deletecollection") || verb == "create" && subresource.is_none();
    let narrower = verb == "impersonate" && has("verbs", &|item| item.starts_with("impersonate:"));
    (narrower || has("verbs", &|item| item == verb))
        && has("apiGroups", &|item| item == group || narrower && item == "authentication.k8s.io")
        && has("resources", &|item| item == resource || of_any(item))
        && !(named && nameless)
}

fn cron_interval<'b, 'v>(args: Args<'b, 'v>) -> Outcome<'b, 'v> {
    let given = text(&args, 0)?;
    crate::cron::longest_gap_minutes(given)
        .map(|minutes| CowVal::owned(CelInt::from(minutes)))
        .ok_or_else(|| fault("cron_interval", format!("`{given}` is not a cron schedule")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn eval(expression: &str) -> Value {
        crate::cel_view::start_budget(1000);
        let program = environment().compile(expression).unwrap();
        let context = cel::Context::with_env(Arc::clone(environment()));
        let result = cel::Value::resolve_val(program.expression(), &context).unwrap();
        Value::from_val(result.as_ref()).unwrap()
    }

    #[test]
    fn only_declared_functions_are_known() {
        for name in ["size", "lowerAscii", "glob", "timestamp", "matches", "orValue", "split", "_+_", "string", "flatten", "join"] {
            assert!(is_known(name), "{name}");
        }
        for name in ["lowerAsci", "shout", "eval"] {
            assert!(!is_known(name), "{name}");
        }
    }

    #[test]
    fn a_rule_permits_what_the_api_server_lets_through() {
        let rule = |json: serde_json::Value| Value::from_json(&json);
        let all = rule(serde_json::json!({"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}));
        assert!(permits(&all, "create", "apps", "deployments") && permits(&all, "get", "", "pods/log"));
        let scale = rule(serde_json::json!({"apiGroups": ["apps"], "resources": ["*/scale", "pods/*"], "verbs": ["get"]}));
        assert!(permits(&scale, "get", "apps", "deployments/scale"));
        for (group, resource) in [("apps", "deployments"), ("apps", "deployments/status"), ("", "deployments/scale"), ("apps", "pods/log")]
        {
            assert!(!permits(&scale, "get", group, resource), "{group} {resource}");
        }
        let named =
            rule(serde_json::json!({"apiGroups": [""], "resources": ["secrets", "pods/exec"], "resourceNames": ["x"], "verbs": ["*"]}));
        assert!(
            permits(&named, "get", "", "secrets") && permits(&named, "delete", "", "secrets") && permits(&named, "create", "", "pods/exec")
        );
        for verb in ["list", "watch", "create", "deletecollection"] {
            assert!(!permits(&named, verb, "", "secrets"), "{verb}");
        }
        let narrower = |group: &str, verb: &str| rule(serde_json::json!({"apiGroups": [group], "resources": ["users"], "verbs": [verb]}));
        let known = narrower("authentication.k8s.io", "impersonate:user-info");
        assert!(permits(&known, "impersonate", "", "users") && !permits(&known, "impersonate", "", "serviceaccounts"));
        assert!(!permits(&known, "get", "", "users"));
        assert!(!permits(&narrower("authentication.k8s.io", "impersonate"), "impersonate", "", "users"));
        let paths = rule(serde_json::json!({"nonResourceURLs": ["*"], "verbs": ["*"]}));
        assert!(!permits(&paths, "get", "", "pods"));
    }

    #[test]
    fn functions_of_the_field() {
        for expression in [
            "image('nginx').registry == 'docker.io' && image('nginx').tag == ''",
            "image('localhost:5000/a/b:1.2@sha256:ab').registry == 'localhost:5000'",
            "image('localhost:5000/a/b:1.2@sha256:ab').tag == '1.2'",
            "image('r.example/a:5').digest == ''",
            "hours('720h0m0s') == 720.0 && hours('30d') == 720.0",
            "minor('v1.33.4') == 33 && minor('v1.30+') == 30",
            "quantity('2Gi') == 2147483648.0 && quantity('500m') == 0.5",
            "tls_rank('TLSV1_2') == tls_rank('1.2') && tls_rank('VersionTLS13') > tls_rank('tls1.2')",
            "tls_rank('VersionTLS10') == tls_rank('TLSv1') && tls_rank('SSLv3') == 0 && tls_rank('VersionSSL30') == 0",
            "cidr_contains('10.0.0.0/8', '10.1.2.3') && !cidr_contains('10.0.0.0/8', '11.0.0.1')",
            "selects({'matchLabels': {'a': 'b'}}, {'a': 'b', 'c': 'd'}) && !selects({'a': 'x'}, {'a': 'b'})",
            "selects_all({}) && !selects_all({'matchLabels': {'a': 'b'}})",
            "selects({'matchExpressions': [{'key': 'a', 'operator': 'NotIn', 'values': ['b']}]}, {})",
            "flag(['x', '--a=1', '--b', '2', '--c'], '--b') == '2' && flag(['--c'], '--c') == 'true' && flag([], '--d') == ''",
            "cron_interval('0 3 * * *') == 1440 && cron_interval('*/15 * * * *') == 15 && cron_interval('@weekly') == 10080",
        ] {
            assert_eq!(eval(expression), Value::from(true), "{expression}");
        }
    }
}
