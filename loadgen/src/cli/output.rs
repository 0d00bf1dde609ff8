//! Standard output: what a command answers. Progress and errors go to standard error.

use std::fmt::Display;
use std::io::{ErrorKind, Write};

use anyhow::Context;

/// Shows a text that ends its own lines. Who has stopped reading (`hubbub-load … | head`) has seen enough: that is no error.
///
/// # Errors
/// When it cannot be written for another reason, such as a full disk.
pub(super) fn show(text: impl Display) -> anyhow::Result<()> {
    let mut output = std::io::stdout().lock();
    match write!(output, "{text}").and_then(|()| output.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.context("standard output cannot be written"),
    }
}

/// Shows a line with a name before it, as summaries have them.
///
/// # Errors
/// As [`show`].
pub(super) fn show_line(name: &str, text: impl Display) -> anyhow::Result<()> {
    show(format_args!("{name:>12}  {text}\n"))
}
