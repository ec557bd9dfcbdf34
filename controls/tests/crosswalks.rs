//! Correspondences: each way, composed soundly, the strongest first; and the shipped pairs against the reference lists.

#![expect(clippy::unwrap_used, reason = "tests")]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use proofbook_controls::crosswalk::{Correspondence, Way};
use proofbook_controls::{Controls, Correspondences, Relation};
use support::{control, crosswalk, framework, framework_id, library, mappings, none, reference, requirement_id};

const RELATIONS: [Relation; 5] = [Relation::Equal, Relation::Equivalent, Relation::Subset, Relation::Superset, Relation::Intersects];

// What a relation says of two sets that are not empty.
fn holds(relation: Relation, a: u8, b: u8) -> bool {
    match relation {
        Relation::Equal | Relation::Equivalent => a == b,
        Relation::Subset => a & b == a,
        Relation::Superset => a & b == b,
        Relation::Intersects => a & b != 0,
    }
}

#[test]
fn relations_are_composed_soundly() {
    // All triples of parts of a set of four: where both steps hold, the composed relation must hold too, if it is certain.
    let sets = 1_u8..16;
    for first in RELATIONS {
        for second in RELATIONS {
            let (composed, certain) = first.then(second);
            let mut always = true;
            for a in sets.clone() {
                for b in sets.clone().filter(|b| holds(first, a, *b)) {
                    always &= sets.clone().filter(|c| holds(second, b, *c)).all(|c| holds(composed, a, c));
                }
            }
            assert_eq!(certain, always, "{first:?} then {second:?} is {composed:?}");
            assert!(certain || composed == Relation::Intersects, "{first:?} then {second:?} is {composed:?}");
            // No closer relation would hold as well: a subset must not be told as a mere intersection.
            let closer = RELATIONS.into_iter().filter(|closer| *closer < composed && composed != Relation::Equivalent);
            for closer in closer.filter(|_| certain) {
                let sets = || sets.clone();
                let follows = sets().all(|a| {
                    let second_step = |b: u8| sets().filter(|c| holds(second, b, *c)).all(|c| holds(closer, a, c));
                    sets().filter(|b| holds(first, a, *b)).all(second_step)
                });
                assert!(!follows, "{first:?} then {second:?} is {closer:?}");
            }
            assert_eq!(second.inverse().then(first.inverse()), (composed.inverse(), certain), "{first:?} then {second:?}, backwards");
        }
    }
    assert!(RELATIONS.iter().all(|relation| relation.inverse().inverse() == *relation));
}

const GROUPS: &str = "groups: [{id: G, title: Group}]\n";

// left -- middle -- right are joined by pairs, profile selects from right, and far shares a control with left.
fn small() -> Controls {
    let of = |id: &str, head: &str, requirements: &[&str]| {
        let requirements: Vec<_> = requirements.iter().map(|id| format!("{{id: {id}, group: G, title: Title of {id}}}")).collect();
        framework(id, &format!("{head}{GROUPS}"), &requirements.iter().map(String::as_str).collect::<Vec<_>>())
    };
    library(&[
        ("frameworks/left.yaml", &of("left", "", &["L-1", "L-2"])),
        ("frameworks/right.yaml", &of("right", "", &["R-10", "R-2"])),
        ("frameworks/far.yaml", &of("far", "", &["F-1"])),
        ("frameworks/profile.yaml", &framework("profile", "profile_of: right\n", &["{id: R-2}"])),
        (
            "crosswalks/one.yaml",
            &crosswalk("one", "left", "middle", "middle: Middle catalog", &["{from: L-1, relation: superset, to: [M-1, M-2]}"]),
        ),
        (
            "crosswalks/two.yaml",
            &crosswalk(
                "two",
                "middle",
                "right",
                "middle: Middle catalog",
                &["{from: M-1, relation: equal, to: [R-2]}", "{from: M-2, relation: superset, to: [R-2, R-10]}"],
            ),
        ),
        ("crosswalks/own.yaml", &crosswalk("own", "right", "left", "", &["{from: R-2, relation: intersects, to: [L-1]}"])),
        ("library/shared.yaml", &control("shared")),
        ("mappings/left.yaml", &mappings("left", &[("L-1", "shared", "subset"), ("L-2", "shared", "intersects")])),
        ("mappings/far.yaml", &mappings("far", &[("F-1", "shared", "intersects")])),
    ])
    .unwrap()
}

// A line a way: where it leads, its kind, relation, whether that is certain, and its steps.
fn ways(found: &[Correspondence<'_>]) -> Vec<String> {
    let mut out = Vec::new();
    for correspondence in found {
        for way in &correspondence.derivations {
            let steps: Vec<_> = way.steps.iter().map(|step| format!("{} {} by {}", step.relation.as_str(), step.to, step.basis)).collect();
            let certain = if way.certain { "" } else { "?" };
            out.push(format!(
                "{} {}: {} {}{certain}: {}",
                correspondence.framework,
                correspondence.requirement,
                way.way.as_str(),
                way.relation.as_str(),
                steps.join(", ")
            ));
        }
    }
    out
}

#[test]
fn every_way_is_found_and_the_strongest_comes_first() {
    let controls = small();
    let all = Correspondences::new(&controls);
    assert_eq!(
        ways(&all.of(&framework_id("left"), &requirement_id("L-1"))),
        [
            "far F-1: shared-control intersects: superset control shared by mapping left, intersects far F-1 by mapping far",
            "middle M-1: direct superset: superset middle M-1 by one",
            "middle M-1: composed intersects: intersects right R-2 by own, equal middle M-1 by two",
            "middle M-2: direct superset: superset middle M-2 by one",
            "middle M-2: composed intersects: intersects right R-2 by own, subset middle M-2 by two",
            "profile R-2: composed intersects: intersects right R-2 by own, equal profile R-2 by profile profile",
            "profile R-2: composed superset: superset middle M-1 by one, equal right R-2 by two, equal profile R-2 by profile profile",
            "profile R-2: composed superset: superset middle M-2 by one, superset right R-2 by two, equal profile R-2 by profile profile",
            "right R-10: composed superset: superset middle M-2 by one, superset right R-10 by two",
            "right R-2: direct intersects: intersects right R-2 by own",
            "right R-2: composed superset: superset middle M-1 by one, equal right R-2 by two",
            "right R-2: composed superset: superset middle M-2 by one, superset right R-2 by two",
        ]
    );
    let from_profile = ways(&all.of(&framework_id("profile"), &requirement_id("R-2")));
    assert_eq!(from_profile.last().unwrap(), "right R-2: profile equal: equal right R-2 by profile profile");
    assert_eq!(
        ways(&all.of(&framework_id("far"), &requirement_id("F-1"))),
        [
            "left L-1: shared-control intersects: intersects control shared by mapping far, subset left L-1 by mapping left",
            "left L-2: shared-control intersects?: intersects control shared by mapping far, intersects left L-2 by mapping left",
        ]
    );
}

#[test]
fn what_corresponds_corresponds_both_ways() {
    let controls = small();
    let all = Correspondences::new(&controls);
    let mut forth = BTreeSet::new();
    for (framework, requirement) in all.requirements() {
        for found in all.of(framework, requirement) {
            assert_ne!(found.framework, framework, "a correspondence stays in its framework");
            for way in &found.derivations {
                forth.insert((framework, requirement, found.framework, found.requirement, way.way, way.relation, way.certain));
            }
        }
    }
    assert!(forth.len() > 20);
    for (framework, requirement, other, at, way, relation, certain) in &forth {
        let back = (*other, *at, *framework, *requirement, *way, relation.inverse(), *certain);
        assert!(forth.contains(&back), "{framework} {requirement} {relation:?} {other} {at} by {way:?}, and not back");
    }
}

#[test]
fn requirements_outside_the_library_can_be_asked_for() {
    let controls = small();
    let all = Correspondences::new(&controls);
    let found: Vec<_> = all.catalogs_with("M-1").map(|(catalog, _)| catalog.as_str()).collect();
    assert_eq!(found, ["middle"]);
    assert_eq!(all.catalogs_with("R-2").count(), 2);
    assert_eq!(all.catalogs_with("R-3").count(), 0);
}

// The names that the reference list has for frameworks, where they are others than ours.
fn ours(framework: &str) -> &str {
    match framework {
        "fedramp-20x-ksi" => "fedramp-20x-frmr",
        "fedramp-20x-ksi-cr26" => "fedramp-20x",
        same => same,
    }
}

/// Rows of the reference list that are opinions under licences that do not allow shipping them.
const OPINIONS: [&str; 2] = ["intuitem-soc2-iso", "osa-coverage"];
/// Rows of the reference list that follow from others.
const COMPOSED: &str = "composed-cmmc-171-172-53";

type Pairs = BTreeMap<[String; 4], String>;

// Both lists hold the same pairs with the same relations.
#[track_caller]
fn same(what: &str, ours: &Pairs, theirs: &Pairs) {
    let shown = |pair: &[String; 4]| pair.join(" ");
    let missing = theirs.iter().filter(|(pair, _)| !ours.contains_key(*pair)).map(|(pair, _)| format!("missing: {}", shown(pair)));
    let extra =
        ours.iter().filter(|(pair, _)| !theirs.contains_key(*pair)).map(|(pair, _)| format!("not in the reference: {}", shown(pair)));
    let other = theirs.iter().filter_map(|(pair, relation)| {
        let own = ours.get(pair).filter(|own| *own != relation)?;
        Some(format!("{}: {own} instead of {relation}", shown(pair)))
    });
    none(what, &missing.chain(extra).chain(other).collect::<Vec<_>>());
}

fn rows(rows: &[support::Row], wanted: impl Fn(&str) -> bool) -> Pairs {
    let wanted = rows.iter().filter(|row| wanted(&row["source"]));
    let relation = |relation: &str| if relation == "intersect" { "intersects".to_owned() } else { relation.to_owned() };
    let ends = |row: &support::Row| {
        [ours(&row["from_framework"]).to_owned(), row["from_id"].clone(), ours(&row["to_framework"]).to_owned(), row["to_id"].clone()]
    };
    wanted.map(|row| (ends(row), relation(&row["relation"]))).collect()
}

#[test]
fn the_shipped_pairs_are_those_of_the_authorities() {
    let controls = support::embedded();
    let Some(list) = reference("crosswalk.csv") else { return };
    let theirs = rows(&list, |source| source != COMPOSED && !OPINIONS.contains(&source));
    let mut own = Pairs::new();
    for crosswalk in controls.crosswalks.values() {
        for pair in &crosswalk.pairs {
            let ends = [crosswalk.from.to_string(), pair.from.to_string(), crosswalk.to.to_string(), pair.to.to_string()];
            own.insert(ends, pair.relation.as_str().to_owned());
        }
    }
    same("the pairs of the crosswalks", &own, &theirs);
}

#[test]
fn cmmc_is_composed_with_sp_800_53_as_in_the_reference() {
    let controls = support::embedded();
    let Some(list) = reference("crosswalk.csv") else { return };
    let theirs = rows(&list, |source| source == COMPOSED);
    assert_eq!(theirs.len(), 287);
    let all = Correspondences::new(&controls);
    for (from, to, turned) in [("cmmc-2.0", "nist-800-53r5", false), ("nist-800-53r5", "cmmc-2.0", true)] {
        let mut own = Pairs::new();
        for (framework, requirement) in all.requirements().filter(|(framework, _)| framework.as_str() == from) {
            for found in all.of(framework, requirement).into_iter().filter(|found| found.framework.as_str() == to) {
                let Some(way) = found.derivations.iter().find(|way| way.way == Way::Composed) else { continue };
                let mut ends = [framework.to_string(), requirement.to_string(), found.framework.to_string(), found.requirement.to_string()];
                if turned {
                    ends.rotate_left(2);
                }
                own.insert(ends, way.relation.as_str().to_owned());
            }
        }
        same(&format!("composed pairs from {from} to {to}"), &own, &theirs);
    }
}
