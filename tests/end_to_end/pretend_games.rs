//! Game servers of existing games, as far as they answer questions: one for each kind of question.
//!
//! Each listens on a port of its own of 127.0.0.1. What it says can be changed while it runs.

use gltracker::query::Kind;
use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// What every datagram that is no part of a game begins with, in two of the three families.
const PREFIX: &[u8] = b"\xff\xff\xff\xff";

/// The question of the Source family, without the number that may follow.
const SOURCE_QUESTION: &[u8] = b"\xff\xff\xff\xffTSource Engine Query\0";

/// How long a game server waits for the rest of what somebody says on a connection.
const IMPATIENCE: Duration = Duration::from_secs(5);

/// What a game server says of itself.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    /// As it is sent: colour codes and all.
    pub(crate) name: String,
    pub(crate) map: String,
    pub(crate) game: String,
    pub(crate) mode: String,
    pub(crate) version: String,
    pub(crate) people: u8,
    pub(crate) bots: u8,
    pub(crate) most: u8,
    pub(crate) needs_password: bool,
    /// Nothing is answered.
    pub(crate) is_silent: bool,
    /// Quake III: `getinfo` is not answered.
    pub(crate) is_short: bool,
    /// Source: the answer comes in two datagrams, the second first.
    pub(crate) is_split: bool,
}

impl Facts {
    fn of(kind: Kind) -> Self {
        let (name, game, version) = match kind {
            Kind::Quake3 => (
                "^1Friday ^7cycles",
                "Quake3Arena",
                "ioq3 1.36 linux-x86_64 Nov 23 2022",
            ),
            Kind::Source => ("Friday cycles", "csgo", "1.38.8.1"),
            Kind::Minecraft => ("§cFriday §rcycles", "", "1.20.4"),
        };
        Self {
            name: name.to_owned(),
            map: "oasis".to_owned(),
            game: game.to_owned(),
            mode: "4".to_owned(),
            version: version.to_owned(),
            people: 3,
            bots: 2,
            most: 12,
            needs_password: false,
            is_silent: false,
            is_short: false,
            is_split: false,
        }
    }
}

/// A running game server. It is gone when this is dropped.
pub(crate) struct PretendGame {
    /// Where it is asked.
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
    wake: Box<dyn Fn() + Send + Sync>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    facts: Mutex<Facts>,
    questions: AtomicUsize,
    is_over: AtomicBool,
}

impl Shared {
    fn facts(&self) -> MutexGuard<'_, Facts> {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::SeqCst)
    }
}

impl PretendGame {
    /// Starts one on any port.
    pub(crate) fn start(kind: Kind) -> Self {
        Self::start_at(kind, ([127, 0, 0, 1], 0).into())
    }

    /// Starts one at `address`.
    pub(crate) fn start_at(kind: Kind, address: SocketAddr) -> Self {
        let shared = Arc::new(Shared {
            facts: Mutex::new(Facts::of(kind)),
            questions: AtomicUsize::new(0),
            is_over: AtomicBool::new(false),
        });
        match kind {
            Kind::Minecraft => Self::listen(shared, TcpListener::bind(address).unwrap()),
            _ => Self::receive(shared, kind, UdpSocket::bind(address).unwrap()),
        }
    }

    fn receive(shared: Arc<Shared>, kind: Kind, socket: UdpSocket) -> Self {
        let address = socket.local_addr().unwrap();
        let own = socket.try_clone().unwrap();
        let its = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            let mut buffer = [0; 2048];
            while !its.is_over() {
                // An earlier answer may have found nobody.
                let Ok((count, peer)) = socket.recv_from(&mut buffer) else {
                    continue;
                };
                let question = &buffer[..count];
                let facts = its.facts().clone();
                let answers = match kind {
                    Kind::Quake3 => quake3(&facts, question),
                    _ => source(&facts, question, peer),
                };
                its.questions.fetch_add(1, Ordering::SeqCst);
                for answer in answers.iter().filter(|_| !facts.is_silent) {
                    let _ = socket.send_to(answer, peer);
                }
            }
        });
        let wake = move || drop(own.send_to(&[], address));
        Self::new(address, shared, wake, thread)
    }

    fn listen(shared: Arc<Shared>, listener: TcpListener) -> Self {
        let address = listener.local_addr().unwrap();
        let its = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if its.is_over() {
                    return;
                }
                let its = Arc::clone(&its);
                std::thread::spawn(move || drop(stream.and_then(|stream| minecraft(&its, stream))));
            }
        });
        Self::new(
            address,
            shared,
            move || drop(TcpStream::connect(address)),
            thread,
        )
    }

    fn new(
        address: SocketAddr,
        shared: Arc<Shared>,
        wake: impl Fn() + Send + Sync + 'static,
        thread: JoinHandle<()>,
    ) -> Self {
        Self {
            address,
            shared,
            wake: Box::new(wake),
            thread: Some(thread),
        }
    }

    /// What it says.
    pub(crate) fn facts(&self) -> Facts {
        self.shared.facts().clone()
    }

    /// Changes what it says.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Facts)) {
        change(&mut self.shared.facts());
    }

    /// How many questions have come.
    pub(crate) fn questions(&self) -> usize {
        self.shared.questions.load(Ordering::SeqCst)
    }
}

impl Drop for PretendGame {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        (self.wake)();
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// What ioquake3 answers.
fn quake3(facts: &Facts, question: &[u8]) -> Vec<Vec<u8>> {
    let text = String::from_utf8_lossy(question.strip_prefix(PREFIX).unwrap_or_default());
    let mut words = text
        .split([' ', '\n', '\0'])
        .filter(|word| !word.is_empty());
    let command = words.next();
    let challenge = words
        .next()
        .map(|word| format!("\\challenge\\{word}"))
        .unwrap_or_default();
    let Facts {
        name,
        map,
        game,
        mode,
        version,
        people,
        bots,
        most,
        ..
    } = facts;
    let (clients, password) = (people + bots, u8::from(facts.needs_password));
    let answer = match command {
        Some("getinfo") if facts.is_short => return Vec::new(),
        Some("getinfo") => format!(
            "infoResponse\n\\voip\\opus\\g_needpass\\{password}\\pure\\1\\gametype\\{mode}\\sv_maxclients\\{most}\
             \\g_humanplayers\\{people}\\clients\\{clients}\\mapname\\{map}\\hostname\\{name}\\protocol\\71\
             \\gamename\\{game}{challenge}"
        ),
        Some("getstatus") => {
            let players = (0..*people).map(|n| format!("{n} {} \"person{n}\"\n", 40 + n));
            let bots = (0..*bots).map(|n| format!("{n} 0 \"bot{n}\"\n"));
            format!(
                "statusResponse\n\\sv_hostname\\{name}\\mapname\\{map}\\g_gametype\\{mode}\\sv_maxclients\\{most}\
                 \\com_protocol\\71\\com_gamename\\{game}\\gamename\\baseoa\\g_needpass\\{password}\
                 \\version\\{version}\\sv_privateClients\\0{challenge}\n{}",
                players.chain(bots).collect::<String>()
            )
        }
        _ => return Vec::new(),
    };
    vec![[PREFIX, answer.as_bytes()].concat()]
}

/// What a server of the Source family answers, once its number has come back.
fn source(facts: &Facts, question: &[u8], peer: SocketAddr) -> Vec<Vec<u8>> {
    // No other host's.
    let number = match peer.ip() {
        IpAddr::V4(ip) => ip.octets().map(|byte| byte ^ 0x5a),
        IpAddr::V6(_) => [0x5a; 4],
    };
    let body = match question.strip_prefix(PREFIX) {
        _ if question == [SOURCE_QUESTION, &number].concat() => source_info(facts),
        _ if question.starts_with(SOURCE_QUESTION) => {
            return vec![[PREFIX, b"A", &number].concat()];
        }
        Some([b'U' | b'V', rest @ ..]) if rest != number => {
            return vec![[PREFIX, b"A", &number].concat()];
        }
        // Players, each with a number, a name, a score and a time.
        Some([b'U', ..]) => {
            let count = facts.people + facts.bots;
            let player = |n| [&[0][..], format!("player{n}\0").as_bytes(), &[0; 8]].concat();
            [
                &[b'D', count][..],
                &(0..count).flat_map(player).collect::<Vec<_>>(),
            ]
            .concat()
        }
        // Rules: none.
        Some([b'V', ..]) => b"E\0\0".to_vec(),
        _ => return Vec::new(),
    };
    let whole = [PREFIX, &body].concat();
    if !facts.is_split {
        return vec![whole];
    }
    let (first, second) = whole.split_at(whole.len() / 2);
    let part = |at: u8, bytes: &[u8]| {
        let head = [
            b"\xfe\xff\xff\xff",
            &number[..3],
            &[0, 2, at],
            &1248_u16.to_le_bytes()[..],
        ];
        [&head.concat(), bytes].concat()
    };
    vec![part(1, second), part(0, first)]
}

fn source_info(facts: &Facts) -> Vec<u8> {
    let mut answer = vec![b'I', 17];
    for text in [
        &facts.name,
        &facts.map,
        &facts.game,
        "Counter-Strike: Global Offensive",
    ] {
        answer.extend_from_slice(&[text.as_bytes(), &[0]].concat());
    }
    answer.extend_from_slice(&730_u16.to_le_bytes());
    answer.extend_from_slice(&[facts.people + facts.bots, facts.most, facts.bots]);
    answer.extend_from_slice(&[b'd', b'l', u8::from(facts.needs_password), 1]);
    answer.extend_from_slice(&[facts.version.as_bytes(), &[0]].concat());
    // A port, the number of the server, keywords, the number of the game.
    answer.push(0x80 | 0x10 | 0x20 | 0x01);
    answer.extend_from_slice(&27015_u16.to_le_bytes());
    answer.extend_from_slice(&90_071_992_547_409_920_u64.to_le_bytes());
    answer.extend_from_slice(b"friday,cycles\0");
    answer.extend_from_slice(&730_u64.to_le_bytes());
    answer
}

/// Answers a status request and a ping.
fn minecraft(shared: &Shared, mut stream: TcpStream) -> std::io::Result<()> {
    stream.set_read_timeout(Some(IMPATIENCE))?;
    let _handshake = packet(&mut stream)?;
    loop {
        let question = packet(&mut stream)?;
        shared.questions.fetch_add(1, Ordering::SeqCst);
        let facts = shared.facts().clone();
        if facts.is_silent {
            // It is as good as dead, but its connections are not closed.
            return stream.read(&mut [0]).map(drop);
        }
        match question[..] {
            [0] => {
                let json = minecraft_status(&facts);
                let text = [&number(json.len())[..], json.as_bytes()].concat();
                send(&mut stream, &[&[0], &text[..]].concat())?;
            }
            // It goes back as it came, and that is the end.
            _ => return send(&mut stream, &question),
        }
    }
}

fn minecraft_status(facts: &Facts) -> String {
    let Facts {
        name,
        version,
        people,
        most,
        ..
    } = facts;
    format!(
        r#"{{"version":{{"name":"{version}","protocol":765}},"players":{{"max":{most},"online":{people},"sample":[]}},"description":{{"text":"{name}"}}}}"#
    )
}

fn send(stream: &mut TcpStream, body: &[u8]) -> std::io::Result<()> {
    stream.write_all(&[&number(body.len())[..], body].concat())
}

/// The next packet, without its length.
fn packet(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let (mut length, mut byte, mut shift) = (0, [0x80], 0);
    while byte[0] & 0x80 != 0 {
        stream.read_exact(&mut byte)?;
        length |= usize::from(byte[0] & 0x7f) << shift;
        shift += 7;
        if shift > 21 {
            return Err(ErrorKind::InvalidData.into());
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok(body)
}

/// A length as it travels.
fn number(length: usize) -> Vec<u8> {
    assert!(length < 1 << 14, "two bytes do");
    match length < 0x80 {
        true => vec![length as u8],
        false => vec![length as u8 | 0x80, (length >> 7) as u8],
    }
}
