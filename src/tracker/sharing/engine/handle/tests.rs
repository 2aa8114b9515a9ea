use super::*;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver};
use std::thread;

/// Short, so that a test of a node that says nothing takes no time; long enough for a busy machine.
const SHORT: Limits = Limits {
    silence: Duration::from_secs(1),
    whole: Duration::from_secs(2),
    answers: 1024 * 1024,
};

/// A pretend node, whose connections go through `script` one after the other. Returns its address.
fn node(mut script: impl FnMut(TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            script(stream.unwrap());
        }
    });
    address.to_string()
}

/// Answers each command until the other side hangs up.
fn talk(stream: TcpStream, mut answer: impl FnMut(&[String]) -> Vec<u8>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    while let Some(words) = command(&mut reader) {
        if (&stream).write_all(&answer(&words)).is_err() {
            return;
        }
    }
}

fn command(reader: &mut impl BufRead) -> Option<Vec<String>> {
    let count = number(reader)?;
    let word = |_| {
        let mut word = vec![0; number(reader)? + 2];
        reader.read_exact(&mut word).ok()?;
        word.truncate(word.len() - 2);
        String::from_utf8(word).ok()
    };
    (0..count).map(word).collect()
}

fn number(reader: &mut impl BufRead) -> Option<usize> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    line.trim_end().get(1..)?.parse().ok()
}

/// What a node that is well says.
fn well(words: &[String]) -> Vec<u8> {
    let answer = match words[0].as_str() {
        "INFO" => "$20\r\nredis_version:7.0.15\r\n",
        "ROLE" => "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n",
        "GET" => "$-1\r\n",
        _ => "+OK\r\n",
    };
    answer.into()
}

fn engine(nodes: &[&str], secret: ShareSecret) -> Engine {
    let share = Share {
        engine: nodes.join(",").parse().unwrap(),
        name: "eu".into(),
        prefix: "p".into(),
        secret,
    };
    Engine::new(&share)
}

/// Why there is no connection to these nodes.
fn refused(nodes: &[&str]) -> EngineError {
    engine(nodes, ShareSecret::None).connect().unwrap_err()
}

fn set() -> Pipeline {
    let mut pipeline = Pipeline::new();
    pipeline.push(&[b"SET", b"key", b"value"]);
    pipeline.push(&[b"PING"]);
    pipeline
}

#[test]
fn an_engine_is_greeted_and_used() {
    let (tell, told) = mpsc::channel();
    let node = node(move |stream| {
        talk(stream, |words| {
            tell.send(words.join(" ")).unwrap();
            well(words)
        });
    });
    let secret = ShareSecret::Given {
        user: Some("bob".into()),
        password: "secret".into(),
    };
    let mut engine = engine(&[&format!("{node}/2")], secret);
    let connected = engine.connect().unwrap();
    assert_eq!(
        (connected.version.as_str(), connected.node),
        ("Redis 7.0.15", node)
    );
    let ok = Reply::Status("OK".into());
    assert_eq!(engine.exchange(&set()), Ok(vec![ok.clone(), ok]));
    assert!(engine.is_connected());
    engine.disconnect();
    assert!(engine.exchange(&set()).is_err());
    let said: Vec<String> = told.try_iter().collect();
    let greeting = [
        "AUTH bob secret",
        "SELECT 2",
        "CLIENT SETNAME gltracker:eu",
        "INFO server",
        "ROLE",
        "GET {p}:format",
    ];
    assert_eq!(said[..6], greeting);
    assert_eq!(said[6..], ["SET key value", "PING"]);
}

#[test]
fn a_node_that_is_of_no_use_is_told_why() {
    let says = |text: &'static [u8]| {
        node(move |mut stream| {
            let _ = stream.write_all(text);
            // Closed without a reset.
            let _ = stream.shutdown(std::net::Shutdown::Write);
            let _ = stream.read_to_end(&mut Vec::new());
        })
    };
    for (text, kind, part) in [
        (&b""[..], Kind::Away, "closed the connection at once"),
        (
            b"HTTP/1.1 400 Bad Request\r\n\r\n",
            Kind::Refused,
            "the answer of a web server",
        ),
        (
            b"ERR unknown-command\n",
            Kind::Refused,
            "a tracker of game servers",
        ),
        (
            b"-ERR max number of clients reached\r\n",
            Kind::Refused,
            "raise maxclients",
        ),
        (
            b"-DENIED Redis is running in protected mode\r\n",
            Kind::Refused,
            "protected mode",
        ),
        (b"+OK\r\n$-1\r\n", Kind::Away, "has closed the connection"),
        (
            b"+OK\r\n$-1\r\n+OK\r\n$-1\r\n+OK\r\n",
            Kind::Away,
            "more than it was asked",
        ),
    ] {
        let error = refused(&[&says(text)]);
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(part), "{error}");
    }
}

#[test]
fn a_wrong_password_is_not_repeated() {
    let node = node(|stream| {
        talk(stream, |words| match words[0].as_str() {
            "AUTH" => format!(
                "-ERR unknown command 'AUTH', with args beginning with: '{}'\r\n",
                words[1]
            )
            .into(),
            _ => b"-NOAUTH Authentication required.\r\n".to_vec(),
        });
    });
    let secret = ShareSecret::Given {
        user: None,
        password: "hidden".into(),
    };
    let mut engine = engine(&[&node], secret);
    let error = engine.connect().unwrap_err();
    assert_eq!(error.kind(), Kind::Refused);
    assert!(!format!("{error} {error:?} {engine:?}").contains("hidden"));
}

/// A node that takes connections and says nothing, and the connections.
fn silent() -> (String, Receiver<TcpStream>) {
    let (keep, kept) = mpsc::channel();
    let node = node(move |stream| drop(keep.send(stream)));
    (node, kept)
}

#[test]
fn a_node_that_says_nothing_is_given_up() {
    let (silent, kept) = silent();
    let mut alone = engine(&[&silent], ShareSecret::None);
    alone.limits = SHORT;
    let start = Instant::now();
    let error = alone.connect().unwrap_err().to_string();
    assert!(error.contains("has said nothing for 1 s"), "{error}");
    assert!(start.elapsed() >= SHORT.silence);
    let other = node(|stream| talk(stream, well));
    let mut engine = engine(&[&silent, &other], ShareSecret::None);
    engine.limits = SHORT;
    assert_eq!(engine.connect().unwrap().node, other);
    // The next time nobody goes to the silent one.
    assert_eq!(engine.connect().unwrap().node, other);
    let connections = kept.try_iter().count();
    assert_eq!(connections, 2);
}

#[test]
fn a_node_that_is_never_done_is_given_up() {
    let slow = node(|stream| {
        let mut greeted = 0;
        talk(stream.try_clone().unwrap(), |words| {
            greeted += 1;
            if greeted <= 4 {
                return well(words);
            }
            // A text that goes on for ever.
            let mut stream = &stream;
            while stream.write_all(b"+x").is_ok() {
                thread::sleep(SHORT.silence / 10);
            }
            Vec::new()
        });
    });
    let mut engine = engine(&[&slow], ShareSecret::None);
    engine.limits = SHORT;
    engine.connect().unwrap();
    let error = engine.exchange(&set()).unwrap_err().to_string();
    assert!(error.contains("was not done after 2 s"), "{error}");
    assert!(!engine.is_connected());
}

#[test]
fn nobody_waits_for_the_other_to_read() {
    /// Bytes of a word: a few hundred are more than both sides' buffers.
    const WORD: usize = 64 * 1024;
    const COUNT: usize = 400;
    let eager = node(|stream| {
        talk(stream, |words| match words[0].as_str() {
            "ECHO" => format!("${WORD}\r\n{}\r\n", words[1]).into(),
            _ => well(words),
        });
    });
    let mut engine = engine(&[&eager], ShareSecret::None);
    engine.connect().unwrap();
    let mut pipeline = Pipeline::new();
    for _ in 0..COUNT {
        pipeline.push(&[b"ECHO", &[b'x'; WORD]]);
    }
    let replies = engine.exchange(&pipeline).unwrap();
    let whole = Reply::Bytes(vec![b'x'; WORD]);
    assert!(replies.len() == COUNT && replies.iter().all(|reply| *reply == whole));
}

#[test]
fn a_node_that_answers_without_end_is_given_up() {
    let flood = || {
        node(|stream| {
            talk(stream.try_clone().unwrap(), |words| {
                if words[0] != "ECHO" {
                    return well(words);
                }
                // It reads nothing more.
                let answers = b"+x\r\n".repeat(1024);
                while (&stream).write_all(&answers).is_ok() {}
                Vec::new()
            });
        })
    };
    // Before all is sent, and after that.
    for size in [32 * 1024 * 1024, 1] {
        let mut engine = engine(&[&flood()], ShareSecret::None);
        engine.limits = SHORT;
        engine.connect().unwrap();
        let mut pipeline = Pipeline::new();
        pipeline.push(&[b"ECHO", b"x"]);
        pipeline.push(&[b"SET", b"key", &vec![b'x'; size]]);
        (0..SHORT.answers / 4).for_each(|_| pipeline.push(&[b"PING"]));
        let error = engine.exchange(&pipeline).unwrap_err().to_string();
        assert!(
            error.contains("answered with more than 1 MiB"),
            "{size}: {error}"
        );
    }
}

#[test]
fn a_replica_is_passed_over_even_if_it_becomes_one_in_use() {
    let replica = node(|stream| {
        talk(stream, |words| match words[0].as_str() {
            "ROLE" => b"-NOPERM role\r\n".to_vec(),
            "SET" => b"-READONLY You can't write against a read only replica.\r\n".to_vec(),
            _ => well(words),
        });
    });
    let known = node(|stream| {
        talk(stream, |words| match words[0].as_str() {
            "ROLE" => b"*2\r\n$5\r\nslave\r\n:1\r\n".to_vec(),
            _ => well(words),
        });
    });
    let master = node(|stream| talk(stream, well));
    let mut engine = engine(&[&replica, &known, &master], ShareSecret::None);
    assert_eq!(engine.connect().unwrap().node, replica);
    let error = engine.exchange(&set()).unwrap_err();
    assert_eq!(error.kind(), Kind::Away);
    assert!(error.to_string().contains("is a replica"), "{error}");
    assert_eq!(engine.connect().unwrap().node, master);
    assert!(engine.exchange(&set()).is_ok());
    let error = refused(&[&known, "127.0.0.1:1"]).to_string();
    assert!(
        error.contains("is a replica") && error.contains("; 127.0.0.1:1: nobody listens there"),
        "{error}"
    );
}

#[test]
fn a_cluster_says_who_has_the_keys() {
    let moved = |to: &str, word: &'static str| {
        let moved = format!("-MOVED 12009 {to}\r\n");
        node(move |stream| {
            talk(stream, |words| match words[0] == word {
                true => moved.clone().into(),
                false => well(words),
            });
        })
    };
    let owner = node(|stream| talk(stream, well));
    let other = moved(&owner, "GET");
    let mut engine = engine(&[&other], ShareSecret::None);
    assert_eq!(engine.connect().unwrap().node, owner);
    // A node serves one after the other.
    drop(engine);
    let before = moved(&owner, "SET");
    let mut engine = self::engine(&[&before], ShareSecret::None);
    assert_eq!(engine.connect().unwrap().node, before);
    let error = engine.exchange(&set()).unwrap_err().to_string();
    assert!(error.contains("another node of its cluster"), "{error}");
    assert_eq!(engine.connect().unwrap().node, owner);
    let lost = refused(&[&moved("127.0.0.1:1", "GET")]).to_string();
    assert_eq!(lost, "127.0.0.1:1: nobody listens there");
}
