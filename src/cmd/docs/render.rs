//! Notices as text, JSON, annotations of GitHub, SARIF, JUnit and Markdown.

use std::fmt::Write as _;

use anyhow::Result;
use proofbook_claims::checking::{ClaimVerdict, Outcome};
use proofbook_evidence::claims::ValueStore;
use proofbook_evidence::notice::{Level, Notice, NoticeKind};
use proofbook_exchange::notices;
use serde_json::json;

use super::check::Shape;
use crate::output::Output;
use crate::text::{self, paragraph};

/// What stands once for all notices.
#[derive(Debug)]
pub(super) struct Summary<'s> {
    pub(super) files: usize,
    pub(super) known: usize,
    pub(super) run: Option<&'s ValueStore>,
    pub(super) registered: usize,
    /// What could not be looked at, a sentence each.
    pub(super) unseen: &'s [String],
}

/// Prints the outcome.
pub(super) fn render(
    shape: Shape,
    outcome: &Outcome,
    summary: &Summary<'_>,
    fails: &dyn Fn(&Notice) -> bool,
    output: &Output,
) -> Result<()> {
    let all: Vec<Notice> = outcome.notices.iter().map(|judgement| judgement.notice.clone()).collect();
    let told = |notice: &&Notice| notice.level != Level::Note || fails(notice);
    match shape {
        Shape::Text => {
            for notice in all.iter().filter(|notice| told(notice) || output.verbose()) {
                output.result(for_people(notice, fails(notice)))?;
            }
            output.result(counted(outcome, summary))
        }
        Shape::Json => output.json(&json!({
            "run": summary.run.map(|store| &store.run_id),
            "collected_at": summary.run.map(|store| store.clock.to_string()),
            "files": summary.files,
            "counts": outcome.counts,
            "baseline": summary.known,
            "not_looked_at": summary.unseen,
            "unsaid": outcome.unsaid,
            "diagnostics": all,
        })),
        Shape::Github => {
            for notice in all.iter().filter(told) {
                output.result(github(notice, fails(notice)))?;
            }
            for what in summary.unseen {
                output.result(format_args!("::error title=could not look::{}", escape(what)))?;
            }
            Ok(())
        }
        Shape::Sarif => {
            let kinds: Vec<&NoticeKind> = ClaimVerdict::ALL.iter().map(|verdict| verdict.kind()).collect();
            let told: Vec<Notice> = all.iter().filter(told).cloned().collect();
            output.bytes(&notices::sarif(&told, &kinds, summary.unseen, env!("CARGO_PKG_VERSION"))?)
        }
        Shape::Junit => output.bytes(&notices::junit(&all, fails, summary.unseen)?),
        Shape::Markdown => output.result(markdown(&all.iter().filter(told).collect::<Vec<_>>(), outcome, summary)),
    }
}

fn counted(outcome: &Outcome, summary: &Summary<'_>) -> String {
    let statements: usize = outcome.counts.values().sum();
    let list: Vec<String> =
        outcome.counts.iter().filter(|(_, count)| **count > 0).map(|(verdict, count)| format!("{count} {}", verdict.as_str())).collect();
    let list = if list.is_empty() { "none".to_owned() } else { list.join(", ") };
    let mut out = format!("{} in {}: {list}", text::counted(statements, "promise"), text::counted(summary.files, "file"));
    if summary.known > 0 {
        let _ = write!(out, "\n{} notices are in the baseline", summary.known);
    }
    if !outcome.unsaid.is_empty() {
        let _ = write!(out, "\n{} of {} registered claims are made by no document", outcome.unsaid.len(), summary.registered);
    }
    match summary.run {
        Some(store) => {
            let _ = write!(out, "\nheld against run {} of {}", store.run_id, store.clock);
        }
        None => out.push_str("\nheld against no evidence"),
    }
    for what in summary.unseen {
        let _ = write!(out, "\n{}", paragraph("could not look: ", what));
    }
    out
}

// Columns of a line that are shown, so that one absurd line does not flood the terminal.
const SHOWN: usize = 100;

fn for_people(notice: &Notice, fails: bool) -> String {
    let level = if fails { "error" } else { notice.level.as_str() };
    let mut out = String::new();
    let _ = writeln!(out, "{}", paragraph(&format!("{level}[{}]: ", notice.code), &notice.message));
    let _ = writeln!(out, "  --> {}:{}:{}", notice.path, notice.line, notice.column);
    let before = (notice.column as usize).saturating_sub(1);
    let skip = before.saturating_sub(SHOWN / 2);
    let skip = if notice.source_line.chars().count() <= SHOWN { 0 } else { skip };
    let line: String = notice.source_line.chars().skip(skip).take(SHOWN).map(|c| if c.is_control() { ' ' } else { c }).collect();
    let room = line.chars().count().saturating_sub(before - skip).max(1);
    let wanted = if notice.end_line == notice.line { notice.end_column.saturating_sub(notice.column) as usize } else { room };
    let number = notice.line.to_string();
    let gutter = " ".repeat(number.len());
    let _ = writeln!(out, "{gutter} |\n{number} | {line}\n{gutter} | {}{}", " ".repeat(before - skip), "^".repeat(wanted.clamp(1, room)));
    if let Some(claim) = &notice.claim {
        let _ = writeln!(out, "  claim: {claim}");
    }
    let _ = writeln!(out, "{}", paragraph("  help: ", &notice.suggestion));
    out
}

// What a command of a workflow may hold.
fn escape(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn github(notice: &Notice, fails: bool) -> String {
    let property = |text: &str| escape(text).replace(':', "%3A").replace(',', "%2C");
    let level = match notice.level {
        _ if fails => "error",
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Note => "notice",
    };
    let title = notice.claim.as_ref().map_or_else(|| notice.code.to_owned(), |claim| format!("{} {claim}", notice.code));
    format!(
        "::{level} file={},line={},endLine={},col={},endColumn={},title={}::{}",
        property(&notice.path),
        notice.line,
        notice.end_line,
        notice.column,
        notice.end_column,
        property(&title),
        escape(&format!("{} {}", notice.message, notice.suggestion)),
    )
}

fn markdown(notices: &[&Notice], outcome: &Outcome, summary: &Summary<'_>) -> String {
    let cell = |text: &str| text.replace('|', "\\|").replace('\n', " ");
    let mut out = format!("### What the documentation promises\n\n{}\n", counted(outcome, summary).replace('\n', "  \n"));
    if notices.is_empty() {
        out.push_str(if summary.unseen.is_empty() {
            "\nNothing is contradicted."
        } else {
            "\nNothing of what was looked at is contradicted."
        });
        return out;
    }
    out.push_str("\n| where | statement | what the evidence says | what to do |\n|---|---|---|---|\n");
    for notice in notices {
        let words: String = notice.text.chars().take(120).collect();
        let _ = writeln!(
            out,
            "| `{}:{}` | {} | **{}** {} | {} |",
            cell(&notice.path),
            notice.line,
            cell(&words),
            notice.code,
            cell(&notice.message),
            cell(&notice.suggestion)
        );
    }
    out.trim_end().to_owned()
}
