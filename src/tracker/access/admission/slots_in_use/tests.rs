mod any_history;

use super::*;
use crate::tracker::access::identity::Credential;
use std::net::IpAddr;
use std::time::Duration;

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
struct Port {
    admission: Admission<u64>,
    class: Class,
    now: Instant,
    last: u64,
}

impl Port {
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

    fn newcomer(&self, id: u64, ip: IpAddr) -> Newcomer {
        Newcomer {
            id,
            ip,
            trusted: false,
            now: self.now,
        }
    }

    fn enlist(&mut self, id: u64, ip: IpAddr, key: Option<Credential>) -> Result<(), Denied> {
        let newcomer = self.newcomer(id, ip);
        self.admission.enlist(newcomer, key, id, None).map(drop)
    }

    fn comes(&mut self, ip: IpAddr) -> Result<(u64, Option<u64>), Denied> {
        self.last += 1;
        let newcomer = self.newcomer(self.last, ip);
        let dropped = self.admission.arrive(newcomer, self.class, self.last)?;
        Ok((self.last, dropped))
    }
}

#[test]
fn the_youngest_of_the_largest_group_goes() {
    let mut port = Port::new(4, Class::Client);
    for (n, group) in [(1, 1), (2, 2), (3, 1), (4, 1)] {
        assert_eq!(port.comes(ip(group, n)), Ok((u64::from(n), None)));
    }
    assert_eq!(port.comes(ip(3, 1)), Ok((5, Some(4))));
    assert_eq!(port.comes(ip(4, 1)), Ok((6, Some(3))));
    assert_eq!(port.admission.usage(Class::Client), (4, 4));
    assert_eq!(
        port.comes(ip(1, 9)),
        Err(Denied::ClassFull(Class::Client, 4)),
        "nobody of its own group has had a turn yet"
    );
    port.later(251);
    assert_eq!(port.comes(ip(1, 9)), Ok((8, Some(1))));
}

#[test]
fn inside_a_group_the_youngest_of_the_host_goes_that_holds_most() {
    let mut port = Port::new(4, Class::Client);
    for host in [1, 2, 2, 3] {
        port.comes(ip(1, host)).unwrap();
    }
    assert_eq!(port.comes(ip(1, 4)), Ok((5, Some(3))));
    assert_eq!(
        port.comes(ip(1, 4)),
        Err(Denied::ClassFull(Class::Client, 4)),
        "it would hold the most itself"
    );
    // From elsewhere somebody of the group has to go, however short it has been there.
    assert_eq!(port.comes(ip(2, 1)), Ok((7, Some(5))));

    let v6 = |text: &str| text.parse::<IpAddr>().unwrap();
    let mut port = Port::new(4, Class::Client);
    for ip in [
        "2001:db8:0:100::1",
        "2001:db8:0:200::1",
        "2001:db8:0:201::1",
    ] {
        port.comes(v6(ip)).unwrap();
    }
    port.comes(ip(1, 1)).unwrap();
    assert_eq!(
        port.comes(v6("2001:db8:0:300::1")),
        Ok((5, Some(3))),
        "the youngest of the /56 that holds two"
    );
    assert_eq!(
        port.comes(v6("2001:db8:0:301::1")).unwrap_err().reason(),
        "class-full"
    );
}

#[test]
fn guests_are_bounded_and_share_their_places_as_those_with_slots_do() {
    let mut port = Port::new(4, Class::Client);
    let full = Denied::ClassFull(Class::Client, 4);
    let places = port.admission.caps.slots.guests() / 2;
    let wait = |port: &mut Port, ip| {
        port.last += 1;
        let newcomer = port.newcomer(port.last, ip);
        let waits = port.admission.arrive_as_guest(newcomer, full, port.last);
        waits.map(|dropped| (port.last, dropped))
    };
    assert_eq!(places, 6);
    for host in 0..6 {
        assert!(wait(&mut port, ip(1, 100 + host / 2)).is_ok());
    }
    assert_eq!(wait(&mut port, ip(2, 1)), Ok((7, Some(6))));
    port.admission.leave(7);
    assert_eq!(
        wait(&mut port, ip(2, 1)),
        Ok((8, None)),
        "a place comes back"
    );
    assert_eq!(
        wait(&mut port, ip(1, 100)),
        Err(full),
        "its host holds the most"
    );
    assert!(port.admission.handle(8).is_some());
    // Guests on the other port have places of their own.
    let penalty = Denied::Penalty(Duration::from_secs(1));
    for id in [50, 51] {
        let newcomer = port.newcomer(id, ip(2, 1));
        assert_eq!(
            port.admission.arrive_as_guest(newcomer, penalty, id),
            Ok(None)
        );
    }
    assert_eq!(port.enlist(50, ip(2, 1), None), Ok(()));
    let guests = |port: &Port, at: usize| port.admission.guests[at].count();
    assert_eq!(
        (guests(&port, 0), guests(&port, 1)),
        (1, 6),
        "who is listed is no guest"
    );
    // Whom a slot would not help is not heard either.
    let too_fast = Denied::TooFast(Class::Client);
    let newcomer = port.newcomer(99, ip(3, 1));
    assert_eq!(
        port.admission.arrive_as_guest(newcomer, too_fast, 99),
        Err(too_fast)
    );
}

#[test]
fn a_proxys_own_connections_take_nothing_and_the_oldest_makes_way() {
    let mut port = Port::new(4, Class::Client);
    for id in 1..=100u64 {
        let oldest = id.checked_sub(MOST_OF_PROXIES as u64).filter(|&id| id > 0);
        let own = port.newcomer(id, ip(9, 9));
        assert_eq!(port.admission.arrive_from_proxy(&own, id), oldest);
    }
    assert_eq!(port.admission.usage(Class::Client).0, 0);
    assert_eq!(port.enlist(100, ip(9, 9), None), Ok(()));
    port.admission.settle(99);
    assert_eq!(port.admission.of_proxies.count(), MOST_OF_PROXIES - 2);
}

#[test]
fn when_everybody_has_one_the_oldest_has_had_its_turn_after_a_quarter_of_a_second() {
    let mut port = Port::new(3, Class::Client);
    for group in 1..=3 {
        port.comes(ip(group, 1)).unwrap();
    }
    port.later(250);
    assert_eq!(
        port.comes(ip(4, 1)),
        Err(Denied::ClassFull(Class::Client, 3))
    );
    port.later(1);
    assert_eq!(port.comes(ip(5, 1)), Ok((5, Some(1))));
    assert_eq!(port.comes(ip(6, 1)), Ok((6, Some(2))));
}

#[test]
fn one_host_has_so_many_connections_and_so_many_a_second() {
    let mut port = Port::new(50, Class::Pending);
    for _ in 0..4 {
        port.comes(ip(1, 1)).unwrap();
    }
    assert_eq!(
        port.comes(ip(1, 1)),
        Err(Denied::HostFull(Class::Pending, 4))
    );
    assert!(
        port.comes(ip(1, 2)).is_ok(),
        "its neighbour is not concerned"
    );
    for _ in 0..12 {
        port.admission.leave(1);
        port.comes(ip(1, 1))
            .map(|(id, _)| port.admission.leave(id))
            .unwrap();
    }
    assert_eq!(port.comes(ip(1, 1)), Err(Denied::TooFast(Class::Pending)));
    port.later(500);
    assert!(port.comes(ip(1, 1)).is_ok());

    let mut port = Port::new(50, Class::Client);
    let v6 = |text: &str| text.parse::<IpAddr>().unwrap();
    for n in 0..8 {
        port.comes(v6(&format!("2001:db8::{n}"))).unwrap();
    }
    assert_eq!(
        port.comes(v6("2001:db8::99")),
        Err(Denied::HostFull(Class::Client, 8)),
        "an IPv6 host is a /64"
    );
    assert!(port.comes(v6("2001:db8:0:1::1")).is_ok());
}

#[test]
fn failed_logins_keep_a_host_from_logging_in_and_from_nothing_else() {
    let mut port = Port::new(50, Class::Pending);
    for n in 1..=4 {
        let shut_out = port
            .admission
            .penalize(ip(1, 1), Penalties::FAILED_LOGIN, port.now);
        assert_eq!(shut_out, n == 4);
    }
    // Whoever is in penalty comes as fast as others do, and no faster: it may guess meanwhile.
    for n in 1..=17 {
        let denied = port.comes(ip(1, 1)).unwrap_err();
        let wanted = match n {
            17 => Denied::TooFast(Class::Pending),
            _ => Denied::Penalty(Duration::from_secs(20)),
        };
        assert_eq!(denied, wanted);
    }
    assert!(port.comes(ip(1, 2)).is_ok());
    port.class = Class::Client;
    assert!(port.comes(ip(1, 1)).is_ok());
    port.class = Class::Pending;
    port.later(20_000);
    assert!(port.comes(ip(1, 1)).is_ok());
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
    let mut port = Port::new(2, Class::Client);
    let (a, _) = port.comes(ip(1, 1)).unwrap();
    let usage = |port: &Port, class| port.admission.usage(class).0;
    let watch = |port: &mut Port, id, ip| {
        let newcomer = port.newcomer(id, ip);
        port.admission.watch(newcomer, id)
    };
    assert_eq!(watch(&mut port, a, ip(1, 1)), Ok(None));
    assert_eq!(
        (usage(&port, Class::Client), usage(&port, Class::Watcher)),
        (1, 1)
    );
    port.admission.settle(a);
    assert_eq!(
        (usage(&port, Class::Client), usage(&port, Class::Watcher)),
        (0, 1)
    );
    // Whose group has the most makes way, as everywhere.
    let (b, _) = port.comes(ip(1, 2)).unwrap();
    assert_eq!(watch(&mut port, b, ip(1, 2)), Ok(None));
    let (c, _) = port.comes(ip(2, 1)).unwrap();
    assert_eq!(watch(&mut port, c, ip(2, 1)), Ok(Some(b)));
    port.admission.leave(c);
    assert_eq!(
        (usage(&port, Class::Client), usage(&port, Class::Watcher)),
        (1, 1)
    );
    port.admission.leave(b);
    assert_eq!(
        (usage(&port, Class::Client), usage(&port, Class::Watcher)),
        (0, 1)
    );
}

#[test]
fn a_ghost_makes_room_for_its_own_and_keeps_its_place_if_that_is_not_enough() {
    let mut port = Port::new(6, Class::Pending);
    for n in [1, 1, 2] {
        let (id, _) = port.comes(ip(1, n)).unwrap();
        assert_eq!(port.enlist(id, ip(1, n), None), Ok(()));
    }
    let mut replace = |who: IpAddr, ghost: u64| {
        let (id, _) = port.comes(who).unwrap();
        let newcomer = port.newcomer(id, who);
        let enlisted = port.admission.enlist(newcomer, None, id, Some(ghost));
        (enlisted, port.admission.usage(Class::Listed).0)
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
    let mut port = Port::new(6, Class::Pending);
    let key = Some(Credential::Key(7));
    let enlist = |port: &mut Port, ip: IpAddr, key| {
        let (id, _) = port.comes(ip).unwrap();
        let enlisted = port.enlist(id, ip, key);
        if enlisted.is_err() {
            assert!(
                port.admission.handle(id).is_some(),
                "it keeps the slot it has"
            );
            port.admission.leave(id);
        }
        enlisted
    };
    assert_eq!(enlist(&mut port, ip(1, 1), key), Ok(()));
    assert_eq!(enlist(&mut port, ip(1, 1), key), Ok(()));
    assert_eq!(
        enlist(&mut port, ip(1, 1), key),
        Err(Denied::ListedPerHost(2))
    );
    assert_eq!(enlist(&mut port, ip(1, 2), key), Ok(()));
    assert_eq!(
        enlist(&mut port, ip(1, 3), key),
        Err(Denied::ListedPerKey(3))
    );
    assert_eq!(
        enlist(&mut port, ip(1, 3), None),
        Ok(()),
        "a password is everybody's"
    );
    assert_eq!(enlist(&mut port, ip(1, 4), None), Ok(()));
    assert_eq!(enlist(&mut port, ip(1, 5), None), Ok(()));
    assert_eq!(
        enlist(&mut port, ip(1, 6), None),
        Err(Denied::ClassFull(Class::Listed, 6)),
        "nobody on the list is dropped for a newcomer"
    );
    assert_eq!(port.admission.usage(Class::Listed), (6, 6));
    assert_eq!(port.admission.usage(Class::Pending), (0, 6));
    port.admission.leave(1);
    assert_eq!(enlist(&mut port, ip(1, 1), key), Ok(()), "shares come back");
}
