//! Whatever comes and goes.

use super::*;
use quickcheck::quickcheck;
use std::collections::{HashMap, HashSet};

quickcheck! {
    /// `K + H <= c`: attackers from any hosts of `K` groups come and go as they like, and some
    /// get on the list; of `H` honest groups each has one connection at a time. No honest one
    /// is ever refused or dropped.
    fn who_has_one_connection_is_safe(slots: u8, attackers: u8, history: Vec<(u8, u8, u8)>) -> bool {
        let slots = 2 + slots % 20;
        let attackers = attackers % slots;
        let honest = slots - attackers;
        for class in [Class::Pending, Class::Client] {
            let mut port = Port::new(usize::from(slots), class);
            // Honest ones do not come too fast; how that is judged is tested by itself.
            port.admission.game_server_rate = RateLimit::new((1_000_000, 1000));
            port.admission.client_rate = RateLimit::new((1_000_000, 1000));
            let mut inside: HashMap<u8, u64> = HashMap::new();
            let mut hostile: HashMap<u64, IpAddr> = HashMap::new();
            for &(what, group, host) in &history {
                port.later(u64::from(what % 7));
                let is_attack = attackers > 0 && what % 4 != 0;
                if is_attack && what % 16 == 1 {
                    if let Some(&id) = hostile.keys().next() {
                        port.admission.leave(id);
                        hostile.remove(&id);
                    }
                } else if is_attack && class == Class::Pending && what % 16 == 2 {
                    if let Some((&id, &ip)) = hostile.iter().next() {
                        let _ = port.enlist(id, ip, None);
                    }
                } else if is_attack {
                    let ip = ip(group % attackers, host);
                    if let Ok((id, dropped)) = port.comes(ip) {
                        hostile.insert(id, ip);
                        assert!(dropped.is_none_or(|id| hostile.contains_key(&id)));
                    }
                } else {
                    let group = 100 + group % honest;
                    if let Some(id) = inside.remove(&group) {
                        assert_eq!(port.admission.handle(id), Some(&id), "it was not dropped");
                        port.admission.leave(id);
                    } else {
                        let (id, dropped) = port.comes(ip(group, host)).expect("it gets in");
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
            let mut port = Port::new(usize::from(slots), Class::Client);
            port.admission.client_rate = RateLimit::new((1_000_000, 1000));
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
                port.later(u64::from(what) * 3);
                if attackers > 0 && what % 4 != 0 {
                    if let Ok((id, dropped)) = port.comes(address(customer % attackers, subnet)) {
                        hostile.insert(id);
                        assert!(dropped.is_none_or(|id| hostile.contains(&id)));
                    }
                    continue;
                }
                let customer = 100 + customer % honest;
                if let Some(id) = inside.remove(&customer) {
                    assert_eq!(port.admission.handle(id), Some(&id), "it was not dropped");
                    port.admission.leave(id);
                } else {
                    let (id, dropped) = port.comes(address(customer, 0)).expect("it gets in");
                    assert!(dropped.is_none_or(|id| hostile.contains(&id)));
                    inside.insert(customer, id);
                }
            }
        }
        true
    }

    fn no_history_loses_or_invents_a_slot(history: Vec<(u8, u8, u8)>) -> bool {
        let mut port = Port::new(5, Class::Pending);
        let mut inside: HashMap<u64, (IpAddr, Class)> = HashMap::new();
        for (what, group, id) in history {
            port.later(u64::from(what) * 4);
            port.class = [Class::Pending, Class::Client][usize::from(group % 2)];
            let some = inside.keys().nth(usize::from(id) % inside.len().max(1)).copied();
            match (what % 4, some) {
                (0, Some(id)) => {
                    port.admission.leave(id);
                    inside.remove(&id);
                }
                (1, Some(id)) => {
                    let (ip, class) = inside[&id];
                    if class == Class::Pending {
                        let _ = port.enlist(id, ip, None);
                    }
                }
                _ => {
                    let ip = ip(group, id % 3);
                    if let Ok((id, dropped)) = port.comes(ip) {
                        inside.insert(id, (ip, port.class));
                        assert!(dropped.is_none_or(|id| inside.remove(&id).is_some()));
                    }
                }
            }
            for (class, table) in Class::ALL.iter().zip(&port.admission.tables) {
                let hosts = table.counted_by_host();
                let (used, limit) = port.admission.usage(*class);
                assert!(used <= limit && used == hosts);
            }
            let all: HashSet<u64> = port.admission.handles().copied().collect();
            assert_eq!(all, inside.keys().copied().collect());
        }
        true
    }
}
