//! Where a tracker is, and which of its addresses answer.

use super::step::Step;
use crate::base::io_error::{is_unknown_name, unreached};
use crate::base::mutex::lock;
use crate::base::threads;
use crate::reach::address::Address;
use crate::reach::memory::{Family, Memory};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long a tracker may take for a connection and its answer, such as the whole list. A healthy one answers
/// within a second.
pub(crate) const ANSWER_TIME: Duration = Duration::from_secs(5);

/// How long the look-up of a name may take: one repetition of the system's resolver.
const LOOK_UP_TIME: Duration = Duration::from_secs(5);

/// The addresses of a tracker that are tried by a program that wants it, and the step that tells of them.
pub(crate) fn find<const PORT: u16>(tracker: &Address<PORT>) -> (Step, Vec<SocketAddr>) {
    let found = tracker.look_up(Instant::now() + LOOK_UP_TIME);
    let found = found.map(|found| Vec::from(Memory::default().order(found, 0)));
    let host = tracker.has_name().then(|| tracker.host());
    (
        of_name(host, tracker.family(), &found),
        found.unwrap_or_default(),
    )
}

/// What is to be said of the addresses that were found for a name, or without one.
fn of_name(host: Option<&str>, only: Option<Family>, found: &io::Result<Vec<SocketAddr>>) -> Step {
    let Some(host) = host else {
        return Step::well("The tracker is named by its address: no name has to be looked up.");
    };
    match found {
        Ok(found) => {
            let shown = found.iter().map(|address| {
                let family = Family::of(*address);
                format!("{} ({family})", address.ip())
            });
            let shown: Vec<String> = shown.collect();
            let only = only.map_or(String::new(), |only| format!(", over {only} only"));
            Step::well(format!(
                "The name {host} leads to {}{only}.",
                shown.join(", ")
            ))
        }
        Err(error) => {
            let advice = match only {
                Some(only) if error.kind() == io::ErrorKind::NotFound => {
                    format!("Leave --{} out.", only.to_string().to_lowercase())
                }
                _ if is_unknown_name(error) => {
                    "Is it spelled right? If so, is this machine's DNS at work (try another name)?"
                        .to_owned()
                }
                _ => "Is this machine online, and its DNS at work (try another name)?".to_owned(),
            };
            Step::wrong(format!("{host}: {}.", unreached(error)), advice)
        }
    }
}

/// Does `ask` for all addresses at the same time; what came of it, in their order.
pub(crate) fn at_each<T: Send + 'static>(
    addresses: &[SocketAddr],
    ask: impl Fn(SocketAddr) -> T + Clone + Send + 'static,
) -> Vec<(SocketAddr, T)> {
    // A channel for each kind of answer would make the program larger.
    let started = addresses.iter().map(|&address| {
        let (answer, ask) = (Arc::new(Mutex::new(None)), ask.clone());
        let slot = Arc::clone(&answer);
        let thread = threads::start("check", threads::STACK, move || {
            let answer = ask(address);
            *lock(&slot) = Some(answer);
        });
        (address, answer, thread)
    });
    let started: Vec<_> = started.collect();
    let answers = started.into_iter().map(|(address, answer, thread)| {
        let _ = thread.map(JoinHandle::join);
        // Without a thread there is no answer yet.
        let answer = lock(&answer).take();
        (address, answer.unwrap_or_else(|| ask(address)))
    });
    answers.collect()
}

/// The steps of one port of each address: what it has answered, or why it has not. One that answers is
/// enough, since programs try them all.
pub(crate) fn of_ports(
    answers: &[(SocketAddr, Result<String, String>)],
    role: &str,
    advice: &str,
) -> Vec<Step> {
    let is_any_well = answers.iter().any(|(_, answer)| answer.is_ok());
    let last = answers.len().saturating_sub(1);
    let steps = answers
        .iter()
        .enumerate()
        .map(|(number, (address, answer))| {
            let place = format!("Port {} of {}, for {role}", address.port(), address.ip());
            match answer {
                Ok(text) => Step::well(format!("{place}: {text}.")),
                Err(why) if is_any_well => Step::aside(
                    format!("{place}: {why}."),
                    "Another address answers, so that it goes on there; if that lasts, tell the \
                 tracker's operator.",
                ),
                Err(why) => {
                    let advice = if number == last { advice } else { "" };
                    Step::wrong(format!("{place}: {why}."), advice)
                }
            }
        });
    steps.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reach::check::Mark;
    use std::io::ErrorKind;

    fn addresses(text: &str) -> Vec<SocketAddr> {
        text.split(' ').map(|it| it.parse().unwrap()).collect()
    }

    #[test]
    fn a_name_is_told_with_its_addresses_and_families_or_what_to_do() {
        let both = Ok(addresses("198.51.100.7:1 [2001:db8::7]:1"));
        let step = of_name(Some("a.example"), None, &both);
        assert_eq!(
            step,
            Step::well("The name a.example leads to 198.51.100.7 (IPv4), 2001:db8::7 (IPv6).")
        );
        let only = of_name(Some("a.example"), Some(Family::Ipv4), &both);
        assert!(only.found.ends_with(", over IPv4 only."), "{only:?}");
        let unknown = "failed to lookup address information: Name or service not known";
        for (error, only, part) in [
            (io::Error::other(unknown), None, "spelled right"),
            (ErrorKind::TimedOut.into(), None, "online"),
            (
                ErrorKind::NotFound.into(),
                Some(Family::Ipv6),
                "Leave --ipv6 out",
            ),
        ] {
            let step = of_name(Some("a.example"), only, &Err(error));
            assert_eq!(step.mark, Mark::Wrong);
            assert!(step.advice.contains(part), "{step:?}");
        }
        assert_eq!(of_name(None, None, &both).mark, Mark::Well);
    }

    #[test]
    fn one_address_that_answers_is_enough() {
        let [a, b] = addresses("198.51.100.7:1 [2001:db8::7]:1")[..] else {
            panic!()
        };
        let well = (a, Ok("it is open".to_owned()));
        let bad = |at| (at, Err("nobody listens there".to_owned()));
        let marks = |answers: &[_]| -> Vec<(Mark, bool)> {
            let steps = of_ports(answers, "players", "open it").into_iter();
            steps.map(|it| (it.mark, it.advice == "open it")).collect()
        };
        assert_eq!(
            marks(&[well, bad(b)]),
            [(Mark::Well, false), (Mark::Aside, false)]
        );
        assert_eq!(
            marks(&[bad(a), bad(b)]),
            [(Mark::Wrong, false), (Mark::Wrong, true)]
        );
        let text = &of_ports(&[bad(b)], "players", "")[0].found;
        assert_eq!(
            text,
            "Port 1 of 2001:db8::7, for players: nobody listens there."
        );
    }

    #[test]
    fn all_addresses_are_asked_at_the_same_time() {
        let all = addresses("198.51.100.7:1 198.51.100.7:2 198.51.100.7:3");
        let meeting = std::sync::Arc::new(std::sync::Barrier::new(3));
        let asked = at_each(&all, move |address| {
            meeting.wait();
            address.port()
        });
        let ports: Vec<u16> = asked.into_iter().map(|(_, port)| port).collect();
        assert_eq!(ports, [1, 2, 3]);
    }
}
