//! Joins: for a subject, the objects that belong to it, found through an index instead of a search.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use crate::compile::{Join, Match, Origin, Rule};
use crate::definition::JoinOn;
use crate::expression::{Bindings, Trouble, eval};
use crate::functions::selector_matches;
use crate::value::Value;

/// Objects by key.
#[derive(Debug, Default)]
pub(crate) struct Index {
    // The objects of a key as the list that expressions see.
    by_key: HashMap<String, Value>,
    // Every object, where a join asks for all of them.
    all: Option<Value>,
}

impl Index {
    /// Indexes objects the way a ready-made join finds them.
    pub(crate) fn on(on: JoinOn, objects: &[Value]) -> Self {
        if on == JoinOn::Cluster {
            return Self { all: Some(Value::list(objects.to_vec())), ..Self::default() };
        }
        let keyed = objects.iter().flat_map(|object| object_keys(on, object).into_iter().map(move |key| (key.into_owned(), object)));
        Self::of(keyed)
    }

    /// Indexes objects by an expression over each of them.
    ///
    /// # Errors
    /// A key expression that cannot be evaluated over one of the objects: nothing must be judged without it.
    pub(crate) fn by_key(rule: &Rule, objects: &[Value], params: &Value) -> Result<Self, Trouble> {
        let mut keyed = Vec::with_capacity(objects.len());
        let mut bindings = Bindings::new(params, None);
        for object in objects {
            bindings.clear();
            bindings.set("object", object.clone());
            match keys(rule, &bindings)? {
                Keys::One(key) => keyed.push((key, object)),
                Keys::Several(keys) => keyed.extend(keys.into_iter().map(|key| (key, object))),
            }
        }
        Ok(Self::of(keyed))
    }

    fn of<'v>(keyed: impl IntoIterator<Item = (String, &'v Value)>) -> Self {
        let mut by_key: HashMap<String, Vec<Value>> = HashMap::new();
        for (key, object) in keyed {
            by_key.entry(key).or_default().push(object.clone());
        }
        Self { by_key: by_key.into_iter().map(|(key, objects)| (key, Value::list(objects))).collect(), all: None }
    }

    /// The objects that belong to a subject, as a list.
    ///
    /// # Errors
    /// A key expression that cannot be evaluated over the subject.
    pub(crate) fn find(&self, join: &Join, subject: &Value, origin: &Origin, bindings: &Bindings<'_>) -> Result<Value, Trouble> {
        if let Some(all) = &self.all {
            return Ok(all.clone());
        }
        match &join.matching {
            Match::On(on) => {
                let found = subject_key(*on, subject).map_or_else(|| Value::list(Vec::new()), |key| self.objects(&key));
                Ok(if *on == JoinOn::Selector { selecting(&found, subject, origin) } else { found })
            }
            Match::Key(rules) => match keys(&rules.0, bindings)? {
                Keys::One(key) => Ok(self.objects(&key)),
                Keys::Several(keys) => Ok(self.objects_of_any(&keys)),
            },
        }
    }

    fn objects(&self, key: &str) -> Value {
        self.by_key.get(key).cloned().unwrap_or_else(|| Value::list(Vec::new()))
    }

    // An object that several keys lead to is still one object.
    fn objects_of_any(&self, keys: &[String]) -> Value {
        if let [key] = keys {
            return self.objects(key);
        }
        let mut known = HashSet::new();
        let objects = keys.iter().filter_map(|key| self.by_key.get(key)?.as_list()).flatten();
        let is_new = |object: &&Value| !matches!(object, Value::Map(map) if !known.insert(map.address()));
        Value::list(objects.filter(is_new).cloned().collect())
    }
}

// Those of the objects whose `spec.selector` selects the subject's pod labels.
fn selecting(objects: &Value, subject: &Value, origin: &Origin) -> Value {
    let labels: &[&str] = match origin {
        Origin::View(_) => &["template", "metadata", "labels"],
        Origin::Resource(_) => &["metadata", "labels"],
    };
    let none = Value::map(Vec::new());
    let labels = subject.at(labels).unwrap_or(&none);
    let selects = |object: &&Value| object.at(&["spec", "selector"]).is_some_and(|selector| selector_matches(selector, labels));
    Value::list(objects.as_list().unwrap_or_default().iter().filter(selects).cloned().collect())
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

fn role<'v>(kind: &str, namespace: &str, name: &str) -> Cow<'v, str> {
    match kind {
        "ClusterRole" => format!("ClusterRole/{name}").into(),
        other => format!("{other}/{namespace}/{name}").into(),
    }
}

fn object_keys(on: JoinOn, object: &Value) -> Vec<Cow<'_, str>> {
    match on {
        JoinOn::Owner => {
            let owners = object.at(&["metadata", "ownerReferences"]).and_then(Value::as_list).unwrap_or_default();
            owners.iter().filter_map(|owner| owner.get("uid").and_then(Value::as_str)).map(Cow::Borrowed).collect()
        }
        JoinOn::RoleRef => vec![role(kind(object), metadata(object, "namespace"), metadata(object, "name"))],
        on => subject_key(on, object).into_iter().collect(),
    }
}

fn subject_key(on: JoinOn, subject: &Value) -> Option<Cow<'_, str>> {
    match on {
        JoinOn::Namespace | JoinOn::Selector => Some(namespace(subject).into()),
        JoinOn::Name => Some(format!("{}/{}", metadata(subject, "namespace"), metadata(subject, "name")).into()),
        JoinOn::Owner => Some(metadata(subject, "uid").into()).filter(|uid: &Cow<'_, str>| !uid.is_empty()),
        JoinOn::RoleRef => {
            let text = |key: &str| subject.at(&["roleRef", key]).and_then(Value::as_str).unwrap_or_default();
            Some(role(text("kind"), metadata(subject, "namespace"), text("name")))
        }
        JoinOn::Cluster => None,
    }
}

// What a key expression yields: a text, or a list of texts.
enum Keys {
    One(String),
    Several(Vec<String>),
}

fn keys(rule: &Rule, bindings: &Bindings<'_>) -> Result<Keys, Trouble> {
    let found = eval(rule, bindings)?.to_value();
    let several = || found.as_list()?.iter().map(|item| item.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>();
    match found.as_str() {
        Some(key) => Ok(Keys::One(key.to_owned())),
        None => several()
            .map(Keys::Several)
            .ok_or_else(|| Trouble::rule(format!("the key `{}` is neither text nor a list of texts", rule.text))),
    }
}
