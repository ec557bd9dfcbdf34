//! The login of a realm as the ways in which somebody can get through it.
//!
//! Keycloak describes a login as a tree of steps and sub-flows, each required, alternative, conditional or disabled. The tree
//! is rewritten into its ways: each a list of steps that all must succeed, a step with the conditions on which it is asked.

use std::collections::BTreeMap;

use proofbook_checks::inventory::Reason;
use serde_json::{Value as Json, json};

use super::Session;
use crate::observed::Unread;

/// More ways than any login that people still understand.
const WAYS: usize = 64;

/// Steps by which a way is found out and not walked.
const CONDITION: &str = "conditional-";

/// The ways of a login.
pub(super) async fn login(session: &Session<'_>, alias: &str) -> Result<Json, Unread> {
    let executions = session.list(&["authentication", "flows", alias, "executions"], &[]).await?;
    let steps = tree(&executions)?;
    let mut roles = BTreeMap::new();
    for id in conditions(&steps).filter_map(|condition| condition.config.clone()) {
        let config = session.get(&["authentication", "config", &id], &[]).await?;
        roles.insert(id, config["config"].clone());
    }
    let ways = ways(&steps)?;
    let told: Vec<Vec<Json>> = ways.iter().map(|way| way.iter().map(|step| step.told(&roles)).collect()).collect();
    Ok(json!({"flow": alias, "ways": told}))
}

/// What users may be made to do, such as to set up a second factor.
pub(super) async fn required_actions(session: &Session<'_>) -> Result<Json, Unread> {
    let actions = session.list(&["authentication", "required-actions"], &[]).await?;
    let told = actions.iter().map(|action| {
        json!({
            "alias": action["alias"].as_str().unwrap_or_default(),
            "enabled": action["enabled"].as_bool().unwrap_or(false),
            "default": action["defaultAction"].as_bool().unwrap_or(false),
        })
    });
    Ok(told.collect())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Requirement {
    Required,
    Alternative,
    Conditional,
    Disabled,
}

/// A step or a sub-flow.
#[derive(Clone, Debug)]
struct Node {
    requirement: Requirement,
    provider: String,
    config: Option<String>,
    below: Option<Vec<Node>>,
}

/// A step of a way, with the conditions on which it is asked.
#[derive(Clone, Debug)]
struct Step {
    provider: String,
    when: Vec<Node>,
}

type Way = Vec<Step>;

impl Node {
    fn is_condition(&self) -> bool {
        self.below.is_none() && self.provider.starts_with(CONDITION)
    }
}

impl Step {
    fn told(&self, roles: &BTreeMap<String, Json>) -> Json {
        let when = self.when.iter().map(|condition| {
            let config = condition.config.as_ref().and_then(|id| roles.get(id));
            let setting = |name: &str| config.and_then(|config| config[name].as_str()).unwrap_or_default();
            let role = setting("condUserRole");
            json!({"condition": condition.provider, "role": role, "negated": setting("negate") == "true"})
        });
        json!({"provider": self.provider, "when": when.collect::<Vec<_>>()})
    }
}

// Executions come in the order of the tree, each with its level.
fn tree(executions: &[Json]) -> Result<Vec<Node>, Unread> {
    let mut rest = executions;
    let nodes = level(&mut rest, 0)?;
    if rest.is_empty() { Ok(nodes) } else { Err(nonsense("its levels do not fit together")) }
}

fn level(rest: &mut &[Json], depth: i64) -> Result<Vec<Node>, Unread> {
    let mut nodes = Vec::new();
    while let Some((execution, after)) = rest.split_first() {
        let at = execution["level"].as_i64().ok_or_else(|| nonsense("a step has no level"))?;
        if at < depth {
            break;
        }
        if at > depth {
            return Err(nonsense("its levels do not fit together"));
        }
        *rest = after;
        let requirement = match execution["requirement"].as_str() {
            Some("REQUIRED") => Requirement::Required,
            Some("ALTERNATIVE") => Requirement::Alternative,
            Some("CONDITIONAL") => Requirement::Conditional,
            Some("DISABLED") => Requirement::Disabled,
            _ => return Err(nonsense("a step has no requirement that is known")),
        };
        let is_flow = execution["authenticationFlow"].as_bool().unwrap_or(false);
        let provider = execution["providerId"].as_str().unwrap_or_default().to_owned();
        if !is_flow && provider.is_empty() {
            return Err(nonsense("a step has no provider"));
        }
        let config = execution["authenticationConfig"].as_str().map(str::to_owned);
        let below = if is_flow { Some(level(rest, depth + 1)?) } else { None };
        nodes.push(Node { requirement, provider, config, below });
    }
    Ok(nodes)
}

// What is required decides alone; alternatives count only where nothing beside them is required.
fn ways(nodes: &[Node]) -> Result<Vec<Way>, Unread> {
    let active = || nodes.iter().filter(|node| node.requirement != Requirement::Disabled && !node.is_condition());
    let is_required = |node: &Node| matches!(node.requirement, Requirement::Required | Requirement::Conditional);
    let found = if active().any(is_required) {
        let mut whole: Vec<Way> = vec![Way::new()];
        for node in active().filter(|node| is_required(node)) {
            let parts = through(node)?;
            let joined = whole.iter().flat_map(|way| parts.iter().map(move |part| [way.as_slice(), part.as_slice()].concat()));
            whole = joined.take(WAYS + 1).collect();
        }
        whole
    } else {
        let mut all = Vec::new();
        for node in active() {
            all.extend(through(node)?);
        }
        all
    };
    if found.len() > WAYS { Err(nonsense("it has too many ways")) } else { Ok(found) }
}

fn through(node: &Node) -> Result<Vec<Way>, Unread> {
    let Some(below) = &node.below else {
        return Ok(vec![vec![Step { provider: node.provider.clone(), when: Vec::new() }]]);
    };
    if node.requirement != Requirement::Conditional {
        return ways(below);
    }
    let asked_when: Vec<Node> =
        below.iter().filter(|node| node.is_condition() && node.requirement != Requirement::Disabled).cloned().collect();
    // A conditional sub-flow without a condition is never entered.
    if asked_when.is_empty() {
        return Ok(vec![Way::new()]);
    }
    let mut found = ways(below)?;
    for step in found.iter_mut().flatten() {
        step.when.extend(asked_when.iter().cloned());
    }
    Ok(found)
}

fn conditions(nodes: &[Node]) -> impl Iterator<Item = &Node> {
    let mut found = Vec::new();
    let mut open: Vec<&Node> = nodes.iter().collect();
    while let Some(node) = open.pop() {
        if node.is_condition() && node.requirement != Requirement::Disabled {
            found.push(node);
        }
        open.extend(node.below.iter().flatten());
    }
    found.into_iter()
}

fn nonsense(detail: &str) -> Unread {
    Unread::new(Reason::ParseError, format!("the login of the realm cannot be read: {detail}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(level: i64, requirement: &str, provider: &str) -> Json {
        json!({"level": level, "requirement": requirement, "providerId": provider})
    }

    fn flow(level: i64, requirement: &str) -> Json {
        json!({"level": level, "requirement": requirement, "authenticationFlow": true, "displayName": "sub"})
    }

    // Ways as texts; a step that is asked on a condition stands in brackets.
    fn read(executions: &[Json]) -> Vec<String> {
        let shown = |step: &Step| if step.when.is_empty() { step.provider.clone() } else { format!("[{}]", step.provider) };
        let ways = ways(&tree(executions).unwrap()).unwrap();
        ways.iter().map(|way| way.iter().map(shown).collect::<Vec<_>>().join(" ")).collect()
    }

    #[test]
    fn the_login_that_keycloak_brings_along() {
        let executions = [
            step(0, "ALTERNATIVE", "auth-cookie"),
            step(0, "DISABLED", "auth-spnego"),
            step(0, "ALTERNATIVE", "identity-provider-redirector"),
            flow(0, "ALTERNATIVE"),
            step(1, "REQUIRED", "auth-username-password-form"),
            flow(1, "CONDITIONAL"),
            step(2, "REQUIRED", "conditional-user-configured"),
            step(2, "REQUIRED", "auth-otp-form"),
        ];
        assert_eq!(read(&executions), ["auth-cookie", "identity-provider-redirector", "auth-username-password-form [auth-otp-form]"]);
    }

    #[test]
    fn required_steps_multiply_with_alternatives_below() {
        let executions = [
            step(0, "REQUIRED", "auth-username-password-form"),
            step(0, "ALTERNATIVE", "ignored-beside-required"),
            flow(0, "REQUIRED"),
            step(1, "ALTERNATIVE", "auth-otp-form"),
            step(1, "ALTERNATIVE", "webauthn-authenticator"),
            step(1, "DISABLED", "auth-recovery-authn-code-form"),
        ];
        let password = "auth-username-password-form";
        assert_eq!(read(&executions), [format!("{password} auth-otp-form"), format!("{password} webauthn-authenticator")]);
    }

    #[test]
    fn a_conditional_flow_without_condition_asks_nothing() {
        let executions = [
            step(0, "REQUIRED", "auth-username-password-form"),
            flow(0, "CONDITIONAL"),
            step(1, "DISABLED", "conditional-user-configured"),
            step(1, "REQUIRED", "auth-otp-form"),
        ];
        assert_eq!(read(&executions), ["auth-username-password-form"]);
    }

    #[test]
    fn nonsense_is_told_and_never_guessed() {
        for executions in [
            vec![json!({"requirement": "REQUIRED", "providerId": "a"})],
            vec![step(1, "REQUIRED", "a")],
            vec![step(0, "SOMETIMES", "a")],
            vec![step(0, "REQUIRED", "")],
            vec![flow(0, "REQUIRED"), step(2, "REQUIRED", "a")],
        ] {
            assert!(tree(&executions).is_err(), "{executions:?}");
        }
        let many: Vec<Json> = (0..65).map(|number| step(0, "ALTERNATIVE", &format!("a{number}"))).collect();
        assert!(ways(&tree(&many).unwrap()).is_err());
    }
}
