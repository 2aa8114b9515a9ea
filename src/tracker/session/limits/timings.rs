//! How long anything may take, and which times a tracker can work with: those that a clock can count,
//! that let threads sleep and that leave peers time to answer.

use std::time::Duration;

/// The longest that anything may take, a year: far from what a clock can count.
pub const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);

/// The shortest, which is the shortest time-out that a socket is given.
pub const SHORTEST: Duration = Duration::from_millis(1);

/// How long anything may take; a tracker starts if they pass [`check`](Timings::check).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timings {
    /// To finish a step (log in, answer the challenge, send the next command) while there is room.
    pub step: Duration,
    /// To finish a step of logging in while more than half of the *pending* slots are in use.
    pub login_step_crowded: Duration,
    /// To send a first command while more than half of the *client* slots are in use.
    pub first_command_crowded: Duration,
    /// A step that is late for a crowd is looked at again this often.
    pub look_again: Duration,
    /// A game server that was silent for so long is sent a PING.
    pub ping_after: Duration,
    /// A game server that was silent for so long is dropped.
    pub drop_after: Duration,
    /// A datagram that was not answered is sent again after this time.
    pub proof_again: Duration,
    /// The last of them must be answered in this time.
    pub proof_answer: Duration,
    /// A port that was proven is proven again after this time.
    pub proof_every: Duration,
    /// To finish a step for a guest, who has no slot.
    pub guest: Duration,
    /// Between two batches to one watcher, at the least.
    pub batch_gap: Duration,
    /// A watcher that was sent nothing for so long is sent an END.
    pub sign_of_life: Duration,
    /// To take an answer, whatever its size …
    pub write: Duration,
    /// … and a second more for so many bytes of it.
    pub write_bytes_per_second: u32,
    /// To take the last line before the connection is closed.
    pub farewell: Duration,
}

impl Default for Timings {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            step: seconds(60),
            login_step_crowded: seconds(5),
            first_command_crowded: seconds(3),
            look_again: seconds(1),
            ping_after: seconds(15),
            drop_after: seconds(30),
            proof_again: seconds(1),
            proof_answer: seconds(5),
            proof_every: seconds(600),
            guest: Duration::from_millis(500),
            batch_gap: Duration::from_millis(100),
            sign_of_life: seconds(30),
            write: seconds(5),
            write_bytes_per_second: 8192,
            farewell: seconds(1),
        }
    }
}

/// What every session of one tracker is told at its start.
#[derive(Debug, Clone, Copy, Default)]
pub struct Setting {
    /// Deadlines.
    pub timings: Timings,
    /// The port for game servers, mentioned in help texts.
    pub game_server_port: u16,
    /// The port for clients, mentioned in help texts.
    pub client_port: u16,
    /// Only game servers whose port was proven to answer are listed.
    pub require_check: bool,
}

impl Timings {
    /// Checks that a tracker can work with these.
    ///
    /// # Errors
    /// What is wrong, for a person.
    pub fn check(&self) -> Result<(), String> {
        let Self {
            step,
            login_step_crowded,
            first_command_crowded,
            look_again,
            ping_after,
            drop_after,
            proof_again,
            proof_answer,
            proof_every,
            guest,
            batch_gap,
            sign_of_life,
            write,
            write_bytes_per_second,
            farewell,
        } = *self;
        for (name, time, shortest) in [
            ("step", step, SHORTEST),
            ("login_step_crowded", login_step_crowded, SHORTEST),
            ("first_command_crowded", first_command_crowded, SHORTEST),
            ("look_again", look_again, SHORTEST),
            ("ping_after", ping_after, SHORTEST),
            ("drop_after", drop_after, SHORTEST),
            ("proof_again", proof_again, SHORTEST),
            ("proof_answer", proof_answer, SHORTEST),
            ("proof_every", proof_every, SHORTEST),
            ("guest", guest, SHORTEST),
            ("batch_gap", batch_gap, Duration::ZERO),
            ("sign_of_life", sign_of_life, SHORTEST),
            ("write", write, SHORTEST),
            ("farewell", farewell, Duration::ZERO),
        ] {
            if !(shortest..=LONGEST).contains(&time) {
                return Err(format!(
                    "{name} is {time:?}, and may be from {shortest:?} to {LONGEST:?}"
                ));
            }
        }
        if drop_after <= ping_after {
            return Err(format!(
                "drop_after is {drop_after:?} and ping_after {ping_after:?}, which leaves no time \
                 to answer a PING"
            ));
        }
        match write_bytes_per_second {
            0 => Err("write_bytes_per_second is 0, which no reader is slower than".to_owned()),
            _ => Ok(()),
        }
    }

    /// How long a peer may take for an answer of so many bytes.
    pub(crate) fn to_take(self, bytes: usize) -> Duration {
        let rate = self.write_bytes_per_second.max(1);
        let for_size = Duration::try_from_secs_f64(bytes as f64 / f64::from(rate));
        let all = self.write.saturating_add(for_size.unwrap_or(LONGEST));
        all.min(LONGEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quickcheck::quickcheck;
    use std::time::Instant;

    #[test]
    fn what_no_tracker_can_work_with_is_named() {
        let refusal = |change: &dyn Fn(&mut Timings)| {
            let mut timings = Timings::default();
            change(&mut timings);
            timings.check().expect_err("it is refused")
        };
        assert_eq!(Timings::default().check(), Ok(()));
        type Change = fn(&mut Timings, Duration);
        let changes: [(&str, Change); 14] = [
            ("step ", |t, time| t.step = time),
            ("login_step_crowded ", |t, time| t.login_step_crowded = time),
            ("first_command_crowded ", |t, time| {
                t.first_command_crowded = time;
            }),
            ("look_again ", |t, time| t.look_again = time),
            ("ping_after ", |t, time| t.ping_after = time),
            ("drop_after ", |t, time| t.drop_after = time),
            ("proof_again ", |t, time| t.proof_again = time),
            ("proof_answer ", |t, time| t.proof_answer = time),
            ("proof_every ", |t, time| t.proof_every = time),
            ("guest ", |t, time| t.guest = time),
            ("sign_of_life ", |t, time| t.sign_of_life = time),
            ("write ", |t, time| t.write = time),
            ("batch_gap ", |t, time| t.batch_gap = time),
            ("farewell ", |t, time| t.farewell = time),
        ];
        for (at, (name, change)) in changes.into_iter().enumerate() {
            for time in [Duration::MAX, LONGEST + Duration::from_nanos(1)] {
                assert!(refusal(&|t| change(t, time)).starts_with(name), "{name}");
            }
            if at < 12 {
                assert!(
                    refusal(&|t| change(t, Duration::ZERO)).starts_with(name),
                    "{name}"
                );
                continue;
            }
            let mut timings = Timings::default();
            change(&mut timings, Duration::ZERO);
            assert_eq!(timings.check(), Ok(()), "{name} may be none");
        }
        let same = refusal(&|t| t.drop_after = t.ping_after);
        assert!(same.contains("no time to answer a PING"), "{same}");
        let rate = refusal(&|t| t.write_bytes_per_second = 0);
        assert!(rate.starts_with("write_bytes_per_second is 0"), "{rate}");
    }

    #[test]
    fn an_answer_may_take_longer_the_larger_it_is() {
        let timings = Timings::default();
        let secs = Duration::from_secs;
        assert_eq!(
            [0, 8192, 81920].map(|n| timings.to_take(n)),
            [5, 6, 15].map(secs)
        );
    }

    quickcheck! {
        fn whatever_is_set_an_answer_has_its_time(seconds: u64, rate: u32, bytes: usize) -> bool {
            let any = [seconds, u64::MAX - seconds, seconds % 100].into_iter().all(|seconds| {
                let timings = Timings {
                    write: Duration::from_secs(seconds),
                    write_bytes_per_second: rate,
                    ..Timings::default()
                };
                let all = [0, bytes, usize::MAX - bytes, usize::MAX].map(|n| timings.to_take(n));
                let least = timings.write.min(LONGEST);
                all.iter().all(|time| (least..=LONGEST).contains(time))
                    && all.iter().all(|time| Instant::now().checked_add(*time).is_some())
            });
            let stopped = Timings { write_bytes_per_second: 0, ..Timings::default() };
            any && stopped.to_take(bytes) <= LONGEST
        }
    }
}
