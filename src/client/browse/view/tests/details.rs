//! The page of one game server.

use super::*;

#[test]
fn details_show_every_field() {
    let now = Instant::now();
    let mut model = five(now);
    model.page = Page::Details;
    model.size = (60, 16);
    assert_eq!(
        text(&model, now),
        "\
near and empty
  address         192.0.2.1:1
  ping            12.0 ms
  favourite       no

  port            1
  nbplayers       0
  maxplayers      8
  version         0.70
  description     near and empty




5 of 5 servers, tracker.example, updated 0 s ago
Enter pick  f favourite  c copy address  ↑↓ scroll  Esc back"
    );
}

#[test]
fn details_break_between_words_and_beside_long_keys() {
    let now = Instant::now();
    let mut model = model();
    let said = "mods=alpha,beta,gamma,delta motd=\"all are welcome to come\" \
                a-key-of-more-than-its-column=short";
    model.on_event(Event::List(vec![entry(1, said)]), now);
    model.settle();
    model.page = Page::Details;
    model.size = (36, 24);
    let screen = text(&model, now);
    let broken = "\
  a-key-of-more-than-its-column
                  short
  mods            alpha,beta,gamma,
                  delta
  motd            all are welcome to
                  come
";
    assert!(screen.contains(broken), "{screen}");
}
