//! What came of asking a tracker for its list. Pure.

use crate::base::time_format::in_units;
use crate::client::replica::{Error, KnownList};
use crate::client::tracker_address::TRACKER_PORT;
use crate::protocol::refusal::ErrorCode;
use crate::reach::check::game_servers;
use std::io::ErrorKind;
use std::time::Duration;

/// The answer of one address, in words.
pub(super) fn in_words(
    answer: &Result<KnownList, Error>,
    took: Duration,
) -> Result<String, String> {
    match answer {
        Ok(list) => Ok(format!(
            "it sends its whole list, {}, in {} ms",
            game_servers(list.len()),
            in_units(took, Duration::from_millis(1), 1)
        )),
        Err(error) if is_other_port(error) => {
            Err("it is the one where game servers log in".to_owned())
        }
        Err(error) => Err(error.to_string()),
    }
}

/// What to do if no address has sent a list, and the last one has answered this; `is_here` if it is one of
/// this machine.
pub(super) fn advice(error: &Error, is_here: bool) -> String {
    let port =
        format!("the port for players is {TRACKER_PORT}, unless its operator says otherwise");
    match error {
        error if is_other_port(error) => format!("Ask another port: {port}."),
        Error::Unreachable(error) if is_here && error.kind() == ErrorKind::ConnectionRefused => {
            format!(
                "Does the tracker run, and is this its port ({port})? If it is not on this machine, name it: HOST."
            )
        }
        Error::Unreachable(error) if error.kind() == ErrorKind::ConnectionRefused => {
            format!("Does the tracker run, and is this its port? ({port})")
        }
        Error::Unreachable(_) => "Is this machine online? Does the tracker's name lead where it \
                                  should?"
            .to_owned(),
        Error::Late => format!(
            "Something on the way swallows it: a firewall of this network, one of the tracker's, or \
             a wrong port ({port})."
        ),
        Error::NotATracker(_) => format!("Somebody else listens there; {port}."),
        Error::CutOff | Error::Wrong(_) | Error::TooMuch(_) => {
            "Check again; if that stays, it is for the tracker's operator.".to_owned()
        }
        Error::Refused(_) if error.is_for_want_of_room() => {
            "Check again in a minute; if that stays, its operator may allow more (--max-slots)."
                .to_owned()
        }
        Error::Refused(_) => "That is for the tracker's operator.".to_owned(),
    }
}

/// True if it is the port for game servers, which knows no LIST.
fn is_other_port(error: &Error) -> bool {
    matches!(error, Error::Refused(refused) if refused.is(ErrorCode::UnknownCommand))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::replica::Refused;

    #[test]
    fn every_error_is_said_with_what_to_do() {
        let refused = |said: &str| Error::Refused(Refused::parse(said));
        for (error, words, part) in [
            (
                Error::Unreachable(ErrorKind::ConnectionRefused.into()),
                "no connection: nobody listens there",
                "Does the tracker run",
            ),
            (
                Error::Unreachable(ErrorKind::NetworkUnreachable.into()),
                "no connection: network unreachable",
                "online",
            ),
            (Error::Late, "it did not answer in time", "firewall"),
            (Error::CutOff, "the answer was cut off", "operator"),
            (
                Error::NotATracker("it said 'SSH'".to_owned()),
                "it does not speak like a tracker",
                "the port for players is 23471",
            ),
            (
                refused("unknown-command no"),
                "it is the one where game servers log in",
                "Ask another port: the port for players is 23471",
            ),
            (refused("busy no"), "it said ERR busy no", "in a minute"),
            (refused("banned no"), "it said ERR banned no", "operator"),
        ] {
            let advice = advice(&error, false);
            let said = in_words(&Err(error), Duration::ZERO).unwrap_err();
            assert!(said.starts_with(words), "{said}");
            assert!(advice.contains(part), "{said}: {advice}");
        }
        let said = in_words(&Ok(KnownList::default()), Duration::from_micros(1234));
        assert_eq!(
            said.unwrap(),
            "it sends its whole list, 0 game servers, in 1.2 ms"
        );
    }
}
