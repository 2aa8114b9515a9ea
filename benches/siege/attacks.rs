//! All attacks of the siege, with what is promised.

use crate::floods::{Flood, SILENT, guess, storm};
use crate::tracker::Ports;
use std::sync::atomic::AtomicBool;

pub(crate) type Attack = Box<dyn Fn(Ports, &AtomicBool) + Send + Sync>;

pub(crate) fn flood(flood: Flood) -> Attack {
    Box::new(move |ports, stop| flood.run(ports, stop))
}

/// The attacks, with the honest share that is promised (percent).
pub(crate) fn attacks() -> Vec<(&'static str, f64, Attack)> {
    let game_servers = Flood {
        to_game_servers: true,
        to_clients: false,
        groups: 28,
        ..SILENT
    };
    let lists: &'static [u8] = "LIST\n".repeat(200).leak().as_bytes();
    vec![
        (
            "silent, one address",
            99.9,
            flood(Flood {
                to_game_servers: true,
                groups: 1,
                hosts: 1,
                rate: 640,
                ..SILENT
            }),
        ),
        (
            "silent, 60 groups, client port",
            99.9,
            flood(Flood { ..SILENT }),
        ),
        (
            "silent, 28 groups, game-server port",
            99.9,
            flood(Flood { ..game_servers }),
        ),
        (
            "slow bytes, 60 groups",
            99.9,
            flood(Flood {
                line: b"LI",
                dribble: true,
                ..SILENT
            }),
        ),
        (
            "fake logins, 28 groups",
            99.9,
            flood(Flood {
                line: b"LOGIN wrong\n",
                ..game_servers
            }),
        ),
        (
            "logins that never send INFOS, 28 groups",
            99.9,
            flood(Flood {
                line: b"LOGIN secret\n",
                ..game_servers
            }),
        ),
        (
            "connect and close, 28 groups",
            99.9,
            flood(Flood {
                to_game_servers: true,
                groups: 28,
                rate: 1000,
                holds: false,
                ..SILENT
            }),
        ),
        (
            "readers that never read, 60 groups",
            99.9,
            flood(Flood {
                line: lists,
                reads: false,
                rate: 100,
                ..SILENT
            }),
        ),
        ("10,000 wrong passwords", 99.9, Box::new(guess)),
        ("storm of INFOS from a listed one", 99.9, Box::new(storm)),
        (
            "beyond the bound: silent, 200 groups, 640/s",
            85.0,
            flood(Flood {
                to_game_servers: true,
                groups: 200,
                ..SILENT
            }),
        ),
    ]
}
