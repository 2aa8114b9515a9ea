//! Why a newcomer is refused.

use crate::protocol::refusal::{ErrorCode, Refusal};
use crate::tracker::access::slots::Class;
use std::time::Duration;

/// Why a newcomer is refused, with the limit that was met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// The host has failed to log in too often, and is shut out for so long.
    Penalty(Duration),
    /// The host connects too fast.
    TooFast(Class),
    /// The host holds as many connections of this class as one host may.
    HostFull(Class, usize),
    /// The class is full, and nobody is to be dropped for the newcomer.
    ClassFull(Class, usize),
    /// The host has as many game servers on the list as one host may.
    ListedPerHost(usize),
    /// The key has as many game servers on the list as one key may.
    ListedPerKey(usize),
}

impl Denied {
    /// The reason in one word, as the counter and the log name it.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::Penalty(_) => "in-penalty",
            Self::TooFast(_) => "too-fast",
            Self::HostFull(..) => "host-full",
            Self::ClassFull(..) => "class-full",
            Self::ListedPerHost(_) | Self::ListedPerKey(_) => "over-share",
        }
    }

    /// What the peer is told.
    pub(crate) fn refusal(self) -> Refusal {
        match self {
            Self::Penalty(left) => Refusal::new(
                ErrorCode::TooMany,
                format!(
                    "too many failed logins from your address; wait {} s, \
                     or send the right password at once",
                    left.as_secs() + 1
                ),
            ),
            Self::TooFast(class) => Refusal::new(
                ErrorCode::TooMany,
                format!("your address makes {} connections too fast", class.as_str()),
            ),
            Self::HostFull(class, cap) => Refusal::new(
                ErrorCode::TooMany,
                format!(
                    "one address has at most {cap} {} connections at a time",
                    class.as_str()
                ),
            ),
            Self::ClassFull(class, limit) => Refusal::new(
                ErrorCode::Busy,
                format!(
                    "all {limit} {} slots are in use, try again soon",
                    class.as_str()
                ),
            ),
            Self::ListedPerHost(cap) => Refusal::new(
                ErrorCode::TooMany,
                format!("one address has at most {cap} game servers on the list"),
            ),
            Self::ListedPerKey(cap) => Refusal::new(
                ErrorCode::TooMany,
                format!("one key has at most {cap} game servers on the list"),
            ),
        }
    }
}
