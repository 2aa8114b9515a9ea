//! One question, from its first byte to its answer. Pure.

use super::kind::Kind;
use super::reply::Reply;
use super::status::Status;
use super::{minecraft, quake3, source};

/// A question that was asked.
///
/// What is received is a datagram, which must come from where the question went; or, where the kind
/// travels by TCP, the next bytes of the connection.
///
/// ```
/// use gltracker::query::{Asking, Kind, Reply};
/// let mut asking = Asking::probe(Kind::Quake3, 0x2a);
/// assert_eq!(asking.question(), b"\xff\xff\xff\xffgetinfo 000000000000002a");
/// let answer = b"\xff\xff\xff\xffinfoResponse\n\\clients\\3\\challenge\\000000000000002a";
/// let Reply::Status(status) = asking.receive(answer) else { panic!() };
/// assert_eq!(status.players, Some(3));
/// ```
#[derive(Debug, Clone)]
pub struct Asking(Exchange);

#[derive(Debug, Clone)]
enum Exchange {
    Quake3(quake3::Exchange),
    Source(source::Exchange),
    Minecraft(minecraft::Exchange),
}

impl Asking {
    /// A question for all that a game server says. `word` is a number that nobody can guess.
    pub fn all(kind: Kind, word: u64) -> Self {
        Self::new(kind, word, false)
    }

    /// The cheapest question whose answer tells how many players there are, to measure a ping.
    ///
    /// The first that is received, and is no [`Stray`](Reply::Stray), ends the measurement. Games answer
    /// an address only so often: those of ioquake3 ten times and then once a second, those of
    /// DarkPlaces once a second from the first.
    pub fn probe(kind: Kind, word: u64) -> Self {
        Self::new(kind, word, true)
    }

    fn new(kind: Kind, word: u64, is_probe: bool) -> Self {
        Self(match kind {
            Kind::Quake3 => Exchange::Quake3(quake3::Exchange::new(word, is_probe)),
            Kind::Source => Exchange::Source(source::Exchange::default()),
            Kind::Minecraft => Exchange::Minecraft(minecraft::Exchange::new(word, is_probe)),
        })
    }

    /// Says whom the question is for, as a player would type it. Some kinds tell the game server, which
    /// may be one of several behind one address.
    #[must_use]
    pub fn at(mut self, host: &str, port: u16) -> Self {
        if let Exchange::Minecraft(exchange) = &mut self.0 {
            exchange.set_place(host, port);
        }
        self
    }

    /// What is sent first.
    pub fn question(&self) -> Vec<u8> {
        match &self.0 {
            Exchange::Quake3(exchange) => exchange.question(),
            Exchange::Source(exchange) => exchange.question(),
            Exchange::Minecraft(exchange) => exchange.question(),
        }
    }

    /// Takes what was received.
    pub fn receive(&mut self, bytes: &[u8]) -> Reply {
        match &mut self.0 {
            Exchange::Quake3(exchange) => exchange.receive(bytes),
            Exchange::Source(exchange) => exchange.receive(bytes),
            Exchange::Minecraft(exchange) => exchange.receive(bytes),
        }
    }

    /// Begins anew with another word: for the next question to the same game server, or the same once
    /// more if no answer came. What was learned about asking it is kept, so that it may need fewer
    /// datagrams.
    pub fn again(&mut self, word: u64) {
        match &mut self.0 {
            Exchange::Quake3(exchange) => exchange.again(word),
            Exchange::Source(exchange) => exchange.again(),
            Exchange::Minecraft(exchange) => exchange.again(word),
        }
    }

    /// True if the game server answers the question of a [`probe`](Self::probe), as far as is known. Some
    /// answer only another one.
    pub fn answers_probes(&self) -> bool {
        match &self.0 {
            Exchange::Quake3(exchange) => exchange.answers_probes(),
            Exchange::Source(_) | Exchange::Minecraft(_) => true,
        }
    }

    /// What is known if nothing more comes: a game server may answer only a part of the question.
    pub fn known(&self) -> Option<Status> {
        match &self.0 {
            Exchange::Quake3(exchange) => exchange.known(),
            Exchange::Source(_) => None,
            Exchange::Minecraft(exchange) => exchange.known(),
        }
    }
}
