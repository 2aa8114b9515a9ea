//! The queue of everything that the browser waits for.
//!
//! This file hides that keys come first: a key is handled before anything of trackers and pings,
//! however much of that waits, and also while those are not listened to.

use super::terminal::input::Input;
use crate::client::ask::watch;
use crate::client::ping::Ping;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

/// How many of each kind may wait. More wait in the sockets of their senders.
const MAX_QUEUED: usize = 256;

/// Something that the browser waits for.
#[derive(Debug)]
pub(super) enum Happening {
    /// Input from the terminal.
    Input(Input),
    /// An event of the tracker with this number.
    Tracker(usize, watch::Event),
    /// A game server was pinged.
    Ping(Ping),
    /// Input from the terminal waits in its own queue, or did.
    Knock,
}

/// The queues.
#[derive(Debug)]
pub(super) struct Inbox {
    inputs: Receiver<Happening>,
    happened: Receiver<Happening>,
}

/// Makes the queues: a function for input from the terminal, a sender for the rest, and the inbox.
pub(super) fn inbox() -> (
    impl Fn(Input) + Send + Sync + 'static,
    SyncSender<Happening>,
    Inbox,
) {
    let (input, inputs) = sync_channel(MAX_QUEUED);
    let (happen, happened) = sync_channel(MAX_QUEUED);
    let knock = happen.clone();
    let on_input = move |something| {
        // Nobody may be there any more.
        let _ = input.send(Happening::Input(something));
        // If there is no room for it, the reader is awake.
        let _ = knock.try_send(Happening::Knock);
    };
    (on_input, happen, Inbox { inputs, happened })
}

impl Inbox {
    /// Waits for the next happening, for about `patience`. During `rest` only input counts.
    pub(super) fn next(&self, rest: Duration, patience: Duration) -> Option<Happening> {
        if let Ok(input) = self.inputs.recv_timeout(rest) {
            return Some(input);
        }
        match self.happened.recv_timeout(patience).ok()? {
            Happening::Knock => self.inputs.try_recv().ok(),
            other => Some(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::replica::Error;

    const NOW: Duration = Duration::ZERO;
    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn a_key_does_not_wait_behind_a_tracker_that_talks() {
        let (on_input, happen, inbox) = inbox();
        let talk = |number| {
            let why = Error::CutOff;
            let retry_in = Duration::ZERO;
            let event = watch::Event::Lost { why, retry_in };
            happen.try_send(Happening::Tracker(number, event))
        };
        let told = (0..).take_while(|number| talk(*number).is_ok()).count();
        assert_eq!(told, MAX_QUEUED);
        on_input(Input::Size(80, 24));
        let next = inbox.next(NOW, NOW);
        assert!(matches!(next, Some(Happening::Input(Input::Size(80, 24)))));
        for number in 0..told {
            let next = inbox.next(NOW, NOW);
            assert!(matches!(next, Some(Happening::Tracker(n, _)) if n == number));
        }
        assert!(inbox.next(NOW, NOW).is_none());
        // It wakes who sleeps, and who rests though something waits.
        for (rest, patience) in [(NOW, HOUR), (HOUR, NOW)] {
            let next = std::thread::scope(|scope| {
                scope.spawn(|| on_input(Input::Changed));
                inbox.next(rest, patience)
            });
            assert!(matches!(next, Some(Happening::Input(Input::Changed))));
            talk(0).unwrap();
        }
    }
}
