//! Whether the datagrams of trackers and players reach the game server. Pure.

use super::login::sentence;
use crate::base::time_format::in_units;
use crate::game_server::session::Situation;
use crate::reach::check::Step;
use std::net::SocketAddr;
use std::time::Duration;

/// What has become of the tracker's datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Datagram {
    /// It was answered: the list says `checked=yes`.
    Answered,
    /// It was not answered in time.
    Lost,
    /// It was not answered in time, and others of the same host are listed. A tracker asks a host three times
    /// in 10 s at the most.
    Awaited,
    /// This check has nothing that could answer.
    NotTried,
    /// The same, of a tracker that lists nobody before that.
    Demanded,
    /// Somebody else announces it, and the list does not say that it was.
    Unknown,
}

/// The step of the tracker's datagram to this address.
pub(super) fn of_datagram(datagram: Datagram, to: SocketAddr, situation: Situation) -> Step {
    let udp = SocketAddr::new(to.ip(), situation.udp_port);
    if situation.is_never_checked() && datagram != Datagram::Answered {
        return Step::aside(
            format!("The tracker sends no datagram to UDP {udp}."),
            sentence(&situation.advice_on_low_port()),
        );
    }
    let advice = sentence(&situation.advice_on_silence());
    match datagram {
        Datagram::Answered => Step::well(format!(
            "The tracker's datagram to UDP {udp} was answered: the list says checked=yes."
        )),
        Datagram::Lost => Step::wrong(
            format!("No datagram of the tracker has come through to UDP {udp}."),
            format!(
                "{advice} (A tracker sends few: if you have announced or checked in the last 10 s, \
                 wait so long and check again.)"
            ),
        ),
        Datagram::Awaited => Step::aside(
            format!(
                "No datagram of the tracker has come to UDP {udp} so far. It asks one host three times in \
                 10 s at the most, and others of this host are listed."
            ),
            "Check again in half a minute.",
        ),
        Datagram::Demanded => Step::wrong(
            format!(
                "The tracker lists the game server only if its datagram to UDP {udp} is answered, and \
                 nobody here does that."
            ),
            advice,
        ),
        Datagram::NotTried => Step::aside(
            format!(
                "Nobody here answers the tracker's datagram to UDP {udp}, so that its way is not \
                 tried, and the list will not say checked=yes."
            ),
            match situation.is_queried {
                true => "Players do without: they ask the game itself.",
                false => "With --pong this program answers it, if the game leaves it the port.",
            },
        ),
        Datagram::Unknown => Step::aside(
            format!("The list does not say that UDP {udp} was checked."),
            advice,
        ),
    }
}

/// The step of a ping from here to this address; `is_near` if it is one of this host. Silence is no fault if
/// there is an `excuse`.
pub(super) fn of_ping(
    mean: Option<Duration>,
    to: SocketAddr,
    is_near: bool,
    situation: Situation,
    excuse: Option<&'static str>,
) -> Step {
    let udp = SocketAddr::new(to.ip(), situation.udp_port);
    let what = match situation.is_queried {
        true => "the question of its players",
        false => "PING",
    };
    match mean {
        Some(mean) => Step::well(format!(
            "It answers {what} at {udp}, from here in {} ms.",
            in_units(mean, Duration::from_millis(1), 1)
        )),
        None if !is_near || excuse.is_some() => Step::aside(
            format!(
                "{what} at {udp} is not answered from here.",
                what = sentence_start(what)
            ),
            excuse.unwrap_or(
                "That need not be wrong: behind a router, few reach themselves at their outer address. \
                 Ask somebody outside to run: gltracker list TRACKER",
            ),
        ),
        None => Step::wrong(
            format!("It does not answer {what} at {udp}: players see it last, without a ping."),
            match (situation.is_queried, situation.answers) {
                (true, _) => "Does the game run, and listen at that address?",
                (false, true) => "Does a firewall of this host swallow UDP to itself?",
                (false, false) => {
                    "Does the game run, and answer PING? If it does not, --pong answers for it."
                }
            },
        ),
    }
}

/// The same words at the beginning of a sentence.
fn sentence_start(words: &str) -> String {
    sentence(words).trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reach::check::Mark;

    fn situation(answers: bool, is_queried: bool, udp_port: u16) -> Situation {
        Situation {
            udp_port,
            answers,
            names_ip: false,
            is_queried,
        }
    }

    #[test]
    fn a_datagram_that_is_lost_or_demanded_is_wrong_and_others_are_not() {
        let to = "198.51.100.7:5".parse().unwrap();
        use Datagram::*;
        for (datagram, answers, port, mark, part) in [
            (Answered, true, 23460, Mark::Well, "checked=yes"),
            (
                Lost,
                true,
                23460,
                Mark::Wrong,
                "Open UDP 23460 in your firewall",
            ),
            (Lost, true, 80, Mark::Aside, "below 1024"),
            (Awaited, true, 23460, Mark::Aside, "half a minute"),
            (Demanded, false, 23460, Mark::Wrong, "--pong does it"),
            (
                NotTried,
                false,
                23460,
                Mark::Aside,
                "With --pong this program answers",
            ),
            (Unknown, false, 23460, Mark::Aside, "Open UDP 23460"),
        ] {
            let step = of_datagram(datagram, to, situation(answers, false, port));
            assert_eq!(step.mark, mark, "{step:?}");
            let text = format!("{} {}", step.found, step.advice);
            assert!(text.contains(part), "{text}");
            assert!(text.contains(&format!("UDP 198.51.100.7:{port}")), "{text}");
        }
        let queried = of_datagram(NotTried, to, situation(false, true, 27960));
        assert!(
            queried.advice.starts_with("Players do without"),
            "{queried:?}"
        );
    }

    #[test]
    fn a_ping_that_is_lost_is_wrong_only_where_it_would_have_come_back() {
        let to = "[2001:db8::7]:5".parse().unwrap();
        let excuse = Some("It is asleep.");
        for (mean, is_near, is_queried, excuse, mark, part) in [
            (
                Some(2),
                true,
                false,
                excuse,
                Mark::Well,
                "It answers PING at [2001:db8::7]:23460, from here in 2.0 ms",
            ),
            (
                Some(2),
                true,
                true,
                None,
                Mark::Well,
                "the question of its players",
            ),
            (
                None,
                true,
                false,
                None,
                Mark::Wrong,
                "--pong answers for it",
            ),
            (None, true, true, None, Mark::Wrong, "Does the game run"),
            (None, true, false, excuse, Mark::Aside, "It is asleep."),
            (
                None,
                false,
                true,
                None,
                Mark::Aside,
                "The question of its players at",
            ),
        ] {
            let mean = mean.map(Duration::from_millis);
            let situation = situation(false, is_queried, 23460);
            let step = of_ping(mean, to, is_near, situation, excuse);
            assert_eq!(step.mark, mark, "{step:?}");
            let text = format!("{} {}", step.found, step.advice);
            assert!(text.contains(part), "{text}");
        }
    }
}
