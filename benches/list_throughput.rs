//! LIST on a new connection: gltracker beside a bare loop that does nothing else.
//!
//! ```text
//! cargo bench --bench list_throughput               all of it, under 4 minutes
//! cargo bench --bench list_throughput -- --quick    in short, under 20 seconds
//! ```
//!
//! A client connects, sends `LIST`, reads the list and hangs up; many do it at the same time, over
//! and over. They are answered by the real tracker, with game servers that are really logged in;
//! or by a loop on bare sockets that accepts, reads a line, writes the very same bytes and closes,
//! in one thread (`bare-1`) or in two (`bare-2`). Each of the three is a process of its own. The
//! rounds take turns, so that whatever else the machine does disturbs all three alike, and what is
//! compared is always a round with those next to it.
//!
//! What to look at: the two ratios. They hold on any machine; requests a second do not.
//!
//! - `rate`: requests a second of gltracker divided by those of the faster bare loop, which is the
//!   one marked `*`: the median of the rounds, and the lowest and highest of them. The clients run
//!   on the same machine and take most of it, which pulls this ratio towards 1.
//! - `CPU`: CPU time of gltracker for a request divided by that of the same bare loop. The clients
//!   are not in it. Counted in ticks of 10 ms over all rounds of a row together.
//!
//! The bare loop has less to do than any tracker: it hangs up first, while gltracker waits for the
//! next command and so has to be woken once more, to be told that the client has hung up. Where
//! gltracker said `ERR busy` to a client, or a request failed, the row ends with how often, and its
//! figures are of those that got the list.
//!
//! The second table is of clients that all connect at the same moment, once. The tracker has 256
//! slots for clients, as it has by default. Of those who find them in use it answers a few as
//! guests, who get the list and then an ERR, and says `ERR busy` to the others; the bare loop lets
//! everybody wait. After 5 s without an answer a client has failed. Connections that the system
//! drops because too many wait to be accepted are tried again by it after 1 s, 3 s and 7 s, which
//! is what these times are made of.

use std::error::Error;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

mod support {
    pub(crate) mod load;
    pub(crate) mod process;
    pub(crate) mod report;
    pub(crate) mod sample;
}
use support::load::{Fleet, Load, MOST_REQUESTS, fetch_list};
use support::process::{Bare, Process, Tracker, open_files};
use support::report::{self, Sample};

/// Open files of this program that are no connections, with some to spare.
const OTHER_FILES: usize = 64;

/// What is measured.
struct Plan {
    steps: &'static [Step],
    /// Rounds of each row, for each of the three.
    rounds: usize,
    /// How long a round lasts.
    round: Duration,
    /// Bursts of each row, for each of the three.
    bursts: usize,
}

/// One length of the list.
struct Step {
    game_servers: usize,
    /// A row for each number of clients.
    clients: &'static [usize],
    /// Clients of a burst, if there is to be one.
    burst: Option<usize>,
}

const FULL: Plan = Plan {
    steps: &[
        step(10, &[1, 16, 128], None),
        step(1_000, &[1, 16, 128], Some(2_000)),
        step(10_000, &[1, 16, 128], None),
    ],
    rounds: 11,
    round: Duration::from_millis(500),
    bursts: 3,
};

const QUICK: Plan = Plan {
    steps: &[
        step(10, &[16], None),
        step(1_000, &[16], Some(500)),
        step(10_000, &[16], None),
    ],
    rounds: 3,
    round: Duration::from_millis(200),
    bursts: 1,
};

/// Shows that the bench still works, and nothing else.
const SMOKE: Plan = Plan {
    steps: &[step(10, &[2], Some(20))],
    rounds: 1,
    round: Duration::from_millis(50),
    bursts: 1,
};

const fn step(game_servers: usize, clients: &'static [usize], burst: Option<usize>) -> Step {
    Step {
        game_servers,
        clients,
        burst,
    }
}

fn main() -> ExitCode {
    let done = Bare::run_if_asked().map_err(Into::into).and_then(|()| {
        let given = |flag| std::env::args().any(|argument| argument == flag);
        // `cargo bench` says --bench; `cargo test --all-targets` does not, and is not to wait.
        run(match () {
            () if given("--quick") => &QUICK,
            () if given("--bench") && !given("--test") => &FULL,
            () => &SMOKE,
        })
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("list_throughput: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(plan: &Plan) -> Result<(), Box<dyn Error>> {
    let wanted = plan.steps.iter().map(|step| step.game_servers).max();
    let wanted = wanted.unwrap_or_default();
    let open_files = open_files();
    let most = Tracker::most_listed(open_files).min(wanted);
    let warning = if most < wanted {
        format!(
            "\nTHE LIMIT OF OPEN FILES ALLOWS {most} GAME SERVERS, NOT {wanted}. To measure what is \
             meant to be measured, raise it: ulimit -n 20000\n"
        )
    } else {
        String::new()
    };
    let tracker = Tracker::start(most)?;
    let mut fleet = Fleet::default();
    let mut bursts = String::new();
    println!("{warning}{}", report::rows_header(plan.rounds, plan.round));
    for step in plan.steps {
        let game_servers = step.game_servers.min(most);
        fleet.grow(game_servers, tracker.servers)?;
        let list = fetch_list(tracker.clients)?;
        let end = format!("END count={game_servers} rev=");
        if !String::from_utf8_lossy(&list).contains(&end) {
            return Err(format!("not all {game_servers} game servers are on the list").into());
        }
        let bare = [Bare::start(1, &list)?, Bare::start(2, &list)?];
        let rivals = [
            (&tracker.process, tracker.clients),
            (&bare[0].process, bare[0].address),
            (&bare[1].process, bare[1].address),
        ];
        let size = list.len();
        for &clients in step.clients {
            let load = Load {
                size,
                clients,
                time: plan.round,
                requests: MOST_REQUESTS / clients,
            };
            let rounds = take_turns(plan.rounds, load, rivals, &mut fleet)?;
            let row = report::row(&rounds);
            println!("{game_servers:>7} {size:>8} {clients:>7} {row}");
        }
        if let Some(clients) = step.burst {
            let load = Load {
                size,
                clients: clients.min(open_files.saturating_sub(game_servers + OTHER_FILES)),
                time: Duration::ZERO,
                requests: 1,
            };
            let rounds = take_turns(plan.bursts, load, rivals, &mut fleet)?;
            let what = format!("{game_servers:>7} {size:>8} {:>7}", load.clients);
            bursts += &report::burst(&what, &rounds);
        }
        // Whoever is lost on the way leaves a shorter list, of another revision.
        if fetch_list(tracker.clients)? != list {
            return Err("the list has changed while it was measured".into());
        }
    }
    let header = report::bursts_header(plan.bursts);
    println!("{header}\n{bursts}{warning}");
    Ok(())
}

/// So many rounds of `load` on each of the three, one after the other.
fn take_turns(
    rounds: usize,
    load: Load,
    rivals: [(&Process, SocketAddr); 3],
    fleet: &mut Fleet,
) -> Result<Vec<[Sample; 3]>, Box<dyn Error>> {
    let mut samples = vec![[Sample::default(); 3]; rounds];
    for round in &mut samples {
        for (sample, (process, address)) in round.iter_mut().zip(rivals) {
            fleet.check_in()?;
            *sample = Sample::take(process, || load.put_on(address))?;
        }
    }
    Ok(samples)
}
