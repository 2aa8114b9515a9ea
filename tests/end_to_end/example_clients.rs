//! What a client of `scripts/examples` does, in whatever language.

use crate::harness::{TrackerProcess, accept};
use crate::languages::{AWKWARD, Language, line_from, tracker, wait_for_lines};
use crate::patience::{PATIENCE, wait_until};
use std::io::{BufReader, Write};
use std::net::TcpListener;
use std::time::Instant;

/// What strangers wrote arrives as they wrote it.
pub(crate) fn client_lists(language: &Language) {
    let tracker = tracker(&[]);
    assert_eq!(
        language.list(tracker.clients, &[]),
        (Some(0), String::new())
    );
    let _one = tracker.log_in(
        1,
        &format!("nbplayers=2 maxplayers=8 zone=\"far away\" {}", AWKWARD[1]),
    );
    let _two = tracker.log_in(2, "");
    let (code, all) = language.list(tracker.clients, &[]);
    let mut lines: Vec<&str> = all.lines().collect();
    lines.sort_unstable();
    let one = "127.0.0.1:1 2/8 Friday \"cycles\" \\o/ <b>";
    assert_eq!((code, &*lines), (Some(0), &[one, "127.0.0.1:2 ?/? ?"][..]));
    let conditions = ["notempty", "nbplayers>=2", "zone=far away", AWKWARD[0]];
    assert_eq!(
        language.list(tracker.clients, &conditions),
        (Some(0), format!("{one}\n"))
    );
    assert_eq!(
        language.list(tracker.clients, &["zone!=far away"]).1,
        "127.0.0.1:2 ?/? ?\n"
    );
    let (code, nothing) = language.list(tracker.clients, &["nonsense"]);
    assert_eq!((code == Some(0), &*nothing), (false, ""));
}

/// Both see an update, a game server that leaves, and a tracker that was started again.
pub(crate) fn client_stays(language: &Language) {
    let mut first = tracker(&[]);
    let modes = ["follow", "watch"];
    let clients = modes.map(|mode| language.client(first.clients, &[mode, "map!=hidden"]));
    let mut game = first.log_in(1, "description=arena");
    let see = |line: &str, times: usize| {
        for client in &clients {
            wait_for_lines(client, line, times);
        }
    };
    see("127.0.0.1:1 ?/? arena", 1);
    assert_eq!(game.ask("INFOS nbplayers=1 maxplayers=2"), "OK");
    see("127.0.0.1:1 1/2 arena", 1);
    let last = || clients.each_ref().map(|client| client.output.text());
    // No longer what was asked for, and gone for that.
    assert_eq!(game.ask("INFOS map=hidden"), "OK");
    wait_until("both see that it is gone", || {
        last()
            .iter()
            .all(|text| text.ends_with("arena\n\n\n"))
            .then_some(())
    });
    first.kill();
    let second = TrackerProcess::start_at(first.servers, first.clients, &["--max-slots", "80"]);
    let _game = second.log_in(2, "description=again");
    let end = "\n\n127.0.0.1:2 ?/? again\n\n";
    wait_until("both have the new list, and nothing of the old", || {
        last().iter().all(|text| text.ends_with(end)).then_some(())
    });
}

/// Answers without an END, and an entry that may be gone.
pub(crate) fn client_is_cut_off(language: &Language) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut client = language.client(address, &["list"]);
    let mut tracker = BufReader::new(accept(&listener));
    assert!(line_from(&mut tracker).starts_with("LIST"));
    assert_eq!(line_from(&mut tracker), "QUIT");
    tracker
        .get_mut()
        .write_all(b"INFOS ip=192.0.2.1 port=1\nEND count=1 rev=a")
        .unwrap();
    drop(tracker);
    assert_ne!(client.wait().code(), Some(0));
    assert_eq!(client.output.wait_for_end(), "");

    let client = language.client(address, &["follow", "map=arena"]);
    let mut tracker = BufReader::new(accept(&listener));
    assert!(line_from(&mut tracker).starts_with("LIST"));
    let whole = "INFOS ip=2001:db8::1 port=1 stale=yes\n\
        INFOS ip=192.0.2.1 port=1 nbplayers=x new=key description=\"a\u{1b}[2J\u{9b}\u{202e}b\"\n\
        NEWS of\u{2028}another\rday\n\nINFOS\nINFOS port=2\nGONE ip=192.0.2.1\nEND count=2 rev=c0ffee-1 new=word\n";
    tracker.get_mut().write_all(whole.as_bytes()).unwrap();
    // What could change a terminal is not printed.
    let first = "192.0.2.1:1 x/? a [2J  b\n[2001:db8::1]:1 ?/? ? stale\n\n";
    wait_until("the list is printed", || {
        (client.output.text() == first).then_some(())
    });
    assert_eq!(line_from(&mut tracker), "LIST since=c0ffee-1 map=arena");
    let half =
        b"GONE ip=192.0.2.1 port=1\nINFOS ip=192.0.2.2 port=1\nEND count=2 rev=c0ffee-2 since=c0";
    tracker.get_mut().write_all(half).unwrap();
    drop(tracker);
    let mut tracker = BufReader::new(accept(&listener));
    assert_eq!(line_from(&mut tracker), "LIST since=c0ffee-1 map=arena");
    let end = b"GONE ip=2001:db8::1 port=1\nEND count=1 rev=c0ffee-3 since=c0ffee-1\n";
    tracker.get_mut().write_all(end).unwrap();
    let second = format!("{first}192.0.2.1:1 x/? a [2J  b\n\n");
    wait_until("the next is printed", || {
        (client.output.text() == second).then_some(())
    });
    // It says nothing of a revision: the next answer is to be whole.
    assert_eq!(line_from(&mut tracker), "LIST since=c0ffee-3 map=arena");
    tracker.get_mut().write_all(b"END\n").unwrap();
    let third = format!("{second}\n");
    wait_until("the last is printed", || {
        (client.output.text() == third).then_some(())
    });
    assert!(["LIST map=arena", "LIST since= map=arena"].contains(&&*line_from(&mut tracker)));
}

/// A list without an end is no list: it hangs up.
pub(crate) fn client_gives_up(language: &Language) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut client = language.client(listener.local_addr().unwrap(), &["list"]);
    let mut tracker = accept(&listener);
    tracker.set_write_timeout(Some(PATIENCE)).unwrap();
    let end = Instant::now() + 2 * PATIENCE;
    let entry = |port: u32| format!("INFOS ip=192.0.2.1 port={}\n", port % 60_000 + 1);
    let lines: String = (0..60_000).map(entry).collect();
    while tracker.write_all(lines.as_bytes()).is_ok() {
        assert!(Instant::now() < end, "it reads on");
    }
    drop(tracker);
    assert_ne!(client.wait().code(), Some(0));
    assert_eq!(client.output.wait_for_end(), "");
}
