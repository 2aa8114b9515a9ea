//! LIST as fast as clients can ask: gltracker beside a bare loop that does nothing else.
//!
//! ```text
//! cargo bench --bench list_throughput               all of it, in 6 minutes
//! cargo bench --bench list_throughput -- --quick    in short, under 25 seconds
//! cargo bench --bench list_throughput -- --haproxy  through HAProxy, in 4 minutes
//! ```
//!
//! Many clients ask for the list at the same time, over and over, in three manners: on a new
//! connection each time, hanging up as soon as they have it; on a new connection with `LIST` and
//! `QUIT` in one write, reading until the other hangs up; and again and again on a connection that
//! they keep. They are answered by the real tracker, with game servers that are really logged in;
//! or by a loop on bare sockets that reads a line and writes the very same bytes, and then closes,
//! in one thread (`bare-1`) or in two (`bare-2`), or reads the next line, in a thread for each
//! connection (`bare`). Each of them is a process of its own, and they take turns.
//!
//! The last table is of what LIST costs apart from the list: `PING` and `QUIT` on a new connection
//! to the client port of a tracker that holds 10,000 idle game servers (`held`), beside one that
//! holds none (`none`) and the bare loop.
//!
//! What to look at: the two ratios. They hold on any machine; requests a second do not.
//!
//! - `rate`: requests a second of the first divided by those of the fastest other (in the last
//!   table, of `none`), which is the one marked `*`: the median of the rounds, and the lowest and
//!   highest of them. The clients run on the same machine and take most of it, which pulls this
//!   ratio towards 1.
//! - `CPU`: CPU time of the first for a request divided by that of the same other. The clients
//!   are not in it. Counted in ticks of 10 ms over all rounds of a row together.
//!
//! The bare loop has less to do than any tracker: it hangs up first, while gltracker waits for the
//! next command and so has to be woken once more, to be told that the client has hung up. Where
//! gltracker said `ERR busy` to a client, or a request failed, the row ends with how often, and its
//! figures are of those that got the list.
//!
//! With `--haproxy` everybody is asked on new connections through HAProxy, which tells the tracker whose
//! they are (PROXY protocol, version 2), and tells the bare loop nothing. HAProxy takes much of the
//! machine too, which pulls the ratio of rates further towards 1. Its CPU time is not counted.

use std::process::ExitCode;
use std::time::Duration;

#[allow(dead_code, reason = "every bench uses a part of it")]
mod support;
use support::bare::{Bare, Kind};
use support::fleet::Fleet;
use support::haproxy::{self, Haproxy};
use support::load::{Load, Manner, fetch_list};
use support::process::open_files;
use support::report;
use support::run::{Result, is_given, shortage};
use support::tracker::{Slots, Tracker};
use support::turns::{Rival, Sample, take_turns};

/// What a tracker answers to QUIT.
const BYE: &[u8] = b"OK bye\n";

/// What is measured.
struct Plan {
    /// How many game servers are on the list.
    sizes: &'static [usize],
    /// A row for each number of clients.
    clients: &'static [usize],
    /// Game servers that are held while PING is asked.
    held: usize,
    /// Rounds of each row, for each rival.
    rounds: usize,
    /// How long a round lasts.
    round: Duration,
}

const FULL: Plan = Plan {
    sizes: &[10, 100, 1_000, 10_000],
    clients: &[1, 16, 128],
    held: 10_000,
    rounds: 6,
    round: Duration::from_millis(400),
};

const QUICK: Plan = Plan {
    sizes: &[10, 1_000],
    clients: &[16],
    held: 2_000,
    rounds: 3,
    round: Duration::from_millis(150),
};

const SMOKE: Plan = Plan {
    sizes: &[10],
    clients: &[2],
    held: 20,
    rounds: 1,
    round: Duration::from_millis(20),
};

fn main() -> ExitCode {
    support::run::main(|length| run(length.of(&FULL, &QUICK, &SMOKE)))
}

fn run(plan: &Plan) -> Result<()> {
    let wanted = plan.sizes.iter().copied().max().unwrap_or_default();
    let most = Slots::most_listed(wanted.max(plan.held), open_files());
    let warning = shortage(most, wanted.max(plan.held));
    print!("{warning}");
    if is_given("--haproxy") {
        if Haproxy::is_installed()? {
            lists(plan, Manner::HangUp, most.min(wanted), true)?;
            lists(plan, Manner::Quit, most.min(wanted), true)?;
        }
        return Ok(());
    }
    for manner in [Manner::HangUp, Manner::Quit, Manner::Hold] {
        lists(plan, manner, most.min(wanted), false)?;
    }
    pings(plan, most.min(plan.held))?;
    print!("{warning}");
    Ok(())
}

/// The table of LIST asked in one manner.
fn lists(plan: &Plan, manner: Manner, most: usize, through_haproxy: bool) -> Result<()> {
    let (what, names): (_, &[&str]) = match manner {
        Manner::HangUp => (
            "LIST on a new connection",
            &["gltracker", "bare-1", "bare-2"],
        ),
        Manner::Quit => (
            "LIST and QUIT in one write on a new connection",
            &["gltracker", "bare-1", "bare-2"],
        ),
        Manner::Hold => (
            "LIST again and again on a held connection",
            &["gltracker", "bare"],
        ),
    };
    let through = if through_haproxy {
        ", through HAProxy"
    } else {
        ""
    };
    let what = format!("{what}{through}");
    println!("{}", report::headline(&what, plan.rounds, plan.round));
    println!("{}", report::header("servers    bytes clients", names));
    let slots = Slots::for_listed(most);
    let any = "127.0.0.1:0";
    let proxied = ["--proxied", haproxy::PROXY];
    let arguments: &[&str] = if through_haproxy { &proxied } else { &[] };
    let tracker = Tracker::start_with(any, any, slots, arguments)?;
    let mut fleet = Fleet::new(tracker.servers);
    for &size in plan.sizes {
        let game_servers = size.min(most);
        fleet.grow(game_servers)?;
        let list = fetch_list(tracker.clients)?;
        let end = format!("END count={game_servers} rev=");
        if !String::from_utf8_lossy(&list).contains(&end) {
            return Err(format!("not all {game_servers} game servers are on the list").into());
        }
        let (kinds, answer): (&[_], _) = match manner {
            Manner::HangUp => (&ANSWER, list.clone()),
            Manner::Quit => (&ANSWER, [&list, BYE].concat()),
            Manner::Hold => (&[Kind::Converse], list.clone()),
        };
        let bare = kinds.iter().map(|&kind| Bare::start(kind, &answer));
        let bare: Vec<Bare> = bare.collect::<Result<_>>()?;
        let mut rivals = rivals(names, &tracker, &bare);
        let haproxy = match through_haproxy {
            true => Some(Haproxy::start(&rivals)?),
            false => None,
        };
        if let Some(haproxy) = &haproxy {
            rivals = haproxy.before(rivals);
        }
        let question = match manner {
            Manner::Quit => "LIST\nQUIT\n",
            Manner::HangUp | Manner::Hold => "LIST\n",
        };
        for &clients in plan.clients {
            let load = Load::new(manner, question, answer.len(), clients, plan.round);
            let rounds = take_turns(plan.rounds, &rivals, |rival| {
                fleet.check_in()?;
                ask(rival, load)
            })?;
            let what = format!("{game_servers:>7} {:>8} {clients:>7}", list.len());
            println!("{}", report::row(&what, &rivals, &rounds, None));
        }
        // Whoever is lost on the way leaves a shorter list, of another revision.
        if fetch_list(tracker.clients)? != list {
            return Err("the list has changed while it was measured".into());
        }
    }
    Ok(())
}

/// `bare-1` and `bare-2`.
const ANSWER: [Kind; 2] = [Kind::Answer { threads: 1 }, Kind::Answer { threads: 2 }];

/// The table of PING with and without game servers that are held meanwhile.
fn pings(plan: &Plan, held: usize) -> Result<()> {
    let what =
        format!("PING and QUIT in one write on a new connection, {held} idle game servers held");
    println!("{}", report::headline(&what, plan.rounds, plan.round));
    let names = ["held", "none", "bare-1", "bare-2"];
    println!("{}", report::header("clients", &names));
    let answer = [b"PONG\n", BYE].concat();
    let holding = Tracker::start(Slots::for_listed(held))?;
    let mut fleet = Fleet::new(holding.servers);
    fleet.grow(held)?;
    let idle = Tracker::start(Slots::for_listed(1))?;
    let bare = [
        Bare::start(ANSWER[0], &answer)?,
        Bare::start(ANSWER[1], &answer)?,
    ];
    let none = Rival {
        name: names[1],
        process: &idle.process,
        address: idle.clients,
    };
    let mut rivals = rivals(&[names[0], names[2], names[3]], &holding, &bare);
    rivals.insert(1, none);
    for &clients in plan.clients {
        let load = Load::new(
            Manner::Quit,
            "PING\nQUIT\n",
            answer.len(),
            clients,
            plan.round,
        );
        let rounds = take_turns(plan.rounds, &rivals, |rival| {
            fleet.check_in()?;
            ask(rival, load)
        })?;
        println!(
            "{}",
            report::row(&format!("{clients:>7}"), &rivals, &rounds, Some(names[1]))
        );
    }
    Ok(())
}

/// A tracker's client port, and those that it is compared with.
fn rivals<'a>(names: &[&'static str], tracker: &'a Tracker, bare: &'a [Bare]) -> Vec<Rival<'a>> {
    let bare = bare.iter().map(|bare| (&bare.process, bare.address));
    let all = [(&tracker.process, tracker.clients)]
        .into_iter()
        .chain(bare);
    let named = names.iter().zip(all);
    named
        .map(|(&name, (process, address))| Rival {
            name,
            process,
            address,
        })
        .collect()
}

fn ask(rival: Rival<'_>, load: Load) -> Result<Sample> {
    Sample::take(rival.process, || Ok(load.put_on(rival.address)?))
}
