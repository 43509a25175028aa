//! The process's output streams, and how they may be written to.
//!
//! Everything that is shown goes through here, by `writeln!` and never by `println!`, which panics
//! when a pipe is closed.

use crate::console::{Paper, fitting};
use anstream::stream::RawStream;
use anstream::{AutoStream, ColorChoice};
use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::os::fd::AsFd;

/// A stream, whichever it is; any thread may write to it.
pub(crate) type Stream = Box<dyn Write + Send>;

/// Standard output and standard error.
pub(crate) struct Stdio {
    /// For results.
    pub out: Paper<Stream>,
    /// For whatever is said beside them.
    pub err: Paper<Stream>,
}

impl Stdio {
    /// Those of this process.
    pub(crate) fn of_process() -> Self {
        Self { out: standard_output(), err: standard_error() }
    }
}

/// Standard output. Whoever may be held up while writing to it takes a paper of its own.
pub(crate) fn standard_output() -> Paper<Stream> {
    paper(io::stdout())
}

/// Standard error, likewise.
pub(crate) fn standard_error() -> Paper<Stream> {
    paper(io::stderr())
}

/// Whether somebody looks at standard error.
pub(crate) fn is_watched() -> bool {
    io::stderr().is_terminal()
}

/// Coloured and as wide as the stream's terminal. `NO_COLOR` and its like are honoured.
fn paper(stream: impl RawStream + AsFd + Send + 'static) -> Paper<Stream> {
    let width = terminal_size::terminal_size_of(&stream).map(|(width, _)| usize::from(width.0));
    Paper {
        colour: AutoStream::choice(&stream) != ColorChoice::Never,
        width: fitting(width),
        out: Box::new(BufWriter::new(stream)),
    }
}
