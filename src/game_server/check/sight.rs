//! A login that lists nobody.
//!
//! It says whether the password is right and where the tracker sees this host. This file hides how: it
//! names an address at which nobody can be, and the tracker refuses that with a text that says what it sees.

use super::login::seen_in;
use crate::base::io_error::{is_hung_up, unreached};
use crate::game_server::session::{
    Credential, Ending, News, Outbox, Session, Stage, TrackerRefusal,
};
use crate::protocol::fields::Infos;
use crate::protocol::line::LineSplitter;
use crate::protocol::refusal::ErrorCode;
use crate::reach::check::ANSWER_TIME;
use crate::reach::connect;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Instant;

/// An address at which nobody can be.
const NOWHERE: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// What a login has told that lists nobody.
#[derive(Debug)]
pub(super) struct Sight {
    /// Where this host has connected from.
    pub(super) local: IpAddr,
    /// Where the tracker sees it.
    pub(super) seen: Option<IpAddr>,
}

/// Why a login has told nothing.
#[derive(Debug)]
pub(super) enum Failure {
    Refused(TrackerRefusal),
    /// There was no answer: why, for a person.
    Lost(String),
}

/// Logs in at this address of a tracker and hangs up.
pub(super) fn look(
    tracker: SocketAddr,
    credential: &Arc<Credential>,
    port: u16,
) -> Result<Sight, Failure> {
    let deadline = Instant::now() + ANSWER_TIME;
    let lost = |error| Failure::Lost(unreached(&error));
    let stream = connect(tracker, ANSWER_TIME).map_err(lost)?;
    let local = stream.local_addr().map_err(lost)?.ip();
    match converse(&stream, credential, port, deadline) {
        Ending::Refused(refusal) => {
            let is_it =
                refusal.stage == Stage::Introducing && refusal.code == Some(ErrorCode::BadIp);
            match is_it {
                true => Ok(Sight {
                    local,
                    seen: seen_in(&refusal, NOWHERE).map(|seen| seen.to_canonical()),
                }),
                false => Err(Failure::Refused(refusal)),
            }
        }
        Ending::Lost(why) => Err(Failure::Lost(why)),
        // It has taken the address: it is none of those that say what they see.
        Ending::Left | Ending::LogInAgain => Ok(Sight { local, seen: None }),
    }
}

/// Speaks as a game server does that is nowhere.
fn converse(
    mut stream: &TcpStream,
    credential: &Arc<Credential>,
    port: u16,
    deadline: Instant,
) -> Ending {
    let mut out = Outbox::default();
    let mut infos = Infos::default();
    for (key, value) in [("port", port.to_string()), ("ip", NOWHERE.to_string())] {
        // Both are values of their keys.
        let _ = infos.set(key, &value);
    }
    let now = Instant::now();
    let mut session = Session::new(Arc::clone(credential), infos, Vec::new(), now, &mut out);
    let mut splitter = LineSplitter::default();
    let mut buffer = [0; 2048];
    loop {
        if out
            .news
            .drain(..)
            .any(|news| matches!(news, News::Listed(_) | News::Checking(_)))
        {
            session.on_stop(Instant::now(), &mut out);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        let text = std::mem::take(&mut out.text);
        if let Some(ending) = out.ending.take() {
            return ending;
        }
        if left.is_zero() {
            return Ending::Lost(format!("nothing within {} s", ANSWER_TIME.as_secs()));
        }
        let read = stream
            .set_write_timeout(Some(left))
            .and_then(|()| stream.write_all(text.as_bytes()))
            .or_else(|error| {
                if is_hung_up(&error) {
                    Ok(())
                } else {
                    Err(error)
                }
            })
            .and_then(|()| stream.set_read_timeout(Some(left)))
            .and_then(|()| stream.read(&mut buffer));
        match read {
            Ok(0) => session.on_end("it hung up".to_owned(), &mut out),
            Ok(count) => {
                let mut bytes = &buffer[..count];
                while let Some(line) = splitter.next_line(&mut bytes) {
                    session.on_line(line, Instant::now(), &mut out);
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => session.on_end(unreached(&error), &mut out),
        }
    }
}
