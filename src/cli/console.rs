//! Talk for the person: on standard error, never on standard output.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// Said of statements that name no case.
pub(super) const NO_GROUPS: &str =
    "there is no `group` column: statements of one case count as independent";

/// Says things unless told to be quiet; shows progress on a terminal only.
pub(super) struct Console {
    quiet: bool,
    terminal: bool,
}

impl Console {
    pub(super) fn new(quiet: bool) -> Self {
        Self {
            quiet,
            terminal: io::stderr().is_terminal(),
        }
    }

    /// Whether a person sees what is said as it is said.
    pub(super) fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// A line of talk.
    pub(super) fn say(&self, text: &str) {
        if !self.quiet {
            // Talk that can't be heard is no reason to stop the work.
            let _ = writeln!(io::stderr().lock(), "{text}");
        }
    }

    /// Something the person should know even when the work goes on.
    pub(super) fn warn(&self, text: &str) {
        self.say(&format!("warning: {text}"));
    }

    /// A bar of `total` steps; without a known number a spinner.
    pub(super) fn progress(&self, total: Option<u64>, what: &'static str) -> ProgressBar {
        if self.quiet || !self.terminal {
            return ProgressBar::hidden();
        }
        let (bar, template) = match total {
            Some(total) => (ProgressBar::new(total), "  {msg} {wide_bar} {pos}/{len}"),
            None => (
                ProgressBar::new_spinner(),
                "  {spinner} {msg} {human_pos} ({elapsed})",
            ),
        };
        let style =
            ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style);
        bar.set_message(what);
        bar.enable_steady_tick(Duration::from_millis(120));
        bar
    }
}
