use super::*;
use crate::cli::parse::parse;
use crate::game_server::Secret;
use crate::game_server::announce::Whom;
use crate::game_server::{PongPlace, TrackerAddress};
use std::time::Duration;

fn run(arguments: &[&str], environment: &[(&str, &str)]) -> Result<Options, String> {
    let lookup = |name: &str| {
        environment
            .iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| OsString::from(value))
    };
    let arguments = ["announce"].iter().chain(arguments).map(OsString::from);
    match parse(arguments, lookup) {
        Ok(Command::Announce(options)) => Ok(*options),
        Ok(Command::Print(text)) => Err(text),
        Ok(other) => panic!("{other:?}"),
        Err(error) => Err(error.to_string()),
    }
}

const PASSWORD: [(&str, &str); 1] = [("GLTRACKER_PASSWORD", "s p")];

#[test]
fn all_of_it_is_understood() {
    let environment = [PASSWORD[0], ("GLTRACKER_KEY", "alice")];
    let options = run(
        &[
            "--tracker",
            "a",
            "--tracker=[::1]:5",
            "nbplayers=0",
            "--port",
            "7",
            "description=two \"words\"",
            "session=12",
            "--pong",
            "--alive=30",
            "--updates",
            "u",
            "--",
            "game",
            "--port",
            "x",
        ],
        &environment,
    )
    .unwrap();
    let trackers: Vec<String> = options.trackers.iter().map(TrackerAddress::short).collect();
    assert_eq!(trackers, ["a", "[::1]:5"]);
    assert_eq!(
        options.fields.to_string(),
        "port=7 nbplayers=0 description=\"two \\\"words\\\"\" session=12"
    );
    assert_eq!(options.key.as_deref(), Some("alice"));
    assert!(matches!(&options.secret, Secret::Text(text) if text == "s p"));
    assert!(!format!("{options:?}").contains("s p"), "it is a secret");
    assert_eq!(options.pong, Some(PongPlace::default()));
    assert_eq!(options.updates, Some("u".into()));
    assert_eq!(options.alive, Some(Duration::from_secs(30)));
    assert_eq!(options.program, ["game", "--port", "x"]);

    let arguments = [
        "--tracker",
        "a",
        "--port",
        "7",
        "--password-file",
        "f",
        "--key",
        "bob",
    ];
    let options = run(&arguments, &environment).unwrap();
    assert!(matches!(&options.secret, Secret::File(path) if path.as_os_str() == "f"));
    assert_eq!(options.key.as_deref(), Some("bob"));
    assert!(options.pong.is_none() && options.program.is_empty());
}

#[test]
fn datagrams_are_answered_elsewhere_if_that_is_said() {
    for (written, ip, port) in [
        ("--pong=24000", None, 24000),
        ("--pong=10.2.9.9:24000", Some("10.2.9.9"), 24000),
        ("--pong=[::1]:2", Some("::1"), 2),
    ] {
        let arguments = ["--tracker", "a", "--port", "7", written];
        let place = PongPlace {
            ip: ip.map(|ip| ip.parse().unwrap()),
            port: Some(port),
        };
        assert_eq!(run(&arguments, &PASSWORD).unwrap().pong, Some(place));
    }
}

#[test]
fn trackers_are_words_or_flags_or_in_the_environment_or_on_this_machine() {
    let named = [PASSWORD[0], ("GLTRACKER_TRACKER", "b:1, c b:1")];
    for (arguments, environment, trackers) in [
        (&["a", "c:1", "x=1"][..], &named[..], "a c:1"),
        (&["--tracker", "a", "--tracker=c:1"], &named, "a c:1"),
        (&["--ipv4"], &named, "b:1 c"),
        (&[], &PASSWORD, "127.0.0.1"),
        (&["--ipv6"], &PASSWORD, "[::1]"),
    ] {
        let arguments = [arguments, &["--port", "7"]].concat();
        let options = run(&arguments, environment).unwrap();
        let shown = options.trackers.iter().map(TrackerAddress::short);
        assert_eq!(shown.collect::<Vec<_>>().join(" "), trackers);
        let family = options.trackers[0].family();
        assert_eq!(family.is_some(), arguments[0].starts_with("--ipv"));
    }
}

#[test]
fn wrong_usage_is_told_what_would_be_right() {
    for (arguments, part) in [
        (&[][..], "--port N is needed"),
        (&["--tracker", "a"], "--port N is needed"),
        (&["--tracker", "::1"], "--tracker: '::1' has several colons"),
        (&["::1"], "IPv6 stands in brackets: [::1]:23470"),
        (&["--ipv4", "--ipv6"], "it can be only one"),
        (&["--trackers", "a"], "did you mean --tracker?"),
        (
            &["--port", "0"],
            "--port: '0' is not a number from 1 to 65535",
        ),
        (&["port=1"], "write --port N"),
        (&["checked=yes"], "leave it out"),
        (&["maxplayer=8"], "maxplayer=: did you mean maxplayers=?"),
        (&["descripton=x"], "did you mean description=?"),
        (&["=8", "é=1"], "a key is a letter"),
        (&["http://a", "--port=1"], "'http://a' is a URL; write HOST"),
        (&["nbplayers=many"], "nbplayers must be a number"),
        (
            &["a", "description=My", "server"],
            "stands in quotes: 'description=My server'",
        ),
        (&["[::1]", "--ipv4"], "[::1]:23470 is not an IPv4 address"),
        (&["a="], "a value is needed"),
        (&["A=1"], "a key is a letter"),
        (
            &["--description=My server"],
            "a field has no dashes: 'description=My server'",
        ),
        (&["--maxplayers", "8"], "a field has no dashes"),
        (&["--version=0.70"], "'version=0.70'"),
        (&["--tracker", "a", "game"], "'game' is neither a flag nor"),
        (&["game", "--tracker", "a"], "stands behind --"),
        (
            &["a", "./game"],
            "HOST:PORT or [IPv6]:PORT; the program to run",
        ),
        (&["--"], "behind -- stands the program"),
        (&["--alive", "0"], "--alive: '0' is not a number from 1"),
        (
            &["--tracker=a", "--port=1", "--alive=9", "--", "x"],
            "give --updates FILE",
        ),
        (&["--ask"], "--ask needs a value: --ask KIND[=HOST:PORT]"),
        (
            &["--ask=doom"],
            "--ask: 'doom' is none of quake3, source, minecraft",
        ),
        (&["--ask=quake3=a:b"], "--ask: 'a:b' has no port"),
        (
            &["--ask=quake3", "--ask=source"],
            "--ask: it can be only one",
        ),
        (
            &["--ask=quake3", "--status=x"],
            "--ask and --status: it can be",
        ),
        (&["--status=x"], "--port N is needed"),
        (
            &["--ask-every=2", "--port=1"],
            "nobody to ask without --ask or",
        ),
        (
            &["--ask=quake3", "--ask-every=0"],
            "--ask-every: '0' is not a",
        ),
        (&["--ask=quake3", "A="], "a key is a letter"),
        (&["--ask=quake3", "port="], "write --port N"),
        (
            &["--ask=quake3", "--pong"],
            "the game has UDP port 27960 itself",
        ),
        (
            &["--ask=quake3=7", "--port=8", "--pong=7"],
            "the game has UDP port 7",
        ),
        (&["--pong", "24000"], "write --pong=24000"),
        (&["--pong=maybe"], "neither yes nor no"),
        (&["--pong=65536"], "nor PORT, ADDR:PORT or [IPv6]:PORT"),
        (&["--pong=10.2.9.9"], "nor PORT, ADDR:PORT or [IPv6]:PORT"),
        (&["--pong=::1"], "nor PORT, ADDR:PORT or [IPv6]:PORT"),
    ] {
        let error = run(arguments, &PASSWORD).unwrap_err();
        assert!(error.contains(part), "{arguments:?}: {error}");
    }
    let error = run(&["--tracker", "a", "--port", "1"], &[]).unwrap_err();
    assert!(error.contains("GLTRACKER_PASSWORD"), "{error}");
}

#[test]
fn a_game_that_is_asked_says_its_port_itself() {
    let options = run(&["a", "--ask", "quake3", "map=", "zone=eu"], &PASSWORD).unwrap();
    let asked = options.asked.unwrap();
    assert_eq!(asked.whom.to_string(), "127.0.0.1:27960");
    assert_eq!(asked.every, Duration::from_secs(5));
    assert_eq!(
        options.fields.to_string(),
        "port=27960 query=quake3 zone=eu"
    );
    assert_eq!(options.off, ["map"]);
    let arguments = ["a", "--port=7", "--ask=source=[::1]", "--ask-every", "60"];
    let asked = run(&arguments, &PASSWORD).unwrap().asked.unwrap();
    assert_eq!(asked.whom.to_string(), "[::1]:7");
    assert_eq!(asked.every, Duration::from_secs(60));
    let arguments = ["a", "--port=7", "--status", "./status 'a b'", "--", "game"];
    let options = run(&arguments, &PASSWORD).unwrap();
    let whom = options.asked.unwrap().whom;
    assert!(matches!(whom, Whom::Command(text) if text == "./status 'a b'"));
    assert_eq!(options.fields.to_string(), "port=7");
    // Its UDP port is free.
    assert!(run(&["a", "--ask=minecraft", "--pong"], &PASSWORD).is_ok());
    assert!(run(&["a", "--ask=quake3", "--pong", "pingport=7"], &PASSWORD).is_ok());
    // An answer is as good as an update.
    let arguments = ["a", "--ask=quake3", "--alive=60", "--", "game"];
    assert!(run(&arguments, &PASSWORD).is_ok());
}

#[test]
fn a_check_may_be_told_the_port_for_players() {
    let check = |arguments: &[&str]| {
        let arguments = ["announce", "--port", "7"].iter().chain(arguments);
        let secret = |name: &str| (name == PASSWORD[0].0).then(|| OsString::from("s"));
        parse(arguments.map(OsString::from), secret)
    };
    for (arguments, port) in [
        (&["--check"][..], None),
        (&["--check=99"], Some(99)),
        // It is a flag of the program.
        (&["--check", "--", "game", "--check=5"], None),
    ] {
        match check(arguments) {
            Ok(Command::CheckAnnounce(options, asked)) => {
                assert_eq!((options.fields.number("port"), asked), (Some(7), port));
            }
            other => panic!("{other:?}"),
        }
    }
    for arguments in [["--check=0"], ["--check=x"], ["--check=70000"]] {
        let error = check(&arguments).unwrap_err().to_string();
        assert!(error.contains("a number from 1 to 65535"), "{error}");
    }
}
