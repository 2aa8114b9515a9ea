//! What one tracker says of others.

mod any_history;
mod world;

use super::*;
use crate::protocol::fields::{Changes, Infos};
use crate::tracker::sharing::wire::record::Mark;
use std::time::Duration;

const OWN: TrackerId = TrackerId(1);
const OTHER: TrackerId = TrackerId(2);
const THIRD: TrackerId = TrackerId(3);

/// `STAMP MARK` of a game server at port 1 of ::1 that connects from there.
fn claim(said: &str) -> Claim {
    let (stamp, mark) = said.split_once(' ').unwrap();
    let record = format!("0 {stamp} {mark:0>16} ::1 ip=::1 port=1");
    Claim::parse(&record).unwrap().1
}

fn stale(mut claim: Claim) -> Claim {
    claim.infos.set("stale", "yes").unwrap();
    claim
}

/// The address of all claims here.
fn address() -> SocketAddr {
    claim("1 a").address
}

/// A list with these claims.
fn list(claims: &[Claim]) -> Claims {
    let mut list = Claims::default();
    for claim in claims {
        list.put(claim.clone());
    }
    list
}

/// A tracker that has heard of another, which owns `claim`, and has shown it.
fn knows(claim: &Claim) -> (Merge, Instant) {
    let now = Instant::now();
    let mut merge = Merge::new(OWN);
    merge.engine(true, now);
    merge.hear(OTHER, true, now);
    merge.read(OTHER, list(std::slice::from_ref(claim)));
    assert_eq!(ops(&mut merge), [show(claim.clone())]);
    (merge, now)
}

fn ops(merge: &mut Merge) -> Vec<Op> {
    let ops = merge.next_ops(9);
    assert_eq!(merge.next_ops(9), []);
    ops
}

fn show(claim: Claim) -> Op {
    Op::Show {
        address: claim.address,
        claim,
    }
}

fn hide() -> Op {
    Op::Hide { address: address() }
}

#[test]
fn what_others_have_is_shown_once_as_it_changes() {
    let (mut merge, _) = knows(&claim("5 a"));
    assert!(merge.apply(OTHER, "=0 nbplayers=3"));
    assert!(merge.apply(OTHER, "=0 nbplayers=4"));
    let mut changed = claim("5 a");
    changed.infos.set("nbplayers", "4").unwrap();
    assert_eq!(ops(&mut merge), [show(changed.clone())]);
    merge.read(OTHER, list(&[changed.clone()]));
    assert!(merge.apply(OTHER, "=0 nbplayers=4"));
    assert_eq!(ops(&mut merge), []);
    // What this tracker makes of it has changed.
    merge.touch_all();
    assert_eq!(ops(&mut merge), [show(changed)]);
    assert!(merge.apply(OTHER, "-0"));
    assert_eq!(ops(&mut merge), [hide()]);
    assert!(!merge.apply(OTHER, "=0"), "it cannot be understood");
    assert!(!merge.apply(THIRD, "-0"), "its list has not been read");
    assert_eq!(merge.owners().collect::<Vec<_>>(), [(OTHER, 0, true)]);
}

#[test]
fn an_owner_that_is_away_has_stale_entries_for_a_minute() {
    let (mut merge, now) = knows(&claim("5 a"));
    merge.hear(OTHER, false, now);
    assert_eq!(ops(&mut merge), [show(stale(claim("5 a")))]);
    merge.hear(OTHER, true, now);
    assert_eq!(ops(&mut merge), [show(claim("5 a"))]);
    merge.hear(OTHER, false, now);
    ops(&mut merge);
    let almost = now + AWAY_FOR - Duration::from_millis(1);
    merge.hear(OTHER, false, almost);
    assert_eq!(merge.forget(almost), []);
    assert_eq!(merge.forget(now + AWAY_FOR), [OTHER]);
    assert_eq!(ops(&mut merge), [hide()]);
    assert_eq!(merge.owners().count(), 0);
}

#[test]
fn without_an_engine_all_others_are_stale_for_ten_minutes() {
    let (mut merge, now) = knows(&claim("5 a"));
    merge.hear(THIRD, false, now);
    merge.engine(false, now);
    assert_eq!(ops(&mut merge), [show(stale(claim("5 a")))]);
    merge.hear(OTHER, true, now);
    assert_eq!(ops(&mut merge), [], "nobody can be heard");
    let back = now + KEPT_FOR - Duration::from_millis(1);
    assert_eq!(merge.forget(back), []);
    // It is back, and then away once more. That gives time to those who were there, not to the dead.
    merge.engine(true, back);
    assert_eq!((ops(&mut merge), merge.forget(back)), (vec![], vec![THIRD]));
    merge.hear(OTHER, true, back);
    assert_eq!(ops(&mut merge), [show(claim("5 a"))]);
    merge.engine(false, back);
    assert_eq!(merge.forget(now + KEPT_FOR), []);
    assert_eq!(merge.forget(back + KEPT_FOR), [OTHER]);
    assert_eq!(merge.next_ops(9), [hide()]);
}

#[test]
fn an_own_entry_that_loses_its_place_says_so() {
    let (mut merge, _) = knows(&claim("5 a"));
    // The same game server has come here: the other tracker is to give way.
    assert_eq!(merge.stamp(address(), 3), 6);
    assert_eq!(merge.stamp(address(), 9), 9);
    assert!(merge.put_own(claim("6 a")).is_some());
    assert_eq!(ops(&mut merge), []);
    // It has gone back.
    merge.read(OTHER, list(&[claim("7 a")]));
    assert_eq!(ops(&mut merge), [show(claim("7 a"))]);
    // The next round says so; until then nobody can win by it.
    assert!(merge.apply(OTHER, "-0"));
    assert_eq!(ops(&mut merge), [hide()]);
    assert!(merge.remove_own(address()).is_some());
    assert_eq!((ops(&mut merge), merge.own().count()), (vec![], 0));
}

#[test]
fn who_comes_back_before_its_loss_was_said_is_a_later_login() {
    let (mut merge, _) = knows(&claim("5 a"));
    merge.put_own(claim("6 a"));
    assert_eq!(merge.own_stamp(address()), Some(6));
    merge.read(OTHER, list(&[claim("7 a")]));
    assert_eq!(ops(&mut merge), [show(claim("7 a"))]);
    assert_eq!(merge.own_stamp(address()), None);
    assert_eq!(merge.stamp(address(), 3), 8);
    assert!(merge.put_own(claim("8 a")).unwrap().starts_with("+0 8 "));
    assert_eq!(
        (ops(&mut merge), merge.own_stamp(address())),
        (vec![], Some(8))
    );
}

#[test]
fn a_stale_entry_of_its_own_goes_without_a_word() {
    let (mut merge, now) = knows(&claim("5 a"));
    merge.put_own(stale(claim("6 b")));
    assert_eq!(ops(&mut merge), [show(claim("5 a"))]);
    merge.put_own(claim("7 b"));
    merge.hear(OTHER, false, now);
    assert_eq!(ops(&mut merge), [], "its own are always live");
}

#[test]
fn what_could_not_be_done_is_tried_in_the_next_round() {
    let (mut merge, _) = knows(&claim("5 a"));
    assert!(merge.apply(OTHER, "=0 nbplayers=3"));
    assert_eq!(merge.next_ops(9).len(), 1);
    // Somebody has logged in here meanwhile.
    merge.again(address());
    assert_eq!(merge.next_ops(9), []);
    merge.put_own(claim("6 b"));
    assert!(matches!(&ops(&mut merge)[..], [Op::Show { .. }]));
}

#[test]
fn who_comes_and_goes_within_a_round_leaves_no_hole() {
    let (mut merge, _) = knows(&claim("5 a"));
    assert_eq!(merge.remove_own(address()), None);
    assert_eq!(ops(&mut merge), [show(claim("5 a"))]);
}

#[test]
fn a_set_of_fields_that_nobody_has_said_is_not_shown() {
    let (mut merge, _) = knows(&claim("5 a"));
    for key in ["a", "b", "c", "d"] {
        let value = "v".repeat(250);
        assert!(merge.apply(OTHER, &format!("=0 {key}={value}")));
    }
    assert_eq!(ops(&mut merge), [hide()]);
    assert!(merge.apply(OTHER, "=0 a= b= c= d="));
    assert_eq!(ops(&mut merge), [show(claim("5 a"))]);
}

#[test]
fn its_own_name_among_the_others_changes_nothing() {
    let (mut merge, now) = knows(&claim("5 a"));
    merge.hear(OWN, false, now);
    merge.read(OWN, list(&[claim("1 a")]));
    assert!(!merge.apply(OWN, "-0"));
    assert_eq!(ops(&mut merge), []);
    assert_eq!(merge.claims(OWN).unwrap().count(), 0);
    assert_eq!(merge.claims(OTHER).unwrap().count(), 1);
    assert!(merge.claims(THIRD).is_none());
}

#[test]
fn what_is_shown_is_counted_once_whoever_owns_it() {
    let (mut merge, now) = knows(&claim("5 a"));
    assert_eq!(merge.shown(), (1, 0));
    merge.hear(OTHER, false, now);
    ops(&mut merge);
    assert_eq!(merge.shown(), (1, 1));
    // It has moved to a third tracker.
    merge.hear(THIRD, true, now);
    merge.read(THIRD, list(&[claim("6 a")]));
    ops(&mut merge);
    assert_eq!(merge.shown(), (1, 0));
    merge.put_own(claim("7 a"));
    ops(&mut merge);
    assert_eq!(merge.shown(), (0, 0));
}
