//! What came of pinging some game servers of a list. Pure.

use crate::base::time_format::in_units;
use crate::client::ping::Ping;
use crate::query::{Kind, Transport};
use crate::reach::check::{Step, game_servers};
use std::time::Duration;

/// So many game servers without an answer are no accident.
const MANY: usize = 3;

/// What was measured of game servers; `is_here` if the tracker is on this machine, as one whose health is
/// checked. There nobody plays.
pub(super) fn of_pings(pings: &[Ping], is_here: bool) -> Step {
    let is_by_udp = |ping: &&Ping| {
        let transport = ping.target.kind.map(Kind::transport);
        transport != Some(Transport::Tcp)
    };
    let by_udp = pings.iter().filter(is_by_udp).count();
    let answered = pings.iter().filter_map(|ping| Some((ping, ping.mean?)));
    let answered: Vec<(&Ping, Duration)> = answered.collect();
    let answered_by_udp = answered.iter().filter(|(ping, _)| is_by_udp(ping)).count();
    let found = match answered.iter().map(|(_, mean)| *mean).min() {
        Some(nearest) => format!(
            "{} of {} answer a ping from here, the nearest in {} ms.",
            answered.len(),
            game_servers(pings.len()),
            in_units(nearest, Duration::from_millis(1), 1)
        ),
        None => format!(
            "Of {} none answers a ping from here.",
            game_servers(pings.len())
        ),
    };
    match by_udp {
        _ if answered_by_udp > 0 => Step::well(found),
        0 if !answered.is_empty() => Step::well(found),
        by_udp if by_udp >= MANY && !is_here => Step::wrong(
            format!("{found} Of {by_udp} that are asked by UDP none does."),
            "The tracker, asked by TCP, does answer: so a firewall of this machine or its network is \
             likely to swallow UDP. Let it out, with its answers.",
        ),
        _ => Step::aside(
            found,
            "Perhaps they do not run, or answer no pings. If there are more and it stays so, look at \
             the firewall of this machine: pings are UDP.",
        ),
    }
}

/// What was measured of so many of whom nobody has answered, and nobody need have.
pub(super) fn of_excused(silent: usize) -> Step {
    Step::aside(
        format!("Of {} none answers a ping from here.", game_servers(silent)),
        "That says nothing: they are stale, or of games that do not know PING.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::ping::Target;
    use crate::reach::check::Mark;

    fn pings(answers: &[(Option<Kind>, Option<u64>)]) -> Vec<Ping> {
        let pings = answers.iter().zip(1..).map(|(&(kind, mean), port)| {
            let address = ([198, 51, 100, 7], port).into();
            Ping {
                mean: mean.map(Duration::from_millis),
                ..Ping::none(Target { address, kind })
            }
        });
        pings.collect()
    }

    #[test]
    fn udp_that_is_swallowed_is_told_from_game_servers_that_do_not_answer() {
        let silent = (None, None);
        let minecraft = (Some(Kind::Minecraft), Some(9));
        for (answers, is_here, mark, part) in [
            (
                &[silent, (None, Some(20))][..],
                false,
                Mark::Well,
                "1 of 2 game servers answer",
            ),
            (&[minecraft], false, Mark::Well, "the nearest in 9.0 ms"),
            (
                &[silent, silent],
                false,
                Mark::Aside,
                "Of 2 game servers none answers",
            ),
            (
                &[silent, silent, silent],
                false,
                Mark::Wrong,
                "Of 3 that are asked by UDP none does",
            ),
            (
                &[silent, silent, silent, minecraft],
                false,
                Mark::Wrong,
                "1 of 4 game servers",
            ),
            (
                &[silent, silent, silent],
                true,
                Mark::Aside,
                "Of 3 game servers none",
            ),
        ] {
            let step = of_pings(&pings(answers), is_here);
            assert_eq!(step.mark, mark, "{step:?}");
            assert!(step.found.contains(part), "{step:?}");
        }
    }
}
