//! In which order rows stand.

use super::*;

#[test]
fn the_nearest_come_first_and_the_unavailable_last() {
    let mut model = five(Instant::now());
    assert_eq!(ports(&model), [1, 3, 5, 2, 4]);
    press(&mut model, "O");
    assert_eq!(ports(&model), [3, 1, 5, 2, 4], "the far ones stay last");
    press(&mut model, "o");
    assert_eq!(ports(&model), [3, 2, 4, 5, 1], "most players first");
    press(&mut model, "o");
    assert_eq!(ports(&model), [2, 3, 1, 5, 4], "by name");
    press(&mut model, "o");
    let said = model.notice.as_ref().map(|(text, _)| text.as_str());
    assert_eq!(said, Some("in the order of version"));
    assert_eq!(ports(&model)[0], 3, "by what is shown");
    press(&mut model, "oo");
    assert_eq!((model.sort, model.reversed), (Sort::Ping, false));
}

#[test]
fn those_of_another_version_come_last_however_near_they_are() {
    let now = Instant::now();
    let mut model = five_for(Some("0.70"), now);
    assert_eq!(ports(&model), [1, 5, 2, 4, 3]);
    press(&mut model, "O");
    assert_eq!(ports(&model), [1, 5, 2, 4, 3], "also the other way round");
    press(&mut model, "o");
    assert_eq!(ports(&model)[0], 3, "by players it is the players");
    // Among themselves they stand as the others do, and one that does not say may be playable.
    let mut model = five_for(Some("0.71"), now);
    assert_eq!(ports(&model), [1, 3, 5, 2, 4]);
    let list = [
        entry(1, "version=0.70"),
        entry(4, ""),
        entry(5, "version=0.71"),
    ];
    model.on_event(Event::List(list.to_vec()), now);
    model.settle();
    assert_eq!(ports(&model), [5, 4, 1]);
}

#[test]
fn who_has_no_name_or_says_nothing_comes_last_in_both_directions() {
    let mut model = model();
    let list = [
        entry(1, "map=9"),
        entry(2, "description=\"- Zoë\""),
        entry(3, "description=zeta map=10"),
        entry(4, "description=Äpfel"),
        entry(5, "description=\"\u{2605} \u{2605}\""),
    ];
    model.on_event(Event::List(list.to_vec()), Instant::now());
    for (keys, order) in [
        ("oo", [4, 3, 2, 1, 5]),
        ("O", [2, 3, 4, 1, 5]),
        ("o", [1, 3, 4, 2, 5]),
        ("O", [3, 1, 4, 2, 5]),
    ] {
        press(&mut model, keys);
        assert_eq!(ports(&model), order, "{keys}");
    }
}

#[test]
fn who_does_not_say_how_many_play_comes_last_in_both_directions() {
    let mut model = model();
    let list = [
        entry(1, ""),
        entry(2, "nbplayers=0"),
        entry(3, "nbplayers=4"),
    ];
    model.on_event(Event::List(list.to_vec()), Instant::now());
    for (keys, order) in [("o", [3, 2, 1]), ("O", [2, 3, 1])] {
        press(&mut model, keys);
        assert_eq!(ports(&model), order, "{keys}");
    }
}

#[test]
fn who_answers_late_stands_before_who_does_not_answer() {
    let now = Instant::now();
    let mut model = five(now);
    model.on_event(pinged(address(5), Ping::Late), now);
    model.settle();
    assert_eq!(ports(&model), [1, 3, 2, 5, 4]);
    let late = &model.rows[&address(5)];
    assert_eq!(model.trouble(late).as_deref(), Some("over 1000 ms away"));
    assert_eq!(crate::client::browse::view::ping(late), ">1000");
}
