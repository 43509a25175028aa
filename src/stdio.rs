//! The process's output streams, and how they may be written to.
//!
//! Everything that is shown goes through here, by `writeln!` and never by `println!`, which panics
//! when a pipe is closed.

use crate::console::{Paper, fitting};
use anstream::{AutoStream, ColorChoice};
use std::io::{self, BufWriter, Write};

/// Standard output and standard error.
pub(crate) struct Stdio {
    /// For results.
    pub out: Paper<Box<dyn Write>>,
    /// For whatever is said beside them.
    pub err: Paper<Box<dyn Write>>,
}

impl Stdio {
    /// Those of this process: coloured and as wide as their terminals. `NO_COLOR` and its like are
    /// honoured.
    pub(crate) fn of_process() -> Self {
        let (out, err) = (io::stdout(), io::stderr());
        let width = |size: Option<(terminal_size::Width, terminal_size::Height)>| {
            fitting(size.map(|(width, _)| usize::from(width.0)))
        };
        Self {
            out: Paper {
                colour: AutoStream::choice(&out) != ColorChoice::Never,
                width: width(terminal_size::terminal_size_of(&out)),
                out: Box::new(BufWriter::new(out)),
            },
            err: Paper {
                colour: AutoStream::choice(&err) != ColorChoice::Never,
                width: width(terminal_size::terminal_size_of(&err)),
                out: Box::new(BufWriter::new(err)),
            },
        }
    }
}
