//! Whatever goes wrong on the way must come out as what it is, and never as an empty list.

use std::time::{Duration, Instant};

use proofbook_checks::inventory::{Inventory, Reason};
use proofbook_checks::resource::Resource;
use serde_json::json;

use super::reading::in_pages;
use super::server::{Reply, Server};
use super::{collect, collect_with, count, failure, is_complete, reason, settings, wanted};

const PODS: &str = "/api/v1/pods?limit=";

fn lists(inventory: &Inventory) -> Vec<String> {
    inventory.requests.iter().filter(|request| request.method == "LIST").map(|request| request.status.clone()).collect()
}

// Collects the Pods from a server that makes `fault` of the n-th list, and config maps beside them, which must stay well.
fn pods_with(fault: impl Fn(usize, &Reply) -> Option<Reply> + Send + 'static) -> Inventory {
    let server = Server::start();
    server.fault(PODS, move |n, _, recorded| fault(n, recorded));
    let inventory = collect(&server, "reader", &["pods", "configmaps"]);
    assert!(is_complete(&inventory, "configmaps"), "a fault of one list must not spoil another");
    inventory
}

fn pages_with(fault: impl Fn(usize, &str) -> Option<Reply> + Send + 'static) -> (Server, Inventory) {
    let server = Server::start();
    server.fault("/api/v1/configmaps?limit=", move |n, asked, _| fault(n, &asked.path));
    in_pages(&server);
    let folder = tempfile::tempdir().unwrap();
    let mut settings = settings(&server, &folder, "reader");
    settings.page_size = 250;
    let inventory = collect_with(settings, &wanted(&["configmaps"]));
    (server, inventory)
}

fn expired() -> Reply {
    let metadata = json!({"continue": "goes-on-inconsistently"});
    Reply::json(
        410,
        &json!({"kind": "Status", "metadata": metadata, "message": "The provided continue parameter is too old", "reason": "Expired", "code": 410}),
    )
}

#[test]
fn an_expired_list_begins_anew() {
    let (_, inventory) = pages_with(|n, _| (n == 1).then(expired));
    assert!(is_complete(&inventory, "configmaps"));
    assert_eq!(count(&inventory, "configmaps"), 621, "nothing of the first attempt may stay");
    assert_eq!(lists(&inventory), ["200", "410", "200", "200", "200"]);
}

#[test]
fn a_list_that_expires_for_ever_is_incomplete() {
    let (server, inventory) = pages_with(|_, path| path.contains("continue=").then(expired));
    let (why, detail) = failure(&inventory, "configmaps");
    assert_eq!(why, Reason::IncompleteList);
    assert!(detail.contains("expired") && detail.contains("4 times"), "{detail}");
    assert_eq!(lists(&inventory).len(), 8);
    assert!(server.asked().iter().all(|asked| !asked.path.contains("goes-on-inconsistently")));
}

#[test]
fn pages_of_different_resource_versions_are_no_list() {
    let (_, inventory) = pages_with(|_, path| {
        path.contains("continue=").then(|| {
            let metadata = json!({"resourceVersion": "99999999"});
            Reply::json(200, &json!({"kind": "ConfigMapList", "apiVersion": "v1", "metadata": metadata, "items": []}))
        })
    });
    let (why, detail) = failure(&inventory, "configmaps");
    assert_eq!(why, Reason::IncompleteList);
    assert!(detail.contains("different resource versions"), "{detail}");
    assert_eq!(count(&inventory, "configmaps"), 0, "half a list must not be judged");
}

#[test]
fn a_continue_token_that_does_not_move_on_ends_the_list() {
    let (_, inventory) = pages_with(|_, _| {
        let metadata = json!({"resourceVersion": "7", "continue": "a/b=="});
        Some(Reply::json(200, &json!({"kind": "ConfigMapList", "apiVersion": "v1", "metadata": metadata, "items": []})))
    });
    assert_eq!(reason(&inventory, "configmaps"), Reason::IncompleteList);
    assert_eq!(lists(&inventory).len(), 2);
}

#[test]
fn a_pause_that_is_asked_for_is_kept() {
    let began = Instant::now();
    let inventory = pods_with(|n, _| (n < 2).then(|| Reply::status(429, "TooManyRequests").with_header("Retry-After", "1")));
    assert!(is_complete(&inventory, "pods"));
    assert!(began.elapsed() >= Duration::from_secs(2), "{:?}", began.elapsed());
}

#[test]
fn pauses_without_end_are_given_up() {
    let inventory = pods_with(|_, _| Some(Reply::status(429, "TooManyRequests").with_header("Retry-After", "0")));
    let (why, detail) = failure(&inventory, "pods");
    assert_eq!(why, Reason::Throttled);
    assert!(detail.contains("5 times"), "{detail}");
    assert_eq!(inventory.requests.iter().filter(|request| request.status == "429").count(), 5);
}

#[test]
fn server_errors_pass_or_not() {
    let inventory = pods_with(|n, _| (n < 2).then(|| Reply::status(500, "InternalError")));
    assert!(is_complete(&inventory, "pods"));
    let inventory = pods_with(|_, _| Some(Reply::status(503, "ServiceUnavailable")));
    let (why, detail) = failure(&inventory, "pods");
    assert_eq!(why, Reason::Unreachable);
    assert!(detail.contains("503") && detail.contains("3 times"), "{detail}");
    assert_eq!(reason(&pods_with(|_, _| Some(Reply::status(504, "Timeout"))), "pods"), Reason::Timeout);
}

#[test]
fn a_server_that_does_not_answer_costs_the_deadline() {
    let server = Server::start();
    server.fault(PODS, |_, _, recorded| Some(Reply { silent: true, ..recorded.clone() }));
    let folder = tempfile::tempdir().unwrap();
    let mut settings = settings(&server, &folder, "reader");
    settings.deadline = Duration::from_secs(3);
    let began = Instant::now();
    let inventory = collect_with(settings, &wanted(&["pods", "services"]));
    assert_eq!(reason(&inventory, "pods"), Reason::Timeout);
    assert!(is_complete(&inventory, "services"));
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
}

#[test]
fn a_connection_cut_in_the_middle_is_no_short_list() {
    // The headers promise the whole body.
    let cut = |recorded: &Reply| Some(Reply { cut_after: Some(recorded.body.len() / 2), ..recorded.clone() });
    let inventory = pods_with(move |n, recorded| cut(recorded).filter(|_| n == 0));
    assert!(is_complete(&inventory, "pods"), "one broken connection is repeated");
    let inventory = pods_with(move |_, recorded| cut(recorded));
    let (why, detail) = failure(&inventory, "pods");
    assert_eq!(why, Reason::IncompleteList);
    assert!(detail.contains("the connection broke"), "{detail}");
    assert_eq!(count(&inventory, "pods"), 0);
}

#[test]
fn a_body_cut_by_something_between_is_no_short_list() {
    // The headers fit the shortened body, as behind a proxy.
    let inventory = pods_with(|_, recorded| Some(Reply { body: recorded.body[..recorded.body.len() / 2].to_vec(), ..recorded.clone() }));
    assert_eq!(reason(&inventory, "pods"), Reason::IncompleteList);
    assert_eq!(count(&inventory, "pods"), 0);
}

#[test]
fn a_connection_closed_without_answer_is_unreachable() {
    let inventory = pods_with(|_, recorded| Some(Reply { hang_up: true, ..recorded.clone() }));
    assert_eq!(reason(&inventory, "pods"), Reason::Unreachable);
}

#[test]
fn garbage_is_a_parse_error() {
    for body in [
        "<html>Please log in</html>",
        "",
        "{}",
        r#"{"kind":"Status","apiVersion":"v1","status":"Success"}"#,
        r#"{"kind":"Table","apiVersion":"meta.k8s.io/v1","rows":[]}"#,
        r#"{"kind":"NodeList","apiVersion":"v1","items":[]}"#,
        r#"{"kind":"PodList","apiVersion":"v1","items":["x"]}"#,
        r#"{"kind":"PodList","apiVersion":"v1","items":[{"metadata":{"name":}}]}"#,
        r#"{"kind":"PodList","apiVersion":"v1","items":[]}{"kind":"PodList","apiVersion":"v1","items":[]}"#,
        "{\"kind\":\"PodList\",\"apiVersion\":\"v1\",\"items\":[{\"metadata\":{\"name\":\"\u{fffd}\"}}]}",
    ] {
        let body = body.to_owned().into_bytes();
        // An invalid byte in place of the replacement character.
        let body = String::from_utf8_lossy(&body)
            .replace('\u{fffd}', "\u{1}")
            .into_bytes()
            .iter()
            .map(|byte| if *byte == 1 { 0xFF } else { *byte })
            .collect::<Vec<_>>();
        let shown = String::from_utf8_lossy(&body).into_owned();
        let inventory = pods_with(move |_, recorded| Some(Reply { body: body.clone(), ..recorded.clone() }));
        let (why, detail) = failure(&inventory, "pods");
        assert_eq!(why, Reason::ParseError, "{shown}: {detail}");
        assert_eq!(lists(&inventory).len(), 2, "what cannot be read is not asked for again");
    }
}

#[test]
fn errors_never_quote_what_came() {
    let inventory = pods_with(|_, recorded| {
        let body = r#"{"kind":"PodList","items":[{"metadata":"password=hunter22"}, {"spec":hunter22}]}"#;
        Some(Reply { body: body.as_bytes().to_vec(), ..recorded.clone() })
    });
    assert_eq!(reason(&inventory, "pods"), Reason::ParseError);
    assert!(!format!("{inventory:?}").contains("hunter22"));
    let inventory = pods_with(|_, _| Some(Reply::status(403, "no: Bearer abcdefghijklmnopqrstuvwxyz")));
    assert_eq!(reason(&inventory, "pods"), Reason::NotPermitted);
    assert!(!format!("{inventory:?}").contains("abcdefghij"));
}

#[test]
fn a_list_may_be_refused_although_the_review_allowed_it() {
    let inventory = pods_with(|_, _| Some(Reply::status(403, "Forbidden")));
    assert_eq!(reason(&inventory, "pods"), Reason::NotPermitted);
    assert_eq!(lists(&inventory).len(), 2, "a refusal is not repeated");
}

#[test]
fn an_empty_list_needs_the_proof_that_listing_is_permitted() {
    let empty = r#"{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"5"},"items":[]}"#;
    let reviews = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    // Allowed: there are none. Denied: the empty answer means nothing. Not told: neither does it.
    for (review, complete) in [
        (Reply::text(201, r#"{"status":{"allowed":true}}"#), true),
        (Reply::text(201, r#"{"status":{"allowed":false}}"#), false),
        (Reply::text(201, r#"{"status":{}}"#), false),
        (Reply::status(405, "MethodNotAllowed"), false),
        (Reply::status(404, "NotFound"), false),
    ] {
        let server = Server::start();
        server.fault(PODS, move |_, _, _| Some(Reply::text(200, empty)));
        let shown = review.clone();
        server.fault(reviews, move |_, _, _| Some(review.clone()));
        let inventory = collect(&server, "reader", &["pods"]);
        assert_eq!(is_complete(&inventory, "pods"), complete, "{shown:?}");
        if !complete {
            assert_eq!(reason(&inventory, "pods"), Reason::NotPermitted, "{shown:?}");
        }
    }
    // With items it is the list itself that proves it.
    let server = Server::start();
    server.fault(reviews, |_, _, _| Some(Reply::status(405, "MethodNotAllowed")));
    assert!(is_complete(&collect(&server, "reader", &["pods"]), "pods"));
}

#[test]
fn a_wrong_token_reads_nothing() {
    let server = Server::start();
    let inventory = collect(&server, "wrong", &["pods", "deployments.apps"]);
    for name in ["pods", "deployments.apps"] {
        let (why, detail) = failure(&inventory, name);
        assert_eq!((why, detail.as_str()), (Reason::NotPermitted, "the server answered 401 Unauthorized: Unauthorized"));
    }
    assert!(inventory.targets.is_empty());
}

#[test]
fn an_anonymous_account_is_not_let_into_discovery() {
    let server = Server::start();
    let inventory = collect(&server, "", &["pods", "deployments.apps"]);
    for name in ["pods", "deployments.apps"] {
        let (why, detail) = failure(&inventory, name);
        assert_eq!(why, Reason::NotPermitted);
        assert!(detail.starts_with("discovery failed: "), "{detail}");
    }
    assert_eq!(inventory.targets[0].actor.auth, "none");
    assert_eq!(inventory.targets[0].actor.identity, "not reported");
}

#[test]
fn clocks_that_differ_spoil_everything() {
    for (ahead, well) in [(30, true), (-30, true), (90, false), (-90, false)] {
        let server = Server::start();
        server.set_clock(ahead);
        let inventory = collect(&server, "reader", &["pods", "services"]);
        let offset = inventory.targets[0].clock_offset_ms.unwrap();
        assert!((offset - ahead * 1000).abs() < 5_000, "{offset}");
        assert_eq!(is_complete(&inventory, "pods"), well, "{ahead}");
        if !well {
            assert_eq!(reason(&inventory, "pods"), Reason::ClockSkew);
            assert_eq!(reason(&inventory, "services"), Reason::ClockSkew);
            assert!(lists(&inventory).is_empty());
        }
    }
}

#[test]
fn a_server_that_is_not_there_is_unreachable() {
    let server = Server::start();
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(&server, &folder, "reader");
    drop(server);
    std::thread::sleep(Duration::from_millis(100));
    let inventory = collect_with(settings, &wanted(&["pods", "services"]));
    for name in ["pods", "services"] {
        let (why, detail) = failure(&inventory, name);
        assert_eq!(why, Reason::Unreachable);
        assert!(detail.starts_with("no connection to the API server: "), "{detail}");
    }
    assert!(inventory.objects(&Resource::kubernetes("pods")).is_empty());
}
