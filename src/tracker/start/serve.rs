//! `gltracker serve`: starts the tracker and feeds the watchdog.

use crate::base::log::lasting;
use crate::base::log::{Level, Log};
use crate::base::random::Random;
use crate::tracker::start::config::{Config, DEFAULT_MAX_SLOTS};
use crate::tracker::start::error::StartError;
use crate::tracker::start::guide::guide;
use crate::tracker::start::listeners::handed_over::is_stdout_a_socket;
use crate::tracker::start::manager::folder::take_from_manager;
use crate::tracker::start::manager::systemd::Manager;
use crate::tracker::start::termination::Termination;
use crate::tracker::start::tracker::Tracker;
use std::io::Write;

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
    lasting::log_panics(log.clone());
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
    let termination = Termination::of(&tracker);
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
    for (port, facts) in [("servers", &tracker.servers), ("clients", &tracker.clients)] {
        if let Some(families @ ("IPv4 only" | "IPv6 only")) = facts.families() {
            log.warn("one-family", &[("port", &port), ("served", &families)]);
        }
    }
    for UnknownVariable { name, hint } in unknown {
        let so = "it changes nothing";
        log.warn(
            "unknown-variable",
            &[("name", name), ("so", &so), ("hint", hint)],
        );
    }
    let socket = std::env::var_os("NOTIFY_SOCKET").unwrap_or_default();
    if !socket.is_empty() && !manager.is_there() {
        let why = "NOTIFY_SOCKET names no socket: a path on Unix, or @ and a name on Linux";
        log.warn(
            "manager-not-told",
            &[("socket", &socket.to_string_lossy()), ("why", &why)],
        );
    }
    // Nobody types behind a service manager, or where sockets are handed over, so the guide would only fill
    // the log at every start. But a password that was made up is shown nowhere else.
    let is_socket = is_stdout_a_socket();
    if made_up.is_some() || !(manager.is_there() || is_socket) {
        let guide = guide(&tracker, made_up.as_deref(), &places);
        // A closed standard output is no reason to stop: the tracker runs.
        let _ = match is_socket {
            true => std::io::stderr().write_all(guide.as_bytes()),
            false => write_out(&guide),
        };
    }
    loop {
        lasting::run("watchdog", &log, || {
            let progress = |part, seen| tracker.progress(part, seen);
            let wait = |pause| termination.wait(pause);
            manager.feed_watchdog(&status, &tracker.parts(), progress, wait, &log)
        });
    }
}

fn write_out(text: &str) -> std::io::Result<()> {
    let mut stdout = std::io::stdout();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

/// What a service manager shows while all is well.
fn status(tracker: &Tracker) -> String {
    let (servers, clients) = (&tracker.servers, &tracker.clients);
    format!("game servers log in at {servers}, clients ask at {clients}")
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
            let progress = |part, seen| tracker.progress(part, seen);
            manager.feed_watchdog(
                &status,
                &tracker.parts(),
                progress,
                std::thread::sleep,
                &log,
            )
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
