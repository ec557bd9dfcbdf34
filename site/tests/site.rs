//! The site as its readers get it: complete, linked, escaped, and the same twice.
#![expect(clippy::unwrap_used, reason = "a fault of the sample or of the test itself ends the test")]

mod pages;
mod sample;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use proofbook_controls::crosswalk::Way;
use proofbook_evidence::views::Publication;
use proofbook_evidence::views::crosswalk::{CatalogView, InCatalogView, ReachedView, WayTally};
use proofbook_evidence::views::profile::Profile;
use proofbook_site::Authored;

const DOCUMENTS: [(&str, &str); 2] =
    [("documents/evidence-report.pdf", "Evidence report"), ("documents/dpa.pdf", "Data processing agreement")];

fn built(publication: &Publication) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    proofbook_site::build(publication, &DOCUMENTS, &Authored::default(), &dir.path().join("site")).unwrap();
    dir
}

fn files(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![root.to_owned()];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                found.insert(path.strip_prefix(root).unwrap().to_owned(), fs::read(&path).unwrap());
            }
        }
    }
    found
}

fn page(dir: &tempfile::TempDir, path: &str) -> String {
    fs::read_to_string(dir.path().join("site").join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

// The text of a page without its tags.
fn text(html: &str) -> String {
    let mut out = String::new();
    let mut rest = html;
    while let Some((before, after)) = rest.split_once('<') {
        out.push_str(before);
        rest = after.split_once('>').map_or("", |(_, after)| after);
    }
    out.push_str(rest);
    decoded(&out).split_whitespace().collect::<Vec<_>>().join(" ")
}

fn decoded(text: &str) -> String {
    let mut parts = text.split('&');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (reference, rest) = part.split_once(';').unwrap_or_else(|| panic!("a bare ampersand before {part}"));
        out.push(match reference {
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "amp" => '&',
            number => {
                let digits = number.trim_start_matches('#');
                let code = digits.strip_prefix('x').map_or_else(|| digits.parse(), |hex| u32::from_str_radix(hex, 16));
                char::from_u32(code.unwrap()).unwrap()
            }
        });
        out.push_str(rest);
    }
    out
}

fn values<'a>(html: &'a str, attribute: &str) -> impl Iterator<Item = &'a str> {
    let start = format!(" {attribute}=\"");
    html.match_indices(&start).map(|(at, _)| html[at + start.len()..].split('"').next().unwrap()).collect::<Vec<_>>().into_iter()
}

#[test]
fn the_same_views_give_the_same_bytes() {
    let publication = sample::publication();
    let (one, two) = (built(&publication), built(&publication));
    assert_eq!(files(one.path()), files(two.path()));
}

#[test]
fn a_second_build_replaces_the_first() {
    let dir = built(&sample::publication());
    let left = dir.path().join("site/left-over.html");
    fs::write(&left, "").unwrap();
    proofbook_site::build(&sample::publication(), &DOCUMENTS, &Authored::default(), &dir.path().join("site")).unwrap();
    assert!(!left.exists());
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "the scratch folder is gone");
}

#[test]
fn every_link_leads_somewhere() {
    let dir = built(&sample::publication());
    let files = files(&dir.path().join("site"));
    let pages: BTreeMap<_, _> = files.iter().filter(|(path, _)| path.extension().is_some_and(|one| one == "html")).collect();
    assert!(pages.len() > 20, "{}", pages.len());
    for (path, bytes) in &pages {
        let html = std::str::from_utf8(bytes).unwrap();
        for link in values(html, "href").chain(values(html, "src")) {
            if link.starts_with("https://") || link.starts_with("mailto:") {
                continue;
            }
            let (target, anchor) = link.split_once('#').unwrap_or((link, ""));
            let full = if target.is_empty() { (*path).clone() } else { resolve(path, target) };
            if full.starts_with("documents") {
                assert!(DOCUMENTS.iter().any(|(known, _)| Path::new(known) == full), "{}: {link}", path.display());
                continue;
            }
            let found = files.get(&full).unwrap_or_else(|| panic!("{} links to {link}, which is not there", path.display()));
            if !anchor.is_empty() {
                let target = std::str::from_utf8(found).unwrap();
                assert!(values(target, "id").any(|id| id == anchor), "{}: no place {link}", path.display());
            }
        }
    }
}

// A link as seen from a page; what lies beside the site keeps its path from the folder above.
fn resolve(page: &Path, link: &str) -> PathBuf {
    let mut full: Vec<_> = page.parent().unwrap().components().map(|part| part.as_os_str().to_owned()).collect();
    for part in link.split('/') {
        match part {
            ".." => _ = full.pop(),
            "." => {}
            part => full.push(part.into()),
        }
    }
    full.iter().collect()
}

#[test]
fn ids_are_unique_on_a_page_and_nothing_is_fetched_from_elsewhere() {
    let dir = built(&sample::publication());
    for (path, bytes) in files(&dir.path().join("site")) {
        let Ok(html) = String::from_utf8(bytes) else { panic!("{} is not text", path.display()) };
        if path.extension().is_some_and(|one| one == "html") {
            let mut seen = BTreeSet::new();
            assert!(values(&html, "id").all(|id| seen.insert(id.to_owned())), "{}: an id stands twice", path.display());
            assert!(values(&html, "src").all(|src| !src.contains("//")), "{}", path.display());
            assert!(!html.contains("<script>"), "{}: a script in the page itself", path.display());
        }
        assert!(!path.to_str().unwrap().contains("font"), "{}", path.display());
        for host in ["googleapis", "gstatic", "cdnjs", "jsdelivr", "unpkg"] {
            assert!(!html.contains(host), "{} names {host}", path.display());
        }
    }
}

#[test]
fn the_front_page_answers_whether_the_tls_floor_is_enforced() {
    let dir = built(&sample::publication());
    let front = page(&dir, "index.html");
    assert!(front.contains("href=\"checks/tls-min-version.html\""));
    assert!(text(&front).contains("41 endpoints"), "{}", text(&front));
    assert!(front.contains("href=\"../documents/evidence-report.pdf\""));
    let check = text(&page(&dir, "checks/tls-min-version.html"));
    for said in [
        "2 fail",
        "39 pass",
        "41 of 44 enumerated",
        "2026-06-01 03:00 UTC",
        "Fresh until 2026-06-02 03:00 UTC",
        "Endpoint/legacy.eidp.example:443@192.0.2.7",
        "accepts tls1.0, tls1.1, the floor is TLS 1.2",
        "min_tls_version 1.2 claim:tls-floor lowest protocol version",
        "A.8.24 Use of cryptography",
        "let: old: '[\"ssl3\", \"tls1.0\"].filter(v, v < params.min_tls_version && true)' outcomes:",
        "message: 'accepts {{ old.join(\", \") }}'",
    ] {
        assert!(check.contains(said), "no `{said}` in {check}");
    }
}

#[test]
fn every_page_says_as_of_run_and_freshness() {
    let dir = built(&sample::publication());
    for (path, bytes) in files(&dir.path().join("site")) {
        if path.extension().is_some_and(|one| one == "html") && path != Path::new("toc.html") {
            let html = String::from_utf8(bytes).unwrap();
            let said = text(&html);
            assert!(html.starts_with("<!DOCTYPE html>\n<html lang=\"en\""), "{}", path.display());
            assert!(said.contains("As of 2026-06-01 06:00 UTC"), "{}", path.display());
            assert!(said.contains("run 20260601T030000Z-1a2b3c4d"), "{}", path.display());
            assert!(values(&html, "data-fresh-until").any(|until| decoded(until) == "2026-06-02T03:00:00Z"), "{}", path.display());
            assert_eq!(html.matches("<h1").count(), 1, "{}", path.display());
        }
    }
}

#[test]
fn stale_evidence_is_called_stale_without_a_script() {
    let mut publication = sample::publication();
    publication.run.stale = true;
    publication.run.as_of = "2026-06-03T00:00:00Z".parse().unwrap();
    let dir = built(&publication);
    let front = page(&dir, "index.html");
    assert!(text(&front).contains("Stale since 2026-06-02 03:00 UTC"));
    assert!(front.contains("<p class=\"past\" role=\"status\">"));
    assert!(text(&page(&dir, "checks/netpol-default-deny.html")).contains("Stale since 2026-06-02 03:00 UTC"));
}

#[test]
fn customers_see_counts_and_that_names_are_for_assessors() {
    let dir = built(&sample::publication().for_profile(Profile::Customer));
    let check = page(&dir, "checks/tls-min-version.html");
    assert!(text(&check).contains("2 findings are not as promised or could not be seen."), "{}", text(&check));
    assert!(text(&check).contains("shown to assessors"));
    for (path, bytes) in files(&dir.path().join("site")) {
        let found = String::from_utf8_lossy(&bytes).into_owned();
        for name in ["legacy.eidp.example", "tenant-07", "serviceaccount:proofbook", "6f1f1f0e"] {
            assert!(!found.contains(name), "{} names {name}", path.display());
        }
    }
}

#[test]
fn only_a_certificate_is_printed_as_certified() {
    let dir = built(&sample::publication());
    let said = text(&page(&dir, "certifications.html"));
    assert!(said.contains("Under assessment"), "{said}");
    assert!(!said.contains("Certified"), "{said}");
}

#[test]
fn gaps_are_named() {
    let dir = built(&sample::publication());
    let said = text(&page(&dir, "not-covered.html"));
    for gap in [
        "1 of 4 requirements have no control in the library that anything shows. A.8.34 Tests during an audit",
        "A.8.1 User endpoint devices: binds the customer",
        "The latest backup of every tenant namespace is recent and complete Error reading was refused",
        "Denied traffic does not flow Skipped has to be asked for by name",
        "That the network plugin enforces it.",
        "Controls without evidence Nothing that counts shows that these work: no statement holds, and no check that they require could look. Scheduled backups Error",
        "Physical security of data centres The operator holds a valid certificate for each data centre in use. signed by Head of infrastructure",
    ] {
        assert!(said.contains(gap), "no `{gap}` in {said}");
    }
}

#[test]
fn whatever_people_write_comes_out_verbatim() {
    const HOSTILE: &str = r#"</p><script>alert(1)</script> *a* _b_ `c` | # d [e](f) <img src=x onerror=alert(1)> {{#include /etc/passwd}} {{{ x }}} {% y %} &amp; \ " ' ~~g~~ - end"#;
    let mut publication = sample::publication();
    publication.facts.product.description = HOSTILE.into();
    publication.facts.organisation.security_contact = "javascript:alert(1)".into();
    publication.run.environment = HOSTILE.into();
    publication.controls.get_mut("backup").unwrap().title = format!("- {HOSTILE}");
    let check = publication.checks.get_mut("tls-min-version").unwrap();
    check.title = format!("# {HOSTILE}");
    check.failing[0].message = format!("    {HOSTILE}\n\n# heading\n\n    {HOSTILE}");
    check.manual = format!("one\n\n    two {HOSTILE}");
    check.population.definition = format!("1. {HOSTILE}\n\n<script>x</script>");
    let dir = built(&publication);
    let words = HOSTILE.split_whitespace().collect::<Vec<_>>().join(" ");
    for path in ["index.html", "checks/tls-min-version.html", "controls/backup.html"] {
        let html = page(&dir, path);
        assert_eq!(html.matches("<script").count(), 2, "{path}: only the scripts of the theme");
        assert!(!html.contains("<img"), "{path}");
        assert!(!html.contains("javascript:alert(1)\""), "{path}");
        // Once in the line on the run, and once or more in the text.
        assert!(text(&html).matches(&words).count() >= 2, "{path}: {}", text(&html));
        assert!(!html.contains("<h1 id=\"heading\""), "{path}");
    }
    assert!(text(&page(&dir, "checks/tls-min-version.html")).contains(&format!("one two {words}")));
    assert!(page(&dir, "checks/tls-min-version.html").contains("one\n\n    two"), "white space of a command stays");
}

#[test]
fn coverage_is_told_in_words_and_patterns_as_well_as_in_bars() {
    let dir = built(&sample::publication());
    let html = page(&dir, "coverage.html");
    let label = "ISO 27001, requirements by coverage: 2 covered by checks, 1 the customer&#39;s, 1 without a control";
    assert!(html.contains(&format!("role=\"img\" aria-label=\"{label}\"")), "{html}");
    for place in [r#"x="0.000%" width="50.000%""#, r#"x="50.000%" width="25.000%""#, r#"x="75.000%" width="25.000%""#] {
        assert!(html.contains(place), "no {place} in {html}");
    }
    let said = text(&html);
    assert!(said.contains("2 covered by checks 50% 1 the customer's 25% 1 without a control 25%"), "{said}");
    assert!(said.contains("Every endpoint refuses TLS versions below the promised floor"), "{said}");
}

#[test]
fn score_and_statement_have_pages_where_a_framework_brings_them() {
    let dir = built(&sample::publication());
    let score = text(&page(&dir, "sprs.html"));
    for said in
        ["-1 of 2", "A.8.24 Cryptography", "3 in place of 5", "fails: encryption-in-transit", "earned. All customer data", "may stand open"]
    {
        assert!(score.contains(said), "no `{said}` in {score}");
    }
    let statement = text(&page(&dir, "statement-of-applicability.html"));
    for said in ["A.8.30 A row no nobody outside writes code excluded", "Stated by nobody yet: It is done."] {
        assert!(statement.contains(said), "no `{said}` in {statement}");
    }
    let mut without = sample::publication();
    (without.sprs, without.soa) = (None, None);
    let dir = built(&without);
    assert!(!dir.path().join("site/sprs.html").exists() && !dir.path().join("site/statement-of-applicability.html").exists());
    assert!(!page(&dir, "coverage.html").contains("sprs.html"));
}

#[test]
fn a_requirement_says_what_it_corresponds_to_and_how_that_is_known() {
    let dir = built(&sample::publication());
    let html = page(&dir, "frameworks/iso27001-2022.html");
    let said = text(&html);
    for here in [
        "Elsewhere for A.8.24: 2 direct NIST SP 800-53 not in scope direct by nist-olir-155: overlaps with SC-12, AC-2(1) A.8.1 User",
        "Elsewhere: nothing that the library knows.",
    ] {
        assert!(said.contains(here), "no `{here}` in {said}");
    }
    assert!(html.contains("href=\"../crosswalk.html#nist-olir-155\""), "{html}");
    let whole = text(&page(&dir, "crosswalk.html"));
    for here in [
        "ISO 27001 itself 2 direct",
        "NIST SP 800-53 and ISO 27001nist-olir-155 NIST NIST OLIR catalog, informative reference 155 public domain 2",
        "never on what stands elsewhere",
    ] {
        assert!(whole.contains(here), "no `{here}` in {whole}");
    }
    assert!(page(&dir, "frameworks.html").contains("href=\"crosswalk.html\""));
}

#[test]
fn what_is_uncertain_or_weaker_is_called_so_in_words() {
    let mut publication = sample::publication();
    let mut other = publication.frameworks["iso27001-2022"].clone();
    (other.id, other.short_title) = ("made".into(), "Made up".into());
    publication.frameworks.insert("made".into(), other);
    let crosswalk = &mut publication.crosswalk;
    crosswalk.catalogs.insert(1, CatalogView { id: "made".into(), title: "Made up".into(), in_scope: true });
    let row = crosswalk.requirements.get_mut("iso27001-2022").unwrap().get_mut("A.8.24").unwrap();
    let mut shared = row.catalogs[0].alike[0].clone();
    (shared.way, shared.certain, shared.sources) = (Way::SharedControl, false, Vec::new());
    let control = Some("network-isolation".into());
    shared.requirements = vec![ReachedView { id: "A.8.22".into(), via: Vec::new(), control, further: 2 }];
    row.ways.push(WayTally { way: Way::SharedControl, pairs: 9, uncertain: 4 });
    row.catalogs.insert(0, InCatalogView { catalog: "made".into(), alike: vec![shared], more: 8 });
    let dir = built(&publication);
    let html = page(&dir, "frameworks/iso27001-2022.html");
    let said = text(&html);
    for here in [
        "2 direct, 9 shared control (4 uncertain)",
        "All of it: proofbook crosswalk A.8.24 --framework iso27001-2022",
        "Made up weaker, by a shared control: uncertain, may overlap with A.8.22 (Network isolation of tenants and 2 more) +8 more NIST SP 800-53",
    ] {
        assert!(said.contains(here), "no `{here}` in {said}");
    }
    assert!(values(&html, "href").map(decoded).any(|link| link == "../frameworks/made.html#A.8.22"), "{html}");
    assert!(text(&page(&dir, "crosswalk.html")).contains("proofbook crosswalk A.8.24 --framework iso27001-2022"));
}

#[test]
fn without_correspondences_there_is_no_crosswalk() {
    let mut publication = sample::publication();
    publication.crosswalk = proofbook_evidence::views::crosswalk::CrosswalkView::default();
    let dir = built(&publication);
    assert!(!dir.path().join("site/crosswalk.html").exists());
    for path in ["frameworks.html", "frameworks/iso27001-2022.html"] {
        let html = page(&dir, path);
        assert!(!html.contains("crosswalk.html") && !html.contains("Elsewhere"), "{path}");
    }
}

#[test]
fn a_large_framework_has_a_page_for_each_section() {
    let mut publication = sample::publication();
    let framework = publication.frameworks.get_mut("iso27001-2022").unwrap();
    let mut second = framework.groups[0].clone();
    let one = second.requirements.pop().unwrap();
    (second.id, second.title) = ("B 9".into(), "More".into());
    let numbered = |at| proofbook_evidence::views::RequirementView { id: format!("B.{at}(1)"), ..one.clone() };
    second.requirements = (0..200).map(numbered).collect();
    framework.groups.push(second);
    let dir = built(&publication);
    let whole = page(&dir, "frameworks/iso27001-2022.html");
    assert!(whole.contains("href=\"../frameworks/iso27001-2022/b-9.html\"") && !whole.contains("id=\"A.8.24\""), "{whole}");
    let section = page(&dir, "frameworks/iso27001-2022/b-9.html");
    assert!(values(&section, "id").any(|id| decoded(id) == "B.199(1)"), "{section}");
    let control = page(&dir, "controls/encryption-in-transit.html");
    assert!(control.contains("frameworks/iso27001-2022/a-8.html#A"), "{control}");
}
