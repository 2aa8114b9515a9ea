//! Addresses that the operator does not want.
//!
//! A bans file has an address or a network on each line, and a reason behind it. Among many thousands, a
//! ban is found by its prefix, for each length of prefix that occurs.

use crate::protocol::refusal::{ErrorCode, Refusal};
use crate::protocol::text::spelled_out;
use crate::tracker::access::network::Network;
use crate::tracker::access::operator_input::{WrongLine, telling_lines};
use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;

/// The longest reason that is told, in bytes: it must fit into an ERR line.
const MAX_REASON: usize = 400;

/// Cuts `text` to [`MAX_REASON`] bytes, which spelling out may have exceeded.
fn bounded(mut text: String) -> String {
    while text.len() > MAX_REASON {
        text.pop();
    }
    text
}

/// The bans that hold now.
#[derive(Debug, Default)]
pub struct Bans {
    reasons: HashMap<Network, Box<str>>,
    /// The lengths of the prefixes that occur, the longest first, for either family.
    lengths: [BTreeSet<std::cmp::Reverse<u8>>; 2],
}

impl Bans {
    /// Reads a bans file. Returns the lines that are wrong too; the others count.
    pub fn parse(text: &str) -> (Self, Vec<WrongLine>) {
        let mut bans = Self::default();
        let mut wrong = Vec::new();
        for (number, line) in telling_lines(text) {
            let (network, reason) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
            match network.parse::<Network>() {
                Ok(network) => {
                    let reason = bounded(spelled_out(reason.trim(), MAX_REASON));
                    bans.lengths[usize::from(network.is_ipv4())]
                        .insert(std::cmp::Reverse(network.bits()));
                    bans.reasons.insert(network, reason.into());
                }
                Err(why) => wrong.push(WrongLine { number, why }),
            }
        }
        (bans, wrong)
    }

    /// How many bans there are.
    pub fn count(&self) -> usize {
        self.reasons.len()
    }

    /// Why `ip` is banned, if it is. The narrowest ban gives the reason.
    pub fn refusal(&self, ip: IpAddr) -> Option<Refusal> {
        let ip = ip.to_canonical();
        let reason = self.lengths[usize::from(ip.is_ipv4())]
            .iter()
            .find_map(|bits| self.reasons.get(&Network::around(ip, bits.0)))?;
        let text = match &**reason {
            "" => "the operator has banned your address".to_owned(),
            reason => format!("the operator has banned your address: {reason}"),
        };
        Some(Refusal::new(ErrorCode::Banned, text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bans: &Bans, ip: &str) -> Option<String> {
        bans.refusal(ip.parse().unwrap())
            .map(|refusal| refusal.to_string())
    }

    #[test]
    fn the_narrowest_ban_gives_the_reason() {
        let (bans, wrong) = Bans::parse(
            "# from the forum\n192.0.2.0/24 fake servers\n192.0.2.7 the worst \u{1b}[2J of them\n\
             2001:db8::/32\n::/127 both ends",
        );
        assert_eq!((bans.count(), wrong), (4, vec![]));
        let banned = "ERR banned the operator has banned your address";
        assert_eq!(
            text(&bans, "192.0.2.1"),
            Some(format!("{banned}: fake servers"))
        );
        assert_eq!(
            text(&bans, "::ffff:192.0.2.7"),
            Some(format!("{banned}: the worst \\u{{1b}}[2J of them"))
        );
        assert_eq!(text(&bans, "2001:db8:1::1"), Some(banned.to_owned()));
        assert_eq!(text(&bans, "::1"), Some(format!("{banned}: both ends")));
        for free in ["192.0.3.1", "2001:db9::1", "::2"] {
            assert_eq!(text(&bans, free), None, "{free}");
        }
    }

    #[test]
    fn a_reason_fits_into_a_line_whatever_it_holds() {
        for c in ['x', '\u{202e}', '界'] {
            let (bans, _) = Bans::parse(&format!("192.0.2.1 {}", c.to_string().repeat(2000)));
            assert!(text(&bans, "192.0.2.1").unwrap().len() < 500);
        }
    }

    #[test]
    fn wrong_lines_are_named_and_the_others_count() {
        let (bans, wrong) = Bans::parse("192.0.2.1/24\nlocalhost\n\n203.0.113.9 spam\n10.0.0.0/33");
        let numbers: Vec<usize> = wrong.iter().map(|line| line.number).collect();
        assert_eq!((bans.count(), numbers), (1, vec![1, 2, 5]));
        assert!(wrong[0].why.contains("did you mean 192.0.2.0/24?"));
        let (_, wrong) = Bans::parse("192.0.2.1\u{1b}]0;x\u{7}\u{202e}/32 spam");
        let why = "'192.0.2.1\\u{1b}]0;x\\u{7}\\u{202e}/32' is not an address";
        assert!(wrong[0].why.starts_with(why), "{}", wrong[0].why);
        assert!(text(&bans, "203.0.113.9").is_some());
    }
}
