//! What is read of a healthy server, under accounts with different rights.

use std::sync::{Arc, Mutex};

use proofbook_checks::inventory::{Assurance, Completeness, Reason};
use proofbook_checks::resource::Resource;
use proofbook_checks::value::Value;
use proofbook_sources::collector::{Collector, Progress};
use proofbook_sources::kubernetes::{Kubernetes, plan};
use serde_json::json;

use super::server::{Reply, Server};
use super::{collect, collect_with, count, failure, is_complete, reason, settings, wanted};

const SOME: [&str; 9] = [
    "configmaps",
    "clusterrolebindings.rbac.authorization.k8s.io",
    "deployments.apps",
    "gateways.networking.istio.io",
    "namespaces",
    "pods",
    "resourcequotas",
    "schedules.velero.io",
    "secrets",
];

#[test]
fn the_reader_sees_what_its_rights_allow() {
    let server = Server::start();
    let inventory = collect(&server, "reader", &SOME);
    for name in SOME.into_iter().filter(|name| *name != "secrets") {
        assert!(is_complete(&inventory, name), "{name}: {:?}", inventory.completeness(&Resource::kubernetes(name)));
    }
    let (why, detail) = failure(&inventory, "secrets");
    assert_eq!((why, detail.as_str()), (Reason::NotPermitted, "the account may not list secrets over all namespaces"));
    for (name, path) in
        [("pods", "/api/v1/pods"), ("schedules.velero.io", "/apis/velero.io/v1/schedules"), ("namespaces", "/api/v1/namespaces")]
    {
        let recorded = server.recorded("reader", path).unwrap();
        let items = recorded["items"].as_array().unwrap();
        assert_eq!(count(&inventory, name), items.len(), "{name}");
        let listing = &inventory.listings[&Resource::kubernetes(name)];
        assert_eq!(listing.resource_version.as_deref(), recorded["metadata"]["resourceVersion"].as_str());
    }
}

#[test]
fn objects_carry_their_type_and_come_in_order() {
    let server = Server::start();
    let inventory = collect(&server, "reader", &["pods"]);
    let objects = inventory.objects(&Resource::kubernetes("pods"));
    let text = |object: &Value, path: &[&str]| object.at(path).and_then(Value::as_str).unwrap().to_owned();
    let names: Vec<(String, String)> =
        objects.iter().map(|pod| (text(pod, &["metadata", "namespace"]), text(pod, &["metadata", "name"]))).collect();
    assert!(names.is_sorted(), "{names:?}");
    // Items of a list carry neither; the collector adds what discovery told.
    assert!(objects.iter().all(|pod| text(pod, &["kind"]) == "Pod" && text(pod, &["apiVersion"]) == "v1"));
    assert!(objects.iter().all(|pod| pod.get("status").is_none() && pod.at(&["spec", "containers"]).is_some()));
}

#[test]
fn the_target_says_who_looked_at_what() {
    let server = Server::start();
    let inventory = collect(&server, "reader", &["namespaces"]);
    let [target] = inventory.targets.as_slice() else { panic!("{:?}", inventory.targets) };
    assert_eq!((target.name.as_str(), target.version.as_str(), target.assurance), ("test", "v1.36.2", Assurance::Live));
    assert_eq!(target.actor.identity, "system:serviceaccount:platform:proofbook");
    assert_eq!(target.actor.auth, "sa-token");
    assert_eq!(target.actor.rights_sha256.as_ref().unwrap().len(), 64);
    assert!(target.clock_offset_ms.unwrap().abs() < 5_000, "{target:?}");
    // The account may not get a single namespace, but the list of all of them tells.
    let namespaces = server.recorded("reader", "/api/v1/namespaces").unwrap();
    let system = namespaces["items"].as_array().unwrap().iter().find(|item| item["metadata"]["name"] == "kube-system").unwrap();
    assert_eq!(Some(target.identity.as_str()), system["metadata"]["uid"].as_str());
    let narrow = collect(&server, "narrow", &["namespaces"]).targets.remove(0);
    assert_ne!(narrow.actor, target.actor);
    assert!(narrow.identity.starts_with("unidentified, at 127.0.0.1:"), "{narrow:?}");
}

#[test]
fn the_digest_of_rights_does_not_depend_on_their_order() {
    let server = Server::start();
    let digest = |server: &Server| collect(server, "reader", &[]).targets.remove(0).actor.rights_sha256.unwrap();
    let first = digest(&server);
    server.fault("/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", |_, _, recorded| {
        let mut review: serde_json::Value = serde_json::from_slice(&recorded.body).unwrap();
        review["status"]["resourceRules"].as_array_mut().unwrap().reverse();
        review["status"]["resourceRules"][0]["verbs"].as_array_mut().unwrap().reverse();
        Some(Reply::json(201, &review))
    });
    assert_eq!(digest(&server), first);
    let server = Server::start();
    server.fault("/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", |_, _, recorded| {
        let mut review: serde_json::Value = serde_json::from_slice(&recorded.body).unwrap();
        review["status"]["resourceRules"].as_array_mut().unwrap().pop();
        Some(Reply::json(201, &review))
    });
    assert_ne!(digest(&server), first);
}

#[test]
fn an_account_with_rights_in_one_namespace_sees_nothing_of_the_whole() {
    let server = Server::start();
    let inventory = collect(&server, "narrow", &["pods", "nodes", "backups.velero.io"]);
    for name in ["pods", "nodes", "backups.velero.io"] {
        assert_eq!(reason(&inventory, name), Reason::NotPermitted, "{name}");
    }
    // What is denied is not even asked for.
    assert!(server.asked().iter().all(|asked| !asked.path.contains("limit=")), "{:?}", server.asked());
}

#[test]
fn only_reads_and_self_reviews_are_sent() {
    let server = Server::start();
    let inventory = collect(&server, "reader", &SOME);
    for asked in server.asked() {
        let review = asked.method == "POST" && asked.path.contains("/selfsubject");
        assert!(asked.method == "GET" || review, "{asked:?}");
        assert!(!asked.path.contains("resourceVersion") && !asked.path.contains("watch"), "{asked:?}");
    }
    assert_eq!(inventory.requests.len(), server.asked().len());
    assert!(inventory.requests.iter().all(|request| request.response_sha256.is_some() && request.bytes > 0));
    assert!(!format!("{inventory:?}").contains("Bearer"));
}

#[test]
fn the_record_does_not_depend_on_what_answers_first() {
    let server = Server::start();
    let first = collect(&server, "reader", &SOME);
    for _ in 0..3 {
        assert_eq!(collect(&server, "reader", &SOME).requests, first.requests);
    }
}

#[test]
fn every_request_is_planned() {
    let server = Server::start();
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(&server, &folder, "reader");
    let planned = plan(&settings, &wanted(&SOME));
    for request in collect_with(settings, &wanted(&SOME)).requests {
        let known = |query: &str| match request.method.as_str() {
            "LIST" => query.replace("{version}", "v1") == request.query,
            _ => query == request.query,
        };
        assert!(planned.iter().any(|planned| planned.method == request.method && known(&planned.query)), "{request:?}");
    }
    assert_eq!(planned.iter().filter(|request| request.method == "LIST").count(), SOME.len());
}

#[test]
fn pages_are_joined_at_one_resource_version() {
    let server = Server::start();
    in_pages(&server);
    let folder = tempfile::tempdir().unwrap();
    let mut settings = settings(&server, &folder, "reader");
    settings.page_size = 250;
    let heard = Arc::new(Heard::default());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let inventory = runtime.block_on(async {
        let cluster = Kubernetes::open(settings).await.unwrap();
        cluster.collect(&wanted(&["configmaps"]), heard.as_ref()).await
    });
    assert!(is_complete(&inventory, "configmaps"));
    assert_eq!(count(&inventory, "configmaps"), 621);
    let pages: Vec<_> = inventory.requests.iter().filter(|request| request.method == "LIST").collect();
    let seen: Vec<_> = pages.iter().map(|page| (page.items, page.continue_exhausted, page.query.as_str())).collect();
    let expected = [
        (250, Some(false), "/api/v1/configmaps?limit=250"),
        (250, Some(false), "/api/v1/configmaps?limit=250&continue=(page 2)"),
        (121, Some(true), "/api/v1/configmaps?limit=250&continue=(page 3)"),
    ];
    assert_eq!(seen, expected);
    assert!(pages.iter().all(|page| page.resource_version.is_some() && page.resource_version == pages[0].resource_version));
    assert_eq!(*heard.0.lock().unwrap(), [250, 250, 121]);
}

#[derive(Default)]
struct Heard(Mutex<Vec<u64>>);

impl Progress for Heard {
    fn advanced(&self, target: &str, what: &str, items: u64) {
        assert_eq!((target, what), ("test", "configmaps"));
        self.0.lock().unwrap().push(items);
    }
}

/// Serves the list of all config maps from the recorded pages of the namespace `bulk`.
pub(crate) fn in_pages(server: &Server) {
    let base = server.recorded("reader", "/api/v1/namespaces/bulk/configmaps?limit=250").unwrap();
    let mut pages = vec![base];
    while let Some(token) = pages.last().unwrap()["metadata"]["continue"].as_str() {
        let path = format!("/api/v1/namespaces/bulk/configmaps?limit=250&continue={token}");
        pages.push(server.recorded("reader", &path).unwrap());
    }
    server.fault("/api/v1/configmaps?limit=", move |_, asked, _| {
        let page = match asked.path.split_once("continue=") {
            None => &pages[0],
            Some((_, token)) => {
                let before = pages.iter().position(|page| page["metadata"]["continue"] == token).unwrap();
                &pages[before + 1]
            }
        };
        Some(Reply::json(200, page))
    });
}

#[test]
fn what_the_server_does_not_serve_is_told_apart() {
    let server = Server::start();
    server.fault("/apis/velero.io/v1/schedules?", |_, _, _| Some(Reply::text(404, "404 page not found\n")));
    let inventory =
        collect(&server, "reader", &["ciliumnetworkpolicies.cilium.io", "nothings.velero.io", "schedules.velero.io", "bindings"]);
    for name in ["ciliumnetworkpolicies.cilium.io", "nothings.velero.io", "schedules.velero.io"] {
        assert_eq!(*inventory.completeness(&Resource::kubernetes(name)), Completeness::NotServed, "{name}");
    }
    assert_eq!(reason(&inventory, "bindings"), Reason::NotServed);
}

#[test]
fn a_stale_group_says_nothing_about_its_resources() {
    let server = Server::start();
    server.fault("/apis", |_, asked, recorded| {
        let mut list: serde_json::Value = (asked.path == "/apis").then(|| serde_json::from_slice(&recorded.body).unwrap())?;
        let groups = list["items"].as_array_mut().unwrap();
        let velero = groups.iter_mut().find(|group| group["metadata"]["name"] == "velero.io").unwrap();
        velero["versions"] = json!([{"version": "v1", "freshness": "Stale"}]);
        Some(Reply::json(200, &list))
    });
    let inventory = collect(&server, "reader", &["schedules.velero.io", "deployments.apps"]);
    let (why, detail) = failure(&inventory, "schedules.velero.io");
    assert_eq!(why, Reason::Unreachable);
    assert!(detail.contains("stale"), "{detail}");
    assert!(is_complete(&inventory, "deployments.apps"));
}

#[test]
fn an_older_server_is_asked_group_by_group() {
    let server = Server::start();
    for root in ["/api", "/apis"] {
        let plain = server.recorded("reader", root).unwrap();
        server.fault(root, move |_, asked, _| (asked.path == root).then(|| Reply::json(200, &plain)));
    }
    let names =
        ["pods", "deployments.apps", "policyexceptions.kyverno.io", "clusterpolicies.kyverno.io", "nothings.apps", "things.nope.example"];
    let inventory = collect(&server, "reader", &names);
    for name in &names[..4] {
        assert!(is_complete(&inventory, name), "{name}: {:?}", inventory.completeness(&Resource::kubernetes(name)));
    }
    for name in &names[4..] {
        assert_eq!(*inventory.completeness(&Resource::kubernetes(name)), Completeness::NotServed, "{name}");
    }
    // Of the groups only those that are read.
    assert!(server.asked().iter().all(|asked| !asked.path.starts_with("/apis/velero.io")));
}
