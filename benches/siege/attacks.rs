//! All attacks of the siege, each with the tracker that it is for, who is honest meanwhile, and
//! what is promised to those.

use crate::LISTED;
use crate::dear;
use crate::floods::{Army, Flood, SILENT, guess, networks, storm};
use crate::peers::{Manner, customer, honest, neighbour};
use crate::tracker::Ports;
use crate::visitors::Visitors;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;

pub(crate) type Attack = Arc<dyn Fn(Ports, &AtomicBool) + Send + Sync>;

/// The network in which there are honest and attackers.
pub(crate) const OWN_NETWORK: u8 = 1;

/// Slots of a class that has one share, in a tracker of the default size.
const SHARE: u16 = 128;

/// Slots for game servers that come and go.
pub(crate) const SPARE: u16 = 24;

/// A tracker, and what happens to it.
pub(crate) struct Setting {
    /// What it is started with.
    pub(crate) arguments: Vec<String>,
    /// Game servers that are on the list beside the honest, or fewer if it has no room for them.
    pub(crate) trusted: u16,
    pub(crate) rows: Vec<Row>,
}

/// A row of the table.
pub(crate) struct Row {
    pub(crate) name: String,
    /// All that happens at the same time.
    pub(crate) attacks: Vec<Attack>,
    pub(crate) visitors: Visitors,
    pub(crate) promised: Promise,
}

/// What the honest may rely on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Promise {
    /// How many of a hundred LISTs succeed.
    pub(crate) lists: f64,
    /// How many of a hundred logins.
    pub(crate) logins: f64,
    /// How many times as long as in an idle tracker all but one of a hundred take at the most.
    pub(crate) times_idle: Option<f64>,
}

const ALL: Promise = Promise {
    lists: 99.9,
    logins: 99.9,
    times_idle: None,
};

/// All of them, the last two with so many on the list and with all that there is room for.
pub(crate) fn settings(listed: u16) -> Vec<Setting> {
    let shares = (listed + SPARE).div_ceil(SHARE);
    let large = [
        "--max-slots".to_owned(),
        (SHARE * (shares + 4)).to_string(),
        "--slot-shares".to_owned(),
        format!("1:{shares}:2:1"),
    ];
    vec![
        Setting {
            arguments: ["--max-slots", "256"].map(str::to_owned).into(),
            trusted: 0,
            rows: floods(),
        },
        Setting {
            arguments: large.into(),
            trusted: listed - u16::from(LISTED),
            rows: vec![dear_lists(
                1,
                format!("dear LISTs, one host, {listed} listed"),
            )],
        },
        Setting {
            arguments: Vec::new(),
            trusted: u16::MAX,
            rows: vec![dear_lists(
                8,
                "dear LISTs, 8 hosts, all listed that there is room for by default".to_owned(),
            )],
        },
    ]
}

/// Lists that are dear to make, for so many hosts.
fn dear_lists(hosts: u16, name: String) -> Row {
    let attack = move |ports, stop: &AtomicBool| {
        thread::scope(|scope| {
            for host in 0..hosts {
                scope.spawn(move || dear::attack_from(host, ports, stop));
            }
        });
    };
    Row {
        name,
        attacks: vec![Arc::new(attack)],
        visitors: Visitors {
            question: "LIST game=siege\n",
            ..visitors(Manner::PASSWORD)
        },
        promised: Promise {
            times_idle: Some(3.0),
            ..ALL
        },
    }
}

/// Those who come and go in networks of their own.
fn visitors(manner: Manner) -> Visitors {
    Visitors {
        player: honest(1),
        question: "LIST\n",
        game_servers: (30..50).map(|group| (honest(group), manner)).collect(),
    }
}

/// Those who come and go in the network of the attackers, every other game server with a key.
fn neighbours(player: IpAddr, game_servers: impl Iterator<Item = IpAddr>) -> Visitors {
    let manners = [Manner::PASSWORD, Manner::KEY].into_iter().cycle();
    Visitors {
        player,
        game_servers: game_servers.zip(manners).collect(),
        ..visitors(Manner::PASSWORD)
    }
}

/// Those against a tracker with 256 slots.
fn floods() -> Vec<Row> {
    let mut rows = within_the_bound();
    rows.push(Row {
        name: "all of these at once".to_owned(),
        attacks: rows.iter().flat_map(|row| row.attacks.clone()).collect(),
        visitors: visitors(Manner::PASSWORD),
        promised: ALL,
    });
    let beyond = |name: &str, manner| Row {
        promised: Promise { lists: 85.0, ..ALL },
        visitors: visitors(manner),
        ..flood(
            name,
            Flood {
                to_game_servers: true,
                from: networks(200),
                ..SILENT
            },
        )
    };
    let own = |name: &str, from, visitors| Row {
        visitors,
        ..flood(
            name,
            Flood {
                to_game_servers: true,
                from,
                rate: 1000,
                ..SILENT
            },
        )
    };
    rows.extend([
        beyond(
            "beyond the bound: silent, 200 groups, 640/s",
            Manner::PASSWORD,
        ),
        beyond(
            "beyond the bound, logins from 80 ms away",
            Manner::PASSWORD.with_round_trip(),
        ),
        beyond("beyond the bound, logins with a key", Manner::KEY),
        beyond(
            "beyond the bound, logins with a key from 80 ms away",
            Manner::KEY.with_round_trip(),
        ),
        own(
            "silent, 200 hosts of the player's own network, IPv4",
            Army::Neighbours,
            neighbours(
                neighbour(OWN_NETWORK, 1),
                (2..22).map(|host| neighbour(OWN_NETWORK, host)),
            ),
        ),
        own(
            "silent, 200 hosts of the player's own network, IPv6",
            Army::Customers,
            neighbours(
                customer(0x80, 0),
                (1..21).map(|subnet| customer(0x80, subnet)),
            ),
        ),
    ]);
    rows
}

fn flood(name: &str, flood: Flood) -> Row {
    row(name, move |ports, stop| flood.run(ports, stop))
}

fn row(name: &str, attack: impl Fn(Ports, &AtomicBool) + Send + Sync + 'static) -> Row {
    Row {
        name: name.to_owned(),
        attacks: vec![Arc::new(attack)],
        visitors: visitors(Manner::PASSWORD),
        promised: ALL,
    }
}

/// Those from fewer networks than a class has slots.
fn within_the_bound() -> Vec<Row> {
    let game_servers = Flood {
        to_game_servers: true,
        to_clients: false,
        from: networks(28),
        ..SILENT
    };
    let lists: &'static [u8] = "LIST\n".repeat(200).leak().as_bytes();
    vec![
        flood(
            "silent, one address",
            Flood {
                to_game_servers: true,
                from: Army::Networks {
                    groups: 1,
                    hosts: 1,
                },
                ..SILENT
            },
        ),
        flood("silent, 60 groups, client port", SILENT),
        flood("silent, 28 groups, game-server port", game_servers),
        flood(
            "slow bytes, 60 groups",
            Flood {
                line: b"LI",
                dribble: true,
                ..SILENT
            },
        ),
        flood(
            "fake logins, 28 groups",
            Flood {
                line: b"LOGIN wrong\n",
                ..game_servers
            },
        ),
        flood(
            "logins that never send INFOS, 28 groups",
            Flood {
                line: b"LOGIN secret\n",
                ..game_servers
            },
        ),
        flood(
            "connect and close, 28 groups",
            Flood {
                to_game_servers: true,
                from: networks(28),
                rate: 1000,
                holds: false,
                ..SILENT
            },
        ),
        flood(
            "readers that never read, 60 groups",
            Flood {
                line: lists,
                reads: false,
                rate: 100,
                ..SILENT
            },
        ),
        row("10,000 wrong passwords", guess),
        row("storm of INFOS from a listed one", storm),
    ]
}
