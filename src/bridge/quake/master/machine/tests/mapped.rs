//! Who is listed elsewhere than it registers, and who was listed by an earlier run.

use super::*;

#[test]
fn one_of_this_machine_is_welcome_without_loopback_where_it_is_listed_elsewhere() {
    let rules = |from: [u8; 4], to: [u8; 4]| Rules {
        loopback: false,
        maps: vec![(from.into(), to.into())],
        ..Rules::default()
    };
    let mut world = World::new(rules([127, 0, 0, 1], [203, 0, 113, 7]));
    world.register("127.0.0.1:27960", "QuakeArena-1", OPENARENA);
    let elsewhere = SocketAddr::from(([203, 0, 113, 7], 27960));
    assert_eq!(world.listing.servers[0].0, elsewhere);
    let heartbeat = out_of_band("heartbeat QuakeArena-1\n");
    assert_eq!(world.receive("127.0.0.2:27960", &heartbeat), []);
    let mut world = World::new(rules([198, 51, 100, 7], [127, 0, 0, 1]));
    assert_eq!(world.receive(SERVER, &heartbeat), []);
}

#[test]
fn who_was_listed_before_is_asked_at_once_and_under_its_own_address() {
    let from: IpAddr = [127, 0, 0, 1].into();
    let to: IpAddr = [203, 0, 113, 7].into();
    let mut world = World::new(Rules {
        maps: vec![(from, to)],
        ..Rules::default()
    });
    let was = [
        ((to, 27960).into(), "QuakeArena-1".to_owned()),
        ((to, 27961).into(), "Unheard-of-1".to_owned()),
    ];
    world.master.remember(was.into_iter(), world.now);
    let sent = world.receive(CLIENT, b"");
    let word = word_for(&sent, "127.0.0.1:27960");
    world.answer("127.0.0.1:27960", OPENARENA, &word);
    assert_eq!(world.listing.servers[0].0, SocketAddr::from((to, 27960)));
    assert_eq!(world.ports(CLIENT, "getservers 71 empty"), [27960]);
    world.wait(60);
    assert_eq!(world.listing.servers.len(), 0);
}

#[test]
fn all_who_are_listed_at_one_address_are_asked_where_they_registered() {
    let to: IpAddr = [203, 0, 113, 7].into();
    let rules = Rules {
        maps: vec![([10, 0, 0, 2].into(), to), ([10, 0, 0, 3].into(), to)],
        ..Rules::default()
    };
    let mut world = World::new(rules.clone());
    let all = ["10.0.0.2:27961", "10.0.0.3:27962", "203.0.113.7:27963"];
    for server in all {
        world.register(server, "QuakeArena-1", OPENARENA);
    }
    // An older bridge knows the word alone, and asks the first.
    let right = [
        "QuakeArena-1",
        "QuakeArena-1@10.0.0.3",
        "QuakeArena-1@203.0.113.7",
    ];
    assert_eq!(world.memories.values().collect::<Vec<_>>(), right);
    assert!(world.memories.keys().all(|address| address.ip() == to));
    let memories = world.memories.into_iter();
    let mut world = World::new(rules);
    world.master.remember(memories, world.now);
    let asked: Vec<_> = world.wait(1).into_iter().map(|(to, _)| to).collect();
    assert_eq!(asked, all.map(|server| server.parse().unwrap()));
}
