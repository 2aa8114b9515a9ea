//! What stands on a list, and what of it a player is shown. Pure.

use crate::client::replica::{Conditions, Doubt, KnownList};
use crate::protocol::text::spelled_out;
use crate::reach::check::{Mark, Step, game_servers};
use std::net::IpAddr;

/// The longest condition that is shown, in characters.
const MAX_SHOWN: usize = 60;

/// The step of addresses that do not list as many game servers as each other, if so. What is on the list of
/// `looked_at` is looked at next.
pub(super) fn of_difference(lists: &[(IpAddr, &KnownList)], looked_at: IpAddr) -> Option<Step> {
    let counts = lists.iter().map(|(_, list)| list.len());
    let (least, most) = (counts.clone().min()?, counts.max()?);
    if least == most {
        return None;
    }
    let each = lists
        .iter()
        .map(|(ip, list)| format!("{} at {ip}", list.len()));
    let each: Vec<String> = each.collect();
    // Some may have logged in meanwhile, but hardly the first.
    let mark = if least == 0 { Mark::Wrong } else { Mark::Aside };
    let found = format!(
        "Not all addresses list the same: game servers are {}.",
        each.join(", ")
    );
    let advice = format!(
        "Players see the list of the one that they reach; what follows is that of {looked_at}. If it stays \
         so, tell the operator: trackers behind one name are to share their list (--share)."
    );
    Some(Step::new(mark, found, advice))
}

/// The steps of the game servers on a list, by what speaks against them.
pub(super) fn of_list(list: &KnownList) -> Vec<Step> {
    if list.is_empty() {
        return vec![Step::well("The list is empty: nobody has logged in.")];
    }
    let doubts = list
        .iter()
        .map(|(address, infos)| Doubt::of(address.ip(), infos, list.from()));
    let doubts: Vec<_> = doubts.collect();
    let with = |doubt| doubts.iter().filter(|it| **it == doubt).count();
    let usable = doubts
        .iter()
        .filter(|it| it.is_none_or(Doubt::may_be_used))
        .count();
    let mut steps = vec![match usable {
        0 => Step::wrong(
            "No game server on the list is shown as one to join.",
            "Their admins are to name the address that players reach: ip=ADDRESS. Or the tracker is \
             near you: then name it by the address that it has there.",
        ),
        usable => Step::well(format!(
            "{} can be joined, as far as the list tells.",
            game_servers(usable)
        )),
    }];
    for doubt in [Doubt::Stale, Doubt::Local, Doubt::Invalid] {
        let number = with(Some(doubt));
        if number > 0 {
            let found = format!(
                "{} {}: {}.",
                game_servers(number),
                doubt.word(),
                doubt.text()
            );
            let advice = match doubt.may_be_used() {
                true => "Such are shown last.",
                false => "Such are shown last, and not pinged.",
            };
            steps.push(Step::aside(found, advice));
        }
    }
    steps
}

/// The step of the conditions: how many game servers satisfy all of them, and which excludes them if
/// none does.
pub(super) fn of_conditions(list: &KnownList, conditions: &Conditions) -> Step {
    let satisfying = |conditions: &Conditions| {
        list.iter()
            .filter(|(_, infos)| conditions.matches(infos))
            .count()
    };
    let all = satisfying(conditions);
    if all > 0 {
        return Step::well(format!("{} of {} satisfy the conditions.", all, list.len()));
    }
    if list.is_empty() {
        return Step::aside(
            "The conditions are not tried: there is nobody to satisfy them.",
            "",
        );
    }
    let shown = |condition: &Conditions| spelled_out(&condition.to_string(), MAX_SHOWN);
    let single = conditions.each();
    let vain = single.iter().filter(|condition| satisfying(condition) == 0);
    let vain: Vec<String> = vain.map(shown).collect();
    let advice = match (&vain[..], single.len()) {
        ([], _) => {
            let alone = single
                .iter()
                .map(|it| format!("{} ({})", shown(it), satisfying(it)));
            let alone: Vec<String> = alone.collect();
            format!(
                "Each alone is satisfied, by so many: {}. Leave one out.",
                alone.join(", ")
            )
        }
        ([one], _) => format!("Leave out {one}, which none satisfies; letter case counts."),
        (several, _) => format!(
            "Leave out those that none satisfies: {}; letter case counts.",
            several.join(", ")
        ),
    };
    let found = format!(
        "Of {} none satisfies the conditions.",
        game_servers(list.len())
    );
    Step::wrong(found, advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(entries: &[&str], from: &str) -> KnownList {
        let mut list = KnownList::default();
        for entry in entries {
            list.take(&format!("INFOS {entry}")).unwrap();
        }
        list.take(&format!("END count={} rev=a-1", entries.len()))
            .unwrap();
        list.from = from.parse().ok();
        list
    }

    fn said(steps: &[Step]) -> String {
        let said = steps
            .iter()
            .map(|it| format!("{:?} {} {}", it.mark, it.found, it.advice));
        said.collect::<Vec<_>>().join("|")
    }

    #[test]
    fn an_empty_list_is_well_and_one_that_nobody_can_use_is_not() {
        let empty = of_list(&list(&[], "198.51.100.1"));
        assert_eq!(
            said(&empty),
            "Well The list is empty: nobody has logged in. "
        );
        let world = "ip=198.51.100.7 port=1";
        let stale = "ip=198.51.100.7 port=2 stale=yes";
        let (near, nobody) = ("ip=10.0.0.1 port=1", "ip=224.0.0.1 port=1");
        let steps = of_list(&list(&[world, stale, near, nobody], "198.51.100.1"));
        let text = said(&steps);
        assert!(
            text.starts_with("Well 2 game servers can be joined"),
            "{text}"
        );
        for part in [
            "Aside 1 game server stale: stale, not heard of",
            "Aside 1 game server local: an address of your own",
            "Aside 1 game server invalid: no game server can have",
        ] {
            assert!(text.contains(part), "{text}");
        }
        let steps = of_list(&list(&[near], "198.51.100.1"));
        assert_eq!(steps[0].mark, Mark::Wrong);
        let steps = of_list(&list(&[near], "10.0.0.2"));
        assert_eq!((steps[0].mark, steps.len()), (Mark::Well, 1));
    }

    #[test]
    fn addresses_that_list_others_are_told_and_an_empty_list_beside_another_is_wrong() {
        let [a, b] = ["198.51.100.1", "2001:db8::1"].map(|ip| ip.parse().unwrap());
        let [none, one, two] = [0, 1, 2].map(|count| {
            let entries = ["ip=1.1.1.1 port=1", "ip=1.1.1.1 port=2"];
            list(&entries[..count], "198.51.100.1")
        });
        let mark = |lists: &[_]| of_difference(lists, a).map(|step| step.mark);
        assert_eq!(mark(&[(a, &one)]), None);
        assert_eq!(mark(&[(a, &two), (b, &two)]), None);
        assert_eq!(mark(&[(a, &none), (b, &none)]), None);
        assert_eq!(mark(&[(a, &one), (b, &two)]), Some(Mark::Aside));
        assert_eq!(mark(&[(a, &one), (b, &none)]), Some(Mark::Wrong));
        let step = of_difference(&[(b, &none), (a, &two)], a).unwrap();
        let said = "Not all addresses list the same: game servers are 0 at 2001:db8::1, 2 at 198.51.100.1.";
        assert_eq!(step.found, said);
        assert!(step.advice.contains("that of 198.51.100.1."), "{step:?}");
    }

    #[test]
    fn the_condition_that_excludes_all_is_named() {
        let entries = [
            "ip=1.1.1.1 port=1 map=a",
            "ip=1.1.1.1 port=2 map=b nbplayers=3",
        ];
        let list_of_two = list(&entries, "198.51.100.1");
        let of = |list: &KnownList, text: &str| of_conditions(list, &text.parse().unwrap());
        let step = of(&list_of_two, "map=a");
        assert_eq!(step, Step::well("1 of 2 satisfy the conditions."));
        let step = of(&list_of_two, "notempty map=\"A b\"");
        assert_eq!(step.mark, Mark::Wrong);
        assert!(
            step.advice.starts_with("Leave out map=\"A b\", which"),
            "{step:?}"
        );
        let step = of(&list_of_two, "map=a notempty");
        assert!(
            step.advice.contains("by so many: map=a (1), notempty (1)."),
            "{step:?}"
        );
        let step = of(&list_of_two, "map=c nbplayers>=9");
        assert!(
            step.advice.contains("satisfies: map=c, nbplayers>=9;"),
            "{step:?}"
        );
        let nobody = of(&list(&[], "198.51.100.1"), "map=a");
        assert_eq!(nobody.mark, Mark::Aside);
    }
}
