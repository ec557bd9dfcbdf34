//! The one writer of the program: results to stdout, talk to stderr, colours only where they are wanted.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

use anstyle::{AnsiColor, Style};
use anyhow::{Context, Result};
use proofbook_checks::Verdict;
use proofbook_controls::diagnostic::Diagnostics;
use proofbook_evidence::bundle::BundleError;
use proofbook_evidence::ledger::LedgerError;
use serde::Serialize;

use crate::cli::{Color, Common};

/// Where results and talk go. Results are never coloured, so that they can be piped.
#[derive(Clone, Debug)]
pub(crate) struct Output {
    quiet: bool,
    verbose: bool,
    colour: bool,
}

impl Output {
    pub(crate) fn new(common: &Common) -> Self {
        let allowed = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let on = |terminal: bool| match common.color {
            Color::Auto => terminal && allowed,
            Color::Always => true,
            Color::Never => false,
        };
        Self { quiet: common.quiet, verbose: common.verbose, colour: on(io::stderr().is_terminal()) }
    }

    pub(crate) const fn quiet(&self) -> bool {
        self.quiet
    }

    /// Whether more was asked for.
    pub(crate) const fn verbose(&self) -> bool {
        self.verbose
    }

    /// Writes a result.
    pub(crate) fn result(&self, text: impl Display) -> Result<()> {
        writeln!(io::stdout().lock(), "{text}").context("writing to stdout")
    }

    /// Writes raw bytes as a result.
    pub(crate) fn bytes(&self, bytes: &[u8]) -> Result<()> {
        io::stdout().lock().write_all(bytes).context("writing to stdout")
    }

    /// Writes a result for programs.
    pub(crate) fn json(&self, value: &impl Serialize) -> Result<()> {
        self.result(serde_json::to_string_pretty(value)?)
    }

    /// Tells the user something that is no result.
    pub(crate) fn say(&self, text: impl Display) {
        if !self.quiet {
            self.talk(text);
        }
    }

    /// Tells the user something only when asked for more.
    pub(crate) fn detail(&self, text: impl Display) {
        if self.verbose {
            self.talk(text);
        }
    }

    /// Tells the user something even when quiet: a warning.
    pub(crate) fn warn(&self, text: impl Display) {
        self.talk(format_args!("{} {text}", paint(self.colour, AnsiColor::Yellow, "warning:")));
    }

    /// Tells why a command failed.
    pub(crate) fn error(&self, error: &anyhow::Error) {
        // Diagnostics bring their own heading and places.
        if let Some(diagnostics) = error.downcast_ref::<proofbook_controls::diagnostic::Diagnostics>() {
            self.talk(diagnostics);
            return;
        }
        self.talk(format_args!("{} {error:#}", paint(self.colour, AnsiColor::Red, "error:")));
    }

    // Nobody is left to tell when stderr is closed.
    fn talk(&self, text: impl Display) {
        let _ = writeln!(io::stderr().lock(), "{text}");
    }

    /// A verdict for `say`, coloured where stderr wants it.
    pub(crate) fn verdict(&self, verdict: Verdict) -> String {
        let colour = match verdict {
            Verdict::Pass | Verdict::Manual => AnsiColor::Green,
            Verdict::Fail => AnsiColor::Red,
            Verdict::Error | Verdict::Stale => AnsiColor::Magenta,
            Verdict::Exception | Verdict::Skipped => AnsiColor::Yellow,
            Verdict::NotApplicable => AnsiColor::BrightBlack,
        };
        paint(self.colour, colour, verdict.as_str())
    }
}

fn paint(on: bool, colour: AnsiColor, text: &str) -> String {
    if !on {
        return text.to_owned();
    }
    let style = Style::new().fg_color(Some(colour.into())).bold();
    format!("{style}{text}{style:#}")
}

/// Whether the reader of stdout went away.
pub(crate) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| cause.downcast_ref::<io::Error>().is_some_and(|cause| cause.kind() == io::ErrorKind::BrokenPipe))
}

/// Whether a ledger could not be reached, whatever was asked of it.
pub(crate) fn could_not_look(error: &anyhow::Error) -> bool {
    let of_ledger = |cause: &(dyn std::error::Error + 'static)| match cause.downcast_ref::<BundleError>() {
        Some(BundleError::Ledger(inner)) => inner.could_not_look(),
        _ => cause.downcast_ref::<LedgerError>().is_some_and(LedgerError::could_not_look),
    };
    error.chain().any(of_ledger)
}

/// Whether pages take from the evidence what it does not bear out, and are at fault in nothing else.
pub(crate) fn is_untrue(error: &anyhow::Error) -> bool {
    error.downcast_ref::<Diagnostics>().is_some_and(|faults| faults.0.iter().all(|fault| fault.code.starts_with("untrue-")))
}
