//! Zones of Cloudflare, against answers made after the documentation of its API.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends")]

#[path = "support/canned.rs"]
mod canned;
#[path = "support/library.rs"]
mod library;

use std::fs;

use canned::{Canned, CannedServer};
use library::open;
use proofbook_checks::Catalog;
use proofbook_checks::inventory::{Completeness, Inventory};
use proofbook_checks::plan::Plan;
use proofbook_checks::resource::Resource;
use proofbook_checks::settings::Settings;
use proofbook_sources::collector::Unwatched;
use proofbook_sources::http::HttpTarget;
use serde_json::{Value as Json, json};

fn answers(regions: Canned) -> CannedServer {
    let zone = json!({"id": "z1", "name": "example.com", "status": "active", "paused": false, "plan": {"legacy_id": "enterprise", "name": "Enterprise"}});
    let name = |kind: &str, name: &str, proxied: bool| json!({"type": kind, "name": name, "content": "192.0.2.1", "proxied": proxied, "comment": "of a person"});
    let first = json!([name("A", "app.example.com", true), name("A", "app.example.com", false), name("TXT", "example.com", false)]);
    let second = json!([name("CNAME", "Docs.example.com", true), name("AAAA", "api.eu.example.com", true)]);
    CannedServer::answering(move |_, path, head| {
        assert!(head.to_ascii_lowercase().contains("authorization: bearer hush"), "{head}");
        let told = |result: &Json, pages: u64| json!({"success": true, "errors": [], "result": result, "result_info": {"page": 1, "per_page": 100, "total_pages": pages}});
        match path {
            "/zones/z1" => Canned::json(200, &told(&zone, 1)),
            "/zones/z1/dns_records?per_page=100&page=1" => Canned::json(200, &told(&first, 2)),
            "/zones/z1/dns_records?per_page=100&page=2" => Canned::json(200, &told(&second, 2)),
            "/zones/z1/addressing/regional_hostnames" => regions.clone(),
            _ => Canned::json(404, &json!({"success": false})),
        }
    })
}

async fn read(server: &CannedServer) -> Inventory {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("token"), "hush").unwrap();
    let yaml = format!("zones: [{{zone: z1, url: '{}', access: {{token: {{file: token}}}}}}]", server.url());
    let collector = open::<HttpTarget>("http", &yaml, folder.path());
    let catalog = Catalog::load_without_fixtures(&Catalog::embedded_files()).unwrap_or_else(|errors| panic!("{errors}"));
    let settings = Settings::default();
    let checks = ["edge-ddos-protection", "cdn-processing-region"];
    let plan = Plan::new(&catalog, &settings, |check| checks.contains(&check.id().as_str())).unwrap_or_else(|errors| panic!("{errors}"));
    let inventory = collector.collect(&plan.wanted(), &Unwatched).await;
    assert_eq!(inventory.targets.len(), 1, "nobody but the API of the zone was met");
    assert!(!format!("{inventory:?}").contains("hush"));
    inventory
}

fn records(inventory: &Inventory, kind: &str) -> Vec<Json> {
    let resource = Resource::of_object("proofbook.dev/http", kind);
    inventory.objects(&resource).iter().map(proofbook_checks::value::Value::to_json).collect()
}

#[tokio::test]
async fn names_are_read_page_by_page_with_the_region_of_each() {
    let regions = json!({"success": true, "result": [
        {"hostname": "app.example.com", "region_key": "eu", "created_on": "2026-01-01T00:00:00Z"},
        {"hostname": "*.eu.example.com", "region_key": "eu"},
    ]});
    let inventory = read(&answers(Canned::json(200, &regions))).await;
    let zones = records(&inventory, "Zone");
    assert_eq!((&zones[0]["zone"], &zones[0]["active"]), (&json!("example.com"), &json!(true)));
    let names = records(&inventory, "EdgeName");
    let told: Vec<(&str, bool, &Json)> =
        names.iter().map(|name| (name["host"].as_str().unwrap(), name["proxied"] == true, &name["region"]["key"])).collect();
    // One record that is not proxied opens the name; a wildcard covers one level.
    let (eu, none) = (json!("eu"), Json::Null);
    assert_eq!(told, [("api.eu.example.com", true, &eu), ("app.example.com", false, &eu), ("docs.example.com", true, &none)]);
    assert!(!format!("{inventory:?}").contains("192.0.2.1") && !format!("{inventory:?}").contains("of a person"));
}

#[tokio::test]
async fn what_may_not_be_read_is_missing_where_it_is_needed_and_nowhere_else() {
    let inventory = read(&answers(Canned::json(403, &json!({"success": false})))).await;
    let names = records(&inventory, "EdgeName");
    assert!(names.iter().all(|name| name["region"]["unread"]["reason"] == "not-permitted"), "{names:?}");
    assert!(names.iter().any(|name| name["proxied"] == true));
    let sites = Resource::of_object("proofbook.dev/http", "Site");
    assert_eq!(inventory.listings[&sites].completeness, Completeness::NotCollected, "no site was named, so none is known");

    for (answer, reason) in [
        (Canned::json(401, &json!({"success": false})), "not-permitted"),
        (Canned::json(200, &json!({"success": false, "errors": [{"code": 10000}]})), "parse-error"),
        (Canned::text(200, "<html>"), "parse-error"),
        (Canned::json(200, &json!({"success": true, "result": []})), "incomplete-list"),
    ] {
        let server = CannedServer::start([("*", answer)]);
        let names = records(&read(&server).await, "EdgeName");
        assert_eq!((names.len(), names[0]["unread"]["reason"].as_str()), (1, Some(reason)));
    }
}
