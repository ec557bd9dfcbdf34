//! The pages that customers look for, how they are found, and how long tables read.

use proofbook_checks::Subject;
use proofbook_evidence::views::history::HistoryView;
use proofbook_evidence::views::profile::Profile;

use super::{built, files, page, sample, text, values};

#[test]
fn the_front_page_leads_to_every_page_that_customers_look_for() {
    let dir = built(&sample::publication());
    // The contents at the side come of a script; what stands here is reached without it.
    let front = page(&dir, "index.html");
    let security = page(&dir, "security.html");
    for path in ["security", "responsibility", "faq", "certifications", "subprocessors", "changelog", "downloads", "evidence"] {
        assert!(values(&front, "href").any(|link| link == format!("{path}.html")), "{path}: {front}");
    }
    let themes = ["isolation", "encryption", "identity", "supply-chain", "logging", "infrastructure", "backups", "retention", "residency"];
    for path in themes.into_iter().chain(["incidents"]) {
        assert!(values(&security, "href").any(|link| link == format!("{path}.html")), "{path}: {security}");
        assert!(page(&dir, &format!("{path}.html")).contains("<h1"), "{path}");
    }
}

#[test]
fn a_measured_value_stands_with_its_promise_its_verdict_and_its_time() {
    let dir = built(&sample::publication());
    let html = page(&dir, "encryption.html");
    let said = text(&html);
    let row = "Lowest TLS version 1.2 set by claim:tls-floor";
    assert!(said.contains(row), "no `{row}` in {said}");
    assert!(said.contains("Fail 2026-06-01 03:00 UTCFresh until 2026-06-02 03:00 UTC"), "{said}");
}

#[test]
fn badges_carry_their_end_and_only_what_is_good_has_one() {
    let mut publication = sample::publication();
    publication.controls.get_mut("network-isolation").unwrap().fresh_until = Some("2026-06-02T03:00:00Z".parse().unwrap());
    let dir = built(&publication);
    for path in ["checks.html", "controls/network-isolation.html", "isolation.html", "faq.html"] {
        let html = page(&dir, path);
        assert!(html.contains("class=\"v v-pass\" data-until=\"2026-06-02T03:00:00Z\""), "{path}: {html}");
        assert!(!html.contains("v-fail\" data-until") && !html.contains("v-error\" data-until"), "{path}");
    }
}

#[test]
fn an_answer_is_yes_only_where_it_was_shown() {
    let dir = built(&sample::publication());
    let said = text(&page(&dir, "faq.html"));
    for here in [
        "Is traffic between clients and the platform encrypted? Not everywhere.",
        "Are tenants' networks kept apart? Yes. Checks looked at all of it, and it is so. Pass",
        "Are backups made and recent? Not shown.",
    ] {
        assert!(said.contains(here), "no `{here}` in {said}");
    }
}

#[test]
fn a_certificate_that_ran_out_is_called_expired() {
    let mut publication = sample::publication();
    let certification = &mut publication.facts.certifications[0];
    certification.status = proofbook_evidence::facts::CertificationStatus::Certified;
    certification.valid_until = Some("2026-05-31".parse().unwrap());
    let dir = built(&publication);
    let said = text(&page(&dir, "certifications.html"));
    assert!(said.contains("Expired") && !said.contains("CertifiedA valid certificate"), "{said}");
    let last_day = &mut publication.facts.certifications[0].valid_until;
    *last_day = Some("2026-06-01".parse().unwrap());
    let said = text(&page(&built(&publication), "certifications.html"));
    assert!(said.contains("CertifiedA valid certificate"), "{said}");
}

#[test]
fn what_may_not_be_said_stands_beside_what_may() {
    let said = text(&page(&built(&sample::publication()), "certifications.html"));
    for here in ["Our platform is DORA compliant.", "DORA binds financial entities", "Not to be saidWhyTo be said instead"] {
        assert!(said.contains(here), "no `{here}` in {said}");
    }
}

#[test]
fn the_changelog_tells_what_differs_from_the_run_before() {
    let dir = built(&sample::publication());
    let html = page(&dir, "changelog.html");
    let said = text(&html);
    for here in [
        "2026-06-01 03:00 UTC 20260601T030000Z-1a2b3c4dread from the platform by this run 4 1 pass 1 fail 1 error 1 skipped",
        "No longer shown: 2 checks in run 20260601T030000Z-1a2b3c4d Pass then Error The latest backup",
        "Pass then Fail Every endpoint refuses TLS versions below the promised floor",
        "Shown again, or for the first time: 1 check in run 20260601T030000Z-1a2b3c4d Fail then Pass",
    ] {
        assert!(said.contains(here), "no `{here}` in {said}");
    }
    assert_eq!(html.matches("class=\"t-shown\" x=").count(), 2, "{html}");
    let mut alone = sample::publication();
    alone.history = HistoryView::default();
    assert!(text(&page(&built(&alone), "changelog.html")).contains("No earlier run is known"));
}

#[test]
fn three_thousand_findings_are_folded_and_none_is_lost() {
    let mut publication = sample::publication();
    let check = publication.checks.get_mut("tls-min-version").unwrap();
    let one = check.failing[0].clone();
    let numbered = |at| {
        let mut finding = one.clone();
        finding.subject = Subject { name: format!("host-{at:04}").as_str().into(), ..finding.subject };
        finding
    };
    check.failing = (0..3000).map(numbered).collect();
    check.counts.insert(proofbook_checks::Verdict::Fail, 3000);
    let html = page(&built(&publication), "checks/tls-min-version.html");
    assert!(html.len() < 2_000_000, "{} bytes", html.len());
    let folded: Vec<_> = html.split("<details>").map(|part| part.matches("host-").count()).collect();
    assert!((0..3000).all(|at| html.contains(&format!("host-{at:04}"))));
    assert_eq!(folded[0], 50, "what is open at first");
    assert!(text(&html).contains("51 to 250 of 3000, beginning with"), "{}", text(&html));
    let customers = page(&built(&publication.for_profile(Profile::Customer)), "checks/tls-min-version.html");
    assert!(text(&customers).contains("3000 findings are not as promised") && !customers.contains("host-"));
}

#[test]
fn the_search_finds_pages_and_requirements_and_is_small() {
    let dir = built(&sample::publication());
    let index = page(&dir, "search.js");
    let json = index.strip_prefix("window.found = ").and_then(|rest| rest.strip_suffix(";\n")).unwrap();
    let entries: Vec<(String, String, String, String)> = serde_json::from_str(json).unwrap();
    let at = |address: &str| entries.iter().find(|entry| entry.2 == address).unwrap_or_else(|| panic!("no {address}: {index}"));
    assert_eq!((&*at("checks/tls-min-version.html").1, at("faq.html").1.as_str()), ("Checks", ""));
    assert!(at("checks/tls-min-version.html").3.contains("tls-min-version"));
    assert!(at("faq.html").3.contains("Are backups encrypted?") || at("faq.html").3.contains("Are backups made and recent?"));
    assert!(at("frameworks/iso27001-2022.html#A.8.24").3.starts_with("A.8.24 "));
    let site = files(&dir.path().join("site"));
    for entry in &entries {
        let path = entry.2.split('#').next().unwrap();
        assert!(site.contains_key(std::path::Path::new(path)), "{path}");
    }
    let whole: usize = site.values().map(Vec::len).sum();
    assert!(index.len() * 20 < whole, "{} of {whole} bytes", index.len());
    assert!(!site.keys().any(|path| path.to_str().unwrap().contains("elasticlunr")), "{:?}", site.keys());
}

#[test]
fn programs_are_told_until_when_it_counts_and_where_pages_lie() {
    let mut publication = sample::publication();
    publication.facts.product.description = "A [b](c)\n# d".into();
    let dir = built(&publication);
    let said = page(&dir, "llms.txt");
    assert!(said.starts_with("# EIDP: security and compliance\n\n> A (b)(c) # d\n\n"), "{said}");
    assert!(said.contains("It counts until 2026-06-02T03:00:00Z"), "{said}");
    assert!(said.contains("- [tls-min-version](checks/tls-min-version.html): fail; Every endpoint refuses"), "{said}");
    let site = files(&dir.path().join("site"));
    for link in said.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
        assert!(site.contains_key(std::path::Path::new(link)), "{link}");
    }
}

#[test]
fn other_generators_get_markdown_whose_links_hold() {
    let mut publication = sample::publication();
    publication.facts.product.name = "A {b} <c> | \"d\"".into();
    let authored = proofbook_site::Authored {
        pages: vec![("pages/own.md".into(), "# Own\n\n<b>x</b> {y} [z](../faq.html) ![l](l.svg)\n".into())],
        files: vec![("pages/l.svg".into(), Vec::new())],
    };
    let files: std::collections::BTreeMap<_, _> =
        proofbook_site::markdown(&publication, &super::DOCUMENTS, &authored).unwrap().into_iter().collect();
    assert!(files["index.md"].starts_with("---\ntitle: \"A {b} <c> | \\\"d\\\": security and compliance\"\n"), "{}", files["index.md"]);
    assert!(files["pages/own.md"].contains("**x** \\{y\\} [z](../faq.md) ![l](l.svg)"), "{}", files["pages/own.md"]);
    assert!(files["checks/tls-min-version.md"].contains("| `min_tls_version` | 1.2 | claim:tls-floor |"));
    for (path, text) in &files {
        let mut code = false;
        for line in text.lines() {
            code ^= line.trim_start().starts_with("```");
            // What is not code has no tag, and no brace that MDX would run.
            let bare = line.split('`').step_by(2).collect::<String>().replace("\\{", "").replace("\\<", "").replace("\\\"", "");
            let matter = ["title: ", "sidebar_label: ", "description: "].iter().any(|key| line.starts_with(key));
            assert!(code || matter || !bare.contains(['{', '<']), "{path}: {line}");
            if code || !line.contains("](") {
                continue;
            }
            for link in line.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()).filter(|link| link.ends_with(".md")) {
                let mut full: Vec<&str> = path.split('/').collect();
                full.pop();
                for part in link.split('/').filter(|part| *part != ".") {
                    if part == ".." {
                        full.pop().unwrap();
                    } else {
                        full.push(part);
                    }
                }
                assert!(files.contains_key(&full.join("/")), "{path}: {link}");
            }
        }
    }
}
