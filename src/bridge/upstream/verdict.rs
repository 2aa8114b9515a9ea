//! What a refusal of the tracker means for a bridge. Pure.
//!
//! This file hides which refusals concern one game server, and which all that the bridge has.

use crate::game_server::{Fate, Stage, TrackerRefusal};
use crate::protocol::refusal::ErrorCode;
use std::io;
use std::net::IpAddr;
use std::time::Duration;

/// How long a tracker's operator may take to mend what keeps everybody out, until it is tried again.
const MEND: Duration = Duration::from_secs(60);

/// How soon a game server is tried again that the tracker does not want as it is.
const UNWANTED: Duration = Duration::from_secs(600);

/// The number of the error EMFILE.
const TOO_MANY_FILES: i32 = 24;

/// What follows from a refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    /// True if others would be refused as well.
    pub(super) concerns_all: bool,
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
        Some(UnknownCommand | BadSyntax) => {
            "is that the tracker's port for game servers? It is 23470 by default".to_owned()
        }
        _ => String::new(),
    };
    let concerns_all = match refusal.code {
        Some(BadPassword | Busy | TooMany | BadIp | Unreachable | UnknownCommand) => {
            refusal.stage != Stage::Listed
        }
        // Another of the same address may be wanted.
        _ => is_first,
    };
    let wait = match refusal.fate() {
        Fate::AtLeast(least) => Some(least).filter(|_| !concerns_all),
        Fate::Slowly(wait) => Some(wait),
        Fate::GiveUp if concerns_all => Some(MEND),
        Fate::GiveUp => Some(UNWANTED),
    };
    Verdict {
        concerns_all,
        wait,
        advice,
    }
}

/// What follows if the tracker wants the UDP port to answer it, which no game does.
pub(super) fn of_check(here: Option<IpAddr>) -> Verdict {
    Verdict {
        concerns_all: true,
        wait: Some(MEND),
        advice: distrusted(here),
    }
}

/// What the operator of the bridge can do about a connection that cannot be made.
pub(super) fn advice_on(error: &io::Error) -> &'static str {
    match error.raw_os_error() {
        Some(TOO_MANY_FILES) if cfg!(unix) => {
            "each game server takes one: raise the limit, with ulimit -n or LimitNOFILE= of systemd"
        }
        _ => "",
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
        for (said, stage, concerns_all, seconds) in [
            ("bad-password no", LoggingIn, true, Some(60)),
            ("bad-password no", Introducing, true, Some(60)),
            ("busy all slots", Introducing, true, None),
            ("busy all slots", Listed, false, Some(1)),
            ("too-many at most 16", Introducing, true, Some(60)),
            ("too-many too fast", LoggingIn, true, None),
            ("bad-ip leave it", Introducing, true, Some(60)),
            ("unreachable udp", Checking, true, Some(60)),
            ("banned you", LoggingIn, true, Some(60)),
            ("banned it", Introducing, false, Some(600)),
            ("bad-value map", Introducing, false, Some(600)),
            ("taken by a key", Introducing, false, Some(600)),
            ("taken another login took over", Listed, false, Some(600)),
            ("timeout", Listed, false, Some(1)),
        ] {
            let verdict = of(&TrackerRefusal::parse(said, stage), None);
            let wait = seconds.map(Duration::from_secs);
            let seen = (verdict.concerns_all, verdict.wait);
            assert_eq!(seen, (concerns_all, wait), "{said} {stage:?}");
        }
        let here = "::ffff:10.0.0.7".parse().ok();
        let advice = of_check(here).advice;
        assert!(advice.contains("--trust 10.0.0.7, "), "{advice}");
    }
}
