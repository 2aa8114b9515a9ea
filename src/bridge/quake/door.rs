//! The sockets of the door, and a thread for each.

use super::list::Answer;
use super::master::{Act, Event, Master, Rules, WORD};
use crate::base::log::lasting;
use crate::base::threads;
use crate::bridge::hall::{self, DoorError, Hall, Opened, address, listen};
use crate::protocol::refusal::{ErrorCode, Refusal};
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, UdpSocket};
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

/// How often a thread looks whose time has come, though nothing is received.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// How long a datagram may wait for room in the socket's buffer.
const SEND_WITHIN: Duration = Duration::from_millis(100);

/// The largest datagram of this family, and more.
const BUFFER: usize = 4096;

/// A door to the Quake family that is to be opened.
#[derive(Debug)]
pub struct Door {
    /// Where it listens.
    pub at: SocketAddr,
    /// What the operator decides.
    pub rules: Rules,
}

impl hall::Door for Door {
    fn word(&self) -> &'static str {
        WORD
    }

    fn open(self: Box<Self>, hall: &Hall) -> Result<Opened, DoorError> {
        let no = |error| DoorError::Listen(self.at, error);
        let sockets = listen::udp(self.at).map_err(no)?;
        let mut at = Vec::new();
        let is_alone = sockets.len() == 1;
        for socket in sockets {
            let thread = Thread::new(socket, is_alone, &self.rules, hall).map_err(no)?;
            at.push(thread.at);
            thread.start().map_err(DoorError::Thread)?;
        }
        let port = at.first().map_or(0, SocketAddr::port);
        let guide = format!(
            "Quake III and its kind, at a game server's console: set sv_master1 \"HOST:{port}\"\n  \
             (OpenArena and others on that engine tell a master only with: set dedicated 2)\n"
        );
        Ok(Opened { at, guide })
    }
}

/// What serves one socket.
struct Thread {
    socket: UdpSocket,
    at: SocketAddr,
    master: Master,
    hall: Hall,
    acts: Vec<Act>,
    looked: Instant,
    buffer: Box<[u8; BUFFER]>,
}

impl Thread {
    fn new(socket: UdpSocket, is_alone: bool, rules: &Rules, hall: &Hall) -> io::Result<Self> {
        socket.set_read_timeout(Some(LOOK_EVERY))?;
        socket.set_write_timeout(Some(SEND_WITHIN))?;
        let (at, now) = (socket.local_addr()?, Instant::now());
        let mut master = Master::new(rules.clone(), &hall.counters, now);
        let is_ours = |address: SocketAddr| address::is_for(at, is_alone, address.ip());
        let remembered = hall.desk.remembered(WORD).into_iter();
        master.remember(remembered.filter(|(address, _)| is_ours(*address)), now);
        Ok(Self {
            socket,
            at,
            master,
            hall: hall.clone(),
            acts: Vec::new(),
            looked: now,
            buffer: Box::new([0; BUFFER]),
        })
    }

    fn start(mut self) -> io::Result<()> {
        let log = self.hall.log.clone();
        let work = move || {
            self.look();
            ControlFlow::Continue(())
        };
        lasting::start(WORD, threads::STACK, &log, work).map(drop)
    }

    /// Waits for a datagram, and does what is to be done then.
    fn look(&mut self) {
        let received = self.socket.recv_from(&mut self.buffer[..]);
        let now = Instant::now();
        let from = match received {
            Ok((count, from)) => {
                let listing = self.hall.desk.listing();
                let datagram = &self.buffer[..count];
                self.master
                    .receive(from, datagram, now, &listing, &mut self.acts);
                Some(from)
            }
            Err(error) => {
                self.note(&error);
                None
            }
        };
        if now.saturating_duration_since(self.looked) >= LOOK_EVERY {
            self.looked = now;
            self.master.tick(now, &mut self.acts);
        }
        // The room for what is to be done is kept.
        let mut acts = std::mem::take(&mut self.acts);
        acts.drain(..).for_each(|act| self.act(act, from));
        self.acts = acts;
    }

    /// An error of receiving is no reason to stop: some say what became of a datagram that was sent.
    fn note(&self, error: &io::Error) {
        use ErrorKind::{ConnectionRefused, ConnectionReset, Interrupted, TimedOut, WouldBlock};
        let is_usual = matches!(
            error.kind(),
            WouldBlock | TimedOut | Interrupted | ConnectionReset | ConnectionRefused
        );
        if !is_usual {
            let refusal = Refusal::new(ErrorCode::Busy, error.to_string());
            self.hall.log.noisy("quake-receive-failed", &refusal, &[]);
            std::thread::sleep(LOOK_EVERY);
        }
    }

    fn act(&self, act: Act, from: Option<SocketAddr>) {
        match act {
            Act::Ask(to, question) => self.send(&question, address::at_socket(self.at, to)),
            Act::Answer(answer) => {
                if let Some(from) = from {
                    self.answer(&answer, from);
                }
            }
            Act::List(address, wanted) => self.hall.desk.list(address, wanted),
            Act::Unlist(address) => self.hall.desk.unlist(WORD, address),
            Act::Say(address, event) => self.say(address, &event),
        }
    }

    fn answer(&self, answer: &Answer, to: SocketAddr) {
        for datagram in &answer.datagrams {
            self.send(datagram, to);
        }
    }

    /// Whoever does not get a datagram asks again, or is asked again.
    fn send(&self, datagram: &[u8], to: SocketAddr) {
        let _ = self.socket.send_to(datagram, to);
    }

    fn say(&self, address: SocketAddr, event: &Event) {
        match event {
            Event::Registered(game) => self.hall.log_registered(WORD, address, game),
            Event::Gone(has_said) => {
                let why = match has_said {
                    true => "it said that it ends",
                    false => "three questions without an answer",
                };
                self.hall.log_gone(WORD, address, why);
            }
            Event::Refused(reason) => {
                let refusal = Refusal::new(ErrorCode::BadValue, reason.clone());
                let fields: [(&str, &dyn std::fmt::Display); 2] =
                    [("door", &WORD), ("server", &address)];
                self.hall.log.noisy("refused", &refusal, &fields);
            }
        }
    }
}
