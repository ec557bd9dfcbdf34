//! From announcements to targets: what is allowed is looked up and handed on, what is not is told, and nothing else happens.

use std::path::Path;

use proofbook_checks::mask::Mask;
use proofbook_checks::project::Projection;
use proofbook_checks::value::Value;
use proofbook_controls::yaml;
use serde_json::{Value as Json, json};

use super::announced::tests::inventory;
use super::found::DISCOVERY;
use super::*;
use crate::settings::Setup;

fn discovery(settings: &str) -> Discovery {
    let settings: DiscoverSettings = yaml::parse("proofbook.yaml", settings).unwrap_or_else(|error| panic!("{error:?}"));
    settings.open(true, &Setup { root: Path::new("."), file: "proofbook.yaml" }).unwrap_or_else(|error| panic!("{error}"))
}

fn ingress(name: &str, hosts: &[&str], ip: Option<&str>) -> Json {
    let rules: Vec<Json> = hosts.iter().map(|host| json!({"host": host})).collect();
    let balanced: Vec<Json> = ip.into_iter().map(|ip| json!({"ip": ip})).collect();
    json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": name, "namespace": "shop"},
        "spec": {"rules": rules}, "status": {"loadBalancer": {"ingress": balanced}},
    })
}

async fn look(discovery: &Discovery, objects: &[Json]) -> Found {
    let announced = discovery.announced(&inventory(objects), &|_| false).unwrap();
    discovery.look(announced).await
}

fn decisions(found: &Found) -> Vec<(&str, &str)> {
    found.records.iter().map(|record| (record.name.as_str(), record.decision)).collect()
}

#[tokio::test]
async fn what_is_allowed_becomes_a_target_and_the_rest_is_told() {
    let discovery = discovery(
        "{tls: true, http: true, dns: true, allow: [localhost, '*.example.invalid', 127.0.0.0/8, '::1'], deny: ['old.example.invalid']}",
    );
    let hosts =
        ["localhost", "gone.example.invalid", "old.example.invalid", "evil.test", "*.example.invalid", "metadata.google.internal", "a b"];
    let found = look(&discovery, &[ingress("web", &hosts, Some("127.0.0.9"))]).await;
    assert_eq!(
        decisions(&found),
        [
            ("*.example.invalid:443", "wildcard"),
            ("127.0.0.9", "looked-at"),
            ("a b:443", "no-name"),
            ("evil.test:443", "not-allowed"),
            ("gone.example.invalid:443", "no-address"),
            ("localhost:443", "looked-at"),
            ("metadata.google.internal:443", "off-limits"),
            ("old.example.invalid:443", "denied"),
        ]
    );
    // Of names only those that are allowed are looked up.
    let mut resolved: Vec<&str> =
        found.requests.iter().filter(|request| request.method == "resolve").map(|request| request.query.as_str()).collect();
    resolved.sort_unstable();
    assert_eq!(resolved, ["gone.example.invalid", "localhost"]);

    let local = found.tls.iter().find(|place| place.host == "localhost").unwrap();
    // The load balancer's address is allowed by its range, so it is asked for the host as well.
    assert!(
        local.addresses.contains(&"127.0.0.1".parse().unwrap()) && local.addresses.contains(&"127.0.0.9".parse().unwrap()),
        "{local:?}"
    );
    assert!(local.withheld.is_empty() && local.origin == Origin::Host);
    let gone = found.tls.iter().find(|place| place.host == "gone.example.invalid").unwrap();
    assert!(gone.withheld.iter().any(|(address, _)| address.is_none()), "{gone:?}");
    assert_eq!((found.tls.len(), found.http.len(), found.dns.len(), found.ports.len()), (2, 2, 2, 1));
    assert_eq!((found.announced(), found.left_out().count()), (8, 6));
}

#[tokio::test]
async fn a_name_that_leads_to_this_machine_is_not_followed_without_its_range() {
    let discovery = discovery("{tls: true, http: true, allow: [localhost, 203.0.113.0/24]}");
    let found = look(&discovery, &[ingress("web", &["localhost"], Some("127.0.0.9"))]).await;
    assert_eq!(decisions(&found), [("127.0.0.9", "not-allowed"), ("localhost:443", "withheld")]);
    let [place] = found.tls.as_slice() else { panic!("{:?}", found.tls) };
    assert!(place.addresses.is_empty() && !place.withheld.is_empty(), "{place:?}");
    assert!(place.withheld.iter().all(|(address, unread)| address.is_some() && unread.detail.contains("discover.allow")));
    assert!(found.ports.is_empty());
}

#[tokio::test]
async fn the_record_says_who_announced_it_and_what_became_of_it() {
    let discovery = discovery("{tls: true, allow: ['*.example.com']}");
    let found = look(&discovery, &[ingress("a", &["evil.test"], None), ingress("b", &["evil.test"], None)]).await;
    let resource = Resource::of_object("proofbook.dev/tls", DISCOVERY);
    let wanted = Wanted::from([
        (resource.clone(), Projection { mask: std::sync::Arc::new(Mask::all()), controlled: None }),
        (Resource::tls_endpoints(), Projection::default()),
    ]);
    let inventory = found.inventory(&wanted);
    let [record] = inventory.objects(&resource) else { panic!("one announcement") };
    let record = Value::to_json(record);
    assert_eq!((&record["decision"], &record["port"]), (&json!("not-allowed"), &json!(443)));
    assert_eq!(record["announced_by"], json!(["Ingress/shop/a", "Ingress/shop/b"]));
    // Endpoints are the business of their own collector.
    assert!(!inventory.listings.contains_key(&Resource::tls_endpoints()));
    assert_eq!(
        inventory.requests.iter().map(|request| (request.method.as_str(), request.status.as_str())).collect::<Vec<_>>(),
        [("found", "not-allowed")]
    );
}

#[test]
fn only_what_is_discovered_depends_on_it() {
    let kinds = |settings: &str| {
        let wanted = ["tls/Endpoint", "tls/Address", "http/Site", "http/StatusPage", "dns/Name", "dns/Domain"];
        let wanted: Wanted = wanted
            .into_iter()
            .filter_map(|kind| kind.split_once('/'))
            .map(|(source, kind)| (Resource::of_object(&format!("proofbook.dev/{source}"), kind), Projection::default()))
            .collect();
        discovery(settings).depends(&wanted).map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(kinds("{allow: ['*.example.com']}"), ["tls/addresses"]);
    assert_eq!(kinds("{tls: true, allow: ['*.example.com']}"), ["tls/addresses", "tls/endpoints"]);
    assert_eq!(kinds("{http: true, dns: true, allow: ['*.example.com']}"), ["tls/addresses", "http/sites", "dns/names"]);
}

#[test]
fn a_plan_is_told_without_a_look_up() {
    let discovery = discovery("{tls: true, http: true, allow: ['*.example.com', 203.0.113.0/24]}");
    let announced = discovery.announced(&inventory(&[ingress("web", &["app.example.com", "evil.test"], Some("203.0.113.7"))]), &|_| false);
    let found = discovery.foretell(announced.unwrap());
    assert_eq!(found.plan().iter().map(|request| request.query.as_str()).collect::<Vec<_>>(), ["app.example.com"]);
    assert_eq!(found.tls.iter().map(|place| place.host.as_str()).collect::<Vec<_>>(), ["app.example.com"]);
    assert!(Discovery::untemplated("host.discovered.invalid:443").starts_with("<host of each Ingress"));
}

#[test]
fn an_empty_list_of_what_is_allowed_is_refused() {
    let settings: DiscoverSettings = yaml::parse("proofbook.yaml", "{tls: true, allow: []}").unwrap();
    let error = settings.open(false, &Setup { root: Path::new("."), file: "proofbook.yaml" }).unwrap_err().to_string();
    assert!(error.contains("`allow` is empty"), "{error}");
    assert!(yaml::parse::<DiscoverSettings>("proofbook.yaml", "{tls: true}").is_err(), "the list is required");
}
