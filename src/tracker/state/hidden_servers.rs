//! Game servers that not all who ask for the list can reach.
//!
//! The tracker knows the farthest place from which somebody has asked. A game server that logs in over
//! loopback, or behind the same router, is listed at an address that is good only for those who are there
//! too.

use crate::base::log::Log;
use crate::protocol::refusal::{ErrorCode, Refusal};
use crate::protocol::scope::Scope;
use crate::tracker::list::snapshot::List;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU8, Ordering};

/// From how far the list has been asked for.
#[derive(Debug, Default)]
pub(crate) struct HiddenServers {
    /// A [`Scope`], as a number; 0 before anybody has asked.
    farthest: AtomicU8,
}

impl HiddenServers {
    /// Somebody at `ip` is sent `list`. If nobody has asked from so far yet, warns of all on it that
    /// cannot be reached from there.
    pub(crate) fn ask(&self, ip: IpAddr, list: &List, log: &Log) {
        let from = number(ip);
        if from <= self.farthest.load(Ordering::Relaxed)
            || from <= self.farthest.fetch_max(from, Ordering::Relaxed)
        {
            return;
        }
        let hidden = || {
            list.entries()
                .filter(|entry| number(entry.address.ip()) < from)
        };
        if let Some(entry) = hidden().next() {
            warn(entry.address, entry.peer, hidden().count(), log);
        }
    }

    /// `peer` is listed at `address`. Warns if not all who have asked can reach that.
    pub(crate) fn list(&self, address: SocketAddr, peer: IpAddr, log: &Log) {
        if number(address.ip()) < self.farthest.load(Ordering::Relaxed) {
            warn(address, peer, 1, log);
        }
    }
}

fn number(ip: IpAddr) -> u8 {
    Scope::of(ip).map_or(0, |scope| scope as u8 + 1)
}

fn warn(address: SocketAddr, peer: IpAddr, count: usize, log: &Log) {
    let who = Scope::of(address.ip()).map_or("nobody can", Scope::who);
    let text = format!(
        "{who} reach it, and others ask for this list; its game server names the address that \
         they reach with ip="
    );
    log.noisy(
        "hidden",
        &Refusal::new(ErrorCode::Unreachable, text),
        &[("address", &address), ("peer", &peer), ("count", &count)],
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::log::Level;
    use crate::protocol::fields::{Changes, Infos};
    use crate::tracker::access::identity::Credential;
    use crate::tracker::list::entry::Entry;
    use crate::tracker::list::registry::Registry;
    use std::time::Duration;

    fn entry(ip: &str) -> Entry {
        let infos = Infos::default().with(&Changes::parse("port=1").unwrap());
        Entry::new(ip.parse().unwrap(), infos, Credential::Password(0)).unwrap()
    }

    fn list_one(hidden_servers: &HiddenServers, ip: &str, log: &Log) {
        let entry = entry(ip);
        hidden_servers.list(entry.address, entry.peer, log);
    }

    #[test]
    fn who_cannot_be_reached_by_those_who_ask_is_named() {
        let mut registry = Registry::new(1);
        for (holder, ip) in ["127.0.0.1", "192.168.7.2", "198.51.100.7"]
            .iter()
            .enumerate()
        {
            registry.put(holder as u64, entry(ip)).unwrap();
        }
        let list = registry.list();
        let hidden_servers = HiddenServers::default();
        let (quiet, unsaid) = Log::to_test(Level::Warn);
        list_one(&hidden_servers, "127.0.0.1", &quiet);
        hidden_servers.ask("::1".parse().unwrap(), &list, &quiet);
        list_one(&hidden_servers, "127.0.0.1", &quiet);
        drop(quiet);
        assert_eq!(unsaid.recv().ok(), None, "all who ask are on this machine");
        // Each first question from farther away, and each listing after it.
        for (client, listed, count) in [
            ("192.168.7.9", "127.0.0.1:1", 1),
            ("203.0.113.9", "127.0.0.1:1", 2),
        ] {
            let (log, said) = Log::to_test(Level::Warn);
            hidden_servers.ask(client.parse().unwrap(), &list, &log);
            let line = said.recv_timeout(Duration::from_secs(20)).unwrap();
            let expected = format!("event=hidden address={listed} peer=127.0.0.1 count={count}");
            assert!(line.contains(&expected), "{line}");
            hidden_servers.ask(client.parse().unwrap(), &list, &log);
            drop(log);
            assert_eq!(said.recv().ok(), None, "it is said once");
        }
        let (log, said) = Log::to_test(Level::Warn);
        list_one(&hidden_servers, "198.51.100.7", &log);
        list_one(&hidden_servers, "192.168.7.2", &log);
        drop(log);
        let lines: Vec<String> = said.iter().collect();
        assert!(
            lines[0].contains("address=192.168.7.2:1") && lines.len() == 1,
            "{lines:?}"
        );
        assert!(
            lines[0].contains("only players in the same network reach it"),
            "{lines:?}"
        );
    }
}
