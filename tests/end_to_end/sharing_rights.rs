//! Keys and bans are those of the tracker that a game server is logged in to.

use crate::credentials::{TestFile, log_in};
use crate::engine::{EngineProcess, one_list};
use crate::patience::wait_until;
use crate::sharing_lists::line;

#[test]
fn a_key_that_its_owner_withdraws_is_gone_everywhere() {
    let Some(engine) = EngineProcess::start(&[]) else {
        return;
    };
    let all = "alice between us\nbob hunter2\n";
    let [of_a, of_b] = ["a", "b"].map(|name| TestFile::new(&format!("withdrawn-{name}"), all));
    let a = engine.tracker("a", &["--keys-file", of_a.path()]);
    let b = engine.tracker("b", &["--keys-file", of_b.path()]);
    let (mut alice, listed) = log_in(&a, "alice", "between us", 1);
    assert_eq!(listed, "OK listed 127.0.0.1:1");
    let (mut bob, listed) = log_in(&b, "bob", "hunter2", 2);
    assert_eq!(listed, "OK listed 127.0.0.1:2");
    let both = [line(1, ""), line(2, "")];
    one_list(&[&a, &b], |list| list == both);
    // Another tracker's keys are no matter of the one that she is logged in to. Carol's login shows that
    // the file was read.
    of_b.write("bob hunter2\ncarol x\n");
    let (mut carol, listed) = wait_until("the keys are read", || {
        let (peer, told) = log_in(&b, "carol", "x", 3);
        told.starts_with("OK").then_some((peer, told))
    });
    assert_eq!(listed, "OK listed 127.0.0.1:3");
    let three = [line(1, ""), line(2, ""), line(3, "")];
    one_list(&[&a, &b], |list| list == three);
    assert_eq!(alice.ask("INFOS nbplayers=1"), "OK");
    one_list(&[&a, &b], |list| list[0] == line(1, " nbplayers=1"));

    of_a.write("bob hunter2\n");
    let told = "ERR bad-password the key you logged in with is not valid any more\n";
    assert_eq!(alice.read_to_end(), told);
    let rest = [line(2, ""), line(3, "")];
    one_list(&[&a, &b], |list| list == rest);
    for peer in [&mut bob, &mut carol] {
        assert_eq!(peer.ask("QUIT"), "OK bye");
    }
    one_list(&[&a, &b], <[String]>::is_empty);
}

#[test]
fn a_ban_holds_where_it_is_said() {
    let Some(engine) = EngineProcess::start(&[]) else {
        return;
    };
    let [of_a, of_b] = ["a", "b"].map(|name| TestFile::new(&format!("shared-bans-{name}"), ""));
    let start = |name: &str, bans: &TestFile| {
        let arguments = ["--bans-file", bans.path()];
        engine.distrustful(name, &arguments)
    };
    let (a, b) = (start("a", &of_a), start("b", &of_b));
    let mut at_a = a.log_in(1, "");
    let mut at_b = b.log_in(2, "");
    one_list(&[&a, &b], |list| list.len() == 2);
    let told = "ERR banned the operator has banned your address: fakes\n";
    of_b.write("127.0.0.0/8 fakes\n");
    assert_eq!(at_b.read_to_end(), told);
    // Who is at the other tracker stays, on its list and on this one.
    one_list(&[&a, &b], |list| list == [line(1, "")]);
    assert_eq!(at_a.ask("INFOS nbplayers=1"), "OK");
    one_list(&[&a, &b], |list| list == [line(1, " nbplayers=1")]);
    of_a.write("127.0.0.0/8 fakes\n");
    assert_eq!(at_a.read_to_end(), told);
    one_list(&[&a, &b], <[String]>::is_empty);
}
