//! The bytes that a connection from a proxy begins with.
#![no_main]

use gltracker::tracker::proxy_header::{Header, MAX_HEADER, MAX_LINE, parse};
use gltracker_fuzz::checks::plain_line;
use gltracker_fuzz::script::grown;
use libfuzzer_sys::fuzz_target;
use std::net::{IpAddr, SocketAddr};

fuzz_target!(|data: &[u8]| {
    let data = &grown(data)[..];
    let whole = parse(data);
    match (&whole, naive(data)) {
        (Ok(header), naive) => assert_eq!(*header, naive, "{data:?}"),
        (Err(wrong), naive) => {
            plain_line(&wrong.to_string());
            assert_eq!(naive, None, "{data:?}");
        }
    }
    // A longer one is no header, so what is behind that changes nothing.
    for count in 0..=data.len().min(MAX_HEADER + 2) {
        match parse(&data[..count]) {
            Ok(None) => assert!(count < MAX_HEADER, "{count} bytes and no end"),
            part => assert_eq!(part, whole, "the first {count} of {data:?}"),
        }
    }
    as_it_is_sent(data);
});

/// The whole header that `data` begins with, read as its specification says it, without haste.
fn naive(data: &[u8]) -> Option<Header> {
    naive_line(data).or_else(|| naive_binary(data))
}

fn naive_line(data: &[u8]) -> Option<Header> {
    let start = &data[..data.len().min(MAX_LINE)];
    let length = 1 + start.iter().position(|byte| *byte == b'\n')?;
    let line = start[..length].strip_suffix(b"\r\n")?;
    let unknown = b"PROXY UNKNOWN";
    if line == unknown || line.starts_with(b"PROXY UNKNOWN ") {
        return Some(Header {
            source: None,
            length,
        });
    }
    let words: Vec<&str> = std::str::from_utf8(line).ok()?.split(' ').collect();
    let ["PROXY", family, source, destination, port, other_port] = words[..] else {
        return None;
    };
    let (source, destination): (IpAddr, IpAddr) = (source.parse().ok()?, destination.parse().ok()?);
    let is_family = |ip: IpAddr| match family {
        "TCP4" => ip.is_ipv4(),
        "TCP6" => ip.is_ipv6(),
        _ => false,
    };
    // A number is written as it would be written again.
    let number = |word: &str| (0..=u16::MAX).find(|port| port.to_string() == word);
    let (port, _) = (number(port)?, number(other_port)?);
    let source = Some(source).filter(|_| is_family(source) && is_family(destination))?;
    somebody(source, port).map(|source| Header {
        source: Some(source),
        length,
    })
}

fn naive_binary(data: &[u8]) -> Option<Header> {
    let rest = data.strip_prefix(b"\x0D\x0A\x0D\x0A\x00\x0D\x0A\x51\x55\x49\x54\x0A")?;
    let [command, family, high, low, block @ ..] = rest else {
        return None;
    };
    let size = usize::from(*high) * 256 + usize::from(*low);
    let length = 16 + size;
    if length > MAX_HEADER || block.len() < size {
        return None;
    }
    let block = &block[..size];
    let port = |at: usize| u16::from(block[at]) * 256 + u16::from(block[at + 1]);
    let source = match (command, family) {
        (0x20, _) | (0x21, 0 | 1 | 2) => None,
        (0x21, 0x11) if size >= 12 => {
            let ip: [u8; 4] = block[..4].try_into().ok()?;
            Some(somebody(ip.into(), port(8))?)
        }
        (0x21, 0x21) if size >= 36 => {
            let ip: [u8; 16] = block[..16].try_into().ok()?;
            Some(somebody(ip.into(), port(32))?)
        }
        _ => return None,
    };
    Some(Header { source, length })
}

/// An address at which one host can be, IPv4 if it is one.
fn somebody(ip: IpAddr, port: u16) -> Option<SocketAddr> {
    let ip = match ip {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(ip, IpAddr::V4),
        IpAddr::V4(_) => ip,
    };
    let is_somebody = match ip {
        IpAddr::V4(ip) => !matches!(
            ip.octets(),
            [0, 0, 0, 0] | [224..=239, ..] | [255, 255, 255, 255]
        ),
        IpAddr::V6(ip) => ip.segments() != [0; 8] && ip.segments()[0] < 0xff00,
    };
    (is_somebody && port > 0).then(|| SocketAddr::new(ip, port))
}

/// A header that is made of `data` as proxies make it is read as what it was made of.
fn as_it_is_sent(data: &[u8]) {
    let Some((bytes, rest)) = data.split_first_chunk::<18>() else {
        return;
    };
    let port = u16::from_be_bytes([bytes[16], bytes[17]]);
    let ip: [u8; 16] = *bytes.first_chunk().expect("there are 18");
    let ip = match bytes[0] % 2 {
        0 => IpAddr::from(ip),
        _ => IpAddr::from(*ip.last_chunk::<4>().expect("there are 16")),
    };
    let (family, code, octets) = match ip {
        IpAddr::V4(ip) => ("TCP4", 0x11, ip.octets().to_vec()),
        IpAddr::V6(ip) => ("TCP6", 0x21, ip.octets().to_vec()),
    };
    let line = format!("PROXY {family} {ip} {ip} {port} 1\r\n");
    let block = [&octets[..], &octets, &port.to_be_bytes(), &[0, 1]].concat();
    let head = [0x21, code, 0, block.len() as u8];
    let binary = [b"\r\n\r\n\0\r\nQUIT\n", &head[..], &block].concat();
    let right = somebody(ip, port);
    for header in [line.into_bytes(), binary] {
        let read = parse(&[&header[..], rest].concat());
        let length = header.len();
        match right {
            None => assert!(read.is_err(), "{header:?}"),
            source => assert_eq!(read, Ok(Some(Header { source, length })), "{header:?}"),
        }
    }
}
