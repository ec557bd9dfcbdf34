//! Progress on a terminal: one line a target while it is read, one for the evaluation. Silent everywhere else.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use proofbook_sources::collector::Progress;

/// Shows how far a scan has come.
pub(crate) struct Bars {
    multi: MultiProgress,
    targets: Mutex<BTreeMap<String, ProgressBar>>,
}

impl Bars {
    /// Bars on stderr, if it is a terminal and the user did not ask for quiet.
    pub(crate) fn new(quiet: bool) -> Self {
        let visible = !quiet && std::io::stderr().is_terminal();
        let target = if visible { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        Self { multi: MultiProgress::with_draw_target(target), targets: Mutex::default() }
    }

    /// A bar over a known number of steps.
    pub(crate) fn steps(&self, what: &str, steps: u64) -> ProgressBar {
        let style =
            ProgressStyle::with_template("{prefix:<12} {bar:30} {pos}/{len} {msg}").unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = self.multi.add(ProgressBar::new(steps).with_style(style));
        bar.set_prefix(what.to_owned());
        bar
    }

    /// Clears the lines of the targets.
    pub(crate) fn clear(&self) {
        let targets = std::mem::take(&mut *self.targets.lock().unwrap_or_else(PoisonError::into_inner));
        targets.into_values().for_each(|bar| bar.finish_and_clear());
    }
}

impl Progress for Bars {
    fn advanced(&self, target: &str, what: &str, items: u64) {
        let mut targets = self.targets.lock().unwrap_or_else(PoisonError::into_inner);
        let bar = targets.entry(target.to_owned()).or_insert_with(|| {
            let style = ProgressStyle::with_template("{prefix:<12} {spinner} {pos} read, {msg}")
                .unwrap_or_else(|_| ProgressStyle::default_spinner());
            let bar = self.multi.add(ProgressBar::new_spinner().with_style(style));
            bar.set_prefix(target.to_owned());
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        bar.set_message(what.to_owned());
        bar.inc(items);
    }
}
