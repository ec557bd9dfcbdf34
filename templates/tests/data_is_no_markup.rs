//! Data stays data: nothing in it is read as markup, nothing in it can stop a document, and no error repeats it.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails the test")]

mod support;

use proofbook_documents::{Document, DocumentError, Templates};
use serde_json::{Value, json};

use support::{document, look, of, pages, render, run_on, sample};

const HOSTILE: &str =
    r#"#hash *star* _under_ `tick` <tag> @ref $x$ \back [b] {c} "q" // no comment https://example.org/a ~ -- --- ... = head"#;

// The sample with a text in every kind of place.
fn with(text: &str) -> Value {
    let mut data = sample();
    let name = text.replace(' ', "");
    data["facts"]["organisation"]["legal_name"] = json!(text);
    data["facts"]["product"]["name"] = json!(text);
    data["facts"]["processing"]["purpose"] = json!(text);
    data["facts"]["subprocessors"][0]["service"] = json!(text);
    data["run"]["workspace"] = json!(text);
    let check = &mut data["checks"]["tls-min-version"];
    check["title"] = json!(text);
    check["failing"][0]["message"] = json!(text);
    check["failing"][0]["subject"]["name"] = json!(name);
    check["failing"][0]["measured"] = json!({name.clone(): [text]});
    check["passing"][0] = json!(name);
    check["proves"] = json!(text);
    check["manual"] = json!(format!("  {text}\n\tsecond line"));
    check["params"][0]["value"] = json!({"k": text});
    data["run"]["targets"][0]["actor"]["identity"] = json!(name);
    data
}

#[test]
fn markup_in_data_comes_out_as_it_is() {
    let data = with(HOSTILE);
    for (id, least) in [("evidence-report", 8), ("dpa", 3)] {
        let Some(pages) = pages(&render(id, &data).unwrap().pdf) else { return };
        let found = run_on(&pages).matches(&HOSTILE.replace(' ', "")).count();
        assert!(found >= least, "{id}: {found}");
    }
}

#[test]
fn what_has_no_glyph_is_printed_as_its_code_point() {
    let data = with("漢字 \u{1f680} a\u{200b}b \u{202e}gnp.exe e\u{301} \u{fe0f}\u{0}");
    let Some(pages) = pages(&render("evidence-report", &data).unwrap().pdf) else { return };
    let text = run_on(&pages);
    for part in ["[U+6F22][U+5B57]", "[U+1F680]", "a[U+200B]b", "[U+202E]gnp.exe", "[U+0000]"] {
        assert!(text.contains(part), "{part}");
    }
    render("dpa", &data).unwrap();
}

#[test]
fn every_character_that_is_kept_can_be_printed_in_every_face() {
    let every: String = (0x20..0x3000_u32).chain(0xa000..0x1_0000).chain([0x1f600, 0x10_ffff]).filter_map(char::from_u32).collect();
    let every: Vec<char> = every.chars().collect();
    let mut templates = Templates::embedded();
    templates.insert(
        "templates/documents/dpa/main.typ",
        r#"#set document(title: "Characters", date: datetime(year: 2026, month: 1, day: 1))
        = Characters
        #let characters = json("/publication.json").facts.processing
        #for font in ("Libertinus Serif", "DejaVu Sans Mono") {
          for weight in ("regular", "semibold", "bold") {
            for style in ("normal", "italic") { for part in characters { par(text(font: font, weight: weight, style: style, part)) } }
          }
        }"#,
    );
    let together: Vec<String> = every.chunks(256).map(|part| part.iter().collect()).collect();
    let apart: Vec<String> = every.chunks(256).map(|part| part.iter().flat_map(|c| [*c, ' ']).collect()).collect();
    for texts in [together, apart] {
        of(&templates, "dpa").render(&json!({"facts": {"processing": texts}}), &[]).unwrap();
    }
}

#[test]
fn a_word_longer_than_the_page_does_not_stop_a_document() {
    let name = "x".repeat(5_000);
    let Some(pages) = pages(&render("evidence-report", &with(&name)).unwrap().pdf) else { return };
    assert!(run_on(&pages).contains(&name[..1_000]));
}

// Every text of the data but what the program itself makes: ids, times, digests and words of closed lists.
fn lengthen(value: &mut Value, key: &str) {
    const OWN: [&str; 20] = [
        "id",
        "run_id",
        "status",
        "verdict",
        "basis",
        "split",
        "layer",
        "severity",
        "method",
        "assurance",
        "control",
        "check",
        "pairs_with",
        "framework",
        "control_status",
        "relation",
        "coverage",
        "binds",
        "manifest_sha256",
        "since",
    ];
    match value {
        Value::String(text) if !OWN.contains(&key) && !text.starts_with("20") => *text = "averylongnamewithoutanyplacetobreak".repeat(5),
        Value::Array(items) => items.iter_mut().for_each(|item| lengthen(item, key)),
        Value::Object(entries) => entries.iter_mut().filter(|(key, _)| *key != "verdicts").for_each(|(key, item)| lengthen(item, key)),
        _ => {}
    }
}

#[test]
fn long_names_stay_within_their_cells() {
    let mut data = sample();
    lengthen(&mut data, "");
    for id in ["evidence-report", "dpa"] {
        let pdf = render(id, &data).unwrap().pdf;
        let Some((_, boxes)) = look("pdftotext", &["-bbox"], &pdf, &["-"]) else { return };
        for (at, page) in boxes.split("<page ").skip(1).enumerate() {
            let words: Vec<[f64; 4]> = page.split("<word ").skip(1).map(edges).collect();
            for (first, a) in words.iter().enumerate() {
                assert!(a[0] > 55.0 && a[2] < 540.0, "{id}, page {}: a word at {a:?} is outside the margins", at + 1);
                for b in &words[first + 1..] {
                    let (across, down) = (a[2].min(b[2]) - a[0].max(b[0]), a[3].min(b[3]) - a[1].max(b[1]));
                    let height = (a[3] - a[1]).min(b[3] - b[1]);
                    assert!(across < 1.0 || down < 0.55 * height, "{id}, page {}: words at {a:?} and {b:?} overlap", at + 1);
                }
            }
        }
    }
}

// Left, top, right and bottom of `xMin="…" yMin="…" xMax="…" yMax="…">…`.
fn edges(word: &str) -> [f64; 4] {
    let mut numbers = word.split('"').skip(1).step_by(2).map(|number| number.parse().unwrap());
    std::array::from_fn(|_| numbers.next().unwrap())
}

fn templates_with(main: &str) -> Document {
    let mut templates = Templates::embedded();
    templates.insert("templates/documents/dpa/main.typ", main);
    of(&templates, "dpa")
}

fn faults(main: &str) -> String {
    let error = templates_with(main).render(&with("a-secret-of-the-data"), &[]).unwrap_err();
    assert!(matches!(error, DocumentError::Template { .. }), "{error}");
    error.to_string()
}

#[test]
fn a_fault_has_its_place() {
    let said = faults("#let p = 1\n\n  #unknown");
    assert!(said.contains("templates/documents/dpa/main.typ:3:4: unknown variable: unknown"), "{said}");
    let said = faults("#import \"../shared/page.typ\": *\n#show: setup\n= A\n#moment(1)");
    assert!(said.contains("templates/documents/shared/text.typ:"), "{said}");
    assert!(said.contains("help: called from templates/documents/dpa/main.typ:4:2"), "{said}");
    let said = faults("#set document(title: \"x\")\n= A\n#image(bytes(\"<svg xmlns='http://www.w3.org/2000/svg'/>\"))");
    assert!(said.contains("templates/documents/dpa/main.typ:"), "{said}");
    // A doubt of the engine is a fault as well.
    let said = faults("#set text(font: \"No Such Font\")\n= A");
    assert!(said.contains("main.typ:1:"), "{said}");
}

#[test]
fn no_fault_repeats_the_data() {
    let read = "#let name = json(\"/publication.json\").facts.organisation.legal_name\n";
    for end in [
        "#int(name)",
        "#panic(name)",
        "#panic(name.slice(2, 16))",
        "#assert(false, message: name)",
        "#json(\"/publication.json\").at(name)",
    ] {
        let said = faults(&format!("{read}{end}"));
        assert!(!said.contains("secret-of-the"), "{end}: {said}");
        assert!(said.contains("templates/documents/dpa/main.typ:2:"), "{end}: {said}");
    }
}

#[test]
fn a_template_sees_nothing_else() {
    for main in [
        "#read(\"/etc/hostname\")",
        "#read(\"../../../../Cargo.toml\")",
        "#import \"@preview/example:0.1.0\": add",
        "#datetime.today()",
        "#read(\"/attachments/0\")",
    ] {
        let said = faults(main);
        assert!(said.contains("main.typ:1:"), "{main}: {said}");
    }
}

#[test]
fn a_definition_that_cannot_be_read_is_shown_with_its_place() {
    let mut templates = Templates::embedded();
    templates.insert("templates/documents/note/document.yaml", "id: note\ntitle: A note\nfile_nam: note.pdf\n");
    templates
        .insert("templates/documents/other/document.yaml", "id: another\ntitle: A\nfile_name: a.pdf\ndescription: d\ntext_version: '1'\n");
    let error = templates.documents().unwrap_err();
    let said = error.to_string();
    assert!(matches!(error, DocumentError::Definition(_)));
    assert!(said.contains("templates/documents/note/document.yaml") && said.contains("file_nam"), "{said}");
    assert!(said.contains("the document `another` stands in the folder `other`"), "{said}");
}

#[test]
fn tables_are_read_strictly() {
    let mut templates = Templates::embedded();
    templates.insert("templates/documents/dpa/toms.yaml", "groups: []\ngroups: []\n");
    let error = of(&templates, "dpa").render(&sample(), &[]).unwrap_err();
    assert!(matches!(error, DocumentError::Definition(_)));
    assert!(error.to_string().contains("templates/documents/dpa/toms.yaml:2"), "{error}");
}

#[test]
fn a_workspace_can_replace_a_shared_file() {
    let mut templates = Templates::embedded();
    let (_, text) = templates.files().find(|(path, _)| path.ends_with("shared/status.typ")).unwrap();
    let text = text.replace("fail: \"fail\"", "fail: \"not held\"");
    templates.insert("templates/documents/shared/status.typ", text);
    let rendered = of(&templates, "evidence-report").render(&sample(), &[]).unwrap();
    let Some(pages) = pages(&rendered.pdf) else { return };
    assert!(pages.join(" ").contains("not held"));
    assert!(document("evidence-report").render(&sample(), &[]).unwrap().pdf != rendered.pdf);
}
