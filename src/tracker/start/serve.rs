//! `gltracker serve`: starts the tracker and tells the operator what to type next.

use crate::base::random::Random;
use crate::protocol::text::spelled_out;
use crate::tracker::start::systemd::Manager;
use crate::tracker::state::lasting;
use crate::tracker::state::log::{Level, Log};
use crate::tracker::threads::accept_probe::within;
use crate::tracker::{Config, DEFAULT_MAX_SLOTS, StartError, Tracker};
use std::fmt::Write as _;
use std::fs;
use std::io::{ErrorKind, Write};
use std::net::SocketAddr;
use std::path::PathBuf;

/// The longest path shown, in characters: the longest that Linux takes.
const MAX_PATH: usize = 4096;

/// A variable of the environment that looks like a setting and is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownVariable {
    /// What it is called.
    pub name: String,
    /// What it may have meant, for a person.
    pub hint: String,
}

/// Runs a tracker for ever. If the configuration names no password, one is made up and shown. The
/// variables that are `unknown` are mentioned in the log.
///
/// # Errors
/// [`StartError`] when it does not start. Once started it does not return.
pub fn serve(
    mut config: Config,
    level: Level,
    unknown: &[UnknownVariable],
) -> Result<std::convert::Infallible, StartError> {
    let log = Log::start(level, std::io::stderr()).map_err(StartError::Thread)?;
    log_panics(log.clone());
    take_from_manager(&mut config, &log)?;
    let mut made_up = None;
    let files = [&config.password_file, &config.keys_file];
    if config.passwords.is_empty() && files.iter().all(|file| file.is_none()) {
        let password = Random::open().password();
        config.passwords.push(password.clone());
        made_up = Some(password);
    }
    let asked_for_slots = config.max_slots.is_some();
    let places = [
        ("The list is kept in", config.state.clone()),
        ("It is published in", config.publish.clone()),
    ];
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
    // Not before it listens: that is what the first line says.
    for UnknownVariable { name, hint } in unknown {
        let so = "it changes nothing";
        let fields: [(&str, &dyn std::fmt::Display); 3] =
            [("name", name), ("so", &so), ("hint", hint)];
        log.event(Level::Warn, "unknown-variable", &fields);
    }
    // Nobody types behind a service manager, whose journal has it at every start; but a password
    // that was made up is said nowhere else.
    if made_up.is_some() || !manager.is_there() {
        // A closed standard output is no reason to stop: the tracker runs.
        let mut stdout = std::io::stdout();
        let _ = stdout.write_all(guide(&tracker, made_up.as_deref(), &places).as_bytes());
        let _ = stdout.flush();
    }
    loop {
        lasting::run("watchdog", &log, || manager.feed_watchdog(&tracker, &log));
    }
}

/// What nobody has named, and a service manager hands over in a folder, is taken from there.
///
/// # Errors
/// If the folder cannot be used and a password would be made up for that reason. What is in the
/// folder and cannot be read is an error later, as if somebody had named it.
fn take_from_manager(config: &mut Config, log: &Log) -> Result<(), StartError> {
    let Some(folder) = config.credentials.take() else {
        return Ok(());
    };
    let has_password = !config.passwords.is_empty();
    let mut trouble = fs::metadata(&folder).err();
    for (file, name, is_given) in [
        (&mut config.password_file, "password", has_password),
        (&mut config.keys_file, "keys", false),
        (&mut config.bans_file, "bans", false),
    ] {
        if file.is_some() || is_given {
            continue;
        }
        let path = folder.join(name);
        // Not followed: a link to nothing was to be something.
        match fs::symlink_metadata(&path) {
            Ok(_) => *file = Some(path),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => trouble = Some(error),
        }
    }
    let Some(error) = trouble else { return Ok(()) };
    if !has_password && config.password_file.is_none() && config.keys_file.is_none() {
        return Err(StartError::NoCredentials(folder, error));
    }
    let (folder, so) = (folder.display(), "nothing is taken from there");
    let fields: [(&str, &dyn std::fmt::Display); 3] =
        [("folder", &folder), ("error", &error), ("so", &so)];
    log.event(Level::Warn, "credentials-not-read", &fields);
    Ok(())
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

/// What was asked for, and what to type next.
fn guide(tracker: &Tracker, made_up: Option<&str>, places: &[(&str, Option<PathBuf>)]) -> String {
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
    for (what, path) in places {
        if let Some(path) = path {
            let path = spelled_out(&path.to_string_lossy(), MAX_PATH);
            let _ = writeln!(text, "{what} {path}.");
        }
    }
    let login = match made_up {
        Some(password) => {
            let _ = writeln!(
                text,
                "The password is {password}, made up for this run; choose your own with \
                 GLTRACKER_PASSWORD or --password-file."
            );
            format!("LOGIN {password}")
        }
        None => {
            let (passwords, keys) = tracker.credentials();
            let login = match passwords {
                0 => "LOGIN name=<your key>, and INFOS with mac=<as PROTOCOL.md says>",
                _ => "LOGIN <password>",
            };
            let count =
                |count, what| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
            let (passwords, keys) = (count(passwords, "password"), count(keys, "key"));
            let _ = writeln!(text, "Game servers may log in with {passwords} and {keys}.");
            login.to_owned()
        }
    };
    if tracker.requires_check() {
        let _ = writeln!(
            text,
            "Only those are listed whose UDP port sends back a CHALLENGE; 'gltracker announce --pong' does."
        );
    }
    let _ = write!(
        text,
        "
Put a game server on the list, in a second terminal:

    nc {} {}
    {login}
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
