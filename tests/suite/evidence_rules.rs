//! The guide's table of the rules of evidence: every rule points at a test that is there and runs.

use std::collections::BTreeSet;

use crate::support::root;

/// The sections of rules.
const SECTIONS: u32 = 14;

#[test]
fn every_rule_points_at_a_test() {
    let table = std::fs::read_to_string(root().join("docs/guide/evidence-rules.md")).unwrap();
    let (mut section, mut seen, mut rules) = (0, BTreeSet::new(), BTreeSet::new());
    for line in table.lines() {
        if let Some(title) = line.strip_prefix("## ")
            && let Some(number) = title.split('.').next().and_then(|number| number.parse::<u32>().ok())
        {
            section = number;
            continue;
        }
        let Some((rule, test)) = line.strip_prefix("| ").and_then(|row| row.trim_end_matches(" |").split_once(" | ")) else { continue };
        if rule == "rule" {
            continue;
        }
        let (file, name) = test.strip_prefix('`').and_then(|test| test.split_once("` ")).unwrap_or_else(|| panic!("no test: {line}"));
        let text = std::fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert!(is_test(&text, name), "{file} holds no test `{name}`");
        assert!(rules.insert((section, rule.to_owned())), "twice: {line}");
        seen.insert(section);
    }
    assert_eq!(seen, (1..=SECTIONS).collect(), "a section without a rule");
}

// Whether `name` is a function right under an attribute of a test, and is not left out.
fn is_test(text: &str, name: &str) -> bool {
    let Some(at) = text.find(&format!("fn {name}(")) else { return false };
    let before = text[..at].rsplit("\n\n").next().unwrap_or_default();
    (before.contains("#[test]") || before.contains("#[tokio::test")) && !before.contains("#[ignore")
}
