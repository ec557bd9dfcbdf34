//! The quality gate of the library: what an auditor reads is in own sentences, says what it does not prove, and stands once.
//!
//! Every test names all faults at once.

mod support;

use std::collections::{BTreeMap, BTreeSet};

use proofbook_controls::{Binds, Controls, Mapping};
use support::{embedded, none};

fn is_sentence(text: &str) -> bool {
    text.starts_with(char::is_uppercase) && text.ends_with('.') && !text.contains("  ") && !text.contains('\n')
}

// Sentences, in the sense of what must not be said twice: the words alone. A point inside a number ends none.
fn sentences(text: &str) -> impl Iterator<Item = String> {
    text.split(". ")
        .flat_map(|part| part.split([';', '?', '!']))
        .map(words)
        .filter(|sentence| !sentence.is_empty())
        .map(|words| words.join(" "))
}

// The words that carry meaning, in lower case.
fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
}

// Pairs of texts that are the same, or nearly: nearly the same set of words (likeness of Jaccard).
fn alike<'t>(texts: &'t [(String, &'t str)], likeness: f64) -> Vec<String> {
    let sets: Vec<BTreeSet<String>> = texts.iter().map(|(_, text)| words(text).into_iter().collect()).collect();
    let mut faults = Vec::new();
    for (at, own) in sets.iter().enumerate() {
        for (next, other) in sets.iter().enumerate().skip(at + 1) {
            let (shorter, longer) = (own.len().min(other.len()), own.len().max(other.len()));
            #[expect(clippy::cast_precision_loss, reason = "texts have few words")]
            let ratio = |part: usize, whole: usize| part as f64 / whole.max(1) as f64;
            // Sets of very different size cannot be alike.
            if ratio(shorter, longer) < likeness {
                continue;
            }
            let common = own.intersection(other).count();
            if ratio(common, own.len() + other.len() - common) >= likeness {
                faults.push(format!("{} and {}: {:?} | {:?}", texts[at].0, texts[next].0, texts[at].1, texts[next].1));
            }
        }
    }
    faults
}

fn place(mapping: &Mapping) -> String {
    format!("{} {} {}", mapping.framework, mapping.requirement, mapping.control)
}

/// The mappings that somebody wrote: without those that profiles take over.
fn own(controls: &Controls) -> impl Iterator<Item = &Mapping> {
    controls.mappings.iter().filter(|mapping| mapping.inherited_from.is_none() && mapping.through.is_empty())
}

#[test]
fn every_control_is_mapped() {
    let controls = embedded();
    let unmapped = controls.controls.keys().filter(|id| controls.mappings_to(id).next().is_none());
    none("controls that are mapped to no requirement", &unmapped.map(ToString::to_string).collect::<Vec<_>>());
}

#[test]
fn every_control_has_something_that_shows_it_or_a_reason_why_not() {
    let mut faults = Vec::new();
    for (id, control) in &embedded().controls {
        let shown = !control.checks.required.is_empty() || !control.attestations.is_empty();
        let reason = control.no_evidence.as_deref().unwrap_or_default();
        if !shown && !is_sentence(reason) {
            faults.push(format!("{id}: no check, no attestation, and no reason in a sentence: {reason:?}"));
        }
        let named: Vec<_> = control.checks.required.iter().chain(&control.checks.supporting).map(|check| &check.value).collect();
        let once: BTreeSet<_> = named.iter().collect();
        if once.len() != named.len() {
            faults.push(format!("{id}: names a check twice"));
        }
    }
    none("controls that nothing shows", &faults);
}

#[test]
fn every_control_is_written_in_sentences_of_its_own() {
    let controls = embedded();
    let mut faults = Vec::new();
    for (id, control) in &controls.controls {
        let duties = control.responsibility.provider.iter().chain(&control.responsibility.customer);
        let statements = control.attestations.iter().map(|need| &need.statement);
        let unclear = duties.chain(statements).chain([&control.objective]).filter(|text| !is_sentence(text));
        faults.extend(unclear.map(|text| format!("{id}: not a sentence: {text}")));
        if control.title.trim().is_empty() || control.title.ends_with('.') {
            faults.push(format!("{id}: not a title: {}", control.title));
        }
        if !(1..=12).contains(&control.review_months) {
            faults.push(format!("{id}: reviewed every {} months", control.review_months));
        }
        let odd = control.attestations.iter().filter(|need| !(30..=366).contains(&need.valid_days));
        faults.extend(odd.map(|need| format!("{id}: `{}` counts for {} days", need.id, need.valid_days)));
    }
    let objectives: Vec<_> = controls.controls.iter().map(|(id, control)| (id.to_string(), control.objective.as_str())).collect();
    let titles: Vec<_> = controls.controls.iter().map(|(id, control)| (id.to_string(), control.title.as_str())).collect();
    faults.extend(alike(&objectives, 1.0));
    faults.extend(alike(&titles, 1.0));
    none("the texts of controls", &faults);
}

#[test]
fn requirements_are_summarised_in_sentences_of_their_own() {
    let controls = embedded();
    let mut faults = Vec::new();
    for framework in controls.frameworks.values() {
        let summarised = framework.requirements.iter().filter(|requirement| !requirement.summary.is_empty());
        let texts: Vec<_> = summarised.map(|r| (format!("{} {}", framework.id, r.id), r.summary.as_str())).collect();
        faults.extend(texts.iter().filter(|(_, text)| !is_sentence(text)).map(|(place, text)| format!("{place}: not a sentence: {text}")));
        // A profile has the texts of its catalog, which are compared there.
        if framework.profile_of.is_none() {
            faults.extend(alike(&texts, 0.8));
        }
        for requirement in &framework.requirements {
            let place = format!("{} {}", framework.id, requirement.id);
            if requirement.withdrawn && !requirement.summary.is_empty() {
                faults.push(format!("{place}: withdrawn, and summarised"));
            }
            if matches!(requirement.binds, Binds::Nobody | Binds::Authority) && requirement.score.is_some() {
                faults.push(format!("{place}: binds no company, and counts in a score"));
            }
        }
    }
    none("summaries that are no sentences, or were copied from another requirement", &faults);
}

#[test]
fn what_is_mapped_is_summarised_and_binds_somebody() {
    let controls = embedded();
    let mut faults = BTreeSet::new();
    for mapping in &controls.mappings {
        let Some(found) = controls.frameworks[&mapping.framework].requirement(mapping.requirement.as_str()) else { continue };
        let place = format!("{} {}", mapping.framework, mapping.requirement);
        if found.summary.is_empty() {
            faults.insert(format!("{place}: mapped, so a platform can influence it, and it has no summary"));
        }
        if found.withdrawn {
            faults.insert(format!("{place}: mapped, and withdrawn"));
        }
        if matches!(found.binds, Binds::Authority | Binds::Nobody) {
            faults.insert(format!("{place}: mapped, and binds {}", found.binds.as_str()));
        }
    }
    none("requirements that are mapped", &faults.into_iter().collect::<Vec<_>>());
}

#[test]
fn every_mapping_says_in_sentences_of_its_own_why_it_holds_and_what_it_does_not_prove() {
    let controls = embedded();
    let mut faults = Vec::new();
    let mut seen: BTreeMap<(&str, String), String> = BTreeMap::new();
    for mapping in own(&controls) {
        for (what, text) in [("rationale", &mapping.rationale), ("limits", &mapping.limits)] {
            if !is_sentence(text) || words(text).len() < 3 {
                faults.push(format!("{}: {what} is no sentence: {text}", place(mapping)));
            }
            for sentence in sentences(text) {
                if let Some(other) = seen.insert((mapping.framework.as_str(), sentence.clone()), place(mapping)) {
                    faults.push(format!("{} and {other} both say: {sentence}", place(mapping)));
                }
            }
        }
    }
    none("rationales and limits of mappings", &faults);
}

#[test]
fn the_limits_of_a_requirement_are_not_those_of_another() {
    let controls = embedded();
    let mut faults = Vec::new();
    for framework in controls.frameworks.keys() {
        let written: Vec<&Mapping> = own(&controls).filter(|mapping| mapping.framework == *framework).collect();
        let limits: Vec<_> = written.iter().map(|mapping| (place(mapping), mapping.limits.as_str())).collect();
        faults.extend(alike(&limits, 0.8));
    }
    none("limits that were copied with a few words changed", &faults);
}

/// Frameworks whose titles are our own words; other publications give the same title to several requirements.
const OWN_TITLES: [&str; 2] = ["iso27001-2022", "soc2-tsc-2017"];

#[test]
fn nothing_is_declared_twice() {
    let controls = embedded();
    let mut faults = Vec::new();
    for framework in controls.frameworks.values() {
        let mut titles: BTreeMap<_, Vec<&str>> = BTreeMap::new();
        for requirement in framework.requirements.iter().filter(|_| OWN_TITLES.contains(&framework.id.as_str())) {
            titles.entry(requirement.title.to_lowercase()).or_default().push(requirement.id.as_str());
        }
        let twice = titles.iter().filter(|(_, ids)| ids.len() > 1);
        faults.extend(twice.map(|(title, ids)| format!("{}: {title:?} is the title of {}", framework.id, ids.join(", "))));
        let short: Vec<_> = controls.frameworks.values().filter(|other| other.short_title == framework.short_title).collect();
        if short.len() > 1 && short[0].id == framework.id {
            faults.push(format!("`{}` is the short title of several frameworks", framework.short_title));
        }
    }
    none("names that stand twice", &faults);
}

#[test]
fn copies_are_found_also_with_a_few_words_changed() {
    let texts = [
        ("a".to_owned(), "The site for copies lies far enough away that one threat does not strike both sites."),
        ("b".to_owned(), "The site for processing lies far enough away that one threat does not strike both sites."),
        ("c".to_owned(), "Logs are kept for as long as was promised."),
        ("d".to_owned(), "Kept for as long as was promised: logs are."),
    ];
    let found = alike(&texts, 0.8);
    assert!(found.len() == 2 && found[0].starts_with("a and b") && found[1].starts_with("c and d"), "{found:?}");
    assert_eq!(alike(&texts, 1.0).len(), 1);
    assert_eq!(sentences("TLS 1.2 is used. Not 1.1; never.").collect::<Vec<_>>(), ["tls 1 2 is used", "not 1 1", "never"]);
    assert!(is_sentence("It holds.") && !is_sentence("it holds.") && !is_sentence("It holds") && !is_sentence("It  holds."));
}
