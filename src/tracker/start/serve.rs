//! `gltracker serve`: starts the tracker and tells the operator what to type next.

use crate::base::random::Random;
use crate::protocol::text::spelled_out;
use crate::tracker::start::config::{Config, DEFAULT_MAX_SLOTS};
use crate::tracker::start::error::StartError;
use crate::tracker::start::systemd::Manager;
use crate::tracker::start::tracker::Tracker;
use crate::tracker::state::log::lasting;
use crate::tracker::state::log::{Level, Log};
use crate::tracker::threads::accept::probe::within;
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
    let status = status(&tracker);
    manager.say_ready(&status);
    if !asked_for_slots && tracker.max_slots() < DEFAULT_MAX_SLOTS {
        let why = "the limits of this machine allow no more; --max-slots tells which";
        log.warn(
            "fewer-slots",
            &[
                ("max-slots", &tracker.max_slots()),
                ("instead-of", &DEFAULT_MAX_SLOTS),
                ("why", &why),
            ],
        );
    }
    // After the line that says where it listens, which comes first.
    for UnknownVariable { name, hint } in unknown {
        let so = "it changes nothing";
        log.warn(
            "unknown-variable",
            &[("name", name), ("so", &so), ("hint", hint)],
        );
    }
    // Nobody types behind a service manager, so the guide would only fill the journal at every start. But a
    // password that was made up is shown nowhere else.
    if made_up.is_some() || !manager.is_there() {
        // A closed standard output is no reason to stop: the tracker runs.
        let mut stdout = std::io::stdout();
        let _ = stdout.write_all(guide(&tracker, made_up.as_deref(), &places).as_bytes());
        let _ = stdout.flush();
    }
    loop {
        lasting::run("watchdog", &log, || {
            manager.feed_watchdog(&status, |part, seen| tracker.progress(part, seen), &log)
        });
    }
}

/// What a service manager shows while all is well.
fn status(tracker: &Tracker) -> String {
    let (servers, clients) = (tracker.servers(), tracker.clients());
    format!("game servers log in at {servers}, clients ask at {clients}")
}

/// Takes the files that no other field names from the folder that a service manager hands over.
///
/// If the folder cannot be used, and a password would be made up for that reason. A file in the folder that
/// cannot be read is an error later, as if the operator had named it.
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
        // The link itself is looked at: one that leads to nothing was meant to be something.
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
    log.warn(
        "credentials-not-read",
        &[("folder", &folder), ("error", &error), ("so", &so)],
    );
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
        log.error("panic", &[("place", &place), ("message", &message)]);
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

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_tracker_whose_list_is_never_given_back_is_not_fed() {
        use crate::base::mutex::lock;
        use std::os::unix::net::UnixDatagram;
        let path = std::env::temp_dir().join(format!("gltracker-stuck-{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let socket = UnixDatagram::bind(&path).unwrap();
        socket
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        let hear = || {
            let mut buffer = [0; 100];
            // Linux ends this wait in a process that was stopped and goes on.
            let length = loop {
                match socket.recv(&mut buffer) {
                    Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                    length => break length.unwrap(),
                }
            };
            String::from_utf8(buffer[..length].to_vec()).unwrap()
        };
        let anywhere = Some("127.0.0.1:0".parse().unwrap());
        let config = Config {
            servers: anywhere,
            clients: anywhere,
            max_slots: Some(16),
            ..Config::default()
        };
        let log = Log::start(Level::Error, std::io::sink()).unwrap();
        let tracker = Tracker::start(config, log.clone()).unwrap();
        let shared = tracker.shared;
        let manager = Manager::from_environment(|name| match name {
            "NOTIFY_SOCKET" => Some(path.clone().into()),
            "WATCHDOG_USEC" => Some("600000".into()),
            _ => None,
        });
        let status = status(&tracker);
        let well = format!("STATUS={status}");
        std::thread::spawn(move || {
            manager.feed_watchdog(&status, |part, seen| tracker.progress(part, seen), &log)
        });
        let soon = |said: &str| (0..50).any(|_| hear() == said);
        assert!(soon("WATCHDOG=1"));
        let held = lock(&shared.registry);
        let stuck = "STATUS=stuck: reading the files again";
        assert!(soon(stuck));
        for _ in 0..2 {
            assert_eq!(hear(), stuck, "once it is stuck it is not fed");
        }
        drop(held);
        assert!(soon(&well), "it is not called stuck any more");
        assert!(soon("WATCHDOG=1"));
        let _ = std::fs::remove_file(&path);
    }
}
