//! The short way says what the library says, or nothing.

use std::cell::Cell;

use serde_json::json;

use super::Shortcut;
use crate::catalog::Catalog;
use crate::cel_view;
use crate::compile::Rule;
use crate::expression::{Bindings, Bound, Trouble, by_library, eval};
use crate::value::Value;

thread_local! {
    static ANSWERS: Cell<u64> = const { Cell::new(0) };
}

fn printed(found: &Result<Bound, Trouble>) -> String {
    match found {
        Ok(Bound::Value(value)) => value.to_json().to_string(),
        Ok(Bound::Typed(typed)) => format!("{typed:?}"),
        Err(trouble) => format!("{trouble:?}"),
    }
}

/// Holds an answer of the short way to what the library says; every expression that any test of the crate evaluates comes by.
pub(crate) fn compare(rule: &Rule, shortcut: &Shortcut, bindings: &Bindings<'_>) {
    let before = cel_view::mark();
    let taken = |found| (printed(&found), before - cel_view::mark());
    if let Some(found) = shortcut.answer(bindings) {
        let (short, steps) = taken(Ok(found.into()));
        cel_view::reset(before);
        let (long, at_least) = taken(by_library(rule, bindings));
        assert_eq!(short, long, "`{}`", rule.text);
        assert!(steps >= at_least, "`{}` takes {at_least} steps, the short way {steps}", rule.text);
        ANSWERS.set(ANSWERS.get() + 1);
    } else {
        assert_eq!(cel_view::mark(), before, "`{}` leaves the budget as it was", rule.text);
    }
    cel_view::reset(before);
}

#[test]
fn the_whole_library_over_its_fixtures() {
    let catalog = Catalog::load_with_fixtures(&Catalog::embedded_files()).unwrap();
    for (id, fixtures) in &catalog.fixtures {
        assert!(fixtures.run(&catalog.checks[id]).iter().all(|outcome| outcome.differences.is_empty()), "{id}");
    }
    assert!(ANSWERS.get() > 5_000, "the short way is the usual one: {}", ANSWERS.get());
}

fn subject() -> Value {
    let mut mask = crate::mask::Mask::default();
    mask.add(&[crate::mask::Step::key("kept")], true);
    let cut = Value::masked_map(vec![("kept", Value::from("here"))], Some(mask.into()));
    let Value::Map(whole) = Value::from_json(&json!({
        "name": "Web", "count": 3, "ratio": 1.5, "on": true, "nothing": null, "tags": ["b", "a"], "mixed": [1, "a", [2], {"k": 1}],
        "lists": [["x"], [], ["y", "z"]], "labels": {"app": "web"}, "items": [{"n": "one", "v": 1}, {"n": "two"}],
    })) else {
        unreachable!()
    };
    Value::map(whole.entries().iter().cloned().chain([("cut", cut), ("opaque", Value::Opaque)]).collect())
}

/// Expressions, and whether the short way answers them over [`subject`].
const FORMS: &[(&str, bool)] = &[
    // Fields, present and absent, through maps, optionals and what is neither.
    ("subject.name", true),
    ("subject.labels.app", true),
    ("subject.labels.tier", false),
    ("subject.name.first", false),
    ("has(subject.labels.app) && !has(subject.labels.tier)", true),
    ("has(subject.name.first)", false),
    ("subject.?labels.?app", true),
    ("subject.?labels.app.orValue('')", true),
    ("has(subject.?labels.app) && !has(subject.?other.app) && !has(subject.?labels.tier)", true),
    ("subject.?other.?app.orValue('none')", true),
    ("subject.?other.app.hasValue()", true),
    ("subject.?other.or(subject.?name).orValue('') + subject.?name.or(subject.?other).orValue('')", true),
    ("subject.?name.or(subject.count)", false),
    ("subject.?name.?first.orValue('')", false),
    ("subject.name.orValue('')", false),
    ("subject.?name.orValue(subject.labels.tier)", false),
    ("subject.labels[params.key] + subject.labels[?params.missing].orValue('-')", true),
    ("subject.labels[params.missing]", false),
    ("subject.?labels['app'].orValue('') + subject.?other['app'].orValue('-')", true),
    ("subject.tags[0] + subject.tags[?5].orValue('-')", true),
    ("subject.tags[2]", false),
    ("subject.tags['a']", false),
    ("subject.tags[?'a']", false),
    // What was cut away or not read.
    ("subject.cut.kept", true),
    ("subject.cut.lost", false),
    ("subject.cut.?lost.hasValue()", false),
    ("subject.cut == subject.cut", false),
    ("subject.opaque", true),
    ("subject.opaque == 1", false),
    ("has(subject.opaque)", true),
    // Logic, with and without errors to absorb.
    ("subject.on && subject.count > 2 || subject.labels.tier == 'x'", true),
    ("subject.labels.tier == 'x' || true", false),
    ("false && subject.labels.tier == 'x'", true),
    ("subject.count && true", false),
    ("!subject.on ? 1 : 2", true),
    ("!subject.count", false),
    // Comparisons.
    ("subject.name == 'Web' && subject.name != 'web' && subject.count != 4", true),
    ("subject.count == 3.0 && subject.name != 3", true),
    ("subject.nothing == null", true),
    ("subject.tags == ['b', 'a'] || ['b', 'a'] == subject.tags", false),
    ("subject.count < 4 && subject.count >= 3 && subject.name < 'a' && subject.ratio <= 1.5", true),
    ("subject.count < 4.5", false),
    ("subject.count < subject.name", false),
    ("'a' in subject.tags && !('c' in subject.tags) && 'a' in ['a'] && 'app' in subject.labels", true),
    ("'lost' in subject.cut", false),
    ("'a' in subject.name", false),
    ("'a' in subject.mixed", true),
    ("['a'] in subject.mixed", false),
    // Sums and sizes.
    ("subject.count + 1 - 2 * 3", true),
    ("9223372036854775807 + subject.count", false),
    ("subject.name + '-' + subject.tags[0]", true),
    ("subject.tags + [] + ['c'] + subject.?more.orValue([])", true),
    ("subject.tags + 'c'", false),
    ("size(subject.tags) + subject.name.size() + size('äö') + size(subject.labels)", true),
    ("size(subject.cut)", false),
    ("size(subject.count)", false),
    // Texts.
    ("subject.name.lowerAscii() + subject.name.upperAscii()", true),
    ("subject.name.startsWith('W') && subject.name.endsWith('b') && subject.name.contains('e')", true),
    ("subject.count.startsWith('W')", false),
    ("' a b '.trim() + subject.name.replace('b', 'bb').replace('', '-')", true),
    ("subject.tags.join(', ') + [].join('-') + ['a', subject.name].join('')", true),
    ("subject.mixed.join(', ')", false),
    // Loops.
    ("subject.tags.exists(t, t == 'a') && subject.tags.all(t, t != 'c') && !subject.tags.exists(t, t in ['d'])", true),
    ("subject.items.exists(i, i.v == 1)", true),
    ("subject.items.exists(i, i.v == 2)", false),
    ("subject.items.all(i, i.v == 1)", false),
    ("subject.items.map(i, i.n)", true),
    ("subject.items.map(i, i.?v)", false),
    ("subject.items.filter(i, has(i.v)).map(i, i.n + '!')", true),
    ("subject.items.map(i, has(i.v), i.n)", true),
    ("subject.items.map(i, subject.tags.map(t, i.n + t)).flatten()", true),
    ("subject.lists.flatten() + subject.mixed.flatten()", true),
    ("(subject.tags + ['a', 'c', 'c']).distinct() + [1, 1.0, true].distinct()", true),
    ("subject.mixed.distinct()", false),
    ("size(subject.?other.orValue({})) == 0 && !('a' in {}) && !has({}.a)", true),
    ("{'a': 1}.a", false),
    ("subject.labels.exists(l, l == 'app')", false),
    ("subject.items.map(subject, subject.n)", true),
    ("subject.name.exists(c, true)", false),
    ("[[1, 2], [3]].map(l, l[0])", true),
    // Functions of ours, and of the library.
    ("image('a/b:1').tag + hours('1d').string()", false),
    ("image('a/b:1').tag", true),
    ("quantity(subject.name) > 0.0", false),
    ("params.list.exists(p, glob(p + '*', subject.tags[1]))", true),
    ("selects({}, subject.labels)", true),
    ("now < timestamp('2026-01-01T00:00:00Z')", false),
    ("now", false),
    ("nobody", false),
    ("subject.tags.sort()", false),
];

#[test]
fn every_form_agrees() {
    let params = Value::from_json(&json!({"key": "app", "missing": "tier", "list": ["a", "c"]}));
    let now = cel::common::types::CelTimestamp::from(chrono::DateTime::UNIX_EPOCH.fixed_offset());
    for (text, is_short) in FORMS {
        let mut bindings = Bindings::new(&params, Some(&now));
        bindings.set("subject", subject());
        cel_view::start_budget(10_000);
        let rule = Rule::compiled(text);
        let answered = rule.shortcut().and_then(|shortcut| shortcut.answer(&bindings)).is_some();
        assert_eq!(answered, *is_short, "`{text}`");
        cel_view::start_budget(10_000);
        // Compares on the way.
        drop(eval(&rule, &bindings));
    }
}

#[test]
fn a_spent_budget_is_the_librarys_to_tell() {
    let params = Value::map(Vec::new());
    let mut bindings = Bindings::new(&params, None);
    bindings.set("subject", subject());
    let rule = Rule::compiled("subject.tags.all(t, subject.tags.all(u, subject.tags.all(v, t + u + v != '')))");
    cel_view::start_budget(20);
    let Err(trouble) = eval(&rule, &bindings) else { panic!("20 steps are not enough") };
    assert_eq!(trouble.reason, crate::inventory::Reason::BudgetExceeded);
}
