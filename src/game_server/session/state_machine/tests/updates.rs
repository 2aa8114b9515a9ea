//! What is said when the game server wants something else said.

use super::*;

#[test]
fn changes_before_the_list_are_said_first_and_later_ones_ten_times_a_second() {
    let mut scene = Scene::start("port=1 nbplayers=0");
    scene.said();
    assert_eq!(scene.wants("port=1 nbplayers=1"), "");
    assert_eq!(
        scene.hears(&format!("CHALLENGE {NUMBER}")),
        format!("INFOS {NUMBER} port=1 nbplayers=1")
    );
    assert_eq!(scene.wants("port=1 nbplayers=2 map=x"), "");
    assert_eq!(
        scene.hears("OK listed 1.2.3.4:1"),
        "INFOS nbplayers=2 map=x"
    );
    let start = scene.now;
    let (mut sent, mut last) = (1, String::new());
    for n in 3..1003 {
        // A thousand changes in a second, and a tracker that answers at once.
        for said in [
            scene.wants(&format!("port=1 nbplayers={n}")),
            scene.pass(Duration::from_millis(1)),
        ] {
            if !said.is_empty() {
                assert!(said.contains(" nbplayers="), "{said}");
                sent += 1;
                last = said;
            }
            assert_eq!(scene.hears("OK"), "");
        }
    }
    assert_eq!(scene.now - start, Duration::from_secs(1));
    assert!(sent <= 11, "{sent} updates in a second");
    last += &scene.pass(UPDATE_INTERVAL);
    assert!(last.ends_with("nbplayers=1002"), "the last one: {last}");
    scene.hears("OK");
    assert_eq!(scene.pass(Duration::from_secs(10)), "", "and only once");
}

#[test]
fn the_next_update_waits_for_the_answer_to_the_last() {
    let mut scene = Scene::listed("port=1 a=1");
    assert_eq!(scene.wants("port=1"), "INFOS a=");
    assert_eq!(scene.wants("port=1 b=2"), "");
    assert_eq!(scene.pass(Duration::from_secs(5)), "");
    assert_eq!(scene.hears("OK"), "INFOS b=2");
    assert_eq!(scene.wants("port=1"), "");
    assert_eq!(scene.hears("OK"), "");
    assert_eq!(scene.pass(UPDATE_INTERVAL), "INFOS b=");
}

#[test]
fn a_field_that_is_refused_costs_nothing_but_itself() {
    let mut scene = Scene::listed("port=1 nbplayers=0");
    let wanted = "port=1 nbplayers=3 odd=1 map=x";
    assert_eq!(scene.wants(wanted), "INFOS nbplayers=3 map=x odd=1");
    assert_eq!(scene.hears("ERR bad-value odd must be even"), "");
    let mut said = Vec::new();
    for _ in 0..3 {
        let line = scene.pass(UPDATE_INTERVAL);
        scene.hears(match line.contains("odd") {
            true => "ERR bad-value odd must be even",
            false => "OK",
        });
        said.push(line);
    }
    said.sort();
    assert_eq!(said, ["INFOS map=x", "INFOS nbplayers=3", "INFOS odd=1"]);
    let [News::NotTaken(field, refusal)] = &scene.news()[..] else {
        panic!("it is said once")
    };
    assert_eq!(
        (field.as_str(), refusal.text.as_str()),
        ("odd=1", "bad-value odd must be even")
    );
    assert_eq!(scene.pass(Duration::from_secs(10)), "");
    // Another value is another try; several go together again.
    let said = scene.wants("port=1 nbplayers=4 odd=2");
    assert_eq!(said, "INFOS map= nbplayers=4 odd=2");
    scene.hears("OK");
    // On the next connection it is not what keeps us off the list.
    let mut scene = Scene::listed("port=1");
    scene.wants("port=1 odd=1");
    scene.hears("ERR bad-value odd must be even");
    let avoided = scene.session.into_avoided();
    assert_eq!(
        first_infos("port=1 odd=1", avoided, scene.now),
        "INFOS 5f1c9a3e77b04d21 port=1"
    );
}

/// What is said to a challenge by one who avoids these fields.
fn first_infos(wanted: &str, avoided: Vec<Field>, now: Instant) -> String {
    let credential = Arc::new(Credential::password("secret").unwrap());
    let mut out = Outbox::default();
    let mut again = Session::new(credential, infos(wanted), avoided, now, &mut out);
    again.on_line(Ok(&format!("CHALLENGE {NUMBER}")), now, &mut out);
    out.text.lines().last().unwrap_or_default().to_owned()
}

#[test]
fn a_new_port_is_said_or_needs_a_new_login() {
    let mut scene = Scene::listed("port=1");
    assert_eq!(scene.wants("port=2"), "INFOS port=2");
    scene.hears("OK listed 198.51.100.7:2");
    assert_eq!(scene.news(), [News::Listed("198.51.100.7:2".to_owned())]);
    scene.pass(UPDATE_INTERVAL);
    assert_eq!(scene.wants("port=3"), "INFOS port=3");
    scene.hears("ERR bad-value the port that was checked cannot change; log in again");
    assert_eq!(scene.out.ending, Some(Ending::LogInAgain));

    let mut scene = Scene::listed("port=1");
    assert_eq!(scene.wants("ip=203.0.113.9 port=1"), "INFOS ip=203.0.113.9");
    scene.hears("ERR bad-value the ip that you are listed at cannot change; log in again");
    assert_eq!(scene.out.ending, Some(Ending::LogInAgain));

    let mut scene = Scene::listed("port=1");
    scene.wants("port=4");
    scene.hears("ERR taken 198.51.100.7:4 is listed with another credential");
    assert_eq!(scene.out.ending, None, "the old port is still listed");
    assert!(matches!(&scene.news()[..], [News::NotTaken(field, _)] if field == "port=4"));
    // The next connection cannot do without.
    let avoided = scene.session.into_avoided();
    assert_eq!(avoided.len(), 1);
    assert_eq!(
        first_infos("port=4", avoided, scene.now),
        "INFOS 5f1c9a3e77b04d21 port=4"
    );
}
