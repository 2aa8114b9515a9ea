//! Several trackers, one list: what happens at one of them shows at the others.

use crate::engine::{EngineProcess, one_list};

/// The line of the list for a game server of this machine.
fn line(port: u16, rest: &str) -> String {
    format!("INFOS ip=127.0.0.1 port={port}{rest}")
}

#[test]
fn three_trackers_have_one_list() {
    let Some(engine) = EngineProcess::start(&[]) else {
        return;
    };
    let [a, b] = ["a", "b"].map(|name| engine.tracker(name, &[]));
    let mut one = a.log_in(1, "nbplayers=2 description=\"one \\\"two\\\"\"");
    let mut two = b.log_in(2, "");
    let both = [
        line(1, " nbplayers=2 description=\"one \\\"two\\\"\""),
        line(2, ""),
    ];
    one_list(&[&a, &b], |list| list == both);
    // One that comes later knows what has happened before.
    let c = engine.tracker("c", &[]);
    let all = [&a, &b, &c];
    one_list(&all, |list| list == both);
    let _three = c.log_in(3, "a=1");
    assert_eq!(one.ask("INFOS nbplayers=3"), "OK");
    assert_eq!(one.ask("INFOS description="), "OK");
    one_list(&all, |list| {
        list == [line(1, " nbplayers=3"), line(2, ""), line(3, " a=1")]
    });
    assert!(two.ask("INFOS port=4 b=2").starts_with("OK listed "));
    one_list(&all, |list| {
        list == [line(1, " nbplayers=3"), line(3, " a=1"), line(4, " b=2")]
    });
    assert_eq!(one.ask("QUIT"), "OK bye");
    drop(two);
    one_list(&all, |list| list == [line(3, " a=1")]);
}
