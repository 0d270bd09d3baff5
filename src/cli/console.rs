//! Messages for the person: on standard error, never on standard output.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// Warning for statements without groups.
pub(super) const NO_GROUPS: &str =
    "there is no `group` column: statements of the same case count as independent";

/// Prints messages unless `--quiet` is given; shows progress only on a terminal.
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

    /// Whether messages go to a terminal.
    pub(super) fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// Prints a message.
    pub(super) fn say(&self, text: &str) {
        if !self.quiet {
            // A message that can't be written is no reason to stop the work.
            let _ = writeln!(io::stderr().lock(), "{text}");
        }
    }

    /// Prints a warning: the work goes on, but the person should know.
    pub(super) fn warn(&self, text: &str) {
        self.say(&format!("warning: {text}"));
    }

    /// Whether progress is shown.
    pub(super) fn shows_progress(&self) -> bool {
        self.terminal && !self.quiet
    }

    /// A bar of `total` steps.
    pub(super) fn steps(&self, total: u64, what: &'static str) -> ProgressBar {
        let bar = ProgressBar::new(total);
        self.shown(bar, "  {msg} {wide_bar} {pos}/{len}", what)
    }

    /// A bar of rows with their rate; with a known total, also the time left.
    pub(super) fn rows(&self, total: Option<u64>, what: &'static str) -> ProgressBar {
        match total {
            Some(total) => self.shown(
                ProgressBar::new(total),
                "  {msg} {wide_bar} {human_pos}/{human_len} rows, {per_sec}, {eta} left",
                what,
            ),
            None => self.shown(
                ProgressBar::new_spinner(),
                "  {spinner} {msg} {human_pos} rows, {per_sec} ({elapsed})",
                what,
            ),
        }
    }

    fn shown(&self, bar: ProgressBar, template: &str, what: &'static str) -> ProgressBar {
        if !self.shows_progress() {
            return ProgressBar::hidden();
        }
        let style =
            ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style);
        bar.set_message(what);
        bar.enable_steady_tick(Duration::from_millis(120));
        bar
    }
}
