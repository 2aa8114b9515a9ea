//! The daemon: who is listed, who may connect, and the two conversations.
//!
//! The pure modules ([`registry`], [`admission`], [`session`]) decide; they have no I/O and are
//! given the time. The others own what the pure ones never see: [`pool`] and [`roster`] the threads
//! and the listeners, [`connection`] the sockets, [`watched_file`] what the operator writes, [`log`]
//! standard error, [`state_file`] the list on the disk, [`publish`] the files for the rest of the
//! world, [`machine`] the limits of the system. `services` and `seat` are where the two meet.

pub mod admission;
pub mod bans;
pub mod connection;
pub mod credentials;
pub mod doorbell;
pub mod entry;
pub mod history;
pub mod keys;
pub mod list;
pub mod log;
pub mod machine;
pub mod network;
pub mod notify;
pub mod penalties;
pub mod pool;
pub mod publish;
pub mod random;
pub mod reachability;
pub mod registry;
pub mod resting;
pub mod roster;
pub mod serve;
pub mod session;
pub mod slots;
pub mod state_file;
pub mod stats;
pub mod watched_file;

mod answers;
mod conversation;
mod current;
mod guests;
mod keeper;
mod lasting;
mod lock;
mod lounge;
mod outage;
mod outsiders;
mod places;
mod seat;
mod services;
mod start_error;
mod unattended;
mod watchers;

pub use start_error::StartError;

use admission::{Admission, Caps, WORK_RATE};
use conversation::Roster;
use credentials::{Passwords, Reread};
use current::Current;
use keeper::Keeper;
use log::{Level, Log};
use machine::{Machine, Needs};
use network::Network;
use notify::Part;
use outsiders::Outsiders;
use penalties::Rate;
use random::Random;
use reachability::Reachability;
use registry::Registry;
use services::Shared;
use session::{Setting, Timings};
use slots::{Limits, SlotShares};
use stats::Stats;
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::time::Instant;
use watched_file::WatchedFile;

/// Slots when nobody says how many.
pub const DEFAULT_MAX_SLOTS: usize = 1024;

/// Game servers on the list for one host when nobody says how many.
pub const DEFAULT_LISTED_PER_HOST: usize = 16;

/// Game servers on the list for one key when nobody says how many.
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
    /// [`serve`](serve::serve).
    pub credentials: Option<PathBuf>,
    /// Where the list is kept, so that it survives a restart of the tracker.
    pub state: Option<PathBuf>,
    /// Lists only game servers whose UDP port was proven to answer.
    pub require_check: bool,
    /// Networks without caps, rates and penalties, whose game servers may name another `ip`.
    pub trusted: Vec<Network>,
    /// Game servers on the list for one host; `None` for [`DEFAULT_LISTED_PER_HOST`].
    pub listed_per_host: Option<usize>,
    /// Game servers on the list for one key; `None` for [`DEFAULT_LISTED_PER_KEY`].
    pub listed_per_key: Option<usize>,
    /// A folder for the files of [`publish`].
    pub publish: Option<PathBuf>,
    /// How long anything may take.
    pub timings: Timings,
}

/// A running tracker. It has no end: dropping this leaves it running for as long as the process.
pub struct Tracker {
    servers: SocketAddr,
    clients: SocketAddr,
    max_slots: usize,
    shared: &'static Shared,
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
    /// Starts a tracker: all its threads are running and both doors open when this returns.
    ///
    /// # Errors
    /// [`StartError`], with a text that says what to change. What was opened until then is left
    /// to the end of the process.
    pub fn start(config: Config, log: Log) -> Result<Self, StartError> {
        config.timings.check().map_err(StartError::Timings)?;
        let machine = Machine::read();
        let (max_slots, limits) = slots(&config, &machine)?;
        let needs = Needs::of(limits);
        let published = config.publish.as_ref();
        if let Some(path) = published.filter(|path| path.exists() && !path.is_dir()) {
            return Err(StartError::NoFolder(path.clone()));
        }
        let read = [&config.password_file, &config.keys_file, &config.bans_file];
        let read: Vec<&Path> = read.into_iter().flatten().map(PathBuf::as_path).collect();
        let (state, published) = (config.state.as_deref(), published.map(PathBuf::as_path));
        if let Some(path) = places::clash(state, published, &read) {
            return Err(StartError::Clash(path));
        }
        let mut passwords = Passwords::new(config.passwords).map_err(StartError::Passwords)?;
        let mut password_file = config.password_file.map(WatchedFile::new);
        if let Some(file) = &mut password_file {
            match passwords.reread(file) {
                Reread::Same => {}
                Reread::Changed(more) => passwords = more,
                Reread::Kept(error) => return Err(StartError::Passwords(error)),
            }
        }
        let game_servers = listen(config.servers, GAME_SERVER_PORT)?;
        let clients = listen(config.clients, CLIENT_PORT)?;
        let local = |listener: &TcpListener, asked: Option<SocketAddr>, port| {
            let unknown = SocketAddr::from((Ipv6Addr::UNSPECIFIED, port));
            listener
                .local_addr()
                .map_err(|error| StartError::Bind(asked.unwrap_or(unknown), error))
        };
        let inheritable =
            |listener| pool::preset(listener, &config.timings).map_err(StartError::Thread);
        let (game_servers, clients) = (inheritable(game_servers)?, inheritable(clients)?);
        let servers_at = local(&game_servers, config.servers, GAME_SERVER_PORT)?;
        let clients_at = local(&clients, config.clients, CLIENT_PORT)?;
        let game_server_roster =
            Roster::with_waiters(needs.game_server_workers).map_err(StartError::Thread)?;
        let client_roster = Roster::few_at_the_door().map_err(StartError::Thread)?;
        let random = Random::open();
        let epoch = random.number() as u32;
        // A tracker has no end, so what its threads share is never dropped, and a conversation can
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
            reachability: Reachability::open(servers_at.ip()),
            outsiders: Outsiders::default(),
            trusted: config.trusted,
            last_id: AtomicU64::new(0),
            watchers: Default::default(),
            answers: Default::default(),
            work: Mutex::new(Rate::new(WORK_RATE)),
            game_server_roster,
            client_roster,
            game_server_bell: Default::default(),
            client_bell: Default::default(),
            keeper_rounds: Default::default(),
            lounge: Default::default(),
            guests: Default::default(),
        }));
        Keeper::start(shared, password_file, config.keys_file, config.bans_file)?;
        // After keys and bans, which say who may come back, and before anybody can ask.
        if let Some(path) = config.state {
            state_file::start(shared, path)?;
        }
        watchers::start(shared).map_err(StartError::Thread)?;
        guests::start(shared).map_err(StartError::Thread)?;
        if let Some(folder) = config.publish {
            publish::start(shared, folder)?;
        }
        shared
            .lounge
            .start(pool::STACK)
            .map_err(StartError::Thread)?;
        // The one for clients first, since it has few threads: ten thousand for game servers take a
        // third of a second, and a list that was read from a file can be had meanwhile.
        pool::open_door(
            "clients",
            clients,
            &shared.client_bell,
            &shared.client_roster,
            needs.client_threads,
            log.clone(),
            move |place, stream, peer| shared.receive_client(place, stream, peer),
        )
        .map_err(StartError::Thread)?;
        pool::open_door(
            "game-servers",
            game_servers,
            &shared.game_server_bell,
            &shared.game_server_roster,
            needs.game_server_threads,
            log.clone(),
            move |place, stream, peer| shared.receive_game_server(place, stream, peer),
        )
        .map_err(StartError::Thread)?;
        log.event(
            Level::Info,
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

    /// How often `part` has moved so far.
    pub fn progress(&self, part: Part) -> u64 {
        match part {
            Part::GameServerDoor => self.shared.game_server_bell.opened(),
            Part::ClientDoor => self.shared.client_bell.opened(),
            Part::Keeper => self.shared.keeper_rounds.get(),
        }
    }

    /// The same, after a door that has not moved since `seen` was given cause to.
    pub fn urge(&self, part: Part, seen: u64) -> u64 {
        match part {
            Part::GameServerDoor => self.shared.game_server_bell.ring(self.servers, seen),
            Part::ClientDoor => self.shared.client_bell.ring(self.clients, seen),
            Part::Keeper => self.progress(part),
        }
    }
}

/// The slots that were asked for if the machine allows them, or as many of the default as it does.
fn slots(config: &Config, machine: &Machine) -> Result<(usize, Limits), StartError> {
    let divide = |max_slots| {
        Limits::divide(max_slots, config.slot_shares).ok_or(StartError::TooFewSlots(max_slots))
    };
    let mut max_slots = config.max_slots.unwrap_or(DEFAULT_MAX_SLOTS);
    let mut limits = divide(max_slots)?;
    loop {
        let Err(shortage) = machine.check(Needs::of(limits)) else {
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
