//! Game servers that may not be there.

use super::*;

#[test]
fn those_that_may_not_be_there_come_last_in_every_order() {
    let now = Instant::now();
    let mut model = model();
    let list = [
        entry(1, "nbplayers=9 description=a stale=yes"),
        entry(2, "description=b"),
        entry(3, "nbplayers=1 description=c"),
    ];
    model.on_event(Event::List(list.to_vec()), now);
    model.on_event(pinged(address(1), answered(1)), now);
    model.on_event(pinged(address(3), Ping::Silent), now);
    model.settle();
    for _ in model.orders() {
        assert_eq!(ports(&model).last(), Some(&1), "{:?}", model.sort);
        press(&mut model, "O");
        assert_eq!(ports(&model).last(), Some(&1), "the other way round");
        press(&mut model, "o");
    }
    let trouble = model.trouble(&model.rows[&address(1)]).unwrap();
    assert!(trouble.starts_with("stale, not heard of"), "{trouble}");
    press(&mut model, ">");
    let action = press(&mut model, "\n");
    assert!(matches!(action, Some(Action::Join(..))), "it may be");
}

#[test]
fn what_a_tracker_must_not_send_players_to_is_shown_and_neither_pinged_nor_joined() {
    let now = Instant::now();
    let mut model = model();
    let infos = |port| entry(port, "").1;
    let listed = |ip: [u8; 4], port| {
        let address = SocketAddr::from((ip, port));
        let doubt = Doubt::of(address.ip(), &infos(port), None);
        (address, infos(port), doubt)
    };
    let list = [[198, 51, 100, 7], [127, 0, 0, 1], [0, 0, 0, 0]];
    let list: Vec<Listed> = list.map(|ip| listed(ip, 9)).to_vec();
    let (public, local) = (list[0].0, list[1].0);
    let action = model.on_event(Event::List(list.clone()), now);
    assert_eq!(action, Some(Action::Ping(targets([public]))));
    model.settle();
    let action = press(&mut model, "r");
    assert_eq!(action, Some(Action::Refresh(targets([public]))));
    press(&mut model, "j");
    assert_eq!(model.selected().unwrap().address, local);
    assert_eq!(press(&mut model, "\n"), None);
    let notice = &model.notice.as_ref().unwrap().0;
    assert!(notice.starts_with("not joined: an address of your own"));
    // A tracker that is there lists it as well.
    let mut list = list;
    list[1].2 = None;
    let action = model.on_event(Event::List(list), now);
    assert_eq!(action, Some(Action::Ping(targets([local]))));
    assert!(matches!(press(&mut model, "\n"), Some(Action::Join(..))));
}
