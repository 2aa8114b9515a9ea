//! The constants of the threads and their sockets, each with what was measured.
//!
//! What a peer is promised (how long it may take, how much it may ask for) is not here: that is in
//! [`Timings`](crate::tracker::session::Timings) and in PROTOCOL.md.

use std::time::Duration;

/// Threads that accept, for each port. A second one accepts while the first answers. With more of
/// them a LIST costs up to a third more CPU time under load, since a sleeper is woken for each.
pub(crate) const ACCEPTORS: usize = 2;

/// Bytes of stack of a thread that accepts or holds a connection. Only what is touched of it costs
/// memory: a session was seen to need less than 16 KiB in a debug build.
pub(crate) const STACK: usize = 128 * 1024;

/// Pause after the system had no descriptor or no memory for a connection: at 20 tries a second the
/// port is open again soon, and a full system is not kept busy.
pub(crate) const ACCEPT_AGAIN: Duration = Duration::from_millis(50);

/// Such trouble is logged at most this often.
pub(crate) const LOG_EVERY: Duration = Duration::from_secs(1);

/// A polled connection is looked at again so soon after it came or spoke; each look in vain doubles
/// this. Most clients hang up within a millisecond of their answer.
pub(crate) const POLL_FIRST: Duration = Duration::from_millis(1);

/// The longest pause between two looks: 192 guests are looked at 12,000 times a second then, for a
/// hundredth of a processor. A client that was answered and has not hung up by then, after 31 ms, is
/// given a thread, which waits for what it says: five looks in vain cost as much as a thread that is
/// woken once.
pub(crate) const POLL_LAST: Duration = Duration::from_millis(16);

/// The most connections from proxies that wait for their header, and the most that have come since these
/// were last looked at. A header comes within microseconds of its connection, and 26,000 connections a
/// second, the most that two processors answer, bring so many in 10 ms. If there are more, the oldest is
/// looked at once more, and refused if it is still silent. Without that look, 3 of 49 bursts of 2,000
/// players through HAProxy lost up to 473 of them; with it none of 56 lost any.
pub(crate) const MOST_HEADERS: usize = 256;

/// A watcher is looked at this often: whether it has hung up, said something or is due a sign of
/// life. 1,000 watchers take 0.2 % of a processor then.
pub(crate) const WATCHER_LOOK: Duration = Duration::from_millis(500);

/// The least time between two such looks when a watcher is to be closed, and between two tries to send
/// when a socket was full: on loopback 64 KiB are read in less, and a reader far away has not read
/// much.
pub(crate) const WATCHER_AGAIN: Duration = Duration::from_millis(10);

/// A wait for a peer is not set anew if it is too long by no more than one part in so many, since to
/// set it is a system call. A PING is a quarter of a second late then at the most.
pub(crate) const WAIT_TOLERANCE: u32 = 64;

/// Bytes that are read after the last line was sent, at the most. A socket that is closed with unread
/// bytes takes that line back; a peer that has sent more than 4 MiB by then does not get to read it.
pub(crate) const MAX_UNREAD: usize = 4 << 20;

/// How long the accept probe waits for a connection to each address of its own port, which takes
/// microseconds within a machine.
pub(crate) const PROBE_CONNECT: Duration = Duration::from_millis(250);

/// How long until somebody must have accepted it.
pub(crate) const PROBE_ACCEPT: Duration = Duration::from_secs(1);

/// The shortest wait that is asked of a socket, where zero means "for ever". Linux rounds it up to a
/// tick, which is 1 to 10 ms.
pub(crate) const SHORTEST_WAIT: Duration = Duration::from_millis(1);

/// Bytes that a new socket takes without waiting, even if the peer reads nothing: the least that
/// systems give a socket to send from.
pub(crate) const NEVER_WAITS: usize = 16 * 1024;

/// Jobs that may wait for the sender: a few milliseconds of its time. Without a bound six trusted game
/// servers that never paused took 400 MB in ten seconds, and a login among them seven seconds.
pub(crate) const MOST_JOBS: usize = 256;
