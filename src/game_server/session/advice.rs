//! What a person can do about a tracker's refusal.

use super::refusal::{Stage, TrackerRefusal};
use crate::protocol::refusal::ErrorCode;

/// The lowest UDP port to which trackers send datagrams; see the limits in PROTOCOL.md.
const LOWEST_CHECKED: u16 = 1024;

/// What advice depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Situation {
    /// The UDP port that is checked.
    pub udp_port: u16,
    /// True if this program answers there.
    pub answers: bool,
    /// True if the game server names its `ip`.
    pub names_ip: bool,
    /// True for a game server of an existing game, which answers its own questions and no others.
    pub is_queried: bool,
}

impl Situation {
    /// That of tests, unless they say otherwise.
    #[cfg(test)]
    pub(crate) const USUAL: Self = Self {
        udp_port: 23460,
        answers: false,
        names_ip: false,
        is_queried: false,
    };

    /// True for a port to which trackers send no datagrams.
    pub(crate) fn is_never_checked(&self) -> bool {
        self.udp_port < LOWEST_CHECKED
    }

    /// What to do about a port that is never checked.
    pub(crate) fn advice_on_low_port(&self) -> String {
        format!(
            "trackers never check UDP ports below {LOWEST_CHECKED}, so no list will say checked=yes \
             of UDP {}; let a higher one answer for the game: --pong pingport=<port>",
            self.udp_port
        )
    }

    /// What to do if nothing has come back from the UDP port.
    pub(crate) fn advice_on_silence(&self) -> String {
        let port = self.udp_port;
        let named = match self.names_ip {
            true => " at the ip= that you name (or leave ip= out)",
            false => "",
        };
        match self.answers {
            false if self.is_queried => format!(
                "the game at UDP {port} does not answer a tracker's CHALLENGE; another port can in its \
                 place: --pong pingport=<port>"
            ),
            true => format!(
                "open UDP {port}{named} in your firewall, and forward it if you are behind a router \
                 (to another port of this machine: --pong=PORT)"
            ),
            false => format!(
                "open UDP {port}{named} in your firewall, and let the game answer CHALLENGE there; \
                 if it does not, --pong does it"
            ),
        }
    }
}

impl TrackerRefusal {
    /// What a person can do about it; empty if the tracker's text says it all.
    pub fn advice(&self, situation: Situation) -> String {
        use ErrorCode::*;
        let advice = match self.code {
            _ if self.is_about_proxy() => {
                "this is for the tracker's operator: a proxy is in front, and only one of the two is set \
                 up for that. It is tried until they are"
            }
            Some(BadPassword) => {
                "check the password (GLTRACKER_PASSWORD or --password-file) and the name of the \
                 key (--key), or ask the tracker's operator for new ones"
            }
            Some(Banned) => "only the tracker's operator can lift that",
            Some(BadIp) => {
                "leave ip= out, and the tracker lists the address that it sees; if you must name \
                 another, it is one that players can reach"
            }
            Some(BadValue) => "mend the value and start again",
            Some(BadSyntax) => {
                "the tracker does not understand this program: is it much older, and is that the \
                 port for game servers? It is 23470 by default"
            }
            Some(LineTooLong) => {
                "say less: shorten the description or leave fields out, and start again"
            }
            Some(NotText) => "write the values in UTF-8, and start again",
            Some(Busy) if self.stage == Stage::Listed => {
                "others from your network are on the list too; if that repeats, stop one of them, \
                 or ask the tracker's operator for more slots"
            }
            Some(Busy) => {
                "it is tried until there is room; if that lasts, ask the tracker's operator for \
                 more slots"
            }
            Some(Timeout) => {
                "the way to the tracker is slow or was cut; if that repeats, look at this machine's \
                 load and network"
            }
            Some(UnknownCommand) => "is that the port for game servers? It is 23470 by default",
            Some(Taken) if self.is_takeover() => {
                "two of you announce this port; stop one of them, or name the address of each with \
                 ip= if this host has several. The newer one stays on the list"
            }
            Some(Taken) if self.asks_to_wait().is_some() => {
                "if that lasts, somebody else names this address with ip=; stop that, or log in from \
                 the address itself"
            }
            Some(Taken) => {
                "somebody else announces this port with another password or key; end that, or use \
                 theirs"
            }
            Some(TooMany) if self.stage == Stage::Introducing => {
                "stop one of your others, or ask the tracker's operator to allow more"
            }
            Some(Unreachable) if situation.is_never_checked() => {
                return situation.advice_on_low_port();
            }
            Some(Unreachable) => return situation.advice_on_silence(),
            _ => "",
        };
        advice.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::game_server::session::Fate;

    fn refusal(said: &str, stage: Stage) -> TrackerRefusal {
        TrackerRefusal::parse(said, stage)
    }

    #[test]
    fn advice_names_the_port_and_texts_are_plain() {
        let unreachable = refusal("unreachable \u{1b}[2Judp", Stage::Checking);
        assert_eq!(unreachable.to_string(), "(unreachable): \\u{1b}[2Judp");
        let advice = unreachable.advice(Situation::USUAL);
        assert!(
            advice.starts_with("open UDP 23460 in your firewall"),
            "{advice}"
        );
        assert!(advice.ends_with("--pong does it"), "{advice}");
        let answers = Situation {
            answers: true,
            ..Situation::USUAL
        };
        let advice = unreachable.advice(answers);
        assert!(
            advice.contains("--pong=PORT") && !advice.contains("does it"),
            "{advice}"
        );
        let named = Situation {
            names_ip: true,
            ..Situation::USUAL
        };
        let advice = unreachable.advice(named);
        assert!(advice.contains("the ip= that you name"), "{advice}");
        assert_eq!(refusal("new-code", Stage::Listed).advice(answers), "");
        assert_eq!(refusal("new-code", Stage::Listed).to_string(), "(new-code)");
    }

    #[test]
    fn a_port_that_is_never_checked_is_no_matter_of_firewalls() {
        let low = Situation {
            udp_port: 80,
            answers: true,
            ..Situation::USUAL
        };
        let said = "unreachable this tracker lists only checked ports, and does not check those";
        let refusal = refusal(said, Stage::Introducing);
        assert_eq!(refusal.fate(), Fate::GiveUp);
        let advice = refusal.advice(low);
        assert!(
            advice.contains("below 1024") && !advice.contains("firewall"),
            "{advice}"
        );
        assert!(advice.contains("pingport="), "{advice}");
    }

    #[test]
    fn whatever_can_be_done_about_is_advised() {
        for (said, stage, part) in [
            ("bad-syntax no", Stage::LoggingIn, "23470"),
            ("line-too-long no", Stage::Introducing, "say less"),
            ("not-text a PROXY header", Stage::LoggingIn, "operator"),
            ("not-text no", Stage::Introducing, "UTF-8"),
            ("busy no", Stage::LoggingIn, "it is tried until"),
            ("busy no", Stage::Listed, "from your network"),
            ("timeout no", Stage::Listed, "network"),
        ] {
            let advice = refusal(said, stage).advice(Situation::USUAL);
            assert!(advice.contains(part), "{said}: {advice}");
            let is_passing = part == "operator";
            assert!(!is_passing || refusal(said, stage).fate() != Fate::GiveUp);
        }
    }
}
