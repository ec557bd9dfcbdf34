//! The embedded frameworks are complete: row for row and column for column those of the reference lists.
//!
//! The counts hold everywhere. The rows are compared with the reference lists where those are at hand; where they are not,
//! the test says that it skipped the comparison.

mod support;

use std::collections::{BTreeMap, BTreeSet};

use proofbook_controls::framework::Poam;
use proofbook_controls::{Binds, Framework, Requirement};
use support::{Row, embedded, none, reference};

/// What stands in a column of the reference list, told from the catalog.
type Column = fn(&Framework, &Requirement) -> String;

/// A column of a reference list.
type Named = (&'static str, Column);

/// A framework, its reference list, and the columns that are compared.
struct List {
    framework: &'static str,
    file: &'static str,
    columns: &'static [Named],
    /// Columns that are compared elsewhere or on purpose not at all, and why.
    left_out: &'static [(&'static str, &'static str)],
}

const ID: Named = ("id", |_, requirement| requirement.id.to_string());
const TITLE: Named = ("title", |_, requirement| requirement.title.clone());

const fn list(framework: &'static str, file: &'static str, columns: &'static [Named]) -> List {
    List { framework, file, columns, left_out: &[] }
}

const LISTS: [List; 9] = [
    List {
        left_out: &[("title", "the titles of the standard are protected; ours are own words")],
        ..list(
            "iso27001-2022",
            "iso27001-2022.csv",
            &[ID, ("kind", |_, r| attribute(r, "kind")), ("theme", |f, r| f.group_title(&r.group).to_owned())],
        )
    },
    list(
        "soc2-tsc-2017",
        "soc2-tsc-2017.csv",
        &[
            ID,
            TITLE,
            ("category", |_, r| attribute(r, "category")),
            ("series", |_, r| r.group.clone()),
            ("series_name", |f, r| f.group_title(&r.group).to_owned()),
        ],
    ),
    list("gdpr", "gdpr.csv", LAW),
    list("dora", "dora.csv", LAW),
    list(
        "nist-800-53r5",
        "nist-800-53r5.csv",
        &[
            ID,
            TITLE,
            ("family", |_, r| r.group.clone()),
            ("withdrawn", |_, r| r.withdrawn.to_string()),
            ("low", |_, r| member(r, "low")),
            ("moderate", |_, r| member(r, "moderate")),
            ("high", |_, r| member(r, "high")),
            ("privacy", |_, r| member(r, "privacy")),
            ("withdrawn_into", |_, r| r.withdrawn_into.iter().map(ToString::to_string).collect::<Vec<_>>().join(";")),
            ("added_in", |_, r| attribute(r, "added_in")),
        ],
    ),
    list(
        "fedramp-rev5",
        "fedramp-rev5.csv",
        &[
            ID,
            TITLE,
            ("li_saas", |_, r| member(r, "li-saas")),
            ("low", |_, r| member(r, "low")),
            ("moderate", |_, r| member(r, "moderate")),
            ("high", |_, r| member(r, "high")),
            ("li_saas_method", |_, r| attribute(r, "li_saas_method")),
            ("cr26_class_b", |_, r| member(r, "class-b")),
            ("cr26_class_c", |_, r| member(r, "class-c")),
            ("cr26_class_d", |_, r| member(r, "class-d")),
        ],
    ),
    List {
        left_out: &[
            ("nist_800_53", "compared with the crosswalk of this edition"),
            ("nist_800_53_2026_10_13", "a later edition, at second hand"),
        ],
        ..list(
            "fedramp-20x",
            "fedramp-20x-ksi-cr26.csv",
            &[
                ID,
                TITLE,
                ("theme", |_, r| r.group.clone()),
                ("theme_name", |f, r| f.group_title(&r.group).to_owned()),
                ("class_a", |_, r| need(r, "class-a")),
                ("class_b", |_, r| need(r, "class-b")),
                ("class_c", |_, r| need(r, "class-c")),
                ("class_d", |_, r| need(r, "class-d")),
            ],
        )
    },
    List {
        left_out: &[("nist_800_53", "compared with the crosswalk of this edition")],
        ..list(
            "fedramp-20x-frmr",
            "fedramp-20x-ksi.csv",
            &[
                ID,
                TITLE,
                ("theme", |_, r| r.group.clone()),
                ("theme_name", |f, r| f.group_title(&r.group).to_owned()),
                ("low", |_, r| need(r, "low")),
                ("moderate", |_, r| need(r, "moderate")),
                ("formerly", |_, r| attribute(r, "formerly")),
            ],
        )
    },
    list(
        "cmmc-2.0",
        "cmmc-2.0.csv",
        &[
            ID,
            TITLE,
            ("level", |_, r| r.levels.iter().map(|level| level.replace("level-", "")).collect::<Vec<_>>().join(";")),
            ("domain", |f, r| f.group_title(&r.group).to_owned()),
            ("nist_800_171", |_, r| attribute(r, "nist_800_171")),
            ("weight", |_, r| r.score.as_ref().and_then(|score| score.weight).map(|weight| weight.to_string()).unwrap_or_default()),
            ("partial_credit", |_, r| partial_credit(r)),
            ("poam_allowed", |_, r| poam(r).to_owned()),
            ("official_title_suffix", |_, r| attribute(r, "official_title_suffix")),
            ("far_clause", |_, r| attribute(r, "far_clause")),
        ],
    ),
];

const LAW: &[Named] = &[
    ID,
    TITLE,
    ("chapter", |_, r| r.group.clone()),
    ("chapter_title", |f, r| f.group_title(&r.group).to_owned()),
    ("relevance", |_, r| attribute(r, "relevance")),
    ("kind", |_, r| attribute(r, "kind")),
];

fn attribute(requirement: &Requirement, column: &str) -> String {
    requirement.attributes.get(column).cloned().unwrap_or_default()
}

fn has(requirement: &Requirement, level: &str) -> bool {
    requirement.levels.iter().any(|own| own == level)
}

fn member(requirement: &Requirement, level: &str) -> String {
    has(requirement, level).to_string()
}

fn need(requirement: &Requirement, level: &str) -> String {
    let optional = attribute(requirement, "optional").split(';').any(|own| own == level);
    match (has(requirement, level), optional) {
        (true, true) => "optional",
        (true, false) => "required",
        (false, false) => "not-listed",
        (false, true) => "optional, and not of the level",
    }
    .to_owned()
}

fn partial_credit(requirement: &Requirement) -> String {
    let score = requirement.score.as_ref();
    let partial = score.and_then(|score| score.partial.as_ref()).map(|partial| format!("{} if {}", partial.weight, partial.when));
    let prerequisite = score.is_some_and(|score| score.prerequisite).then(|| "no value".to_owned());
    partial.or(prerequisite).unwrap_or_default()
}

fn poam(requirement: &Requirement) -> &'static str {
    match requirement.score.as_ref().map(|score| score.poam) {
        None => "",
        Some(Poam::Never) => "false",
        Some(Poam::Allowed) => "true",
        Some(Poam::Conditional) => "conditional",
    }
}

// The cell as the catalog says it, where the list says the same in more words.
fn expected(column: &str, cell: &str) -> String {
    match column {
        // Of the deductions, the whole one has a column of its own; without a plan there is no score, which is no deduction.
        "partial_credit" => cell.split([';', ':']).next().unwrap_or_default().to_owned(),
        // Not stated is not named.
        "class_d" if cell.is_empty() => "not-listed".to_owned(),
        _ => cell.to_owned(),
    }
}

#[test]
fn every_row_of_the_reference_lists_is_there() {
    let controls = embedded();
    let mut faults = Vec::new();
    for list in LISTS {
        let Some(framework) = controls.frameworks.get(list.framework) else {
            faults.push(format!("{}: the framework is missing", list.framework));
            continue;
        };
        if let Some(rows) = reference(list.file) {
            compare(&list, framework, &rows, &mut faults);
        }
    }
    none("the frameworks differ from the reference lists", &faults);
}

fn compare(list: &List, framework: &Framework, rows: &[Row], faults: &mut Vec<String>) {
    let compared: BTreeSet<&str> =
        list.columns.iter().map(|(column, _)| *column).chain(list.left_out.iter().map(|(column, _)| *column)).collect();
    let known = rows.first().map(|row| row.keys().map(String::as_str).collect::<BTreeSet<_>>()).unwrap_or_default();
    faults.extend(known.symmetric_difference(&compared).map(|column| format!("{}: column `{column}` is in one list only", list.file)));
    let theirs: BTreeMap<&str, usize> = rows.iter().enumerate().map(|(at, row)| (row["id"].as_str(), at)).collect();
    let ours: BTreeSet<&str> = framework.requirements.iter().map(|requirement| requirement.id.as_str()).collect();
    faults.extend(
        rows.iter().filter(|row| !ours.contains(row["id"].as_str())).map(|row| format!("{}: `{}` is missing", list.framework, row["id"])),
    );
    let mut before = None;
    for requirement in &framework.requirements {
        let Some(at) = theirs.get(requirement.id.as_str()) else {
            faults.push(format!("{}: `{}` is not in the reference list", list.framework, requirement.id));
            continue;
        };
        if before.is_some_and(|before| before > *at) {
            faults.push(format!("{}: `{}` stands at another place", list.framework, requirement.id));
        }
        before = Some(*at);
        for (column, told) in list.columns {
            let (own, cell) = (told(framework, requirement), expected(column, &rows[*at][*column]));
            if own != cell {
                faults.push(format!("{}: `{}`, column `{column}`: {own:?} instead of {cell:?}", list.framework, requirement.id));
            }
        }
    }
}

// Both sides of a law say whom it binds; what binds an authority or nobody asks nothing of a platform.
#[test]
fn whom_a_law_binds_follows_from_the_column_of_the_list() {
    let controls = embedded();
    let mut faults = Vec::new();
    for framework in ["gdpr", "dora"].iter().filter_map(|id| controls.frameworks.get(*id)) {
        for requirement in &framework.requirements {
            let binds = requirement.binds;
            let fits = match attribute(requirement, "relevance").as_str() {
                "authority" => matches!(binds, Binds::Authority | Binds::Nobody),
                "na" => binds == Binds::Nobody,
                "controller" | "financial-entity" => matches!(binds, Binds::Customer | Binds::Both | Binds::Nobody),
                "processor" | "ict-provider" => matches!(binds, Binds::Provider | Binds::Both | Binds::Nobody),
                _ => binds != Binds::Authority,
            };
            if !fits {
                let relevance = attribute(requirement, "relevance");
                faults.push(format!("{} {}: `{relevance}` binds {}", framework.id, requirement.id, binds.as_str()));
            }
        }
    }
    none("whom a law binds", &faults);
}

/// A kind of requirement, how many there are, and how they are told.
type Counted = (&'static str, usize, fn(&Requirement) -> bool);

/// How many requirements there are in all and of some kinds: checksums that hold wherever the lists are not at hand.
const COUNTS: &[(&str, &[Counted])] = &[
    (
        "iso27001-2022",
        &[
            ("all", 127, |_| true),
            ("clauses", 34, |r| attribute(r, "kind") == "clause"),
            ("annex A", 93, |r| attribute(r, "kind") == "annex-a"),
            ("A.5", 37, |r| r.group == "A.5"),
            ("A.6", 8, |r| r.group == "A.6"),
            ("A.7", 14, |r| r.group == "A.7"),
            ("A.8", 34, |r| r.group == "A.8"),
        ],
    ),
    (
        "soc2-tsc-2017",
        &[
            ("all", 61, |_| true),
            ("common criteria", 33, |r| attribute(r, "category") == "common criteria"),
            ("availability", 3, |r| attribute(r, "category") == "availability"),
            ("confidentiality", 2, |r| attribute(r, "category") == "confidentiality"),
            ("processing integrity", 5, |r| attribute(r, "category") == "processing integrity"),
            ("privacy", 18, |r| attribute(r, "category") == "privacy"),
        ],
    ),
    (
        "gdpr",
        &[
            ("all", 268, |_| true),
            ("articles", 99, |r| attribute(r, "kind") == "article"),
            ("controller", 128, |r| attribute(r, "relevance") == "controller"),
            ("both", 68, |r| attribute(r, "relevance") == "both"),
            ("processor", 18, |r| attribute(r, "relevance") == "processor"),
            ("authority", 32, |r| attribute(r, "relevance") == "authority"),
        ],
    ),
    (
        "dora",
        &[
            ("all", 305, |_| true),
            ("articles", 64, |r| attribute(r, "kind") == "article"),
            ("financial entity", 209, |r| attribute(r, "relevance") == "financial-entity"),
            ("ICT provider", 6, |r| attribute(r, "relevance") == "ict-provider"),
            ("authority", 57, |r| attribute(r, "relevance") == "authority"),
        ],
    ),
    (
        "nist-800-53r5",
        &[
            ("all", 1196, |_| true),
            ("withdrawn", 182, |r| r.withdrawn),
            ("controls in force", 300, |r| !r.withdrawn && !r.id.as_str().contains('(')),
            ("low", 149, |r| has(r, "low")),
            ("moderate", 287, |r| has(r, "moderate")),
            ("high", 370, |r| has(r, "high")),
            ("privacy", 96, |r| has(r, "privacy")),
        ],
    ),
    (
        "fedramp-rev5",
        &[
            ("all", 410, |_| true),
            ("LI-SaaS", 156, |r| has(r, "li-saas")),
            ("low", 156, |r| has(r, "low")),
            ("moderate", 323, |r| has(r, "moderate")),
            ("high", 410, |r| has(r, "high")),
            ("class B", 155, |r| has(r, "class-b")),
            ("class C", 322, |r| has(r, "class-c")),
            ("class D", 409, |r| has(r, "class-d")),
        ],
    ),
    (
        "fedramp-20x",
        &[
            ("all", 46, |_| true),
            ("class A", 7, |r| has(r, "class-a")),
            ("class B", 46, |r| has(r, "class-b")),
            ("class C", 46, |r| has(r, "class-c")),
            ("class D", 41, |r| has(r, "class-d")),
        ],
    ),
    ("fedramp-20x-frmr", &[("all", 60, |_| true), ("low", 60, |r| has(r, "low")), ("moderate", 60, |r| has(r, "moderate"))]),
    (
        "cmmc-2.0",
        &[
            ("all", 149, |_| true),
            ("level 1", 15, |r| has(r, "level-1")),
            ("level 2", 110, |r| has(r, "level-2")),
            ("level 3", 24, |r| has(r, "level-3")),
            ("5 points", 44, |r| weight(r) == Some(5)),
            ("3 points", 14, |r| weight(r) == Some(3)),
            ("1 point", 51, |r| weight(r) == Some(1)),
            ("partial credit", 2, |r| r.score.as_ref().is_some_and(|score| score.partial.is_some())),
            ("no score without it", 1, |r| r.score.as_ref().is_some_and(|score| score.prerequisite)),
            ("never on a plan", 85, |r| poam(r) == "false"),
            ("allowed on a plan", 63, |r| poam(r) == "true"),
            ("conditionally on a plan", 1, |r| poam(r) == "conditional"),
        ],
    ),
];

fn weight(requirement: &Requirement) -> Option<u32> {
    requirement.score.as_ref()?.weight
}

#[test]
fn the_counts_are_those_of_the_publications() {
    let controls = embedded();
    let mut faults = Vec::new();
    for (id, counts) in COUNTS {
        let Some(framework) = controls.frameworks.get(*id) else {
            faults.push(format!("{id}: the framework is missing"));
            continue;
        };
        for (what, expected, counted) in *counts {
            let found = framework.requirements.iter().filter(|requirement| counted(requirement)).count();
            if found != *expected {
                faults.push(format!("{id}: {found} instead of {expected} ({what})"));
            }
        }
    }
    // The score of CMMC level 2 where nothing is met.
    let deductions: u32 = controls.frameworks.get("cmmc-2.0").iter().flat_map(|cmmc| &cmmc.requirements).filter_map(weight).sum();
    if deductions != 313 {
        faults.push(format!("cmmc-2.0: {deductions} points in all instead of 313"));
    }
    none("the counts of the frameworks", &faults);
}

type Alter<'a> = &'a dyn Fn(&mut Vec<Requirement>);

// The comparison itself: whatever is changed in a catalog is named.
#[test]
fn a_row_that_differs_is_named() {
    let controls = embedded();
    let list = LISTS.iter().find(|list| list.framework == "nist-800-53r5").unwrap();
    let Some(rows) = reference(list.file) else { return };
    let changed = |change: Alter<'_>| {
        let mut framework = controls.frameworks[list.framework].clone();
        change(&mut framework.requirements);
        let mut faults = Vec::new();
        compare(list, &framework, &rows, &mut faults);
        faults
    };
    assert!(changed(&|_| ()).is_empty());
    let cases: [(Alter<'_>, &str); 8] = [
        (&|all| all[5].title.push('s'), "`AC-2(4)`, column `title`"),
        (&|all| all[5].group = "AT".to_owned(), "`AC-2(4)`, column `family`"),
        (&|all| all[1].levels.retain(|level| level != "low"), "`AC-2`, column `low`"),
        (&|all| all[1].levels.push("privacy".to_owned()), "`AC-2`, column `privacy`"),
        (&|all| all[1].withdrawn = true, "`AC-2`, column `withdrawn`"),
        (&|all| drop(all.remove(7)), "`AC-2(6)` is missing"),
        (&|all| all.swap(3, 4), "stands at another place"),
        (&|all| all[2].id = support::requirement_id("AC-2(99)"), "`AC-2(99)` is not in the reference list"),
    ];
    for (change, says) in cases {
        let faults = changed(change);
        assert!(faults.iter().any(|fault| fault.contains(says)), "{says}: {faults:?}");
    }
}

// NIST SP 800-171A has 320 objectives for the 110 requirements.
#[test]
fn every_requirement_of_level_2_tells_its_objectives() {
    let framework = &embedded().frameworks["cmmc-2.0"];
    let mut all = 0;
    for requirement in &framework.requirements {
        let objectives = requirement.attributes.get("objectives");
        assert_eq!(objectives.is_some(), requirement.id.as_str().contains(".L2-"), "{}", requirement.id);
        let Some(letters) = objectives else { continue };
        let lettered = letters.chars().zip('a'..).all(|(letter, place)| letter == place) && letters.len() > 1;
        assert!(letters == "whole" || lettered, "{}: {letters}", requirement.id);
        all += if letters == "whole" { 1 } else { letters.len() };
    }
    assert_eq!(all, 320);
}
