//! Game servers and players of the Cube family at the bridge's door, while time passes.
//!
//! A step is a line. One that begins with a digit is a line on the connection of that number;
//! `#<port> <bytes>` is an answer from a port of their host to the last question there, and
//! `?<port> <bytes>` one to no question; `x<n>` hangs up connection n; `@<n>` n seconds pass; `t<n>` the tracker lists nobody yet (0), lists everybody (1), or refuses them.
#![no_main]

use gltracker::bridge::cube::dialect::{Dialect, Request};
use gltracker::bridge::cube::lists::Lists;
use gltracker::bridge::cube::pong::Question;
use gltracker::bridge::cube::roll::{Act, Roll};
use gltracker::bridge::cube::session::Session;
use gltracker::bridge::cube::text;
use gltracker::bridge::{Listing, Outcome};
use gltracker::protocol::fields::Infos;
use gltracker::protocol::scope::Scope;
use gltracker_fuzz::checks::plain_line;
use gltracker_fuzz::script::{grown, number, steps};
use libfuzzer_sys::fuzz_target;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

/// From where all of them come.
const HOST: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));

/// How long one may be on the list that does not answer.
const TRUE_WITHIN: Duration = Duration::from_secs(120);

/// The most game servers of one host.
const MOST_OF_HOST: usize = 10;

fuzz_target!(|data: &[u8]| {
    let data = &grown(data)[..];
    any_text(data);
    let mut scene = Scene::new();
    for (step, rest) in steps(data) {
        match step {
            b'0'..=b'9' => scene.line(u64::from(step - b'0'), rest),
            b'#' | b'?' => {
                let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
                let port = number(rest, u64::from(u16::MAX)) as u16;
                let bytes = rest.get(digits + 1..).unwrap_or_default();
                scene.datagram(port, step == b'#', bytes);
            }
            b'x' => scene.hang_up(number(rest, 9)),
            b'@' => scene.pass(number(rest, 400)),
            b't' => scene.outcome = number(rest, 2),
            _ => {}
        }
    }
    scene.pass(TRUE_WITHIN.as_secs());
    assert!(scene.listed.is_empty(), "the list is not true");
});

/// Whatever the bytes are, what is quoted is one word, and what is read is plain.
fn any_text(data: &[u8]) {
    for word in text::words(data) {
        plain_line(&text::plain(&word));
    }
    let text = String::from_utf8_lossy(data);
    let quoted = text::quoted(&text);
    assert!(!quoted.iter().any(|byte| b"\0\n\r".contains(byte)));
    let line = [b"a ", &quoted[..], b" b"].concat();
    assert_eq!(text::words(&line).len(), 3, "{quoted:?}");
}

struct Scene {
    roll: Roll,
    sessions: BTreeMap<u64, Session>,
    now: Instant,
    outcome: u64,
    /// Who was asked and has not answered.
    asked: BTreeMap<SocketAddr, Question>,
    /// How many questions there were.
    questions: u32,
    listed: BTreeMap<SocketAddr, Infos>,
    /// When each of them answered last.
    answered: BTreeMap<SocketAddr, Instant>,
}

impl Scene {
    fn new() -> Self {
        Self {
            roll: Roll::default(),
            sessions: BTreeMap::new(),
            now: Instant::now(),
            outcome: 1,
            asked: BTreeMap::new(),
            questions: 0,
            listed: BTreeMap::new(),
            answered: BTreeMap::new(),
        }
    }

    fn line(&mut self, connection: u64, line: &[u8]) {
        let now = self.now;
        let session = self
            .sessions
            .entry(connection)
            .or_insert_with(|| Session::new(now));
        session.on_bytes(&[line, b"\n"].concat());
        while let Some(request) = self
            .sessions
            .get_mut(&connection)
            .and_then(|one| one.next(now))
        {
            match request {
                Request::Register(dialect, said) => {
                    match self.roll.register(HOST, dialect, said, connection, now) {
                        Ok(address) => assert_eq!(address.ip(), HOST),
                        Err(why) => said_well(&dialect.refused(why)),
                    }
                }
                Request::List(dialect) => self.ask_for_list(dialect),
                Request::Identify(answer) => said_well(&answer),
                Request::Other(word) => plain_line(&word),
                Request::Nothing => {}
            }
        }
    }

    /// Every line of a list is a command with as many words as it should have.
    fn ask_for_list(&self, dialect: Dialect) {
        let listing = Listing {
            version: 1,
            servers: self.listed.clone().into_iter().collect(),
        };
        let answer = Lists::default().answer(dialect, "x", Scope::Machine, &listing);
        let list = answer.strip_suffix(b"\0").unwrap_or(&answer);
        let lines = list
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty());
        let words = if dialect == Dialect::RedEclipse { 8 } else { 3 };
        let servers = lines.filter(|line| line.starts_with(b"addserver "));
        let count = servers
            .inspect(|line| assert_eq!(text::words(line).len(), words))
            .count();
        assert_eq!(count, self.listed.len());
    }

    fn datagram(&mut self, port: u16, is_answer: bool, bytes: &[u8]) {
        let mut acts = Vec::new();
        let from = (HOST, port).into();
        let question = self.asked.get(&from).filter(|_| is_answer);
        let begin = question.map_or(&[][..], Question::bytes);
        let datagram = [begin, bytes].concat();
        let is_taken = self
            .roll
            .on_datagram(from, &datagram, self.now, 0.5, &mut acts);
        if is_taken {
            self.asked.remove(&from).expect("it was asked");
        }
        self.take(acts);
    }

    fn hang_up(&mut self, connection: u64) {
        let mut acts = Vec::new();
        self.sessions.remove(&connection);
        self.roll.on_closed(&[connection], self.now, &mut acts);
        self.take(acts);
    }

    fn pass(&mut self, seconds: u64) {
        for second in 0..=seconds {
            self.now += Duration::from_secs(u64::from(second > 0));
            let mut acts = Vec::new();
            let outcome = match self.outcome {
                0 => None,
                1 => Some(Outcome::Listed),
                _ => Some(Outcome::Refused("it is not trusted".to_owned())),
            };
            // Far from what a datagram begins with by chance.
            let number = || {
                self.questions += 1;
                self.questions ^ 0xa5a5_a5a5
            };
            self.roll
                .tick(self.now, number, |_| outcome.clone(), &mut acts);
            let asked = acts.iter().filter(|act| matches!(act, Act::Ask(..)));
            let asked = asked.count();
            assert!(asked <= MOST_OF_HOST, "{asked} questions at once");
            self.take(acts);
            let late = |at: &SocketAddr| self.now >= self.answered[at] + TRUE_WITHIN;
            assert!(!self.listed.keys().any(late), "it does not answer");
        }
    }

    fn take(&mut self, acts: Vec<Act>) {
        for act in acts {
            match act {
                Act::Ask(info, question) => {
                    assert_eq!(info.ip(), HOST);
                    assert!(info.port() > 1024);
                    self.asked.insert(info, question);
                }
                Act::List(address, _, status) => {
                    let mut infos = Infos::default();
                    for (key, value) in status.fields() {
                        infos.set(key, &value).expect("it is a value");
                    }
                    infos.set("game", "x").expect("it is a value");
                    self.listed.insert(address, infos);
                    self.answered.insert(address, self.now);
                    assert!(self.listed.len() <= MOST_OF_HOST);
                }
                Act::Unlist(address, _) => {
                    assert!(
                        self.listed.remove(&address).is_some(),
                        "{address} is not listed"
                    );
                }
                Act::Tell(connection, text) => {
                    assert!(connection < 10);
                    said_well(&text);
                }
            }
        }
    }
}

/// What game servers are told are whole lines, each a word of theirs and what goes with it.
fn said_well(text: &str) {
    let lines = text.strip_suffix('\n').expect("whole lines");
    for line in lines.split('\n') {
        plain_line(line);
        if line.starts_with("echo ") || line.starts_with("error ") {
            assert_eq!(text::words(line.as_bytes()).len(), 2, "{line}");
        }
    }
}
