//! The responsibility matrix of each example platform: page, CSV, workbook and PDF say the same, to the cell.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value as Json, json};

use crate::platforms::workspace_of;
use crate::support::xlsx::sheets;
use crate::support::{AT, Workspace, data, facts, skipped};

type Rows = Vec<Vec<String>>;

fn csv(bytes: &[u8]) -> Rows {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(bytes);
    reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
}

fn table(folder: &Path, name: &str) -> Rows {
    csv(&fs::read(folder.join("tables").join(name)).unwrap_or_else(|error| panic!("{name}: {error}")))
}

// The cells of each row by the names of their columns.
fn by_name(rows: &Rows) -> Vec<BTreeMap<&str, &str>> {
    let (heading, rows) = rows.split_first().unwrap();
    let named = rows.iter().map(|row| {
        assert_eq!(row.len(), heading.len(), "{row:?}");
        heading.iter().map(String::as_str).zip(row.iter().map(String::as_str)).collect()
    });
    named.collect()
}

// Text without blanks, the marks of code and the forms of quotes: how it is set is no difference.
fn dense(text: &str) -> String {
    let plain = text.chars().filter(|letter| !letter.is_whitespace() && *letter != '`');
    plain.map(|letter| if matches!(letter, '‘' | '’') { '\'' } else { letter }).collect()
}

fn upper(word: &str) -> String {
    word[..1].to_uppercase() + &word[1..]
}

fn page(folder: &Path, name: &str) -> String {
    let html = fs::read_to_string(folder.join("site").join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    html.replace("&#39;", "'").replace("&#x27;", "'").replace("&amp;", "&")
}

fn pdf(folder: &Path) -> Option<String> {
    let output = Command::new("pdftotext").arg("-raw").arg(folder.join("documents/responsibility-matrix.pdf")).arg("-").output().ok()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(dense(&String::from_utf8(output.stdout).unwrap()))
}

/// Every form of the matrix is read back and held against the CSV.
fn forms_agree(name: &str, variant: &str, forms: &[(&str, &str)]) {
    let (workspace, endpoint) = workspace_of(name, variant);
    if name == "eidp" && endpoint.is_none() {
        return skipped("the matrix of EIDP", "openssl is missing");
    }
    let bundle = workspace.run(&format!("-e {variant} scan --fail-on nothing")).ends_with(0).path();
    let manifest = fs::read(workspace.folder().join(bundle).join("manifest.json")).unwrap();
    let clock = serde_json::from_slice::<Json>(&manifest).unwrap()["predicate"]["clock"].as_str().unwrap().to_owned();
    let _ = workspace.run(&format!("-e {variant} build --out out --profile customer --at {clock}")).ends_with(0);
    let folder = workspace.path("out/customer");
    let book = sheets(&fs::read(folder.join("tables/responsibility-matrix.xlsx")).unwrap());

    // The workbook holds the tables, cell by cell, and says what it was made from.
    let controls = table(&folder, "responsibility-matrix.csv");
    assert_eq!(book["Controls"], controls);
    for (file, sheet) in [("csa-ssrm.csv", "CSA SSRM")].iter().chain(forms) {
        assert_eq!(book[*sheet], table(&folder, file), "{sheet}");
    }
    let requirements = table(&folder, "responsibility-by-requirement.csv");
    let frameworks: Vec<&str> = by_name(&requirements).iter().map(|row| row["framework"]).collect();
    let mut below = vec![requirements[0].clone()];
    let mut seen: Vec<&str> = Vec::new();
    for framework in frameworks.iter().copied() {
        if !seen.contains(&framework) {
            seen.push(framework);
            below.extend(book[framework][1..].iter().cloned());
        }
    }
    assert_eq!(below, requirements);
    let portal: Json = serde_json::from_slice(&fs::read(folder.join("portal.json")).unwrap()).unwrap();
    let about: BTreeMap<&str, &str> = book["About"].iter().map(|row| (row[0].as_str(), row[1].as_str())).collect();
    assert_eq!(about["SHA-256 of the manifest"], portal["manifest_sha256"]);
    assert_eq!((about["As of"], about["Made for"]), (portal["as_of"].as_str().unwrap(), "customer"));
    for (sheet, rows) in &book {
        assert!(rows.iter().flatten().all(|cell| !["N/A", "n/a"].contains(&cell.as_str())), "{sheet}");
    }

    if let Some(rows) = book.get("CMMC SRM") {
        assert_eq!(rows.len(), 1 + 320, "a line an assessment objective");
        assert_eq!(rows[1][..2], ["AC.L2-3.1.1", "3.1.1[a]"]);
    }

    // Page and PDF say of each control and requirement what the table says.
    let text = pdf(&folder);
    if text.is_none() {
        skipped("the PDF of the matrix", "pdftotext is missing");
    }
    let html = page(&folder, "responsibility.html");
    let starts: Vec<String> = by_name(&controls).iter().map(|row| dense(&format!("{} {}", row["title"], row["split"]))).collect();
    let mut rest = text.as_deref();
    for (at_row, row) in by_name(&controls).into_iter().enumerate() {
        let (id, title, status) = (row["control"], row["title"], row["status"]);
        let start = format!("controls/{id}.html\">{title}</a><br><span class=\"split\">{}</span>", upper(row["split"]));
        let at = html.find(&start).unwrap_or_else(|| panic!("the page lacks {start}"));
        let shown = html[at..].split("</tr>").next().unwrap();
        assert!(shown.contains(&format!("class=\"v v-{status}\"")), "{id} is {status}: {shown}");
        for sentence in row["provider"].lines().chain(row["customer"].lines()) {
            assert!(dense(&unmarked(shown)).contains(&dense(sentence)), "{id} lacks {sentence:?}: {shown}");
        }
        assert!(!row["customer"].is_empty() && !row["provider"].is_empty() && !row["customer_checks"].is_empty(), "{id}");
        if let Some(all) = rest {
            let of_row = &all[all.find(&starts[at_row]).unwrap_or_else(|| panic!("the PDF lacks {}", starts[at_row]))..];
            let end = starts.get(at_row + 1).and_then(|next| of_row.find(next)).unwrap_or(of_row.len());
            let shown = dense(&format!("{} {}", status.replace('-', " "), row["basis"]));
            assert!(of_row[..end].contains(&shown), "{id} is {status} in the PDF: {}", &of_row[..end]);
            rest = Some(of_row);
        }
    }
    for row in by_name(&requirements) {
        let (framework, id, title) = (row["framework"], row["requirement"], row["title"]);
        let html = page(&folder, &format!("responsibility/{framework}.html"));
        let start = format!(">{id}</a><br>{title}</th>");
        let at = html.find(&start).unwrap_or_else(|| panic!("the page of {framework} lacks {start}"));
        let shown = html[at..].split("</tr>").next().unwrap();
        let cells: Vec<&str> = shown.split("<td").skip(1).collect();
        assert!(cells[0].contains(&format!(">{}<br><small>{}</small>", upper(row["split"]), row["ssrm_ownership"])), "{id}: {shown}");
        assert!(cells[1].contains(&format!(">{}</td>", row["inherits"])), "{id}: {shown}");
        for (control, status) in row["evidence"].lines().filter_map(|line| line.split_once(": ")) {
            let holds = ["pass", "manual"].contains(&status);
            assert!(cells[if holds { 2 } else { 3 }].contains(&format!("/{control}.html\"")), "{id} {control} {status}: {shown}");
        }
        if let Some(text) = &text {
            let start = dense(&format!("{id} {title} {} {}", row["split"], row["inherits"].to_lowercase()));
            assert!(text.contains(&start), "the PDF lacks {start}");
        }
    }

    // Nothing is inherited that does not hold.
    for row in by_name(&requirements).iter().filter(|row| row["inherits"] != "No") {
        assert!(row["evidence"].lines().any(|line| line.ends_with(": pass") || line.ends_with(": manual")), "{row:?}");
    }
    let _ = workspace.run(&format!("-e {variant} build --out again --profile customer --at {clock}")).ends_with(0);
    for file in fs::read_dir(folder.join("tables")).unwrap() {
        let file = file.unwrap().path();
        let again = workspace.path("again/customer/tables").join(file.file_name().unwrap());
        assert!(fs::read(&file).unwrap() == fs::read(again).unwrap(), "{} is not the same", file.display());
    }
}

// The text of a piece of a page.
fn unmarked(html: &str) -> String {
    let mut out = String::new();
    for part in html.split('<') {
        out.push_str(part.split_once('>').map_or(part, |(_, text)| text));
    }
    out.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"")
}

#[test]
fn the_matrix_of_unstructured_is_the_same_in_every_form() {
    forms_agree("unstructured", "drifted", &[("fedramp-crm.csv", "FedRAMP CRM"), ("cmmc-srm.csv", "CMMC SRM")]);
}

#[test]
fn the_matrix_of_enclii_is_the_same_in_every_form() {
    forms_agree("enclii", "drifted", &[]);
}

#[test]
fn the_matrix_of_eidp_is_the_same_in_every_form() {
    forms_agree("eidp", "compliant", &[]);
}

fn scanned(product: &str, frameworks: Json) -> Workspace {
    let mut facts = facts();
    facts["product"]["name"] = product.into();
    let workspace = Workspace::with_settings(&json!({"workspace": "w", "facts": facts, "frameworks": frameworks}));
    let _ = workspace.run(&format!("scan --dump {} --at {AT} --fail-on nothing", data("cluster-small").display())).ends_with(0);
    workspace
}

#[test]
fn a_workbook_runs_nothing_and_other_readers_accept_it() {
    let workspace = scanned("=HYPERLINK(\"https://evil.example\")", json!([{"id": "fedramp-rev5", "level": "low"}]));
    let _ = workspace.run(&format!("export --format matrix-xlsx --at {AT} --out m.xlsx")).ends_with(0);
    let _ = workspace.run(&format!("export --format matrix-xlsx --at {AT} --out n.xlsx")).ends_with(0);
    let bytes = fs::read(workspace.path("m.xlsx")).unwrap();
    assert!(bytes == fs::read(workspace.path("n.xlsx")).unwrap(), "the same evidence gave other bytes");
    let book = sheets(&bytes);
    let product = book["About"].iter().find(|row| row[0] == "Product").unwrap();
    assert_eq!(product[1], "'=HYPERLINK(\"https://evil.example\")");
    let runs = |cell: &&String| cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    assert_eq!(book.values().flatten().flatten().find(runs), None);
    let crm = &book["FedRAMP CRM"];
    assert_eq!(crm[0], ["Control ID", "Can Be Inherited from CSP", "Specific Inheritance and Customer Agency/CSP Responsibilities"]);
    assert!(crm[1..].iter().all(|row| ["Yes", "Partial", "No"].contains(&row[1].as_str())));
    assert!(crm[1..].iter().all(|row| row[1] == "Yes" || !row[2].is_empty()));

    let script = "import sys, openpyxl\nbook = openpyxl.load_workbook(sys.argv[1])\nfor sheet in book.worksheets[1:]:\n    \
        assert sheet.freeze_panes == 'B2', sheet.title\n    assert sheet.auto_filter.ref.startswith('A1:'), sheet.title\n    \
        assert all(cell.data_type in 'sn' for row in sheet.iter_rows() for cell in row), sheet.title\n\
        print(book.worksheets[0]['B1'].value, book.properties.created.isoformat(), [sheet.max_row for sheet in book.worksheets[1:]])\n";
    match Command::new("python3").args(["-c", script]).arg(workspace.path("m.xlsx")).output() {
        Ok(output) if output.status.success() => {
            let said = String::from_utf8(output.stdout).unwrap();
            let rows: Vec<usize> = ["Controls", "fedramp-rev5", "FedRAMP CRM", "CSA SSRM"].map(|sheet| book[sheet].len()).into();
            assert_eq!(said.trim(), format!("Shared responsibility {} {rows:?}", AT.trim_end_matches('Z')));
        }
        Ok(output) if !String::from_utf8_lossy(&output.stderr).contains("No module named 'openpyxl'") => {
            panic!("{}", String::from_utf8_lossy(&output.stderr));
        }
        _ => skipped("the workbook in another reader", "openpyxl is missing"),
    }
}

#[test]
fn a_form_of_a_framework_that_is_not_in_scope_is_refused() {
    let workspace = scanned("Example Platform", json!(["gdpr"]));
    for (format, framework) in [("matrix-fedramp", "fedramp-rev5"), ("matrix-cmmc", "cmmc-2.0")] {
        let _ = workspace.run(&format!("export --format {format} --at {AT}")).ends_with(2).without_result().says(&[framework, "in scope"]);
    }
    let rows = csv(workspace.run(&format!("export --format matrix-requirements --at {AT}")).ends_with(0).stdout.as_bytes());
    assert!(by_name(&rows).iter().all(|row| row["framework"] == "gdpr"));
    // What binds authorities alone is nobody's duty here.
    assert!(by_name(&rows).iter().all(|row| row["requirement"] != "Art.51(1)"));
    let alone = by_name(&rows).into_iter().find(|row| row["split"] == "customer").unwrap();
    assert_eq!((alone["inherits"], alone["ssrm_ownership"]), ("No", "CSC-owned"));
}
