//! Roles that gather, subjects by whatever name they are bound, and accounts that are taken one by another.

use serde_json::{Value as Json, json};

use super::*;
use crate::inventory::{Completeness, Listing};

fn inventory(objects: &[(&str, Json)]) -> Inventory {
    let mut inventory = Inventory::default();
    for (plural, object) in objects {
        let complete = || Listing::without_objects(Completeness::Complete);
        inventory.listings.entry(rbac(plural)).or_insert_with(complete).objects.push(Value::from_json(object));
    }
    inventory
}

fn role(name: &str, labels: Json, gathers: Option<&str>, resource: &str) -> (&'static str, Json) {
    let mut role = json!({"kind": "ClusterRole", "metadata": {"name": name, "labels": labels}});
    if let Some(label) = gathers {
        role["aggregationRule"] = json!({"clusterRoleSelectors": [{"matchLabels": {label: "true"}}]});
    }
    if !resource.is_empty() {
        role["rules"] = json!([{"apiGroups": [""], "resources": [resource], "verbs": ["get"]}]);
    }
    ("clusterroles", role)
}

fn binding(namespace: &str, name: &str, role: &str, subjects: Json) -> (&'static str, Json) {
    let mut binding = json!({"kind": "ClusterRoleBinding", "metadata": {"name": name}, "roleRef": {"kind": "ClusterRole", "name": role}, "subjects": subjects});
    if namespace.is_empty() {
        return ("clusterrolebindings", binding);
    }
    binding["kind"] = json!("RoleBinding");
    binding["metadata"]["namespace"] = json!(namespace);
    ("rolebindings", binding)
}

fn resources(role: &Json) -> Vec<&str> {
    let rules = role["rules"].as_array().unwrap();
    rules.iter().map(|rule| rule["resources"][0].as_str().unwrap()).collect()
}

#[test]
fn roles_gather_from_roles_that_gather() {
    let inventory = inventory(&[
        role("a", json!({}), Some("to-a"), ""),
        // Around in a circle; and the controller's result is there already.
        role("b", json!({"to-a": "true"}), Some("to-b"), "pods"),
        role("c", json!({"to-b": "true", "to-a": "false"}), Some("to-a"), "secrets"),
        role("d", json!({}), None, "nodes"),
    ]);
    let found: Vec<Json> = roles(&inventory).iter().map(Value::to_json).collect();
    let of: Vec<Vec<&str>> = found.iter().map(resources).collect();
    assert_eq!(of, [vec!["pods", "secrets"], vec!["pods", "secrets"], vec!["secrets", "pods"], vec!["nodes"]]);
}

#[test]
fn each_subject_is_told_once_with_all_that_it_holds() {
    let inventory = inventory(&[
        role("view", json!({}), None, "pods"),
        binding("a", "one", "view", json!([{"kind": "ServiceAccount", "name": "x"}, {"kind": "Group", "name": "g"}])),
        binding("b", "two", "view", json!([{"kind": "User", "name": "system:serviceaccount:a:x"}])),
        binding("", "three", "gone", json!([{"kind": "Group", "name": "g"}, {"kind": "ServiceAccount", "name": "nowhere"}])),
        binding("", "four", "view", json!([{"kind": "Group", "name": "system:serviceaccounts:a"}, {"kind": "Machine", "name": "m"}])),
    ]);
    let found: Vec<Json> = subjects(&inventory).iter().map(Value::to_json).collect();
    let held = |one: &Json, key: &str| {
        one[key].as_array().unwrap().iter().map(|grant| grant["binding"].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    let told: Vec<_> = found
        .iter()
        .map(|one| (one["account"].as_str().unwrap(), one["class"].as_str().unwrap(), held(one, "grants"), held(one, "inherited")))
        .collect();
    let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    assert_eq!(
        told,
        [
            ("Group/g", "group", own(&["RoleBinding/a/one"]), own(&[])),
            ("Group/system:masters", "system", own(&[""]), own(&[])),
            ("Group/system:serviceaccounts:a", "accounts", own(&["ClusterRoleBinding/four"]), own(&[])),
            ("ServiceAccount/a/x", "account", own(&["RoleBinding/a/one", "RoleBinding/b/two"]), own(&["ClusterRoleBinding/four"])),
        ]
    );
    assert_eq!(found[0]["missing"], json!(["ClusterRoleBinding/three"]));
}

#[test]
fn accounts_are_taken_from_namespace_to_namespace() {
    let deploy = |namespace: &str, home: &str| {
        binding(namespace, "deploy", "deploy", json!([{"kind": "ServiceAccount", "name": "ci", "namespace": home}]))
    };
    let mut objects = vec![
        (
            "clusterroles",
            json!({"kind": "ClusterRole", "metadata": {"name": "deploy"}, "rules": [{"apiGroups": ["batch"], "resources": ["*"], "verbs": ["create"]}]}),
        ),
        deploy("b", "a"),
        deploy("c", "b"),
        deploy("a", "c"),
        deploy("x", "y"),
    ];
    let acts_as = |objects: &[(&str, Json)]| {
        let found = subjects(&inventory(objects));
        let of = |one: &Value| format!("{} {}", text(one, &["account"]), one.get("acts_as").unwrap().to_json());
        found.iter().map(of).filter(|told| told.starts_with("ServiceAccount")).collect::<Vec<_>>()
    };
    let circle = r#"["a","b","c"]"#;
    let expected = ["a", "b", "c"].map(|home| format!("ServiceAccount/{home}/ci {circle}"));
    assert_eq!(acts_as(&objects)[..3], expected);
    assert_eq!(acts_as(&objects)[3], r#"ServiceAccount/y/ci ["x"]"#);
    // One account on the way that can do it everywhere is enough.
    objects.push(binding("", "all", "deploy", json!([{"kind": "ServiceAccount", "name": "root", "namespace": "c"}])));
    assert_eq!(acts_as(&objects)[0], r#"ServiceAccount/a/ci ["*"]"#);
}
