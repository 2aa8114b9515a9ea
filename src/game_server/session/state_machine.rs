//! One connection to a tracker, without the connection.
//!
//! ```text
//! LoggingIn --CHALLENGE--> Introducing --OK listed--> Listed --OK, PING--> Listed
//!                               |                       ^
//!                               '--OK checking--> Checking --OK listed (after the number of
//!                                                 a datagram was sent back)
//! ```
//!
//! A [`Session`] is told what happened and when. What to send and what to report comes out in an
//! [`Outbox`]. It owns no socket, no thread and no clock.

use super::credential::Credential;
use super::fields::{self, Field};
use super::outbox::{Ending, News, Outbox};
use super::proofs::Proofs;
use super::refusal::{Stage, TrackerRefusal};
use crate::protocol::fields::Infos;
use crate::protocol::line::LineError;
use crate::protocol::refusal::ErrorCode;
use crate::protocol::text::spelled_out;
use crate::protocol::text::{format_number, parse_number};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The least time between two updates to one tracker.
const UPDATE_INTERVAL: Duration = Duration::from_millis(100);

/// How long a tracker may take to answer a line.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);

/// How long a tracker may check the UDP port before it lists the game server. It gives itself a
/// minute.
const CHECK_TIMEOUT: Duration = Duration::from_secs(90);

/// How long a tracker may be silent before it is sent a PING. A healthy tracker sends a PING itself
/// after 15 s without a line of ours.
const SILENCE_BEFORE_PING: Duration = Duration::from_secs(40);

/// How long it may take to say anything after that.
const PING_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a tracker may take to answer QUIT.
const QUIT_TIMEOUT: Duration = Duration::from_secs(1);

/// How long after it was listed the UDP port should have been checked.
const CHECK_EXPECTED_WITHIN: Duration = Duration::from_secs(30);

/// A line that the tracker has yet to answer. It answers in order.
#[derive(Debug)]
enum Awaited {
    /// LOGIN.
    Challenge,
    /// The first INFOS, which said these fields.
    First(Vec<Field>),
    /// A later one.
    Update(Vec<Field>),
    /// A number from a datagram.
    Proof,
    /// QUIT.
    Farewell,
}

/// One connection to a tracker.
#[derive(Debug)]
pub struct Session {
    credential: Arc<Credential>,
    stage: Stage,
    listed_since: Option<Instant>,
    /// What the game server wants to have said.
    wanted: Infos,
    /// What the tracker has accepted.
    told: Infos,
    /// What this tracker has refused, and is not told again.
    avoided: Vec<Field>,
    awaited: VecDeque<(Awaited, Instant)>,
    heard: Instant,
    /// When the answer to our own PING is due.
    pinged: Option<Instant>,
    next_update: Instant,
    /// Several fields were refused together: they are sent one by one to find the wrong one.
    one_by_one: bool,
    proofs: Proofs,
    /// When to say that no number has come back.
    unchecked_at: Option<Instant>,
    /// When the tracker must have come to an end with its datagrams, if it lists nobody before.
    checking_until: Option<Instant>,
    /// The last line, if it was an `ERR` with a code that this program does not know. If the tracker
    /// hangs up now, this is why.
    complaint: Option<TrackerRefusal>,
}

impl Session {
    /// The tracker has accepted a connection. `avoided` is what it has refused on others. If nothing is
    /// `wanted`, it only finds out whether LOGIN is taken.
    pub fn new(
        credential: Arc<Credential>,
        wanted: Infos,
        avoided: Vec<Field>,
        now: Instant,
        out: &mut Outbox,
    ) -> Self {
        out.line(&credential.login());
        Self {
            credential,
            stage: Stage::LoggingIn,
            listed_since: None,
            wanted,
            told: Infos::default(),
            // Without a port there is nothing to list.
            avoided: avoided
                .into_iter()
                .filter(|(key, _)| key != "port")
                .collect(),
            awaited: VecDeque::from([(Awaited::Challenge, now + ANSWER_TIMEOUT)]),
            heard: now,
            pinged: None,
            next_update: now,
            one_by_one: false,
            proofs: Proofs::new(now),
            unchecked_at: None,
            checking_until: None,
            complaint: None,
        }
    }

    /// When the game server came on the list.
    pub fn listed_since(&self) -> Option<Instant> {
        self.listed_since
    }

    /// What this tracker has refused.
    pub fn into_avoided(self) -> Vec<Field> {
        self.avoided
    }

    /// When it wants to be woken if nothing happens.
    pub fn next_deadline(&self) -> Instant {
        let life = self.pinged.unwrap_or(self.heard + SILENCE_BEFORE_PING);
        let answer = self.awaited.front().map(|(_, until)| *until);
        let update = self.has_update().then_some(self.next_update);
        let others = [answer, update, self.checking_until, self.unchecked_at];
        others.into_iter().flatten().fold(life, Instant::min)
    }

    /// The game server wants something else said.
    pub fn on_change(&mut self, wanted: Infos, now: Instant, out: &mut Outbox) {
        self.wanted = wanted;
        let target = |infos: &Infos| {
            let ip = infos.get("ip").unwrap_or_default().into_owned();
            (ip, fields::udp_port(infos))
        };
        if self.stage == Stage::Checking && target(&self.wanted) != target(&self.told) {
            // What is being checked is not there any more.
            out.end(Ending::LogInAgain);
        }
        self.update(now, out);
    }

    /// When the next number from a datagram can be passed on; `None` before the tracker has said that
    /// it checks or lists, since a datagram may overtake that line.
    pub fn next_number(&self) -> Option<Instant> {
        let is_known = matches!(self.stage, Stage::Checking | Stage::Listed);
        (is_known && !self.is_leaving()).then_some(self.proofs.next())
    }

    /// A datagram with a number has come, from anybody.
    pub fn on_number(&mut self, number: u64, now: Instant, out: &mut Outbox) {
        if self.next_number().is_none() || !self.proofs.is_due(number, now) {
            return;
        }
        out.line(&format!("INFOS {}", format_number(number)));
        self.awaited
            .push_back((Awaited::Proof, now + ANSWER_TIMEOUT));
    }

    /// The game server leaves.
    pub fn on_stop(&mut self, now: Instant, out: &mut Outbox) {
        out.line("QUIT");
        // Nothing else is waited for any more.
        self.awaited = VecDeque::from([(Awaited::Farewell, now + QUIT_TIMEOUT)]);
    }

    /// The tracker will say nothing more, for this reason.
    pub fn on_end(&mut self, why: String, out: &mut Outbox) {
        out.end(match self.complaint.take() {
            _ if self.is_leaving() => Ending::Left,
            Some(complaint) => Ending::Refused(complaint),
            None => Ending::Lost(why),
        });
    }

    /// [`next_deadline`](Self::next_deadline) has passed.
    pub fn on_deadline(&mut self, now: Instant, out: &mut Outbox) {
        let answer = self
            .awaited
            .front()
            .map(|(_, until)| (*until, ANSWER_TIMEOUT));
        let checked = self.checking_until.map(|until| (until, CHECK_TIMEOUT));
        for (until, patience) in [answer, checked].into_iter().flatten() {
            if now >= until {
                let why = format!("it did not answer within {} s", patience.as_secs());
                return self.on_end(why, out);
            }
        }
        match self.pinged {
            Some(until) if now >= until => {
                let silence = (SILENCE_BEFORE_PING + PING_TIMEOUT).as_secs();
                return self.on_end(format!("nothing was heard from it for {silence} s"), out);
            }
            None if now >= self.heard + SILENCE_BEFORE_PING => {
                out.line("PING there");
                self.pinged = Some(now + PING_TIMEOUT);
            }
            _ => {}
        }
        if self.unchecked_at.is_some_and(|at| now >= at) {
            self.unchecked_at = None;
            out.news.push(News::Unchecked);
        }
        self.update(now, out);
    }

    /// The tracker has said something.
    pub fn on_line(&mut self, line: Result<&str, LineError>, now: Instant, out: &mut Outbox) {
        self.heard = now;
        self.pinged = None;
        self.complaint = None;
        // A line that cannot be read is like one with an unknown verb.
        let line = line.unwrap_or_default().trim_matches(' ');
        let (verb, words) = line.split_once(' ').unwrap_or((line, ""));
        match verb.to_ascii_uppercase().as_str() {
            "CHALLENGE" => self.on_challenge(words, now, out),
            "OK" => self.on_ok(words, now, out),
            "ERR" => self.on_err(words, now, out),
            "PING" => out.line(format!("PONG {words}").trim_end()),
            _ => {}
        }
    }

    fn on_challenge(&mut self, words: &str, now: Instant, out: &mut Outbox) {
        if self.stage != Stage::LoggingIn || self.is_leaving() {
            return;
        }
        let word = words.split(' ').next().unwrap_or_default();
        let Some(number) = parse_number(word) else {
            let shown = spelled_out(word, 40);
            let why = format!("it sent the challenge '{shown}', which is no number");
            return out.end(Ending::Lost(why));
        };
        if self.wanted == Infos::default() {
            out.news.push(News::Welcome);
            return self.on_stop(now, out);
        }
        let port = self.wanted.number("port").unwrap_or_default();
        let start = format!("INFOS {}", self.credential.answer(number, port));
        let all = fields::difference(&self.told, &self.wanted, &self.avoided);
        let (line, said) = fields::line_with(&start, all, &self.told, usize::MAX);
        out.line(&line);
        self.stage = Stage::Introducing;
        self.awaited = VecDeque::from([(Awaited::First(said), now + ANSWER_TIMEOUT)]);
    }

    fn on_ok(&mut self, words: &str, now: Instant, out: &mut Outbox) {
        match self.awaited.pop_front() {
            Some((Awaited::Challenge, until)) => {
                // A tracker answers LOGIN with CHALLENGE, which is still to come.
                return self.awaited.push_front((Awaited::Challenge, until));
            }
            Some((Awaited::Farewell, until)) if words != "bye" => {
                return self.awaited.push_front((Awaited::Farewell, until));
            }
            Some((Awaited::Farewell, _)) => return out.end(Ending::Left),
            Some((Awaited::First(said) | Awaited::Update(said), _)) => {
                self.told = fields::after(&self.told, &said);
            }
            Some((Awaited::Proof, _)) | None => {}
        }
        let mut words = words.split(' ');
        match (words.next(), words.next(), words.next()) {
            (Some("listed"), Some(address), _) => {
                if self.stage == Stage::Introducing {
                    self.unchecked_at = Some(now + CHECK_EXPECTED_WITHIN);
                }
                self.stage = Stage::Listed;
                self.checking_until = None;
                self.listed_since.get_or_insert(now);
                out.news.push(News::Listed(spelled_out(address, 80)));
            }
            (Some("checking"), _, address) => {
                self.stage = Stage::Checking;
                self.checking_until = Some(now + CHECK_TIMEOUT);
                let address = spelled_out(address.unwrap_or_default(), 80);
                out.news.push(News::Checking(address));
            }
            (Some("checked"), ..) => {
                self.unchecked_at = None;
                out.news.push(News::Checked);
            }
            _ => {}
        }
        self.update(now, out);
    }

    fn on_err(&mut self, words: &str, now: Instant, out: &mut Outbox) {
        if self.is_leaving() {
            return;
        }
        let refusal = TrackerRefusal::parse(words, self.stage);
        if refusal.is_closing() {
            return out.end(Ending::Refused(refusal));
        }
        if refusal.code.is_none() {
            self.complaint = Some(refusal.clone());
        }
        match self.awaited.pop_front() {
            // Anybody can send a datagram; the one from the tracker may still come.
            Some((Awaited::Proof, _)) | None => {}
            Some((Awaited::Update(said), _)) => {
                self.on_not_taken(said, refusal, out);
                self.update(now, out);
            }
            Some(other) => self.awaited.push_front(other),
        }
    }

    fn on_not_taken(&mut self, said: Vec<Field>, refusal: TrackerRefusal, out: &mut Outbox) {
        let is_move = |(key, _): &Field| ["ip", "port", "pingport"].contains(&&**key);
        if said.len() > 1 {
            self.one_by_one = true;
        } else if refusal.code == Some(ErrorCode::BadValue) && said.iter().any(is_move) {
            // The value was checked here: the tracker refuses the change, not the value.
            out.end(Ending::LogInAgain);
        } else {
            out.news.push(News::NotTaken(fields::shown(&said), refusal));
            self.avoided
                .retain(|(key, _)| said.iter().all(|(other, _)| key != other));
            self.avoided.extend(said);
        }
    }

    /// Sends the next update, if there is one and it is time.
    fn update(&mut self, now: Instant, out: &mut Outbox) {
        if now < self.next_update || !self.has_update() || out.ending.is_some() {
            return;
        }
        let all = fields::difference(&self.told, &self.wanted, &self.avoided);
        let most = if self.one_by_one { 1 } else { usize::MAX };
        if all.len() <= most {
            self.one_by_one = false;
        }
        let (line, said) = fields::line_with("INFOS", all, &self.told, most);
        out.line(&line);
        self.awaited
            .push_back((Awaited::Update(said), now + ANSWER_TIMEOUT));
        self.next_update = now + UPDATE_INTERVAL;
    }

    /// True if an update waits only for its time: the one before must be answered first.
    fn has_update(&self) -> bool {
        let is_under_way = |(awaited, _): &(Awaited, Instant)| {
            matches!(awaited, Awaited::Update(_) | Awaited::Farewell)
        };
        self.stage == Stage::Listed
            && !self.awaited.iter().any(is_under_way)
            && !fields::difference(&self.told, &self.wanted, &self.avoided).is_empty()
    }

    fn is_leaving(&self) -> bool {
        let front = self.awaited.front();
        front.is_some_and(|(awaited, _)| matches!(awaited, Awaited::Farewell))
    }
}

#[cfg(test)]
mod tests;
