//! The engine as the rest of sharing has it: one connection to a node that takes writes.
//!
//! This file hides that there may be several nodes, and that the one in use changes.

use super::connection::{Connection, Exchanged, Limits};
use super::error::{EngineError, Kind, Node, Trouble, Turn};
use super::greeting::Greeting;
use super::nodes::Nodes;
use super::refusals::meaning;
use super::secret;
use crate::reach::{Dial, Reached};
use crate::tracker::sharing::share::{Share, ShareSecret};
use crate::tracker::sharing::wire::names::Names;
use crate::tracker::sharing::wire::resp::{MAX_REPLY, Pipeline, Reply};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// What an engine is given. One that is well answers within milliseconds; one that writes its data to a slow
/// disk may stop for a second. A whole list of 10,000 entries takes a second on a line of 20 Mbit/s.
const LIMITS: Limits = Limits {
    silence: Duration::from_secs(3),
    whole: Duration::from_secs(30),
    // A list of the largest size that is read, and as many bytes of changes.
    answers: 2 * MAX_REPLY,
};

/// The most times that a cluster may send on one attempt to connect. One is enough, unless it is just changing.
const MAX_REDIRECTS: u32 = 3;

/// What a new connection leads to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Connected {
    /// The name of the engine and its version.
    pub version: String,
    /// The node, as it was written or as its cluster calls it.
    pub node: String,
}

/// The engine.
#[derive(Debug)]
pub(crate) struct Engine {
    nodes: Nodes,
    database: u32,
    secret: ShareSecret,
    /// What the connection is called at the engine.
    name: String,
    /// A key that every tracker reads.
    key: String,
    limits: Limits,
    link: Option<Link>,
}

/// The connection in use.
#[derive(Debug)]
struct Link {
    connection: Connection,
    dial: Dial,
    address: SocketAddr,
    node: String,
}

impl Engine {
    /// The engine, to which nobody has connected yet.
    pub(crate) fn new(share: &Share) -> Self {
        Self {
            nodes: Nodes::new(share.engine.nodes.clone()),
            database: share.engine.database,
            secret: share.secret.clone(),
            name: format!("gltracker:{}", share.name),
            key: Names::new(&share.prefix).format(),
            limits: LIMITS,
            link: None,
        }
    }

    /// True if there is a connection.
    pub(crate) fn is_connected(&self) -> bool {
        self.link.is_some()
    }

    /// Closes the connection.
    pub(crate) fn disconnect(&mut self) {
        self.link = None;
    }

    /// Connects to the first node that takes writes, beginning with the one that did so last. Each node has the
    /// time of two silences.
    ///
    /// # Errors
    /// What is wrong with each of the nodes.
    pub(crate) fn connect(&mut self) -> Result<Connected, EngineError> {
        self.disconnect();
        let login = secret::read(&self.secret)?;
        let greeting = Greeting::new(login.as_ref(), self.database, &self.name, &self.key);
        let mut nodes = VecDeque::from(self.nodes.in_turn());
        let (mut redirects, mut failed) = (0, None::<EngineError>);
        while let Some(node) = nodes.pop_front() {
            let error = match self.connect_to(&node, &greeting) {
                Ok(connected) => return Ok(connected),
                Err(error) => error,
            };
            match error.turn() {
                Turn::To(owner) if redirects < MAX_REDIRECTS => {
                    redirects += 1;
                    self.nodes.has_keys(owner.clone());
                    nodes.push_front(owner.clone());
                }
                _ => {
                    failed = Some(match failed {
                        Some(failed) => failed.and(error),
                        None => error,
                    });
                }
            }
        }
        Err(failed.unwrap_or_else(not_connected))
    }

    /// Connects to one node, at whichever of its addresses.
    fn connect_to(&mut self, node: &Node, greeting: &Greeting) -> Result<Connected, EngineError> {
        let deadline = Instant::now() + 2 * self.limits.silence;
        let unreached = |error| EngineError::unreached(&error).at(&node.to_string());
        let mut dial = node.dial(deadline).map_err(unreached)?;
        let mut failed = None;
        loop {
            let reached = match dial.next() {
                Ok(reached) => reached,
                Err(error) => return Err(failed.unwrap_or_else(|| unreached(error))),
            };
            let address = reached.address;
            let name = name(node, address);
            match greet(reached, greeting, self.limits).map_err(|error| error.at(&name)) {
                Ok((connection, version)) => {
                    self.nodes.answered(node);
                    self.link = Some(Link::new(connection, dial, address, &name));
                    return Ok(Connected {
                        version,
                        node: name,
                    });
                }
                Err(error) if matches!(error.turn(), Turn::To(_)) => return Err(error),
                Err(error) => failed.get_or_insert(error),
            };
        }
    }

    /// Sends all commands and waits for their replies. After an error there is no connection any more, and the
    /// next one begins with another node where that helps.
    ///
    /// # Errors
    /// What the engine refused first, or what has happened to the connection.
    pub(crate) fn exchange(&mut self, pipeline: &Pipeline) -> Result<Vec<Reply>, EngineError> {
        let link = self.link.as_mut().ok_or_else(not_connected)?;
        let (bytes, count) = (pipeline.bytes(), pipeline.count());
        let exchanged = link.connection.exchange(bytes, count, self.limits);
        let outcome = outcome(pipeline, exchanged).map_err(|error| error.at(&link.node));
        if let Err(error) = &outcome {
            self.leave(error.turn());
        }
        outcome
    }

    fn leave(&mut self, turn: &Turn) {
        let link = self.link.take();
        match turn {
            Turn::Same => {}
            Turn::To(node) => self.nodes.has_keys(node.clone()),
            Turn::Other => {
                self.nodes.pass_over();
                if let Some(link) = link {
                    link.dial.full(link.address);
                }
            }
        }
    }
}

impl Link {
    fn new(connection: Connection, dial: Dial, address: SocketAddr, node: &str) -> Self {
        dial.answered(address);
        Self {
            connection,
            dial,
            address,
            node: node.to_owned(),
        }
    }
}

/// The name of a node, with the address in use if it may have several.
fn name(node: &Node, address: SocketAddr) -> String {
    match node.has_name() {
        true => format!("{node} ({})", address.ip()),
        false => node.to_string(),
    }
}

fn not_connected() -> EngineError {
    EngineError::new(Kind::Away, "there is no connection")
}

/// Says what is said first on a new connection.
fn greet(
    reached: Reached,
    greeting: &Greeting,
    limits: Limits,
) -> Result<(Connection, String), EngineError> {
    let left = reached.until.saturating_duration_since(Instant::now());
    let silence = limits.silence.min(left);
    let limits = Limits { silence, ..limits };
    let connection = Connection::new(reached.stream);
    let mut connection = connection.map_err(|error| EngineError::unreached(&error))?;
    let pipeline = greeting.pipeline();
    let exchanged = connection.exchange(pipeline.bytes(), pipeline.count(), limits);
    match (greeting.judge(&exchanged.replies), exchanged.trouble) {
        (Err(error), _) => Err(error),
        (Ok(_), Some(Trouble::Closed)) if exchanged.replies.is_empty() => Err(closed_at_once()),
        (Ok(_), Some(trouble)) => Err(trouble.into()),
        (Ok(version), None) => Ok((connection, version)),
    }
}

fn closed_at_once() -> EngineError {
    let text = "it has closed the connection at once: it is down behind a proxy, or wants TLS, which is not spoken \
                here; give it a port without TLS, or put stunnel between";
    EngineError::new(Kind::Away, text)
}

/// The replies, if none of them is an error.
fn outcome(pipeline: &Pipeline, exchanged: Exchanged) -> Result<Vec<Reply>, EngineError> {
    let mut refused = exchanged.replies.iter().enumerate();
    let refused = refused.find_map(|(at, reply)| Some((at, refusal(reply)?)));
    match (refused, exchanged.trouble) {
        (Some((at, said)), _) => Err(meaning(&pipeline.name(at), said, None)),
        (None, Some(trouble)) => Err(trouble.into()),
        (None, None) => Ok(exchanged.replies),
    }
}

/// The first error in a reply: EXEC has one for each command that failed.
fn refusal(reply: &Reply) -> Option<&str> {
    match reply {
        Reply::Error(said) => Some(said),
        Reply::Array(replies) => replies.iter().find_map(refusal),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
