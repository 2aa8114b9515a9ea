//! An engine of several nodes: a replica that is promoted, and a cluster.

use crate::engine::EngineProcess;
use crate::harness::{Peer, TrackerProcess};
use crate::patience::wait_until;
use crate::sharing_stage::{SOON, in_state, says, shows, tracker, with_each_engine, within};

fn follow(node: &EngineProcess, other: &EngineProcess) {
    let port = other.address.port().to_string();
    node.ask(&["REPLICAOF", &other.address.ip().to_string(), &port]);
    wait_until("the replica has all", || {
        let role = node.ask(&["ROLE"]);
        (role.starts_with("slave") && role.contains("\nconnected\n")).then_some(())
    });
}

fn promote(node: &EngineProcess) {
    assert_eq!(node.ask(&["REPLICAOF", "NO", "ONE"]), "OK");
}

/// Two trackers with a game server each, on which both agree.
fn pair(at: &str) -> ([TrackerProcess; 2], [Peer; 2]) {
    let [a, b] = ["a", "b"].map(|name| tracker(at, name, &[]));
    in_state(&a, "sharing");
    in_state(&b, "sharing");
    let game_servers = [a.log_in(7, ""), b.log_in(8, "")];
    shows(&a, "7 8");
    shows(&b, "7 8");
    ([a, b], game_servers)
}

fn takes_over(program: &str) {
    // Else a replica waits for others that want the same data.
    let node = || EngineProcess::start_program(program, &["--repl-diskless-sync-delay", "0"]);
    let (Some(one), Some(mut two)) = (node(), node()) else {
        return;
    };
    follow(&two, &one);
    let alone = tracker(&two.at(), "alone", &[]);
    let line = alone.wait_for_log("event=not-sharing");
    assert!(
        line.contains("it is a replica and takes no changes"),
        "{line}"
    );
    drop(alone);
    let ([a, b], [mut seven, _eight]) = pair(&format!("{},{}", two.at(), one.at()));
    let mut watcher = Peer::connect(a.clients);
    watcher.send("WATCH");
    // By plan: nobody is stale for a moment.
    promote(&two);
    follow(&one, &two);
    assert_eq!(seven.ask("INFOS nbplayers=3"), "OK");
    within(SOON, || {
        says(&b, "nbplayers=3");
        shows(&b, "7 8");
    });
    shows(&a, "7 8");
    watcher.send("QUIT");
    let seen = watcher.read_to_end();
    assert!(
        !seen.contains("stale=yes") && !seen.contains("GONE"),
        "{seen}"
    );
    // By a fault: the others are stale until somebody is promoted.
    two.kill();
    shows(&a, "7 8~");
    promote(&one);
    within(SOON, || {
        shows(&a, "7 8");
        shows(&b, "7 8");
    });
    // The one that comes back is not asked: it would be empty.
    two.restart();
    follow(&two, &one);
    assert_eq!(seven.ask("INFOS nbplayers=4"), "OK");
    says(&b, "nbplayers=4");
}

#[test]
fn a_replica_that_is_promoted_takes_over() {
    with_each_engine(takes_over);
}

/// A node of a cluster with the slots of this range.
fn cluster_node(program: &str, first: u32, last: u32) -> Option<EngineProcess> {
    let node = EngineProcess::start_program(program, &["--cluster-enabled", "yes"])?;
    // Else each node believes of the others that they are where they connect from.
    let ip = node.address.ip().to_string();
    node.ask(&["CONFIG", "SET", "cluster-announce-ip", &ip]);
    let slots: Vec<String> = (first..=last).map(|slot| slot.to_string()).collect();
    let words = ["CLUSTER", "ADDSLOTS"].into_iter();
    let words: Vec<&str> = words.chain(slots.iter().map(String::as_str)).collect();
    assert_eq!(node.ask(&words), "OK");
    Some(node)
}

fn wait_for_cluster(node: &EngineProcess) {
    wait_until("the cluster is there", || {
        let said = node.ask(&["CLUSTER", "INFO"]);
        said.contains("cluster_state:ok").then_some(())
    });
}

#[test]
fn one_node_of_a_cluster_is_an_engine() {
    with_each_engine(|program| {
        let Some(node) = cluster_node(program, 0, 16383) else {
            return;
        };
        wait_for_cluster(&node);
        drop(pair(&node.at()));
        let a = tracker(&format!("{}/1", node.at()), "a", &[]);
        let line = a.wait_for_log("event=not-sharing");
        let parts = [
            "leave /DB out of --share",
            "of a cluster: cluster-databases",
        ];
        assert!(
            parts.iter().any(|part| line.contains(part)),
            "{program}: {line}"
        );
    });
}

fn moves(program: &str) {
    let low = cluster_node(program, 0, 8191);
    let high = cluster_node(program, 8192, 16383);
    let (Some(low), Some(high)) = (low, high) else {
        return;
    };
    let port = high.address.port().to_string();
    low.ask(&["CLUSTER", "MEET", &high.address.ip().to_string(), &port]);
    wait_for_cluster(&low);
    wait_for_cluster(&high);
    let slot = low.ask(&["CLUSTER", "KEYSLOT", "{gltracker}:format"]);
    let (has, other) = match slot.parse::<u32>().unwrap() < 8192 {
        true => (&low, &high),
        false => (&high, &low),
    };
    let ([a, b], [mut seven, _eight]) = pair(&other.at());
    let line = a.wait_for_log("event=sharing");
    assert!(line.contains(&format!("engine={}", has.at())), "{line}");
    // The keys are moved while trackers use them.
    let [from, to] = [has, other].map(|node| node.ask(&["CLUSTER", "MYID"]));
    let set = |node: &EngineProcess, how: &str, id: &str| {
        assert_eq!(node.ask(&["CLUSTER", "SETSLOT", &slot, how, id]), "OK");
    };
    set(other, "IMPORTING", &from);
    set(has, "MIGRATING", &to);
    let (ip, port) = (
        other.address.ip().to_string(),
        other.address.port().to_string(),
    );
    loop {
        let keys = has.ask(&["CLUSTER", "GETKEYSINSLOT", &slot, "100"]);
        let Some(key) = keys.lines().next() else {
            break;
        };
        has.ask(&["MIGRATE", &ip, &port, key, "0", "5000"]);
    }
    set(other, "NODE", &to);
    set(has, "NODE", &to);
    assert_eq!(seven.ask("INFOS nbplayers=3"), "OK");
    within(SOON, || {
        says(&b, "nbplayers=3");
        shows(&a, "7 8");
        shows(&b, "7 8");
    });
}

#[test]
fn a_cluster_says_which_node_has_the_keys() {
    with_each_engine(moves);
}
