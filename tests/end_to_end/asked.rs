//! Game servers of existing games, asked as a program would that uses the library.

use crate::patience::PATIENCE;
use crate::pretend_games::PretendGame;
use gltracker::query::{Asking, Kind, Reply, Status, Transport};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};

/// What comes of a question to a game server.
pub(crate) fn ask(asking: &mut Asking, kind: Kind, address: SocketAddr) -> Status {
    match kind.transport() {
        Transport::Udp => {
            let socket = UdpSocket::bind((address.ip(), 0)).unwrap();
            socket.connect(address).unwrap();
            socket.set_read_timeout(Some(PATIENCE)).unwrap();
            let send = |bytes: &[u8]| _ = socket.send(bytes).unwrap();
            converse(asking, send, |buffer| socket.recv(buffer).unwrap())
        }
        Transport::Tcp => {
            let stream = TcpStream::connect(address).unwrap();
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            let send = |bytes: &[u8]| (&stream).write_all(bytes).unwrap();
            converse(asking, send, |buffer| (&stream).read(buffer).unwrap())
        }
    }
}

fn converse(
    asking: &mut Asking,
    send: impl Fn(&[u8]),
    receive: impl Fn(&mut [u8]) -> usize,
) -> Status {
    let mut buffer = [0; 4096];
    send(&asking.question());
    loop {
        let count = receive(&mut buffer);
        match asking.receive(&buffer[..count]) {
            Reply::Send(bytes) => send(&bytes),
            Reply::Status(status) => return *status,
            Reply::Part => {}
            other => panic!("{other:?} to {:?}", &buffer[..count]),
        }
    }
}

#[test]
fn every_kind_says_what_it_is() {
    for kind in Kind::ALL {
        let game = PretendGame::start(kind);
        game.change(|facts| facts.needs_password = true);
        let facts = game.facts();
        for mut asking in [Asking::all(kind, 42), Asking::probe(kind, 42)] {
            let status = ask(&mut asking, kind, game.address);
            assert_eq!(status.name.as_deref(), Some("Friday cycles"), "{kind}");
            assert_eq!(status.players, Some(facts.people.into()), "{kind}");
            assert_eq!(status.most, Some(facts.most.into()), "{kind}");
            if kind != Kind::Minecraft {
                assert_eq!(status.map, Some(facts.map.clone()), "{kind}");
                assert_eq!(status.game, Some(facts.game.clone()), "{kind}");
                assert_eq!(status.bots, Some(facts.bots.into()), "{kind}");
                assert_eq!(status.needs_password, Some(true), "{kind}");
            }
        }
    }
}

#[test]
fn an_answer_in_two_datagrams_is_put_together() {
    let game = PretendGame::start(Kind::Source);
    let whole = ask(
        &mut Asking::all(Kind::Source, 1),
        Kind::Source,
        game.address,
    );
    game.change(|facts| facts.is_split = true);
    let split = ask(
        &mut Asking::all(Kind::Source, 1),
        Kind::Source,
        game.address,
    );
    assert_eq!(split, whole);
}

#[test]
fn five_probes_cost_five_questions_and_one_number() {
    let game = PretendGame::start(Kind::Source);
    let mut asking = Asking::probe(Kind::Source, 0);
    for word in 1..=5 {
        ask(&mut asking, Kind::Source, game.address);
        asking.again(word);
    }
    assert_eq!(game.questions(), 6);
}
