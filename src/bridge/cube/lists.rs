//! What players are told: the list as each dialect has it. Pure.

use super::dialect::Dialect;
use super::text::quoted;
use crate::bridge::desk::Listing;
use crate::protocol::fields::Infos;
use crate::protocol::scope::Scope;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

/// The version of the game and of its protocol that Red Eclipse has in Debian 12. A player who has an
/// older one is told so.
const RED_ECLIPSE: &str = "setversion 160 230\nclearservers\n";

/// An answer, and the version of the list that it was made of.
type Answer = (u64, Arc<[u8]>);

/// What was answered last in each dialect to those who are as far away, good until the list changes.
#[derive(Debug, Default)]
pub struct Lists {
    answers: BTreeMap<(Dialect, Scope), Answer>,
}

impl Lists {
    /// The list of `game`, always the same for a dialect, for a player in `scope`.
    pub fn answer(
        &mut self,
        dialect: Dialect,
        game: &str,
        scope: Scope,
        listing: &Listing,
    ) -> Arc<[u8]> {
        match self.answers.get(&(dialect, scope)) {
            Some((version, answer)) if *version == listing.version => Arc::clone(answer),
            _ => {
                let answer: Arc<[u8]> = encode(dialect, game, scope, &listing.servers).into();
                let kept = (listing.version, Arc::clone(&answer));
                self.answers.insert((dialect, scope), kept);
                answer
            }
        }
    }
}

/// A line for each game server of `game` that a player in `scope` can reach. These clients know IPv4 alone.
/// Those of Cube 2 take an answer of no bytes for none, so there is a NUL at the end.
fn encode(dialect: Dialect, game: &str, scope: Scope, servers: &[(SocketAddr, Infos)]) -> Vec<u8> {
    let mut out = Vec::new();
    let is_script = dialect == Dialect::RedEclipse;
    if is_script {
        out.extend(RED_ECLIPSE.bytes());
    }
    for (address, infos) in servers {
        let is_of_game = infos
            .get("game")
            .is_some_and(|of| of.eq_ignore_ascii_case(game));
        let is_for_them = is_of_game && Scope::of(address.ip()) >= Some(scope);
        if let (true, IpAddr::V4(ip)) = (is_for_them, address.ip().to_canonical()) {
            push_server(&mut out, ip, address.port(), is_script.then_some(infos));
        }
    }
    if !is_script {
        out.push(0);
    }
    out
}

fn push_server(out: &mut Vec<u8>, ip: Ipv4Addr, port: u16, more: Option<&Infos>) {
    out.extend(format!("addserver {ip} {port}").bytes());
    if let Some(infos) = more {
        let name = infos.get("description").unwrap_or_default();
        // Priority, name, account, flags, and the branch of the program, which is not known.
        out.extend(b" 0 ");
        out.extend(quoted(&name));
        out.extend(b" \"\" \"\" \"?\"");
    }
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bridge::cube::text::words;
    use crate::protocol::fields::Changes;
    use crate::protocol::text::is_plain;
    use quickcheck::quickcheck;

    fn server(address: &str, fields: &str) -> (SocketAddr, Infos) {
        let infos = Infos::default().with(&Changes::parse(fields).unwrap());
        (address.parse().unwrap(), infos)
    }

    #[test]
    fn each_dialect_has_its_own_form() {
        let servers = [
            server("192.0.2.1:28785", "game=sauerbraten"),
            server("[::ffff:192.0.2.2]:28785", "game=Sauerbraten"),
            server("[2001:db8::1]:28785", "game=sauerbraten"),
            server(
                "192.0.2.3:28801",
                "game=redeclipse description=\"a \\\"b\\\" ^ é\"",
            ),
            server("192.0.2.4:5", "map=x"),
            server("192.168.7.2:28785", "game=sauerbraten"),
            server("127.0.0.1:28785", "game=sauerbraten"),
        ];
        let list = |dialect: Dialect, game| encode(dialect, game, Scope::World, &servers);
        let two = b"addserver 192.0.2.1 28785\naddserver 192.0.2.2 28785\n\0";
        assert_eq!(list(Dialect::Cube2, "sauerbraten"), two);
        for (scope, count) in [(Scope::World, 2), (Scope::Network, 3), (Scope::Machine, 4)] {
            let list = encode(Dialect::Cube2, "sauerbraten", scope, &servers);
            assert_eq!(list.iter().filter(|&&byte| byte == b'\n').count(), count);
        }
        assert_eq!(list(Dialect::AssaultCube, "assaultcube"), b"\0");
        assert_eq!(
            list(Dialect::RedEclipse, "redeclipse"),
            b"setversion 160 230\nclearservers\n\
              addserver 192.0.2.3 28801 0 \"a ^\"b^\" ^^ \x8b\" \"\" \"\" \"?\"\n"
        );
    }

    #[test]
    fn an_answer_is_made_once_for_each_version_of_the_list() {
        let mut lists = Lists::default();
        let mut listing = Listing::default();
        let first = lists.answer(Dialect::Cube2, "a", Scope::World, &listing);
        listing.servers.push(server("192.0.2.1:28785", "game=a"));
        assert!(Arc::ptr_eq(
            &first,
            &lists.answer(Dialect::Cube2, "a", Scope::World, &listing)
        ));
        listing.version += 1;
        assert_ne!(
            first,
            lists.answer(Dialect::Cube2, "a", Scope::World, &listing)
        );
        assert_eq!(
            &*lists.answer(Dialect::AssaultCube, "b", Scope::World, &listing),
            b"\0"
        );
    }

    quickcheck! {
        fn a_description_stays_inside_its_quotes(name: String) -> bool {
            let name: String = name.chars().filter(|&c| is_plain(c)).take(60).collect();
            let mut infos = Infos::default();
            infos.set("game", "x").unwrap();
            infos.set("description", &name).unwrap();
            let list = encode(Dialect::RedEclipse, "x", Scope::World, &[(([192, 0, 2, 1], 5).into(), infos)]);
            let lines: Vec<_> = list.split(|&byte| byte == b'\n').collect();
            lines.len() == 4 && words(lines[2]).len() == 8
        }
    }
}
