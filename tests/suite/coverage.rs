//! Coverage of the whole library, the SPRS score and the statement of applicability, as the command line prints them, and the
//! pages that show them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::{Value as Json, json};

use crate::support::contents::files_below;
use crate::support::{AT, Ran, Workspace, data, facts};

const KINDS: [&str; 6] = ["automated", "attested", "customer", "inherited", "none", "not-applicable"];

fn ids(requirements: &Json) -> Vec<&str> {
    requirements.as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap()).collect()
}

fn list(value: &Json) -> &Vec<Json> {
    value.as_array().unwrap_or_else(|| panic!("{value}"))
}

#[track_caller]
fn fits(ran: &Ran) {
    let wide = ran.stdout.lines().find(|line| line.chars().count() > 80);
    assert!(wide.is_none(), "{wide:?}");
}

/// The records of a table.
fn records(text: &str) -> Vec<Vec<String>> {
    let (mut out, mut record, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '"' if quoted && rest.peek() == Some(&'"') => cell.extend(rest.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => record.push(std::mem::take(&mut cell)),
            '\n' if !quoted => {
                record.push(std::mem::take(&mut cell));
                out.push(std::mem::take(&mut record));
            }
            c => cell.push(c),
        }
    }
    assert!(!quoted && record.is_empty() && cell.is_empty(), "the table ends within a record");
    out
}

#[test]
fn every_framework_adds_up_in_every_form() {
    let workspace = Workspace::new("workspace: w");
    let all = workspace.run("coverage --format json").ends_with(0).json();
    let frameworks = workspace.run("frameworks list --format json").ends_with(0).json();
    assert_eq!(all.as_array().unwrap().len(), frameworks.as_array().unwrap().len());
    let overview = workspace.run("coverage").ends_with(0);
    fits(&overview);
    for (view, framework) in list(&all).iter().zip(list(&frameworks)) {
        let id = framework["id"].as_str().unwrap();
        assert_eq!(view["framework"], id);
        let requirements = list(&view["requirements"]);
        assert_eq!(ids(&view["requirements"]), ids(&framework["requirements"]), "{id}");
        let mut totals: BTreeMap<&str, u64> = KINDS.map(|kind| (kind, 0)).into();
        for row in requirements {
            let status = row["status"].as_str().unwrap();
            *totals.get_mut(status).unwrap_or_else(|| panic!("{row}")) += 1;
            for key in ["id", "status", "controls", "checks", "title", "limits", "relations"] {
                assert!(!row[key].is_null(), "{key} is missing in {row}");
            }
            let distinct = |key: &str| list(&row[key]).iter().map(Json::as_str).collect::<BTreeSet<_>>().len() == list(&row[key]).len();
            assert!(distinct("controls") && distinct("checks"), "{row}");
            assert_eq!(status == "automated", !list(&row["checks"]).is_empty(), "{row}");
            assert_eq!(list(&row["controls"]).len(), row["limits"].as_object().unwrap().len(), "{row}");
            assert!(row["limits"].as_object().unwrap().values().all(|limit| !limit.as_str().unwrap().is_empty()), "{row}");
        }
        assert_eq!(view["totals"], json!(totals), "{id}");
        let line = overview.stdout.lines().find(|line| line.split(' ').next() == Some(id)).unwrap();
        let figures: Vec<u64> = line.split_whitespace().skip(1).map(|figure| figure.parse().unwrap()).collect();
        assert_eq!((figures[0], figures[1..].iter().sum::<u64>()), (requirements.len() as u64, requirements.len() as u64), "{line}");

        let one = workspace.run(&format!("coverage {id}")).ends_with(0);
        fits(&one);
        assert!(requirements.iter().all(|row| one.stdout.contains(row["id"].as_str().unwrap())), "{id}");
    }
    let table = records(&workspace.run("coverage --format csv").ends_with(0).stdout);
    let rows: usize = list(&all).iter().map(|view| list(&view["requirements"]).len()).sum();
    assert_eq!(table.len(), rows + 1);
    assert_eq!(table[0][..4], ["framework", "requirement", "title", "status"]);
    assert!(table.iter().all(|record| record.len() == table[0].len()));
}

#[test]
fn a_level_is_counted_alone() {
    let workspace = Workspace::new("workspace: w");
    for (framework, level, number) in [
        ("nist-800-53r5", "low", 149),
        ("nist-800-53r5", "moderate", 287),
        ("nist-800-53r5", "high", 370),
        ("nist-800-53r5", "privacy", 96),
        ("fedramp-rev5", "li-saas", 156),
        ("fedramp-rev5", "class-c", 322),
        ("cmmc-2.0", "level-1", 15),
        ("cmmc-2.0", "level-2", 110),
    ] {
        let view = workspace.run(&format!("coverage {framework} --level {level} --format json")).ends_with(0).json();
        assert_eq!(list(&view["requirements"]).len(), number, "{framework} {level}");
        assert_eq!(view["totals"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum::<u64>(), number as u64);
        assert_eq!(view["level"], level);
    }
    workspace.run("coverage nist-800-53r5 --level moderat").ends_with(2).says(&["did you mean `moderate`?"]).without_result();
    workspace.run("coverage iso27001-2022 --level low").ends_with(2).says(&["has no level `low`"]).without_result();
    workspace.run("coverage iso27001-202").ends_with(2).says(&["did you mean `iso27001-2022`?"]).without_result();
    workspace.run("coverage --level low").ends_with(2).without_result();
}

#[test]
fn what_a_check_alone_shows_would_be_lost_without_it() {
    let workspace = Workspace::new("workspace: w");
    let view = workspace.run("coverage soc2-tsc-2017 --format json").ends_with(0).json();
    for check in list(&view["checks"]).iter().take(3) {
        let id = check["id"].as_str().unwrap();
        let rows = list(&view["requirements"]).iter().filter(|row| list(&row["checks"]).contains(&check["id"]));
        let (alone, shared): (Vec<&Json>, Vec<&Json>) = rows.partition(|row| list(&row["checks"]).len() == 1);
        assert_eq!(
            (check["requirements"].as_u64(), check["alone"].as_u64()),
            (Some((alone.len() + shared.len()) as u64), Some(alone.len() as u64))
        );
        let loss = workspace.run(&format!("coverage soc2-tsc-2017 --check {id} --format json")).ends_with(0).json();
        assert_eq!(ids(&loss["lost"]), alone.iter().map(|row| row["id"].as_str().unwrap()).collect::<Vec<_>>());
        assert_eq!(ids(&loss["reduced"]), shared.iter().map(|row| row["id"].as_str().unwrap()).collect::<Vec<_>>());
        assert!(list(&loss["lost"]).iter().all(|row| row["becomes"] != "automated"));
        let text = workspace.run(&format!("coverage --check {id}")).ends_with(0);
        fits(&text);
        let table = records(&workspace.run(&format!("coverage soc2-tsc-2017 --check {id} --format csv")).ends_with(0).stdout);
        assert_eq!(table.len(), 1 + alone.len() + shared.len());
    }
    workspace.run("coverage --check tls-min-versio").ends_with(2).says(&["did you mean `tls-min-version`?"]).without_result();
}

fn attestation(id: &str, of: &str) -> String {
    let digest = "a".repeat(64);
    format!(
        "id: {id}\n{of}\nstatement: It is so.\nrole: CISO\nperson_ref: p-1\nsigned_at: 2026-09-01T00:00:00Z\n\
         expires_at: 2027-03-01T00:00:00Z\nevidence: [{{file: plan.pdf, sha256: '{digest}', description: The plan.}}]\n"
    )
}

/// A scanned workspace with frameworks in scope and attestations.
fn scanned(frameworks: &Json, attestations: &[(&str, &str)]) -> Workspace {
    let settings = json!({
        "workspace": "scores", "facts": facts(), "frameworks": frameworks,
        "environments": {"prod": {"kubernetes": {"dump": data("cluster-small")}}},
    });
    let workspace = Workspace::with_settings(&settings);
    for (id, of) in attestations {
        workspace.write(&format!("ws/attestations/{id}.yaml"), attestation(id, of));
    }
    workspace.run(&format!("scan --at {AT} --fail-on nothing")).ends_with(0);
    workspace
}

const PLAN: (&str, &str) = ("system-security-plan", "control: system-security-plan");
const MFA: (&str, &str) = ("mfa-in-part", "partial_credit: {framework: cmmc-2.0, requirement: IA.L2-3.5.3}");

#[test]
fn the_score_is_made_from_its_deductions() {
    let level = json!([{"id": "cmmc-2.0", "level": "level-2"}]);
    let sprs = |workspace: &Workspace| workspace.run(&format!("sprs --at {AT} --format json")).ends_with(0).json();
    let without = sprs(&scanned(&level, &[]));
    assert_eq!((&without["score"], &without["standing"]), (&Json::Null, &json!("no-score")), "{}", without["because"]);
    assert!(without["because"].as_str().unwrap().starts_with("CA.L2-3.12.4"), "{}", without["because"]);

    let with_plan = scanned(&level, &[PLAN]);
    let full = sprs(&with_plan);
    let deducted = |view: &Json| list(&view["requirements"]).iter().map(|row| row["deduction"].as_i64().unwrap()).sum::<i64>();
    assert_eq!(full["score"], 110 - deducted(&full));
    assert_eq!(list(&full["requirements"]).len(), 110);
    for row in list(&full["requirements"]) {
        assert_eq!(row["finding"] == "not-met", row["deduction"] != 0, "{row}");
        assert!(!row["because"].as_str().unwrap().is_empty() && row["poam"].is_string(), "{row}");
    }
    let text = with_plan.run(&format!("sprs --at {AT}")).ends_with(0);
    fits(&text);
    assert!(text.stdout.starts_with("SPRS score, CMMC 2.0 Level 2") && text.stdout.contains("88 for a conditional status"), "{text:?}");
    let table = records(&with_plan.run(&format!("sprs --at {AT} --format csv")).ends_with(0).stdout);
    assert_eq!(table.len(), 112);
    assert_eq!(table[111][3], full["score"].to_string());

    let credited = sprs(&scanned(&level, &[PLAN, MFA]));
    assert_eq!(credited["score"].as_i64(), full["score"].as_i64().map(|score| score + 2), "partial credit of 3.5.3");
    // The statement counts until it expires, and the plan with it.
    let late = with_plan.run("sprs --at 2027-03-01T00:00:00Z --format json").ends_with(0).json();
    assert_eq!(late["score"], Json::Null);

    let other = scanned(&json!(["soc2-tsc-2017"]), &[]);
    other.run(&format!("sprs --at {AT}")).ends_with(2).says(&["has an SPRS score", "cmmc-2.0"]).without_result();
    other.run(&format!("soa --at {AT}")).ends_with(2).says(&["statement of applicability", "iso27001-2022"]).without_result();
}

#[test]
fn the_statement_of_applicability_has_all_93_rows() {
    let scope = json!([{"id": "iso27001-2022", "exclude": [{"requirement": "A.8.30", "reason": "Nobody outside writes code."}]}]);
    let workspace = scanned(&scope, &[]);
    let soa = workspace.run(&format!("soa --at {AT} --format json")).ends_with(0).json();
    let rows = list(&soa["rows"]);
    assert_eq!((rows.len(), soa["applicable"].as_u64(), soa["excluded"].as_u64()), (93, Some(92), Some(1)));
    let excluded: Vec<&Json> = rows.iter().filter(|row| row["applicable"] == false).collect();
    assert_eq!((excluded.len(), &excluded[0]["justification"]), (1, &json!("Nobody outside writes code.")));
    assert_eq!((&excluded[0]["implemented"], &excluded[0]["status"]), (&Json::Null, &Json::Null));
    // The statement and the coverage are of one roll-up.
    let coverage = workspace.run("coverage iso27001-2022 --format json").ends_with(0).json();
    let covered: BTreeMap<&str, &Json> = list(&coverage["requirements"]).iter().map(|row| (row["id"].as_str().unwrap(), row)).collect();
    for row in rows {
        let of = covered[row["id"].as_str().unwrap()];
        assert_eq!(
            (&row["coverage"], ids(&row["controls"])),
            (&of["status"], list(&of["controls"]).iter().map(|id| id.as_str().unwrap()).collect())
        );
        let good = list(&row["controls"]).iter().all(|control| ["pass", "manual"].contains(&control["status"].as_str().unwrap()));
        assert!(row["implemented"] != "yes" || good, "{row}");
    }
    let text = workspace.run(&format!("soa --at {AT}")).ends_with(0);
    fits(&text);
    let table = records(&workspace.run(&format!("soa --at {AT} --format csv")).ends_with(0).stdout);
    assert_eq!(table.len(), 94);
    assert!(table.iter().all(|record| record.len() == table[0].len()));
}

#[test]
fn a_site_of_all_frameworks_shows_them_and_stays_small_enough_to_read() {
    let workspace = scanned(&json!([]), &[PLAN, MFA]);
    workspace.run(&format!("build --at {AT} --out out")).ends_with(0);
    let site = workspace.path("out/customer/site");
    let pages = files_below(&site).iter().filter(|(path, _)| path.ends_with(".html")).count();
    assert!((200..600).contains(&pages), "{pages} pages");
    let read = |page: &str| fs::read_to_string(site.join(page)).unwrap_or_else(|error| panic!("{page}: {error}"));
    let coverage = read("coverage.html");
    for view in list(&workspace.run("coverage --format json").ends_with(0).json()) {
        let id = view["framework"].as_str().unwrap();
        assert!(coverage.contains(&format!("href=\"frameworks/{id}.html\"")), "{id}");
        assert!(read(&format!("frameworks/{id}.html")).len() > 1000);
    }
    assert!(coverage.matches("role=\"img\"").count() >= 9 && coverage.contains("<pattern "));
    assert!(read("frameworks/nist-800-53r5/ac.html").contains("id=\"AC-2\""));
    assert!(read("sprs.html").contains("IA.L2-3.5.3"));
    assert!(read("statement-of-applicability.html").contains("A.8.34"));
}
