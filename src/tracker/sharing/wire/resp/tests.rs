use super::*;
use quickcheck::{Arbitrary, Gen, quickcheck};

/// Reads all replies of `pieces`.
fn read(pieces: &[&[u8]]) -> Result<Vec<Reply>, NotResp> {
    let (mut reader, mut replies) = (Reader::default(), Vec::new());
    for piece in pieces {
        reader.feed(piece);
        while let Some(reply) = reader.next_reply()? {
            replies.push(reply);
        }
    }
    Ok(replies)
}

/// Writes a reply as an engine does.
fn written(reply: &Reply) -> Vec<u8> {
    match reply {
        Reply::Status(text) => format!("+{text}\r\n").into_bytes(),
        Reply::Error(text) => format!("-{text}\r\n").into_bytes(),
        Reply::Number(number) => format!(":{number}\r\n").into_bytes(),
        Reply::Nil => b"$-1\r\n".to_vec(),
        Reply::Bytes(bytes) => {
            let head = format!("${}\r\n", bytes.len());
            [head.as_bytes(), bytes, b"\r\n"].concat()
        }
        Reply::Array(replies) => {
            let head = format!("*{}\r\n", replies.len());
            let replies: Vec<u8> = replies.iter().flat_map(written).collect();
            [head.as_bytes(), &replies].concat()
        }
    }
}

impl Arbitrary for Reply {
    fn arbitrary(g: &mut Gen) -> Self {
        any(g, MAX_DEPTH)
    }
}

fn any(g: &mut Gen, depth: usize) -> Reply {
    let text = |g: &mut Gen| String::arbitrary(g).replace(['\n', '\r'], " ");
    match u8::arbitrary(g) % if depth > 0 { 8 } else { 5 } {
        0 => Reply::Status(text(g)),
        1 => Reply::Error(text(g)),
        2 => Reply::Number(i64::arbitrary(g)),
        3 => Reply::Nil,
        4 => Reply::Bytes(Vec::arbitrary(g)),
        _ => {
            let count = usize::arbitrary(g) % 4;
            Reply::Array((0..count).map(|_| any(g, depth - 1)).collect())
        }
    }
}

/// Reads a command as an engine does, without haste.
fn command(bytes: &mut &[u8]) -> Vec<Vec<u8>> {
    let count = number(b'*', bytes);
    let word = |_| {
        let length = number(b'$', bytes);
        let (word, rest) = bytes.split_at(length);
        *bytes = rest.strip_prefix(b"\r\n").unwrap();
        word.to_vec()
    };
    (0..count).map(word).collect()
}

fn number(kind: u8, bytes: &mut &[u8]) -> usize {
    let end = bytes.windows(2).position(|two| two == b"\r\n").unwrap();
    let line = bytes[..end].strip_prefix(&[kind]).unwrap();
    *bytes = &bytes[end + 2..];
    std::str::from_utf8(line).unwrap().parse().unwrap()
}

quickcheck! {
    fn replies_are_read_as_they_were_written_in_any_pieces(replies: Vec<Reply>, cuts: Vec<u8>) -> bool {
        let bytes: Vec<u8> = replies.iter().flat_map(written).collect();
        let (mut pieces, mut rest) = (Vec::new(), &bytes[..]);
        for cut in cuts {
            let (piece, behind) = rest.split_at(usize::from(cut).min(rest.len()));
            pieces.push(piece);
            rest = behind;
        }
        pieces.push(rest);
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        read(&pieces) == Ok(replies.clone()) && read(&single) == Ok(replies)
    }

    fn commands_are_written_as_an_engine_reads_them(words: Vec<Vec<u8>>) -> bool {
        let commands: Vec<&[Vec<u8>]> = words.chunks(3).collect();
        let mut pipeline = Pipeline::new();
        for words in &commands {
            pipeline.push(&words.iter().map(Vec::as_slice).collect::<Vec<_>>());
        }
        let mut bytes = pipeline.bytes();
        let read: Vec<_> = (0..pipeline.count()).map(|_| command(&mut bytes)).collect();
        bytes.is_empty() && read == commands
    }

    fn nothing_panics(pieces: Vec<Vec<u8>>) -> bool {
        let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
        match read(&pieces) {
            Ok(replies) => replies.len() <= pieces.concat().len(),
            Err(what) => !what.to_string().is_empty(),
        }
    }
}

#[test]
fn every_kind_of_reply_is_read() {
    let bytes =
        b"+OK\r\n-ERR no\r\n:-5\r\n$0\r\n\r\n$-1\r\n*-1\r\n*0\r\n*2\r\n$2\r\n\r\n\r\n*1\r\n:1\r\n";
    let array = Reply::Array;
    let all = [
        Reply::Status("OK".into()),
        Reply::Error("ERR no".into()),
        Reply::Number(-5),
        Reply::Bytes(Vec::new()),
        Reply::Nil,
        Reply::Nil,
        array(Vec::new()),
        array(vec![
            Reply::Bytes(b"\r\n".to_vec()),
            array(vec![Reply::Number(1)]),
        ]),
    ];
    assert_eq!(read(&[bytes]).unwrap(), all);
}

#[test]
fn it_is_known_whether_something_is_left() {
    let mut reader = Reader::default();
    for (bytes, is_inside) in [
        (&b"*2\r\n:1\r\n"[..], true),
        (b":2\r\n", false),
        (b"+", true),
        (b"\r\n+", true),
    ] {
        reader.feed(bytes);
        while reader
            .next_reply()
            .unwrap()
            .is_some_and(|reply| reply != Reply::Status(String::new()))
        {}
        assert_eq!(reader.is_inside(), is_inside, "{bytes:?}");
    }
}

#[test]
fn what_is_no_reply_is_named() {
    let long = [b"+", &[b'a'; MAX_LINE][..]].concat();
    for (bytes, part) in [
        (&b"HTTP/1.1 400 Bad Request\r\n"[..], "a web server"),
        (b"\x15\x03\x03\0\x02", "in TLS"),
        (
            b"ERR unknown-command\n",
            "'ERR unknown-command\\u{a}', as a tracker",
        ),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "'SSH-2.0"),
        (b"+OK\n", "'+OK"),
        (b":1x\r\n", "':1x"),
        (b":+1\r\n", "':+1"),
        (b":\r\n", "':"),
        (b"$-2\r\n", "'$-2"),
        (b"$1\r\nab\r\n", "'b"),
        (b"*1\r\n\x1b[2J", "'\\u{1b}[2J'"),
        (b"$99999999\r\n", "more than 64 MiB"),
        (b"*99999999999\r\n", "more than 64 MiB"),
        (b"*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n", "more than 64 MiB"),
        (&long, "'+aaa"),
    ] {
        let error = read(&[bytes]).unwrap_err().to_string();
        assert!(error.contains(part), "{bytes:?}: {error}");
    }
}

#[test]
fn a_reply_takes_bounded_memory() {
    let one = [b"$1000000\r\n", &[b'x'; 1_000_000][..], b"\r\n"].concat();
    let (mut reader, mut read) = (Reader::default(), Ok(None));
    reader.feed(b"*70\r\n");
    for count in 1..=70 {
        reader.feed(&one);
        read = reader.next_reply();
        if read.is_err() {
            assert_eq!(count, 68);
            break;
        }
    }
    assert_eq!(read, Err(too_large()));
}

#[test]
fn commands_are_named() {
    let mut pipeline = Pipeline::new();
    pipeline.push(&[b"PING"]);
    pipeline.push(&[b"SET", b"key", b"HSET"]);
    let names = [0, 1, 2].map(|at| pipeline.name(at));
    assert_eq!(names, ["PING", "SET", ""]);
}
