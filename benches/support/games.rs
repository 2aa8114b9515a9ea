//! Game servers that answer pings at once, as many as a list has.

use super::run::Result;
use gltracker::client::ping::Target;
use gltracker::query::Kind;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

/// Sockets that listen. A queue of 128 is too short for all that are asked at the same moment.
const LISTENERS: usize = 4;

/// What a Minecraft client is told.
const MINECRAFT: &str = r#"{"version":{"name":"1"},"players":{"max":8,"online":3}}"#;

/// Running game servers. They end when this is dropped.
pub(crate) struct Games {
    pub(crate) targets: Vec<Target>,
    listeners: Vec<SocketAddr>,
    is_over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Games {
    /// Starts `count`, of which so many are of each kind of existing game, and the others answer `PING`.
    pub(crate) fn start(count: usize, of_each_kind: usize) -> Result<Self> {
        let mut games = Self {
            targets: Vec::new(),
            listeners: Vec::new(),
            is_over: Arc::default(),
            threads: Vec::new(),
        };
        games.receive(count - of_each_kind, of_each_kind)?;
        if of_each_kind > 0 {
            games.listen(of_each_kind)?;
        }
        Ok(games)
    }

    /// UDP sockets, which one thread looks at in turn.
    fn receive(&mut self, count: usize, of_each_kind: usize) -> Result<()> {
        let mut sockets = Vec::new();
        for number in 0..count {
            let socket = UdpSocket::bind("127.0.0.1:0")?;
            socket.set_nonblocking(true)?;
            let kind = match number {
                _ if number < of_each_kind => Some(Kind::Quake3),
                _ if number < 2 * of_each_kind => Some(Kind::Source),
                _ => None,
            };
            let address = socket.local_addr()?;
            self.targets.push(Target { address, kind });
            sockets.push(socket);
        }
        let until = Arc::clone(&self.is_over);
        self.threads.push(thread::spawn(move || {
            let mut buffer = [0; 64];
            while !until.load(Ordering::Relaxed) {
                for socket in &sockets {
                    while let Ok((length, from)) = socket.recv_from(&mut buffer) {
                        let _ = socket.send_to(&answer(&buffer[..length]), from);
                    }
                }
            }
        }));
        Ok(())
    }

    /// Some that are asked by TCP, each at an address of its own.
    fn listen(&mut self, count: usize) -> Result<()> {
        for _ in 0..LISTENERS {
            let listener = TcpListener::bind("0.0.0.0:0")?;
            self.listeners.push(listener.local_addr()?);
            let until = Arc::clone(&self.is_over);
            self.threads.push(thread::spawn(move || {
                for stream in listener.incoming() {
                    if until.load(Ordering::Relaxed) {
                        return;
                    }
                    let _ = stream.and_then(|mut stream| {
                        if stream.read(&mut [0; 64])? == 0 {
                            return Ok(());
                        }
                        // The packet's length, its name, the length of the text.
                        let length = MINECRAFT.len() as u8;
                        let head = [length + 2, 0, length];
                        stream.write_all(&[&head, MINECRAFT.as_bytes()].concat())?;
                        // A ping, which goes back as it is, or the end.
                        let mut ping = [0; 16];
                        let length = stream.read(&mut ping)?;
                        stream.write_all(&ping[..length])
                    });
                }
            }));
        }
        let first = Ipv4Addr::new(127, 1, 0, 1).to_bits();
        self.targets.extend((0..count).map(|number| {
            let ip = Ipv4Addr::from_bits(first + number as u32);
            Target {
                address: (ip, self.listeners[number % LISTENERS].port()).into(),
                kind: Some(Kind::Minecraft),
            }
        }));
        Ok(())
    }
}

impl Drop for Games {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        for listener in &self.listeners {
            // It wakes the thread, or that has ended.
            let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, listener.port()));
        }
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// What a game server answers.
fn answer(question: &[u8]) -> Vec<u8> {
    let text = question.get(4..).unwrap_or_default();
    if let Some(word) = text.strip_prefix(b"getinfo ") {
        let head = b"\xff\xff\xff\xffinfoResponse\n\\clients\\3\\sv_maxclients\\8\\mapname\\q3dm6\\challenge\\";
        return [head, word].concat();
    }
    match text.first() {
        Some(b'T') if question.len() == 25 => b"\xff\xff\xff\xffA1234".to_vec(),
        Some(b'T') => {
            let head = b"\xff\xff\xff\xffI\x11Name\0map\0folder\0Game\0\0\0";
            [head, &b"\x03\x08\0dl\0\x011.0\0"[..]].concat()
        }
        _ => [b"PO", question.get(2..).unwrap_or_default()].concat(),
    }
}
