//! Connections and both of their ends.

use super::*;
use crate::protocol::line::LineError;
use std::net::TcpListener;
use std::thread;

/// Says back every line.
struct Echo;

impl Session for Echo {
    fn on_line(&mut self, line: Result<&str, LineError>, _: Instant, out: &mut Outbox) {
        out.line(line.unwrap());
    }
    fn on_noise(&mut self, _: Instant, _: &mut Outbox) {}
    fn on_deadline(&mut self, _: Instant, _: &mut Outbox) {}
    fn on_end(&mut self, inside_a_line: bool, out: &mut Outbox) {
        out.line(format_args!("inside a line: {inside_a_line}"));
    }
    fn next_deadline(&self) -> Instant {
        Instant::now() + Duration::from_secs(60)
    }
}

/// Both ends of a connection.
fn pair() -> (TcpStream, Connection) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let peer = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (accepted, address) = listener.accept().unwrap();
    preset(&accepted, &Timings::default()).unwrap();
    (peer, Connection::new(1, accepted, address))
}

fn read_to_end(mut peer: TcpStream) -> String {
    let mut answers = String::new();
    let patience = Some(Duration::from_secs(20));
    peer.set_read_timeout(patience).unwrap();
    peer.read_to_string(&mut answers).unwrap();
    answers
}

#[test]
fn a_talk_goes_on_where_it_was_on_whichever_thread() {
    let (mut peer, connection) = pair();
    let (mut talk, mut session) = (Talk::default(), Echo);
    for said in ["one\ntw", "o\nthree", "\n"] {
        peer.write_all(said.as_bytes()).unwrap();
        let go_on = || {
            let ending = connection.go_on(&mut session, &mut talk, &Timings::default(), &mut || {});
            assert!(matches!(ending, Step::Heard));
        };
        thread::scope(|scope| scope.spawn(go_on).join().unwrap());
    }
    peer.shutdown(Shutdown::Write).unwrap();
    let ending = connection.go_on(&mut session, &mut talk, &Timings::default(), &mut || {});
    assert!(matches!(ending, Step::Over(Ending::Done)));
    drop(connection);
    assert_eq!(read_to_end(peer), "one\ntwo\nthree\ninside a line: false\n");
}

/// Has a word to say, and says back every line.
struct Due(Option<Instant>);

impl Session for Due {
    fn on_line(&mut self, line: Result<&str, LineError>, _: Instant, out: &mut Outbox) {
        out.line(line.unwrap());
    }
    fn on_noise(&mut self, _: Instant, _: &mut Outbox) {}
    fn on_deadline(&mut self, _: Instant, out: &mut Outbox) {
        self.0 = None;
        out.line("due");
    }
    fn on_end(&mut self, _: bool, _: &mut Outbox) {}
    fn next_deadline(&self) -> Instant {
        self.0
            .unwrap_or_else(|| Instant::now() + Duration::from_secs(60))
    }
}

#[test]
fn who_has_waited_in_vain_does_not_wait_again_before_it_speaks() {
    let (mut peer, connection) = pair();
    let due = Instant::now();
    let (mut talk, mut session) = (Talk::default(), Due(Some(due)));
    assert!(connection.wait(&mut talk, due), "nobody speaks");
    // However slow this machine is now.
    talk.silent_at = talk.silent_at.map(|at| at + Duration::from_secs(60));
    // It comes a moment too late to be read before what is due is said.
    peer.write_all(b"late\n").unwrap();
    let mut go_on = || connection.go_on(&mut session, &mut talk, &Timings::default(), &mut || {});
    assert!(matches!(go_on(), Step::Told));
    assert!(matches!(go_on(), Step::Heard));
    drop(connection);
    assert_eq!(read_to_end(peer), "due\nlate\n");
}

#[test]
fn what_was_known_long_ago_is_looked_at_again() {
    let (mut peer, connection) = pair();
    let due = Instant::now();
    let (mut talk, mut session) = (Talk::default(), Due(Some(due)));
    assert!(connection.wait(&mut talk, due), "nobody speaks");
    talk.silent_at = talk.silent_at.map(|at| at - A_MOMENT);
    peer.write_all(b"in time\n").unwrap();
    let step = connection.go_on(&mut session, &mut talk, &Timings::default(), &mut || {});
    assert!(matches!(step, Step::Heard));
    drop(connection);
    assert_eq!(read_to_end(peer), "in time\ndue\n");
}
