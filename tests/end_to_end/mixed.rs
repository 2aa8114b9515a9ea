//! A list of several games: each is asked in its own words, is seen with what it has answered, and is joined
//! with its own program.

use crate::harness::{TrackerProcess, command, gltracker};
use crate::list::{list, outcome, strange_tracker};
use crate::pretend_games::PretendGame;
use crate::screen::Screen;
use crate::tools::need;
use gltracker::query::Kind;
use std::fs;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::process::Command;
use std::time::{Duration, Instant};

/// A tracker that lists this.
fn tracker(lines: &[String]) -> String {
    let infos = lines.iter().map(|line| format!("INFOS {line}\n"));
    let end = format!("END count={} rev=a-1\n", lines.len());
    strange_tracker(infos.collect::<String>() + &end).to_string()
}

/// The line of a game server that is asked there.
fn line(address: SocketAddr, said: &str) -> String {
    format!("ip={} port={} {said}", address.ip(), address.port())
}

/// The lines of TSV, each in its cells.
fn rows(tsv: &str) -> Vec<Vec<&str>> {
    tsv.lines().map(|row| row.split('\t').collect()).collect()
}

#[test]
fn every_kind_is_pinged_by_its_own_question_and_says_how_many_play() {
    let games = Kind::ALL.map(PretendGame::start);
    let lines: Vec<String> = (Kind::ALL.iter().zip(&games))
        .map(|(kind, game)| {
            let said = format!("query={kind} description=a{kind} nbplayers=1 maxplayers=4 game=g");
            line(game.address, &said)
        })
        .collect();
    let tracker = tracker(&lines);
    let (code, tsv, errors) = list(&[&tracker, "--tsv", "--sort=name"]);
    assert_eq!((code, &*errors), (Some(0), ""), "{tsv}");
    let seen: Vec<[&str; 5]> = rows(&tsv)
        .iter()
        .skip(1)
        .map(|row| [row[0], row[1], row[2], row[10], row[11]])
        .collect();
    let expected = [
        ["aminecraft", "3", "4", "g", ""],
        ["aquake3", "3", "4", "g", ""],
        ["asource", "3", "4", "g", ""],
    ];
    assert_eq!(seen, expected, "{tsv}");
    let is_measured = |row: &Vec<&str>| row[3].parse::<f64>().is_ok_and(|ping| ping > 0.0);
    assert!(rows(&tsv).iter().skip(1).all(is_measured), "{tsv}");
    // Five probes each. That a connection is accepted is one, and there are two.
    let asked = games.each_ref().map(PretendGame::questions);
    assert_eq!(asked, [5, 5, 3]);

    let (_, json, _) = list(&[&tracker, "--json", "--sort=name"]);
    let fresh: Vec<&str> = json
        .lines()
        .filter_map(|line| Some(line.split_once("\"fresh\":")?.1))
        .collect();
    let all = r#"["nbplayers"],"late":false,"also":null}"#;
    let expected = [&format!("{all},"), &format!("{all},"), all];
    assert_eq!(fresh, expected, "{json}");
    let (_, table, _) = list(&[&tracker]);
    assert_eq!(table.matches("3/4").count(), 3, "{table}");
    assert!(table.contains("  GAME  ADDRESS"), "{table}");

    let (_, table, _) = list(&[&tracker, "--no-ping", "--columns=query"]);
    assert_eq!(table.matches("1/4").count(), 3, "{table}");
    assert!(table.contains("PLAYERS  QUERY      ADDRESS"), "{table}");
}

#[test]
fn an_answer_of_another_kind_is_none_and_so_is_none_at_all() {
    let [quake3, source, minecraft] = Kind::ALL.map(PretendGame::start);
    let silent = Kind::ALL.map(PretendGame::start);
    silent
        .iter()
        .for_each(|game| game.change(|facts| facts.is_silent = true));
    let mut lines = vec![
        line(quake3.address, "query=source"),
        line(source.address, "query=quake3"),
        line(minecraft.address, "query=quake3"),
        // Nobody listens there.
        "ip=127.0.0.1 port=1 query=minecraft".to_owned(),
        // It says what it likes when somebody connects.
        line(
            strange_tracker("HTTP/1.1 200 OK\r\n\r\n"),
            "query=minecraft",
        ),
    ];
    lines.extend(
        (Kind::ALL.iter().zip(&silent))
            .map(|(kind, game)| line(game.address, &format!("query={kind}"))),
    );
    let count = lines.len();
    let start = Instant::now();
    let (code, tsv, errors) = list(&[&tracker(&lines), "--tsv"]);
    assert_eq!((code, &*errors), (Some(0), ""), "{tsv}");
    let rows = rows(&tsv);
    assert_eq!(rows.len(), 1 + count);
    assert!(
        rows[1..]
            .iter()
            .all(|row| row[1].is_empty() && row[3].is_empty()),
        "{tsv}"
    );
    assert!(
        start.elapsed() < Duration::from_secs(15),
        "{:?}",
        start.elapsed()
    );
}

/// A game server of the Quake III family with the brake of its engine: ten answers at once, then one
/// a second.
fn braking() -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut buffer = [0; 100];
        let (mut tokens, mut since) = (10, Instant::now());
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            let seconds = since.elapsed().as_secs();
            tokens = (tokens + seconds).min(10);
            since += Duration::from_secs(seconds);
            let word = String::from_utf8_lossy(&buffer[..length]);
            let word = word.rsplit(' ').next().unwrap();
            if tokens > 0 {
                tokens -= 1;
                let text =
                    format!("infoResponse\n\\clients\\2\\sv_maxclients\\8\\challenge\\{word}");
                let _ = socket.send_to(&[&[0xff; 4], text.as_bytes()].concat(), from);
            }
        }
    });
    address
}

#[test]
fn a_game_server_that_brakes_does_not_look_dead() {
    let tracker = tracker(&[line(braking(), "query=quake3")]);
    for turn in 1..=4 {
        let (code, tsv, _) = list(&[&tracker, "--tsv"]);
        assert_eq!(code, Some(0));
        let row = &rows(&tsv)[1];
        assert_eq!(row[1], "2", "turn {turn}: {tsv}");
        assert!(!row[3].is_empty(), "turn {turn}: {tsv}");
    }
}

#[test]
fn who_is_short_of_descriptors_pings_later_and_says_so_once() {
    let games: [PretendGame; 16] = std::array::from_fn(|_| PretendGame::start(Kind::Minecraft));
    // These accept a connection and never answer, so that they keep the others waiting.
    let silent: [TcpListener; 8] =
        std::array::from_fn(|_| TcpListener::bind("127.0.0.1:0").unwrap());
    let addresses = games.iter().map(|game| game.address);
    let lines: Vec<String> = addresses
        .chain(silent.iter().map(|listener| listener.local_addr().unwrap()))
        .map(|address| line(address, "query=minecraft"))
        .collect();
    let tracker = tracker(&lines);
    let run = |limit: u32| {
        let script = format!("ulimit -n {limit}; exec \"$0\" list --at-once 24 --tsv {tracker}");
        let mut shell = Command::new("sh");
        shell.args(["-c", &script, gltracker()]);
        let (code, tsv, said) = outcome(shell);
        assert_eq!(code, Some(0), "{said}");
        let is_measured = |row: &&Vec<&str>| !row[3].is_empty();
        let measured = rows(&tsv).iter().skip(1).filter(is_measured).count();
        (measured, said)
    };
    assert_eq!(run(100), (16, String::new()));
    // Five beside standard input, output and error.
    let (measured, said) = run(8);
    assert_eq!((measured, said.lines().count()), (16, 1), "{said}");
    let why = "gltracker: Too many open files: some game servers are pinged later";
    assert!(said.starts_with(why), "{said}");
}

#[test]
fn the_browser_shows_what_games_answer_and_starts_the_right_one() {
    if !need("tmux") {
        return;
    }
    let [quake3, source, minecraft] = Kind::ALL.map(PretendGame::start);
    let tracker = TrackerProcess::start();
    let [_quake3, source_line, _minecraft] = [
        (
            &quake3,
            "query=quake3 game=OpenArena description=arena nbplayers=1 maxplayers=9",
        ),
        (
            &source,
            "query=source game=csgo description=source nbplayers=1 maxplayers=9",
        ),
        (
            &minecraft,
            "query=minecraft game=minecraft description=mine nbplayers=1 maxplayers=9",
        ),
    ]
    .map(|(game, fields)| tracker.log_in(game.address.port(), fields).stay_alive());
    let screen = Screen::run(&format!(
        "mkdir gltracker; printf '# mine\\nopenarena = sh -c \"echo arena $1; read line\" - {{address}}\\n' \
         >gltracker/games; {} browse {}",
        gltracker(),
        tracker.clients
    ));
    screen.tmux(&["resize-window", "-x", "120", "-y", "24"]);
    screen.wait_for("all have answered", |text| {
        text.matches(" 3/9 ").count() == 3
    });
    screen.wait_to_see("ping ms↓ game         address");

    // What its admin says later is fresher.
    source_line.send("INFOS nbplayers=7 mode=casual");
    screen.wait_to_see(" 7/9 ");
    // The terminal may just have been noticed to be wider.
    screen.wait_to_see("mode     address");
    source.change(|facts| facts.people = 5);
    screen.press(&["r"]);
    screen.wait_to_see(" 5/9 ");
    screen.press(&["o", "o", "o"]);
    screen.wait_to_see("game↓");

    // Each is joined by the line for its game.
    screen.press(&["/", "a", "r", "e", "n", "a", "Enter", "Enter"]);
    screen.wait_to_see(&format!("arena {}", quake3.address));
    screen.press(&["Enter"]);
    screen.wait_to_see("sh has ended");
    screen.press(&["Escape", "/", "m", "i", "n", "e", "Enter", "Enter"]);
    screen.wait_to_see("write 'minecraft = PROGRAM {address}' into ");
    let games = screen.file("gltracker/games");
    let text = fs::read_to_string(&games).unwrap();
    fs::write(
        &games,
        format!("{text}minecraft = no-such-program {{ip}}\n"),
    )
    .unwrap();
    screen.press(&["Enter"]);
    screen.wait_to_see("no-such-program cannot be started: ");
    fs::write(&games, "minecraft").unwrap();
    screen.press(&["Enter"]);
    screen.wait_to_see("games, line 1: write it as in 'xonotic = ");
    screen.press(&["Escape", "q"]);
    screen.wait_to_see("code 0");
}

#[test]
fn the_line_for_a_game_goes_before_the_program_for_all() {
    if !need("tmux") {
        return;
    }
    let tracker = TrackerProcess::start();
    let _one = tracker
        .log_in(4001, "description=one game=First")
        .stay_alive();
    let _two = tracker.log_in(4002, "description=two").stay_alive();
    let screen = Screen::run(&format!(
        "echo 'first = sh -c \"echo first; read line\"' >own; {} browse {} --games own \
         --exec 'sh -c \"echo other; read line\"'",
        gltracker(),
        tracker.clients
    ));
    screen.wait_to_see("2 of 2 servers");
    screen.press(&["/", "o", "n", "e", "Enter", "Enter"]);
    screen.wait_to_see("first");
    screen.press(&["Enter"]);
    screen.wait_to_see("sh has ended");
    screen.press(&["Escape", "/", "t", "w", "o", "Enter", "Enter"]);
    screen.wait_to_see("other");
}

#[test]
fn a_file_of_games_that_cannot_be_used_is_found_out_at_the_start() {
    let file = std::env::temp_dir().join(format!("gltracker-games-{}", std::process::id()));
    fs::write(&file, "# mine\nxonotic\n").unwrap();
    for (name, why) in [
        (
            "/nonexistent",
            "/nonexistent cannot be read: No such file or directory",
        ),
        ("/", "/ cannot be read: it is not a regular file"),
        (
            file.to_str().unwrap(),
            ", line 2: write it as in 'xonotic = ",
        ),
    ] {
        let mut browse = command();
        browse.args(["browse", "127.0.0.1:1", "--games", name]);
        let (code, _, said) = outcome(browse);
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains(why), "{said}");
    }
    fs::remove_file(&file).unwrap();
}
