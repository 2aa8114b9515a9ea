//! Threads that outlive their panics, which the log has.

use super::handle::Log;
use crate::base::threads;
use std::io;
use std::ops::ControlFlow;
use std::thread::JoinHandle;

/// Starts a thread that does `work` as [`run`] does.
///
/// # Errors
/// What the system says when it has no thread left.
pub(crate) fn start(
    name: &'static str,
    stack: usize,
    log: &Log,
    work: impl FnMut() -> ControlFlow<()> + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    let log = log.clone();
    threads::start(name, stack, move || run(name, &log, work))
}

/// Does `work` over and over until it says that it is done, also after a panic, which the log has
/// as `<name>-panicked`. As for [`threads::survive`], whatever `work` keeps must survive that.
pub(crate) fn run(name: &str, log: &Log, work: impl FnMut() -> ControlFlow<()>) {
    let say = || log.error(&format!("{name}-panicked"), &[]);
    threads::survive(threads::AFTER_A_PANIC, say, work);
}

/// Makes a panic one line of the log instead of several on standard error.
pub(crate) fn log_panics(log: Log) {
    std::panic::set_hook(Box::new(move |info| {
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        let payload = info.payload();
        let message = payload.downcast_ref::<&str>().copied();
        let message = message.or(payload.downcast_ref::<String>().map(String::as_str));
        let message = message.unwrap_or("no message");
        log.error("panic", &[("place", &place), ("message", &message)]);
    }));
}

#[cfg(test)]
mod tests {
    use super::super::format::Level;
    use super::*;
    use std::sync::mpsc::channel;
    use std::time::Duration;

    const PATIENCE: Duration = Duration::from_secs(20);

    #[test]
    fn a_thread_that_panics_says_so_and_goes_on_with_what_it_had() {
        let ((say, said), (log, written)) = (channel(), Log::to_test(Level::Error));
        let mut rounds = 0;
        let work = move || {
            rounds += 1;
            assert_ne!(rounds, 2, "on purpose");
            say.send(rounds).unwrap();
            match rounds {
                3 => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        };
        let thread = start("counter", threads::STACK, &log, work).unwrap();
        let hear = || said.recv_timeout(PATIENCE).unwrap();
        assert_eq!([hear(), hear()], [1, 3]);
        let line = written.recv_timeout(PATIENCE).unwrap();
        assert!(
            line.ends_with(" level=error event=counter-panicked\n"),
            "{line}"
        );
        thread.join().unwrap();
    }
}
