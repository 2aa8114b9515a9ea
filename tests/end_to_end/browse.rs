//! The browser in a real terminal, which is tmux.

use crate::harness::{TrackerProcess, accept, command, gltracker, outcome};
use crate::screen::Screen;
use crate::tools::need;
use std::collections::HashSet;
use std::fs;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// Answers pings after a while, and returns the port.
fn game(delay: Duration) -> u16 {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let mut buffer = [0; 100];
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            std::thread::sleep(delay);
            buffer[1] = b'O';
            let _ = socket.send_to(&buffer[..length], from);
        }
    });
    port
}

#[test]
fn a_player_finds_the_nearest_joins_and_comes_back() {
    if !need("tmux") {
        return;
    }
    let mut tracker = TrackerProcess::start();
    let ms = Duration::from_millis;
    let (near, far) = (game(ms(5)), game(ms(150)));
    let [first, _second] = [
        (far, "description=\"far one\" nbplayers=2 maxplayers=8"),
        (
            near,
            "description=\"near one\" nbplayers=0 version=0.70 erase=on",
        ),
    ]
    .map(|(port, fields)| tracker.log_in(port, fields).stay_alive());
    let screen = Screen::run(&format!(
        "{} browse {} --exec 'sh -c \"echo joined $GAME_SERVER_PORT; read line\"'",
        gltracker(),
        tracker.clients
    ));
    // A busy machine may keep an answer waiting until the far one seems near: then both are
    // measured again.
    screen.wait_for("the nearest is the first", |text| {
        let is_measured = !text.contains('…') && text.contains("2 of 2 servers");
        let rows: Vec<&str> = text.lines().collect();
        let is_right = is_measured && rows[1].contains("near one") && rows[2].contains("far one");
        if is_measured && !is_right {
            screen.press(&["r"]);
        }
        is_right
    });

    // What changes is seen; what is selected stays so.
    screen.press(&["j"]);
    first.send("INFOS nbplayers=5");
    screen.wait_to_see("5/8");
    screen.press(&["n"]);
    screen.wait_to_see("1 of 2 servers");
    screen.wait_to_see("hiding: empty (n)");
    screen.press(&["n", "/", "n", "e", "a", "r"]);
    screen.wait_to_see("search: near");
    screen.press(&["Enter", "f"]);
    screen.wait_to_see("★ near one");
    screen.press(&["Escape", "i"]);
    screen.wait_to_see("description     near one");
    screen.press(&["Escape", "o"]);
    screen.wait_to_see("players↓");

    // The game has the terminal until it ends.
    screen.press(&["Enter"]);
    screen.wait_to_see(&format!("joined {near}"));
    screen.press(&["Enter"]);
    screen.wait_to_see("sh has ended");
    screen.tmux(&["resize-window", "-x", "150", "-y", "30"]);
    screen.wait_to_see("erase address");

    // The list outlives the tracker, and the selected one may leave it.
    first.send("QUIT");
    screen.wait_to_see("1 of 1 servers");
    tracker.kill();
    let text = screen.wait_to_see("LOST, trying again");
    assert!(text.contains("near one"), "{text}");

    // What is shown can be joined and measured again while nobody can be asked.
    screen.press(&["Enter"]);
    screen.wait_to_see(&format!("joined {near}"));
    screen.press(&["Enter"]);
    screen.wait_to_see("sh has ended");
    screen.press(&["r"]);
    screen.wait_for("it is measured", |text| {
        text.contains("near one") && text.contains("LOST") && !text.contains('…')
    });
    screen.press(&["q"]);
    screen.wait_to_see("code 0");
    screen.wait_to_see("same settings");
    assert!(
        screen
            .tmux(&["display", "-p", "#{alternate_on}"])
            .starts_with('0')
    );
    assert!(
        screen
            .tmux(&["display", "-p", "#{cursor_flag}"])
            .starts_with('1')
    );
}

#[test]
fn favourites_are_shown_alone_also_those_that_are_away() {
    if !need("tmux") {
        return;
    }
    let tracker = TrackerProcess::start();
    let _one = tracker.log_in(4321, "description=one").stay_alive();
    let _other = tracker.log_in(4322, "description=other").stay_alive();
    let screen = Screen::run(&format!(
        "mkdir gltracker; echo 192.0.2.7:5 >gltracker/favourites; {} browse {}",
        gltracker(),
        tracker.clients
    ));
    screen.wait_to_see("2 of 2 servers, 1 offline");
    screen.press(&["/", "o", "t", "h", "e", "r", "Enter", "f"]);
    screen.wait_to_see("other is a favourite now");
    screen.press(&["Escape", "F"]);
    let text = screen.wait_to_see("only favourites are shown");
    let rows: Vec<&str> = text.lines().skip(1).take(3).collect();
    assert!(
        rows[0].starts_with("★ other ") && rows[1].starts_with("★ 192.0.2.7:5 "),
        "{text}"
    );
    assert!(rows[1].contains(" offline") && rows[2].is_empty(), "{text}");
    let kept = fs::read_to_string(screen.file("gltracker/favourites")).unwrap();
    assert_eq!(kept, "192.0.2.7:5\n127.0.0.1:4322\n");
}

#[test]
fn what_a_lost_tracker_listed_is_still_there_after_a_game() {
    if !need("tmux") {
        return;
    }
    let (first, mut second) = (TrackerProcess::start(), TrackerProcess::start());
    let _common = first
        .log_in(4001, "description=common nbplayers=1")
        .stay_alive();
    let _rare = second
        .log_in(4002, "description=rare nbplayers=1")
        .stay_alive();
    let screen = Screen::run(&format!(
        "{} browse {} {} --exec 'sh -c \"echo joined $GAME_SERVER_PORT; read line\"'",
        gltracker(),
        first.clients,
        second.clients
    ));
    screen.wait_to_see("2 of 2 servers");
    screen.press(&["/", "r", "a", "r", "e", "Enter", "Enter"]);
    screen.wait_to_see("joined 4002");
    second.kill();
    let _new = first
        .log_in(4003, "description=another nbplayers=9")
        .stay_alive();
    screen.press(&["Enter"]);
    screen.wait_to_see("sh has ended");
    // Only "rare" is searched for; the first tracker has answered when all are three.
    screen.wait_to_see("1 of 3 servers");
    screen.press(&["Enter"]);
    screen.wait_to_see("joined 4002");
}

#[test]
fn a_tracker_that_refuses_is_asked_again_when_the_player_wants_that() {
    if !need("tmux") {
        return;
    }
    let tracker = TcpListener::bind("127.0.0.1:0").unwrap();
    let answer = |text: &str| {
        let mut stream = BufReader::new(accept(&tracker));
        stream.read_line(&mut String::new()).unwrap();
        stream.get_mut().write_all(text.as_bytes()).unwrap();
        stream
    };
    let address = tracker.local_addr().unwrap();
    let screen = Screen::run(&format!("{} browse {address}", gltracker()));
    answer("ERR bad-syntax no\n");
    let text = screen.wait_to_see("REFUSED, r asks again");
    assert!(text.contains(": it said ERR bad-syntax no"), "{text}");
    screen.press(&["r"]);
    let live = answer("INFOS ip=127.0.0.1 port=9 description=only\nEND count=1 rev=a-1\n");
    screen.wait_to_see("1 of 1 servers");
    drop(live);
    screen.wait_to_see("LOST, trying again");
}

#[test]
fn without_a_program_to_join_with_the_address_is_printed() {
    if !need("tmux") {
        return;
    }
    let tracker = TrackerProcess::start();
    let _game_server = tracker.log_in(4321, "description=only").stay_alive();
    let screen = Screen::run(&format!("{} browse {}", gltracker(), tracker.clients));
    screen.wait_to_see("only");
    screen.press(&["Enter"]);
    screen.wait_to_see("127.0.0.1:4321");
    screen.wait_to_see("code 0");
}

/// A tracker with many game servers, and at every moment one more.
fn talkative_tracker(count: u32) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let (connection, _) = listener.accept().unwrap();
        let mut line = String::new();
        BufReader::new(&connection).read_line(&mut line).unwrap();
        let mut writer = BufWriter::new(&connection);
        let first = u32::from_be_bytes([127, 1, 0, 0]);
        let infos = |number| format!("INFOS ip={} port=9", Ipv4Addr::from_bits(first + number));
        for number in 1..=count {
            writeln!(writer, "{}", infos(number)).unwrap();
        }
        writeln!(writer, "END count={count} rev=a-{count}").unwrap();
        // Until the browser has hung up.
        for count in count + 1.. {
            let end = format!("END count=1 rev=a-{count} since=a-{}", count - 1);
            if writeln!(writer, "{}\n{end}", infos(count)).is_err() {
                return;
            }
        }
    });
    address
}

#[test]
fn a_tracker_that_never_stops_talking_is_shown_all_the_same() {
    if !need("tmux") {
        return;
    }
    let tracker = talkative_tracker(1000);
    let screen = Screen::run(&format!("{} browse {tracker}", gltracker()));
    let mut seen = HashSet::new();
    screen.wait_for("more and more are shown", |text| {
        let status = text.lines().find(|line| line.contains(" servers, "));
        let count = status.and_then(|line| line.split(' ').next());
        seen.extend(count.map(str::to_owned));
        seen.len() > 5
    });
    screen.press(&["q"]);
    screen.wait_to_see("code 0");
}

#[test]
fn an_address_that_cannot_be_written_is_no_success() {
    if !need("tmux") || !Path::new("/dev/full").exists() {
        return;
    }
    let tracker = TrackerProcess::start();
    let _game_server = tracker.log_in(4321, "description=only").stay_alive();
    let screen = Screen::run(&format!(
        "{} browse {} >/dev/full",
        gltracker(),
        tracker.clients
    ));
    screen.wait_to_see("only");
    screen.press(&["Enter"]);
    screen.wait_to_see("gltracker: 127.0.0.1:4321 cannot be written");
    screen.wait_to_see("code 3");
}

#[test]
fn a_window_made_small_and_large_again_has_its_rows_back() {
    if !need("tmux") {
        return;
    }
    let tracker = TrackerProcess::start();
    let _game_server = tracker.log_in(4321, "description=only").stay_alive();
    let screen = Screen::run(&format!("{} browse {}", gltracker(), tracker.clients));
    screen.wait_to_see("1 of 1 servers");
    let (small, large) = (["-x", "80", "-y", "5"], ["-x", "80", "-y", "24"]);
    let resize = |size: [&'static str; 4]| [&["resize-window"], &size[..]].concat();
    screen.tmux(&[resize(small), vec![";"], resize(large)].concat());
    screen.wait_to_see("1 of 1 servers");
    screen.wait_to_see("only");
}

#[test]
fn what_a_game_does_to_the_terminal_does_not_last() {
    if !need("tmux") {
        return;
    }
    let tracker = TrackerProcess::start();
    let _game_server = tracker.log_in(4321, "description=only").stay_alive();
    let screen = Screen::run(&format!(
        "{} browse {} --exec 'stty raw -echo'",
        gltracker(),
        tracker.clients
    ));
    screen.wait_to_see("1 of 1 servers");
    screen.press(&["Enter"]);
    screen.wait_to_see("stty has ended");
    screen.press(&["q"]);
    screen.wait_to_see("code 0");
    screen.wait_to_see("same settings");
}

#[test]
fn what_is_typed_while_the_game_runs_is_not_for_the_browser() {
    if !need("tmux") {
        return;
    }
    let tracker = TrackerProcess::start();
    let _game_server = tracker.log_in(4321, "description=only").stay_alive();
    let screen = Screen::run(&format!(
        "{} browse {} --exec \
         'sh -c \"echo started >>starts; echo playing; until [ -e over ]; do sleep 0.02; done\"'",
        gltracker(),
        tracker.clients
    ));
    screen.wait_to_see("1 of 1 servers");
    // The first is acted on; what comes with it was typed for the same list.
    screen.press(&["Enter", "Enter", "q", "Enter"]);
    screen.wait_to_see("playing");
    screen.press(&["q", "Enter", "Enter"]);
    fs::write(screen.file("over"), "").unwrap();
    screen.wait_to_see("sh has ended");
    screen.press(&["i"]);
    screen.wait_to_see("description     only");
    assert_eq!(
        fs::read_to_string(screen.file("starts")).unwrap(),
        "started\n"
    );
}

#[test]
fn ctrl_c_ends_the_game_and_not_the_browser() {
    if !need("tmux") || !need("perl") {
        return;
    }
    let tracker = TrackerProcess::start();
    let _game_server = tracker.log_in(4321, "description=only").stay_alive();
    let screen = Screen::run(&format!(
        "{} browse {} --exec 'sh -c \"echo playing; exec sleep 60\"'",
        gltracker(),
        tracker.clients
    ));
    screen.wait_to_see("1 of 1 servers");
    screen.press(&["Enter"]);
    screen.wait_to_see("playing");
    screen.press(&["C-c"]);
    screen.wait_to_see("sh has ended: signal: 2");
    screen.press(&["i"]);
    screen.wait_to_see("description     only");
    screen.press(&["C-c"]);
    screen.wait_to_see("code 0");
}

#[test]
fn a_game_that_is_not_there_is_named() {
    if !need("tmux") {
        return;
    }
    let tracker = TrackerProcess::start();
    let _game_server = tracker.log_in(4321, "description=only").stay_alive();
    let screen = Screen::run(&format!(
        "touch game; chmod +x game; {} browse {} --exec ./game",
        gltracker(),
        tracker.clients
    ));
    screen.wait_to_see("1 of 1 servers");
    fs::remove_file(screen.file("game")).unwrap();
    screen.press(&["Enter"]);
    screen.wait_to_see("./game cannot be started");
}

#[test]
fn a_game_that_never_was_there_is_found_out_at_the_start() {
    for (game, why) in [
        ("there-is-no-such-game {ip}", "there is no such program"),
        ("/nonexistent", "there is no such program"),
        ("/dev", "it may not be executed"),
    ] {
        let mut browse = command();
        browse.args(["browse", "127.0.0.1:1", "--exec", game]);
        let output = outcome(browse);
        let said = String::from_utf8(output.stderr).unwrap();
        let program = game.split(' ').next().unwrap();
        assert_eq!(said, format!("gltracker: --exec: '{program}': {why}\n"));
        assert_eq!(output.status.code(), Some(3));
    }
}

#[test]
fn a_tracker_whose_name_is_not_found_is_not_lost_and_the_reason_is_seen() {
    if !need("tmux") {
        return;
    }
    let screen = Screen::run(&format!("{} browse no-such-host.invalid", gltracker()));
    let text = screen.wait_to_see("NO LIST, trying again");
    assert!(!text.contains("LOST"), "{text}");
    let reason = "no list from no-such-host.invalid:23471: the name was not found: ";
    assert!(text.contains(reason), "{text}");
    screen.press(&["q"]);
    screen.wait_to_see("code 0");
}

#[test]
fn a_terminal_that_somebody_else_has_changed_is_taken_again() {
    if !need("tmux") || !need("bash") {
        return;
    }
    let tracker = TrackerProcess::start();
    let _game_server = tracker.log_in(4321, "description=only").stay_alive();
    let screen = Screen::run("bash --norc -i");
    let browse = format!("{} browse {}", gltracker(), tracker.clients);
    let line = format!("sh -c 'echo $$ >pid; exec {browse}'; echo code $?");
    screen.press(&[&line, "Enter"]);
    screen.wait_to_see("1 of 1 servers");
    let pid = fs::read_to_string(screen.file("pid")).unwrap();
    let stop = ["-c", "kill -s TSTP $0", pid.trim()];
    Command::new("sh").args(stop).status().unwrap();
    screen.wait_to_see("Stopped");
    screen.press(&["fg", "Enter"]);
    screen.wait_for("it is drawn anew", |text| {
        text.contains("1 of 1 servers") && !text.contains("Stopped")
    });
    screen.press(&["i"]);
    screen.wait_to_see("description     only");
}

#[test]
fn where_there_is_no_terminal_it_says_so() {
    if !need("setsid") {
        return;
    }
    let mut browse = Command::new("setsid");
    browse.args(["-w", gltracker(), "browse"]);
    let output = outcome(browse);
    assert_eq!(output.status.code(), Some(3));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.starts_with("gltracker: ") && said.lines().count() == 1,
        "{said}"
    );
}
