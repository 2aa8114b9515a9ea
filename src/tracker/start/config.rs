//! How a tracker is to run.

use crate::tracker::access::network::Network;
use crate::tracker::access::slots::SlotShares;
use crate::tracker::files::publish::page::{Link, Title};
use crate::tracker::session::Timings;
use crate::tracker::sharing::share::Share;
use std::fmt;
use std::net::{AddrParseError, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

/// The number of slots if none is given.
pub const DEFAULT_MAX_SLOTS: usize = 1024;

/// The number of listed game servers of one host if none is given.
pub const DEFAULT_LISTED_PER_HOST: usize = 16;

/// The number of listed game servers of one key if none is given.
pub const DEFAULT_LISTED_PER_KEY: usize = 64;

/// The port where game servers log in, by tradition.
pub const GAME_SERVER_PORT: u16 = 23470;

/// The port where clients ask for the list.
pub const CLIENT_PORT: u16 = 23471;

/// What to accept connections from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listen {
    /// An address; all of IPv6 (`[::]`) stands for all of IPv4 too.
    At(SocketAddr),
    /// A TCP socket that listens already, opened by whoever started this process.
    HandedOver(Standard),
}

/// Where a socket may stand that is handed over: std lets a program take no other without unsafe code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standard {
    /// Standard input, `fd:0`.
    Input,
    /// Standard output, `fd:1`.
    Output,
}

impl fmt::Display for Standard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Input => "standard input (fd:0)",
            Self::Output => "standard output (fd:1)",
        })
    }
}

impl From<SocketAddr> for Listen {
    fn from(address: SocketAddr) -> Self {
        Self::At(address)
    }
}

impl FromStr for Listen {
    type Err = AddrParseError;

    fn from_str(text: &str) -> Result<Self, AddrParseError> {
        match text {
            "fd:0" => Ok(Self::HandedOver(Standard::Input)),
            "fd:1" => Ok(Self::HandedOver(Standard::Output)),
            _ => text.parse().map(Self::At),
        }
    }
}

/// How a tracker is to run. The default is a tracker as `gltracker` without arguments starts it,
/// but without any password.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// Where game servers connect; `None` for [`GAME_SERVER_PORT`] on all addresses.
    pub servers: Option<Listen>,
    /// Where clients connect; `None` for [`CLIENT_PORT`] on all addresses.
    pub clients: Option<Listen>,
    /// Passwords that are valid as long as the tracker runs.
    pub passwords: Vec<String>,
    /// A file with more of them, one on each line, read again when it changes.
    pub password_file: Option<PathBuf>,
    /// Connections held at the most; `None` for [`DEFAULT_MAX_SLOTS`], or as many as the machine
    /// allows if that is less.
    pub max_slots: Option<usize>,
    /// How the slots are shared.
    pub slot_shares: SlotShares,
    /// A file with keys, `name secret` on each line, read again when it changes.
    pub keys_file: Option<PathBuf>,
    /// A file with addresses and networks that are not wanted, read again when it changes.
    pub bans_file: Option<PathBuf>,
    /// A folder in which a service manager hands over what no other field names; read by
    /// [`serve`](super::serve::serve).
    pub credentials: Option<PathBuf>,
    /// Where the list is kept, so that it survives a restart of the tracker.
    pub state: Option<PathBuf>,
    /// Lists only game servers whose UDP port was proven to answer.
    pub require_check: bool,
    /// Networks without caps, rates and penalties, whose game servers may name another `ip`.
    pub trusted: Vec<Network>,
    /// Networks of proxies: a connection from there begins with a PROXY header, which names its peer.
    pub proxied: Vec<Network>,
    /// Game servers on the list for one host; `None` for [`DEFAULT_LISTED_PER_HOST`].
    pub listed_per_host: Option<usize>,
    /// Game servers on the list for one key; `None` for [`DEFAULT_LISTED_PER_KEY`].
    pub listed_per_key: Option<usize>,
    /// A folder for the files of [`publish`](crate::tracker::files::publish).
    pub publish: Option<PathBuf>,
    /// What the page there is called.
    pub title: Title,
    /// Where its title leads.
    pub link: Link,
    /// Shares the list with other trackers.
    pub share: Option<Share>,
    /// How long anything may take.
    pub timings: Timings,
}
