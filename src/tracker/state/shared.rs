//! What the threads share.
//!
//! A lock of it is held to look up, to change or to clone an `Arc`: never across a system call (but
//! for the memory that the allocator may fetch), and never while a list is formatted. `registry` is
//! taken last: after `admission`, or after the watchers' state of the list, which are never held together.
//! Whoever holds any other takes none. src/README.md lists all locks.

use crate::base::log::Log;
use crate::base::mutex::lock;
use crate::base::random::Random;
use crate::protocol::refusal::{ErrorCode, Refusal};
use crate::tracker::access::admission::{Admission, Denied};
use crate::tracker::access::bans::Bans;
use crate::tracker::access::identity::ConnectionId;
use crate::tracker::access::keys::Keys;
use crate::tracker::access::network::Network;
use crate::tracker::access::passwords::Passwords;
use crate::tracker::access::rate_limits::RateLimit;
use crate::tracker::access::slots::Class;
use crate::tracker::list::registry::Registry;
use crate::tracker::session::Setting;
use crate::tracker::state::answers::cache::Answers;
use crate::tracker::state::answers::wake::Wake;
use crate::tracker::state::answers::watched::Watched;
use crate::tracker::state::current::Current;
use crate::tracker::state::hidden_servers::HiddenServers;
use crate::tracker::state::sharing_status::Status;
use crate::tracker::state::sockets::connection::Connection;
use crate::tracker::state::sockets::udp_probe::UdpProbe;
use crate::tracker::state::stats::{Counter, Stats};
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// Whether the threads that accept are to stop, and how many have not.
#[derive(Debug, Default)]
pub(crate) struct Accepting {
    pub(crate) is_over: AtomicBool,
    pub(crate) threads: AtomicUsize,
}

/// Everything that the sessions of one tracker share.
pub(crate) struct Shared {
    pub(crate) setting: Setting,
    pub(crate) log: Log,
    pub(crate) random: Random,
    pub(crate) started: Instant,
    pub(crate) stats: Stats,
    pub(crate) admission: Mutex<Admission<Arc<Connection>>>,
    pub(crate) registry: Mutex<Registry>,
    pub(crate) passwords: Current<Passwords>,
    pub(crate) keys: Current<Keys>,
    pub(crate) bans: Current<Bans>,
    pub(crate) udp_probe: UdpProbe,
    /// From how far the list is asked for.
    pub(crate) hidden_servers: HiddenServers,
    /// Networks that the operator vouches for.
    pub(crate) trusted: Vec<Network>,
    pub(crate) last_id: AtomicU64,
    /// What watchers are told, and how the thread that tells them is woken.
    pub(crate) watched: Watched,
    pub(crate) wake: Wake,
    /// What LIST is answered with.
    pub(crate) answers: Mutex<Answers>,
    /// How much each host may still ask for.
    pub(crate) work: Mutex<RateLimit>,
    /// How often the files were read again.
    pub(crate) reloads: Counter,
    pub(crate) accepting: Accepting,
    /// How sharing the list goes, if it is shared.
    pub(crate) sharing: Option<Arc<Status>>,
}

impl Shared {
    /// The name of the next connection.
    pub(crate) fn next_id(&self) -> ConnectionId {
        self.last_id.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// True for an address of a network that the operator trusts.
    pub(crate) fn is_trusted(&self, ip: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(ip))
    }

    /// Bans that were read since somebody was looked for in them would not have found the connection
    /// yet.
    pub(crate) fn check_bans(&self, connection: &Connection) {
        if let Some(refusal) = self.bans.get().refusal(connection.peer().ip()) {
            connection.dismiss(refusal);
        }
    }

    /// Closes a connection that has lost its slot to a newcomer.
    pub(crate) fn evict(&self, dropped: &Connection, class: Class) {
        self.stats.dropped.of(class).add_one();
        let text = "all slots are in use, and your network held the most of them or the oldest";
        let refusal = Refusal::new(ErrorCode::Busy, text);
        let peer = dropped.peer();
        let usage = self.usage(class);
        let fields = [
            ("peer", &peer as _),
            ("class", &class.as_str() as _),
            ("slots", &usage as _),
        ];
        self.log.noisy("dropped", &refusal, &fields);
        dropped.dismiss(refusal);
    }

    pub(crate) fn say_denied(&self, denied: Denied, peer: SocketAddr, class: Class) {
        self.stats.denied(denied).add_one();
        let usage = self.usage(class);
        let fields = [
            ("peer", &peer as _),
            ("class", &class.as_str() as _),
            ("slots", &usage as _),
            ("reason", &denied.reason() as _),
        ];
        self.log.noisy("denied", &denied.refusal(), &fields);
    }

    /// Slots in use and slots there are, as in `12/256`.
    fn usage(&self, class: Class) -> String {
        let (used, limit) = lock(&self.admission).usage(class);
        format!("{used}/{limit}")
    }
}
