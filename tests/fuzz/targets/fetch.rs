//! `fetch` and `watch` against a hostile tracker, over a socket of this machine.
//!
//! The first byte says which, and how the answer is chopped.
#![no_main]

use gltracker::client::Change;
use gltracker::client::watch::{Event, Timings, Watch};
use gltracker::client::{Conditions, Error, KnownList, TrackerAddress, fetch};
use gltracker::protocol::fields::Infos;
use gltracker::protocol::line::LineSplitter;
use gltracker_fuzz::checks::shown;
use gltracker_fuzz::script::{grown, pieces};
use libfuzzer_sys::fuzz_target;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::channel;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

type Entries = BTreeMap<SocketAddr, Infos>;

/// What the tracker sends to whoever asks, in pieces.
static ANSWER: Mutex<Option<Arc<Vec<Vec<u8>>>>> = Mutex::new(None);

/// The tracker, which serves one client after the other.
static TRACKER: LazyLock<TrackerAddress> = LazyLock::new(|| {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("it has an address");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // Whoever has had enough hangs up.
            let _ = answer(stream);
        }
    });
    TrackerAddress::new(address)
});

fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut heard = Vec::new();
    while !heard.ends_with(b"\n") {
        let mut buffer = [0; 256];
        let count = stream.read(&mut buffer)?;
        if count == 0 {
            return Ok(());
        }
        heard.extend_from_slice(&buffer[..count]);
    }
    let answer = ANSWER
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    for piece in answer.iter().flat_map(|pieces| pieces.iter()) {
        stream.write_all(piece)?;
    }
    stream.shutdown(Shutdown::Write)?;
    // Closed with something unread, it would take back what was sent.
    while stream.read(&mut [0; 256])? > 0 {}
    Ok(())
}

fuzz_target!(|data: &[u8]| {
    let data = &grown(data)[..];
    let Some((first, bytes)) = data.split_first() else {
        return;
    };
    let most = if first & 2 == 0 { 5000 } else { 200 };
    let pieces = pieces(bytes, u32::from(*first), most);
    let pieces = pieces.into_iter().map(<[u8]>::to_vec).collect();
    *ANSWER.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(pieces));
    match first & 1 {
        0 => fetched(bytes),
        _ => watched(bytes),
    }
});

/// What each END of `bytes` makes of the list, until something is wrong.
fn naive(bytes: &[u8]) -> Vec<Entries> {
    let (mut splitter, mut list) = (LineSplitter::default(), KnownList::default());
    let mut input = bytes;
    let mut lists = Vec::new();
    while let Some(Ok(line)) = splitter.next_line(&mut input) {
        match list.take(line) {
            Ok(None) => {}
            Ok(Some(_)) => lists.push(entries(&list)),
            Err(_) => break,
        }
    }
    lists
}

fn entries(list: &KnownList) -> Entries {
    let entries = list.iter();
    entries
        .map(|(address, infos)| (address, infos.clone()))
        .collect()
}

fn fetched(bytes: &[u8]) {
    let expected = naive(bytes).into_iter().next();
    match fetch(&TRACKER, &Conditions::default()) {
        Ok(list) => assert_eq!(Some(entries(&list)), expected),
        // The system has no port left for one more connection.
        Err(Error::Unreachable(_)) => {}
        Err(error) => {
            shown(&error.to_string());
            assert_eq!(expected, None, "{error}");
        }
    }
}

fn watched(bytes: &[u8]) {
    let expected = naive(bytes);
    let (events, received) = channel();
    let timings = Timings {
        poll: Duration::ZERO,
        ..Timings::default()
    };
    let on_event = move |event| drop(events.send(event));
    let watch = Watch::start(TRACKER.clone(), Conditions::default(), timings, on_event);
    let _watch = watch.expect("a thread can be had");
    let mut list = Entries::new();
    let mut batches = 0;
    loop {
        let wait = received.recv_timeout(Duration::from_secs(20));
        match wait.expect("something happens soon") {
            Event::Batch {
                changes, is_live, ..
            } => {
                for change in changes {
                    apply(&mut list, change);
                }
                // One that asks from time to time has had the first answer, again and again.
                if !is_live {
                    return;
                }
                assert_eq!(Some(&list), expected.get(batches));
                batches += 1;
            }
            Event::Lost {
                why: Error::Unreachable(_),
                ..
            } => return,
            Event::Lost { why, .. } => {
                shown(&why.to_string());
                return assert_eq!(batches, expected.len());
            }
            Event::Refused { refused, .. } => {
                shown(&refused.to_string());
                return assert_eq!(batches, expected.len());
            }
        }
    }
}

fn apply(list: &mut Entries, change: Change) {
    match change {
        Change::New(address, infos) => assert!(list.insert(address, infos).is_none()),
        Change::Updated(address, infos) => assert!(list.insert(address, infos).is_some()),
        Change::Gone(address) => assert!(list.remove(&address).is_some()),
    }
}
