//! A game server on the lists of its trackers, for as long as this value lives.

use super::event::{Event, Happening};
use super::link::{Link, Mailbox, Shared, Siblings};
use super::session::{Credential, fields};
use super::tracker_address::TrackerAddress;
use crate::base::io_error::in_words;
use crate::base::mutex::lock;
use crate::protocol::fields::{Changes, Infos};
use crate::protocol::refusal::Refusal;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::{fmt, io};

/// Keeps a game server on the lists of some trackers: logs in, answers challenges and pings,
/// comes back when a tracker was away, and says what has changed. Each tracker has a connection
/// and a state of its own. Dropping it takes the game server off the lists.
///
/// Nothing here blocks the game: an update is remembered, and sent at most ten times a second with
/// the last value always delivered. Only dropping may take a moment, in which trackers are told;
/// one that does not answer is not waited for longer than a few seconds.
///
/// ```
/// # use gltracker::tracker::{Config, Tracker, log::{Level, Log}};
/// # let config = Config {
/// #     servers: Some("127.0.0.1:0".parse()?), clients: Some("127.0.0.1:0".parse()?),
/// #     passwords: vec!["secret".into()], max_slots: Some(16), ..Config::default()
/// # };
/// # let tracker = Tracker::start(config, Log::start(Level::Error, std::io::stderr())?)?;
/// # let my_tracker = tracker.servers().to_string();
/// use gltracker::game_server::{Announcer, Credential, Happening};
/// use std::sync::mpsc;
/// use std::time::Duration;
///
/// let (events, happened) = mpsc::channel();
/// let announcer = Announcer::start(
///     vec![my_tracker.parse()?],
///     Credential::password("secret")?,
///     "port=23460 maxplayers=8 description=\"Friday cycles\"",
///     move |event| {
///         println!("{event}");
///         let _ = events.send(event);
///     },
/// )?;
/// announcer.set_players(3)?;
/// announcer.update("map", "old town")?;
///
/// let event = happened.recv_timeout(Duration::from_secs(20))?;
/// assert_eq!(event.what, Happening::Listed("127.0.0.1:23460".to_owned()));
/// drop(announcer);
/// assert_eq!(happened.recv_timeout(Duration::from_secs(20))?.what, Happening::Left);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Announcer {
    shared: Arc<SharedState>,
    mailboxes: Vec<Arc<Mailbox>>,
    threads: Vec<JoinHandle<()>>,
}

/// Why an announcement was not started.
#[derive(Debug)]
pub enum StartError {
    /// The fields are not what a game server may say about itself.
    Fields(Refusal),
    /// There is no tracker to announce it to.
    NoTracker,
    /// The system has no thread left.
    Thread(io::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fields(refusal) => f.write_str(&refusal.text),
            Self::NoTracker => f.write_str("there is no tracker to announce it to"),
            Self::Thread(error) => write!(f, "a thread cannot be started: {}", in_words(error)),
        }
    }
}

impl std::error::Error for StartError {}

/// What the threads of all trackers share.
struct SharedState {
    wanted: Mutex<Infos>,
    trackers: Vec<TrackerAddress>,
    /// How many trackers have not refused for good.
    hopeful: AtomicUsize,
    is_hidden: AtomicBool,
    on_event: Box<dyn Fn(Event) + Send + Sync>,
}

impl fmt::Debug for SharedState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wanted = self.wanted();
        f.debug_struct("SharedState")
            .field("wanted", &wanted)
            .finish_non_exhaustive()
    }
}

impl Shared for SharedState {
    fn wanted(&self) -> Infos {
        lock(&self.wanted).clone()
    }

    fn trackers(&self) -> &[TrackerAddress] {
        &self.trackers
    }

    fn tell(&self, event: Event) {
        if let Happening::Refused { again_in: None, .. } = event.what {
            self.hopeful.fetch_sub(1, Ordering::Relaxed);
        }
        (self.on_event)(event);
    }
}

impl Announcer {
    /// Starts to announce a game server of these fields (`key=value …`, with values in double
    /// quotes where they have spaces; `port` is needed) to each of these trackers; one that is
    /// named twice counts once. It returns at once; what becomes of it is told to `on_event`, from
    /// other threads, which wait for it.
    ///
    /// # Errors
    /// When the fields are not what a game server may say, there is no tracker, or the system has
    /// no thread left.
    pub fn start(
        trackers: Vec<TrackerAddress>,
        credential: Credential,
        fields: &str,
        on_event: impl Fn(Event) + Send + Sync + 'static,
    ) -> Result<Self, StartError> {
        let changes = Changes::parse(fields).map_err(StartError::Fields)?;
        let infos = fields::merged(&Infos::default(), &changes).map_err(StartError::Fields)?;
        Self::start_with(trackers, credential, infos, false, on_event)
    }

    /// As [`start`](Self::start), with fields that are valid together, and off the lists for now if
    /// `is_hidden`.
    pub(super) fn start_with(
        trackers: Vec<TrackerAddress>,
        credential: Credential,
        infos: Infos,
        is_hidden: bool,
        on_event: impl Fn(Event) + Send + Sync + 'static,
    ) -> Result<Self, StartError> {
        // Two connections to one tracker would take the entry from each other.
        let mut distinct: Vec<TrackerAddress> = Vec::new();
        for tracker in trackers {
            if !distinct.contains(&tracker) {
                distinct.push(tracker);
            }
        }
        if distinct.is_empty() {
            return Err(StartError::NoTracker);
        }
        let mut announcer = Self {
            shared: Arc::new(SharedState {
                wanted: Mutex::new(infos),
                hopeful: AtomicUsize::new(distinct.len()),
                trackers: distinct.clone(),
                is_hidden: AtomicBool::new(is_hidden),
                on_event: Box::new(on_event),
            }),
            mailboxes: Vec::new(),
            threads: Vec::new(),
        };
        let credential = Arc::new(credential);
        let siblings = Arc::new(Mutex::new(Siblings::new(distinct.len())));
        for (number, tracker) in distinct.into_iter().enumerate() {
            let mailbox = Arc::new(Mailbox::default());
            mailbox.set_hidden(is_hidden);
            announcer.mailboxes.push(Arc::clone(&mailbox));
            let link = Link {
                tracker,
                number,
                siblings: Arc::clone(&siblings),
                credential: Arc::clone(&credential),
                mailbox,
                shared: Arc::clone(&announcer.shared),
            };
            let thread = link.start().map_err(StartError::Thread)?;
            announcer.threads.push(thread);
        }
        Ok(announcer)
    }

    /// Sets one field, or removes it when `value` is empty. The value needs no quotes.
    ///
    /// # Errors
    /// When the key or the value is not allowed, or the game server would have too many fields;
    /// nothing has changed then.
    pub fn update(&self, key: &str, value: &str) -> Result<(), Refusal> {
        self.apply(&Changes::of_one(key, value)?)
    }

    /// Says how many players there are (`nbplayers`).
    ///
    /// # Errors
    /// When there is no room for one more field; never if `nbplayers` was said before.
    pub fn set_players(&self, players: u16) -> Result<(), Refusal> {
        self.update("nbplayers", &players.to_string())
    }

    /// Changes several fields at once: `key=value …` as in an INFOS line; `key=` removes a field.
    ///
    /// # Errors
    /// As [`update`](Self::update).
    pub fn say(&self, fields: &str) -> Result<(), Refusal> {
        self.apply(&Changes::parse(fields)?)
    }

    pub(super) fn apply(&self, changes: &Changes) -> Result<(), Refusal> {
        let mut wanted = lock(&self.shared.wanted);
        let infos = fields::merged(&wanted, changes)?;
        if infos == *wanted {
            return Ok(());
        }
        *wanted = infos;
        drop(wanted);
        for mailbox in &self.mailboxes {
            mailbox.change();
        }
        Ok(())
    }

    /// What the game server says about itself now.
    pub fn fields(&self) -> Infos {
        self.shared.wanted()
    }

    /// The UDP port that pings and proofs come to: `pingport`, or else `port`.
    pub fn udp_port(&self) -> u16 {
        fields::udp_port(&lock(&self.shared.wanted))
    }

    /// True once every tracker has refused for good.
    pub fn is_hopeless(&self) -> bool {
        self.shared.hopeful.load(Ordering::Relaxed) == 0
    }

    /// Passes on numbers that come in datagrams. Outlives the announcer, and does nothing then.
    pub fn relay(&self) -> Relay {
        Relay {
            shared: Arc::clone(&self.shared),
            mailboxes: self.mailboxes.clone(),
        }
    }

    /// Takes the game server off the lists for a while, or puts it back.
    pub(super) fn set_hidden(&self, is_hidden: bool) {
        self.shared.is_hidden.store(is_hidden, Ordering::Relaxed);
        for mailbox in &self.mailboxes {
            mailbox.set_hidden(is_hidden);
        }
    }
}

impl Drop for Announcer {
    fn drop(&mut self) {
        for mailbox in &self.mailboxes {
            mailbox.stop();
        }
        for thread in self.threads.drain(..) {
            // A callback may drop the announcer: then this is one of the threads, and ends later. A
            // thread that has panicked has closed its connection as well.
            if thread.thread().id() != std::thread::current().id() {
                let _ = thread.join();
            }
        }
    }
}

/// Takes the numbers that come to a game's own UDP port; see [`Datagram`](super::Datagram).
#[derive(Debug, Clone)]
pub struct Relay {
    shared: Arc<SharedState>,
    mailboxes: Vec<Arc<Mailbox>>,
}

impl Relay {
    /// Passes on the number of a datagram `CHALLENGE <number>` that came from this address. It goes
    /// to the tracker at that address only, since another tracker could use it to pass itself off as
    /// this game server. From an address of no tracker, which may be that of a NAT, it goes to all. If
    /// many numbers wait, the latest of each sender is sent.
    pub fn pass_on(&self, number: u64, from: SocketAddr) {
        let is_there = |mailbox: &&Arc<Mailbox>| {
            let tracker = mailbox.tracker().map(|ip| ip.to_canonical());
            tracker == Some(from.ip().to_canonical())
        };
        let known = self.mailboxes.iter().any(|mailbox| is_there(&mailbox));
        let meant = self.mailboxes.iter();
        for mailbox in meant.filter(|mailbox| !known || is_there(mailbox)) {
            mailbox.number(number, from);
        }
    }

    /// The UDP port that the lists say.
    pub(super) fn udp_port(&self) -> u16 {
        fields::udp_port(&lock(&self.shared.wanted))
    }

    /// The addresses of this host under which it may be listed: those from which its trackers were
    /// reached, and the one that it names.
    pub(super) fn addresses(&self) -> Vec<SocketAddr> {
        let named = lock(&self.shared.wanted)
            .get("ip")
            .and_then(|ip| ip.parse().ok());
        let named = named.map(|ip: IpAddr| SocketAddr::new(ip.to_canonical(), 0));
        let reached = self.mailboxes.iter().filter_map(|mailbox| mailbox.local());
        reached.chain(named).collect()
    }

    /// True while the game server is taken off the lists because it does not seem to run.
    pub(super) fn is_hidden(&self) -> bool {
        self.shared.is_hidden.load(Ordering::Relaxed)
    }
}
