//! Favourites, and game servers that are listed at two addresses.

use super::*;

/// The same at an IPv6 address.
fn entry_by_ipv6(number: u16, said: &str) -> Listed {
    let (_, infos, doubt) = entry(number, said);
    (
        format!("[2001:db8::1]:{number}").parse().unwrap(),
        infos,
        doubt,
    )
}

#[test]
fn a_game_server_with_two_addresses_is_one_row_with_the_better_one() {
    let (now, mut model) = (Instant::now(), model());
    let both = |said: &str| [entry(1, said), entry_by_ipv6(1, said)];
    let list = both("group=x description=two")
        .into_iter()
        .chain([entry(2, "")]);
    model.on_event(Event::List(list.collect()), now);
    let six = both("")[1].0;
    let shown = |model: &Model| model.shown().map(|row| row.address).collect::<Vec<_>>();
    model.on_event(pinged(address(1), answered(30)), now);
    model.on_event(pinged(address(2), answered(40)), now);
    model.settle();
    assert_eq!(
        (shown(&model), model.count()),
        (vec![address(1), address(2)], 2)
    );
    press(&mut model, "f");
    // It stays selected, and the player's favourite, where it is nearer.
    model.on_event(pinged(six, answered(20)), now);
    model.settle();
    assert!(model.selected().unwrap().favourite);
    press(&mut model, "f");
    assert!(!model.favourites.contains(address(1)), "at both addresses");
    assert_eq!(shown(&model), [six, address(2)]);
    assert_eq!(model.selected().unwrap().address, six);
    assert_eq!(model.trouble(model.selected().unwrap()), None);
    // Who looks for the other address finds it.
    press(&mut model, "/192.0.2.1:1");
    assert_eq!(shown(&model), [address(1)]);
    press(&mut model, "\x1b");
    model.on_event(Event::List(both("group=x").to_vec()), now);
    model.on_event(Event::List(both("").to_vec()), now);
    model.settle();
    assert_eq!((shown(&model).len(), model.count()), (2, 2));
}

#[test]
fn of_a_part_of_the_list_nobody_knows_who_is_offline() {
    let (now, mut model) = (Instant::now(), five(Instant::now()));
    model.is_partial = true;
    model.favourites.toggle(address(9));
    model.mark_favourites();
    model.on_event(Event::List(Vec::new()), now);
    assert!(model.rows.is_empty());
    model.is_partial = false;
    model.mark_favourites();
    assert_eq!(model.rows.len(), 1);
}

#[test]
fn favourites_are_shown_alone_or_first_and_one_that_is_offline_is_a_row() {
    let (now, mut model) = (Instant::now(), five(Instant::now()));
    for number in [4, 9] {
        model.favourites.toggle(address(number));
    }
    model.mark_favourites();
    model.settle();
    assert_eq!((ports(&model), model.count()), (vec![1, 3, 5, 2, 4, 9], 5));
    press(&mut model, "*");
    assert_eq!(ports(&model), [4, 1, 3, 5, 2, 9], "who is away stays last");
    press(&mut model, "O");
    let said = model.notice.clone().unwrap().0;
    assert_eq!(
        said,
        "favourites first, then in the order of ping, the other way round"
    );
    press(&mut model, "O*F");
    assert_eq!(ports(&model), [4, 9]);
    let offline = &model.rows[&address(9)];
    assert_eq!(model.trouble(offline).as_deref(), Some("not on the list"));
    assert_eq!(offline.name(), "192.0.2.1:9");
    // It is joined at the player's risk, and remembered when it comes and goes.
    assert!(matches!(press(&mut model, ">\n"), Some(Action::Join(at, _)) if at == address(9)));
    let list = vec![entry(9, "description=back nbplayers=3")];
    assert_eq!(
        model.on_event(Event::List(list), now),
        Some(Action::Ping(targets([address(9)])))
    );
    model.on_event(Event::List(Vec::new()), now);
    model.settle();
    assert_eq!(model.notice.as_ref().unwrap().0, "back has left the list");
    let names: Vec<String> = model.shown().map(Row::name).collect();
    assert_eq!(names, ["back", "silent"]);
    assert_eq!(
        (selected(&model), model.selected().unwrap().players()),
        (9, 0)
    );
    // Who is neither liked nor listed has no row.
    press(&mut model, "if");
    assert_eq!(
        model.notice.as_ref().unwrap().0,
        "back is no favourite any more"
    );
    assert_eq!((ports(&model), model.page), (vec![4], Page::List));
    press(&mut model, "fF");
    assert_eq!(ports(&model), []);
    press(&mut model, "F");
    assert!(
        model
            .notice
            .as_ref()
            .unwrap()
            .0
            .contains("no favourite yet")
    );
}
