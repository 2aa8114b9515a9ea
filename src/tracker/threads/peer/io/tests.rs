//! Peers and the other ends of their connections.

use super::*;
use crate::protocol::line::LineError;
use crate::protocol::refusal::Refusal;
use crate::tracker::state::sockets::connection::preset;
use crate::tracker::state::sockets::tuning::MOST_JOBS;
use crate::tracker::state::stats::Counter;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;

const PATIENCE: Duration = Duration::from_secs(20);

/// Bytes of an answer, more than sockets on one machine take at once.
const LARGE: usize = 8 << 20;

/// Both ends of a connection, of which the tracker's waits for the other.
fn pair<S: Session>(session: S) -> (TcpStream, Peer<S>) {
    pair_that_writes_for(PATIENCE, session)
}

/// The same, where one call that writes waits no longer than this.
fn pair_that_writes_for<S: Session>(write: Duration, session: S) -> (TcpStream, Peer<S>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let other = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    other.set_read_timeout(Some(PATIENCE)).unwrap();
    let (accepted, address) = listener.accept().unwrap();
    preset(&accepted, write).unwrap();
    let counter: &Counter = Box::leak(Box::default());
    let connection = Arc::new(Connection::new(1, accepted, address, counter));
    connection.set_wait(PATIENCE).unwrap();
    let timings = Box::leak(Box::new(Timings::default()));
    (other, Peer::new(connection, session, timings))
}

fn read_to_end(mut other: TcpStream) -> String {
    let mut answers = String::new();
    other.read_to_string(&mut answers).unwrap();
    answers
}

fn far_away() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

/// Says back every line, one that begins with `dear` too.
struct Echo;

impl Session for Echo {
    fn on_line(&mut self, line: Result<&str, LineError>, _: Instant, out: &mut Outbox) {
        match line {
            Ok("QUIT") => out.end(Ending::Done),
            Ok(line) => out.line(line),
            Err(_) => out.line("too long"),
        }
    }
    fn on_noise(&mut self, _: Instant, out: &mut Outbox) {
        out.line("noise");
    }
    fn on_deadline(&mut self, _: Instant, _: &mut Outbox) {}
    fn on_end(&mut self, inside_a_line: bool, out: &mut Outbox) {
        out.line(format_args!("inside a line: {inside_a_line}"));
        out.end(Ending::Done);
    }
    fn is_dear(&self, line: &str) -> bool {
        line.starts_with("dear")
    }
    fn next_deadline(&self) -> Instant {
        far_away()
    }
}

#[test]
fn a_session_goes_on_where_it_was_on_whichever_thread() {
    let (mut other, mut peer) = pair(Echo);
    for said in ["one\ntw", "o\nthree", "\n"] {
        other.write_all(said.as_bytes()).unwrap();
        let receive = || assert!(peer.receive(Effort::Any));
        thread::scope(|scope| scope.spawn(receive).join().unwrap());
    }
    other.shutdown(Shutdown::Write).unwrap();
    assert!(!peer.receive(Effort::Any));
    assert_eq!(peer.ending, Some(Ending::Done));
    drop(peer);
    assert_eq!(
        read_to_end(other),
        "one\ntwo\nthree\ninside a line: false\n"
    );
}

#[test]
fn a_dear_line_waits_for_a_thread_that_has_time_and_nothing_is_lost() {
    let (mut other, mut peer) = pair(Echo);
    other.write_all(b"one\ndear\ntwo\nthr").unwrap();
    peer.receive(Effort::Little);
    for _ in 0..2 {
        assert!(
            peer.is_dear && !peer.is_waiting(),
            "looking again changes nothing"
        );
        peer.receive(Effort::Little);
    }
    peer.receive(Effort::Any);
    assert!(peer.has_answered && peer.is_waiting());
    other.write_all(b"ee\nQUIT\nnever\n").unwrap();
    peer.receive(Effort::Little);
    assert_eq!(peer.ending, Some(Ending::Done));
    peer.connection.linger(Duration::ZERO);
    drop(peer);
    assert_eq!(read_to_end(other), "one\ndear\ntwo\nthree\n");
}

#[test]
fn a_bufferful_without_a_line_is_noise() {
    let (mut other, mut peer) = pair(Echo);
    let mut said = String::new();
    for _ in 0..2 {
        peer.hear(&[b'x'; MAX_LINE], Effort::Any);
    }
    peer.connection.end_sending();
    other.read_to_string(&mut said).unwrap();
    assert_eq!(said, "too long\nnoise\n");
}

/// Is due at this time.
struct Due(Instant);

impl Session for Due {
    fn on_line(&mut self, _: Result<&str, LineError>, _: Instant, _: &mut Outbox) {}
    fn on_noise(&mut self, _: Instant, _: &mut Outbox) {}
    fn on_deadline(&mut self, _: Instant, out: &mut Outbox) {
        out.refuse(Refusal::new(ErrorCode::Timeout, "too late"));
    }
    fn next_deadline(&self) -> Instant {
        self.0
    }
}

#[test]
fn what_is_due_is_said_and_the_last_word_comes_before_the_end() {
    let (other, mut peer) = pair(Due(Instant::now()));
    assert!(peer.check_deadline(Instant::now()));
    assert!(matches!(&peer.ending, Some(Ending::Refused(why)) if why.text == "too late"));
    assert!(!peer.check_deadline(Instant::now()), "it is over");
    drop(peer);
    assert_eq!(read_to_end(other), "ERR timeout too late\n");
}

#[test]
fn who_is_dismissed_is_told_why() {
    let (other, mut peer) = pair(Echo);
    let why = Refusal::new(ErrorCode::Busy, "make room");
    peer.connection.dismiss(why.clone());
    peer.connection
        .dismiss(Refusal::new(ErrorCode::Banned, "the first word counts"));
    assert!(!peer.receive(Effort::Any), "it does not wait");
    assert_eq!(peer.ending, Some(Ending::Refused(why)));
    drop(peer);
    assert_eq!(read_to_end(other), "ERR busy make room\n");
}

/// Is dismissed by what it does itself, as one who is listed while its key is withdrawn.
struct Withdrawn(Arc<Connection>);

impl Session for Withdrawn {
    fn on_line(&mut self, line: Result<&str, LineError>, _: Instant, out: &mut Outbox) {
        out.line(line.unwrap());
        self.0.dismiss(Refusal::new(ErrorCode::Busy, "make room"));
    }
    fn on_noise(&mut self, _: Instant, _: &mut Outbox) {}
    fn on_deadline(&mut self, _: Instant, _: &mut Outbox) {}
    fn next_deadline(&self) -> Instant {
        far_away()
    }
}

#[test]
fn who_is_dismissed_by_what_it_does_is_answered_and_told_why() {
    let (mut other, peer) = pair(Echo);
    let connection = Arc::clone(&peer.connection);
    let mut peer = peer.map(|_| Withdrawn(connection));
    other.write_all(b"one\n").unwrap();
    while peer.ending.is_none() {
        peer.receive(Effort::Any);
    }
    assert!(matches!(peer.ending, Some(Ending::Refused(_))));
    drop(peer);
    assert_eq!(read_to_end(other), "one\nERR busy make room\n");
}

/// Answers every line with the same bytes, that are others' too.
struct Generous(Arc<[u8]>);

impl Session for Generous {
    fn on_line(&mut self, _: Result<&str, LineError>, _: Instant, out: &mut Outbox) {
        out.shared(Arc::clone(&self.0));
    }
    fn on_noise(&mut self, _: Instant, _: &mut Outbox) {}
    fn on_deadline(&mut self, _: Instant, _: &mut Outbox) {}
    fn next_deadline(&self) -> Instant {
        far_away()
    }
}

#[test]
fn who_does_not_read_is_owed_one_answer_and_gets_all_once_it_does() {
    let answer: Arc<[u8]> = vec![b'x'; LARGE].into();
    let (mut other, mut peer) = pair(Generous(Arc::clone(&answer)));
    peer.connection.set_nonblocking(true).unwrap();
    other.write_all(&b"LIST\n".repeat(3)).unwrap();
    other.shutdown(Shutdown::Write).unwrap();
    let start = Instant::now();
    while !peer.receive(Effort::Any) {
        assert!(start.elapsed() < PATIENCE);
    }
    assert_eq!((peer.size, peer.unread.len()), (LARGE, 10));
    // Beside the test's own and the session's, one.
    assert_eq!(Arc::strong_count(&answer), 3);
    let reader = thread::spawn(move || {
        let mut all = Vec::new();
        other.read_to_end(&mut all).map(|_| all.len())
    });
    while peer.ending.is_none() {
        assert!(start.elapsed() < PATIENCE);
        peer.send();
        peer.receive(Effort::Any);
    }
    drop(peer);
    assert_eq!(reader.join().unwrap().unwrap(), 3 * LARGE);
}

#[test]
fn who_does_not_read_in_its_time_is_a_slow_reader() {
    let (mut other, mut peer) = pair(Generous(vec![b'x'; LARGE].into()));
    peer.connection.set_nonblocking(true).unwrap();
    peer.time_to_read = Some(Duration::ZERO);
    other.write_all(b"LIST\n").unwrap();
    let start = Instant::now();
    while peer.ending.is_none() {
        assert!(start.elapsed() < PATIENCE);
        peer.receive(Effort::Any);
    }
    assert_eq!(peer.ending, Some(Ending::SlowReader));
}

#[test]
fn who_reads_too_little_is_a_slow_reader_too() {
    let session = Generous(vec![b'x'; 2 * LARGE].into());
    let (mut other, mut peer) = pair_that_writes_for(Duration::from_millis(20), session);
    peer.time_to_read = Some(Duration::ZERO);
    other.write_all(b"LIST\n").unwrap();
    // Each call that writes sends a little, and none sends all.
    let reader = thread::spawn(move || {
        let mut some = vec![0; 256 << 10];
        while other.read(&mut some).is_ok_and(|count| count > 0) {
            thread::sleep(Duration::from_millis(2));
        }
    });
    peer.receive(Effort::Any);
    assert_eq!(peer.ending, Some(Ending::SlowReader));
    drop(peer);
    reader.join().unwrap();
}

#[test]
fn a_thread_that_waits_for_a_reader_is_freed_by_a_dismissal() {
    let (mut other, mut peer) = pair(Generous(vec![b'x'; LARGE].into()));
    other.write_all(b"LIST\n").unwrap();
    let connection = Arc::clone(&peer.connection);
    let holder = thread::spawn(move || {
        peer.receive(Effort::Any);
        while peer.ending.is_none() {
            peer.send();
        }
        peer.ending
    });
    let mut some = [0; 1];
    other.read_exact(&mut some).unwrap();
    let why = Refusal::new(ErrorCode::Busy, "make room");
    connection.dismiss(why.clone());
    assert_eq!(holder.join().unwrap(), Some(Ending::Refused(why)));
}

fn sender() -> &'static Sender {
    let log = crate::base::log::Log::start(crate::base::log::Level::Error, std::io::sink());
    Box::leak(Box::new(Sender::start(&log.unwrap()).unwrap()))
}

#[test]
fn who_brings_more_than_is_sent_waits_for_the_sender() {
    let (sender, answer) = (sender(), Arc::<[u8]>::from(vec![b'x'; LARGE]));
    let (mut other, peer) = pair(Echo);
    // As one who has logged in, for whom the sender waits: here for longer than ever.
    peer.connection.set_proven();
    let jobs = 2 * MOST_JOBS;
    let (connection, shared) = (Arc::clone(&peer.connection), Arc::clone(&answer));
    let bringer = thread::spawn(move || {
        for _ in 0..jobs {
            sender.send(&connection, vec![Chunk::Shared(Arc::clone(&shared))]);
        }
    });
    let waiting = || Arc::strong_count(&answer) - 2;
    let start = Instant::now();
    while waiting() < MOST_JOBS {
        assert!(start.elapsed() < PATIENCE);
        thread::yield_now();
    }
    let mut some = [0; 1];
    other.read_exact(&mut some).unwrap();
    // One more is in the hands of each thread.
    assert!((0..1000).all(|_| {
        thread::yield_now();
        waiting() <= MOST_JOBS + 2
    }));
    // What can not be sent any more is nobody's to wait for.
    drop(other);
    bringer.join().unwrap();
}

#[test]
fn what_a_sender_is_given_arrives_in_order_with_the_end_behind_it() {
    let sender = sender();
    let (mut other, mut peer) = pair(Echo);
    peer.sender = Some(sender);
    let said: String = (0..100).map(|n| format!("{n}\n")).collect();
    other.write_all(said.as_bytes()).unwrap();
    other.shutdown(Shutdown::Write).unwrap();
    while peer.ending.is_none() {
        peer.receive(Effort::Any);
        assert!(!peer.is_sending());
    }
    sender.end_sending(&peer.connection);
    let answers = read_to_end(other);
    assert_eq!(answers, format!("{said}inside a line: false\n"));
}

#[test]
fn a_dismissal_comes_after_what_the_sender_was_given_before() {
    let log = crate::base::log::Log::start(crate::base::log::Level::Error, std::io::sink());
    let sender: &Sender = Box::leak(Box::new(Sender::start(&log.unwrap()).unwrap()));
    let (mut other, mut peer) = pair(Echo);
    peer.sender = Some(sender);
    let why = Refusal::new(ErrorCode::Taken, "another login");
    peer.connection.dismiss(why.clone());
    // It was said before, and is on its way yet.
    sender.send(&peer.connection, vec![Chunk::Text(b"OK listed\n".to_vec())]);
    other.write_all(b"INFOS\n").unwrap();
    peer.receive(Effort::Any);
    assert_eq!(peer.ending, Some(Ending::Refused(why)));
    sender.end_sending(&peer.connection);
    assert_eq!(read_to_end(other), "OK listed\nERR taken another login\n");
}

#[test]
fn who_lingers_is_not_disturbed_by_the_sender() {
    let (mut other, peer) = pair(Echo);
    let holder = {
        let connection = Arc::clone(&peer.connection);
        thread::spawn(move || connection.linger(PATIENCE))
    };
    for _ in 0..1000 {
        // As the sender does for one who has not logged in.
        for is_nonblocking in [true, false] {
            peer.connection.set_nonblocking(is_nonblocking).unwrap();
            let _ = other.write_all(b"more");
            thread::yield_now();
        }
    }
    assert!(!holder.is_finished());
    drop(other);
    holder.join().unwrap();
}

#[test]
fn a_game_server_that_does_not_read_is_dismissed_by_the_sender() {
    let sender = sender();
    let (mut other, mut peer) = pair(Generous(vec![b'x'; LARGE].into()));
    peer.sender = Some(sender);
    peer.connection.set_nonblocking(true).unwrap();
    other.write_all(b"PING\n").unwrap();
    let start = Instant::now();
    while peer.ending.is_none() {
        assert!(start.elapsed() < PATIENCE);
        peer.receive(Effort::Any);
    }
    assert_eq!(peer.ending, Some(Ending::SlowReader));
    other.write_all(b"PING\n").unwrap_or_default();
}
