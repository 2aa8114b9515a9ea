//! How a tracker is to run.

use crate::tracker::access::network::Network;
use crate::tracker::access::slots::SlotShares;
use crate::tracker::session::Timings;
use std::net::SocketAddr;
use std::path::PathBuf;

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

/// How a tracker is to run. The default is a tracker as `gltracker` without arguments starts it,
/// but without any password.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// Where game servers connect; `None` for [`GAME_SERVER_PORT`] on all addresses.
    pub servers: Option<SocketAddr>,
    /// Where clients connect; `None` for [`CLIENT_PORT`] on all addresses.
    pub clients: Option<SocketAddr>,
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
    /// How long anything may take.
    pub timings: Timings,
}
