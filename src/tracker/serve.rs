//! `gltracker serve`: starts the tracker and tells the operator what to type next.

use super::doorbell::within;
use super::log::{Level, Log};
use super::notify::Manager;
use super::random::Random;
use super::{Config, DEFAULT_MAX_SLOTS, StartError, Tracker};
use std::fmt::Write as _;
use std::io::Write;
use std::net::SocketAddr;

/// Runs a tracker for ever. If the configuration names no password, one is made up and shown.
///
/// # Errors
/// [`StartError`] when it does not start. Once started it does not return.
pub fn serve(mut config: Config, level: Level) -> Result<std::convert::Infallible, StartError> {
    let log = Log::start(level, std::io::stderr()).map_err(StartError::Thread)?;
    log_panics(log.clone());
    let mut made_up = None;
    let files = [&config.password_file, &config.keys_file];
    if config.passwords.is_empty() && files.iter().all(|file| file.is_none()) {
        let password = Random::open().password();
        config.passwords.push(password.clone());
        made_up = Some(password);
    }
    let asked_for_slots = config.max_slots.is_some();
    let tracker = Tracker::start(config, log.clone())?;
    let manager = Manager::from_environment(|name| std::env::var_os(name));
    manager.say_ready(&tracker);
    if !asked_for_slots && tracker.max_slots() < DEFAULT_MAX_SLOTS {
        let why = "the limits of this machine allow no more; --max-slots tells which";
        let fields: [(&str, &dyn std::fmt::Display); 3] = [
            ("max-slots", &tracker.max_slots()),
            ("instead-of", &DEFAULT_MAX_SLOTS),
            ("why", &why),
        ];
        log.event(Level::Warn, "fewer-slots", &fields);
    }
    // A closed standard output is no reason to stop: the tracker runs.
    let mut stdout = std::io::stdout();
    let _ = stdout.write_all(guide(&tracker, made_up.as_deref()).as_bytes());
    let _ = stdout.flush();
    manager.feed_watchdog(&tracker, &log)
}

/// Makes a panic one line of the log instead of several on standard error.
fn log_panics(log: Log) {
    std::panic::set_hook(Box::new(move |info| {
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        let payload = info.payload();
        let message = payload.downcast_ref::<&str>().copied();
        let message = message.or(payload.downcast_ref::<String>().map(String::as_str));
        let message = message.unwrap_or("no message");
        log.event(
            Level::Error,
            "panic",
            &[("place", &place), ("message", &message)],
        );
    }));
}

/// What to type next.
fn guide(tracker: &Tracker, made_up: Option<&str>) -> String {
    let (servers, clients) = (reachable(tracker.servers()), reachable(tracker.clients()));
    let mut text = String::new();
    // Writing into a String does not fail.
    let _ = writeln!(
        text,
        "gltracker {} is running: game servers log in on port {}, clients ask on port {}.",
        env!("CARGO_PKG_VERSION"),
        servers.port(),
        clients.port()
    );
    let password = match made_up {
        Some(password) => {
            let _ = writeln!(
                text,
                "The password is {password}, made up for this run; choose your own with \
                 GLTRACKER_PASSWORD or --password-file."
            );
            password
        }
        None => "<password>",
    };
    let _ = write!(
        text,
        "
Put a game server on the list, in a second terminal:

    nc {} {}
    LOGIN {password}
    INFOS <the number you were sent> port=23460 description=\"My first server\"

See the list, in a third:

    printf 'LIST\\nQUIT\\n' | nc {} {}

The tracker sends PING <word> every 15 s of silence; type PONG <word> within 15 s to stay listed.
HELP on either port says more.
",
        servers.ip(),
        servers.port(),
        clients.ip(),
        clients.port()
    );
    text
}

/// The address to type on this machine for what listens on `address`: IPv4 if there is a choice,
/// which every netcat speaks.
fn reachable(address: SocketAddr) -> SocketAddr {
    let addresses = within(address);
    let easiest = addresses.iter().find(|address| address.is_ipv4());
    *easiest.or(addresses.first()).unwrap_or(&address)
}
