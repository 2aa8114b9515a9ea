//! A tracker that runs: everything is made here, in the order in which it is needed.

use crate::base::random::Random;
use crate::tracker::access::admission::{Admission, Caps};
use crate::tracker::access::passwords::Passwords;
use crate::tracker::access::rate_limits::{RateLimit, WORK_RATE};
use crate::tracker::access::slots::{Class, Limits};
use crate::tracker::files::error::FilesError;
use crate::tracker::files::names;
use crate::tracker::files::publish;
use crate::tracker::files::reload::{Reloader, reread};
use crate::tracker::files::state_file;
use crate::tracker::files::watched_file::WatchedFile;
use crate::tracker::list::registry::Registry;
use crate::tracker::session::Setting;
use crate::tracker::start::config::{
    CLIENT_PORT, Config, DEFAULT_LISTED_PER_HOST, DEFAULT_LISTED_PER_KEY, DEFAULT_MAX_SLOTS,
    GAME_SERVER_PORT,
};
use crate::tracker::start::error::StartError;
use crate::tracker::start::os_limits::{Needs, OsLimits};
use crate::tracker::start::systemd::Part;
use crate::tracker::state::current::Current;
use crate::tracker::state::hidden_servers::HiddenServers;
use crate::tracker::state::log::Log;
use crate::tracker::state::shared::Shared;
use crate::tracker::state::sockets::udp_probe::UdpProbe;
use crate::tracker::state::stats::Stats;
use crate::tracker::threads::accept::acceptor;
use crate::tracker::threads::reception::{Reception, time_to_write};
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::time::Instant;

/// A running tracker. It has no end: dropping this leaves it running for as long as the process.
pub struct Tracker {
    servers: SocketAddr,
    clients: SocketAddr,
    max_slots: usize,
    pub(crate) shared: &'static Shared,
    reception: &'static Reception,
}

impl fmt::Debug for Tracker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tracker")
            .field("servers", &self.servers)
            .field("clients", &self.clients)
            .finish_non_exhaustive()
    }
}

impl Tracker {
    /// Starts a tracker: when this returns all its threads are running, and both ports accept connections.
    ///
    /// # Errors
    /// [`StartError`], with a text that says what to change. What was opened until then is left
    /// to the end of the process.
    pub fn start(config: Config, log: Log) -> Result<Self, StartError> {
        config.timings.check().map_err(StartError::Timings)?;
        let os_limits = OsLimits::read();
        let (max_slots, limits) = slots(&config, &os_limits)?;
        let needs = Needs::of(limits);
        let published = config.publish.as_ref();
        if let Some(path) = published.filter(|path| path.exists() && !path.is_dir()) {
            return Err(FilesError::NoFolder(path.clone()).into());
        }
        let read = [&config.password_file, &config.keys_file, &config.bans_file];
        let read: Vec<&Path> = read.into_iter().flatten().map(PathBuf::as_path).collect();
        let (state, published) = (config.state.as_deref(), published.map(PathBuf::as_path));
        if let Some(path) = names::clash(state, published, &read) {
            return Err(FilesError::Clash(path).into());
        }
        let mut passwords = Passwords::new(config.passwords).map_err(StartError::Passwords)?;
        let mut password_file = config.password_file.map(WatchedFile::new);
        if let Some(more) = reread(&passwords, &mut password_file).map_err(StartError::Passwords)? {
            passwords = more;
        }
        let game_servers = listen(config.servers, GAME_SERVER_PORT)?;
        let clients = listen(config.clients, CLIENT_PORT)?;
        let local = |listener: &TcpListener, asked: Option<SocketAddr>, port| {
            let unknown = SocketAddr::from((Ipv6Addr::UNSPECIFIED, port));
            listener
                .local_addr()
                .map_err(|error| StartError::Bind(asked.unwrap_or(unknown), error))
        };
        let preset = |listener, class| {
            let write = time_to_write(class, &config.timings);
            acceptor::preset(listener, write).map_err(StartError::Thread)
        };
        let game_servers = preset(game_servers, Class::Pending)?;
        let clients = preset(clients, Class::Client)?;
        let servers_at = local(&game_servers, config.servers, GAME_SERVER_PORT)?;
        let clients_at = local(&clients, config.clients, CLIENT_PORT)?;
        let random = Random::open();
        let epoch = random.number() as u32;
        // A tracker has no end, so what its threads share is never dropped, and a connection can
        // be given to any of them.
        let shared: &'static Shared = Box::leak(Box::new(Shared {
            setting: Setting {
                timings: config.timings,
                game_server_port: servers_at.port(),
                client_port: clients_at.port(),
                require_check: config.require_check,
            },
            log: log.clone(),
            random,
            started: Instant::now(),
            stats: Stats::default(),
            admission: Mutex::new(Admission::new(Caps {
                slots: limits,
                listed_per_host: config.listed_per_host.unwrap_or(DEFAULT_LISTED_PER_HOST),
                listed_per_key: config.listed_per_key.unwrap_or(DEFAULT_LISTED_PER_KEY),
            })),
            registry: Mutex::new(Registry::new(epoch)),
            passwords: Current::new(passwords),
            keys: Default::default(),
            bans: Default::default(),
            reachability: UdpProbe::open(servers_at.ip()),
            outsiders: HiddenServers::default(),
            trusted: config.trusted,
            last_id: AtomicU64::new(0),
            watched: Default::default(),
            wake: Default::default(),
            answers: Default::default(),
            work: Mutex::new(RateLimit::new(WORK_RATE)),
            keeper_rounds: Default::default(),
        }));
        Reloader::start(shared, password_file, config.keys_file, config.bans_file)?;
        // After keys and bans, which say who may come back, and before anybody can ask.
        if let Some(path) = config.state {
            state_file::start(shared, path)?;
        }
        if let Some(folder) = config.publish {
            publish::start(shared, folder)?;
        }
        let reception = Reception::start(shared).map_err(StartError::Thread)?;
        // The port for clients first, since it has few threads: ten thousand for game servers take a
        // third of a second, and a list that was read from a file can be had meanwhile.
        reception
            .open_to_clients(clients, needs.client_holders)
            .map_err(StartError::Thread)?;
        reception
            .open_to_game_servers(game_servers, needs.game_server_holders)
            .map_err(StartError::Thread)?;
        log.info(
            "listening",
            &[
                ("servers", &servers_at),
                ("clients", &clients_at),
                ("max-slots", &max_slots),
            ],
        );
        Ok(Self {
            servers: servers_at,
            clients: clients_at,
            max_slots,
            shared,
            reception,
        })
    }

    /// Where game servers connect.
    pub fn servers(&self) -> SocketAddr {
        self.servers
    }

    /// Where clients connect.
    pub fn clients(&self) -> SocketAddr {
        self.clients
    }

    /// How many connections it holds at the most.
    pub fn max_slots(&self) -> usize {
        self.max_slots
    }

    /// How many passwords and how many keys somebody may log in with now.
    pub fn credentials(&self) -> (usize, usize) {
        let (passwords, keys) = (self.shared.passwords.get(), self.shared.keys.get());
        (passwords.count(), keys.count())
    }

    /// True if it lists only those whose port was proven.
    pub fn requires_check(&self) -> bool {
        self.shared.setting.require_check
    }

    /// How often `part` has moved so far. If it has not moved since `seen`, it is given cause to.
    pub(super) fn progress(&self, part: Part, seen: Option<u64>) -> u64 {
        let (probe, address) = match part {
            Part::GameServerPort => (&self.reception.game_server_probe, self.servers),
            Part::ClientPort => (&self.reception.client_probe, self.clients),
            Part::Reloader => return self.shared.keeper_rounds.get(),
        };
        match seen {
            None => probe.accepted(),
            Some(seen) => probe.probe(address, seen),
        }
    }
}

/// The slots that were asked for if the machine allows them, or else as many of the default as it allows.
fn slots(config: &Config, os_limits: &OsLimits) -> Result<(usize, Limits), StartError> {
    let divide = |max_slots| {
        Limits::divide(max_slots, config.slot_shares).ok_or(StartError::TooFewSlots(max_slots))
    };
    let mut max_slots = config.max_slots.unwrap_or(DEFAULT_MAX_SLOTS);
    let mut limits = divide(max_slots)?;
    loop {
        let Err(shortage) = os_limits.check(Needs::of(limits)) else {
            return Ok((max_slots, limits));
        };
        if config.max_slots.is_some() {
            return Err(StartError::Machine(max_slots, shortage));
        }
        match max_slots.checked_sub(8).map(divide) {
            Some(Ok(fewer)) => limits = fewer,
            _ => return Err(StartError::TooSmall(max_slots, shortage)),
        }
        max_slots -= 8;
    }
}

/// Listens on `asked`, or on `port` of all addresses: of both families where there is IPv6.
fn listen(asked: Option<SocketAddr>, port: u16) -> Result<TcpListener, StartError> {
    if let Some(address) = asked {
        return TcpListener::bind(address).map_err(|error| StartError::Bind(address, error));
    }
    let all = SocketAddr::from((Ipv6Addr::UNSPECIFIED, port));
    let all_v4 = SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
    match TcpListener::bind(all) {
        Ok(listener) => Ok(listener),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Err(StartError::Bind(all, error)),
        Err(_) => TcpListener::bind(all_v4).map_err(|error| StartError::Bind(all_v4, error)),
    }
}
