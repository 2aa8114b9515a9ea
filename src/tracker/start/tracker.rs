//! A tracker that runs: everything is made here, in the order in which it is needed.

use crate::base::log::Log;
use crate::base::random::Random;
use crate::tracker::access::admission::{Admission, Caps};
use crate::tracker::access::network::Network;
use crate::tracker::access::passwords::{PasswordError, Passwords};
use crate::tracker::access::rate_limits::{RateLimit, WORK_RATE};
use crate::tracker::access::slots::{Class, Limits};
use crate::tracker::files::error::FilesError;
use crate::tracker::files::names;
use crate::tracker::files::publish;
use crate::tracker::files::reload::{Reloader, reread, warn_if_open};
use crate::tracker::files::state_file;
use crate::tracker::files::watched_file::WatchedFile;
use crate::tracker::list::registry::Registry;
use crate::tracker::session::Setting;
use crate::tracker::sharing::share::{Share, ShareSecret};
use crate::tracker::sharing::sharer;
use crate::tracker::start::config::{
    CLIENT_PORT, Config, DEFAULT_LISTED_PER_HOST, DEFAULT_LISTED_PER_KEY, DEFAULT_MAX_SLOTS,
    GAME_SERVER_PORT,
};
use crate::tracker::start::error::StartError;
use crate::tracker::start::listeners::open::{PortFacts, open};
use crate::tracker::start::manager::systemd::Part;
use crate::tracker::start::os_limits::{Needs, OsLimits};
use crate::tracker::state::current::Current;
use crate::tracker::state::hidden_servers::HiddenServers;
use crate::tracker::state::shared::Shared;
use crate::tracker::state::sharing_status::Status;
use crate::tracker::state::sockets::udp_probe::UdpProbe;
use crate::tracker::state::stats::Stats;
use crate::tracker::threads::accept::probe::AcceptProbe;
use crate::tracker::threads::port_threads::PortThreads;
use crate::tracker::threads::reception::time_to_write;
use std::fmt;
use std::fs;
use std::net::{Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// A running tracker. It has no end: dropping this leaves it running for as long as the process.
pub struct Tracker {
    pub(super) servers: PortFacts,
    pub(super) clients: PortFacts,
    server_probes: Vec<&'static AcceptProbe>,
    client_probes: Vec<&'static AcceptProbe>,
    max_slots: usize,
    pub(super) proxied: Vec<Network>,
    pub(super) share: Option<Share>,
    pub(crate) shared: &'static Shared,
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
        let (max_slots, limits) = slots(&config, &OsLimits::read())?;
        check_files(&config)?;
        let mut password_file = config.password_file.clone().map(WatchedFile::new);
        let passwords = passwords(&config, &mut password_file).map_err(StartError::Passwords)?;
        let write = |class| time_to_write(class, &config.timings);
        let (mut game_servers, servers_at) =
            open(config.servers, GAME_SERVER_PORT, write(Class::Pending))?;
        let (mut clients, clients_at) = open(config.clients, CLIENT_PORT, write(Class::Client))?;
        let ports = (servers_at.address(), clients_at.address());
        if ports.0 == ports.1 {
            return Err(StartError::SamePort(ports.0));
        }
        // A tracker has no end, so what its threads share is never dropped, and a connection can
        // be given to any of them.
        let shared = share(&config, limits, passwords, ports, log);
        let shared: &'static Shared = Box::leak(Box::new(shared));
        if let Some(path) = secret_file(&config) {
            warn_if_open(&shared.log, path);
        }
        Reloader::start(shared, password_file, config.keys_file, config.bans_file)?;
        // After keys and bans, which say who may come back, and before anybody can ask.
        let kept = match config.state {
            Some(path) => Some(state_file::start(shared, path)?),
            None => None,
        };
        if let Some(folder) = config.publish {
            let page = publish::page::filled(&config.title, &config.link);
            publish::start(shared, folder, page, kept)?;
        }
        if let (Some(share), Some(status)) = (&config.share, &shared.sharing) {
            sharer::start(shared, share.clone(), Arc::clone(status)).map_err(StartError::Thread)?;
        }
        let needs = Needs::of(limits);
        // Not before: whoever waits at a socket that was handed over waits on if this tracker cannot start.
        for listener in clients.iter_mut().chain(&mut game_servers) {
            let address = listener.address;
            let begun = listener.begin();
            begun.map_err(|_| StartError::NotListening(address))?;
        }
        let ports =
            PortThreads::start(shared, config.proxied.clone()).map_err(StartError::Thread)?;
        // The port for clients first, since it has few threads: ten thousand for game servers take a
        // third of a second, and a list that was read from a file can be had meanwhile.
        let client_probes = ports
            .open_to_clients(clients, needs.client_holders)
            .map_err(StartError::Thread)?;
        let server_probes = ports
            .open_to_game_servers(game_servers, needs.game_server_holders)
            .map_err(StartError::Thread)?;
        let queues = (servers_at.queue(), clients_at.queue());
        let proxied: Vec<_> = config.proxied.iter().map(Network::to_string).collect();
        let proxied = proxied.join(",");
        let mut fields: Vec<(_, &dyn fmt::Display)> = vec![
            ("servers", &servers_at),
            ("clients", &clients_at),
            ("max-slots", &max_slots),
            ("servers-queue", &queues.0),
            ("clients-queue", &queues.1),
        ];
        if !proxied.is_empty() {
            fields.push(("proxied", &proxied));
        }
        if let Some(share) = &config.share {
            fields.extend::<[(_, &dyn fmt::Display); 2]>([
                ("share", &share.engine),
                ("share-name", &share.name),
            ]);
        }
        shared.log.info("listening", &fields);
        Ok(Self {
            servers: servers_at,
            clients: clients_at,
            server_probes,
            client_probes,
            max_slots,
            proxied: config.proxied,
            share: config.share,
            shared,
        })
    }

    /// Where game servers connect.
    pub fn servers(&self) -> SocketAddr {
        self.servers.address()
    }

    /// Where clients connect.
    pub fn clients(&self) -> SocketAddr {
        self.clients.address()
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

    /// What must move for it to work.
    pub(super) fn parts(&self) -> Vec<Part> {
        let servers = (0..self.server_probes.len()).map(Part::GameServerPort);
        let clients = (0..self.client_probes.len()).map(Part::ClientPort);
        servers.chain(clients).chain([Part::Reloader]).collect()
    }

    /// Connects to each listener and hangs up, which wakes a thread that accepts.
    pub(super) fn wake_acceptors(&self) {
        for probe in self.server_probes.iter().chain(&self.client_probes) {
            probe.connect();
        }
    }

    /// How often `part` has moved so far. If it has not moved since `seen`, it is given cause to.
    pub(super) fn progress(&self, part: Part, seen: Option<u64>) -> u64 {
        let probe = match part {
            Part::GameServerPort(at) => self.server_probes[at],
            Part::ClientPort(at) => self.client_probes[at],
            Part::Reloader => return self.shared.reloads.get(),
        };
        seen.map_or_else(|| probe.accepted(), |seen| probe.probe(seen))
    }
}

/// The slots that were asked for if the machine allows them, or else as many of the default as it allows.
fn slots(config: &Config, os_limits: &OsLimits) -> Result<(usize, Limits), StartError> {
    let divide = |max_slots| {
        Limits::divide(max_slots, config.slot_shares).ok_or(StartError::TooFewSlots(max_slots))
    };
    let mut max_slots = config.max_slots.unwrap_or(DEFAULT_MAX_SLOTS);
    let mut limits = divide(max_slots)?;
    let needs = |limits| {
        let needs = match config.proxied[..] {
            [] => Needs::of(limits),
            _ => Needs::of(limits).behind_proxy(),
        };
        match config.share {
            None => needs,
            Some(_) => needs.sharing(),
        }
    };
    loop {
        let Err(shortage) = os_limits.check(needs(limits)) else {
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

/// Fails if the files of `config` cannot all be what they are meant to be.
fn check_files(config: &Config) -> Result<(), FilesError> {
    let published = config.publish.as_deref();
    if let Some(path) = published.filter(|path| path.exists() && !path.is_dir()) {
        return Err(FilesError::NoFolder(path.to_owned()));
    }
    let read = [&config.password_file, &config.keys_file, &config.bans_file];
    let secret = secret_file(config);
    let read = read.into_iter().flatten().map(PathBuf::as_path);
    let read: Vec<&Path> = read.chain(secret).collect();
    if let Some(path) = names::clash(config.state.as_deref(), published, &read) {
        return Err(FilesError::Clash(path));
    }
    // It is read again for every connection: a wrong name is better known now.
    let Some(path) = secret else { return Ok(()) };
    let unreadable = |error| FilesError::Unreadable(path.to_owned(), error);
    fs::read_to_string(path).map(drop).map_err(unreadable)
}

/// The file with what the engine is shown.
fn secret_file(config: &Config) -> Option<&Path> {
    match &config.share.as_ref()?.secret {
        ShareSecret::File(path) => Some(path),
        _ => None,
    }
}

/// The passwords of `config`, and those in `file`.
fn passwords(config: &Config, file: &mut Option<WatchedFile>) -> Result<Passwords, PasswordError> {
    let fixed = Passwords::new(config.passwords.clone())?;
    Ok(reread(&fixed, file)?.unwrap_or(fixed))
}

/// What the threads of a tracker share that is at these addresses.
fn share(
    config: &Config,
    slots: Limits,
    passwords: Passwords,
    (servers_at, clients_at): (SocketAddr, SocketAddr),
    log: Log,
) -> Shared {
    let random = Random::open();
    let epoch = random.number() as u32;
    // Behind a proxy game servers connect to another address.
    let reached_at = match config.proxied.is_empty() {
        true => servers_at.ip(),
        false => Ipv6Addr::UNSPECIFIED.into(),
    };
    Shared {
        setting: Setting {
            timings: config.timings,
            game_server_port: servers_at.port(),
            client_port: clients_at.port(),
            require_check: config.require_check,
        },
        log,
        random,
        started: Instant::now(),
        stats: Stats::default(),
        admission: Mutex::new(Admission::new(Caps {
            slots,
            listed_per_host: config.listed_per_host.unwrap_or(DEFAULT_LISTED_PER_HOST),
            listed_per_key: config.listed_per_key.unwrap_or(DEFAULT_LISTED_PER_KEY),
        })),
        registry: Mutex::new(Registry::new(epoch)),
        passwords: Current::new(passwords),
        keys: Default::default(),
        bans: Default::default(),
        udp_probe: UdpProbe::open(reached_at),
        hidden_servers: HiddenServers::default(),
        trusted: config.trusted.clone(),
        last_id: AtomicU64::new(0),
        watched: Default::default(),
        wake: Default::default(),
        answers: Default::default(),
        work: Mutex::new(RateLimit::new(WORK_RATE)),
        reloads: Default::default(),
        accepting: Default::default(),
        sharing: (config.share.as_ref()).map(|_| Arc::new(Status::new(Instant::now()))),
    }
}
