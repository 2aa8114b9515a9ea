//! Who is asked: the door in a process of its own, or a bare loop.

use crate::support::process::Process;
use crate::support::run::{Result, is_given, value_of};
use gltracker::bridge::Desk;
use gltracker::bridge::hall::{Counters, Door as _, Hall};
use gltracker::bridge::quake::{Door, Rules};
use gltracker::tracker::log::{Level, Log};
use std::env;
use std::io::{self, Read};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// The private argument that makes this program one of these.
const PEER: &str = "--peer";

/// The argument that has the door listen on all addresses.
const EVERYWHERE: &str = "--everywhere";

/// How soon what the door wants listed is listed, as the tracker does in its batches.
const BATCH: Duration = Duration::from_millis(100);

/// Which of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Door,
    Bare,
}

/// One of them that runs.
pub(crate) struct Peer {
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
}

impl Peer {
    /// Starts this very program once more. A bare loop answers with these datagrams.
    pub(crate) fn start(kind: Kind, list: &[Vec<u8>]) -> Result<Self> {
        let (output, writer) = io::pipe()?;
        let mut command = Command::new(env::current_exe()?);
        command.args([PEER, if kind == Kind::Door { "door" } else { "bare" }]);
        if is_given(EVERYWHERE) {
            command.arg(EVERYWHERE);
        }
        command.stdin(Stdio::null()).stdout(writer);
        let length = |datagram: &Vec<u8>| (datagram.len() as u16).to_be_bytes();
        let framed = list
            .iter()
            .flat_map(|datagram| [&length(datagram)[..], datagram].concat());
        let framed: Vec<u8> = framed.collect();
        let (process, port, _) = Process::start(command, &framed, output)?;
        let address = (Ipv4Addr::LOCALHOST, port.trim_end().parse()?).into();
        Ok(Self { process, address })
    }
}

/// If the arguments are those of [`Peer::start`], is that until it is killed.
pub(crate) fn run_if_asked() -> Result<()> {
    match value_of(PEER).as_deref() {
        Some("door") => serve(),
        Some("bare") => answer(),
        _ => Ok(()),
    }
}

/// The door, with a desk that lists whom it wants listed.
fn serve() -> Result<()> {
    let hall = Hall {
        desk: Arc::new(Desk::default()),
        log: Log::start(Level::Error, io::stderr())?,
        counters: Counters::default(),
    };
    let rules = Rules {
        most: 65_536,
        per_host: 0,
        in_all: 0,
        ..Rules::default()
    };
    let at = match is_given(EVERYWHERE) {
        true => (Ipv6Addr::UNSPECIFIED, 0).into(),
        false => (Ipv4Addr::LOCALHOST, 0).into(),
    };
    let opened = Box::new(Door { at, rules }).open(&hall);
    let opened = opened.map_err(|error| format!("{error:?}"))?;
    println!("{}", opened.at[0].port());
    loop {
        thread::sleep(BATCH);
        if !hall.desk.take_changes().is_empty() {
            let wanted = hall.desk.wanted().into_iter();
            let listed = wanted.map(|(address, wanted)| (address, wanted.infos));
            hall.desk.set_listing(listed.collect());
        }
    }
}

/// A loop that sends the same datagrams to whoever asks.
fn answer() -> Result<()> {
    let mut framed = Vec::new();
    io::stdin().read_to_end(&mut framed)?;
    let (mut list, mut rest) = (Vec::new(), &framed[..]);
    while let Some((length, after)) = rest.split_first_chunk() {
        let (datagram, after) = after.split_at(u16::from_be_bytes(*length).into());
        list.push(datagram);
        rest = after;
    }
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    println!("{}", socket.local_addr()?.port());
    let mut buffer = [0; 4096];
    loop {
        let (_, from) = socket.recv_from(&mut buffer)?;
        for datagram in &list {
            socket.send_to(datagram, from)?;
        }
    }
}
