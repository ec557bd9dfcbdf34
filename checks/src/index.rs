//! Joins: for a subject, the objects that belong to it, found through an index instead of a search.

use std::collections::HashMap;

use crate::compile::{Join, Match, Origin};
use crate::definition::JoinOn;
use crate::evaluate::{Bindings, Trouble, eval};
use crate::functions::selector_matches;
use crate::value::Value;

/// Objects by key.
#[derive(Debug, Default)]
pub(crate) struct Index {
    by_key: HashMap<String, Vec<Value>>,
    // Every object, where a join asks for all of them.
    all: Option<Value>,
}

impl Index {
    /// Indexes `objects` the way `join` finds them.
    ///
    /// # Errors
    /// A key expression that cannot be evaluated over one of the objects: nothing must be judged without it.
    pub(crate) fn new(join: &Join, objects: &[Value], params: &Value) -> Result<Self, Trouble> {
        let mut index = Self::default();
        if let Match::On(JoinOn::Cluster) = join.matching {
            index.all = Some(Value::list(objects.to_vec()));
            return Ok(index);
        }
        for object in objects {
            for key in object_keys(join, object, params)? {
                index.by_key.entry(key).or_default().push(object.clone());
            }
        }
        Ok(index)
    }

    /// The objects that belong to a subject, as a list.
    ///
    /// # Errors
    /// A key expression that cannot be evaluated over the subject.
    pub(crate) fn find(&self, join: &Join, subject: &Value, origin: &Origin, bindings: &Bindings<'_>) -> Result<Value, Trouble> {
        if let Some(all) = &self.all {
            return Ok(all.clone());
        }
        let keys = match &join.matching {
            Match::On(on) => subject_key(*on, subject).into_iter().collect(),
            Match::Key(rules) => {
                let rule = &rules.0;
                let found = eval(rule, bindings)?;
                strings(&found.to_value()).ok_or_else(|| Trouble::rule(format!("the key `{}` is neither text nor a list of texts", rule.text)))?
            }
        };
        let mut found: Vec<Value> = Vec::new();
        match keys.as_slice() {
            [key] => found.extend(self.by_key.get(key).into_iter().flatten().cloned()),
            keys => {
                // An object that several keys lead to is still one object.
                for object in keys.iter().filter_map(|key| self.by_key.get(key)).flatten() {
                    if !found.iter().any(|known| known.is_same(object)) {
                        found.push(object.clone());
                    }
                }
            }
        }
        if let Match::On(JoinOn::Selector) = join.matching {
            let labels: &[&str] = match origin {
                Origin::View(_) => &["template", "metadata", "labels"],
                Origin::Resource(_) => &["metadata", "labels"],
            };
            let none = Value::map(Vec::new());
            let labels = subject.at(labels).unwrap_or(&none);
            found.retain(|object| object.at(&["spec", "selector"]).is_some_and(|selector| selector_matches(selector, labels)));
        }
        Ok(Value::list(found))
    }
}

fn metadata<'v>(object: &'v Value, key: &str) -> &'v str {
    object.at(&["metadata", key]).and_then(Value::as_str).unwrap_or_default()
}

fn kind(object: &Value) -> &str {
    object.get("kind").and_then(Value::as_str).unwrap_or_default()
}

// A Namespace stands for itself in joins by namespace.
fn namespace(object: &Value) -> &str {
    metadata(object, if kind(object) == "Namespace" { "name" } else { "namespace" })
}

fn role(kind: &str, namespace: &str, name: &str) -> String {
    match kind {
        "ClusterRole" => format!("ClusterRole/{name}"),
        other => format!("{other}/{namespace}/{name}"),
    }
}

fn object_keys(join: &Join, object: &Value, params: &Value) -> Result<Vec<String>, Trouble> {
    Ok(match &join.matching {
        Match::On(JoinOn::Namespace | JoinOn::Selector) => vec![namespace(object).to_owned()],
        Match::On(JoinOn::Name) => vec![format!("{}/{}", metadata(object, "namespace"), metadata(object, "name"))],
        Match::On(JoinOn::RoleRef) => vec![role(kind(object), metadata(object, "namespace"), metadata(object, "name"))],
        Match::On(JoinOn::Owner) => {
            let owners = object.at(&["metadata", "ownerReferences"]).and_then(Value::as_list).unwrap_or_default();
            owners.iter().filter_map(|owner| owner.get("uid").and_then(Value::as_str)).map(str::to_owned).collect()
        }
        Match::On(JoinOn::Cluster) => Vec::new(),
        Match::Key(rules) => {
            let rule = &rules.1;
            let mut bindings = Bindings::new(params);
            bindings.set("object", object.clone());
            let found = eval(rule, &bindings)?;
            strings(&found.to_value()).ok_or_else(|| Trouble::rule(format!("the key `{}` is neither text nor a list of texts", rule.text)))?
        }
    })
}

fn subject_key(on: JoinOn, subject: &Value) -> Option<String> {
    match on {
        JoinOn::Namespace | JoinOn::Selector => Some(namespace(subject).to_owned()),
        JoinOn::Name => Some(format!("{}/{}", metadata(subject, "namespace"), metadata(subject, "name"))),
        JoinOn::Owner => Some(metadata(subject, "uid").to_owned()).filter(|uid| !uid.is_empty()),
        JoinOn::RoleRef => {
            let text = |key: &str| subject.at(&["roleRef", key]).and_then(Value::as_str).unwrap_or_default();
            Some(role(text("kind"), metadata(subject, "namespace"), text("name")))
        }
        JoinOn::Cluster => None,
    }
}

// A text, or a list of texts.
fn strings(value: &Value) -> Option<Vec<String>> {
    match (value.as_str(), value.as_list()) {
        (Some(text), _) => Some(vec![text.to_owned()]),
        (None, Some(items)) => items.iter().map(|item| item.as_str().map(str::to_owned)).collect(),
        (None, None) => None,
    }
}
