//! The lives of game servers of the Cube family, on a pretend clock.

use super::*;
use crate::query::Status;
use Act::{Ask, List, Tell, Unlist};

const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));

struct Scene {
    roll: Roll,
    now: Instant,
    outcome: Option<Outcome>,
    /// How many questions there were: the number of each is its count.
    questions: u32,
}

impl Scene {
    fn new() -> Self {
        Self {
            roll: Roll::default(),
            now: Instant::now(),
            outcome: Some(Outcome::Listed),
            questions: 0,
        }
    }

    fn register(&mut self, dialect: Dialect, port: &str) -> Result<SocketAddr, String> {
        self.register_on(1, dialect, port)
    }

    fn register_on(
        &mut self,
        connection: u64,
        dialect: Dialect,
        port: &str,
    ) -> Result<SocketAddr, String> {
        let said = Registration {
            port: port.to_owned(),
            ..Registration::default()
        };
        self.roll
            .register(PEER, dialect, said, connection, self.now)
    }

    fn pass(&mut self, seconds: u64) -> Vec<Act> {
        let mut out = Vec::new();
        for second in 0..=seconds {
            self.now += Duration::from_secs(u64::from(second > 0));
            let number = || {
                self.questions += 1;
                self.questions
            };
            self.roll
                .tick(self.now, number, |_| self.outcome.clone(), &mut out);
        }
        // Which question it was is another matter.
        for act in &mut out {
            if let Ask(_, question) = act {
                *question = Question::new(0);
            }
        }
        out
    }

    /// An answer to the question that was asked last, of nobody else, or so many before.
    fn pong(&mut self, port: u16, before: u32) -> Vec<Act> {
        let question = Question::new(self.questions - before);
        self.datagram(port, &[question.bytes(), b"?"].concat())
    }

    fn datagram(&mut self, port: u16, datagram: &[u8]) -> Vec<Act> {
        let mut out = Vec::new();
        let from = (PEER, port).into();
        self.roll
            .on_datagram(from, datagram, self.now, 0.5, &mut out);
        out
    }
}

fn at(port: u16) -> SocketAddr {
    (PEER, port).into()
}

fn ask(info: u16) -> Act {
    Ask(at(info), Question::new(0))
}

fn tell(text: &str) -> Act {
    Tell(1, text.to_owned())
}

fn told(acts: &[Act]) -> Vec<&str> {
    let text = |act| match act {
        &Tell(1, ref text) => Some(&**text),
        _ => None,
    };
    acts.iter().filter_map(text).collect()
}

#[test]
fn who_answers_is_listed_and_asked_again_every_half_minute() {
    let mut scene = Scene::new();
    assert_eq!(scene.register(Dialect::Cube2, "28785"), Ok(at(28785)));
    assert_eq!(scene.pass(0), [ask(28786)]);
    assert_eq!(scene.datagram(28785, b""), []);
    let status = Box::<Status>::default();
    assert_eq!(
        scene.pong(28786, 0),
        [List(at(28785), Dialect::Cube2, status.clone())]
    );
    assert_eq!(scene.pong(28786, 0), [], "one answer to one question");
    assert_eq!(scene.pass(0), [tell("succreg\ncleargbans\n")]);
    for _ in 0..3 {
        assert_eq!(scene.pass(29), []);
        assert_eq!(scene.pass(1), [ask(28786)]);
        assert_eq!(
            scene.pong(28786, 0),
            [List(at(28785), Dialect::Cube2, status.clone())]
        );
    }
    let mut out = Vec::new();
    scene.roll.on_closed(&[1], scene.now, &mut out);
    assert_eq!(out, [], "that is no reason");
    let acts = scene.pass(14);
    assert_eq!(acts, [ask(28786), ask(28786), ask(28786)]);
    let why = "it does not answer any more";
    assert_eq!(scene.pass(1), [Unlist(at(28785), why), ask(28786)]);
    assert_eq!(scene.pass(30), [ask(28786)]);
    assert!(matches!(scene.pong(28786, 0)[..], [List(..)]));
}

#[test]
fn who_was_not_reached_by_the_question_can_neither_list_nor_keep_nor_rename() {
    let mut scene = Scene::new();
    scene.register(Dialect::Cube2, "28785").unwrap();
    scene.pass(0);
    let forged = b"\x01\x03\x05\x80\x04\x01\x0c\x00\x08\x00turbine\0Forged\0";
    assert_eq!(scene.datagram(28786, forged), []);
    assert_eq!(scene.datagram(28786, Question::new(77).bytes()), []);
    scene.pass(3);
    assert!(matches!(scene.pong(28786, 1)[..], [List(..)]), "late");
    assert_eq!(scene.pong(28786, 0), [], "one answer is enough");
    let mut acts = scene.pass(30);
    for _ in 0..15 {
        assert_eq!(scene.datagram(28786, forged), []);
        assert_eq!(scene.pong(28786, 3), [], "an old one");
        acts.extend(scene.pass(1));
    }
    let why = "it does not answer any more";
    assert!(acts.contains(&Unlist(at(28785), why)), "{acts:?}");
}

#[test]
fn who_registers_again_and_again_must_answer_all_the_same() {
    let mut scene = Scene::new();
    scene.register(Dialect::Cube2, "28785").unwrap();
    scene.pass(0);
    scene.pong(28786, 0);
    scene.pass(2);
    let mut acts = Vec::new();
    for _ in 0..14 {
        scene.register(Dialect::Cube2, "28785").unwrap();
        acts.extend(scene.pass(1));
    }
    // At once, and not faster than others.
    assert_eq!(acts, [ask(28786), ask(28786), ask(28786)]);
    scene.register(Dialect::Cube2, "28785").unwrap();
    let why = "it does not answer any more";
    assert_eq!(scene.pass(1)[0], Unlist(at(28785), why));
    // It may begin anew.
    scene.register(Dialect::Cube2, "28785").unwrap();
    assert_eq!(scene.pass(0), [ask(28786)]);
    assert!(matches!(scene.pong(28786, 0)[..], [List(..)]));
}

#[test]
fn who_never_answers_is_told_what_to_do_and_comes_back_by_itself() {
    let mut scene = Scene::new();
    scene.register(Dialect::Cube2, "28785").unwrap();
    assert_eq!(scene.pass(14), [(); 5].map(|()| ask(28786)));
    let acts = scene.pass(1);
    assert_eq!(
        told(&acts),
        [
            "failreg failed pinging server: 5 questions to 192.0.2.7:28786 by UDP were not answered; \
          open ports 28785 and 28786 for UDP; asked again every 30 s\n"
        ]
    );
    assert_eq!(scene.pass(90), [(); 3].map(|()| ask(28786)));
    assert!(matches!(scene.pong(28786, 0)[..], [List(..)]));
    assert_eq!(scene.pass(0), [tell("succreg\ncleargbans\n")]);
    scene.register(Dialect::Cube2, "28785").unwrap();
    scene.pass(0);
    scene.pong(28786, 0);
    assert_eq!(scene.pass(0), [tell("succreg\ncleargbans\n")]);
}

#[test]
fn who_is_silent_for_an_hour_is_forgotten() {
    let mut scene = Scene::new();
    scene.register(Dialect::Cube2, "28785").unwrap();
    scene.pass(MEMORY.as_secs() - 1);
    assert_eq!(scene.roll.entries.len(), 1);
    scene.pass(1);
    assert_eq!(scene.roll.entries.len(), 0);
    assert_eq!(scene.pong(28786, 0), []);
}

#[test]
fn the_tracker_has_the_last_word() {
    let mut scene = Scene::new();
    scene.outcome = None;
    scene.register(Dialect::Cube2, "28785").unwrap();
    scene.pass(0);
    scene.pong(28786, 0);
    assert_eq!(scene.pass(4), []);
    assert!(told(&scene.pass(1))[0].starts_with("failreg the tracker behind"));
    scene.outcome = Some(Outcome::Refused("you are banned".to_owned()));
    assert_eq!(scene.pass(5), [tell("failreg you are banned\n")]);
    scene.outcome = Some(Outcome::Listed);
    assert_eq!(scene.pass(0), [tell("succreg\ncleargbans\n")]);
}

#[test]
fn red_eclipse_is_listed_while_its_connection_lives() {
    let mut scene = Scene::new();
    scene.register(Dialect::RedEclipse, "28801").unwrap();
    scene.pass(0);
    scene.pong(28802, 0);
    assert!(told(&scene.pass(0))[0].starts_with("echo \"ping reply confirmed"));
    let mut out = Vec::new();
    scene.roll.on_closed(&[1], scene.now, &mut out);
    assert_eq!(out, [Unlist(at(28801), "its connection is closed")]);
    assert!(scene.roll.entries.is_empty());
}

#[test]
fn another_of_its_host_that_hangs_up_takes_no_server_of_red_eclipse_off() {
    let mut scene = Scene::new();
    scene.register(Dialect::RedEclipse, "28801").unwrap();
    scene.pass(0);
    scene.pong(28802, 0);
    scene.register_on(2, Dialect::RedEclipse, "28801").unwrap();
    assert_eq!(scene.roll.listed_connections(), [1].into(), "one of each");
    let mut out = Vec::new();
    scene.roll.on_closed(&[2], scene.now, &mut out);
    assert_eq!((out, scene.pass(0)), (vec![], vec![ask(28802)]));
    scene.pong(28802, 0);
    // Its operator reads on.
    assert!(told(&scene.pass(0))[0].starts_with("echo \"ping reply confirmed"));
    // A server that was started again may register before the end of the old connection is seen.
    scene.register_on(3, Dialect::RedEclipse, "28801").unwrap();
    let mut out = Vec::new();
    scene.roll.on_closed(&[1], scene.now, &mut out);
    assert_eq!(out, []);
    assert_eq!(scene.roll.listed_connections(), [3].into());
    scene.roll.on_closed(&[3], scene.now, &mut out);
    assert_eq!(out, [Unlist(at(28801), "its connection is closed")]);
}

#[test]
fn a_registration_is_of_the_host_that_connects_and_of_a_port_of_games() {
    let mut scene = Scene::new();
    for port in ["", "0", "1023", "65535", "65536", "-1", "game"] {
        let error = scene.register(Dialect::Cube2, port).unwrap_err();
        assert!(
            error.starts_with(&format!("invalid port '{port}'")),
            "{error}"
        );
    }
    let mut from = |address: &str| {
        let said = Registration {
            port: "28801".to_owned(),
            address: Some(address.to_owned()),
            ..Registration::default()
        };
        let dialect = Dialect::RedEclipse;
        scene.roll.register(PEER, dialect, said, 1, scene.now)
    };
    assert!(from("192.0.2.7").is_ok() && from("::ffff:192.0.2.7").is_ok());
    assert!(from("192.0.2.8").unwrap_err().contains("does not match"));
    assert!(from("localhost").unwrap_err().contains("does not match"));
}

#[test]
fn those_who_are_not_listed_make_room() {
    let mut scene = Scene::new();
    for port in 0..MOST_OF_HOST + 5 {
        scene
            .register(Dialect::Cube2, &(2000 + 2 * port).to_string())
            .unwrap();
    }
    assert_eq!(scene.roll.entries.len(), MOST_OF_HOST);
    scene.pass(0);
    for n in 0..MOST_OF_HOST as u16 {
        let acts = scene.pong(2029 - 2 * n, n.into());
        assert!(matches!(acts[..], [List(..)]), "{n}: {acts:?}");
    }
    let error = scene.register(Dialect::Cube2, "1999").unwrap_err();
    assert!(
        error.starts_with("too many servers on ip 192.0.2.7"),
        "{error}"
    );
    for n in 0..MOST as u32 {
        let address = SocketAddr::from((std::net::Ipv4Addr::from_bits(n), 28785));
        scene.roll.remember(address, Dialect::Cube2, scene.now);
    }
    assert_eq!(scene.roll.entries.len(), MOST);
    assert!(scene.roll.entries.contains_key(&at(2028)), "it is listed");
}

#[test]
fn all_are_looked_at_once_between_two_ticks_for_who_makes_room() {
    let mut scene = Scene::new();
    let address = |n: usize| (std::net::Ipv4Addr::from_bits(n as u32), 28785).into();
    for n in 0..MOST {
        scene.roll.remember(address(n), Dialect::Cube2, scene.now);
    }
    scene
        .roll
        .remember(address(MOST), Dialect::Cube2, scene.now);
    assert!(!scene.roll.entries.contains_key(&address(0)));
    // One that comes again is no longer the oldest.
    scene.now += Duration::from_secs(1);
    scene.roll.remember(address(1), Dialect::Cube2, scene.now);
    scene.register(Dialect::Cube2, "2000").unwrap();
    assert!(scene.roll.entries.contains_key(&address(1)));
    assert!(!scene.roll.entries.contains_key(&address(2)));
    assert_eq!(scene.roll.entries.len(), MOST);
    assert_eq!(scene.roll.spare.as_ref().map(Vec::len), Some(MOST - 3));
    scene.roll.spare = Some(Vec::new());
    let error = scene.register(Dialect::Cube2, "2002").unwrap_err();
    assert_eq!(error, "too many servers: 4096 are listed");
    scene.pass(0);
    scene.register(Dialect::Cube2, "2002").unwrap();
}

#[test]
fn a_host_is_an_ipv4_address_or_a_network_of_ipv6() {
    let mut scene = Scene::new();
    let mut remember = |ip: &str| {
        let at = SocketAddr::new(ip.parse().unwrap(), 28785);
        scene.roll.remember(at, Dialect::Cube2, scene.now);
    };
    for n in 0..2 * MOST_OF_HOST {
        remember(&format!("2001:db8:0:1:{n:x}::ffff"));
        remember(&format!("192.0.2.{n}"));
    }
    for other in ["2001:db8::", "2001:db8:0:2::", "::1"] {
        remember(other);
    }
    assert_eq!(scene.roll.entries.len(), 3 * MOST_OF_HOST + 3);
}
