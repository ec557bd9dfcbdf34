//! The collector of the domain name system and its checks against nsd and unbound with zones that are signed well, wrongly and
//! not at all, and against resolvers that misbehave.

#[path = "support/findings.rs"]
mod findings;
#[path = "dns/lab.rs"]
mod lab;

use std::path::Path;
use std::time::{Duration, Instant};

use findings::{Judged, judge, open};
use lab::{Lab, Manner, resolver};
use proofbook_checks::resource::Resource;
use proofbook_checks::{Reason, Verdict};
use proofbook_sources::dns::DnsTarget;
use serde_json::{Value, json};

const NOW: &str = "2026-11-24T00:00:00Z";

async fn run(lab: &Lab, mut target: Value, checks: &[&str], params: Value) -> Judged {
    if target.get("resolvers").is_none() {
        target["resolvers"] = json!([lab.resolver]);
    }
    target["trust_anchors"] = json!("anchors");
    let collector = open::<DnsTarget>("dns", lab.folder(), &target).expect("sound settings");
    judge(collector.as_ref(), checks, &params, NOW).await
}

fn records(judged: &Judged, kind: &str) -> Vec<Value> {
    let resource = Resource::of_object("proofbook.dev/dns", kind);
    judged.inventory.objects(&resource).iter().map(proofbook_checks::value::Value::to_json).collect()
}

#[tokio::test]
async fn a_compliant_domain() {
    let lab = Lab::new();
    let target = json!({
        "names": ["app.good.lab", "www.good.lab"],
        "domains": [{"name": "good.lab", "dkim_selectors": ["s1"]}],
    });
    let judged = run(&lab, target, &["dns-caa", "dns-dnssec", "dns-dangling", "mail-auth-dns"], json!({})).await;
    // Two names, one domain twice, and what they depend on: two names, a name server, a mail host.
    judged.all(Verdict::Pass, 8);
    assert_eq!(judged.finding("dns-dnssec", "Domain/good.lab").measured["validation"].to_json(), "secure");
    assert_eq!(judged.finding("dns-caa", "Name/www.good.lab").measured["at"].to_json(), "good.lab");
    assert_eq!(judged.finding("dns-dangling", "Reference/app.good.lab address app.good.lab").measured["addresses"].to_json(), 3);
    judged.finding("dns-dangling", "Reference/www.good.lab CNAME app.good.lab");
    judged.finding("dns-dangling", "Reference/good.lab MX mx.good.lab");
    judged.finding("dns-dangling", "Reference/good.lab NS ns.infra.lab");
    // Each kind of question that was asked is in the plan; what follows from answers stands there in words.
    for (method, query) in judged.requests() {
        assert!(judged.planned.iter().any(|planned| planned.method == method), "{method} {query} is not in {:#?}", judged.planned);
    }
}

#[tokio::test]
async fn a_domain_that_is_not_as_promised() {
    let lab = Lab::new();
    let target = json!({"names": ["app.plain.lab", "old.plain.lab", "gone.plain.lab"], "domains": [{"name": "plain.lab"}]});
    let judged = run(&lab, target, &["dns-caa", "dns-dnssec", "dns-dangling", "mail-auth-dns"], json!({})).await;
    let of = |check: &str, subject: &str| {
        let finding = judged.finding(check, subject);
        (finding.verdict, finding.reason_code)
    };
    assert_eq!(of("dns-caa", "Name/app.plain.lab"), (Verdict::Fail, Reason::MissingObject));
    assert_eq!(of("dns-dnssec", "Domain/plain.lab"), (Verdict::Fail, Reason::MissingObject));
    assert_eq!(of("dns-dangling", "Reference/old.plain.lab CNAME gone.good.lab"), (Verdict::Fail, Reason::DanglingReference));
    assert_eq!(of("dns-dangling", "Reference/gone.plain.lab address gone.plain.lab"), (Verdict::Fail, Reason::MissingObject));
    assert_eq!(of("dns-dangling", "Reference/plain.lab MX mx.gone.good.lab"), (Verdict::Fail, Reason::DanglingReference));
    assert_eq!(of("dns-dangling", "Reference/plain.lab NS ns.infra.lab"), (Verdict::Pass, Reason::AsPromised));
    let mail = judged.finding("mail-auth-dns", "Domain/plain.lab");
    assert_eq!((mail.verdict, mail.measured["spf"].to_json()), (Verdict::Fail, json!("pass")));
}

#[tokio::test]
async fn signatures_that_ended_are_found_by_ourselves_behind_either_kind_of_resolver() {
    let lab = Lab::new();
    // One that checks and hides what is wrong, and one that does not check at all.
    for resolver in [&lab.resolver, &lab.authority] {
        let target = json!({
            "domains": [{"name": "good.lab"}, {"name": "bogus.lab"}, {"name": "plain.lab"}, {"name": "parked.lab"}],
            "resolvers": [resolver],
        });
        let judged = run(&lab, target, &["dns-dnssec"], json!({})).await;
        let of = |zone: &str| {
            let finding = judged.finding("dns-dnssec", &format!("Domain/{zone}"));
            (finding.verdict, finding.measured.get("validation").map(proofbook_checks::value::Value::to_json))
        };
        assert_eq!(of("good.lab"), (Verdict::Pass, Some(json!("secure"))), "{:#?}", judged.told());
        assert_eq!(of("parked.lab"), (Verdict::Pass, Some(json!("secure"))));
        assert_eq!(of("bogus.lab"), (Verdict::Fail, Some(json!("bogus"))));
        assert_eq!(of("plain.lab"), (Verdict::Fail, Some(json!("insecure"))));
    }
}

#[tokio::test]
async fn what_a_checking_resolver_hides_is_an_error_for_everything_else() {
    let lab = Lab::new();
    let target = json!({"names": ["app.bogus.lab"], "domains": [{"name": "bogus.lab"}]});
    let judged = run(&lab, target, &["dns-caa", "mail-auth-dns"], json!({})).await;
    for (check, subject) in [("dns-caa", "Name/app.bogus.lab"), ("mail-auth-dns", "Domain/bogus.lab")] {
        let finding = judged.finding(check, subject);
        assert_eq!((finding.verdict, finding.reason_code), (Verdict::Error, Reason::Unreachable), "{}", finding.message);
    }
}

#[tokio::test]
async fn anchors_that_do_not_fit_say_nothing_about_a_zone() {
    let lab = Lab::new();
    let own = std::fs::read_to_string(lab.folder().join("anchors")).unwrap();
    let other = Lab::new();
    std::fs::copy(other.folder().join("anchors"), lab.folder().join("anchors")).unwrap();
    let target = json!({"domains": [{"name": "good.lab"}]});
    let judged = run(&lab, target.clone(), &["dns-dnssec"], json!({})).await;
    let finding = judged.finding("dns-dnssec", "Domain/good.lab");
    assert_eq!((finding.verdict, finding.reason_code), (Verdict::Error, Reason::Unreachable), "{}", finding.message);
    assert!(finding.message.contains("out of date"), "{}", finding.message);
    std::fs::write(lab.folder().join("anchors"), own.replacen('.', "elsewhere.", 1)).unwrap();
    let judged = run(&lab, target, &["dns-dnssec"], json!({})).await;
    assert_eq!(judged.finding("dns-dnssec", "Domain/good.lab").reason_code, Reason::NotCollected);
}

#[tokio::test]
async fn mail_of_a_parked_domain_and_policies_from_elsewhere() {
    let lab = Lab::new();
    let target =
        json!({"domains": [{"name": "parked.lab", "sends_mail": false}, {"name": "good.lab", "dkim_selectors": ["s1", "s2", "s3"]}]});
    let judged = run(&lab, target, &["mail-auth-dns"], json!({})).await;
    let parked = judged.finding("mail-auth-dns", "Domain/parked.lab");
    // SPF comes by way of a redirect; DMARC only asks for quarantine.
    assert_eq!((parked.reason_code, parked.measured["spf"].to_json()), (Reason::BelowMin, json!("fail")));
    let good = judged.finding("mail-auth-dns", "Domain/good.lab");
    assert!(good.message.contains("s2, s3"), "{}", good.message);
    // Whom reports go to is nobody's business.
    assert!(!judged.kept().contains("dmarc@"), "{}", judged.kept());
}

#[tokio::test]
async fn the_records_at_the_end_of_an_alias_decide_who_may_issue() {
    let lab = Lab::new();
    let judged = run(&lab, json!({"names": ["strict.good.lab"]}), &["dns-caa"], json!({})).await;
    let finding = judged.finding("dns-caa", "Name/strict.good.lab");
    assert_eq!((finding.verdict, finding.reason_code), (Verdict::Fail, Reason::NotAllowed));
    assert!(finding.message.contains("ca.other.example"), "{}", finding.message);
}

#[tokio::test]
async fn an_answer_that_is_cut_off_is_asked_for_again_over_tcp() {
    let lab = Lab::new();
    let target = json!({"domains": [{"name": "long.good.lab"}]});
    let judged = run(&lab, target, &["mail-auth-dns"], json!({})).await;
    let finding = judged.finding("mail-auth-dns", "Domain/long.good.lab");
    assert_eq!((finding.verdict, finding.reason_code), (Verdict::Fail, Reason::MissingObject), "{}", finding.message);
    let over_tcp =
        |(method, query): &(&str, &str)| *method == "query TXT" && query.starts_with("long.good.lab @") && query.ends_with("/tcp");
    assert_eq!(judged.requests().iter().filter(|request| over_tcp(request)).count(), 1, "{:#?}", judged.requests());
}

#[tokio::test]
async fn resolvers_that_misbehave_are_errors_with_their_reason() {
    let lab = Lab::new();
    let dead = format!("127.0.0.1:{}", lab::free_port());
    for (resolver, reason) in [
        (resolver(Manner::Silent), Reason::Timeout),
        (resolver(Manner::Code(2)), Reason::Unreachable),
        (resolver(Manner::Code(5)), Reason::NotPermitted),
        // The library asks a closed port again and again until the deadline.
        (dead, Reason::Timeout),
    ] {
        let started = Instant::now();
        let target = json!({
            "names": ["app.good.lab"],
            "domains": [{"name": "good.lab"}],
            "resolvers": [resolver],
            "deadline_seconds": 1,
        });
        let judged = run(&lab, target, &["dns-caa", "dns-dnssec", "dns-dangling", "mail-auth-dns"], json!({})).await;
        for finding in &judged.findings {
            assert_eq!((finding.verdict, finding.reason_code), (Verdict::Error, reason), "{}: {}", finding.check, finding.message);
        }
        assert_eq!(judged.findings.len(), 5);
        assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());
    }
    // Bytes that are no message are passed over, like those of somebody who guesses; in the end there is silence or a fault.
    let target = json!({"names": ["app.good.lab"], "resolvers": [resolver(Manner::Garbage)], "deadline_seconds": 1});
    let judged = run(&lab, target, &["dns-caa"], json!({})).await;
    assert_eq!(judged.finding("dns-caa", "Name/app.good.lab").verdict, Verdict::Error);
}

#[tokio::test]
async fn the_next_resolver_is_asked_where_one_is_silent() {
    let lab = Lab::new();
    let target = json!({
        "names": ["app.good.lab"],
        "resolvers": [resolver(Manner::Silent), resolver(Manner::Code(5)), lab.resolver],
        "deadline_seconds": 1,
    });
    let judged = run(&lab, target, &["dns-caa"], json!({})).await;
    judged.all(Verdict::Pass, 1);
}

#[tokio::test]
async fn a_domain_that_does_not_exist_and_one_that_is_no_zone_of_its_own() {
    let lab = Lab::new();
    let target = json!({"domains": [{"name": "gone.good.lab"}, {"name": "app.good.lab"}]});
    let judged = run(&lab, target, &["dns-dnssec"], json!({})).await;
    assert_eq!(judged.finding("dns-dnssec", "Domain/gone.good.lab").reason_code, Reason::NotServed);
    assert_eq!(judged.finding("dns-dnssec", "Domain/app.good.lab").verdict, Verdict::Pass);
    assert_eq!(records(&judged, "Domain").len(), 2);
}

#[test]
fn settings_that_cannot_be_used_are_refused_with_their_place() {
    for (target, detail) in [
        (json!({"names": ["https://app.example.com"]}), "is no name"),
        (json!({"names": ["192.0.2.7"]}), "is no name of a host or domain"),
        (json!({"domains": [{"name": "a..b"}]}), "is no name"),
        (json!({"names": ["a.example"], "resolvers": ["dns.example.com"]}), "is no resolver"),
    ] {
        let refused = open::<DnsTarget>("dns", Path::new("."), &target).err().expect("refused");
        assert!(refused.to_string().starts_with("proofbook.yaml:1:") && refused.to_string().contains(detail), "{refused}");
    }
    let missing = open::<DnsTarget>("dns", Path::new("."), &json!({"trust_anchors": "no-such-file"})).err().expect("refused");
    assert!(missing.to_string().contains("no-such-file"), "{missing}");
}
