//! The embedded documents, set from a sample and looked at from outside.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails the test")]

mod support;

use std::collections::BTreeSet;

use proofbook_controls::files::Files;
use proofbook_documents::{Attachment, DocumentError, Templates};
use serde_json::json;

use support::{document, look, pages, render, run_on, sample};

#[test]
fn the_evidence_report_says_what_was_seen_and_what_was_not() {
    let rendered = render("evidence-report", &sample()).unwrap();
    assert!(rendered.pages > 20 && rendered.notes.is_empty(), "{} pages, {:?}", rendered.pages, rendered.notes);
    let Some(pages) = pages(&rendered.pdf) else { return };
    assert_eq!(pages.len(), rendered.pages);
    let cover = &pages[0];
    for part in ["20260601T030000Z-5f1c9a7e", "2026-06-01 08:15 UTC", "UNSIGNED", "as supplied", "full: every check of the workspace ran"] {
        assert!(cover.contains(part), "{part}: {cover}");
    }
    let text = pages.join(" ");
    for part in [
        "Every tenant namespace denies traffic by default",
        "41 of 41 pass; listings complete",
        "38 of 41 pass, 3 fail; listings complete",
        "no subject could be judged (not-permitted); listings NOT complete",
        "Two methods differ. The status is the worse one.",
        "proofbook verify evidence/eidp/production/20260601T030000Z-5f1c9a7e",
        "Does not prove",
        "by nobody yet",
    ] {
        assert!(text.contains(part), "{part}");
    }
    for (at, page) in pages.iter().enumerate() {
        assert!(page.contains(&format!("Page {} of {}", at + 1, pages.len())), "page {}", at + 1);
        assert!(page.contains("as of 2026-06-01 08:15 UTC · UNSIGNED"), "page {}", at + 1);
    }
}

#[test]
fn a_long_table_repeats_its_header() {
    let Some(pages) = pages(&render("evidence-report", &sample()).unwrap().pdf) else { return };
    let with_rows: Vec<&String> =
        pages.iter().filter(|page| page.matches("-seccomp-tenant").count() + page.matches("runs as root").count() > 12).collect();
    assert!(with_rows.len() > 2, "the table has {} pages", with_rows.len());
    for page in with_rows {
        assert!(page.contains("Subject Verdict What was found"), "{page}");
    }
}

#[test]
fn three_thousand_failing_subjects_are_all_there() {
    let mut data = sample();
    let check = &mut data["checks"]["workload-seccomp"];
    let finding = check["failing"][0].clone();
    let rows = (0..3000).map(|at| {
        let mut row = finding.clone();
        row["subject"]["name"] = json!(format!("subject-{at:04}"));
        row["message"] = json!("no profile is set");
        row
    });
    check["failing"] = rows.collect();
    check["counts"] = json!({"fail": 3000});
    let rendered = render("evidence-report", &data).unwrap();
    let Some(pages) = pages(&rendered.pdf) else { return };
    let text = run_on(&pages);
    for at in [0, 1, 1499, 2998, 2999] {
        assert!(text.contains(&format!("/subject-{at:04}")), "{at}");
    }
    assert!(text.contains("0of3000pass,3000fail"));
}

#[test]
fn an_edition_without_names_says_so() {
    let mut data = sample();
    for check in data["checks"].as_object_mut().unwrap().values_mut() {
        check["failing"] = json!([]);
        check["passing"] = json!([]);
        for param in check["params"].as_array_mut().unwrap() {
            if param["source"] != "default" {
                param["value"] = json!(null);
            }
        }
    }
    for target in data["run"]["targets"].as_array_mut().unwrap() {
        target["name"] = json!("");
    }
    let Some(pages) = pages(&render("evidence-report", &data).unwrap().pdf) else { return };
    let text = pages.join(" ");
    assert!(text.contains("3 findings that are neither pass nor not applicable are not named in this edition."));
    assert!(text.contains("Pass: 38 subjects, not named in this edition."));
    assert!(text.contains("not shown in this edition"));
}

#[test]
fn the_agreement_goes_term_by_term_with_the_numbers_of_the_facts() {
    let mut data = sample();
    data["facts"]["processing"]["breach_notice_hours"] = json!(1);
    data["facts"]["processing"]["subprocessor_notice_days"] = json!(17);
    let rendered = render("dpa", &data).unwrap();
    let Some(pages) = pages(&rendered.pdf) else { return };
    let text = pages.join(" ");
    for letter in ["a", "b", "c", "d", "e", "f", "g", "h"] {
        assert!(text.contains(&format!("28(3)({letter})")), "{letter}");
    }
    for part in [
        "DRAFT FOR SIGNATURE",
        "approved by: nobody yet",
        "(Art. 28(10))",
        "(Art. 33(2)), and at the latest after 1 hour.",
        "at least 17 days beforehand",
        "within 30 days after the end of the contract",
        "age out within 35 days after that deletion",
        "Nordlicht Plattform GmbH",
        "Annex A: description of the processing",
        "Annex E: instructions and contacts",
        "Ticketwerk Inc.",
        "UNSIGNED",
        "AS SUPPLIED",
    ] {
        assert!(text.contains(part), "{part}");
    }
    let lower = text.to_lowercase();
    for word in ["compliant", "certified", "guaranteed"] {
        assert!(!lower.contains(word), "{word}");
    }
}

#[test]
fn the_annex_prints_what_is_shown_and_counts_what_is_not() {
    let rendered = render("dpa", &sample()).unwrap();
    let notes = rendered.notes.join("\n");
    for (control, why) in [
        ("network-isolation", "its status is fail"),
        ("encryption-at-rest", "its status is stale"),
        ("backup", "its status is error"),
        ("host-isolation", "its status is exception"),
        ("encryption-in-transit", "two methods differ"),
    ] {
        assert!(notes.contains(&format!("annex B: `{control}` is withheld: {why}")), "{notes}");
    }
    assert!(notes.contains("annex B: `strong-authentication` is left out, as there is no such control"));
    let Some(pages) = pages(&rendered.pdf) else { return };
    let text = pages.join(" ");
    assert!(text.contains("Backups are kept for at least the promised time."));
    assert!(text.contains("Measured: hours that backups are kept 720 (6), 2160 (2)"));
    assert!(text.contains("statement of the role Head of Platform Engineering manual 2026-03-01"));
    let withheld = rendered.notes.iter().filter(|note| note.contains("is withheld")).count();
    assert!(withheld > 5 && text.contains(&format!("{withheld} further measures are not printed")), "{withheld}");
    let data = sample();
    for id in ["network-isolation", "backup", "host-isolation", "encryption-in-transit", "physical-security"] {
        let control = &data["controls"][id];
        assert!(!text.contains(control["objective"].as_str().unwrap()), "{id}");
        assert!(!text.contains(control["title"].as_str().unwrap()), "{id}");
    }
}

#[test]
fn the_agreement_is_refused_without_the_processing() {
    for absent in [json!(null), json!("removed")] {
        let mut data = sample();
        let facts = data["facts"].as_object_mut().unwrap();
        if absent.is_null() {
            facts.insert("processing".to_owned(), absent);
        } else {
            facts.remove("processing");
        }
        let error = render("dpa", &data).unwrap_err();
        assert!(matches!(&error, DocumentError::Missing { document, .. } if document == "dpa"), "{error}");
        assert!(error.to_string().contains("proofbook.yaml"));
    }
}

#[test]
fn every_measure_names_a_control_of_the_library_once() {
    let templates = Templates::embedded();
    let (_, text) = templates.files().find(|(path, _)| path.ends_with("dpa/toms.yaml")).unwrap();
    let named: Vec<&str> = text.lines().filter_map(|line| line.trim().strip_prefix("- control: ")).collect();
    let library = Files::embedded();
    for id in &named {
        assert!(library.get(&format!("controls/library/{id}.yaml")).is_some(), "{id}");
    }
    assert_eq!(named.iter().collect::<BTreeSet<_>>().len(), named.len());
}

#[test]
fn the_same_inputs_give_the_same_bytes() {
    let data = sample();
    let attached = [Attachment::json("publication.json", "What the document was printed from", &data).unwrap()];
    for id in ["evidence-report", "dpa"] {
        let first = document(id).render(&data, &attached).unwrap().pdf;
        let second = std::thread::spawn({
            let (data, attached) = (data.clone(), attached.clone());
            move || document(id).render(&data, &attached).unwrap().pdf
        });
        assert!(first == second.join().unwrap(), "{id}");
        let mut later = data.clone();
        later["run"]["as_of"] = json!("2026-06-01T08:16:00Z");
        assert!(first != document(id).render(&later, &attached).unwrap().pdf, "{id}");
    }
}

#[test]
fn the_files_keep_to_the_standards_and_carry_what_they_were_printed_from() {
    let data = sample();
    let attached = [Attachment::json("publication.json", "What the document was printed from", &data).unwrap()];
    for (id, carries) in [("evidence-report", true), ("dpa", false)] {
        let pdf = document(id).render(&data, &attached).unwrap().pdf;
        let text = String::from_utf8_lossy(&pdf);
        for part in ["<pdfaid:part>3</pdfaid:part>", "<pdfaid:conformance>A</pdfaid:conformance>", "<pdfuaid:part>1</pdfuaid:part>"] {
            assert!(text.contains(part), "{id}: {part}");
        }
        let Some((fine, said)) = look("qpdf", &["--check"], &pdf, &[]) else { return };
        assert!(fine, "{id}: {said}");
        let (_, files) = look("qpdf", &["--list-attachments"], &pdf, &[]).unwrap();
        assert_eq!(files.contains("publication.json"), carries, "{id}: {files}");
    }
}
