//! History from the command line, read by DuckDB as whoever gets it would.

use std::process::Command;

use serde_json::{Value as Json, json};

use crate::support::{Workspace, facts};

/// A workspace whose three days saw: `b` not as promised twice on the first day, mended on the second, and gone on the third.
fn workspace() -> Workspace {
    let workspace = Workspace::with_settings(&json!({"workspace": "w", "facts": facts()}));
    let namespace = |(name, level): &(&str, &str)| {
        let labels = json!({"proofbook.dev/tenant": "t", "pod-security.kubernetes.io/enforce": level});
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "uid": format!("uid-{name}"), "labels": labels}})
    };
    let runs: [(&str, &[(&str, &str)]); 4] = [
        ("2026-11-01T06:00:00Z", &[("a", "restricted"), ("b", "privileged")]),
        ("2026-11-01T18:00:00Z", &[("a", "restricted"), ("b", "privileged")]),
        ("2026-11-02T06:00:00Z", &[("a", "restricted"), ("b", "restricted")]),
        ("2026-11-04T06:00:00Z", &[("a", "restricted")]),
    ];
    for (at, namespaces) in runs {
        let items: Vec<Json> = namespaces.iter().map(namespace).collect();
        let list = json!({"apiVersion": "v1", "kind": "NamespaceList", "metadata": {"resourceVersion": "1"}, "items": items});
        let file = workspace.write(&format!("dump-{}/namespaces.json", at.replace(':', "")), list.to_string());
        let _ = workspace.run(&format!("scan --dump {} --at {at} --fail-on nothing", file.parent().unwrap().display())).ends_with(0);
    }
    // A partial run is no part of a history.
    let dump = workspace.path("dump-2026-11-01T060000Z");
    let scan = format!("scan --dump {} --at 2026-11-03T00:00:00Z --check pss-enforced --fail-on nothing", dump.display());
    let _ = workspace.run(&scan).ends_with(0);
    workspace
}

/// What DuckDB answers, each row a line of values.
fn duckdb(workspace: &Workspace, query: &str) -> Vec<String> {
    let program = "import duckdb, sys\nfor row in duckdb.sql(sys.argv[1]).fetchall(): print(*row)";
    let ran = Command::new("python3").current_dir(workspace.path("")).args(["-c", program, query]).output().unwrap();
    assert!(ran.status.success(), "install duckdb from PyPI: {}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8(ran.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn the_series_has_a_line_for_every_day_that_was_looked_at() {
    let workspace = workspace();
    let _ = workspace.run("export --format series-parquet --out s.parquet").ends_with(0);
    let control = duckdb(&workspace, "select min(id) from 's.parquet' where kind = 'control' and fail = 1 and runs = 2").remove(0);
    assert_ne!(control, "None", "the check that failed is a part of a control");
    let of_control = "select strftime(day, '%d'), runs, fail, subjects_min <= subjects_max, assurance from 's.parquet' where id = ";
    let days = duckdb(&workspace, &format!("{of_control}'{control}' order by day"));
    assert_eq!(days, ["01 2 1 True as-supplied", "02 1 0 True as-supplied", "04 1 0 True as-supplied"]);
    assert_ne!(duckdb(&workspace, "select count(*) from 's.parquet' where kind = 'ksi'"), ["0"]);
    // Both forms say the same.
    let _ = workspace.run("export --format series --out s.csv").ends_with(0);
    let both = "select day, kind, id, status, best, worst, runs, pass, fail, error, subjects, complete from";
    let differ = format!("select count(*) from (({both} 's.csv') except ({both} 's.parquet'))");
    assert_eq!(duckdb(&workspace, &differ), ["0"]);
    let rows = duckdb(&workspace, "select (select count(*) from 's.csv') - (select count(*) from 's.parquet')");
    assert_eq!(rows, ["0"]);
    // Handed over like anything else.
    let log = workspace.run("log --custody --limit 0").ends_with(0).stdout;
    assert!(log.contains("series-parquet") && log.contains("s.csv"), "{log}");
}

#[test]
fn findings_last_from_the_first_to_the_last_run_that_saw_them() {
    let workspace = workspace();
    let _ = workspace.run("export --format findings-parquet --out f.parquet").ends_with(0);
    let query = "select name, verdict, strftime(first_seen at time zone 'UTC', '%dT%H'), strftime(last_seen at time zone 'UTC', '%dT%H'), \
                 strftime(over_by at time zone 'UTC', '%dT%H'), runs from 'f.parquet' where check_id = 'pss-enforced' order by name, first_seen";
    let told = ["a pass 01T06 04T06 None 4", "b fail 01T06 01T18 02T06 2", "b pass 02T06 02T06 04T06 1"];
    assert_eq!(duckdb(&workspace, query), told);
    let bounded =
        workspace.run("export --format findings-parquet --out g.parquet --since 2026-11-02T00:00:00Z --until 2026-11-03T00:00:00Z");
    let _ = bounded.ends_with(0);
    assert_eq!(duckdb(&workspace, "select max(runs), count(over_by) from 'g.parquet'"), ["1 0"]);
    let values = workspace.run("export --format values-history").ends_with(0).stdout;
    let heading = "check_id,subject,value,first_seen,last_seen,runs,gaps,first,last,changes,last_changed,min,max";
    assert_eq!(values.lines().next(), Some(heading));
    let level = values.lines().find(|line| line.starts_with("pss-enforced,Namespace/b,")).unwrap();
    assert!(level.contains(",privileged,restricted,1,2026-11-02T06:00:00Z,"), "{level}");
}

#[test]
fn a_history_is_asked_for_as_one() {
    let workspace = workspace();
    let _ = workspace.run("export --format series --at 2026-11-01T00:00:00Z").ends_with(2).without_result().says(&["--since"]);
    let _ = workspace.run("export --format sarif --since 2026-11-01T00:00:00Z").ends_with(2).without_result().says(&["one bundle"]);
    let none = workspace.run("export --format series --since 2027-01-01T00:00:00Z").ends_with(2).without_result();
    let _ = none.says(&["no full run of this time"]);
    // A run that is not what it was makes no history.
    let run = workspace.run("log --format json").ends_with(0).json();
    let older = run.as_array().unwrap().iter().rev().find(|run| run["full"] == true).unwrap()["run_id"].as_str().unwrap().to_owned();
    let file = workspace.path(&format!("ws/evidence/w/default/{older}/assessment.json"));
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replacen("\"fail\"", "\"pass\"", 1)).unwrap();
    let _ = workspace.run("export --format series").ends_with(2).without_result().says(&["not what was sealed", "assessment.json"]);
}
