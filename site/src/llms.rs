//! `llms.txt`: what the site is, as of when, and where each page lies, for programs that read it (llmstxt.org).
//!
//! A program keeps what it read for longer than the evidence counts, so that the file says first until when that is.

use std::fmt::Write;

use proofbook_evidence::views::Publication;

use crate::book::Page;

pub(crate) fn text(pages: &[Page], publication: &Publication) -> String {
    let (run, facts) = (&publication.run, &publication.facts);
    let mut out = format!("# {}: security and compliance\n\n> {}\n\n", line(&facts.product.name), line(&facts.product.description));
    // Writing to a string cannot fail.
    let _ = writeln!(
        out,
        "Everything here is printed from run {} of {}/{}, whose evidence was collected at {} and judged as of {}. It counts until {}; \
         after that time no status may be told as current. A status is that of checks and signed statements. It is no certificate, and \
         whether a framework is fulfilled is for its auditor to say.",
        run.run_id,
        line(&run.workspace),
        line(&run.environment),
        run.collected_at,
        run.as_of,
        run.fresh_until
    );
    section("Pages", pages, publication, &mut out);
    for page in pages.iter().filter(|page| !page.beneath.is_empty()) {
        section(&page.name, &page.beneath, publication, &mut out);
    }
    out
}

fn section(name: &str, pages: &[Page], publication: &Publication, out: &mut String) {
    let _ = write!(out, "\n## {}\n\n", line(name));
    for page in pages {
        let address = format!("{}.html", page.path.strip_suffix(".md").unwrap_or(&page.path));
        let id = address.split_once('/').map_or("", |(_, rest)| rest.trim_end_matches(".html"));
        let about = match address.split('/').next() {
            Some("checks") => publication.checks.get(id).map(|check| format!("{}; {}", check.status, check.title)),
            Some("controls") => publication.controls.get(id).map(|control| format!("{}; {}", control.status, control.objective)),
            _ => None,
        };
        let about = about.map_or_else(String::new, |about| format!(": {}", line(&about)));
        let _ = writeln!(out, "- [{}]({address}){about}", line(&page.name));
    }
}

// What people wrote stays in its line, and opens no link of its own.
fn line(text: &str) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().map(plain).collect::<String>().replace('[', "(").replace(']', ")")
}
