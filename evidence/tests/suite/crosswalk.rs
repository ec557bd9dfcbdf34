//! The crosswalk: scope decides what is shown, the strongest stand first, and what is left out is counted.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use proofbook_checks::Catalog;
use proofbook_controls::crosswalk::Way;
use proofbook_controls::{Correspondences, FrameworkId, Relation, RequirementId};
use proofbook_evidence::scope::{Scope, Scopes};
use proofbook_evidence::views::crosswalk::{AlikeView, CrosswalkView, ElsewhereView, SHOWN};

static CATALOG: LazyLock<Catalog> =
    LazyLock::new(|| Catalog::load_without_fixtures(&Catalog::embedded_files()).unwrap_or_else(|errors| panic!("{errors}")));

fn scopes(chosen: &[(&str, Option<&str>)]) -> Scopes {
    let scope = |&(id, level): &(&str, Option<&str>)| {
        let framework = FrameworkId::new(id).unwrap();
        (framework.clone(), Scope { framework, level: level.map(str::to_owned), exclude: BTreeMap::new() })
    };
    Scopes(chosen.iter().map(scope).collect())
}

fn made(chosen: &[(&str, Option<&str>)]) -> CrosswalkView {
    CrosswalkView::new(&CATALOG.controls, &scopes(chosen))
}

fn catalogs(row: &ElsewhereView) -> Vec<&str> {
    row.catalogs.iter().map(|one| one.catalog.as_str()).collect()
}

fn ids(alike: &AlikeView) -> Vec<&str> {
    alike.requirements.iter().map(|reached| reached.id.as_str()).collect()
}

#[test]
fn what_a_source_says_of_a_catalog_out_of_scope_is_named() {
    let view = made(&[("iso27001-2022", None), ("soc2-tsc-2017", None)]);
    let row = view.of("iso27001-2022", "A.8.24").unwrap();
    assert_eq!(catalogs(row), ["nist-800-53r5", "soc2-tsc-2017"], "the strongest first, and nothing that is only composed");
    let nist = &row.catalogs[0];
    assert_eq!((nist.alike.len(), nist.more), (1, 0));
    let told = &nist.alike[0];
    assert_eq!((told.way, told.relation, told.certain), (Way::Direct, Relation::Intersects, true));
    assert_eq!((ids(told), told.sources.clone()), (vec!["SC-12", "SC-13", "SC-17"], vec!["nist-olir-155".to_owned()]));
    assert!(told.requirements.iter().all(|reached| reached.control.is_none() && reached.further == 0));
    assert!(row.catalogs[1].alike.iter().all(|one| one.way == Way::SharedControl && one.sources.is_empty()));
    assert!(row.catalogs[1].alike[0].requirements[0].control.is_some());
    let known: Vec<_> = view.catalogs.iter().map(|one| (one.id.as_str(), one.in_scope)).collect();
    assert_eq!(known, [("iso27001-2022", true), ("soc2-tsc-2017", true), ("nist-800-53r5", false)]);
    assert_eq!(view.sources.iter().map(|source| source.id.as_str()).collect::<Vec<_>>(), ["nist-olir-155"]);
}

#[test]
fn nothing_stands_beside_a_framework_that_is_alone() {
    let view = made(&[("soc2-tsc-2017", None)]);
    assert!(view.pairs.is_empty() && view.sources.is_empty());
    assert!(view.requirements["soc2-tsc-2017"].values().all(|row| *row == ElsewhereView::default()));
    assert_eq!(view.catalogs.len(), 1);
}

#[test]
fn a_requirement_outside_the_level_is_out_of_scope() {
    let view = made(&[("iso27001-2022", None), ("nist-800-53r5", Some("low"))]);
    let nist = &CATALOG.controls.frameworks[&FrameworkId::new("nist-800-53r5").unwrap()];
    let low = |id: &str| nist.requirement(id).unwrap().levels.iter().any(|level| level == "low");
    let mut outside = 0;
    for row in view.requirements["iso27001-2022"].values() {
        for alike in row.catalogs.iter().flat_map(|one| &one.alike) {
            for id in ids(alike) {
                assert!(low(id) || alike.way == Way::Direct, "{id} {alike:?}");
                outside += usize::from(!low(id));
            }
        }
    }
    assert!(outside > 0);
    assert!(view.of("nist-800-53r5", "AC-2").is_some() && view.of("nist-800-53r5", "AC-2(1)").is_none());
}

#[test]
fn rows_are_short_in_order_and_add_up() {
    let view = made(&[]);
    let all = Correspondences::new(&CATALOG.controls);
    let mut by_pair: BTreeMap<(String, String), u64> = BTreeMap::new();
    for (framework, rows) in &view.requirements {
        let framework = FrameworkId::new(framework).unwrap();
        for (requirement, row) in rows {
            let mut total = 0;
            for one in &row.catalogs {
                let shown: usize = one.alike.iter().map(|alike| alike.requirements.len()).sum();
                assert!((1..=SHOWN).contains(&shown) && (one.more == 0 || shown == SHOWN), "{framework} {requirement} {one:?}");
                let strength: Vec<_> = one.alike.iter().map(|alike| alike.way).collect();
                assert!(strength.is_sorted(), "{framework} {requirement} {one:?}");
                let here = shown as u64 + one.more;
                total += here;
                let (low, high) = if framework.as_str() < &*one.catalog {
                    (framework.as_str(), &*one.catalog)
                } else {
                    (&*one.catalog, framework.as_str())
                };
                *by_pair.entry((low.to_owned(), high.to_owned())).or_default() += here;
            }
            assert_eq!(row.ways.iter().map(|way| way.pairs).sum::<u64>(), total, "{framework} {requirement}");
            assert!(row.ways.iter().all(|way| way.uncertain <= way.pairs));
            let known =
                CATALOG.controls.frameworks.get_key_value(&framework).map(|(id, found)| (id, found.requirement(requirement).unwrap()));
            let (id, found) = known.unwrap();
            assert!(!found.withdrawn);
            let outside = |to: &FrameworkId| !CATALOG.controls.frameworks.contains_key(to);
            let printed =
                all.of(id, &found.id).iter().filter(|one| !outside(one.framework) || one.derivations[0].way == Way::Direct).count();
            assert_eq!(printed as u64, total, "{framework} {requirement}");
        }
    }
    // Pairs within scope were met from both sides, others from one.
    for pair in &view.pairs {
        let ends = if pair.one < pair.other { (pair.one.clone(), pair.other.clone()) } else { (pair.other.clone(), pair.one.clone()) };
        let sides = if view.catalogs.iter().all(|catalog| catalog.in_scope || catalog.id != pair.other) { 2 } else { 1 };
        assert_eq!(pair.ways.iter().map(|way| way.pairs).sum::<u64>() * sides, by_pair.remove(&ends).unwrap(), "{ends:?}");
    }
    assert!(by_pair.is_empty(), "{by_pair:?}");
}

#[test]
fn both_sides_of_a_pair_say_the_same_of_it() {
    let controls = &CATALOG.controls;
    let all = Correspondences::new(controls);
    let cmmc = FrameworkId::new("cmmc-2.0").unwrap();
    let framework = controls.frameworks.get_key_value(&cmmc).unwrap().0;
    for requirement in &controls.frameworks[&cmmc].requirements {
        for there in all.of(framework, &requirement.id) {
            let back = all.of(there.framework, there.requirement);
            let back = back.iter().find(|one| one.framework == framework && *one.requirement == requirement.id).unwrap();
            let (out, home) = (&there.derivations[0], &back.derivations[0]);
            let end: (&FrameworkId, &RequirementId) = (there.framework, there.requirement);
            assert_eq!((out.way, out.certain), (home.way, home.certain), "{} {end:?}", requirement.id);
            assert_eq!(out.relation, home.relation.inverse(), "{} {end:?}", requirement.id);
        }
    }
}
