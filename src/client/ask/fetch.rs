//! Asking a tracker once.

use super::exchange::{Exchange, throttle, unreachable};
use crate::client::replica::{Change, Conditions, Error, KnownList};
use crate::client::tracker_address::TrackerAddress;
use crate::reach::Throttle;
use std::time::{Duration, Instant};

/// The longest time for everything: the look-up of the name, the connection, and the whole answer.
const FETCH_TIMEOUT: Duration = Duration::from_secs(10);

/// Asks a tracker for the game servers that satisfy all `conditions`, and waits for at most
/// 10 s.
///
/// ```
/// # use gltracker::tracker::{Config, Tracker, log::{Level, Log}};
/// # let config = Config {
/// #     servers: Some("127.0.0.1:0".parse()?),
/// #     clients: Some("127.0.0.1:0".parse()?),
/// #     passwords: vec!["secret".into()],
/// #     max_slots: Some(16),
/// #     ..Config::default()
/// # };
/// # let tracker = Tracker::start(config, Log::start(Level::Warn, std::io::stderr())?)?;
/// # let tracker_address = tracker.clients().to_string();
/// use gltracker::client::{self, Conditions, TrackerAddress};
///
/// let tracker: TrackerAddress = tracker_address.parse()?; // "tracker.example"
/// let conditions: Conditions = "notempty speed=fast".parse()?;
/// let list = client::fetch(&tracker, &conditions)?;
/// for (address, infos) in list.iter() {
///     let name = infos.get("description").unwrap_or_default();
///     println!("{address} {name}, {} players", infos.number("nbplayers").unwrap_or(0));
/// }
/// assert!(list.is_empty(), "nobody has logged in");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`Error`] says why there is no list: it is the whole list, or none.
pub fn fetch(tracker: &TrackerAddress, conditions: &Conditions) -> Result<KnownList, Error> {
    fetch_within(FETCH_TIMEOUT, tracker, conditions)
}

/// The same, within another time.
pub(crate) fn fetch_within(
    time: Duration,
    tracker: &TrackerAddress,
    conditions: &Conditions,
) -> Result<KnownList, Error> {
    let mut list = KnownList::default();
    let deadline = Instant::now() + time;
    refresh(&mut list, tracker, conditions, deadline, &mut throttle())?;
    Ok(list)
}

/// Asks a tracker for what has changed since `list` was fetched from it with the same conditions, and
/// returns that. An empty list is filled.
///
/// # Errors
/// As [`fetch`]; the list holds what it held before.
pub(crate) fn refresh(
    list: &mut KnownList,
    tracker: &TrackerAddress,
    conditions: &Conditions,
    deadline: Instant,
    throttle: &mut Throttle,
) -> Result<Vec<Change>, Error> {
    list.forget_part();
    // Both lines in one segment cost the tracker least.
    let request = conditions.request("LIST", list.revision()) + "QUIT\n";
    let mut dial = tracker.dial(deadline).map_err(unreachable)?;
    let mut failed = None;
    loop {
        let mut exchange = match Exchange::open(&mut dial, &request, throttle, |_| Ok(())) {
            Ok(exchange) => exchange,
            Err(error) => return Err(failed.unwrap_or(error)),
        };
        list.from = Some(exchange.address().ip());
        match exchange.read_answer(list, dial.share(), throttle) {
            // The next address may give a whole answer.
            Err(error) if may_go_better_elsewhere(&error) => {
                failed = Some(error);
                list.forget_part();
            }
            answer => {
                dial.answered(exchange.address());
                return answer;
            }
        }
    }
}

/// True if another address of the tracker may give what this one did not.
fn may_go_better_elsewhere(error: &Error) -> bool {
    match error {
        Error::Late | Error::CutOff | Error::Wrong(_) => true,
        other => other.is_for_want_of_room(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader, Write};
    use std::net::{TcpListener, TcpStream};
    use std::sync::mpsc::{Receiver, channel};

    const TEST_PATIENCE: Duration = Duration::from_secs(20);

    /// Somebody who sends `bytes` to whoever asks and then hangs up; unless `holds` is true: then
    /// whoever takes the connection, which comes with the request, may do so.
    fn tracker(bytes: Vec<u8>, holds: bool) -> (TrackerAddress, Receiver<(String, TcpStream)>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = TrackerAddress::new(listener.local_addr().unwrap());
        let (say, said) = channel();
        std::thread::spawn(move || {
            let mut stream = listener.accept().unwrap().0;
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let request = lines.next().unwrap().unwrap();
            assert_eq!(lines.next().unwrap().unwrap(), "QUIT");
            // A client that has had enough hangs up.
            let _ = stream.write_all(&bytes);
            if !holds {
                let _ = stream.shutdown(std::net::Shutdown::Both);
            }
            let _ = say.send((request, stream));
        });
        (address, said)
    }

    fn asked(bytes: &[u8]) -> Result<KnownList, Error> {
        let (address, said) = tracker(bytes.to_vec(), false);
        let answer = fetch(&address, &Conditions::default());
        assert_eq!(said.recv_timeout(TEST_PATIENCE).unwrap().0, "LIST");
        answer
    }

    #[test]
    fn an_answer_is_whole_or_it_is_none() {
        let whole = b"INFOS ip=192.0.2.1 port=1\nEND count=1 rev=a-1\nOK bye\n";
        assert_eq!(asked(whole).unwrap().len(), 1);
        for end in [0, 10, 26, 30, whole.len() - 9] {
            let error = asked(&whole[..end]).unwrap_err();
            assert!(matches!(error, Error::CutOff), "{end}: {error}");
        }
    }

    #[test]
    fn words_of_a_newer_tracker_count_and_are_passed_over() {
        let newer = b"RELAY ip=192.0.2.9\nINFOS ip=192.0.2.1 port=1\nEND count=2 rev=a-1\nOK bye\n";
        assert_eq!(asked(newer).unwrap().len(), 1);
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (bytes, part) in [
            (
                &b"ERR busy \x1b[2J later\n"[..],
                "ERR busy \\u{1b}[2J later",
            ),
            (
                b"HTTP/1.1 400 Bad Request\r\n\r\n",
                "it said 'HTTP/1.1 400 Bad",
            ),
            (b"\xff\xfe\n", "does not speak like a tracker"),
            (b"INFOS ip=192.0.2.1 port=1\n\xff\n", "cannot be right"),
            (b"END count=1 rev=a-1\n", "END counts 1 lines, and 0 came"),
        ] {
            let error = asked(bytes).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
        let endless = vec![b'x'; 1 << 20];
        let error = asked(&endless).unwrap_err().to_string();
        assert!(error.contains("does not speak like a tracker"), "{error}");
    }

    #[test]
    fn the_deadline_is_for_all_of_it_and_only_changes_are_asked_for() {
        let mut list = KnownList::default();
        list.take("END count=0 rev=a-1").unwrap();
        let conditions: Conditions = "notempty".parse().unwrap();
        // On a slow machine the deadline may be over before anything was asked: then it is longer.
        for hundreds in [1, 4, 16, 64] {
            let (address, said) = tracker(b"INFOS ip=1".to_vec(), true);
            let start = Instant::now();
            let deadline = start + Duration::from_millis(100) * hundreds;
            let error =
                refresh(&mut list, &address, &conditions, deadline, &mut throttle()).unwrap_err();
            assert!(matches!(error, Error::Late), "{error}");
            assert!(Instant::now() >= deadline);
            if let Ok((request, _held)) = said.try_recv() {
                assert_eq!(request, "LIST since=a-1 notempty");
                return;
            }
        }
        panic!("nothing was asked");
    }
}
