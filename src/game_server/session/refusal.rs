//! What an ERR of a tracker means.
//!
//! This file hides what follows from each code: whether trying again can help, and how soon.

use crate::protocol::refusal::ErrorCode;
use crate::protocol::text::spelled_out;
use std::fmt;
use std::time::Duration;

/// How much of a tracker's text is shown, in characters.
const MAX_SHOWN_CHARS: usize = 300;

/// The longest wait that a tracker can ask for.
const MAX_WAIT: Duration = Duration::from_secs(3600);

/// An `ERR` line of a tracker. Plain text, whatever the tracker sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackerRefusal {
    /// What it is about; `None` for a code that this program does not know.
    pub code: Option<ErrorCode>,
    /// Code and text as the tracker has sent them, characters that are not plain spelled out.
    pub text: String,
    /// How far the connection had got.
    pub stage: Stage,
}

/// How far a connection had got when something happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The tracker had not answered LOGIN.
    LoggingIn,
    /// It had not answered the first INFOS.
    Introducing,
    /// It had not had the answer to its datagram, which it wants before listing.
    Checking,
    /// On the list.
    Listed,
}

/// What to do after a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Nothing will change by itself.
    GiveUp,
    /// Something may change, but not soon.
    Slowly(Duration),
    /// Try again with growing delays, none shorter than this.
    AtLeast(Duration),
}

impl TrackerRefusal {
    /// Reads what followed `ERR`.
    pub(crate) fn parse(said: &str, stage: Stage) -> Self {
        let word = said.split(' ').next().unwrap_or_default();
        Self {
            code: ErrorCode::ALL
                .into_iter()
                .find(|code| code.as_str() == word),
            text: spelled_out(said, MAX_SHOWN_CHARS),
            stage,
        }
    }

    /// True if the tracker closes the connection after it.
    pub(crate) fn is_closing(&self) -> bool {
        use ErrorCode::*;
        match self.code {
            _ if matches!(self.stage, Stage::LoggingIn | Stage::Introducing) => true,
            Some(BadPassword | Busy | TooMany | Banned | Unreachable | Timeout | SlowReader) => {
                true
            }
            Some(Taken) => self.is_takeover(),
            _ => false,
        }
    }

    /// True if another login for the same ip:port came later than ours.
    pub fn is_takeover(&self) -> bool {
        self.code == Some(ErrorCode::Taken) && self.text.contains("took over")
    }

    /// True if the tracker has no room: another of its addresses may have some.
    pub(crate) fn is_for_want_of_room(&self) -> bool {
        matches!(self.code, Some(ErrorCode::Busy | ErrorCode::TooMany))
    }

    /// True if a proxy in front of the tracker and the tracker do not agree on who says whose connection it
    /// is, which the tracker's operator can mend.
    pub(super) fn is_about_proxy(&self) -> bool {
        self.text.contains("PROXY header")
    }

    /// How long its text asks to wait.
    pub(super) fn asks_to_wait(&self) -> Option<Duration> {
        let_wait(&self.text)
    }

    /// Whether, and when, to try again.
    pub fn fate(&self) -> Fate {
        use ErrorCode::*;
        let seconds = Duration::from_secs;
        match self.code {
            _ if self.is_about_proxy() => Fate::Slowly(seconds(60)),
            // The entry stays on the list all the while, under the newer login.
            Some(Taken) if self.is_takeover() => Fate::Slowly(seconds(600)),
            // From another address, and perhaps by the ghost of this one.
            Some(TooMany | Busy | Taken) if self.asks_to_wait().is_some() => {
                Fate::AtLeast(self.asks_to_wait().unwrap_or_default())
            }
            Some(
                BadPassword | BadValue | BadIp | Banned | Taken | BadSyntax | LineTooLong | NotText
                | UnknownCommand,
            ) => Fate::GiveUp,
            // Before anything was sent: it will never be.
            Some(Unreachable) if self.stage == Stage::Introducing => Fate::GiveUp,
            Some(Unreachable) => Fate::Slowly(seconds(60)),
            // As many on the list as there may be: somebody must leave first.
            Some(TooMany) if self.stage == Stage::Introducing => Fate::Slowly(seconds(60)),
            Some(TooMany) => Fate::AtLeast(seconds(5)),
            Some(Busy | Timeout | SlowReader | BadChallenge | NotLoggedIn) | None => {
                Fate::AtLeast(seconds(1))
            }
        }
    }
}

/// The code in parentheses, and the text.
impl fmt::Display for TrackerRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.text.split_once(' ') {
            Some((code, text)) => write!(f, "({code}): {text}"),
            None => write!(f, "({})", self.text),
        }
    }
}

/// The time that a text asks to wait, as in `wait 12 s`. A number that does not fit into 64 bits
/// counts as the longest time.
fn let_wait(text: &str) -> Option<Duration> {
    let mut words = text.split(' ').skip_while(|word| *word != "wait").skip(1);
    let (number, unit) = (words.next()?, words.next()?);
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = number.parse().unwrap_or(u64::MAX);
    (is_number && unit.starts_with('s')).then(|| Duration::from_secs(seconds).min(MAX_WAIT))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(said: &str, stage: Stage) -> TrackerRefusal {
        TrackerRefusal::parse(said, stage)
    }

    #[test]
    fn what_will_not_get_better_ends_it_and_the_rest_does_not() {
        let s = Duration::from_secs;
        for (said, stage, fate) in [
            ("bad-password no", Stage::LoggingIn, Fate::GiveUp),
            ("banned", Stage::LoggingIn, Fate::GiveUp),
            ("bad-value no", Stage::Introducing, Fate::GiveUp),
            ("bad-ip no", Stage::Introducing, Fate::GiveUp),
            (
                "taken 1.2.3.4:1 is listed with another credential",
                Stage::Introducing,
                Fate::GiveUp,
            ),
            (
                "taken 1.2.3.4:1 is listed by a login with the same credential from another address; \
                 wait 30 s",
                Stage::Introducing,
                Fate::AtLeast(s(30)),
            ),
            (
                "taken another login took over 1.2.3.4:1",
                Stage::Listed,
                Fate::Slowly(s(600)),
            ),
            ("unreachable udp", Stage::Checking, Fate::Slowly(s(60))),
            (
                "too-many one address has at most 16 game servers on the list",
                Stage::Introducing,
                Fate::Slowly(s(60)),
            ),
            (
                "too-many too many failed logins from your address; wait 17 s, or send the right password at once",
                Stage::LoggingIn,
                Fate::AtLeast(s(17)),
            ),
            (
                "too-many your address makes pending connections too fast",
                Stage::LoggingIn,
                Fate::AtLeast(s(5)),
            ),
            ("busy all slots", Stage::LoggingIn, Fate::AtLeast(s(1))),
            ("timeout", Stage::Listed, Fate::AtLeast(s(1))),
            ("something-new", Stage::Listed, Fate::AtLeast(s(1))),
            (
                "too-many wait 99999999 s",
                Stage::Listed,
                Fate::AtLeast(MAX_WAIT),
            ),
            (
                "too-many wait 18446744073709551616 s",
                Stage::LoggingIn,
                Fate::AtLeast(MAX_WAIT),
            ),
        ] {
            assert_eq!(refusal(said, stage).fate(), fate, "{said}");
        }
        assert_eq!(let_wait("wait a while; wait 3 s"), None);
        assert_eq!(let_wait("wait"), None);
        assert_eq!(let_wait("wait  s"), None);
        assert_eq!(let_wait("wait -3 s"), None);
    }

    #[test]
    fn what_closes_is_known() {
        for (said, stage, closes) in [
            ("anything", Stage::LoggingIn, true),
            ("bad-value x", Stage::Introducing, true),
            ("bad-value x", Stage::Listed, false),
            ("bad-challenge x", Stage::Checking, false),
            ("taken another login took over x", Stage::Listed, true),
            ("taken x is listed", Stage::Listed, false),
            ("something-new", Stage::Listed, false),
            ("banned", Stage::Listed, true),
        ] {
            assert_eq!(refusal(said, stage).is_closing(), closes, "{said}");
        }
    }
}
