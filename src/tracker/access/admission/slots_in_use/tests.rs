use super::*;
use quickcheck::quickcheck;
use std::collections::{HashMap, HashSet};

/// Slots for so many clients, and for as many pending and listed game servers.
fn admission(slots: usize) -> Admission<u64> {
    let slots = Limits::divide(slots * 4, "1:1:1:1".parse().unwrap()).unwrap();
    Admission::new(Caps {
        slots,
        listed_per_host: 2,
        listed_per_key: 3,
    })
}

fn ip(group: u8, host: u8) -> IpAddr {
    IpAddr::from([10, 0, group, host])
}

/// The class, tried by connections that are their own handles.
struct Door {
    admission: Admission<u64>,
    class: Class,
    now: Instant,
    last: u64,
}

impl Door {
    fn new(slots: usize, class: Class) -> Self {
        Self {
            admission: admission(slots),
            class,
            now: Instant::now(),
            last: 0,
        }
    }

    fn later(&mut self, milliseconds: u64) {
        self.now += Duration::from_millis(milliseconds);
    }

    fn enlist(&mut self, id: u64, ip: IpAddr, key: Option<Credential>) -> Result<(), Denied> {
        let newcomer = Newcomer {
            id,
            ip,
            trusted: false,
            now: self.now,
        };
        self.admission.enlist(newcomer, key, id, None).map(drop)
    }

    fn comes(&mut self, ip: IpAddr) -> Result<(u64, Option<u64>), Denied> {
        self.last += 1;
        let newcomer = Newcomer {
            id: self.last,
            ip,
            trusted: false,
            now: self.now,
        };
        let dropped = self.admission.arrive(newcomer, self.class, self.last)?;
        Ok((self.last, dropped))
    }
}

#[test]
fn the_youngest_of_the_largest_group_goes() {
    let mut door = Door::new(4, Class::Client);
    for (n, group) in [(1, 1), (2, 2), (3, 1), (4, 1)] {
        assert_eq!(door.comes(ip(group, n)), Ok((u64::from(n), None)));
    }
    assert_eq!(door.comes(ip(3, 1)), Ok((5, Some(4))));
    assert_eq!(door.comes(ip(4, 1)), Ok((6, Some(3))));
    assert_eq!(door.admission.usage(Class::Client), (4, 4));
    assert_eq!(
        door.comes(ip(1, 9)),
        Err(Denied::ClassFull(Class::Client, 4)),
        "nobody of its own group has had a turn yet"
    );
    door.later(251);
    assert_eq!(door.comes(ip(1, 9)), Ok((8, Some(1))));
}

#[test]
fn inside_a_group_the_youngest_of_the_host_goes_that_holds_most() {
    let mut door = Door::new(4, Class::Client);
    for host in [1, 2, 2, 3] {
        door.comes(ip(1, host)).unwrap();
    }
    assert_eq!(door.comes(ip(1, 4)), Ok((5, Some(3))));
    assert_eq!(
        door.comes(ip(1, 4)),
        Err(Denied::ClassFull(Class::Client, 4)),
        "it would hold the most itself"
    );
    // From elsewhere somebody of the group has to go, however short it has been there.
    assert_eq!(door.comes(ip(2, 1)), Ok((7, Some(5))));

    let v6 = |text: &str| text.parse::<IpAddr>().unwrap();
    let mut door = Door::new(4, Class::Client);
    for ip in [
        "2001:db8:0:100::1",
        "2001:db8:0:200::1",
        "2001:db8:0:201::1",
    ] {
        door.comes(v6(ip)).unwrap();
    }
    door.comes(ip(1, 1)).unwrap();
    assert_eq!(
        door.comes(v6("2001:db8:0:300::1")),
        Ok((5, Some(3))),
        "the youngest of the /56 that holds two"
    );
    assert_eq!(
        door.comes(v6("2001:db8:0:301::1")).unwrap_err().reason(),
        "class-full"
    );
}

#[test]
fn guests_are_bounded_and_share_their_places_as_those_with_slots_do() {
    let mut door = Door::new(4, Class::Client);
    let full = Denied::ClassFull(Class::Client, 4);
    let places = door.admission.caps.slots.guests() / 2;
    let wait = |door: &mut Door, ip| {
        door.last += 1;
        let newcomer = Newcomer {
            id: door.last,
            ip,
            trusted: false,
            now: door.now,
        };
        let waits = door.admission.wait(newcomer, full, door.last);
        waits.map(|dropped| (door.last, dropped))
    };
    assert_eq!(places, 6);
    for host in 0..6 {
        assert!(wait(&mut door, ip(1, 100 + host / 2)).is_ok());
    }
    assert_eq!(wait(&mut door, ip(2, 1)), Ok((7, Some(6))));
    door.admission.leave(7);
    assert_eq!(
        wait(&mut door, ip(2, 1)),
        Ok((8, None)),
        "a place comes back"
    );
    assert_eq!(
        wait(&mut door, ip(1, 100)),
        Err(full),
        "its host holds the most"
    );
    assert!(door.admission.handle(8).is_some());
    // Those at the other door have places of their own.
    let penalty = Denied::Penalty(Duration::from_secs(1));
    for id in [50, 51] {
        let newcomer = Newcomer {
            id,
            ip: ip(2, 1),
            trusted: false,
            now: door.now,
        };
        assert_eq!(door.admission.wait(newcomer, penalty, id), Ok(None));
    }
    assert_eq!(door.enlist(50, ip(2, 1), None), Ok(()));
    let guests = |door: &Door, at: usize| door.admission.guests[at].count();
    assert_eq!(
        (guests(&door, 0), guests(&door, 1)),
        (1, 6),
        "who is listed is no guest"
    );
    // Whom a slot would not help is not heard either.
    let too_fast = Denied::TooFast(Class::Client);
    let newcomer = Newcomer {
        id: 99,
        ip: ip(3, 1),
        trusted: false,
        now: door.now,
    };
    assert_eq!(door.admission.wait(newcomer, too_fast, 99), Err(too_fast));
}

#[test]
fn when_everybody_has_one_the_oldest_has_had_its_turn_after_a_quarter_of_a_second() {
    let mut door = Door::new(3, Class::Client);
    for group in 1..=3 {
        door.comes(ip(group, 1)).unwrap();
    }
    door.later(250);
    assert_eq!(
        door.comes(ip(4, 1)),
        Err(Denied::ClassFull(Class::Client, 3))
    );
    door.later(1);
    assert_eq!(door.comes(ip(5, 1)), Ok((5, Some(1))));
    assert_eq!(door.comes(ip(6, 1)), Ok((6, Some(2))));
}

#[test]
fn one_host_has_so_many_connections_and_so_many_a_second() {
    let mut door = Door::new(50, Class::Pending);
    for _ in 0..4 {
        door.comes(ip(1, 1)).unwrap();
    }
    assert_eq!(
        door.comes(ip(1, 1)),
        Err(Denied::HostFull(Class::Pending, 4))
    );
    assert!(
        door.comes(ip(1, 2)).is_ok(),
        "its neighbour is not concerned"
    );
    for _ in 0..12 {
        door.admission.leave(1);
        door.comes(ip(1, 1))
            .map(|(id, _)| door.admission.leave(id))
            .unwrap();
    }
    assert_eq!(door.comes(ip(1, 1)), Err(Denied::TooFast(Class::Pending)));
    door.later(500);
    assert!(door.comes(ip(1, 1)).is_ok());

    let mut door = Door::new(50, Class::Client);
    let v6 = |text: &str| text.parse::<IpAddr>().unwrap();
    for n in 0..8 {
        door.comes(v6(&format!("2001:db8::{n}"))).unwrap();
    }
    assert_eq!(
        door.comes(v6("2001:db8::99")),
        Err(Denied::HostFull(Class::Client, 8)),
        "an IPv6 host is a /64"
    );
    assert!(door.comes(v6("2001:db8:0:1::1")).is_ok());
}

#[test]
fn failed_logins_keep_a_host_from_logging_in_and_from_nothing_else() {
    let mut door = Door::new(50, Class::Pending);
    for n in 1..=4 {
        let shut_out = door
            .admission
            .penalize(ip(1, 1), Penalties::FAILED_LOGIN, door.now);
        assert_eq!(shut_out, n == 4);
    }
    // Whoever is in penalty comes as fast as others do, and no faster: it may guess meanwhile.
    for n in 1..=17 {
        let denied = door.comes(ip(1, 1)).unwrap_err();
        let wanted = match n {
            17 => Denied::TooFast(Class::Pending),
            _ => Denied::Penalty(Duration::from_secs(20)),
        };
        assert_eq!(denied, wanted);
    }
    assert!(door.comes(ip(1, 2)).is_ok());
    door.class = Class::Client;
    assert!(door.comes(ip(1, 1)).is_ok());
    door.class = Class::Pending;
    door.later(20_000);
    assert!(door.comes(ip(1, 1)).is_ok());
}

#[test]
fn the_trusted_have_no_caps_and_are_no_crowd() {
    let mut admission = admission(30);
    let now = Instant::now();
    let trusted = |id| Newcomer {
        id,
        ip: ip(1, 1),
        trusted: true,
        now,
    };
    for id in 0..30 {
        let newcomer = trusted(id);
        assert_eq!(admission.arrive(newcomer, Class::Pending, id), Ok(None));
        assert_eq!(admission.enlist(newcomer, None, id, None), Ok(None));
    }
    for id in 100..130 {
        let newcomer = trusted(id);
        assert_eq!(admission.arrive(newcomer, Class::Pending, id), Ok(None));
    }
    let stranger = Newcomer {
        id: 200,
        ip: ip(2, 1),
        trusted: false,
        now,
    };
    let denied = admission.arrive(stranger, Class::Pending, 200);
    assert_eq!(denied, Err(Denied::ClassFull(Class::Pending, 30)));
}

#[test]
fn a_watcher_holds_a_slot_of_each_class_until_it_has_settled() {
    let mut door = Door::new(2, Class::Client);
    let (a, _) = door.comes(ip(1, 1)).unwrap();
    let usage = |door: &Door, class| door.admission.usage(class).0;
    let watch = |door: &mut Door, id, ip| {
        let newcomer = Newcomer {
            id,
            ip,
            trusted: false,
            now: door.now,
        };
        door.admission.watch(newcomer, id)
    };
    assert_eq!(watch(&mut door, a, ip(1, 1)), Ok(None));
    assert_eq!(
        (usage(&door, Class::Client), usage(&door, Class::Watcher)),
        (1, 1)
    );
    door.admission.settle(a);
    assert_eq!(
        (usage(&door, Class::Client), usage(&door, Class::Watcher)),
        (0, 1)
    );
    // Whose group has the most makes way, as everywhere.
    let (b, _) = door.comes(ip(1, 2)).unwrap();
    assert_eq!(watch(&mut door, b, ip(1, 2)), Ok(None));
    let (c, _) = door.comes(ip(2, 1)).unwrap();
    assert_eq!(watch(&mut door, c, ip(2, 1)), Ok(Some(b)));
    door.admission.leave(c);
    assert_eq!(
        (usage(&door, Class::Client), usage(&door, Class::Watcher)),
        (1, 1)
    );
    door.admission.leave(b);
    assert_eq!(
        (usage(&door, Class::Client), usage(&door, Class::Watcher)),
        (0, 1)
    );
}

#[test]
fn a_ghost_makes_room_for_its_own_and_keeps_its_place_if_that_is_not_enough() {
    let mut door = Door::new(6, Class::Pending);
    for n in [1, 1, 2] {
        let (id, _) = door.comes(ip(1, n)).unwrap();
        assert_eq!(door.enlist(id, ip(1, n), None), Ok(()));
    }
    let mut replace = |who: IpAddr, ghost: u64| {
        let (id, _) = door.comes(who).unwrap();
        let newcomer = Newcomer {
            id,
            ip: who,
            trusted: false,
            now: door.now,
        };
        let enlisted = door.admission.enlist(newcomer, None, id, Some(ghost));
        (enlisted, door.admission.usage(Class::Listed).0)
    };
    // The first host has as many as it may: a ghost of another is not enough.
    assert_eq!(replace(ip(1, 1), 3), (Err(Denied::ListedPerHost(2)), 3));
    assert_eq!(replace(ip(1, 1), 1), (Ok(Some(1)), 3));
    assert_eq!(replace(ip(1, 3), 3), (Ok(Some(3)), 3));
    // One from before a restart holds no slot.
    assert_eq!(replace(ip(1, 4), 1000), (Ok(None), 4));
}

#[test]
fn the_list_is_entered_by_proof_within_the_shares_of_host_and_key() {
    let mut door = Door::new(6, Class::Pending);
    let key = Some(Credential::Key(7));
    let enlist = |door: &mut Door, ip: IpAddr, key| {
        let (id, _) = door.comes(ip).unwrap();
        let enlisted = door.enlist(id, ip, key);
        if enlisted.is_err() {
            assert!(
                door.admission.handle(id).is_some(),
                "it keeps the slot it has"
            );
            door.admission.leave(id);
        }
        enlisted
    };
    assert_eq!(enlist(&mut door, ip(1, 1), key), Ok(()));
    assert_eq!(enlist(&mut door, ip(1, 1), key), Ok(()));
    assert_eq!(
        enlist(&mut door, ip(1, 1), key),
        Err(Denied::ListedPerHost(2))
    );
    assert_eq!(enlist(&mut door, ip(1, 2), key), Ok(()));
    assert_eq!(
        enlist(&mut door, ip(1, 3), key),
        Err(Denied::ListedPerKey(3))
    );
    assert_eq!(
        enlist(&mut door, ip(1, 3), None),
        Ok(()),
        "a password is everybody's"
    );
    assert_eq!(enlist(&mut door, ip(1, 4), None), Ok(()));
    assert_eq!(enlist(&mut door, ip(1, 5), None), Ok(()));
    assert_eq!(
        enlist(&mut door, ip(1, 6), None),
        Err(Denied::ClassFull(Class::Listed, 6)),
        "nobody on the list is dropped for a newcomer"
    );
    assert_eq!(door.admission.usage(Class::Listed), (6, 6));
    assert_eq!(door.admission.usage(Class::Pending), (0, 6));
    door.admission.leave(1);
    assert_eq!(enlist(&mut door, ip(1, 1), key), Ok(()), "shares come back");
}

quickcheck! {
    /// `K + H <= c`: attackers from any hosts of `K` groups come and go as they like, and some
    /// get on the list; of `H` honest groups each has one connection at a time. No honest one
    /// is ever refused or dropped.
    fn who_has_one_connection_is_safe(slots: u8, attackers: u8, history: Vec<(u8, u8, u8)>) -> bool {
        let slots = 2 + slots % 20;
        let attackers = attackers % slots;
        let honest = slots - attackers;
        for class in [Class::Pending, Class::Client] {
            let mut door = Door::new(usize::from(slots), class);
            // Honest ones do not come too fast; how that is judged is tested by itself.
            door.admission.game_server_rate = Rate::new((1_000_000, 1000));
            door.admission.client_rate = Rate::new((1_000_000, 1000));
            let mut inside: HashMap<u8, u64> = HashMap::new();
            let mut hostile: HashMap<u64, IpAddr> = HashMap::new();
            for &(what, group, host) in &history {
                door.later(u64::from(what % 7));
                let is_attack = attackers > 0 && what % 4 != 0;
                if is_attack && what % 16 == 1 {
                    if let Some(&id) = hostile.keys().next() {
                        door.admission.leave(id);
                        hostile.remove(&id);
                    }
                } else if is_attack && class == Class::Pending && what % 16 == 2 {
                    if let Some((&id, &ip)) = hostile.iter().next() {
                        let _ = door.enlist(id, ip, None);
                    }
                } else if is_attack {
                    let ip = ip(group % attackers, host);
                    if let Ok((id, dropped)) = door.comes(ip) {
                        hostile.insert(id, ip);
                        assert!(dropped.is_none_or(|id| hostile.contains_key(&id)));
                    }
                } else {
                    let group = 100 + group % honest;
                    if let Some(id) = inside.remove(&group) {
                        assert_eq!(door.admission.handle(id), Some(&id), "it was not dropped");
                        door.admission.leave(id);
                    } else {
                        let (id, dropped) = door.comes(ip(group, host)).expect("it gets in");
                        assert!(dropped.is_none_or(|id| hostile.contains_key(&id)));
                        inside.insert(group, id);
                    }
                }
            }
        }
        true
    }

    /// The same inside one network, of hosts, while everybody is in it: attackers from `K` hosts
    /// (`K` /56, each with many /64) and `H` honest ones.
    fn who_has_one_connection_is_safe_from_neighbours(
        slots: u8,
        attackers: u8,
        history: Vec<(u8, u8, u8)>
    ) -> bool {
        let slots = 2 + slots % 20;
        let attackers = attackers % slots;
        let honest = slots - attackers;
        for is_v6 in [false, true] {
            let mut door = Door::new(usize::from(slots), Class::Client);
            door.admission.client_rate = Rate::new((1_000_000, 1000));
            let address = |customer: u8, subnet: u8| match is_v6 {
                false => ip(1, customer),
                true => {
                    let subnet = u16::from(customer) << 8 | u16::from(subnet);
                    IpAddr::from([0x2001, 0xdb8, 1, subnet, 0, 0, 0, 1])
                }
            };
            let mut inside: HashMap<u8, u64> = HashMap::new();
            let mut hostile = HashSet::new();
            for &(what, customer, subnet) in &history {
                door.later(u64::from(what) * 3);
                if attackers > 0 && what % 4 != 0 {
                    if let Ok((id, dropped)) = door.comes(address(customer % attackers, subnet)) {
                        hostile.insert(id);
                        assert!(dropped.is_none_or(|id| hostile.contains(&id)));
                    }
                    continue;
                }
                let customer = 100 + customer % honest;
                if let Some(id) = inside.remove(&customer) {
                    assert_eq!(door.admission.handle(id), Some(&id), "it was not dropped");
                    door.admission.leave(id);
                } else {
                    let (id, dropped) = door.comes(address(customer, 0)).expect("it gets in");
                    assert!(dropped.is_none_or(|id| hostile.contains(&id)));
                    inside.insert(customer, id);
                }
            }
        }
        true
    }

    fn no_history_loses_or_invents_a_slot(history: Vec<(u8, u8, u8)>) -> bool {
        let mut door = Door::new(5, Class::Pending);
        let mut inside: HashMap<u64, (IpAddr, Class)> = HashMap::new();
        for (what, group, id) in history {
            door.later(u64::from(what) * 4);
            door.class = [Class::Pending, Class::Client][usize::from(group % 2)];
            let some = inside.keys().nth(usize::from(id) % inside.len().max(1)).copied();
            match (what % 4, some) {
                (0, Some(id)) => {
                    door.admission.leave(id);
                    inside.remove(&id);
                }
                (1, Some(id)) => {
                    let (ip, class) = inside[&id];
                    if class == Class::Pending {
                        let _ = door.enlist(id, ip, None);
                    }
                }
                _ => {
                    let ip = ip(group, id % 3);
                    if let Ok((id, dropped)) = door.comes(ip) {
                        inside.insert(id, (ip, door.class));
                        assert!(dropped.is_none_or(|id| inside.remove(&id).is_some()));
                    }
                }
            }
            for (class, table) in Class::ALL.iter().zip(&door.admission.tables) {
                let hosts = table.counted_by_host();
                let (used, limit) = door.admission.usage(*class);
                assert!(used <= limit && used == hosts);
            }
            let all: HashSet<u64> = door.admission.handles().copied().collect();
            assert_eq!(all, inside.keys().copied().collect());
        }
        true
    }
}
