//! Rights are exact: without any one of those that are printed, exactly the checks that need it are errors, and no other verdict
//! changes. And what an account has is told as the server tells it.
//!
//! The server replays the recordings, and serves everything else that a check reads as an empty list, so that every right
//! can be missed. It refuses what the test takes away, in its reviews and in its answers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use proofbook_checks::Catalog;
use proofbook_checks::evaluate::Evaluation;
use proofbook_checks::inventory::{Completeness, Inventory, Listing, Wanted};
use proofbook_checks::plan::{Plan, Planned, selected_by_default};
use proofbook_checks::resource::{Resource, Source};
use proofbook_checks::settings::Settings;
use proofbook_sources::collector::{Collector, PlannedRequest};
use proofbook_sources::kubernetes::rights::readable;
use proofbook_sources::kubernetes::{KubeSettings, Kubernetes, plan};
use proofbook_sources::rights::{Comparison, Platform};
use serde_json::{Value as Json, json};

use super::server::{Reply, Server};
use super::{collect_with, settings};

/// Answers of kubelets as the API of `configz` documents them; no recording has one.
fn configz(node: &str) -> Json {
    json!({"kubeletconfig": {
        "port": 10250, "authentication": {"anonymous": {"enabled": false}, "webhook": {"enabled": true, "cacheTTL": "2m0s"},
        "x509": {"clientCAFile": "/etc/kubernetes/pki/ca.crt"}}, "authorization": {"mode": "Webhook"},
        "rotateCertificates": true, "serverTLSBootstrap": true, "seccompDefault": true, "protectKernelDefaults": node != "server",
        "streamingConnectionIdleTimeout": "4h0m0s", "podPidsLimit": 4096, "staticPodURLHeader": {"Authorization": ["hunter22hunter22"]},
    }})
}

/// An API server that serves all that is wanted, and refuses what it is told to.
struct Authorising {
    server: Server,
    refused: Arc<Mutex<String>>,
}

impl Authorising {
    fn start(wanted: &Wanted) -> Self {
        let server = Server::start();
        let refused = Arc::new(Mutex::new(String::new()));
        let resources: Vec<Resource> = wanted
            .keys()
            .filter(|resource| resource.source == Source::Kubernetes && **resource != Resource::kubelet_configurations())
            .cloned()
            .collect();
        let missing = Arc::clone(&refused);
        server.fault("/", move |_, asked, recorded| {
            let refused = missing.lock().unwrap().clone();
            let path = asked.path.split('?').next().unwrap();
            let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
            match parts.as_slice() {
                [root @ ("api" | "apis")] => Some(discovery(root, recorded, &resources)),
                ["apis", "authorization.k8s.io", _, "selfsubjectaccessreviews"] => {
                    let review: Json = serde_json::from_str(&asked.body).unwrap();
                    let allowed = right_of(&review["spec"]["resourceAttributes"]) != refused;
                    Some(Reply::json(201, &json!({"kind": "SelfSubjectAccessReview", "status": {"allowed": allowed}})))
                }
                ["api", "v1", "nodes", node, "proxy", "configz"] => {
                    Some(if refused == "get nodes/proxy" { Reply::status(403, "Forbidden") } else { Reply::json(200, &configz(node)) })
                }
                ["api", _, plural] | ["apis", _, _, plural] if asked.method == "GET" => {
                    let group = if parts[0] == "api" { String::new() } else { format!(".{}", parts[1]) };
                    if refused == format!("list {plural}{group}") {
                        return Some(Reply::status(403, "Forbidden"));
                    }
                    let empty = json!({"kind": "List", "apiVersion": "v1", "metadata": {"resourceVersion": "1"}, "items": []});
                    (recorded.status != 200).then(|| Reply::json(200, &empty))
                }
                _ => None,
            }
        });
        Self { server, refused }
    }

    fn settings(&self, folder: &tempfile::TempDir) -> KubeSettings {
        KubeSettings { nodes_proxy: true, ..settings(&self.server, folder, "admin") }
    }

    fn collect(&self, wanted: &Wanted, without: &str) -> Inventory {
        without.clone_into(&mut self.refused.lock().unwrap());
        let folder = tempfile::tempdir().unwrap();
        let mut inventory = collect_with(self.settings(&folder), wanted);
        // What other sources tell is there, and nothing of it: this is about Kubernetes.
        for resource in wanted.keys().filter(|resource| resource.source != Source::Kubernetes) {
            inventory.listings.insert(resource.clone(), Listing::without_objects(Completeness::Complete));
        }
        inventory
    }

    fn compare(&self, wanted: &Wanted, without: &str) -> Comparison {
        without.clone_into(&mut self.refused.lock().unwrap());
        let folder = tempfile::tempdir().unwrap();
        compare(self.settings(&folder), wanted)
    }
}

fn compare(settings: KubeSettings, wanted: &Wanted) -> Comparison {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mut found = runtime.block_on(async { Kubernetes::open(settings).await.unwrap().compare(wanted).await });
    assert_eq!(found.len(), 1);
    found.remove(0)
}

// As rights are called.
fn right_of(attributes: &Json) -> String {
    let text = |key: &str| attributes[key].as_str().unwrap_or_default();
    let with = |before: &str, text: &str| if text.is_empty() { String::new() } else { format!("{before}{text}") };
    let (group, part, name) = (with(".", text("group")), with("/", text("subresource")), with(" named ", text("name")));
    format!("{} {}{part}{group}{name}", text("verb"), text("resource"))
}

// The recorded discovery with all that it lacks.
fn discovery(root: &str, recorded: &Reply, resources: &[Resource]) -> Reply {
    let mut list: Json = serde_json::from_slice(&recorded.body).unwrap();
    let groups = list["items"].as_array_mut().unwrap();
    for resource in resources.iter().filter(|resource| (root == "api") == resource.group().is_empty()) {
        let at = groups.iter().position(|group| group["metadata"]["name"].as_str().unwrap_or_default() == resource.group());
        let at = at.unwrap_or_else(|| {
            groups.push(json!({"metadata": {"name": resource.group()}, "versions": [{"version": "v1", "resources": []}]}));
            groups.len() - 1
        });
        let mut versions = groups[at]["versions"].as_array_mut().unwrap().iter_mut();
        let served = |version: &Json| version["resources"].as_array().unwrap().iter().any(|of| of["resource"] == resource.plural());
        if !versions.any(|version| served(version)) {
            let served = json!({"resource": resource.plural(), "responseKind": {"kind": "Thing"}, "verbs": ["list"]});
            groups[at]["versions"][0]["resources"].as_array_mut().unwrap().push(served);
        }
    }
    Reply::json(200, &list)
}

/// Findings by check, one line each.
type Findings = BTreeMap<String, Vec<String>>;

fn findings(plan: &Plan<'_>, inventory: &Inventory) -> Findings {
    findings_of(plan, inventory, |_| true)
}

fn is_same(resource: &Resource, a: &Inventory, b: &Inventory) -> bool {
    a.completeness(resource) == b.completeness(resource) && a.objects(resource).len() == b.objects(resource).len()
}

fn findings_of(plan: &Plan<'_>, inventory: &Inventory, of: impl Fn(&Planned<'_>) -> bool) -> Findings {
    let evaluation = Evaluation::new(inventory, &plan.settings, "2026-06-01T00:00:00Z".parse().unwrap());
    let line = |finding: proofbook_checks::Finding| {
        format!("{} {} {}: {}", finding.subject, finding.verdict.as_str(), finding.reason_code.as_str(), finding.message)
    };
    let lines = |planned| evaluation.check(planned).findings.into_iter().map(line).collect();
    plan.checks.values().filter(|planned| of(planned)).map(|planned| (planned.check.id().to_string(), lines(planned))).collect()
}

fn catalog() -> Catalog {
    Catalog::load_without_fixtures(&Catalog::embedded_files()).unwrap_or_else(|errors| panic!("{errors}"))
}

#[test]
fn without_any_one_right_exactly_the_checks_that_need_it_are_errors() {
    let catalog = catalog();
    // With those that must be asked for.
    let plan = Plan::new(&catalog, &Settings::default(), |_| true).unwrap_or_else(|errors| panic!("{errors}"));
    let wanted = plan.wanted();
    let server = Authorising::start(&wanted);
    let whole = server.collect(&wanted, "nothing");
    let before = findings(&plan, &whole);
    let refused = |findings: &Findings| -> BTreeSet<String> {
        let is = |lines: &Vec<String>| lines.iter().any(|line| line.contains(" error not-permitted:"));
        findings.iter().filter(|(_, lines)| is(lines)).map(|(check, _)| check.clone()).collect()
    };
    assert_eq!(refused(&before), BTreeSet::new());
    let rights = Platform::Kubernetes.rights(&wanted);
    assert!(rights.len() > 60 && rights.iter().any(|right| right.name == "list secrets"), "{rights:?}");
    for right in rights {
        let needs = |planned: &&Planned<'_>| Platform::Kubernetes.rights(&planned.wanted).iter().any(|needed| needed.name == right.name);
        let need: BTreeSet<String> = plan.checks.values().filter(needs).map(|planned| planned.check.id().to_string()).collect();
        assert!(!need.is_empty(), "{}", right.name);
        let named = |planned: &Planned<'_>| need.contains(planned.check.id().as_str());
        // Now and then all is read, which takes its time; else what the checks read that need the right.
        let all = right.name.ends_with("s.apps");
        let those = Plan::new(&catalog, &Settings::default(), |check| all || need.contains(check.id().as_str())).unwrap();
        let lacking = server.collect(&those.wanted(), &right.name);
        let after = findings_of(&plan, &lacking, named);
        assert_eq!(refused(&after), need, "without {}", right.name);
        // No check that lacks a right calls anything as promised.
        let passes: Vec<_> = after.values().flatten().filter(|line| line.contains(" pass ")).collect();
        assert!(passes.is_empty(), "without {}: {passes:#?}", right.name);
        // A verdict follows from what was read: where nothing that a check reads differs, neither does the verdict.
        let lost = right.name.strip_prefix("list ").map_or_else(Resource::kubelet_configurations, Resource::kubernetes);
        let of_nodes = [Resource::kubernetes("nodes"), Resource::kubelet_configurations()];
        for resource in
            those.wanted().keys().filter(|resource| **resource != lost && !(of_nodes.contains(&lost) && of_nodes.contains(resource)))
        {
            assert!(is_same(resource, &whole, &lacking), "without {}: {resource} is another", right.name);
        }
        if all {
            let others = findings_of(&plan, &lacking, |planned| !named(planned));
            let changed: Vec<_> = others.iter().filter(|(check, lines)| before[*check] != **lines).collect();
            assert!(changed.is_empty(), "without {}: {changed:#?}", right.name);
        }
    }
}

#[test]
fn nothing_is_asked_that_takes_no_printed_right() {
    let catalog = catalog();
    let plan_of_all = Plan::new(&catalog, &Settings::default(), |_| true).unwrap();
    let wanted = plan_of_all.wanted();
    let server = Authorising::start(&wanted);
    server.collect(&wanted, "nothing");
    let rights: BTreeSet<String> = Platform::Kubernetes.rights(&wanted).into_iter().map(|right| right.name).collect();
    let mut used = BTreeSet::new();
    for asked in server.server.asked() {
        let path = asked.path.split('?').next().unwrap();
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        used.extend(match parts.as_slice() {
            ["api", _, plural] => Some(format!("list {plural}")),
            ["apis", group, _, plural] if asked.method == "GET" => Some(format!("list {plural}.{group}")),
            ["api", _, "nodes", _, "proxy", _] => Some("get nodes/proxy".to_owned()),
            ["api", _, "namespaces", name] => Some(format!("get namespaces named {name}")),
            _ => None,
        });
    }
    assert_eq!(used, rights);
    // And the plan says so beforehand.
    let folder = tempfile::tempdir().unwrap();
    let planned: Vec<PlannedRequest> = plan(&server.settings(&folder), &wanted);
    for asked in server.server.asked() {
        let asked = asked.path.split('?').next().unwrap().to_owned();
        let parts = |path: &str| path.split(['?', ' ']).next().unwrap_or_default().split('/').map(str::to_owned).collect::<Vec<_>>();
        let fits = |planned: &PlannedRequest| {
            let (asked, planned) = (parts(&asked), parts(&planned.query));
            let same = |(asked, planned): (&String, &String)| asked == planned || planned.starts_with('{');
            asked.len() == planned.len() && asked.iter().zip(&planned).all(same)
        };
        assert!(planned.iter().any(fits), "{asked}");
    }
}

#[test]
fn the_default_selection_takes_neither_secrets_nor_kubelets() {
    let catalog = catalog();
    let settings = Settings::default();
    let plan = Plan::new(&catalog, &settings, |check| selected_by_default(check, &settings)).unwrap();
    let wanted = readable(&plan.wanted(), false);
    let rights = Platform::Kubernetes.rights(&wanted);
    let grave: Vec<_> = rights.iter().filter(|right| right.warning.is_some() || !right.name.starts_with("list ")).collect();
    assert!(grave.is_empty(), "{grave:?}");
    // Those that need secrets are there, and left out.
    let secrets = Resource::kubernetes("secrets");
    let all = Plan::new(&catalog, &settings, |_| true).unwrap();
    let need: Vec<_> = all.checks.values().filter(|planned| planned.wanted.contains_key(&secrets)).collect();
    assert!(need.len() >= 2);
    assert!(need.iter().all(|planned| planned.check.definition.opt_in.is_some() && !plan.checks.contains_key(planned.check.id())));
}

#[test]
fn kubelets_are_asked_only_where_it_is_allowed() {
    let catalog = catalog();
    let plan = Plan::new(&catalog, &Settings::default(), |check| check.id().as_str() == "kubelet-hardening").unwrap();
    let wanted = plan.wanted();
    let server = Authorising::start(&wanted);
    let live = findings(&plan, &server.collect(&wanted, "nothing"));
    let told: BTreeSet<&str> = live["kubelet-hardening"].iter().map(|line| line.split(':').next().unwrap()).collect();
    assert!(told.iter().all(|line| line.ends_with("pass as-promised") || line.ends_with("fail not-as-promised")), "{told:?}");
    let asked = |server: &Authorising| server.server.asked().iter().filter(|asked| asked.path.ends_with("/proxy/configz")).count();
    assert_eq!(asked(&server), live["kubelet-hardening"].len());
    // What a check does not read is not kept, whatever a kubelet tells.
    let inventory = server.collect(&wanted, "nothing");
    assert!(!format!("{inventory:?}").contains("hunter22"));

    let folder = tempfile::tempdir().unwrap();
    let server = Authorising::start(&wanted);
    let silent = findings(&plan, &collect_with(KubeSettings { nodes_proxy: false, ..server.settings(&folder) }, &wanted));
    assert_eq!(asked(&server), 0);
    assert_ne!(silent, live);
    assert!(silent["kubelet-hardening"].iter().all(|line| !line.contains("itself")), "{silent:?}");
}

#[test]
fn a_kubelet_that_cannot_be_reached_is_an_error_of_its_node() {
    let catalog = catalog();
    let plan = Plan::new(&catalog, &Settings::default(), |check| check.id().as_str() == "kubelet-readonly-port").unwrap();
    let wanted = plan.wanted();
    let server = Authorising::start(&wanted);
    let nodes = server.collect(&wanted, "nothing");
    let names: Vec<String> = nodes
        .objects(&Resource::kubernetes("nodes"))
        .iter()
        .filter_map(|node| node.at(&["metadata", "name"])?.as_str().map(str::to_owned))
        .collect();
    let (gone, garbled) = (names[0].clone(), names.get(1).cloned());
    let server = Authorising { server: Server::start(), refused: Arc::default() };
    let node = gone.clone();
    let other = garbled.clone();
    server.server.fault("/", move |_, asked, recorded| {
        let is = |name: &str| asked.path == format!("/api/v1/nodes/{name}/proxy/configz");
        if asked.path.contains("selfsubjectaccessreviews") {
            return Some(Reply::json(201, &json!({"status": {"allowed": true}})));
        }
        if is(&node) {
            return Some(Reply::status(404, "the server could not find the requested resource"));
        }
        if other.as_ref().is_some_and(|other| is(other)) {
            return Some(Reply::text(200, "<html>"));
        }
        asked.path.ends_with("/configz").then(|| Reply::json(200, &configz(""))).or_else(|| {
            let list = json!({"kind": "List", "metadata": {"resourceVersion": "1"}, "items": []});
            (recorded.status != 200 && asked.path.contains("limit=")).then(|| Reply::json(200, &list))
        })
    });
    let lines = findings(&plan, &server.collect(&wanted, "nothing"))["kubelet-readonly-port"].clone();
    let of = |name: &str| lines.iter().find(|line| line.starts_with(&format!("Node/{name} "))).unwrap().clone();
    assert!(of(&gone).contains(" error "), "{lines:?}");
    if let Some(garbled) = garbled {
        assert!(of(&garbled).contains(" error parse-error"), "{lines:?}");
    }
}

#[test]
fn what_an_account_lacks_and_has_too_much_is_told() {
    let catalog = catalog();
    let settings = Settings::default();
    let plan = Plan::new(&catalog, &settings, |check| selected_by_default(check, &settings)).unwrap();
    let wanted = readable(&plan.wanted(), false);
    let server = Authorising::start(&wanted);
    let needed: Vec<String> = Platform::Kubernetes.rights(&wanted).into_iter().map(|right| right.name).collect();
    // What the server tells of each namespace: the needed rules, and in one namespace more than that.
    let rules = Arc::new(Mutex::new(needed.clone()));
    let told = Arc::clone(&rules);
    server.server.fault("/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", move |_, asked, _| {
        let review: Json = serde_json::from_str(&asked.body).unwrap();
        let mut resources: Vec<Json> = told
            .lock()
            .unwrap()
            .iter()
            .map(|right| {
                let (verb, name) = right.split_once(' ').unwrap();
                let (plural, group) = name.split_once('.').unwrap_or((name, ""));
                json!({"verbs": [verb], "apiGroups": [group], "resources": [plural]})
            })
            .collect();
        if review["spec"]["namespace"] == "kube-system" {
            resources.push(
                json!({"verbs": ["get", "create"], "apiGroups": [""], "resources": ["secrets", "pods/exec"], "resourceNames": ["x"]}),
            );
        }
        resources.push(json!({"verbs": ["create"], "apiGroups": ["authentication.k8s.io"], "resources": ["selfsubjectreviews"]}));
        let paths = json!([{"verbs": ["get"], "nonResourceURLs": ["/version", "/apis/*"]}]);
        Some(Reply::json(201, &json!({"status": {"resourceRules": resources, "nonResourceRules": paths, "incomplete": false}})))
    });
    let found = server.compare(&wanted, "list configmaps");
    assert_eq!(found.missing, ["list configmaps"]);
    assert_eq!(found.held.len(), needed.len() - 1);
    let surplus: Vec<(String, bool)> = found.surplus.iter().map(|surplus| (surplus.name.clone(), surplus.grave)).collect();
    let expected = ["create pods/exec", "create secrets", "get pods/exec", "get secrets"]
        .map(|right| (format!("{right} named x in kube-system"), true));
    assert_eq!(surplus, expected);
    assert_eq!((found.unknown.as_slice(), found.account.as_str()), (&[][..], "admin"));

    // Administrators have all of it, and more than that.
    rules.lock().unwrap().push("* *.*".to_owned());
    let found = server.compare(&wanted, "nothing");
    assert!(found.missing.is_empty() && found.surplus.iter().any(|surplus| surplus.name == "* *.*" && surplus.grave), "{found:?}");
}

#[test]
fn an_account_of_the_recordings_is_compared_too() {
    let server = Server::start();
    let folder = tempfile::tempdir().unwrap();
    let wanted = super::wanted(&["namespaces", "pods", "secrets"]);
    let found = compare(settings(&server, &folder, "reader"), &wanted);
    assert_eq!((found.account.as_str(), &found.missing), ("system:serviceaccount:platform:proofbook", &vec!["list secrets".to_owned()]));
    assert_eq!(found.held, ["list namespaces", "list pods"]);
    // A server that does not tell is no proof of anything.
    for path in ["/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"] {
        let server = Server::start();
        server.fault(path, |_, _, _| Some(Reply::status(404, "NotFound")));
        let found = compare(settings(&server, &folder, "reader"), &wanted);
        assert!(!found.unknown.is_empty() && !found.is_exact(), "{found:?}");
    }
    // Nobody is there to be asked.
    drop(server);
    let gone = KubeSettings { kubeconfig: Some(folder.path().join("kubeconfig-reader")), ..KubeSettings::new("gone") };
    let found = compare(gone, &wanted);
    assert!(!found.is_exact() && found.held.is_empty() && found.unknown[0].starts_with("the cluster cannot be asked"), "{found:?}");
}
