//! Somebody's hands in the engine while trackers share through it: what they break is mended.

use crate::engine::{EngineProcess, signal};
use crate::harness::{Peer, TrackerProcess};
use crate::patience::wait_until;
use crate::sharing_stage::{SOON, in_state, says, shows, with_each_engine, within};
use std::time::Duration;

/// Two trackers with a game server each, on which both agree.
fn pair(engine: &EngineProcess) -> ([TrackerProcess; 2], [Peer; 2]) {
    let [a, b] = ["a", "b"].map(|name| engine.tracker(name, &[]));
    let game_servers = [a.log_in(7, ""), b.log_in(8, "")];
    shows(&a, "7 8");
    shows(&b, "7 8");
    ([a, b], game_servers)
}

/// The only key of the tracker that is called `name` which begins with `{gltracker}:` and `kind`.
fn key(engine: &EngineProcess, kind: &str, name: &str) -> String {
    let known = engine.ask(&["HGETALL", "{gltracker}:trackers"]);
    let words: Vec<&str> = known.lines().collect();
    let id = words.chunks(2).find(|pair| pair[1] == name).unwrap()[0];
    format!("{{gltracker}}:{kind}:{id}")
}

#[test]
fn an_engine_that_is_emptied_has_all_lists_soon() {
    with_each_engine(|program| {
        let Some(engine) = EngineProcess::start_program(program, &[]) else {
            return;
        };
        let ([a, b], [mut seven, _eight]) = pair(&engine);
        let mut watcher = Peer::connect(b.clients);
        watcher.send("WATCH");
        for players in ["nbplayers=3", "nbplayers=4"] {
            engine.ask(&["FLUSHALL"]);
            assert_eq!(seven.ask(&format!("INFOS {players}")), "OK");
            within(SOON, || {
                says(&b, players);
                wait_until("everything is there", || {
                    (engine.keys("{gltracker}:list:*").len() == 2).then_some(())
                });
                shows(&a, "7 8");
                shows(&b, "7 8");
            });
        }
        let c = engine.tracker("c", &[]);
        shows(&c, "7 8");
        watcher.send("QUIT");
        let seen = watcher.read_to_end();
        assert!(!seen.contains("GONE"), "{seen}");
    });
}

#[test]
fn a_stream_that_is_trimmed_under_a_slow_reader_is_no_loss() {
    let Some(engine) = EngineProcess::start(&[]) else {
        return;
    };
    let ([a, b], [mut seven, _eight]) = pair(&engine);
    signal("STOP", b.id());
    let mut nine = None;
    for players in 0..4 {
        assert_eq!(seven.ask(&format!("INFOS nbplayers={players}")), "OK");
        nine = Some(a.log_in(9, ""));
        let changes = key(&engine, "changes", "a");
        wait_until("that is in the engine", || {
            (engine.ask(&["XLEN", &changes]) != "0").then_some(())
        });
        engine.ask(&["XTRIM", &changes, "MAXLEN", "0"]);
    }
    assert_eq!(nine.unwrap().ask("QUIT"), "OK bye");
    signal("CONT", b.id());
    within(SOON, || {
        says(&b, "nbplayers=3");
        shows(&b, "7 8");
    });
    shows(&a, "7 8");
}

#[test]
fn a_record_that_is_lost_or_wrong_is_written_again() {
    let Some(engine) = EngineProcess::start(&[]) else {
        return;
    };
    let ([a, _b], [_seven, _eight]) = pair(&engine);
    let list = key(&engine, "list", "b");
    let at = "127.0.0.1:8";
    // It is in the hash once that is written as a whole: somebody asks for it.
    let mend = key(&engine, "mend", "b");
    engine.ask(&["SET", &mend, "1"]);
    let record = wait_until("the record is written", || {
        let record = engine.ask(&["HGET", &list, at]);
        (record != "(nil)").then_some(record)
    });
    let wrong = record.replace("port=8", "port=80");
    for harm in [
        &["HDEL", &list, at][..],
        &["HSET", &list, at, &wrong],
        &["HSET", &list, "127.0.0.1:99", "what"],
        &["HDEL", &list, "seq"],
        &["DEL", &list],
    ] {
        engine.ask(harm);
        // Those who know the list do not read it again; a new one does.
        let c = engine.tracker_at_once("c", &[]);
        within(Duration::from_secs(18), || shows(&c, "7 8"));
        in_state(&c, "sharing");
        shows(&a, "7 8");
        wait_until("nobody asks for it any more", || {
            (engine.ask(&["GET", &mend]) == "(nil)").then_some(())
        });
    }
}

#[test]
fn a_stream_with_words_of_others_is_begun_again() {
    let Some(engine) = EngineProcess::start(&[]) else {
        return;
    };
    let ([a, b], [mut seven, _eight]) = pair(&engine);
    let changes = key(&engine, "changes", "a");
    for (turn, entry) in [["x", "y"], ["c", "+what"], ["c", "-0"]].iter().enumerate() {
        engine.ask(&["XADD", &changes, "*", entry[0], entry[1]]);
        assert_eq!(seven.ask(&format!("INFOS nbplayers={turn}")), "OK");
        within(SOON, || {
            says(&b, &format!("nbplayers={turn}"));
            shows(&b, "7 8");
        });
        shows(&a, "7 8");
    }
    // The next change as it would be, but of somebody else.
    let life = engine.ask(&["GET", &key(&engine, "alive", "a")]);
    let sequence: u64 = life.split(' ').next().unwrap().parse().unwrap();
    engine.ask(&["XADD", &changes, &format!("{}-0", sequence + 1), "c", "-0"]);
    within(SOON, || shows(&b, "7 8"));
    assert_eq!(seven.ask("INFOS nbplayers=9"), "OK");
    within(SOON, || says(&b, "nbplayers=9"));
}

#[test]
fn trackers_agree_on_a_secret_that_somebody_has_changed() {
    let Some(engine) = EngineProcess::start(&[]) else {
        return;
    };
    let ([a, b], [seven, _eight]) = pair(&engine);
    let lists = ["a", "b"].map(|name| key(&engine, "list", name));
    let sequences = || {
        lists
            .each_ref()
            .map(|list| engine.ask(&["HGET", list, "seq"]))
    };
    let before = sequences();
    let secret = "gltracker-share 1 0123456789abcdef0123456789abcdef";
    engine.ask(&["SET", "{gltracker}:format", secret]);
    // Both write their lists anew, with marks under the new one.
    wait_until("all lists are written with it", || {
        let both = before.iter().zip(sequences());
        both.into_iter()
            .all(|(before, now)| *before != now)
            .then_some(())
    });
    // So what has logged in before may move.
    let c = engine.tracker("c", &[]);
    shows(&c, "7 8");
    let _moved = c.log_in(7, "moved=yes");
    says(&a, "moved=yes");
    says(&b, "moved=yes");
    drop(seven);
    for tracker in [&a, &b, &c] {
        shows(tracker, "7 8");
    }
    assert_eq!(engine.ask(&["GET", "{gltracker}:format"]), secret);
}
