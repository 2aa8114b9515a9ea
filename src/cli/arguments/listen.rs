//! Addresses to listen on.

use crate::protocol::text::number;
use crate::tracker::Listen;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Reads an address with a port, or where a socket stands that is handed over. `usual` is the port in
/// the example if it has none.
///
/// # Errors
/// What is wrong with `text`, and what would be right.
pub(crate) fn read(text: &str, usual: u16) -> Result<Listen, String> {
    text.parse().map_err(|_| match text.strip_prefix("fd:") {
        Some(_) => format!(
            "'{text}' cannot be taken over: only fd:0 (standard input) and fd:1 (standard output) can"
        ),
        None => why_not(text, usual),
    })
}

fn why_not(text: &str, usual: u16) -> String {
    // The last part of IPv6 without brackets may be the port.
    let split = text.rsplit_once(':');
    let split = split.filter(|(host, _)| ip(host).is_some() || ip(text).is_none());
    let (host, port) = split.map_or((text, None), |(host, port)| (host, Some(port)));
    let (seen, valid) = (ip(host), port.and_then(number::<u16>));
    let why = match port {
        Some(port) if valid.is_none() => format!("'{port}' is not a port from 0 to 65535"),
        Some(_) if seen.is_some() => "IPv6 stands in brackets".to_owned(),
        None if seen.is_some() => "it has no port".to_owned(),
        None if number::<u16>(host).is_some() => "there is only a port".to_owned(),
        Some(_) if host.is_empty() => "there is only a port".to_owned(),
        _ => format!("'{host}' is a name, and an IP address is needed"),
    };
    let port = valid.or(number(host)).unwrap_or(usual);
    let example = SocketAddr::new(seen.unwrap_or(Ipv4Addr::LOCALHOST.into()), port);
    format!(
        "'{text}' is not an address with a port: {why}; write {example}, or [::]:{port} for all \
         addresses"
    )
}

/// An address with or without the brackets that IPv6 has before a port.
fn ip(text: &str) -> Option<IpAddr> {
    let bare = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    bare.unwrap_or(text).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tracker::Standard;

    #[test]
    fn what_is_wrong_is_said_with_what_would_be_right() {
        for (text, why, example) in [
            (
                "localhost:23480",
                "'localhost' is a name",
                "127.0.0.1:23480",
            ),
            (
                "tracker.example",
                "'tracker.example' is a name",
                "127.0.0.1:23470",
            ),
            (
                ":80000",
                "'80000' is not a port from 0 to 65535",
                "127.0.0.1:23470",
            ),
            (":23480", "there is only a port", "127.0.0.1:23480"),
            ("23480", "there is only a port", "127.0.0.1:23480"),
            ("192.0.2.1", "it has no port", "192.0.2.1:23470"),
            ("192.0.2.1:", "'' is not a port", "192.0.2.1:23470"),
            ("192.0.2.1:+5", "'+5' is not a port", "192.0.2.1:23470"),
            ("::1", "it has no port", "[::1]:23470"),
            ("[::1]", "it has no port", "[::1]:23470"),
            ("::1:23480", "IPv6 stands in brackets", "[::1]:23480"),
            (
                "[2001:db8::7]:65536",
                "'65536' is not a port",
                "[2001:db8::7]:23470",
            ),
            ("*:23480", "'*' is a name", "127.0.0.1:23480"),
            ("", "'' is a name", "127.0.0.1:23470"),
        ] {
            let said = read(text, 23470).unwrap_err();
            assert!(
                said.starts_with(&format!("'{text}' is not an address with a port: {why}")),
                "{said}"
            );
            assert!(
                said.contains(&format!("; write {example}, or [::]:")),
                "{said}"
            );
        }
        assert_eq!(read("[::]:0", 1), Ok("[::]:0".parse().unwrap()));
    }

    #[test]
    fn a_socket_is_handed_over_at_a_standard_stream() {
        assert_eq!(read("fd:0", 1), Ok(Listen::HandedOver(Standard::Input)));
        assert_eq!(read("fd:1", 1), Ok(Listen::HandedOver(Standard::Output)));
        for text in ["fd:2", "fd:3", "fd:", "fd:00"] {
            let said = read(text, 1).unwrap_err();
            let right = "only fd:0 (standard input) and fd:1 (standard output) can";
            assert!(said.contains(text) && said.ends_with(right), "{said}");
        }
    }
}
