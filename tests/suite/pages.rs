//! The site of a platform as an outsider reads it: from its front page, by links alone.

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::path::Path;

use crate::platforms::workspace_of;

// What stands between the tags of a part of a page.
fn text(html: &str) -> String {
    let mut out = String::new();
    for part in html.split('<') {
        out.push_str(part.split_once('>').map_or(part, |(_, text)| text));
        out.push(' ');
    }
    let plain = [("&#45;", "-"), ("&#46;", "."), ("&#95;", "_"), ("&#61;", "="), ("&#39;", "'"), ("&#40;", "("), ("&#41;", ")")];
    plain.iter().fold(out, |text, (reference, sign)| text.replace(reference, sign)).split_whitespace().collect::<Vec<_>>().join(" ")
}

// The pages within so many clicks, by the links of their own text: the contents at the side are not needed.
fn within(site: &Path, clicks: usize) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::from([("index.html".to_owned(), 0)]);
    let mut open = VecDeque::from(["index.html".to_owned()]);
    while let Some(path) = open.pop_front() {
        let away = found[&path] + 1;
        if away > clicks {
            continue;
        }
        let html = fs::read_to_string(site.join(&path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        for link in main_of(&html).split(" href=\"").skip(1).map(|rest| rest.split(['"', '#']).next().unwrap()) {
            let link = link.replace("&#45;", "-").replace("&#46;", ".");
            if link.is_empty() || link.contains(':') || !link.ends_with(".html") {
                continue;
            }
            let mut parts: Vec<&str> = path.split('/').collect();
            parts.pop();
            for part in link.split('/') {
                if part == ".." {
                    parts.pop();
                } else {
                    parts.push(part);
                }
            }
            let target = parts.join("/");
            if !found.contains_key(&target) {
                found.insert(target.clone(), away);
                open.push_back(target);
            }
        }
    }
    found
}

fn main_of(html: &str) -> &str {
    html.split_once("<main").and_then(|(_, rest)| rest.split_once("</main>")).expect("a page has a main part").0
}

#[test]
fn an_outsider_finds_in_three_clicks_whether_tls_1_3_is_enforced() {
    let (workspace, _) = workspace_of("enclii", "compliant");
    let (ran, _) = workspace.scan("-e compliant");
    let bundle = ran.path();
    let at = "2026-11-20T06:00:00Z";
    let _ = workspace.run(&format!("-e compliant build --bundle {} --at {at}", bundle.display())).ends_with(0);
    // For customers: names are hidden, this is not.
    let site = workspace.path("ws/public/customer/site");
    let pages = within(&site, 3);
    assert!(pages.len() > 100, "{}", pages.len());
    let check = fs::read_to_string(site.join("checks/tls-min-version.html")).unwrap();
    let said = text(main_of(&check));
    assert!(pages["checks/tls-min-version.html"] <= 3);
    for answer in [
        // Whether it is enforced, and what was promised.
        "Status Pass",
        "min_tls_version 1.3 claim:enclii-004",
        "lowest tls1.3 on",
        // Since when that is known.
        "Known since 2026-11-",
        // On how many endpoints.
        "Subjects 4 of 4 enumerated",
        // How to repeat it.
        "Repeat it by hand",
        "openssl s_client",
        // Which requirements it serves.
        "Controls and requirements it serves Encryption of traffic from outside",
        "A.8.24",
    ] {
        assert!(said.contains(answer), "no `{answer}` in {said}");
    }
}
