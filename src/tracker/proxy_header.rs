//! The header with which a proxy says whose connection it passes on: versions 1 and 2 of HAProxy's PROXY
//! protocol. Pure.

use crate::protocol::text::number;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The longest line of version 1, in bytes, as its specification counts it.
pub const MAX_LINE: usize = 107;

/// The longest header that is read, in bytes. One of version 2 with every field that its specification
/// has behind the addresses, each as long as it may be, has some 860.
pub const MAX_HEADER: usize = 1024;

/// What a header of version 2 begins with.
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// The bytes of version 2 before the addresses.
const HEAD: usize = 16;

/// A whole header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Whose connection it is; an IPv4-mapped address is an IPv4 address. `None` if it is the proxy's own,
    /// or the proxy does not know: `LOCAL`, `UNKNOWN` or no address family.
    pub source: Option<SocketAddr>,
    /// Its bytes. What follows is what the source has said.
    pub length: usize,
}

impl Header {
    /// Whose connection a proxy at this address passes on. `None` if it is its own: a health check, or of
    /// somebody on its machine, whose loopback is not this machine's unless the proxy is there too.
    pub(crate) fn peer_behind(&self, proxy: IpAddr) -> Option<SocketAddr> {
        let is_own = |ip: IpAddr| ip == proxy || (ip.is_loopback() && !proxy.is_loopback());
        self.source.filter(|source| !is_own(source.ip()))
    }
}

/// Why the bytes are no header, and what would be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrongHeader(&'static str);

impl fmt::Display for WrongHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

const MISSING: WrongHeader = WrongHeader(
    "what comes from this address must begin with a PROXY header of version 1 or 2, since the operator \
     has named it with --proxied",
);
const LINE: WrongHeader = WrongHeader(
    "a PROXY header of version 1 is PROXY TCP4 or TCP6, two addresses and two ports, with one space \
     between them, or PROXY UNKNOWN, and ends with CRLF",
);
const VERSION: WrongHeader =
    WrongHeader("a binary PROXY header has version 2 and the command LOCAL or PROXY");
const FAMILY: WrongHeader = WrongHeader(
    "a PROXY header names TCP over IPv4 (12 bytes of addresses) or over IPv6 (36 bytes)",
);
const TOO_LONG: WrongHeader =
    WrongHeader("a PROXY header has at most 107 bytes in version 1 and 1024 in version 2");
const SOURCE: WrongHeader =
    WrongHeader("the source of a PROXY header is the address of one host and a port from 1");

/// Reads the header that `bytes` begin with. `None` as long as it may become one.
///
/// ```
/// use gltracker::tracker::proxy_header::parse;
/// let bytes = b"PROXY TCP4 192.0.2.7 203.0.113.1 50000 23471\r\nLIST\n";
/// let header = parse(bytes).unwrap().unwrap();
/// assert_eq!(header.source, Some("192.0.2.7:50000".parse().unwrap()));
/// assert_eq!(&bytes[header.length..], b"LIST\n");
/// assert_eq!(parse(&bytes[..20]), Ok(None));
/// assert!(parse(b"L").is_err());
/// ```
///
/// # Errors
/// [`WrongHeader`] as soon as they cannot become one.
pub fn parse(bytes: &[u8]) -> Result<Option<Header>, WrongHeader> {
    match bytes.first() {
        Some(b'\r') => version_2(bytes),
        _ => version_1(bytes),
    }
}

/// True unless `bytes` begin otherwise than with `start`.
fn may_begin(bytes: &[u8], start: &[u8]) -> bool {
    let known = bytes.len().min(start.len());
    bytes[..known] == start[..known]
}

fn version_1(bytes: &[u8]) -> Result<Option<Header>, WrongHeader> {
    let start = b"PROXY ";
    if !may_begin(bytes, start) {
        return Err(MISSING);
    }
    let line = &bytes[..bytes.len().min(MAX_LINE)];
    let Some(end) = line.iter().position(|&byte| byte == b'\n') else {
        return match line.len() < MAX_LINE {
            true => Ok(None),
            false => Err(TOO_LONG),
        };
    };
    let rest = line
        .get(start.len()..end)
        .and_then(|rest| rest.strip_suffix(b"\r"));
    let source = match rest.ok_or(LINE)? {
        b"UNKNOWN" | [b'U', b'N', b'K', b'N', b'O', b'W', b'N', b' ', ..] => None,
        rest => Some(usable(addresses(rest).ok_or(LINE)?)?),
    };
    let length = end + 1;
    Ok(Some(Header { source, length }))
}

/// The source of a line of version 1 behind `PROXY `.
fn addresses(line: &[u8]) -> Option<SocketAddr> {
    let mut words = std::str::from_utf8(line).ok()?.split(' ');
    let family = words.next()?;
    let mut ip = || -> Option<IpAddr> {
        let word = words.next()?;
        match family {
            "TCP4" => word.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
            "TCP6" => word.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
            _ => None,
        }
    };
    let (source, _) = (ip()?, ip()?);
    let mut port = || -> Option<u16> {
        let word = words.next()?;
        number(word).filter(|_| word == "0" || !word.starts_with('0'))
    };
    let (port, _) = (port()?, port()?);
    let is_all = words.next().is_none();
    is_all.then(|| SocketAddr::new(source, port))
}

fn version_2(bytes: &[u8]) -> Result<Option<Header>, WrongHeader> {
    if !may_begin(bytes, SIGNATURE) {
        return Err(MISSING);
    }
    let is_local = match bytes.get(12) {
        None => return Ok(None),
        Some(0x20) => true,
        Some(0x21) => false,
        Some(_) => return Err(VERSION),
    };
    // The bytes of both addresses and ports. The family of a proxy's own connection means nothing.
    let needed = match bytes.get(13) {
        None => return Ok(None),
        Some(_) if is_local => 0,
        Some(0x00..=0x02) => 0,
        Some(0x11) => 12,
        Some(0x21) => 36,
        Some(_) => return Err(FAMILY),
    };
    let Some(&[high, low]) = bytes.get(14..HEAD).and_then(|length| length.first_chunk()) else {
        return Ok(None);
    };
    let length = HEAD + usize::from(u16::from_be_bytes([high, low]));
    if length > MAX_HEADER {
        return Err(TOO_LONG);
    }
    if length < HEAD + needed {
        return Err(FAMILY);
    }
    let Some(block) = bytes.get(HEAD..length) else {
        return Ok(None);
    };
    let source = source_of(&block[..needed]).map(usable).transpose()?;
    Ok(Some(Header { source, length }))
}

/// The source in the addresses and ports of version 2; `None` if there are none.
fn source_of(block: &[u8]) -> Option<SocketAddr> {
    let (ips, ports) = block.split_at_checked(block.len().checked_sub(4)?)?;
    let ip = match ips.len() {
        8 => IpAddr::from(*ips.first_chunk::<4>()?),
        _ => IpAddr::from(*ips.first_chunk::<16>()?),
    };
    let port = u16::from_be_bytes(*ports.first_chunk()?);
    Some(SocketAddr::new(ip, port))
}

/// The source as others know it, if somebody can be there.
fn usable(source: SocketAddr) -> Result<SocketAddr, WrongHeader> {
    let ip = source.ip().to_canonical();
    let is_one_host = !ip.is_unspecified() && !ip.is_multicast() && ip != Ipv4Addr::BROADCAST;
    match is_one_host && source.port() > 0 {
        true => Ok(SocketAddr::new(ip, source.port())),
        false => Err(SOURCE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quickcheck::quickcheck;

    fn source(bytes: &[u8]) -> Result<Option<String>, WrongHeader> {
        let header = parse(bytes)?.expect("it is whole");
        assert_eq!(header.length, bytes.len());
        Ok(header.source.map(|source| source.to_string()))
    }

    fn line(rest: &str) -> Result<Option<String>, WrongHeader> {
        source(format!("PROXY {rest}\r\n").as_bytes())
    }

    /// A header of version 2.
    fn binary(command: u8, family: u8, block: &[u8]) -> Vec<u8> {
        let length = u16::try_from(block.len()).unwrap().to_be_bytes();
        [SIGNATURE, &[command, family], &length, block].concat()
    }

    fn block(source: &str, port: u16) -> Vec<u8> {
        let ip = match source.parse().unwrap() {
            IpAddr::V4(ip) => ip.octets().to_vec(),
            IpAddr::V6(ip) => ip.octets().to_vec(),
        };
        [&ip[..], &ip, &port.to_be_bytes(), &23471u16.to_be_bytes()].concat()
    }

    #[test]
    fn a_line_names_the_source() {
        for (rest, right) in [
            ("TCP4 192.0.2.7 203.0.113.1 50000 23471", "192.0.2.7:50000"),
            ("TCP4 1.2.3.4 0.0.0.0 1 0", "1.2.3.4:1"),
            ("TCP6 2001:DB8::7 ::1 65535 1", "[2001:db8::7]:65535"),
            ("TCP6 ::ffff:192.0.2.7 ::1 5 6", "192.0.2.7:5"),
        ] {
            assert_eq!(line(rest), Ok(Some(right.to_owned())), "{rest}");
        }
        for own in "UNKNOWN|UNKNOWN |UNKNOWN \r \0 any 0x|UNKNOWN \r".split('|') {
            assert_eq!(line(own), Ok(None), "{own}");
        }
    }

    #[test]
    fn a_line_that_is_not_as_it_should_be_is_wrong() {
        let wrong = "| |TCP4|TCP4 |TCP|UNKNOW|UNKNOWNS|UNKNOWN4 |tcp4 1.2.3.4 1.2.3.4 1 1|\
            TCP5 1.2.3.4 1.2.3.4 1 1|UDP4 1.2.3.4 1.2.3.4 1 1| TCP4 1.2.3.4 1.2.3.4 1 1|\
            TCP4  1.2.3.4 1.2.3.4 1 1|TCP4 1.2.3.4 1.2.3.4 1 1 |TCP4 1.2.3.4 1.2.3.4 1|\
            TCP4 1.2.3.4 1.2.3.4 1 1 1|TCP4 1.2.3.04 1.2.3.4 1 1|TCP4 1.2.3 1.2.3.4 1 1|\
            TCP4 1.2.3.256 1.2.3.4 1 1|TCP4 1.2.3.4 1.2.3.4 01 1|TCP4 1.2.3.4 1.2.3.4 +1 1|\
            TCP4 1.2.3.4 1.2.3.4 1 65536|TCP4 1.2.3.4 1.2.3.4 65536 1|TCP4 1.2.3.4 1.2.3.4 -1 1|\
            TCP4 1.2.3.4 1.2.3.4  1|TCP4 1.2.3.4 1.2.3.4 1 00|TCP4 1.2.3.4\t1.2.3.4 1 1|\
            TCP4 ::1 ::1 1 1|TCP6 1.2.3.4 1.2.3.4 1 1|TCP6 ::1 1.2.3.4 1 1|TCP6 [::1] [::1] 1 1|\
            TCP6 fe80::1%eth0 ::1 1 1|TCP4 1.2.3.4 1.2.3.4 1 1\r|TCP4 1.2.3.4 1.2.3.4 1 1\nLIST";
        for rest in wrong.split('|') {
            assert_eq!(line(rest), Err(LINE), "{rest:?}");
        }
        let nobody = "TCP4 0.0.0.0 1.2.3.4 1 1|TCP4 255.255.255.255 1.2.3.4 1 1|\
            TCP4 224.0.0.1 1.2.3.4 1 1|TCP6 :: ::1 1 1|TCP6 ff02::1 ::1 1 1|\
            TCP6 ::ffff:0.0.0.0 ::1 1 1|TCP4 1.2.3.4 1.2.3.4 0 1";
        for rest in nobody.split('|') {
            assert_eq!(line(rest), Err(SOURCE), "{rest}");
        }
    }

    #[test]
    fn what_cannot_become_a_header_is_wrong_at_once() {
        for (bytes, wrong) in [
            (&b"L"[..], MISSING),
            (b"PRI", MISSING),
            (b"p", MISSING),
            (b"\n", MISSING),
            (b"\r\nL", MISSING),
            (b"PROXY\n", MISSING),
            (b"PROXY \n", LINE),
            (b"PROXY TCP4 1.2.3.4 1.2.3.4 1 1\n", LINE),
            (b"PROXY UNKNOWN \n", LINE),
            (b"\r\n\r\n\0\r\nQUIT\n\x11", VERSION),
            (b"\r\n\r\n\0\r\nQUIT\n\x22", VERSION),
            (b"\r\n\r\n\0\r\nQUIT\n\x21\x12", FAMILY),
            (b"\r\n\r\n\0\r\nQUIT\n\x21\x31", FAMILY),
            (b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0b", FAMILY),
            (b"\r\n\r\n\0\r\nQUIT\n\x21\x21\x00\x23", FAMILY),
            (b"\r\n\r\n\0\r\nQUIT\n\x20\x11\x03\xf1", TOO_LONG),
        ] {
            assert_eq!(parse(bytes), Err(wrong), "{bytes:?}");
            assert_eq!(parse(&bytes[..bytes.len() - 1]), Ok(None), "{bytes:?}");
        }
    }

    #[test]
    fn a_line_has_107_bytes_at_the_most() {
        let all = |length: usize| {
            let bytes = format!("PROXY UNKNOWN {}\r\n", "x".repeat(length - 16));
            parse(bytes.as_bytes()).map(|header| header.map(|header| header.length))
        };
        assert_eq!(all(107), Ok(Some(107)));
        assert_eq!(all(108), Err(TOO_LONG));
        let endless = format!("PROXY TCP6 {}", "1".repeat(96));
        assert_eq!(parse(endless.as_bytes()), Err(TOO_LONG));
        assert_eq!(parse(&endless.as_bytes()[..106]), Ok(None));
    }

    #[test]
    fn version_2_names_the_source_and_what_follows_the_addresses_is_skipped() {
        for (family, ip, right) in [
            (0x11, "192.0.2.7", "192.0.2.7:50000"),
            (0x21, "2001:db8::7", "[2001:db8::7]:50000"),
            (0x21, "::ffff:192.0.2.7", "192.0.2.7:50000"),
        ] {
            for more in [0, 3, 300, 900] {
                let block = [block(ip, 50000), vec![0xff; more]].concat();
                assert_eq!(
                    source(&binary(0x21, family, &block)),
                    Ok(Some(right.to_owned()))
                );
            }
        }
        for (family, ip, port) in [
            (0x11, "0.0.0.0", 5),
            (0x21, "ff02::1", 5),
            (0x11, "1.2.3.4", 0),
        ] {
            let wrong = source(&binary(0x21, family, &block(ip, port)));
            assert_eq!(wrong, Err(SOURCE), "{ip}");
        }
    }

    #[test]
    fn a_proxys_own_connection_and_one_of_no_family_have_no_source() {
        for (command, family) in [
            (0x20, 0x00),
            (0x20, 0x11),
            (0x20, 0xff),
            (0x21, 0x00),
            (0x21, 0x01),
        ] {
            for length in [0, 5, 12, 1008] {
                let header = binary(command, family, &vec![0; length]);
                assert_eq!(source(&header), Ok(None), "{command} {family}");
            }
        }
    }

    #[test]
    fn who_is_on_the_proxys_machine_is_not_behind_it() {
        let peer = |proxy: &str, source: &str| {
            let source = Some(source.parse().unwrap());
            let header = Header { source, length: 0 };
            header.peer_behind(proxy.parse().unwrap()) == source
        };
        assert!(peer("10.0.0.5", "192.0.2.7:1") && peer("10.0.0.5", "10.0.0.6:1"));
        assert!(!peer("10.0.0.5", "10.0.0.5:1") && !peer("127.0.0.1", "127.0.0.1:1"));
        assert!(!peer("10.0.0.5", "127.0.0.1:1") && !peer("10.0.0.5", "[::1]:1"));
        // Such addresses of one machine are as good as those of several.
        assert!(peer("127.0.0.1", "127.7.0.1:1"));
    }

    quickcheck! {
        /// However the bytes of a header come, whole or broken, and whatever follows them.
        fn any_part_may_become_what_the_whole_is(kind: u8, change: Option<(u8, u8)>, more: Vec<u8>) -> bool {
            let mut bytes = match kind % 4 {
                0 => b"PROXY TCP4 192.0.2.7 203.0.113.1 50000 23471\r\n".to_vec(),
                1 => b"PROXY UNKNOWN 1 2\r\n".to_vec(),
                2 => binary(0x21, 0x21, &block("2001:db8::7", 5)),
                _ => binary(0x20, 0, &[7; 9]),
            };
            if let Some((at, byte)) = change {
                let at = usize::from(at) % bytes.len();
                bytes[at] = byte;
            }
            bytes.extend(more);
            let whole = parse(&bytes);
            (0..=bytes.len()).all(|count| {
                let part = parse(&bytes[..count]);
                part == Ok(None) || part == whole
            })
        }
    }
}
