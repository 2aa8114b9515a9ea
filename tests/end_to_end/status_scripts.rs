//! `scripts/status-qstat.sh` and `scripts/status-gamedig.sh` with the real programs and pretend games.

use crate::announce::announce;
use crate::harness::{TrackerProcess, gltracker, outcome, own_address};
use crate::pretend_games::PretendGame;
use crate::tools::{Program, need, path};
use gltracker::protocol::fields::{Changes, Infos};
use gltracker::query::Kind;
use std::path::Path;
use std::process::Command;

/// A script with these arguments, as a shell runs it.
fn script(name: &str, words: &str) -> String {
    format!("{}/scripts/{name} {words}", env!("CARGO_MANIFEST_DIR"))
}

/// Exit code, the fields that are printed, and what is said on standard error.
fn run(name: &str, words: &str) -> (Option<i32>, String, String) {
    let mut command = Command::new("sh");
    command.args(["-c", &script(name, words)]);
    command.env("PATH", path());
    let output = outcome(command);
    let text = String::from_utf8(output.stdout).unwrap();
    let infos = text.lines().fold(Infos::default(), |infos, line| {
        let changes = Changes::parse(line).unwrap_or_else(|no| panic!("{line}: {}", no.text));
        infos.with(&changes)
    });
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), infos.to_string(), errors)
}

/// A name that needs quotes, with what no value may hold, and longer than a value may be.
fn awkward() -> String {
    format!("Fri\"day\\ \u{7}\u{1b}[2J {}", "z".repeat(300))
}

/// The same, as it is announced: how long it is then depends on the program.
const SPELLED: &str = "description=\"Fri\\\"day\\\\ ";

#[test]
fn what_qstat_says_becomes_updates() {
    if !need("quakestat") {
        return;
    }
    let game = PretendGame::start(Kind::Source);
    game.change(|facts| facts.name = awkward());
    let (code, fields, errors) = run("status-qstat.sh", &format!("a2s {}", game.address));
    assert_eq!((code, errors.as_str()), (Some(0), ""));
    // It counts bots.
    assert!(fields.starts_with("nbplayers=5 maxplayers=12 "), "{fields}");
    assert!(fields.contains(SPELLED), "{fields}");
    assert!(fields.ends_with(" map=oasis mode=csgo"), "{fields}");
    game.change(|facts| facts.is_silent = true);
    for (words, code, part) in [
        (format!("a2s {}", game.address), 1, "timeout"),
        (format!("q3s {}:1", own_address().ip()), 1, "offline"),
        ("q3s there-is-none.invalid".to_owned(), 1, "not found"),
        ("there-is-none 127.0.0.1".to_owned(), 2, "TYPE is a word"),
        ("nosuch 127.0.0.1".to_owned(), 2, "has no type nosuch"),
        ("q3s".to_owned(), 2, "behind TYPE stands HOST"),
        ("q3s a b".to_owned(), 2, "there are two words"),
    ] {
        let (ended, fields, errors) = run("status-qstat.sh", &words);
        assert_eq!((ended, fields.as_str()), (Some(code), ""), "{errors}");
        assert!(errors.contains(part), "{words}: {errors}");
    }
}

#[test]
fn what_gamedig_says_becomes_updates() {
    if !need("gamedig") {
        return;
    }
    let game = PretendGame::start(Kind::Source);
    game.change(|facts| (facts.name, facts.needs_password) = (awkward(), true));
    let (code, fields, errors) = run("status-gamedig.sh", &format!("csgo {}", game.address));
    assert_eq!((code, errors.as_str()), (Some(0), ""));
    assert!(
        fields.contains("maxplayers=12 version=1.38.8.1 "),
        "{fields}"
    );
    assert!(fields.contains(SPELLED), "{fields}");
    assert!(fields.ends_with(" map=oasis password=yes"), "{fields}");
    let game = PretendGame::start(Kind::Quake3);
    let (_, fields, _) = run("status-gamedig.sh", &format!("openarena {}", game.address));
    assert!(fields.starts_with("nbplayers=3 maxplayers=12 "), "{fields}");
    assert!(!fields.contains("password"), "{fields}");
    drop(game);
    for (words, code, part) in [
        (
            format!("openarena {}:1", own_address().ip()),
            1,
            "Failed all",
        ),
        ("nosuch 127.0.0.1".to_owned(), 1, "Invalid game: nosuch"),
        (String::new(), 2, "TYPE is a word"),
        ("csgo -x".to_owned(), 2, "behind TYPE stands HOST"),
    ] {
        let (ended, fields, errors) = run("status-gamedig.sh", &words);
        assert_eq!((ended, fields.as_str()), (Some(code), ""), "{errors}");
        assert!(errors.contains(part), "{words}: {errors}");
    }
}

#[test]
fn a_game_is_listed_by_what_qstat_says() {
    if !need("quakestat") {
        return;
    }
    let tracker = TrackerProcess::start();
    let game = PretendGame::start_at(Kind::Quake3, own_address());
    let status = script("status-qstat.sh", &format!("q3s {}", game.address));
    let arguments = ["--port", "7", "--ask-every", "1", "--status", &status];
    let mut command = announce(&[tracker.servers], &arguments);
    command.env("PATH", path());
    let program = Program::start(command);
    let line = "INFOS ip=127.0.0.1 port=7 nbplayers=5 maxplayers=12 description=\"Friday cycles\" \
                map=oasis";
    tracker.wait_for_list(|list| list == [line]);
    drop(game);
    tracker.wait_for_list(<[String]>::is_empty);
    let gone = program.errors.wait_for("3 questions were not answered");
    assert!(gone.contains("(status-qstat.sh: q3s 127."), "{gone}");
}

#[test]
fn the_recipes_of_the_readme_are_understood() {
    let readme = include_str!("../../README.md");
    let (_, rest) = readme.split_once("### Your game, as it is\n").unwrap();
    let (recipes, _) = rest.split_once("\n## ").unwrap();
    let cells = recipes.lines().filter_map(|line| line.strip_suffix("` |"));
    let words: Vec<&str> = cells
        .filter_map(|line| Some(line.split_once("| `")?.1))
        .collect();
    assert!(words.len() >= 10, "{words:?}");
    for words in words {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("{} announce {words}", gltracker())]);
        command.env_remove("GLTRACKER_PASSWORD");
        let output = outcome(command);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(errors.contains("a password is needed"), "{words}: {errors}");
        if let Some((_, script)) = words.split_once("scripts/") {
            let script = script.split(' ').next().unwrap();
            assert!(Path::new(&format!("scripts/{script}")).exists(), "{script}");
        }
    }
}
