//! How a thread is started.
//!
//! Every thread has a name, which `ps -T` and a panic show, and none brings code of its own for being
//! started: the standard library's is there once for each kind of closure, this once for all.

use std::io;
use std::thread::{Builder, JoinHandle};

/// Bytes of stack for work that has no reason to have less or more: what the standard library takes.
/// Only what is used of it is ever in memory.
pub(crate) const STACK: usize = 2 * 1024 * 1024;

/// Starts a thread that does `work` on a stack of so many bytes.
///
/// # Errors
/// What the system says when it has no thread left.
pub(crate) fn start(
    name: &str,
    stack: usize,
    work: impl FnOnce() + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    let work: Box<dyn FnOnce() + Send> = Box::new(work);
    Builder::new()
        .name(name.to_owned())
        .stack_size(stack)
        .spawn(work)
}
