//! The printed role is exact, at a real server: with it every check is decided, and without any one of its rights exactly the checks
//! that need it are errors. What a role has and needs not is told.

use std::collections::BTreeSet;

use proofbook_sources::postgres::rights::role;
use proofbook_sources::rights::{Comparison, Platform};

use super::judge::Judge;
use super::server::PASSWORD;
use super::{CHECKS, good, open, parameters, verified};

async fn compare(server: &str, judge: &Judge) -> Comparison {
    let [found] = open(server).compare(&judge.wanted()).await.try_into().unwrap();
    found
}

fn surplus(found: &Comparison) -> Vec<(&str, bool)> {
    found.surplus.iter().map(|surplus| (surplus.name.as_str(), surplus.grave)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn without_any_one_right_exactly_the_checks_that_need_it_are_errors() {
    let server = good();
    let judge = Judge::new(&CHECKS, &parameters());
    // Nothing is left to the rights that everybody has.
    server.sql("postgres", "REVOKE CONNECT ON DATABASE shop FROM PUBLIC; REVOKE CONNECT ON DATABASE postgres FROM PUBLIC");
    let databases = ["postgres", "shop"].map(str::to_owned).into();
    server.sql("postgres", &role(&judge.wanted(), "exact-reader", &databases));
    server.sql("postgres", &format!("ALTER ROLE \"exact-reader\" PASSWORD '{PASSWORD}'"));
    let reader = verified("good", &server, "exact-reader");
    let before = judge.verdicts(&judge.collect(&*open(&reader)).await);
    assert!(before.values().all(|verdict| verdict == "pass"), "{before:#?}");
    let found = compare(&reader, &judge).await;
    assert!(found.is_exact() && found.account == "exact-reader", "{found:?}");

    let plan = judge.plan();
    let rights: Vec<String> = Platform::Postgres.rights(&judge.wanted()).into_iter().map(|right| right.name).collect();
    assert_eq!(rights.len(), 6);
    for right in rights {
        let needs = |wanted| Platform::Postgres.rights(wanted).iter().any(|needed| needed.name == right);
        let need: BTreeSet<&str> =
            plan.checks.values().filter(|planned| needs(&planned.wanted)).map(|planned| planned.check.id().as_str()).collect();
        assert!(!need.is_empty(), "{right}");
        let name = if right.ends_with("DATABASE") { format!("{right} shop") } else { right.clone() };
        server.sql("postgres", &format!("REVOKE {name} FROM \"exact-reader\""));
        let after = judge.verdicts(&judge.collect(&*open(&reader)).await);
        let refused = after.iter().filter(|(_, verdict)| *verdict == "error (not-permitted)");
        let refused: BTreeSet<&str> = refused.map(|(what, _)| what.split(' ').next().unwrap()).collect();
        assert_eq!(refused, need, "without {name}");
        for (what, verdict) in after.iter().filter(|(what, _)| !need.contains(what.split(' ').next().unwrap())) {
            assert_eq!(Some(verdict), before.get(what), "without {name}: {what}");
        }
        let found = compare(&reader, &judge).await;
        assert_eq!((&found.missing, surplus(&found)), (&vec![name.clone()], vec![]), "{found:?}");
        server.sql("postgres", &format!("GRANT {name} TO \"exact-reader\""));
    }
    // The role writes nothing, whatever it is granted by mistake.
    assert_eq!(
        server.sql("postgres", "SELECT rolconfig::text FROM pg_roles WHERE rolname = 'exact-reader'"),
        "{default_transaction_read_only=on}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_role_has_and_needs_not_is_told() {
    let server = good();
    let judge = Judge::new(&["pg-superusers", "pg-extensions"], &[]);
    let reader = |name: &str| verified("good", &server, name);
    let found = compare(&reader("lesser"), &judge).await;
    assert!(found.is_exact(), "{found:?}");
    assert_eq!(found.held, ["CONNECT ON DATABASE postgres", "CONNECT ON DATABASE shop"]);

    // Made by hand, with more than these two checks need.
    let found = compare(&reader("proofbook"), &judge).await;
    let expected = [
        ("EXECUTE ON FUNCTION pg_hba_file_rules()", false),
        ("SELECT ON pg_hba_file_rules", false),
        ("membership in pg_monitor", false),
        ("membership in pg_stat_scan_tables", false),
        ("pg_read_all_settings", false),
        ("pg_read_all_stats", false),
    ];
    assert_eq!(surplus(&found), expected);

    let grants = "GRANT INSERT ON orders TO lesser; GRANT UPDATE (id) ON countries TO lesser; GRANT SELECT ON events TO lesser; \
        GRANT CREATE ON SCHEMA public TO lesser; ALTER TABLE events_old OWNER TO lesser";
    server.sql("shop", grants);
    server.sql("postgres", "ALTER ROLE lesser CREATEDB; GRANT pg_write_all_data, pg_signal_backend, pg_read_all_data TO lesser; GRANT SELECT ON pg_authid TO lesser");
    let found = compare(&reader("lesser"), &judge).await;
    let told = surplus(&found);
    for grave in [
        "CREATEDB",
        "membership in pg_write_all_data",
        "membership in pg_signal_backend",
        "SELECT ON pg_authid",
        "CREATE in schemas of shop: public",
        "ownership of relations of shop: public.events_old",
    ] {
        assert!(told.contains(&(grave, true)), "{grave}: {told:#?}");
    }
    assert!(
        told.iter().any(|(name, grave)| name.starts_with("INSERT, UPDATE, DELETE or TRUNCATE on relations of shop") && *grave),
        "{told:#?}"
    );
    assert!(told.iter().any(|(name, grave)| name.starts_with("SELECT on relations of users of shop") && !grave), "{told:#?}");

    assert!(told.contains(&("membership in pg_read_all_data", false)), "{told:#?}");

    let found = compare(&reader("postgres"), &judge).await;
    assert!(surplus(&found).contains(&("SUPERUSER, which holds every other right", true)) && found.missing.is_empty(), "{found:?}");
    server.stop();
    let found = compare(&reader("lesser"), &judge).await;
    assert!(!found.is_exact() && found.unknown[0].starts_with("the server cannot be asked"), "{found:?}");
}
