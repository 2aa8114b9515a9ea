//! What comes of logging in. Pure.

use crate::game_server::session::{Credential, Situation, TrackerRefusal};
use crate::protocol::refusal::ErrorCode;
use crate::reach::check::Step;
use std::net::IpAddr;

/// The tracker has sent its challenge.
pub(super) fn of_challenge(credential: &Credential) -> Step {
    match credential.is_key() {
        false => Step::well("The password is right: the tracker has sent its challenge."),
        true => Step::well(
            "The tracker has sent its challenge. Whether the key is right is proven by the login \
             that lists the game server.",
        ),
    }
}

/// The tracker has refused.
pub(super) fn of_refusal(refusal: &TrackerRefusal, situation: Situation) -> Step {
    let once = match refusal.code {
        Some(ErrorCode::BadPassword) => " It is not tried again: it counts as a failed login.",
        _ => "",
    };
    let advice = match refusal.advice(situation) {
        none if none.is_empty() => {
            "Check again after a minute; if that stays, it is for the tracker's operator."
                .to_owned()
        }
        advice => sentence(&advice),
    };
    Step::wrong(format!("The tracker refused {refusal}.{once}"), advice)
}

/// There was no answer.
pub(super) fn of_loss(why: &str) -> Step {
    Step::wrong(
        format!("Logging in failed: {why}."),
        "Is that the port for game servers? (23470, unless the tracker's operator says otherwise.) If \
         it is, check again later, and then tell the operator.",
    )
}

/// It was listed before it was checked.
pub(super) fn of_listed_already(is_known: bool, entry: &str) -> Step {
    let found = match is_known {
        true => format!("This game server is on the list already, as {entry}"),
        false => format!("{entry} is on the list already, and may be this game server"),
    };
    Step::aside(
        format!(
            "{found}. So nothing more is logged in here: a second login would take the entry from \
             the one that runs, which this check leaves alone."
        ),
        "If it is not yours, somebody else announces this port at this address: end that, or take \
         another port.",
    )
}

/// The address in the text of a refusal that is not `named`: where the tracker sees who has named that.
pub(super) fn seen_in(refusal: &TrackerRefusal, named: IpAddr) -> Option<IpAddr> {
    let words = refusal.text.split([' ', ',', ';']);
    let mut addresses = words.filter_map(|word| word.parse::<IpAddr>().ok());
    addresses.find(|address| *address != named)
}

/// Advice of the announcer as a sentence of its own.
pub(super) fn sentence(advice: &str) -> String {
    let mut rest = advice.chars();
    let first = rest.next().map(|first| first.to_ascii_uppercase());
    let end = if advice.ends_with(['.', '?']) {
        ""
    } else {
        "."
    };
    first.into_iter().chain(rest).collect::<String>() + end
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::game_server::session::Stage;

    fn refused(said: &str, stage: Stage) -> TrackerRefusal {
        TrackerRefusal::parse(said, stage)
    }

    #[test]
    fn a_refusal_is_said_with_what_to_do_as_sentences() {
        for (said, stage, found, advice) in [
            (
                "bad-password no",
                Stage::LoggingIn,
                "The tracker refused (bad-password): no. It is not tried again: it counts",
                "Check the password (GLTRACKER_PASSWORD or --password-file)",
            ),
            (
                "taken x is listed with another",
                Stage::Introducing,
                "The tracker refused (taken): x is listed with another.",
                "Somebody else announces this port with another password or key",
            ),
            (
                "unknown-command no",
                Stage::LoggingIn,
                "The tracker refused (unknown-command)",
                "Is that the port for game servers? It is 23470 by default.",
            ),
            (
                "new-code \u{1b}[2J",
                Stage::LoggingIn,
                "The tracker refused (new-code): \\u{1b}[2J.",
                "Check again after a minute",
            ),
        ] {
            let step = of_refusal(&refused(said, stage), Situation::USUAL);
            assert!(step.found.starts_with(found), "{step:?}");
            assert!(step.advice.starts_with(advice), "{step:?}");
            assert!(step.advice.ends_with('.'), "{step:?}");
        }
    }

    #[test]
    fn where_the_tracker_sees_us_is_in_the_text_of_its_refusal() {
        let nowhere: IpAddr = "0.0.0.0".parse().unwrap();
        for (seen, found) in [
            ("198.51.100.7", true),
            ("2001:db8::7", true),
            ("you", false),
        ] {
            let text = format!(
                "bad-ip nobody can be at 0.0.0.0; leave ip out to be listed at {seen}, or name the \
                 address that players reach"
            );
            let found_there = seen_in(&refused(&text, Stage::Introducing), nowhere);
            assert_eq!(found_there, seen.parse().ok().filter(|_| found));
        }
    }

    #[test]
    fn a_key_is_proven_later_than_a_password() {
        let password = Credential::password("secret").unwrap();
        assert!(
            of_challenge(&password)
                .found
                .starts_with("The password is right")
        );
        let key = Credential::key("alice", "between us").unwrap();
        assert!(
            of_challenge(&key)
                .found
                .contains("Whether the key is right")
        );
    }
}
