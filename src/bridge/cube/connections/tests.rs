//! Who makes way when there are too many connections.

use super::*;
use std::collections::HashSet;
use std::net::TcpListener;

/// Fewer than at a door, since each is an open file.
const MOST: (usize, usize) = (100, 8);

/// Connections that nobody uses, of hosts that this test makes up.
struct Scene {
    listener: TcpListener,
    connections: Connections,
    listed: HashSet<u64>,
}

impl Scene {
    fn new() -> Self {
        Self {
            listener: TcpListener::bind("127.0.0.1:0").unwrap(),
            connections: Connections::new(MOST),
            listed: HashSet::new(),
        }
    }

    /// One comes from `peer`: its number, if it is let in.
    fn come(&mut self, peer: &str) -> Option<u64> {
        let address = self.listener.local_addr().unwrap();
        let _peer = TcpStream::connect(address).unwrap();
        let (stream, _) = self.listener.accept().unwrap();
        let listed = |id| self.listed.contains(&id);
        let peer = peer.parse().unwrap();
        let is_in = self
            .connections
            .let_in(stream, peer, listed, Instant::now());
        is_in.then_some(self.connections.last)
    }

    fn has(&self, id: u64) -> bool {
        self.connections.all.iter().any(|one| one.id == id)
    }
}

#[test]
fn those_of_few_hosts_keep_nobody_else_out() {
    let mut scene = Scene::new();
    let player = scene.come("198.51.100.7").unwrap();
    let other = scene.come("2001:db8:1::7").unwrap();
    for n in 0..20 * MOST.0 {
        // Half of them come from one /64 each, however many addresses they use there.
        let peer = match n % 40 {
            host @ 0..20 => format!("192.0.2.{host}"),
            host => format!("2001:db8:2:{host}::{n:x}"),
        };
        assert!(scene.come(&peer).is_some());
    }
    assert_eq!(scene.connections.all.len(), MOST.0);
    assert!(scene.has(player) && scene.has(other));
}

#[test]
fn a_host_that_comes_again_makes_way_itself_where_all_have_as_many() {
    let mut scene = Scene::new();
    let all: Vec<_> = (0..MOST.0)
        .map(|n| scene.come(&format!("192.0.{}.{}", n / 50, n % 50)).unwrap())
        .collect();
    scene.come("192.0.0.9").unwrap();
    assert!(scene.has(all[0]) && !scene.has(all[9]));
    // Among hosts that are all alike the oldest makes way.
    scene.come("198.51.100.7").unwrap();
    assert!(!scene.has(all[0]) && scene.has(all[1]));
}

#[test]
fn listed_game_servers_never_make_way_and_do_not_count() {
    let mut scene = Scene::new();
    for _ in 0..MOST.1 {
        let id = scene.come("192.0.2.1").unwrap();
        scene.listed.insert(id);
    }
    assert_eq!(scene.come("192.0.2.1"), None);
    for n in 0..MOST.0 {
        scene
            .come(&format!("198.51.{}.{}", n / 50, n % 50))
            .unwrap();
    }
    assert_eq!(scene.connections.all.len(), MOST.0 + MOST.1);
    scene.come("203.0.113.1").unwrap();
    assert_eq!(scene.connections.all.len(), MOST.0 + MOST.1);
    assert!(scene.listed.iter().all(|&id| scene.has(id)));
}
