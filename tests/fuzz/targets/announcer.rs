//! What a game server says to a hostile tracker.
//!
//! The first line sets the stage: `k` it logs in with a key. A step is a line: `<<text>` the tracker
//! says, `+<fields>` the game server wants to say, `#<n>` a datagram with a number comes, `@<n>` n
//! tenths of a second pass, `!<n>` they pass and nobody looks, `x` the game server leaves, `~` the
//! tracker hangs up.
#![no_main]

use gltracker::game_server::session::{Ending, News, Outbox, Session};
use gltracker::game_server::{Credential, Situation, TrackerRefusal};
use gltracker::protocol::command::GameServerCommand;
use gltracker::protocol::fields::{Changes, Infos};
use gltracker::protocol::line::LineSplitter;
use gltracker_fuzz::checks::{MAX_LINE, plain_line, shown};
use gltracker_fuzz::script::{grown, number, steps};
use libfuzzer_sys::fuzz_target;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The longest time that may pass at once, in tenths of a second.
const LONGEST: u64 = 2000;

/// Between two updates, and between two numbers that are passed on.
const UPDATE_GAP: Duration = Duration::from_millis(100);
const NUMBER_GAP: Duration = Duration::from_millis(250);

fuzz_target!(|data: &[u8]| {
    let data = &grown(data)[..];
    let (stage, script) = data.split_at(data.iter().position(|b| *b == b'\n').unwrap_or(0));
    let credential = match stage.contains(&b'k') {
        true => Credential::key("alice", "between us"),
        false => Credential::password("secret"),
    };
    let mut scene = Scene::new(credential.expect("a login can carry it"));
    scene.check();
    for (step, rest) in steps(script) {
        match step {
            b'<' => scene.hear(rest),
            b'+' => scene.want(&String::from_utf8_lossy(rest)),
            b'#' => {
                let number = number(rest, u64::MAX / 20);
                scene.session.on_number(number, scene.now, &mut scene.out);
            }
            b'@' => scene.pass(number(rest, LONGEST)),
            b'!' => scene.now += Duration::from_millis(100) * number(rest, LONGEST) as u32,
            b'x' => scene.session.on_stop(scene.now, &mut scene.out),
            b'~' => {
                let why = "it hung up".to_owned();
                scene.session.on_end(why, &mut scene.out);
                assert!(scene.out.ending.is_some());
            }
            _ => {}
        }
        scene.check();
        // It is looked at after whatever has happened.
        if scene.out.ending.is_none() {
            scene.pass(0);
        }
        if scene.out.ending.is_some() {
            return;
        }
    }
    // A tracker that says nothing more is not waited for.
    for _ in 0..4 {
        scene.pass(400);
    }
    assert!(scene.out.ending.is_some(), "it waits for ever");
});

struct Scene {
    session: Session,
    wanted: Infos,
    out: Outbox,
    now: Instant,
    is_introduced: bool,
    updated: Option<Instant>,
    passed_on: Option<Instant>,
}

impl Scene {
    fn new(credential: Credential) -> Self {
        let changes = Changes::parse("port=23460").expect("these are fields");
        let wanted = Infos::default().with(&changes);
        let (now, mut out) = (Instant::now(), Outbox::default());
        let credential = Arc::new(credential);
        let session = Session::new(credential, wanted.clone(), Vec::new(), now, &mut out);
        Self {
            session,
            wanted,
            out,
            now,
            is_introduced: false,
            updated: None,
            passed_on: None,
        }
    }

    fn hear(&mut self, text: &[u8]) {
        let line = [text, b"\n"].concat();
        let (mut splitter, mut input) = (LineSplitter::default(), &line[..]);
        while let Some(line) = splitter.next_line(&mut input) {
            self.session.on_line(line, self.now, &mut self.out);
        }
    }

    /// Wants something else said, if a game server may say it.
    fn want(&mut self, text: &str) {
        let Ok(changes) = Changes::parse(text) else {
            return;
        };
        let is_its_own = |key| changes.get(key).is_none();
        let wanted = self.wanted.with(&changes);
        if ["checked", "stale", "mac"].into_iter().all(is_its_own)
            && wanted.check_complete().is_ok()
        {
            self.wanted = wanted.clone();
            self.session.on_change(wanted, self.now, &mut self.out);
        }
    }

    /// Time passes, and every deadline is met.
    fn pass(&mut self, tenths: u64) {
        let until = self.now + Duration::from_millis(100) * tenths as u32;
        while self.out.ending.is_none() && self.session.next_deadline() <= until {
            self.now = self.now.max(self.session.next_deadline());
            self.session.on_deadline(self.now, &mut self.out);
            self.check();
            let next = self.session.next_deadline();
            let is_over = self.out.ending.is_some();
            assert!(is_over || next > self.now, "it would be woken for ever");
        }
        self.now = self.now.max(until);
    }

    /// Checks what it has said and told.
    fn check(&mut self) {
        let text = std::mem::take(&mut self.out.text);
        assert!(text.is_empty() || text.ends_with('\n'));
        for line in text.split_terminator('\n') {
            assert!(line.len() < MAX_LINE, "{} bytes: {line}", line.len());
            // What a tracker wants back is its own word.
            if line.starts_with("PONG") {
                continue;
            }
            plain_line(line);
            let command = GameServerCommand::parse(line);
            let command = command.unwrap_or_else(|refusal| panic!("{line}: {refusal}"));
            if let GameServerCommand::Infos(number, _) = command {
                let last = match number {
                    Some(_) if std::mem::replace(&mut self.is_introduced, true) => {
                        Some((&mut self.passed_on, NUMBER_GAP))
                    }
                    Some(_) => None,
                    None => Some((&mut self.updated, UPDATE_GAP)),
                };
                if let Some((last, gap)) = last {
                    let is_early = last.is_some_and(|last| self.now < last + gap);
                    assert!(!is_early, "too soon after the last: {line}");
                    *last = Some(self.now);
                }
            }
        }
        for news in self.out.news.drain(..) {
            match news {
                News::Listed(text) | News::Checking(text) => shown(&text),
                News::NotTaken(fields, refusal) => {
                    shown(&fields);
                    refused(&refusal);
                }
                News::Welcome | News::Checked | News::Unchecked => {}
            }
        }
        match &self.out.ending {
            Some(Ending::Lost(why)) => shown(why),
            Some(Ending::Refused(refusal)) => refused(refusal),
            Some(Ending::LogInAgain | Ending::Left) | None => {}
        }
    }
}

fn refused(refusal: &TrackerRefusal) {
    shown(&refusal.to_string());
    for (answers, is_queried) in [(false, false), (false, true), (true, false), (true, true)] {
        let situation = Situation {
            udp_port: 23460,
            answers,
            names_ip: answers,
            is_queried,
        };
        shown(&refusal.advice(situation));
    }
    let _ = refusal.fate();
}
