//! Sessions on a pretend clock.

use super::*;
use crate::protocol::fields::Changes;

mod updates;

const NUMBER: &str = "5f1c9a3e77b04d21";

fn infos(text: &str) -> Infos {
    Infos::default().with(&Changes::parse(text).unwrap())
}

/// A session, its clock and what came out last.
struct Scene {
    session: Session,
    now: Instant,
    out: Outbox,
}

impl Scene {
    fn with(credential: Credential, fields: &str) -> Self {
        let now = Instant::now();
        let mut out = Outbox::default();
        let credential = Arc::new(credential);
        let session = Session::new(credential, infos(fields), Vec::new(), now, &mut out);
        Self { session, now, out }
    }

    fn start(fields: &str) -> Self {
        Self::with(Credential::password("secret").unwrap(), fields)
    }

    /// One that is on the list.
    fn listed(fields: &str) -> Self {
        let mut scene = Self::start(fields);
        scene.hears(&format!("CHALLENGE {NUMBER}"));
        scene.hears("OK listed 198.51.100.7:23460");
        scene.news();
        scene.pass(UPDATE_INTERVAL);
        scene
    }

    /// The tracker says something; returns what is said then.
    fn hears(&mut self, line: &str) -> String {
        let (now, out) = (self.now, &mut self.out);
        self.session.on_line(Ok(line), now, out);
        self.said()
    }

    fn wants(&mut self, fields: &str) -> String {
        let (now, out) = (self.now, &mut self.out);
        self.session.on_change(infos(fields), now, out);
        self.said()
    }

    fn gets_number(&mut self, number: u64) -> String {
        let (now, out) = (self.now, &mut self.out);
        self.session.on_number(number, now, out);
        self.said()
    }

    /// Time passes, and every deadline in it; returns what is said meanwhile.
    fn pass(&mut self, time: Duration) -> String {
        let until = self.now + time;
        while self.out.ending.is_none() && self.session.next_deadline() <= until {
            self.now = self.now.max(self.session.next_deadline());
            let before = self.session.next_deadline();
            self.session.on_deadline(self.now, &mut self.out);
            let after = self.session.next_deadline();
            assert!(self.out.ending.is_some() || after > before, "it would spin");
        }
        self.now = self.now.max(until);
        self.said()
    }

    fn said(&mut self) -> String {
        std::mem::take(&mut self.out.text).trim_end().to_owned()
    }

    fn news(&mut self) -> Vec<News> {
        std::mem::take(&mut self.out.news)
    }

    fn refusal(&self) -> &TrackerRefusal {
        match &self.out.ending {
            Some(Ending::Refused(refusal)) => refusal,
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn it_logs_in_is_listed_and_answers_pings() {
    let mut scene = Scene::start("port=23460 nbplayers=0 description=\"a b\"");
    assert_eq!(scene.said(), "LOGIN secret");
    assert_eq!(
        scene.hears(&format!("CHALLENGE {NUMBER} and more")),
        format!("INFOS {NUMBER} port=23460 nbplayers=0 description=\"a b\"")
    );
    assert_eq!(scene.hears("OK listed 198.51.100.7:23460"), "");
    assert_eq!(
        scene.news(),
        [News::Listed("198.51.100.7:23460".to_owned())]
    );
    assert!(scene.session.listed_since().is_some());
    assert_eq!(scene.hears("PING 1"), "PONG 1");
    assert_eq!(scene.hears("ping"), "PONG");
    assert_eq!(scene.hears("SOMETHING new"), "");
    assert_eq!(scene.hears(""), "");
}

#[test]
fn with_a_key_it_sends_the_mac() {
    let mut scene = Scene::with(
        Credential::key("alice", "between us").unwrap(),
        "port=23460",
    );
    assert_eq!(scene.said(), "LOGIN name=alice");
    assert_eq!(
        scene.hears(&format!("CHALLENGE {NUMBER}")),
        format!(
            "INFOS {NUMBER} \
             mac=7036e1513947218db1e70797e1561e88b848e17539b2bdbe288e41a729ffb4c6 port=23460"
        )
    );
}

#[test]
fn numbers_of_datagrams_are_passed_on_once_and_not_too_many() {
    let mut scene = Scene::start("port=2000");
    assert_eq!(scene.gets_number(1), "LOGIN secret", "not yet");
    scene.hears(&format!("CHALLENGE {NUMBER}"));
    scene.hears("OK checking udp 198.51.100.7:2000");
    assert_eq!(
        scene.news(),
        [News::Checking("198.51.100.7:2000".to_owned())]
    );
    assert_eq!(scene.wants("port=2000 a=1"), "", "not before the list");
    assert_eq!(scene.gets_number(0x2a), "INFOS 000000000000002a");
    assert_eq!(scene.gets_number(0x2b), "", "too soon");
    scene.pass(Duration::from_millis(250));
    assert_eq!(scene.gets_number(0x2a), "", "it is on its way");
    assert_eq!(scene.gets_number(0x2c), "INFOS 000000000000002c");
    assert_eq!(scene.hears("ERR bad-challenge no"), "");
    assert_eq!(scene.out.ending, None);
    assert_eq!(scene.hears("OK listed 198.51.100.7:2000"), "INFOS a=1");
    scene.hears("OK");
    scene.pass(Duration::from_secs(1));
    scene.gets_number(7);
    scene.hears("OK checked");
    assert_eq!(scene.news().last(), Some(&News::Checked));

    // A datagram may be faster than the line before it.
    let mut scene = Scene::start("port=2000");
    scene.hears(&format!("CHALLENGE {NUMBER}"));
    assert_eq!(scene.session.next_number(), None);
    scene.hears("OK listed 198.51.100.7:2000");
    assert_eq!(scene.session.next_number(), Some(scene.now));
    assert_eq!(scene.gets_number(7), "INFOS 0000000000000007");
    let later = Some(scene.now + Duration::from_millis(250));
    assert_eq!(scene.session.next_number(), later);

    // What is being checked is another all of a sudden.
    for wanted in ["port=2000 pingport=2001", "ip=203.0.113.9 port=2000"] {
        let mut scene = Scene::start("port=2000");
        scene.hears(&format!("CHALLENGE {NUMBER}"));
        scene.hears("OK checking udp 198.51.100.7:2000");
        scene.wants(wanted);
        assert_eq!(scene.out.ending, Some(Ending::LogInAgain), "{wanted}");
    }

    let mut scene = Scene::start("port=2000");
    scene.hears(&format!("CHALLENGE {NUMBER}"));
    scene.hears("OK checking udp 198.51.100.7:2000");
    scene.hears("ERR unreachable udp 198.51.100.7:2000 did not send back the CHALLENGE");
    assert_eq!(scene.refusal().stage, Stage::Checking);
}

#[test]
fn a_port_that_nobody_checks_is_said_once() {
    let mut scene = Scene::listed("port=2000");
    scene.pass(CHECK_EXPECTED_WITHIN - UPDATE_INTERVAL - Duration::from_millis(1));
    assert_eq!(scene.news(), []);
    scene.hears("PING 1");
    scene.pass(Duration::from_millis(1));
    assert_eq!(scene.news(), [News::Unchecked]);
    scene.hears("PING 2");
    scene.pass(Duration::from_secs(35));
    assert_eq!(scene.news(), []);
    let mut scene = Scene::listed("port=2000");
    scene.gets_number(7);
    scene.hears("OK checked");
    scene.pass(Duration::from_secs(35));
    assert_eq!(scene.news(), [News::Checked]);
}

#[test]
fn a_refusal_is_an_end_or_is_not() {
    for (line, stage) in [
        ("ERR busy all slots are in use", Stage::LoggingIn),
        ("ERR bad-password no", Stage::LoggingIn),
        ("err odd new code", Stage::LoggingIn),
    ] {
        let mut scene = Scene::start("port=1");
        scene.hears(line);
        assert_eq!((scene.refusal().text.as_str(), stage), (&line[4..], stage));
    }
    let mut scene = Scene::listed("port=1");
    scene.hears("ERR taken another login took over 198.51.100.7:1");
    assert!(scene.refusal().is_takeover());

    let mut scene = Scene::listed("port=1");
    scene.hears("ERR bad-syntax what was that");
    scene.hears("ERR odd new code");
    assert_eq!(scene.out.ending, None);
    // If it hangs up now, this is why.
    scene
        .session
        .on_end("it hung up".to_owned(), &mut scene.out);
    assert_eq!(scene.refusal().text, "odd new code");
}

#[test]
fn a_refused_update_is_not_taken_for_the_reason_of_a_later_end() {
    let mut scene = Scene::listed("port=1");
    scene.wants("port=1 odd=1");
    scene.hears("ERR bad-value odd must be even");
    scene
        .session
        .on_end("it hung up".to_owned(), &mut scene.out);
    assert_eq!(
        scene.out.ending,
        Some(Ending::Lost("it hung up".to_owned()))
    );
}

#[test]
fn a_tracker_that_is_silent_is_asked_and_then_left() {
    let mut scene = Scene::listed("port=1");
    assert_eq!(scene.pass(SILENCE_BEFORE_PING - Duration::from_secs(1)), "");
    assert_eq!(scene.pass(Duration::from_secs(1)), "PING there");
    scene.hears("PONG there");
    assert_eq!(scene.pass(SILENCE_BEFORE_PING), "PING there");
    scene.pass(PING_TIMEOUT);
    let Some(Ending::Lost(why)) = &scene.out.ending else {
        panic!("it is not left")
    };
    assert_eq!(why, "nothing was heard from it for 50 s");
}

#[test]
fn every_answer_has_a_deadline() {
    let lost = |scene: &Scene| matches!(&scene.out.ending, Some(Ending::Lost(_)));
    let mut scene = Scene::start("port=1");
    scene.pass(ANSWER_TIMEOUT);
    assert!(lost(&scene), "to LOGIN");
    let mut scene = Scene::start("port=1");
    scene.hears(&format!("CHALLENGE {NUMBER}"));
    scene.pass(ANSWER_TIMEOUT);
    assert!(lost(&scene), "to INFOS");
    let mut scene = Scene::listed("port=1");
    scene.wants("port=1 a=1");
    scene.hears("PING 1");
    scene.pass(ANSWER_TIMEOUT);
    assert!(lost(&scene), "to an update");
    let mut scene = Scene::start("port=1");
    scene.hears(&format!("CHALLENGE {NUMBER}"));
    scene.hears("OK checking udp 1.2.3.4:1");
    for _ in 0..CHECK_TIMEOUT.as_secs() / 10 {
        assert!(!lost(&scene));
        scene.pass(Duration::from_secs(10));
        scene.hears("PONG");
    }
    assert!(lost(&scene), "to the proof");
    let mut scene = Scene::start("port=1");
    scene.hears("CHALLENGE \u{1b}[2J");
    assert!(
        matches!(&scene.out.ending, Some(Ending::Lost(why)) if why.contains("\\u{1b}")),
        "a challenge must be a number"
    );
}

#[test]
fn leaving_is_said_and_not_waited_for_for_long() {
    let mut scene = Scene::listed("port=1");
    scene.wants("port=1 a=1");
    scene.session.on_stop(scene.now, &mut scene.out);
    assert_eq!(scene.said(), "QUIT");
    scene.hears("OK");
    assert_eq!(scene.wants("port=1 a=2"), "");
    assert_eq!(scene.out.ending, None);
    scene.hears("OK bye");
    assert_eq!(scene.out.ending, Some(Ending::Left));
    let mut scene = Scene::listed("port=1");
    scene.session.on_stop(scene.now, &mut scene.out);
    scene.pass(QUIT_TIMEOUT);
    assert_eq!(scene.out.ending, Some(Ending::Left));
}
