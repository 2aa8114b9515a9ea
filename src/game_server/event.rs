//! What happens to an announcement.

use super::session::TrackerRefusal;
use super::tracker_address::TrackerAddress;
use crate::base::time_format::in_units;
use std::fmt;
use std::time::Duration;

/// Something that has happened with one tracker. Shown as a line for a person; everything in it
/// that a tracker has said is plain text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Which tracker.
    pub tracker: TrackerAddress,
    /// What.
    pub what: Happening,
}

/// What may happen with a tracker.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Happening {
    /// The game server is on the list, under this `ip:port`.
    Listed(String),
    /// This tracker lists only game servers whose UDP port answers, and is asking this `ip:port`.
    Checking(String),
    /// The UDP port has answered; the list says so.
    Checked,
    /// It is on the list, but for half a minute no number that came by UDP was sent back: nobody
    /// answers them, they do not get through, or the tracker has many others to ask.
    Unchecked,
    /// The tracker has refused these fields; all others are listed. They are not sent again to
    /// this tracker until they have another value.
    NotTaken(String, TrackerRefusal),
    /// There is no connection (any more).
    Lost {
        /// Why, for a person.
        why: String,
        /// If it was on the list until now.
        was_listed: bool,
        /// When the next connection is tried.
        again_in: Duration,
    },
    /// The tracker has sent us away.
    Refused {
        /// With these words.
        refusal: TrackerRefusal,
        /// When the next connection is tried; `None` if trying again cannot help.
        again_in: Option<Duration>,
    },
    /// Another login took over the place on this tracker's list, and it was that at this other tracker
    /// of the same announcement: the two have one list. The next connection is made when the other is
    /// lost.
    SameList(TrackerAddress),
    /// It was asked to take the game server off its list, and is not connected any more.
    Left,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tracker = self.tracker.short();
        match &self.what {
            Happening::Listed(address) => write!(f, "listed on {tracker} as {address}"),
            Happening::Checking(address) => {
                write!(f, "{tracker} is checking whether UDP {address} answers")
            }
            Happening::Checked => {
                write!(
                    f,
                    "{tracker} has checked the UDP port: players can reach it"
                )
            }
            Happening::Unchecked => {
                write!(f, "{tracker} has not heard from the UDP port so far")
            }
            Happening::NotTaken(fields, refusal) => {
                write!(f, "{tracker} did not take {fields} {refusal}")
            }
            Happening::Lost {
                why,
                was_listed,
                again_in,
            } => {
                let verb = if *was_listed { "lost" } else { "cannot reach" };
                let again = Seconds(*again_in);
                write!(f, "{verb} {tracker}: {why}; next try in {again}")
            }
            Happening::Refused { refusal, again_in } => {
                write!(f, "{tracker} refused {refusal}")?;
                match again_in {
                    Some(again_in) => write!(f, "; next try in {}", Seconds(*again_in)),
                    None => f.write_str("; it is not tried again"),
                }
            }
            Happening::SameList(other) => write!(
                f,
                "{tracker} has the same list as {}, which took over; it is tried when that is lost",
                other.short()
            ),
            Happening::Left => write!(f, "left {tracker}"),
        }
    }
}

/// A time as a person says it: `0.4 s`, `12 s`, `10 min`.
pub(super) struct Seconds(pub(super) Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (digits, unit, name) = match self.0 {
            short if short < Duration::from_millis(1950) => (1, Duration::from_secs(1), "s"),
            seconds if seconds < Duration::from_secs(120) => (0, Duration::from_secs(1), "s"),
            _ => (0, Duration::from_secs(60), "min"),
        };
        write!(f, "{} {name}", in_units(self.0, unit, digits))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::game_server::session::Stage;

    fn shown(what: Happening) -> String {
        let tracker = "tracker.example".parse().unwrap();
        Event { tracker, what }.to_string()
    }

    #[test]
    fn events_are_lines_for_a_person() {
        assert_eq!(
            shown(Happening::Listed("198.51.100.7:23460".to_owned())),
            "listed on tracker.example as 198.51.100.7:23460"
        );
        let lost = |was_listed, again_in| Happening::Lost {
            why: "connection refused".to_owned(),
            was_listed,
            again_in: Duration::from_millis(again_in),
        };
        assert_eq!(
            shown(lost(true, 400)),
            "lost tracker.example: connection refused; next try in 0.4 s"
        );
        assert_eq!(
            shown(lost(false, 61_700)),
            "cannot reach tracker.example: connection refused; next try in 62 s"
        );
        assert_eq!(
            shown(Happening::SameList("b.example".parse().unwrap())),
            "tracker.example has the same list as b.example, which took over; it is tried when that is \
             lost"
        );
        let refusal = TrackerRefusal::parse("bad-password no", Stage::LoggingIn);
        let refused = |again_in| Happening::Refused {
            refusal: refusal.clone(),
            again_in,
        };
        assert_eq!(
            shown(refused(None)),
            "tracker.example refused (bad-password): no; it is not tried again"
        );
        assert_eq!(
            shown(refused(Some(Duration::from_secs(600)))),
            "tracker.example refused (bad-password): no; next try in 10 min"
        );
    }
}
