//! What stands around a statement, and in which part of a document it is: the customer's, a list of plans, a history.

use super::super::scan::Scan;
use super::super::values::{Beside, Value, values};
use super::super::vocabulary::{Cue, Vocabulary};
use crate::document::{Context, Form};

/// What stands around a statement, scanned once for all statements of a block.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each tells one thing of the place")]
pub(crate) struct Surroundings {
    /// What is nearest first: column, row, label, lead-in, question, headings from the inside out.
    pub(crate) nearest: Vec<Scan<'static>>,
    /// Whether a table or list gives duties to a side, and this is the provider's.
    pub(crate) responsibility: bool,
    /// The values of the line that leads to an item, or of the cells before a mark: they are those of a statement that has none.
    pub(crate) inherited: Vec<Value>,
    pub(super) topic: Option<usize>,
    // Whether the column tells whose duty it is.
    pub(super) names_party: bool,
    // Whether the table is a register of companies.
    pub(super) register: bool,
    // Whether the table gives rights to roles.
    pub(super) has_roles: bool,
    pub(super) part: Part,
    pub(super) question: Option<Asked>,
}

// Whose or what part of a document this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Plain,
    Customer,
    Provider,
    Plans,
    Absent,
    Past,
    Examples,
    Definition,
}

// What a question asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Good,
    Harm,
    Plan,
    Customer,
    Meaning,
}

impl Surroundings {
    pub(crate) fn of(vocabulary: &'static Vocabulary, context: &Context, form: Form) -> Self {
        let scan = |text: &str| Scan::of(vocabulary, text);
        let cell = form == Form::Cell;
        let column = context.column.as_deref().filter(|_| cell).map(scan);
        let row = context.row.as_deref().filter(|_| cell).map(scan);
        let label = context.label.as_deref().map(scan);
        let lead_in = context.lead_in.as_deref().map(scan);
        let question = context.question.as_deref().map(scan);
        let headings: Vec<Scan<'static>> = context.headings.iter().rev().map(|heading| scan(heading)).collect();
        let asked = question.as_ref().map(|question| {
            if question.has(Cue::Future) || question.has(Cue::InProgress) {
                Asked::Plan
            } else if asks_for_meaning(question) {
                Asked::Meaning
            } else if question.has(Cue::Harm) {
                Asked::Harm
            } else if question.tokens.iter().any(|(_, text)| matches!(text, "should" | "must" | "need")) && question.has(Cue::Customer) {
                Asked::Customer
            } else {
                Asked::Good
            }
        });
        let source = if cell { context.row.as_deref().zip(row.as_ref()) } else { context.lead_in.as_deref().zip(lead_in.as_ref()) };
        let inherited = source.map(|(text, scan)| values(scan, text, Beside { scans: &[] })).unwrap_or_default();
        let (part, responsibility) = part(vocabulary, context, form, lead_in.as_ref(), &headings);
        let nearest: Vec<Scan<'static>> = [column, row, label, lead_in, question].into_iter().flatten().chain(headings).collect();
        let topic = nearest.iter().find_map(|scan| scan.topic().filter(|(_, weight)| *weight >= 2)).map(|(topic, _)| topic);
        let has_roles = cell
            && context.columns.first().is_some_and(|first| {
                let first = first.to_lowercase();
                ["role", "rolle", "rôle", "permission", "group"].iter().any(|word| first.contains(word))
            });
        let register = cell
            && context.columns.iter().take(3).any(|column| {
                let column = column.to_lowercase();
                [
                    "subprocessor",
                    "sub-processor",
                    "company",
                    "supplier",
                    "entity",
                    "firma",
                    "sous-traitant",
                    "dienstleister",
                    "unternehmen",
                    "variable",
                    "setting",
                    "endpoint",
                    "parameter",
                    "code",
                    "error",
                    "escalation",
                    "contact",
                    "field",
                    "flag",
                    "option",
                ]
                .iter()
                .any(|word| column.contains(word))
            });
        let names_party = cell
            && context.column.as_deref().is_some_and(|column| {
                let column = column.to_lowercase();
                ["responsib", "who", "party", "accountable", "zuständig", "verantwort", "responsable", "duty of", "wer", "qui"]
                    .iter()
                    .any(|word| column.starts_with(word))
            });
        let responsibility = responsibility || names_party;
        Self { nearest, inherited, responsibility, names_party, topic, register, has_roles, part, question: asked }
    }

    pub(crate) const fn topic(&self) -> Option<usize> {
        self.topic
    }
}

// The part of the document, by the columns of the table, the lead-in, or the headings.
fn part(vocabulary: &'static Vocabulary, context: &Context, form: Form, lead_in: Option<&Scan<'_>>, headings: &[Scan<'_>]) -> (Part, bool) {
    if form == Form::Cell && context.columns.len() > 1 {
        let is = |text: &str, cue: Cue| {
            let scan = Scan::of(vocabulary, text);
            scan.has(cue) && scan.words() <= 5
        };
        // A table of duties has a column of the customer, and another that is the provider's.
        let customers = context.columns.iter().skip(1).any(|column| is(column, Cue::CustomerHeading));
        let others = context.columns.iter().skip(1).any(|column| {
            !is(column, Cue::CustomerHeading) && (is(column, Cue::ProviderHeading) || column.chars().next().is_some_and(char::is_uppercase))
        });
        let shared = context.columns.iter().any(|column| is(column, Cue::ProviderHeading));
        let topical =
            context.columns.iter().skip(1).any(|column| Scan::of(vocabulary, column).topic().is_some_and(|(_, weight)| weight >= 3));
        if customers && others && (shared || !topical) && context.columns.len() <= 5 {
            let own = context.column.as_deref().unwrap_or_default();
            return if is(own, Cue::CustomerHeading) { (Part::Customer, true) } else { (Part::Provider, true) };
        }
    }
    if let Some(lead_in) = lead_in {
        let duty = lead_in.tokens.iter().any(|(_, text)| {
            matches!(
                text,
                "responsible"
                    | "responsibility"
                    | "responsibilities"
                    | "must"
                    | "should"
                    | "shall"
                    | "duties"
                    | "verantwortlich"
                    | "responsable"
            )
        });
        let provider = lead_in.has(Cue::FirstPerson);
        let customer = lead_in.has(Cue::Customer);
        let advice =
            lead_in.tokens.iter().any(|(_, text)| matches!(text, "recommend" | "recommended" | "please" | "advise" | "empfehlen" | "sure"));
        if duty && customer && !provider || advice || lead_in.has(Cue::CustomerDuty) && customer && !provider {
            return (Part::Customer, true);
        }
        let responsible = lead_in.tokens.iter().any(|(_, text)| {
            matches!(text, "responsible" | "responsibility" | "responsibilities" | "duties" | "verantwortlich" | "responsable")
        });
        if duty && !customer {
            return (Part::Provider, responsible);
        }
        if provider {
            return (Part::Provider, false);
        }
        if lead_in.has(Cue::Future) {
            return (Part::Plans, false);
        }
        if lead_in
            .tokens
            .iter()
            .any(|(_, text)| matches!(text, "example" | "examples" | "instance" | "beispiel" | "exemple" | "steps" | "follows" | "terms"))
            && !lead_in.has(Cue::Present)
        {
            return (Part::Examples, false);
        }
    }
    if form == Form::Cell && context.column.as_deref().is_some_and(is_meaning) {
        return (Part::Definition, false);
    }
    if form == Form::Cell && context.column.as_deref().is_some_and(|column| Scan::of(vocabulary, column).has(Cue::HistoryHeading)) {
        return (Part::Past, false);
    }
    for (depth, heading) in headings.iter().enumerate() {
        if heading.ends_with("?") {
            continue;
        }
        let short = heading.words() <= 6;
        // The title of a page says little of a section that has a heading of its own.
        let own = depth == 0 || depth == 1 && headings[0].words() <= 2;
        if short && own && heading.has(Cue::HistoryHeading) {
            return (Part::Past, false);
        }
        if short && depth == 0 && heading.has(Cue::PlansHeading) && form != Form::Sentence {
            return (Part::Plans, false);
        }
        if short && depth == 0 && heading.has(Cue::NegativeStatus) || depth == 0 && heading.words() == 1 && heading.tokens.text(0) == "no" {
            return (Part::Absent, false);
        }
        if short && depth < 2 && heading.has(Cue::ExampleHeading) {
            return (Part::Examples, false);
        }
        if short && depth < 2 && heading.has(Cue::DutyHeading) {
            return (Part::Customer, false);
        }
    }
    (Part::Plain, false)
}

// "What is a bastion host?": a question about the world, and not about the provider.
fn asks_for_meaning(question: &Scan<'_>) -> bool {
    let text = |at: usize| question.tokens.text(at);
    let ours = question.tokens.iter().any(|(_, text)| matches!(text, "you" | "your" | "we" | "our" | "my" | "customer" | "vendor"));
    !ours && (text(0) == "what" && matches!(text(1), "is" | "are" | "does") && matches!(text(2), "a" | "an") || text(0) == "why")
}

fn is_meaning(column: &str) -> bool {
    if matches!(
        column.to_lowercase().as_str(),
        "required"
            | "type"
            | "header"
            | "parameter"
            | "cause"
            | "severity"
            | "level"
            | "notes"
            | "note"
            | "comment"
            | "comments"
            | "bemerkung"
            | "remarque"
    ) {
        return true;
    }
    matches!(
        column.to_lowercase().as_str(),
        "meaning"
            | "description"
            | "definition"
            | "explanation"
            | "term"
            | "default"
            | "example"
            | "notes"
            | "variable"
            | "flag"
            | "bedeutung"
            | "beschreibung"
            | "signification"
            | "date"
            | "version"
            | "datum"
            | "owner"
            | "author"
            | "id"
            | "ref"
            | "no."
            | "#"
    )
}
