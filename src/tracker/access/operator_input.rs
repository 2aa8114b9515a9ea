//! What the operator writes: networks, shares of slots, and the lines of files.

use super::network::Network;
use super::slots::SlotShares;
use crate::protocol::text::{number, spelled_out};
use std::net::IpAddr;
use std::str::FromStr;

/// The most characters that are shown of what is not a network. The longest network has 43.
const MAX_SHOWN: usize = 50;

impl FromStr for Network {
    type Err = String;

    /// Reads `192.0.2.1`, `192.0.2.0/24`, `2001:db8::/32`. Bits behind the prefix must be zero, so
    /// that a slip is noticed.
    fn from_str(text: &str) -> Result<Self, String> {
        let (ip, bits) = text
            .split_once('/')
            .map_or((text, None), |(ip, bits)| (ip, Some(bits)));
        let text = spelled_out(text, MAX_SHOWN);
        let wrong = || format!("'{text}' is not an address, nor a network such as 192.0.2.0/24");
        let ip: IpAddr = ip.parse().map_err(|_| wrong())?;
        let most = if ip.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            None => most,
            Some(bits) => number(bits)
                .filter(|&bits| bits <= most)
                .ok_or_else(wrong)?,
        };
        if ip.to_canonical() != ip {
            return Err(format!("'{text}': write IPv4 addresses as IPv4"));
        }
        let network = Self::around(ip, bits);
        if network.first != ip {
            return Err(format!(
                "'{text}' has bits set behind its prefix; did you mean {network}?"
            ));
        }
        Ok(network)
    }
}

impl FromStr for SlotShares {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let shares: Option<Vec<u32>> = text
            .split(':')
            .map(|n| number(n).filter(|n| (1..=10_000).contains(n)))
            .collect();
        match shares.as_deref() {
            Some(&[pending, listed, client, watcher]) => {
                Ok(Self([pending, listed, client, watcher]))
            }
            _ => Err(format!(
                "'{text}' is not four shares from 1 to 10000, such as 1:4:2:1 \
                 (pending:listed:client:watcher)"
            )),
        }
    }
}

/// The lines that say something, each with its number: trimmed, not blank, and not beginning with `#`.
pub(crate) fn telling_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .map(|(number, line)| (number + 1, line.trim()))
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
}

/// A line of a file that is not understood. The other lines count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongLine {
    /// Counted from 1.
    pub number: usize,
    /// What is wrong with it, without what it holds.
    pub why: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_blank_lines_say_nothing() {
        let lines: Vec<_> = telling_lines("# top\n\n a b \r\n#c\nd#e").collect();
        assert_eq!(lines, [(3, "a b"), (5, "d#e")]);
    }

    #[test]
    fn networks_are_read_and_slips_are_noticed() {
        for (text, shown) in [
            ("192.0.2.1", "192.0.2.1/32"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("2001:db8::/32", "2001:db8::/32"),
            ("::1", "::1/128"),
        ] {
            assert_eq!(text.parse::<Network>().unwrap().to_string(), shown);
        }
        for text in [
            "",
            "localhost",
            "192.0.2.0/33",
            "192.0.2.0/",
            "192.0.2.0/-1",
            "192.0.2.0/+24",
            "192.0.2.0/024 ",
            "192.0.2/24",
            "192.0.2.1/24",
            "::/129",
            "::ffff:192.0.2.1",
            "192.0.2.0/24 ",
        ] {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
        let said = "192.0.2.1/24".parse::<Network>().unwrap_err();
        assert!(said.contains("did you mean 192.0.2.0/24?"), "{said}");
        let said = format!("\u{1b}[2J{}", "x".repeat(999)).parse::<Network>();
        let said = said.unwrap_err();
        assert!(
            said.starts_with("'\\u{1b}[2Jxxx") && said.len() < 200,
            "{said}"
        );
    }

    #[test]
    fn shares_are_four_positive_numbers() {
        for bad in [
            "",
            "1:2:3",
            "1:2:3:4:5",
            "0:1:1:1",
            "a:1:1:1",
            "1:1:1:-1",
            "1:1:1:+1",
            "1:1:1:10001",
            "4294967296:1:1:1",
            "1:1:1:18446744073709551616",
        ] {
            assert!(bad.parse::<SlotShares>().is_err(), "{bad}");
        }
    }
}
