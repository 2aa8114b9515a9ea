//! What the operator is told when a tracker has started: what to type next.

use crate::protocol::text::spelled_out;
use crate::tracker::start::listeners::open::PortFacts;
use crate::tracker::start::tracker::Tracker;
use crate::tracker::threads::accept::probe::within;
use std::fmt::Write;
use std::net::SocketAddr;
use std::path::PathBuf;

/// The longest path shown, in characters: the longest that Linux takes.
const MAX_PATH: usize = 4096;

/// What was asked for, and what to type next.
pub(super) fn guide(
    tracker: &Tracker,
    made_up: Option<&str>,
    places: &[(&str, Option<PathBuf>)],
) -> String {
    let (servers, clients) = (reachable(&tracker.servers), reachable(&tracker.clients));
    let mut text = String::new();
    // Writing into a String does not fail.
    let _ = writeln!(
        text,
        "gltracker {} is running: game servers log in {}, clients ask {}.",
        env!("CARGO_PKG_VERSION"),
        place(&tracker.servers),
        place(&tracker.clients)
    );
    for (what, path) in places {
        if let Some(path) = path {
            let path = spelled_out(&path.to_string_lossy(), MAX_PATH);
            let _ = writeln!(text, "{what} {path}.");
        }
    }
    if let Some(share) = &tracker.share {
        let (engine, name) = (&share.engine, &share.name);
        let _ = writeln!(
            text,
            "The list is to be shared through {engine}, as {name}; event=sharing says when it is."
        );
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
    if !tracker.proxied.is_empty() {
        let _ = writeln!(
            text,
            "From a network of --proxied a PROXY header comes first: type what follows from elsewhere, or \
             through the proxy."
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
HELP on either port says more. Games as they are: 'gltracker announce --ask KIND' lists one of KIND
quake3, source or minecraft; 'gltracker bridge' is a master server for those of Quake and Cube.
",
        servers.ip(),
        servers.port(),
        clients.ip(),
        clients.port()
    );
    text
}

/// Where a port is: what was asked for, or all addresses of the families that there are.
fn place(port: &PortFacts) -> String {
    match port.families() {
        Some(families) => format!("on port {} ({families})", port.address().port()),
        None => format!("at {port}"),
    }
}

/// The address to type on this machine for a port: IPv4 if there is a choice, which every netcat
/// speaks.
fn reachable(port: &PortFacts) -> SocketAddr {
    let addresses = within(port.address());
    let is_typed = |at: &&SocketAddr| at.is_ipv4() && port.families() != Some("IPv6 only");
    let easiest = addresses.iter().find(is_typed);
    *easiest.or(addresses.first()).unwrap_or(&port.address())
}
