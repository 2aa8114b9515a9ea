use super::*;
use crate::client::browse::model::Event;
use crate::client::browse::model::tests::{
    address, answered, entry, five_for, lost, pinged, press,
};

/// The status, where there is no room for more than one row.
fn line(model: &mut Model, columns: usize, now: Instant) -> String {
    model.on_event(Event::Size(columns, 4), now);
    let line = status(model, now + Duration::from_secs(7));
    assert!(width(&line.text) <= columns, "{}", line.text);
    line.text
}

#[test]
fn what_hides_game_servers_is_named_with_its_key_whatever_else_there_is_to_say() {
    let now = Instant::now();
    let mut model = five_for(Some("0.70"), now);
    press(&mut model, "n>");
    for (columns, said) in [
        (
            100,
            "4 of 5 servers, updated 7 s ago, hiding: empty (n), selected: version 0.69, yours is 0.70",
        ),
        (
            80,
            "4 of 5 servers, updated 7 s ago, hiding: empty (n), selected: version 0.69, you…",
        ),
        (60, "4 of 5 servers, updated 7 s ago, hiding: empty (n)"),
        (40, "4 of 5, 7 s ago, hiding: empty (n)"),
        (20, "4 of 5, hiding (n)"),
    ] {
        assert_eq!(line(&mut model, columns, now), said);
    }
    press(&mut model, "uv/far\n");
    for (columns, said) in [
        (
            100,
            "1 of 5 servers, updated 7 s ago, hiding: empty (n) full (u) other versions (v) search \"far\" (Esc)",
        ),
        (
            80,
            "1 of 5, 7 s ago, hiding: empty (n) full (u) other versions (v) search (Esc)",
        ),
        (40, "1 of 5, hiding (n u v Esc)"),
        (20, "1 of 5, n u v Esc"),
    ] {
        assert_eq!(line(&mut model, columns, now), said);
    }
    model.on_event(lost("tracker.example: it is away"), now);
    assert_eq!(
        line(&mut model, 80, now),
        "1 of 5, LOST, hiding: empty (n) full (u) other versions (v) search (Esc)"
    );
    assert_eq!(
        line(&mut model, 160, now),
        "1 of 5 servers, updated 7 s ago, LOST, trying again, hiding: empty (n) full (u) other \
         versions (v) search \"far\" (Esc), tracker.example: it is away"
    );
}

#[test]
fn filters_have_room_beside_two_thousand_game_servers() {
    let now = Instant::now();
    let mut model = five_for(Some("0.70"), now);
    let list = (1..=2_000).map(|n| entry(n, "")).collect();
    model.on_event(Event::List(list), now);
    press(&mut model, "nuv/192.0.2.1\n");
    assert!(
        line(&mut model, 80, now)
            .ends_with("hiding: empty (n) full (u) other versions (v) search (Esc)")
    );
}

#[test]
fn what_strangers_write_gets_what_is_left() {
    let now = Instant::now();
    let mut model = five_for(Some("0.70"), now);
    let version = format!("version={}", "9".repeat(200));
    model.on_event(Event::List(vec![entry(1, &version)]), now);
    press(&mut model, "/192.0.2.1\n");
    model.on_event(pinged(address(1), answered(3)), now);
    assert_eq!(
        line(&mut model, 100, now),
        "1 of 1 servers, updated 7 s ago, hiding: search \"192.0.2.1\" (Esc), selected: version 99999999999999…"
    );
    assert_eq!(
        line(&mut model, 160, now),
        "1 of 1 servers, tracker.example, updated 7 s ago, hiding: search \"192.0.2.1\" (Esc), \
         selected: version 99999999999999999999999…, yours is 0.70"
    );
}

#[test]
fn what_becomes_of_a_tracker_that_is_not_heard_is_said_as_it_is() {
    let now = Instant::now();
    let mut model = five_for(None, now);
    model.on_event(lost("tracker.example: it is away"), now);
    assert_eq!(
        line(&mut model, 80, now),
        "5 of 5 servers, updated 7 s ago, LOST, trying again, tracker.example: it is away"
    );
    let refused = || Event::Lost {
        why: "tracker.example: it said ERR bad-syntax no".to_owned(),
        is_retried: false,
        was_heard: true,
    };
    model.on_event(refused(), now);
    assert_eq!(
        line(&mut model, 80, now),
        "5 of 5 servers, updated 7 s ago, REFUSED, r asks again, tracker.example: it sai…"
    );
    assert_eq!(line(&mut model, 30, now), "5 of 5, 7 s ago, REFUSED (r)");
    press(&mut model, "r");
    assert_eq!(
        line(&mut model, 80, now),
        "5 of 5 servers, tracker.example, updated 7 s ago, asking again"
    );
    model.on_event(Event::List(vec![entry(1, "")]), now);
    model.settle();
    assert_eq!(
        line(&mut model, 80, now),
        "1 of 1 servers, tracker.example, updated 7 s ago"
    );
}

#[test]
fn a_tracker_that_was_never_heard_is_not_lost_and_the_reason_is_not_cut() {
    let now = Instant::now();
    let why = "nosuch.example:23471: the name was not found";
    let mut model = five_for(None, now);
    let never = Event::Lost {
        why: why.to_owned(),
        is_retried: true,
        was_heard: false,
    };
    model.on_event(never, now);
    assert_eq!(
        line(&mut model, 102, now),
        format!("5 of 5 servers, updated 7 s ago, NO LIST, trying again, {why}")
    );
    // Where there is room for all of it, it stands below the rows.
    model.on_event(Event::Size(40, 24), now);
    let screen = crate::client::browse::view::draw::draw(&model, now);
    let below: Vec<&str> = screen[7..9].iter().map(|line| &line.text[2..]).collect();
    assert_eq!(below.join(" "), format!("no list from {why}"));
    assert_eq!(screen[22].text, "5 of 5 servers, updated 0 s ago, NO LIST");
}

#[test]
fn the_end_of_what_is_typed_is_seen() {
    let now = Instant::now();
    let mut model = five_for(None, now);
    press(&mut model, "/near");
    assert_eq!(
        line(&mut model, 60, now),
        "search: near▏ Enter keeps it, Esc shows all again"
    );
    press(&mut model, &"x".repeat(100));
    press(&mut model, "end");
    assert_eq!(line(&mut model, 24, now), "search: …xxxxxxxxxxxend▏");
    assert!(line(&mut model, 80, now).ends_with("xxxend▏"));
}

#[test]
fn the_way_to_the_help_is_shown_wherever_there_is_room_for_two_keys() {
    let now = Instant::now();
    let mut model = five_for(Some("0.70"), now);
    let mut shown = |columns| {
        model.on_event(Event::Size(columns, 4), now);
        keys(&model).text.trim_end().to_owned()
    };
    for (columns, said) in [
        (
            64,
            "Enter pick  ↑↓ select  / search  i details  ? help  q quit",
        ),
        (40, "Enter pick  ↑↓ select  / search  ? help"),
        (34, "Enter pick  ↑↓ select  ? help"),
        (20, "Enter pick  ? help"),
        (12, "Enter pick"),
        (5, ""),
    ] {
        assert_eq!(shown(columns), said);
    }
    press(&mut model, "?");
    assert_eq!(keys(&model).text.trim_end(), "");
    model.on_event(Event::Size(34, 4), now);
    assert_eq!(keys(&model).text.trim_end(), "↑↓ scroll  Esc back");
    press(&mut model, "\u{1b}i");
    assert_eq!(
        keys(&model).text.trim_end(),
        "Enter pick  f favourite  Esc back"
    );
}
