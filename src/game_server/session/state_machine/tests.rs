//! Conversations on a pretend clock.

use super::*;
use crate::protocol::infos::Changes;

const NUMBER: &str = "5f1c9a3e77b04d21";

fn infos(text: &str) -> Infos {
    Infos::default().with(&Changes::parse(text).unwrap())
}

/// A conversation, its clock and what came out last.
struct Scene {
    conversation: Conversation,
    now: Instant,
    out: Outbox,
}

impl Scene {
    fn with(credential: Credential, fields: &str) -> Self {
        let now = Instant::now();
        let mut out = Outbox::default();
        let credential = Arc::new(credential);
        let conversation = Conversation::new(credential, infos(fields), Vec::new(), now, &mut out);
        Self {
            conversation,
            now,
            out,
        }
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
        scene.pass(UPDATE_GAP);
        scene
    }

    /// The tracker says something; returns what is said then.
    fn hears(&mut self, line: &str) -> String {
        let (now, out) = (self.now, &mut self.out);
        self.conversation.on_line(Ok(line), now, out);
        self.said()
    }

    fn wants(&mut self, fields: &str) -> String {
        let (now, out) = (self.now, &mut self.out);
        self.conversation.on_change(infos(fields), now, out);
        self.said()
    }

    fn gets_number(&mut self, number: u64) -> String {
        let (now, out) = (self.now, &mut self.out);
        self.conversation.on_number(number, now, out);
        self.said()
    }

    /// Time passes, and every deadline in it; returns what is said meanwhile.
    fn pass(&mut self, time: Duration) -> String {
        let until = self.now + time;
        while self.out.ending.is_none() && self.conversation.next_deadline() <= until {
            self.now = self.now.max(self.conversation.next_deadline());
            let before = self.conversation.next_deadline();
            self.conversation.on_deadline(self.now, &mut self.out);
            let after = self.conversation.next_deadline();
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
    assert!(scene.conversation.listed_since().is_some());
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
fn changes_before_the_list_are_said_first_and_later_ones_ten_times_a_second() {
    let mut scene = Scene::start("port=1 nbplayers=0");
    scene.said();
    assert_eq!(scene.wants("port=1 nbplayers=1"), "");
    assert_eq!(
        scene.hears(&format!("CHALLENGE {NUMBER}")),
        format!("INFOS {NUMBER} port=1 nbplayers=1")
    );
    assert_eq!(scene.wants("port=1 nbplayers=2 map=x"), "");
    assert_eq!(
        scene.hears("OK listed 1.2.3.4:1"),
        "INFOS nbplayers=2 map=x"
    );
    let start = scene.now;
    let (mut sent, mut last) = (1, String::new());
    for n in 3..1003 {
        // A thousand changes in a second, and a tracker that answers at once.
        for said in [
            scene.wants(&format!("port=1 nbplayers={n}")),
            scene.pass(Duration::from_millis(1)),
        ] {
            if !said.is_empty() {
                assert!(said.contains(" nbplayers="), "{said}");
                sent += 1;
                last = said;
            }
            assert_eq!(scene.hears("OK"), "");
        }
    }
    assert_eq!(scene.now - start, Duration::from_secs(1));
    assert!(sent <= 11, "{sent} updates in a second");
    last += &scene.pass(UPDATE_GAP);
    assert!(last.ends_with("nbplayers=1002"), "the last one: {last}");
    scene.hears("OK");
    assert_eq!(scene.pass(Duration::from_secs(10)), "", "and only once");
}

#[test]
fn the_next_update_waits_for_the_answer_to_the_last() {
    let mut scene = Scene::listed("port=1 a=1");
    assert_eq!(scene.wants("port=1"), "INFOS a=");
    assert_eq!(scene.wants("port=1 b=2"), "");
    assert_eq!(scene.pass(Duration::from_secs(5)), "");
    assert_eq!(scene.hears("OK"), "INFOS b=2");
    assert_eq!(scene.wants("port=1"), "");
    assert_eq!(scene.hears("OK"), "");
    assert_eq!(scene.pass(UPDATE_GAP), "INFOS b=");
}

#[test]
fn a_field_that_is_refused_costs_nothing_but_itself() {
    let mut scene = Scene::listed("port=1 nbplayers=0");
    let wanted = "port=1 nbplayers=3 odd=1 map=x";
    assert_eq!(scene.wants(wanted), "INFOS nbplayers=3 map=x odd=1");
    assert_eq!(scene.hears("ERR bad-value odd must be even"), "");
    let mut said = Vec::new();
    for _ in 0..3 {
        let line = scene.pass(UPDATE_GAP);
        scene.hears(match line.contains("odd") {
            true => "ERR bad-value odd must be even",
            false => "OK",
        });
        said.push(line);
    }
    said.sort();
    assert_eq!(said, ["INFOS map=x", "INFOS nbplayers=3", "INFOS odd=1"]);
    let [News::NotTaken(field, refusal)] = &scene.news()[..] else {
        panic!("it is said once")
    };
    assert_eq!(
        (field.as_str(), refusal.text.as_str()),
        ("odd=1", "bad-value odd must be even")
    );
    assert_eq!(scene.pass(Duration::from_secs(10)), "");
    // Another value is another try; several go together again.
    let said = scene.wants("port=1 nbplayers=4 odd=2");
    assert_eq!(said, "INFOS map= nbplayers=4 odd=2");
    scene.hears("OK");
    // On the next connection it is not what keeps us off the list.
    let mut scene = Scene::listed("port=1");
    scene.wants("port=1 odd=1");
    scene.hears("ERR bad-value odd must be even");
    let avoided = scene.conversation.into_avoided();
    assert_eq!(
        first_infos("port=1 odd=1", avoided, scene.now),
        "INFOS 5f1c9a3e77b04d21 port=1"
    );
}

/// What is said to a challenge by one who avoids these fields.
fn first_infos(wanted: &str, avoided: Vec<Field>, now: Instant) -> String {
    let credential = Arc::new(Credential::password("secret").unwrap());
    let mut out = Outbox::default();
    let mut again = Conversation::new(credential, infos(wanted), avoided, now, &mut out);
    again.on_line(Ok(&format!("CHALLENGE {NUMBER}")), now, &mut out);
    out.text.lines().last().unwrap_or_default().to_owned()
}

#[test]
fn a_new_port_is_said_or_needs_a_new_login() {
    let mut scene = Scene::listed("port=1");
    assert_eq!(scene.wants("port=2"), "INFOS port=2");
    scene.hears("OK listed 198.51.100.7:2");
    assert_eq!(scene.news(), [News::Listed("198.51.100.7:2".to_owned())]);
    scene.pass(UPDATE_GAP);
    assert_eq!(scene.wants("port=3"), "INFOS port=3");
    scene.hears("ERR bad-value the port that was checked cannot change; log in again");
    assert_eq!(scene.out.ending, Some(Ending::LogInAgain));

    let mut scene = Scene::listed("port=1");
    assert_eq!(scene.wants("ip=203.0.113.9 port=1"), "INFOS ip=203.0.113.9");
    scene.hears("ERR bad-value the ip that you are listed at cannot change; log in again");
    assert_eq!(scene.out.ending, Some(Ending::LogInAgain));

    let mut scene = Scene::listed("port=1");
    scene.wants("port=4");
    scene.hears("ERR taken 198.51.100.7:4 is listed with another credential");
    assert_eq!(scene.out.ending, None, "the old port is still listed");
    assert!(matches!(&scene.news()[..], [News::NotTaken(field, _)] if field == "port=4"));
    // The next connection cannot do without.
    let avoided = scene.conversation.into_avoided();
    assert_eq!(avoided.len(), 1);
    assert_eq!(
        first_infos("port=4", avoided, scene.now),
        "INFOS 5f1c9a3e77b04d21 port=4"
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
    assert_eq!(scene.conversation.next_number(), None);
    scene.hears("OK listed 198.51.100.7:2000");
    assert_eq!(scene.conversation.next_number(), Some(scene.now));
    assert_eq!(scene.gets_number(7), "INFOS 0000000000000007");
    let later = Some(scene.now + Duration::from_millis(250));
    assert_eq!(scene.conversation.next_number(), later);

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
    scene.pass(UNCHECKED - UPDATE_GAP - Duration::from_millis(1));
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
        .conversation
        .on_end("it hung up".to_owned(), &mut scene.out);
    assert_eq!(scene.refusal().text, "odd new code");
}

#[test]
fn a_refused_update_is_not_taken_for_the_reason_of_a_later_end() {
    let mut scene = Scene::listed("port=1");
    scene.wants("port=1 odd=1");
    scene.hears("ERR bad-value odd must be even");
    scene
        .conversation
        .on_end("it hung up".to_owned(), &mut scene.out);
    assert_eq!(
        scene.out.ending,
        Some(Ending::Lost("it hung up".to_owned()))
    );
}

#[test]
fn a_tracker_that_is_silent_is_asked_and_then_left() {
    let mut scene = Scene::listed("port=1");
    assert_eq!(scene.pass(SILENCE - Duration::from_secs(1)), "");
    assert_eq!(scene.pass(Duration::from_secs(1)), "PING there");
    scene.hears("PONG there");
    assert_eq!(scene.pass(SILENCE), "PING there");
    scene.pass(SIGN_OF_LIFE);
    let Some(Ending::Lost(why)) = &scene.out.ending else {
        panic!("it is not left")
    };
    assert_eq!(why, "nothing was heard from it for 50 s");
}

#[test]
fn every_answer_has_a_deadline() {
    let lost = |scene: &Scene| matches!(&scene.out.ending, Some(Ending::Lost(_)));
    let mut scene = Scene::start("port=1");
    scene.pass(ANSWER);
    assert!(lost(&scene), "to LOGIN");
    let mut scene = Scene::start("port=1");
    scene.hears(&format!("CHALLENGE {NUMBER}"));
    scene.pass(ANSWER);
    assert!(lost(&scene), "to INFOS");
    let mut scene = Scene::listed("port=1");
    scene.wants("port=1 a=1");
    scene.hears("PING 1");
    scene.pass(ANSWER);
    assert!(lost(&scene), "to an update");
    let mut scene = Scene::start("port=1");
    scene.hears(&format!("CHALLENGE {NUMBER}"));
    scene.hears("OK checking udp 1.2.3.4:1");
    for _ in 0..CHECKING.as_secs() / 10 {
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
    scene.conversation.on_stop(scene.now, &mut scene.out);
    assert_eq!(scene.said(), "QUIT");
    scene.hears("OK");
    assert_eq!(scene.wants("port=1 a=2"), "");
    assert_eq!(scene.out.ending, None);
    scene.hears("OK bye");
    assert_eq!(scene.out.ending, Some(Ending::Left));
    let mut scene = Scene::listed("port=1");
    scene.conversation.on_stop(scene.now, &mut scene.out);
    scene.pass(FAREWELL);
    assert_eq!(scene.out.ending, Some(Ending::Left));
}
