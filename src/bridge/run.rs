//! `gltracker bridge`: everything is made here, in the order in which it is needed.

use super::desk::Desk;
use super::error::BridgeError;
use super::hall::{Counters, Door, Hall, Opened};
use super::report;
use super::state_file::StateFile;
use super::upstream;
use crate::base::log::{Level, Log, lasting};
use crate::client::TrackerAddress as ClientsAddress;
use crate::game_server::secret::credential;
use crate::game_server::{Secret, TrackerAddress};
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

/// What a bridge is to do.
#[derive(Debug)]
pub struct Options {
    /// Where it logs in.
    pub tracker: TrackerAddress,
    /// Where it asks for the list.
    pub clients: ClientsAddress,
    /// The name of a key, if there is one.
    pub key: Option<String>,
    /// The password, or the secret of the key.
    pub secret: Secret,
    /// Where it remembers whom it has listed.
    pub state: Option<PathBuf>,
    /// The folder for its metrics.
    pub publish: Option<PathBuf>,
    /// Its doors, one at least.
    pub doors: Vec<Box<dyn Door>>,
    /// What it logs.
    pub level: Level,
}

/// Runs a bridge for ever.
///
/// # Errors
/// [`BridgeError`] when it does not start. Once started it does not return.
pub fn bridge(options: Options) -> Result<std::convert::Infallible, BridgeError> {
    let log = Log::start(options.level, std::io::stderr()).map_err(BridgeError::Thread)?;
    lasting::log_panics(log.clone());
    let guide = start(options, log)?;
    // A closed standard output is no reason to stop: the bridge runs.
    let _ = std::io::stdout().write_all(guide.as_bytes());
    loop {
        std::thread::park();
    }
}

/// Starts a bridge, which lives as long as the process. Returns what its operator is told.
///
/// # Errors
/// [`BridgeError`].
pub fn start(options: Options, log: Log) -> Result<String, BridgeError> {
    let secret = options.secret.read().map_err(BridgeError::Secret)?;
    let credential = credential(options.key.as_deref(), &secret).map_err(BridgeError::Secret)?;
    let hall = Hall {
        desk: Arc::new(Desk::default()),
        log,
        counters: Counters::default(),
    };
    let open = |path: PathBuf| {
        let opened = StateFile::open(path.clone(), &hall);
        opened.map_err(|why| BridgeError::Path("--state", path, why))
    };
    let state = options.state.map(open).transpose()?;
    report::start(&hall, options.publish)?;
    let mut guide = format!(
        "gltracker {} bridge is running: it logs in at {}, and asks {} for the list.\n",
        env!("CARGO_PKG_VERSION"),
        options.tracker,
        options.clients
    );
    for door in options.doors {
        let word = door.word();
        let opened = door.open(&hall);
        let opened = opened.map_err(|error| BridgeError::Door(word, error))?;
        say_open(word, &opened, &hall.log);
        guide += &opened.guide;
    }
    // The file is written when all doors are open: a bridge that does not start changes nothing.
    let kept = state.map_or(Ok(()), |state| state.keep(&hall));
    kept.and_then(|()| upstream::start(&hall, options.tracker, options.clients, credential))
        .map_err(BridgeError::Thread)?;
    Ok(guide)
}

/// Logs where a door listens.
fn say_open(word: &str, opened: &Opened, log: &Log) {
    let at: Vec<String> = opened.at.iter().map(SocketAddr::to_string).collect();
    log.info("listening", &[("door", &word), ("at", &at.join(","))]);
}
