use super::*;
use crate::client::browse::model::tests::{
    address, answered, entry, five, five_for, lost, model, pinged,
};
use crate::client::browse::model::{Event, Model, Page, Ping};
use crate::client::columns::Columns;
use crate::client::ping::Target;
use crate::client::width::width;
use std::time::{Duration, Instant};

mod details;

fn text(model: &Model, now: Instant) -> String {
    let lines = draw(model, now);
    let lines: Vec<&str> = lines.iter().map(|line| line.text.trim_end()).collect();
    lines.join("\n")
}

#[test]
fn a_list_on_a_terminal_of_eighty_columns() {
    let now = Instant::now();
    let mut model = five_for(Some("0.70"), now);
    model.on_event(Event::Size(80, 10), now);
    assert_eq!(
        text(&model, now + Duration::from_secs(3)),
        "\
★ name                           players ping ms↓ version  address
  near and empty                     0/8       12 0.70     192.0.2.1:1
  new                                  1        … 0.70     192.0.2.1:5
  far                                3/8      450 0.70     192.0.2.1:2
  silent                               2        ? 0.70     192.0.2.1:4
  full                               8/8       30 0.69     192.0.2.1:3


5 of 5 servers, tracker.example, updated 3 s ago
Enter pick  ↑↓ select  / search  i details  ? help  q quit  o order  n not empty"
    );
    let styles: Vec<Style> = draw(&model, now).iter().map(|line| line.style).collect();
    use Style::{Dim, Plain, Selected, Title};
    assert_eq!(styles[..6], [Title, Selected, Plain, Dim, Dim, Dim]);
}

#[test]
fn what_may_not_be_there_is_dimmed_and_has_a_sign_where_its_ping_stands() {
    let now = Instant::now();
    let mut model = model();
    let mut list = vec![
        entry(1, "description=live"),
        entry(2, "description=stale stale=yes"),
        entry(3, "description=nowhere"),
    ];
    list[2].2 = Some(crate::client::replica::Doubt::Invalid);
    model.on_event(Event::List(list), now);
    for number in 1..=3 {
        model.on_event(pinged(address(number), answered(12)), now);
    }
    model.settle();
    let screen = draw(&model, now);
    for (line, name, ping, style) in [
        (1, "live", " 12 ", Style::Selected),
        (2, "stale", " 12~ ", Style::Dim),
        (3, "nowhere", " -~ ", Style::Dim),
    ] {
        let line = &screen[line];
        assert!(
            line.text.contains(name) && line.text.contains(ping),
            "{line:?}"
        );
        assert_eq!(line.style, style, "{line:?}");
    }
}

#[test]
fn an_existing_game_that_does_not_know_pings_does_not_look_dead() {
    let now = Instant::now();
    let mut model = model();
    let list = vec![
        entry(1, "description=cubes game=sauerbraten"),
        entry(2, "description=far game=tron"),
        entry(3, "description=gone game=tron checked=yes"),
        entry(4, "description=silent"),
        entry(5, "description=quake game=xonotic query=quake3"),
    ];
    let quake = Target::of(address(5), &list[4].1);
    model.on_event(Event::List(list), now);
    for number in [1, 3, 4] {
        model.on_event(pinged(address(number), Ping::Silent), now);
    }
    model.on_event(pinged(address(2), answered(450)), now);
    model.on_event(Event::Ping(crate::client::ping::Ping::none(quake)), now);
    model.settle();
    let screen = draw(&model, now);
    for (line, name, ping, style) in [
        (1, " cubes ", " - ", Style::Selected),
        (2, " far ", " 450 ", Style::Dim),
        (3, " gone ", " ? ", Style::Dim),
        (4, " quake ", " ? ", Style::Dim),
        (5, " silent ", " ? ", Style::Dim),
    ] {
        let line = &screen[line];
        assert!(
            line.text.contains(name) && line.text.contains(ping),
            "{line:?}"
        );
        assert_eq!(line.style, style, "{line:?}");
    }
    model.page = Page::Details;
    let details = text(&model, now);
    assert!(
        details.contains("ping            its game may not answer pings\n"),
        "{details}"
    );
    assert!(!details.contains("unavailable"), "{details}");
}

#[test]
fn a_game_that_answers_only_some_questions_has_a_line_as_good_as_another() {
    let now = Instant::now();
    let mut model = model();
    let list = vec![entry(1, ""), entry(2, "query=quake3")];
    let targets = list
        .iter()
        .map(|(address, infos, _)| Target::of(*address, infos));
    let targets: Vec<Target> = targets.collect();
    model.on_event(Event::List(list), now);
    for target in targets {
        let ping = crate::client::ping::Ping {
            mean: Some(Duration::from_millis(30)),
            sent: 5,
            answered: 1,
            ..crate::client::ping::Ping::none(target)
        };
        model.on_event(Event::Ping(ping), now);
    }
    model.settle();
    let screen = text(&model, now);
    let lines: Vec<&str> = screen.lines().collect();
    assert!(lines[1].contains(" 30! "), "{screen}");
    assert!(lines[2].contains(" 30 "), "{screen}");
}

#[test]
fn a_wide_terminal_shows_every_column_and_a_narrow_one_what_matters() {
    let now = Instant::now();
    let mut model = model();
    let gltron = "version=0.70 speed=fast size=big erase=on";
    model.on_event(Event::List(vec![entry(1, gltron)]), now);
    model.settle();
    for (columns, head) in [
        (
            200,
            "★ name                                                          players ping ms↓ version  speed   size    erase address",
        ),
        (
            80,
            "★ name                   players ping ms↓ version  speed   address",
        ),
        (
            60,
            "★ name                             players ping ms↓ version",
        ),
        (40, "★ name                  players ping ms↓"),
        (10, "★ name"),
    ] {
        model.on_event(Event::Size(columns, 24), now);
        let first = text(&model, now).lines().next().unwrap().to_owned();
        assert!(
            first.starts_with(head) || columns < 40,
            "{columns}: {first}"
        );
    }
}

#[test]
fn columns_follow_what_is_listed_and_what_the_player_wants() {
    let now = Instant::now();
    let mut model = model();
    let head = |model: &mut Model, columns| {
        model.on_event(Event::Size(columns, 24), now);
        let text = text(model, now);
        let head = text.lines().next().unwrap().split_whitespace().skip(5);
        head.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(head(&mut model, 200), "address");
    let mixed = vec![
        entry(1, "game=xonotic map=stormkeep mode=dm zone=eu"),
        entry(2, "version=0.70 speed=fast"),
    ];
    model.on_event(Event::List(mixed.clone()), now);
    model.settle();
    for (columns, heads) in [
        (120, "game map mode version speed address"),
        (110, "game map mode version address"),
        (100, "game map version address"),
        (90, "game version address"),
        (80, "game version"),
        (60, "game"),
    ] {
        assert_eq!(head(&mut model, columns), heads, "{columns}");
    }
    model.columns = Columns::parse("zone,speed").unwrap();
    model.on_event(Event::List(mixed), now);
    model.settle();
    // What was asked for goes last: the name gives way, then the address, then the name again.
    for (columns, heads) in [
        (120, "zone speed address"),
        (80, "zone speed address"),
        (79, "zone speed"),
        (60, "zone speed"),
        (49, "zone speed"),
        (48, "zone"),
        (41, "zone"),
        (40, ""),
    ] {
        assert_eq!(head(&mut model, columns), heads, "{columns}");
    }
}

#[test]
fn whatever_the_size_the_screen_is_filled_and_never_overfull() {
    let now = Instant::now();
    let mut model = model();
    let wide =
        "description=\"漢字とかなの名前 e\u{301}\u{301}\u{301} 🏍🏍🏍🏍🏍🏍🏍🏍🏍🏍🏍🏍 and much more text\"";
    let list: Vec<_> = (1..60).map(|n| entry(n, wide)).collect();
    model.on_event(Event::List(list), now);
    model.settle();
    for page in [Page::List, Page::Search, Page::Details, Page::Help] {
        model.page = page;
        for columns in 1..120 {
            for lines in [1, 2, 3, 4, 24, 60] {
                model.on_event(Event::Size(columns, lines), now);
                let screen = draw(&model, now);
                assert_eq!(screen.len(), lines);
                for line in screen {
                    assert!(width(&line.text) <= columns, "{columns}: {}", line.text);
                }
            }
        }
    }
}

#[test]
fn what_game_servers_say_moves_nothing() {
    // The protocol lets none of this through; a tracker that is not ours might.
    let now = Instant::now();
    let line = Line::new(Style::Plain, "a\u{1b}[2J\u{202e}b\u{9b}c\nd", 80);
    assert!(
        line.text.chars().all(crate::protocol::text::is_plain),
        "{}",
        line.text
    );
    let mut model = model();
    model.on_event(lost("ERR \u{1b}[31m\n"), now);
    let screen = draw(&model, now);
    assert!(
        screen
            .iter()
            .all(|line| line.text.chars().all(crate::protocol::text::is_plain))
    );
}

#[test]
fn towers_of_marks_stay_in_their_line() {
    let now = Instant::now();
    let mut model = model();
    let tower = format!("a{}", "\u{301}".repeat(126));
    let said = format!("description={tower} version={tower} x={tower}");
    model.on_event(Event::List(vec![entry(1, &said)]), now);
    model.settle();
    let marks = |text: &str| text.chars().filter(|c| *c == '\u{301}').count();
    let list = draw(&model, now);
    assert_eq!(marks(&list[1].text), 2 * 8, "{}", list[1].text);
    model.page = Page::Details;
    let details = draw(&model, now);
    assert!(details.iter().all(|line| marks(&line.text) <= 8));
    assert_eq!(
        details.iter().map(|line| marks(&line.text)).sum::<usize>(),
        4 * 8
    );
    model.page = Page::List;
    model.on_event(Event::Notice(tower.clone()), now);
    let notice = &draw(&model, now)[model.room() + 1];
    assert_eq!(marks(&notice.text), 8);
    // Nor do towers from above: on nothing, or on spaces.
    assert_eq!(marks(&Line::new(Style::Plain, &tower[1..], 80).text), 0);
    let on_a_space = tower.replace('a', " ");
    assert_eq!(marks(&Line::new(Style::Plain, &on_a_space, 80).text), 8);
}

#[test]
fn when_the_tracker_is_lost_the_list_stays_with_its_age() {
    let now = Instant::now();
    let mut model = five(now);
    model.on_event(lost("connection refused"), now);
    let screen = text(&model, now + Duration::from_secs(90));
    assert!(screen.contains("near and empty"), "{screen}");
    assert!(
        screen.contains("5 of 5 servers, tracker.example, updated 90 s ago, LOST, trying again\n")
            && screen.contains("\n  no list from connection refused\n"),
        "{screen}"
    );
    let mut model = super::super::model::tests::model();
    assert!(text(&model, now).contains("asking tracker.example …"));
    model.on_event(lost("tracker.example: no route to host"), now);
    assert!(text(&model, now).contains("no list from tracker.example: no route to host"));
    model.on_event(Event::List(Vec::new()), now);
    assert!(text(&model, now).contains("there is no game server on the list"));
    model.is_partial = true;
    assert!(text(&model, now).contains("no game server on the list satisfies the conditions"));
}

#[test]
fn the_help_fits_an_ordinary_terminal() {
    let now = Instant::now();
    let mut model = model();
    model.on_event(Event::Size(80, 24), now);
    model.page = Page::Help;
    let screen = text(&model, now);
    assert!(!screen.contains("…\n"), "{screen}");
    assert!(
        screen.contains("  order       ping, players, name, "),
        "{screen}"
    );
    assert_eq!(pages::most_scrolled(&model), 0);
    model.on_event(Event::Size(80, 10), now);
    model.scrolled = usize::MAX;
    assert!(text(&model, now).contains("  order  "), "the end of it");
}

#[test]
fn on_a_narrow_terminal_no_word_of_the_help_or_of_a_notice_is_cut() {
    let now = Instant::now();
    let mut model = model();
    model.on_event(Event::Size(44, 60), now);
    model.page = Page::Help;
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let screen = text(&model, now);
    assert!(
        screen.contains("  Enter       join: with the line for its\n              game in "),
        "{screen}"
    );
    assert!(words(&screen).contains("every field that has a column, address"));
    assert!(!screen.contains("…\n"), "{screen}");

    model.page = Page::List;
    model.on_event(Event::Size(44, 12), now);
    let notice = "not joined: write 'xonotic = PROGRAM {address}' into ~/.config/gltracker/games";
    model.on_event(Event::Notice(notice.to_owned()), now);
    let screen = draw(&model, now);
    assert_eq!(screen.len(), 12);
    let lines: Vec<&str> = screen[8..].iter().map(|line| line.text.as_str()).collect();
    assert_eq!(words(&lines[..3].join(" ")), notice);
    assert!(lines[3].starts_with("Enter "), "{lines:?}");
    let later = draw(&model, now + Duration::from_secs(6));
    assert!(later[10].text.contains("0 of 0 servers"), "{later:?}");
    // However little room there is, a row and its head stay.
    model.on_event(Event::Notice("word ".repeat(200)), now);
    let screen = draw(&model, now);
    assert_eq!(screen.len(), 12);
    assert!(screen[0].text.contains("players"), "{screen:?}");
}
