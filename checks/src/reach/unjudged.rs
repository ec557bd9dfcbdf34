//! Policies of kinds that are recognised and not evaluated: which namespaces' pods each of them may hold or open.
//!
//! An AdminNetworkPolicy comes before NetworkPolicies and may allow what they deny; a CiliumNetworkPolicy adds to them; a policy of
//! Calico or Antrea has an order of its own. Where one of them may select a pod, nothing is said about that pod.

use crate::functions::selector_matches;
use crate::inventory::Inventory;
use crate::resource::Resource;
use crate::value::{Name, Value};

use super::policies::{labels_of, name_of};

/// Whom a kind of policy selects.
#[derive(Clone, Copy)]
enum Selects {
    /// Pods of its own namespace.
    OwnNamespace,
    /// What `spec.subject` says.
    Subject,
    /// Every pod, unless it is about nodes.
    AllButNodes,
    /// Every pod.
    All,
}

const KINDS: [(&str, Selects); 11] = [
    ("adminnetworkpolicies.policy.networking.k8s.io", Selects::Subject),
    ("baselineadminnetworkpolicies.policy.networking.k8s.io", Selects::Subject),
    ("clusternetworkpolicies.policy.networking.k8s.io", Selects::Subject),
    ("ciliumnetworkpolicies.cilium.io", Selects::OwnNamespace),
    ("ciliumclusterwidenetworkpolicies.cilium.io", Selects::AllButNodes),
    ("networkpolicies.crd.projectcalico.org", Selects::OwnNamespace),
    ("globalnetworkpolicies.crd.projectcalico.org", Selects::All),
    ("networkpolicies.projectcalico.org", Selects::OwnNamespace),
    ("globalnetworkpolicies.projectcalico.org", Selects::All),
    ("networkpolicies.crd.antrea.io", Selects::OwnNamespace),
    ("clusternetworkpolicies.crd.antrea.io", Selects::All),
];

/// For each namespace the policies that may select its pods, as `Kind/namespace/name`.
pub(super) fn by_namespace(inventory: &Inventory, namespaces: &[Value]) -> Vec<Vec<Value>> {
    let mut out = vec![Vec::new(); namespaces.len()];
    for (resource, selects) in KINDS {
        for policy in inventory.objects(&Resource::kubernetes(resource)) {
            let text = |path: &[&str]| policy.at(path).and_then(Name::of).unwrap_or_default();
            let (own, name) = (text(&["metadata", "namespace"]), text(&["metadata", "name"]));
            // Calico's own API server, and no other, shows the NetworkPolicies of Kubernetes among its own.
            if resource == "networkpolicies.projectcalico.org" && name.starts_with("knp.default.") {
                continue;
            }
            let told = if own.is_empty() { format!("{}/{name}", text(&["kind"])) } else { format!("{}/{own}/{name}", text(&["kind"])) };
            for (namespace, policies) in namespaces.iter().zip(&mut out) {
                let may = match selects {
                    Selects::OwnNamespace => name_of(namespace) == own,
                    Selects::Subject => is_subject(policy, namespace),
                    Selects::AllButNodes => !is_about_nodes(policy),
                    Selects::All => true,
                };
                if may {
                    policies.push(Value::str(&told));
                }
            }
        }
    }
    out
}

// The namespaces of `subject.namespaces`, or of `subject.pods`; a subject that says neither may be anything.
fn is_subject(policy: &Value, namespace: &Value) -> bool {
    let empty = Value::map(Vec::new());
    let subject = policy.at(&["spec", "subject"]).unwrap_or(&empty);
    let selector = subject.get("namespaces").or_else(|| subject.at(&["pods", "namespaceSelector"]));
    selector.is_none_or(|selector| selector_matches(selector, &labels_of(namespace)))
}

fn is_about_nodes(policy: &Value) -> bool {
    let of_node = |spec: &Value| spec.get("nodeSelector").is_some();
    let several = policy.get("specs").and_then(Value::as_list).unwrap_or_default();
    let mut all = policy.get("spec").into_iter().chain(several).peekable();
    all.peek().is_some() && all.all(of_node)
}
