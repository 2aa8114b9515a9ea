//! What the engine means when it refuses a command, and what to do. Pure.
//!
//! This file hides the words of Redis and Valkey.

use super::error::{EngineError, Kind, Node, Turn};
use crate::protocol::text::spelled_out;

/// How much of the engine's own words is shown, in characters.
const SHOWN: usize = 160;

/// How refusals begin, who has to do something, and what. The first that fits counts.
const MEANINGS: &[(&str, Kind, &str)] = &[
    (
        "WRONGPASS",
        Kind::Refused,
        "the password or the user is wrong; correct --share-password-file, which is read again for every \
         connection",
    ),
    (
        "NOAUTH",
        Kind::Refused,
        "it wants a password; write it into a file and give --share-password-file FILE",
    ),
    (
        "ERR AUTH <password> called without",
        Kind::Refused,
        "it is shown a password and has none; leave out --share-password-file, or set requirepass there",
    ),
    (
        "ERR Client sent AUTH, but no password",
        Kind::Refused,
        "it is shown a password and has none; leave out --share-password-file, or set requirepass there",
    ),
    (
        "NOPERM",
        Kind::Refused,
        "the user may not do that; give it, with ACL SETUSER, the keys ~{gltracker}:* (or your --share-prefix) and \
         the commands +@read +@write +@transaction +@connection -@dangerous +select +info +role",
    ),
    (
        "DENIED",
        Kind::Refused,
        "it is in protected mode and takes connections from its own machine only; set requirepass or a user there",
    ),
    (
        "ERR max number of clients",
        Kind::Refused,
        "it has as many connections as it takes; raise maxclients there",
    ),
    (
        "ERR DB index is out of range",
        Kind::Refused,
        "it has no database of that number; choose a lower one in --share HOST/DB, or raise databases there (of a \
         cluster: cluster-databases)",
    ),
    (
        "ERR SELECT is not allowed in cluster",
        Kind::Refused,
        "a cluster has database 0 only; leave /DB out of --share",
    ),
    (
        "OOM",
        Kind::Refused,
        "it is full; raise maxmemory there, or delete what else it holds",
    ),
    (
        "MISCONF",
        Kind::Refused,
        "it cannot save its data to the disk and so takes no changes; make room on its disk, or set \
         stop-writes-on-bgsave-error no",
    ),
    (
        "WRONGTYPE",
        Kind::Refused,
        "something else uses a key of that name; choose another --share-prefix or database",
    ),
    (
        "CROSSSLOT",
        Kind::Refused,
        "it wants the keys of one command in one slot, which they are for Redis and Valkey; take one of these",
    ),
    (
        "ERR unknown command",
        Kind::Refused,
        "it does not know a command that sharing needs; take a Redis from 6.0 or a Valkey",
    ),
    (
        "LOADING",
        Kind::Away,
        "it is still reading its data from the disk",
    ),
    (
        "READONLY",
        Kind::Away,
        "it is a replica and takes no changes; name the node that does in --share, or all nodes with commas",
    ),
    (
        "MASTERDOWN",
        Kind::Away,
        "it is a replica that has lost its master; name all nodes in --share with commas",
    ),
    (
        "NOREPLICAS",
        Kind::Away,
        "it has fewer replicas than min-replicas-to-write asks for, and so takes no changes",
    ),
    (
        "CLUSTERDOWN",
        Kind::Away,
        "its cluster has no node for the keys; see CLUSTER INFO there",
    ),
    (
        "MOVED",
        Kind::Away,
        "another node of its cluster has the keys",
    ),
    (
        "ASK",
        Kind::Away,
        "the keys are on their way to another node of its cluster",
    ),
    (
        "TRYAGAIN",
        Kind::Away,
        "the keys are on their way to another node of its cluster",
    ),
    ("BUSY", Kind::Away, "a script keeps it busy"),
];

/// What it means that `command` was answered with the error `said`. Some engines repeat the arguments of what
/// they do not know: the `secret` among them is left out.
pub(super) fn meaning(command: &str, said: &str, secret: Option<&str>) -> EngineError {
    let known = MEANINGS.iter().find(|(start, ..)| said.starts_with(start));
    let shown = match secret.filter(|secret| !secret.is_empty()) {
        Some(secret) => said.replace(secret, "…"),
        None => said.to_owned(),
    };
    let quoted = format!("it answers {command} with '{}'", spelled_out(&shown, SHOWN));
    let error = match known {
        Some((_, kind, text)) => EngineError::new(*kind, format!("{text} ({quoted})")),
        None => EngineError::new(Kind::Refused, quoted),
    };
    error.and_then(turn(said))
}

fn turn(said: &str) -> Turn {
    let mut words = said.split(' ');
    match words.next() {
        Some("READONLY" | "MASTERDOWN" | "NOREPLICAS") => Turn::Other,
        Some("MOVED") => words.nth(1).and_then(node).map_or(Turn::Same, Turn::To),
        _ => Turn::Same,
    }
}

/// The node that a cluster names: an address of the sixth version of IP has no brackets there.
fn node(text: &str) -> Option<Node> {
    let (host, port) = text.rsplit_once(':')?;
    let has_colons = host.contains(':') && !host.starts_with('[');
    let text = match has_colons {
        true => format!("[{host}]:{port}"),
        false => text.to_owned(),
    };
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_engines_say_is_understood() {
        for (said, kind, part) in [
            (
                "WRONGPASS invalid username-password pair or user is disabled.",
                Kind::Refused,
                "the password or",
            ),
            (
                "NOAUTH Authentication required.",
                Kind::Refused,
                "give --share-password-file FILE",
            ),
            (
                "ERR AUTH <password> called without any password configured for the default user.",
                Kind::Refused,
                "and has none",
            ),
            (
                "NOPERM this user has no permissions to run the 'info' command",
                Kind::Refused,
                "ACL SETUSER",
            ),
            (
                "NOPERM No permissions to access a key",
                Kind::Refused,
                "ACL SETUSER",
            ),
            (
                "OOM command not allowed when used memory > 'maxmemory'.",
                Kind::Refused,
                "raise maxmemory",
            ),
            (
                "MISCONF Redis is configured to save RDB snapshots, but",
                Kind::Refused,
                "its disk",
            ),
            (
                "LOADING Redis is loading the dataset in memory",
                Kind::Away,
                "reading its data",
            ),
            (
                "READONLY You can't write against a read only replica.",
                Kind::Away,
                "a replica",
            ),
            (
                "CLUSTERDOWN Hash slot not served",
                Kind::Away,
                "no node for the keys",
            ),
            ("ERR DB index is out of range", Kind::Refused, "HOST/DB"),
            (
                "ERR something new",
                Kind::Refused,
                "it answers SET with 'ERR something new'",
            ),
            ("\u{1b}[2J", Kind::Refused, "'\\u{1b}[2J'"),
        ] {
            let error = meaning("SET", said, None);
            assert_eq!(error.kind(), kind, "{said}");
            let text = error.to_string();
            assert!(
                text.contains(part) && text.contains("it answers SET with"),
                "{text}"
            );
        }
    }

    #[test]
    fn where_to_go_next_is_understood() {
        let turn = |said: &str| meaning("GET", said, None).turn().clone();
        let to = |text: &str| Turn::To(text.parse().unwrap());
        for (said, next) in [
            ("MOVED 866 127.0.0.1:7001", to("127.0.0.1:7001")),
            ("MOVED 866 ::1:7001", to("[::1]:7001")),
            ("MOVED 866 node.example:7001", to("node.example:7001")),
            // A cluster that does not know its own address.
            ("MOVED 866 :7001", Turn::Same),
            ("MOVED", Turn::Same),
            ("READONLY You can't", Turn::Other),
            ("NOREPLICAS Not enough good", Turn::Other),
            ("ASK 866 127.0.0.1:7001", Turn::Same),
        ] {
            assert_eq!(turn(said), next, "{said}");
        }
    }
}
