//! What a refusal of the tracker means for a bridge. Pure.
//!
//! This file hides which refusals concern one game server, and which all that the bridge has, and the
//! advice on each.

use super::distrusted::TRY_EVERY;
use crate::game_server::{Fate, Stage, TrackerRefusal};
use crate::protocol::refusal::ErrorCode;
use std::io;
use std::net::IpAddr;
use std::time::Duration;

/// How long a tracker's operator may take to mend what keeps everybody out, until it is tried again.
const MEND: Duration = Duration::from_secs(60);

/// How soon a game server is tried again that the tracker does not want as it is.
const UNWANTED: Duration = Duration::from_secs(600);

/// What the log calls a tracker that cannot be reached.
pub(super) const AWAY: &str = "tracker-away";

/// What the log calls a tracker that is there, and says no.
pub(super) const REFUSES: &str = "tracker-refuses";

/// What to do about something that does not speak like a tracker to game servers.
const PORT: &str = "is that the tracker's port for game servers? It is 23470 by default";

/// Why a game server is not logged in whose address another login has, and what comes of it.
pub(super) const ON_THE_LIST: (&str, &str) = (
    "it is on the list already",
    "another login has this address on the list; it is tried again as soon as that is gone",
);

/// The number of the error EMFILE.
pub(super) const TOO_MANY_FILES: i32 = 24;

/// Whom a refusal concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whom {
    /// Only this game server.
    One,
    /// Only this game server: another login has its address.
    Rival,
    /// Whoever is not at the bridge's own address, which alone needs no trust.
    Distrusted,
    /// All that the bridge has.
    All,
}

/// What follows from a refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    /// Whom it concerns.
    pub(super) whom: Whom,
    /// When to try again; `None` for soon, and later each time.
    pub(super) wait: Option<Duration>,
    /// What the operator of the bridge can do about it; empty if the tracker's words say it.
    pub(super) advice: String,
}

/// What follows from `refusal`. `here` is where the tracker sees the bridge.
pub(super) fn of(refusal: &TrackerRefusal, here: Option<IpAddr>) -> Verdict {
    use ErrorCode::*;
    let is_first = refusal.stage == Stage::LoggingIn;
    let advice = match refusal.code {
        Some(BadPassword) => {
            "check GLTRACKER_PASSWORD or --password-file, and --key, against the tracker's"
                .to_owned()
        }
        Some(Busy) => {
            "give the tracker more with --max-slots: each game server takes one".to_owned()
        }
        Some(TooMany | BadIp | Unreachable) => distrusted(here),
        Some(UnknownCommand | BadSyntax) => PORT.to_owned(),
        Some(Taken) => ON_THE_LIST.1.to_owned(),
        _ => String::new(),
    };
    let is_unlisted = refusal.stage != Stage::Listed;
    let whom = match refusal.code {
        _ if is_first => Whom::All,
        Some(Taken) => Whom::Rival,
        Some(BadIp | Unreachable) if is_unlisted => Whom::Distrusted,
        Some(BadPassword | Busy | TooMany | UnknownCommand) if is_unlisted => Whom::All,
        // Another of the same address may be wanted.
        _ => Whom::One,
    };
    let wait = match refusal.fate() {
        _ if whom == Whom::Distrusted => Some(TRY_EVERY),
        Fate::AtLeast(least) => Some(least).filter(|_| whom != Whom::All),
        Fate::Slowly(wait) => Some(wait),
        Fate::GiveUp if whom == Whom::All => Some(MEND),
        Fate::GiveUp => Some(UNWANTED),
    };
    Verdict { whom, wait, advice }
}

/// What follows if the tracker wants the UDP port to answer it, which no game does.
pub(super) fn of_check(here: Option<IpAddr>) -> Verdict {
    Verdict {
        whom: Whom::Distrusted,
        wait: Some(TRY_EVERY),
        advice: distrusted(here),
    }
}

/// What follows from a connection that was lost, before or after its game server was listed.
pub(super) fn of_loss(was_listed: bool) -> Verdict {
    match was_listed {
        true => of_end(),
        false => Verdict {
            whom: Whom::All,
            wait: None,
            advice: PORT.to_owned(),
        },
    }
}

/// What follows from a connection after which the next one may come at once.
pub(super) fn of_end() -> Verdict {
    Verdict {
        whom: Whom::One,
        wait: Some(Duration::ZERO),
        advice: String::new(),
    }
}

/// What the log calls a connection that cannot be made, and what the operator of the bridge can do.
pub(super) fn on_no_connection(error: &io::Error) -> (&'static str, &'static str) {
    match error.raw_os_error() {
        Some(TOO_MANY_FILES) if cfg!(unix) => (
            "too-many-files",
            "each game server takes one: raise the limit, with ulimit -n or LimitNOFILE= of systemd",
        ),
        _ if error.kind() == io::ErrorKind::ConnectionRefused => (
            AWAY,
            "start the tracker there, or name another with --tracker HOST[:PORT]",
        ),
        _ => (AWAY, ""),
    }
}

fn distrusted(here: Option<IpAddr>) -> String {
    let here = here.map_or("the address of this bridge".to_owned(), |ip| {
        ip.to_canonical().to_string()
    });
    format!(
        "the tracker must trust this bridge: start it with --trust {here}, without --require-check"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_refusals_concern_all_and_some_a_single_game_server() {
        use Stage::{Checking, Introducing, Listed, LoggingIn};
        for (said, stage, whom, seconds) in [
            ("bad-password no", LoggingIn, Whom::All, Some(60)),
            ("bad-password no", Introducing, Whom::All, Some(60)),
            ("busy all slots", Introducing, Whom::All, None),
            ("busy all slots", Listed, Whom::One, Some(1)),
            ("too-many at most 16", Introducing, Whom::All, Some(60)),
            ("too-many too fast", LoggingIn, Whom::All, None),
            ("bad-ip leave it", Introducing, Whom::Distrusted, Some(60)),
            ("unreachable udp", Checking, Whom::Distrusted, Some(60)),
            ("banned you", LoggingIn, Whom::All, Some(60)),
            ("banned it", Introducing, Whom::One, Some(600)),
            ("bad-value map", Introducing, Whom::One, Some(600)),
            ("taken by a key", Introducing, Whom::Rival, Some(600)),
            (
                "taken by yours; wait 30 s",
                Introducing,
                Whom::Rival,
                Some(30),
            ),
            (
                "taken another login took over",
                Listed,
                Whom::Rival,
                Some(600),
            ),
            ("timeout", Listed, Whom::One, Some(1)),
        ] {
            let verdict = of(&TrackerRefusal::parse(said, stage), None);
            let wait = seconds.map(Duration::from_secs);
            let seen = (verdict.whom, verdict.wait);
            assert_eq!(seen, (whom, wait), "{said} {stage:?}");
        }
        let here = "::ffff:10.0.0.7".parse().ok();
        let advice = of_check(here).advice;
        assert!(advice.contains("--trust 10.0.0.7, "), "{advice}");
    }
}
