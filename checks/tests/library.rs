//! Every check of the library against its own fixtures, and the habits that all of them keep.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use proofbook_checks::Catalog;
use proofbook_checks::plan::Plan;
use proofbook_checks::settings::Settings;
use proofbook_controls::files::Files;

/// The library as it lies on disk; `PROOFBOOK_DOMAIN=rbac,mesh` narrows it to some folders while they are written.
fn files() -> Files {
    let Ok(only) = std::env::var("PROOFBOOK_DOMAIN") else {
        return Catalog::embedded_files();
    };
    let mut files = Files::default();
    for domain in only.split(',') {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("library").join(domain);
        for entry in std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            files.insert(format!("checks/library/{domain}/{name}"), std::fs::read_to_string(&path).unwrap());
        }
    }
    files
}

#[test]
fn library_fixtures_hold() {
    let catalog = Catalog::load_with_fixtures(&files()).unwrap_or_else(|errors| panic!("{errors}"));
    let mut failures = String::new();
    let mut cases = 0;
    for (id, fixtures) in &catalog.fixtures {
        for outcome in fixtures.run(&catalog.checks[id]) {
            cases += 1;
            for difference in outcome.differences {
                let _ = writeln!(failures, "{id}:{} {}: {difference}", outcome.span.line, outcome.name);
            }
        }
    }
    assert!(failures.is_empty(), "{failures}");
    assert!(cases > 0, "no case was run");
}

#[test]
fn the_reads_of_every_check_can_be_told() {
    let catalog = Catalog::load_without_fixtures(&files()).unwrap_or_else(|errors| panic!("{errors}"));
    let plan = Plan::new(&catalog, &Settings::default(), |_| true).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(plan.checks.len(), catalog.checks.len());
}

// A pair that cannot meet never disagrees, whatever the two see.
#[test]
fn the_checks_of_every_pair_can_meet() {
    let catalog = Catalog::load_with_fixtures(&files()).unwrap_or_else(|errors| panic!("{errors}"));
    let mut pairs = 0;
    for (id, check) in &catalog.checks {
        let Some(pair) = &check.definition.pairs_with else { continue };
        pairs += 1;
        let (other_id, other) =
            catalog.checks.iter().find(|(other, _)| other.as_str() == pair.check.value).expect("the loader refuses unknown checks");
        if matches!(pair.on.as_str(), "name" | "namespace" | "host") {
            let kinds = |id| -> BTreeSet<String> {
                let subjects =
                    catalog.fixtures[id].cases.iter().flat_map(|case| &case.expect).map(|expected| expected.subject.value.as_str());
                subjects
                    .filter_map(|subject| subject.split_once('/'))
                    .map(|(kind, _)| kind.to_owned())
                    .filter(|kind| kind != "Population")
                    .collect()
            };
            let (own, others) = (kinds(id), kinds(other_id));
            assert!(
                !own.is_disjoint(&others),
                "{id} is about {own:?}, {other_id} about {others:?}: they never meet on equal `{}`",
                pair.on
            );
        } else {
            for one in [check, other] {
                assert!(
                    one.definition.measure.contains_key(&pair.on),
                    "{} measures no `{}`, on which it should meet its pair",
                    one.id(),
                    pair.on
                );
            }
        }
        let together = catalog.controls.controls.values().any(|control| {
            let named: BTreeSet<&str> =
                control.checks.required.iter().chain(&control.checks.supporting).map(|named| named.value.as_str()).collect();
            named.contains(id.as_str()) && named.contains(other_id.as_str())
        });
        assert!(together, "no control names {id} and {other_id}, so nobody sees the two side by side");
    }
    assert!(pairs > 0 || std::env::var("PROOFBOOK_DOMAIN").is_ok(), "no pair was looked at");
}

#[test]
fn checks_keep_the_habits_of_the_library() {
    let catalog = Catalog::load_without_fixtures(&files()).unwrap_or_else(|errors| panic!("{errors}"));
    let mut titles = BTreeSet::new();
    for (id, check) in &catalog.checks {
        let definition = &check.definition;
        assert!(titles.insert(&definition.title), "{id} shares its title with another check");
        for (what, text) in [
            ("title", &definition.title),
            ("proves", &definition.proves),
            ("does_not_prove", &definition.does_not_prove),
            ("remedy", &definition.remedy),
            ("manual", &definition.manual),
            ("population", &definition.subject.population),
        ] {
            assert!(text.trim().len() > 10, "{id}: `{what}` says too little");
        }
        assert!(!definition.traps.is_empty(), "{id} names no trap");
        assert!(check.source.starts_with("# yaml-language-server: $schema="), "{id} does not name its schema");
    }
}

// What a customer is told to run must work with rights over its own namespaces alone.
#[test]
fn what_customers_run_stays_in_their_namespaces() {
    let catalog = Catalog::load_without_fixtures(&files()).unwrap_or_else(|errors| panic!("{errors}"));
    let mut named = 0;
    for control in catalog.controls.controls.values() {
        for check in &control.responsibility.customer_checks {
            named += 1;
            let manual = &catalog.checks[check.value.as_str()].definition.manual;
            for command in manual.split("&&").flat_map(|part| part.split(';')) {
                let first = command.split('|').next().unwrap().trim();
                assert!(
                    first.starts_with("kubectl get ") && first.contains(" -n {{ subject.") && !first.contains(" -A"),
                    "{}: customers cannot run `{first}` of {}",
                    control.id,
                    check.value
                );
            }
        }
    }
    assert!(named > 0 || std::env::var("PROOFBOOK_DOMAIN").is_ok(), "no control tells customers what to run");
}
