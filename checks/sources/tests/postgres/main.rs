//! PostgreSQL servers as Debian ships them, with pgaudit, in both postures; and what a lesser role may not see.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends")]

#[path = "../support/judge.rs"]
mod judge;
mod rights;
mod server;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use proofbook_controls::yaml;
use proofbook_sources::collector::Collector;
use proofbook_sources::postgres::PostgresTarget;
use proofbook_sources::settings::{Setup, TargetSettings};
use serde_json::{Value as Json, json};

use self::judge::{Judge, assert_verdicts};
use self::server::{PASSWORD, Server};

/// All checks that read PostgreSQL and nothing else.
const CHECKS: [&str; 9] = [
    "pg-audit-logging",
    "pg-checksums-integrity",
    "pg-extensions",
    "pg-hba-strict",
    "pg-partition-retention",
    "pg-password-encryption",
    "pg-row-security",
    "pg-superusers",
    "pg-tls-required",
];

const SHOP: &str = "
    CREATE TABLE countries (id int PRIMARY KEY);
    CREATE TABLE orders (id int, tenant_id int);
    CREATE TABLE events (at timestamptz NOT NULL, tenant_id int) PARTITION BY RANGE (at);
    CREATE TABLE events_old PARTITION OF events FOR VALUES FROM ('2026-03-01') TO ('2026-04-01');
    CREATE TABLE events_new PARTITION OF events FOR VALUES FROM ('2026-05-01') TO ('2026-06-01');";

const KEPT_APART: &str = "
    ALTER TABLE orders ENABLE ROW LEVEL SECURITY; ALTER TABLE orders FORCE ROW LEVEL SECURITY;
    ALTER TABLE events ENABLE ROW LEVEL SECURITY; ALTER TABLE events FORCE ROW LEVEL SECURITY;
    CREATE POLICY own ON orders USING (tenant_id = current_setting('shop.tenant')::int);";

/// A role that reads everything but hashes, one that may see nothing in particular, and one that is trusted with hashes.
const READERS: &str = "
    CREATE ROLE proofbook LOGIN PASSWORD 'correct horse battery staple'; GRANT pg_monitor TO proofbook;
    GRANT SELECT ON pg_hba_file_rules TO proofbook; GRANT EXECUTE ON FUNCTION pg_hba_file_rules() TO proofbook;
    CREATE ROLE lesser LOGIN PASSWORD 'correct horse battery staple';";

const GOOD_SETTINGS: &str = "ssl = on\nssl_min_protocol_version = 'TLSv1.2'\npassword_encryption = 'scram-sha-256'\n\
    shared_preload_libraries = 'pgaudit'\npgaudit.log = 'ddl, role'\nlog_connections = on\n";

const GOOD_RULES: &str = "hostssl all all 0.0.0.0/0 scram-sha-256\nhostssl all all ::/0 scram-sha-256\n";

fn good() -> Server {
    let kept_apart = format!("{SHOP}{KEPT_APART}");
    let sql = [("postgres", READERS), ("postgres", "CREATE DATABASE shop"), ("shop", kept_apart.as_str())];
    Server::start(&["--data-checksums"], GOOD_SETTINGS, GOOD_RULES, &sql)
}

fn bad() -> Server {
    let settings = "ssl = off\npassword_encryption = 'md5'\nlog_statement = 'none'\n";
    let rules = "host all all 127.0.0.1/32 trust\nhost all all 0.0.0.0/0 md5\nhost all all 10.0.0.0/8 trust\n";
    let careless = "CREATE TABLE events_any PARTITION OF events DEFAULT; CREATE EXTENSION file_fdw";
    let roles = "CREATE ROLE app LOGIN SUPERUSER PASSWORD 'x'; CREATE ROLE etl LOGIN; GRANT pg_execute_server_program TO etl";
    let sql = [("postgres", READERS), ("postgres", roles), ("postgres", "CREATE DATABASE shop"), ("shop", SHOP), ("shop", careless)];
    Server::start(&[], settings, rules, &sql)
}

fn open(servers: &str) -> Box<dyn Collector> {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("password"), PASSWORD).unwrap();
    let servers: String = servers.lines().map(|server| format!("  - {}\n", server.trim())).collect();
    let target: PostgresTarget = yaml::parse("proofbook.yaml", &format!("servers:\n{servers}")).unwrap();
    target.open("postgres", &Setup { root: dir.path(), file: "proofbook.yaml" }).unwrap()
}

fn verified(name: &str, server: &Server, user: &str) -> String {
    let (port, root) = (server.port, server.root());
    format!("{{name: {name}, host: localhost, port: {port}, user: {user}, password: {{file: password}}, ca_file: {}}}", root.display())
}

fn plain(name: &str, port: u16, user: &str) -> String {
    format!("{{name: {name}, host: 127.0.0.1, port: {port}, user: {user}, password: {{file: password}}, tls: plain, deadline_seconds: 2}}")
}

fn parameters() -> Vec<(&'static str, Json)> {
    vec![("pg_retention", json!([{"table": "shop.*", "days": 90}]))]
}

#[tokio::test(flavor = "multi_thread")]
async fn both_postures_come_out_as_they_are() {
    let (good, bad) = (good(), bad());
    let judge = Judge::new(&CHECKS, &parameters());
    let collector = open(&format!("{}\n{}", verified("good", &good, "postgres"), plain("bad", bad.port, "postgres")));
    let inventory = judge.collect(&*collector).await;
    assert_verdicts(
        &judge.verdicts(&inventory),
        "pg-audit-logging Server/good: pass
         pg-checksums-integrity Server/good: pass
         pg-extensions Database/good/postgres: pass
         pg-extensions Database/good/shop: pass
         pg-hba-strict Server/good: pass
         pg-partition-retention Partitioning/good/shop.public.events: pass
         pg-password-encryption Server/good: pass
         pg-row-security Table/good/shop.public.events: pass
         pg-row-security Table/good/shop.public.orders: pass
         pg-superusers Role/good/postgres: pass
         pg-tls-required Server/good: pass

         pg-audit-logging Server/bad: fail (missing-object)
         pg-checksums-integrity Server/bad: fail (missing-object)
         pg-extensions Database/bad/postgres: pass
         pg-extensions Database/bad/shop: fail (forbidden-object)
         pg-hba-strict Server/bad: fail (not-allowed)
         pg-partition-retention Partitioning/bad/shop.public.events: fail (not-as-promised)
         pg-password-encryption Server/bad: fail (not-allowed)
         pg-row-security Table/bad/shop.public.events: fail (missing-object)
         pg-row-security Table/bad/shop.public.orders: fail (missing-object)
         pg-superusers Role/bad/app: fail (not-allowed)
         pg-superusers Role/bad/etl: fail (not-allowed)
         pg-superusers Role/bad/postgres: pass
         pg-tls-required Server/bad: fail (not-as-promised)",
    );

    let findings = judge.findings(&inventory, "2026-06-01T00:00:00Z");
    let measured = |check: &str, subject: &str, name: &str| {
        let finding = findings.iter().find(|finding| finding.check.as_str() == check && finding.subject.to_string() == subject).unwrap();
        finding.measured[name].to_json()
    };
    assert_eq!(measured("pg-tls-required", "Server/good", "floor"), "TLSv1.2");
    assert_eq!(measured("pg-partition-retention", "Partitioning/good/shop.public.events", "oldest_days"), 61);
    assert_eq!(measured("pg-password-encryption", "Server/good", "scram"), 3);
    assert_eq!(measured("pg-hba-strict", "Server/bad", "trusted_within"), 2);

    // Who was met, and that nothing of the password, of hashes or of addresses was kept.
    let target = inventory.targets.iter().find(|target| target.name == "good").unwrap();
    assert_eq!((target.actor.identity.as_str(), target.identity.as_str()), ("postgres", format!("localhost:{}", good.port).as_str()));
    assert!(target.version.starts_with('1'), "{}", target.version);
    assert!(target.clock_offset_ms.is_some_and(|offset| offset.abs() < 5_000), "{:?}", target.clock_offset_ms);
    let kept = format!("{inventory:?}");
    for secret in [PASSWORD, "SCRAM-SHA-256$4096", "10.0.0.0", "127.0.0.1/32"] {
        assert!(!kept.contains(secret), "{secret} was kept");
    }

    // Every request had been told.
    let planned = collector.plan(&judge.wanted());
    let told = |query: &str| query.replace("/shop", "/DATABASE").replace("shop: ", "DATABASE: ").replace("/postgres", "/DATABASE");
    for request in &inventory.requests {
        let is_told = planned.iter().any(|plan| {
            let same = plan.query == request.query
                || plan.query == told(&request.query)
                || plan.query == request.query.replacen("postgres: ", "DATABASE: ", 1);
            plan.method == request.method && plan.target == request.target && same
        });
        assert!(is_told, "not planned: {} {}", request.method, request.query);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lesser_role_is_told_what_it_may_not_see() {
    let good = good();
    let judge = Judge::new(&CHECKS, &parameters());

    let reader = judge.collect(&*open(&verified("good", &good, "proofbook"))).await;
    let mut verdicts = judge.verdicts(&reader);
    verdicts.retain(|_, verdict| verdict != "pass");
    assert_verdicts(&verdicts, "pg-password-encryption Server/good: error (not-permitted)");

    let lesser = judge.collect(&*open(&verified("good", &good, "lesser"))).await;
    let mut verdicts = judge.verdicts(&lesser);
    verdicts.retain(|_, verdict| verdict != "pass");
    assert_verdicts(
        &verdicts,
        "pg-audit-logging Server/good: error (not-permitted)
         pg-hba-strict Server/good: error (not-permitted)
         pg-password-encryption Server/good: error (not-permitted)
         pg-tls-required Server/good: error (not-permitted)",
    );

    // A right that is taken away; a database that may not be entered.
    good.sql("postgres", "REVOKE SELECT ON pg_hba_file_rules FROM proofbook; REVOKE CONNECT ON DATABASE shop FROM PUBLIC");
    let reader = judge.collect(&*open(&verified("good", &good, "proofbook"))).await;
    let mut verdicts = judge.verdicts(&reader);
    verdicts.retain(|_, verdict| verdict != "pass");
    assert_verdicts(
        &verdicts,
        "pg-extensions Database/good/shop: error (not-permitted)
         pg-hba-strict Server/good: error (not-permitted)
         pg-partition-retention Partitioning/good/shop.(all): error (not-permitted)
         pg-password-encryption Server/good: error (not-permitted)
         pg-row-security Table/good/shop.(all): error (not-permitted)
         pg-tls-required Server/good: error (not-permitted)",
    );

    let open_sessions = good.sql("postgres", "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'proofbook'");
    assert_eq!(open_sessions, "0", "sessions end with the scan");
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_of_others_are_counted_and_a_lock_of_theirs_is_not_waited_for() {
    let server = Server::start(&["--data-checksums"], GOOD_SETTINGS, GOOD_RULES, &[("postgres", READERS)]);
    // Somebody else's statement holds what we read: the server is told to give up, and does.
    let place = format!("host=127.0.0.1 port={} user=postgres dbname=postgres sslmode=require", server.port);
    let holder = thread::spawn(move || {
        let lock = "BEGIN; LOCK TABLE pg_extension IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(5); COMMIT";
        Command::new("psql").args([&place, "-c", lock]).env("PGPASSWORD", PASSWORD).output().unwrap()
    });
    thread::sleep(Duration::from_secs(1));
    let extensions = Judge::new(&["pg-extensions", "pg-tls-required"], &[]);
    let begun = Instant::now();
    let inventory = extensions.collect(&*open(&verified("a", &server, "proofbook").replace("{name", "{deadline_seconds: 2, name"))).await;
    assert!(begun.elapsed() < Duration::from_secs(9), "{:?}", begun.elapsed());
    assert_verdicts(&extensions.verdicts(&inventory), "pg-extensions Database/a/postgres: error (timeout)\npg-tls-required Server/a: pass");
    let findings = extensions.findings(&inventory, "2026-06-01T00:00:00Z");
    let sessions = findings.iter().find(|finding| finding.check.as_str() == "pg-tls-required").unwrap();
    assert_eq!(sessions.measured["sessions_tls"].to_json(), 1);
    let held = holder.join().unwrap();
    assert!(held.status.success(), "{}", String::from_utf8_lossy(&held.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_has_its_reason_and_leaves_other_servers_alone() {
    let good = good();
    let judge = Judge::new(&["pg-checksums-integrity", "pg-superusers"], &[]);
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let silent = listener(|_| thread::sleep(Duration::from_mins(1)));
    let answering = |answer: &'static [u8]| {
        listener(move |stream| {
            let mut hello = [0; 64];
            let _ = stream.read(&mut hello);
            let _ = stream.write_all(answer);
        })
    };
    let web = answering(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    // A demand for a kind of authentication that does not exist.
    let garbage = answering(b"R\0\0\0\x08\0\0\0\x63");
    let breaking = listener(|_| {});
    let wrong = verified("wrong", &good, "nobody");
    let unsafe_server = bad();
    let distrusted =
        verified("distrusted", &good, "proofbook").replace(good.root().to_str().unwrap(), unsafe_server.root().to_str().unwrap());
    let no_tls = verified("no-tls", &unsafe_server, "proofbook");
    let servers = [
        plain("closed", closed, "proofbook"),
        plain("silent", silent, "proofbook"),
        plain("web", web, "proofbook"),
        plain("garbage", garbage, "proofbook"),
        plain("breaking", breaking, "proofbook"),
        wrong,
        distrusted,
        no_tls,
        verified("good", &good, "proofbook"),
    ];
    let inventory = judge.collect(&*open(&servers.join("\n"))).await;
    let expected: String = [
        ("closed", "unreachable"),
        ("silent", "timeout"),
        ("web", "unreachable"),
        ("garbage", "parse-error"),
        ("breaking", "unreachable"),
        ("wrong", "not-permitted"),
        ("distrusted", "unreachable"),
        ("no-tls", "not-served"),
    ]
    .iter()
    .map(|(name, reason)| {
        format!("pg-checksums-integrity Server/{name}: error ({reason})\npg-superusers Role/{name}/(all): error ({reason})\n")
    })
    .collect();
    assert_verdicts(
        &judge.verdicts(&inventory),
        &format!("{expected}pg-checksums-integrity Server/good: pass\npg-superusers Role/good/postgres: pass"),
    );
    let kept = format!("{inventory:?}");
    assert!(!kept.contains(PASSWORD));

    // Killed between two scans.
    good.stop();
    let inventory = judge.collect(&*open(&verified("good", &good, "proofbook"))).await;
    assert!(judge.verdicts(&inventory).values().all(|verdict| verdict == "error (unreachable)"), "{:?}", judge.verdicts(&inventory));
}

#[test]
fn settings_that_cannot_be_used_say_what_to_mend() {
    let open = |servers: &str| {
        let target: PostgresTarget = yaml::parse("proofbook.yaml", servers).unwrap();
        target.open("postgres", &Setup { root: Path::new("/nonexistent"), file: "proofbook.yaml" }).map(|_| ()).unwrap_err().to_string()
    };
    let twice = "servers: [{name: a, host: h, user: u, tls: plain}, {name: a, host: h, user: u, tls: plain}]";
    assert!(open(twice).contains("proofbook.yaml:1:59: another server has the same name"), "{}", open(twice));
    assert!(open("servers: [{name: a b, host: h, user: u}]").contains("letters, digits and dashes"));
    assert!(open("servers: [{name: a, host: h, user: u, ca_file: gone.pem}]").contains("cannot read /nonexistent/gone.pem"));
    assert!(open("servers: [{name: a, host: h, user: u, tls: plain, password: {env: PROOFBOOK_NO_SUCH}}]").contains("PROOFBOOK_NO_SUCH"));
}

/// A port whose every connection is handled like this.
fn listener(handle: impl Fn(&mut std::net::TcpStream) + Send + Sync + Copy + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            thread::spawn(move || handle(&mut stream));
        }
    });
    port
}
