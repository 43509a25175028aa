//! Descriptors that whoever started this program left open in it: files of the user's, a shell's
//! pipes, a CI's log. They are not the agents' business, so agents do not get them.
//!
//! What this program opens itself is closed in its children anyway; what it inherited is not, unless
//! somebody says so. Standard error is left to agents: they complain there.

use rustix::io::{FdFlags, fcntl_setfd};
use std::os::fd::{BorrowedFd, RawFd};

/// Standard input, output and error: what becomes of them in a child is said where it is started.
const STANDARD: std::ops::RangeInclusive<RawFd> = 0..=2;

/// Keeps inherited descriptors out of this program's children. To be called before there are other
/// threads. A system that does not tell which there are leaves them as they were.
pub(crate) fn keep_to_ourselves() {
    let Ok(open) = std::fs::read_dir("/proc/self/fd") else { return };
    let numbers = open.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    numbers.filter(|number| !STANDARD.contains(number)).for_each(close_in_children);
}

fn close_in_children(number: RawFd) {
    #[expect(unsafe_code, reason = "there is no other way to name a descriptor that one did not open")]
    // SAFETY: it was listed as open an instant ago, and no other thread could close it since.
    let inherited = unsafe { BorrowedFd::borrow_raw(number) };
    // Of a descriptor that is open this cannot fail.
    let _ = fcntl_setfd(inherited, FdFlags::CLOEXEC);
}
