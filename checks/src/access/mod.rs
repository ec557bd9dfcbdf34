//! Effective access: what each user, group and service account is granted, computed from roles and bindings as the API server does.
//!
//! A pure function of ClusterRoles, Roles and their bindings. The rules of an aggregated ClusterRole are gathered here as the
//! controller gathers them, since a dump need not hold its result; where it does, nothing changes. Group `system:masters` has
//! everything, whatever the bindings say. A binding whose role is missing grants nothing and is told. A service account is in the
//! groups `system:serviceaccounts:<namespace>`, `system:serviceaccounts` and `system:authenticated`, everybody else who logged in
//! is in the last one; what these hold stands apart from what the subject was given itself, so that a right can be counted where it
//! is given.
//!
//! Whoever may create pods in a namespace runs them under any of its service accounts, so it holds what those hold. The same goes
//! for workloads, for the image of a running pod, for tokens of service accounts, for a shell in a running pod, and for
//! impersonation. `acts_as` names the namespaces whose accounts a subject can take that way, also by way of accounts that can take
//! others; of an identity of the control plane, only by what somebody else than the server granted it.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::functions::{permits, selector_matches};
use crate::inventory::Inventory;
use crate::resource::Resource;
use crate::value::{Map, Name, Value};

const AUTHENTICATED: &str = "system:authenticated";
const ACCOUNTS: &str = "system:serviceaccounts";
const UNAUTHENTICATED: &str = "system:unauthenticated";

/// The control plane's own identities. `system:` is a reserved prefix, but whoever writes a binding or signs a certificate may use it,
/// so any other name of that form is nobody in particular. One that ends with a colon stands for all that begin so.
const SYSTEM_USERS: &[&str] =
    &["system:apiserver", "system:kube-controller-manager", "system:kube-proxy", "system:kube-scheduler", "system:node:"];
const SYSTEM_GROUPS: &[&str] = &["system:bootstrappers", "system:bootstrappers:", "system:masters", "system:monitoring", "system:nodes"];

fn is_listed(names: &[&str], name: Name) -> bool {
    names.iter().any(|known| *known == &*name || known.ends_with(':') && name.starts_with(known))
}

/// ClusterRoles, those that aggregate with the rules that they gather, and Roles.
pub(crate) fn roles(inventory: &Inventory) -> Vec<Value> {
    let cluster = inventory.objects(&rbac("clusterroles"));
    let mut gathered = Aggregation::new(cluster);
    let roles = inventory.objects(&rbac("roles")).iter().cloned();
    let cluster = cluster.iter().enumerate().map(|(at, role)| match (role, role.get("aggregationRule")) {
        (Value::Map(map), Some(_)) => with_rules(map, gathered.rules(at)),
        _ => role.clone(),
    });
    cluster.chain(roles).collect()
}

fn rbac(plural: &str) -> Resource {
    Resource::kubernetes(&format!("{plural}.rbac.authorization.k8s.io"))
}

fn with_rules(role: &Map, rules: Value) -> Value {
    let others = role.entries().iter().filter(|(key, _)| *key != "rules").cloned();
    Value::masked_map(others.chain([("rules", rules)]).collect(), role.mask().map(Arc::clone))
}

fn text<'v>(value: &'v Value, path: &[&str]) -> &'v str {
    value.at(path).and_then(Value::as_str).unwrap_or_default()
}

fn list<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value.get(key).and_then(Value::as_list).unwrap_or_default()
}

/// The rules of ClusterRoles that gather those of others by label.
struct Aggregation<'i> {
    roles: &'i [Value],
    known: BTreeMap<usize, Value>,
}

impl<'i> Aggregation<'i> {
    const fn new(roles: &'i [Value]) -> Self {
        Self { roles, known: BTreeMap::new() }
    }

    // Of a role by its position: its own rules, and those of all that it selects, directly or through another that aggregates.
    fn rules(&mut self, at: usize) -> Value {
        if let Some(known) = self.known.get(&at) {
            return known.clone();
        }
        let mut rules: Vec<Value> = Vec::new();
        let (mut seen, mut open) = (BTreeSet::from([at]), vec![at]);
        while let Some(role) = open.pop().map(|at| &self.roles[at]) {
            for rule in list(role, "rules") {
                if !rules.contains(rule) {
                    rules.push(rule.clone());
                }
            }
            let selectors = role.get("aggregationRule").map(|rule| list(rule, "clusterRoleSelectors")).unwrap_or_default();
            if selectors.is_empty() {
                continue;
            }
            let none = Value::map(Vec::new());
            for (at, other) in self.roles.iter().enumerate() {
                let labels = other.at(&["metadata", "labels"]).unwrap_or(&none);
                if selectors.iter().any(|selector| selector_matches(selector, labels)) && seen.insert(at) {
                    open.push(at);
                }
            }
        }
        let rules = Value::list(rules);
        self.known.insert(at, rules.clone());
        rules
    }
}

/// Whom a right is given to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Holder {
    Group(Name),
    ServiceAccount(Name, Name),
    User(Name),
}

impl Holder {
    // The subject of a binding; a binding's own namespace is that of a service account without one.
    fn of(subject: &Value, binding_namespace: &str) -> Option<Self> {
        let name = text(subject, &["name"]);
        match text(subject, &["kind"]) {
            "Group" => Some(Self::Group(name.into())),
            // A service account is a user of this name.
            "User" => match name.strip_prefix("system:serviceaccount:").and_then(|account| account.split_once(':')) {
                Some((namespace, name)) => Some(Self::ServiceAccount(namespace.into(), name.into())),
                None => Some(Self::User(name.into())),
            },
            "ServiceAccount" => {
                let own = text(subject, &["namespace"]);
                let namespace = if own.is_empty() { binding_namespace } else { own };
                Some(Self::ServiceAccount(namespace.into(), name.into())).filter(|_| !namespace.is_empty())
            }
            _ => None,
        }
    }

    // The groups that it is in without anybody saying so.
    fn groups(self) -> Vec<String> {
        match self {
            Self::ServiceAccount(namespace, _) => vec![format!("{ACCOUNTS}:{namespace}"), ACCOUNTS.to_owned(), AUTHENTICATED.to_owned()],
            Self::User(name) if &*name == "system:anonymous" => vec![UNAUTHENTICATED.to_owned()],
            Self::Group(name) if matches!(&*name, AUTHENTICATED | UNAUTHENTICATED) => Vec::new(),
            Self::Group(name) if name.starts_with("system:serviceaccounts:") => vec![ACCOUNTS.to_owned(), AUTHENTICATED.to_owned()],
            Self::User(_) | Self::Group(_) => vec![AUTHENTICATED.to_owned()],
        }
    }

    fn class(self) -> &'static str {
        match self {
            Self::ServiceAccount(..) => "account",
            Self::User(name) if &*name == "system:anonymous" => "anonymous",
            Self::Group(name) if &*name == UNAUTHENTICATED => "anonymous",
            Self::Group(name) if matches!(&*name, AUTHENTICATED | ACCOUNTS) => "everybody",
            Self::Group(name) if name.starts_with("system:serviceaccounts:") => "accounts",
            Self::User(name) if is_listed(SYSTEM_USERS, name) => "system",
            Self::Group(name) if is_listed(SYSTEM_GROUPS, name) => "system",
            Self::User(_) => "user",
            Self::Group(_) => "group",
        }
    }

    fn text(self) -> String {
        match self {
            Self::Group(name) => format!("Group/{name}"),
            Self::ServiceAccount(namespace, name) => format!("ServiceAccount/{namespace}/{name}"),
            Self::User(name) => format!("User/{name}"),
        }
    }
}

/// The namespaces whose service accounts can be taken.
#[derive(Clone, Default)]
struct Taken {
    everywhere: bool,
    namespaces: BTreeSet<Name>,
}

impl Taken {
    fn add(&mut self, other: &Self) {
        self.everywhere |= other.everywhere;
        self.namespaces.extend(&other.namespaces);
    }

    fn by<'v>(grants: impl IntoIterator<Item = &'v Value>) -> Self {
        let mut taken = Self::default();
        for grant in grants.into_iter().filter(|grant| list(grant, "rules").iter().any(takes_accounts)) {
            match text(grant, &["namespace"]) {
                "" => taken.everywhere = true,
                namespace => {
                    taken.namespaces.insert(namespace.into());
                }
            }
        }
        taken
    }
}

// Whether a rule lets its holder act as the service accounts of the namespace.
fn takes_accounts(rule: &Value) -> bool {
    const WAYS: [(&str, &str, &[&str]); 13] = [
        ("", "pods", &["create", "patch", "update"]),
        ("", "pods/exec", &["create", "get"]),
        ("", "pods/attach", &["create", "get"]),
        ("", "pods/ephemeralcontainers", &["patch", "update"]),
        ("", "replicationcontrollers", &["create", "patch", "update"]),
        ("", "serviceaccounts/token", &["create"]),
        ("", "serviceaccounts", &["impersonate"]),
        ("apps", "deployments", &["create", "patch", "update"]),
        ("apps", "statefulsets", &["create", "patch", "update"]),
        ("apps", "daemonsets", &["create", "patch", "update"]),
        ("apps", "replicasets", &["create", "patch", "update"]),
        ("batch", "jobs", &["create"]),
        ("batch", "cronjobs", &["create", "patch", "update"]),
    ];
    WAYS.iter().any(|(group, resource, verbs)| verbs.iter().any(|verb| permits(rule, verb, group, resource)))
}

/// One record a subject that a binding names, and one for `system:masters`, in the order of groups, service accounts and users.
pub(crate) fn subjects(inventory: &Inventory) -> Vec<Value> {
    let mut held = Held::default();
    held.masters();
    let roles = roles(inventory);
    let by_name: BTreeMap<(&str, &str, &str), &Value> = roles
        .iter()
        .map(|role| ((text(role, &["kind"]), text(role, &["metadata", "namespace"]), text(role, &["metadata", "name"])), role))
        .collect();
    for plural in ["clusterrolebindings", "rolebindings"] {
        for binding in inventory.objects(&rbac(plural)) {
            held.take(binding, &by_name);
        }
    }
    held.records()
}

/// What accounts hold while bindings are read.
#[derive(Default)]
struct Held {
    grants: BTreeMap<Holder, Vec<Value>>,
    missing: BTreeMap<Holder, Vec<Value>>,
}

impl Held {
    fn masters(&mut self) {
        let all = || Value::list(vec![Value::str("*")]);
        let everything = [
            Value::map(vec![("apiGroups", all()), ("resources", all()), ("verbs", all())]),
            Value::map(vec![("nonResourceURLs", all()), ("verbs", all())]),
        ];
        let grant = grant("", "", "", true, &Value::list(everything.to_vec()));
        self.grants.insert(Holder::Group("system:masters".into()), vec![grant]);
    }

    fn take(&mut self, binding: &Value, roles: &BTreeMap<(&str, &str, &str), &Value>) {
        let namespace = text(binding, &["metadata", "namespace"]);
        let name = text(binding, &["metadata", "name"]);
        let (kind, role) = (text(binding, &["roleRef", "kind"]), text(binding, &["roleRef", "name"]));
        let of_role = if kind == "ClusterRole" { "" } else { namespace };
        let found = roles.get(&(kind, of_role, role));
        let role = if of_role.is_empty() { format!("{kind}/{role}") } else { format!("{kind}/{of_role}/{role}") };
        let told = if namespace.is_empty() { format!("ClusterRoleBinding/{name}") } else { format!("RoleBinding/{namespace}/{name}") };
        let default =
            binding.at(&["metadata", "labels"]).is_some_and(|labels| text(labels, &["kubernetes.io/bootstrapping"]) == "rbac-defaults");
        for account in list(binding, "subjects").iter().filter_map(|subject| Holder::of(subject, namespace)) {
            let Some(found) = found else {
                self.missing.entry(account).or_default().push(Value::str(&told));
                self.grants.entry(account).or_default();
                continue;
            };
            // The label alone hides nothing: the server binds its own identities only, under names of its own.
            let of_server = match account {
                Holder::ServiceAccount(home, _) => &*home == "kube-system",
                account => account.class() == "system",
            };
            let builtin = default && of_server && (name.starts_with("system:") || name == "cluster-admin");
            let none = Value::list(Vec::new());
            let grant = grant(namespace, &role, &told, builtin, found.get("rules").unwrap_or(&none));
            self.grants.entry(account).or_default().push(grant);
        }
    }

    fn records(self) -> Vec<Value> {
        let of_group = |group: &String| self.grants.get(&Holder::Group(group.as_str().into())).map_or(&[][..], Vec::as_slice);
        let inherited = |account: Holder| account.groups().iter().flat_map(of_group).cloned().collect::<Vec<_>>();
        let direct = |account: Holder, grants: &[Value]| {
            let of_server = |grant: &&Value| account.class() == "system" && grant.get("builtin") == Some(&Value::from(true));
            let mut taken = Taken::by(grants.iter().filter(|grant| !of_server(grant)));
            account.groups().iter().for_each(|group| taken.add(&Taken::by(of_group(group))));
            taken
        };
        // What the accounts of a namespace can take.
        let mut onward: BTreeMap<Name, Taken> = BTreeMap::new();
        let mut everybody = Taken::by(of_group(&ACCOUNTS.to_owned()));
        everybody.add(&Taken::by(of_group(&AUTHENTICATED.to_owned())));
        for (account, grants) in &self.grants {
            match account {
                Holder::ServiceAccount(home, _) => onward.entry(*home).or_default().add(&direct(*account, grants)),
                Holder::Group(name) if name.starts_with("system:serviceaccounts:") => {
                    let home = name.trim_start_matches("system:serviceaccounts:");
                    onward.entry(home.into()).or_default().add(&direct(*account, grants));
                }
                _ => {}
            }
        }
        let record = |(account, grants): (&Holder, &Vec<Value>)| {
            let taken = closure(direct(*account, grants), &onward, &everybody);
            let acts_as: Vec<Value> = if taken.everywhere {
                vec![Value::str("*")]
            } else {
                taken.namespaces.iter().map(|namespace| Value::str(namespace)).collect()
            };
            let mut metadata = Vec::with_capacity(2);
            let (kind, name) = match account {
                Holder::Group(name) => ("Group", name),
                Holder::User(name) => ("User", name),
                Holder::ServiceAccount(namespace, name) => {
                    metadata.push(("namespace", Value::str(namespace)));
                    ("ServiceAccount", name)
                }
            };
            metadata.push(("name", Value::str(name)));
            Value::map(vec![
                ("kind", Value::str(kind)),
                ("metadata", Value::map(metadata)),
                ("account", Value::str(&account.text())),
                ("class", Value::str(account.class())),
                ("grants", Value::list(grants.clone())),
                ("inherited", Value::list(inherited(*account))),
                ("missing", Value::list(self.missing.get(account).cloned().unwrap_or_default())),
                ("acts_as", Value::list(acts_as)),
            ])
        };
        self.grants.iter().map(record).collect()
    }
}

// An account that can be taken may itself be able to take others. Every account is in the groups of everybody.
fn closure(direct: Taken, onward: &BTreeMap<Name, Taken>, everybody: &Taken) -> Taken {
    let mut open: Vec<Name> = direct.namespaces.iter().copied().collect();
    let mut taken = direct;
    if !open.is_empty() {
        taken.everywhere |= everybody.everywhere;
        open.extend(everybody.namespaces.iter().copied().filter(|namespace| taken.namespaces.insert(*namespace)));
    }
    while let Some(next) = open.pop().filter(|_| !taken.everywhere) {
        if let Some(more) = onward.get(&next) {
            taken.everywhere |= more.everywhere;
            open.extend(more.namespaces.iter().copied().filter(|namespace| taken.namespaces.insert(*namespace)));
        }
    }
    taken
}

// The namespace is empty for the whole cluster.
fn grant(namespace: &str, role: &str, binding: &str, builtin: bool, rules: &Value) -> Value {
    Value::map(vec![
        ("namespace", Value::str(namespace)),
        ("role", Value::str(role)),
        ("binding", Value::str(binding)),
        ("builtin", Value::from(builtin)),
        ("rules", rules.clone()),
    ])
}
