//! What the game server would be announced as.

use super::login::sentence;
use crate::game_server::announce::{Answer, Options, Report, State, Verdict, start_asking};
use crate::game_server::session::fields::{merged, odd_quotes};
use crate::protocol::fields::{Changes, Infos};
use crate::reach::check::Step;
use std::io;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

/// How long the game or its command may take: one look-up, one question with its repetitions and two by
/// other protocols, or one run.
const ANSWER_TIME: Duration = Duration::from_secs(15);

/// The fields of the game server, and whether it is to be listed now.
pub(super) struct Game {
    pub(super) infos: Infos,
    /// It is asked, and does not answer.
    pub(super) is_silent: bool,
}

/// Reads the file of updates and asks the game, each once if there is one.
///
/// # Errors
/// When the system has no thread left.
pub(super) fn ask(options: &Options) -> io::Result<(Vec<Step>, Game)> {
    let mut steps = Vec::new();
    if !options.program.is_empty() {
        let found = "The program behind -- is not started by a check.";
        steps.push(Step::aside(found, ""));
    }
    let mut state = State::new(options, Report::start()?);
    if let Some(path) = options.updates.clone() {
        state.read_file(path);
    }
    for (key, value) in state.infos.iter() {
        let oddity = odd_quotes(key, &value);
        steps.extend(oddity.map(|oddity| Step::aside(format!("{oddity}."), "")));
    }
    let mut game = Game {
        infos: state.infos.clone(),
        is_silent: false,
    };
    match ask_once(options)? {
        None => steps.push(Step::aside(
            "The game is not asked what it is: there is no --ask and no --status.",
            "",
        )),
        Some((whom, answer)) => {
            steps.push(step(&whom, &answer, !options.program.is_empty()));
            game.is_silent = answer.is_err();
            apply(answer, &mut state, &mut game.infos);
        }
    }
    state.report.flush();
    Ok((steps, game))
}

/// Who was asked, and the answer; `None` if nobody is to be asked.
fn ask_once(options: &Options) -> io::Result<Option<(String, Result<Answer, String>)>> {
    let Some(asked) = options.asked.clone() else {
        return Ok(None);
    };
    let whom = asked.whom.to_string();
    let port = options.fields.number("port").unwrap_or_default();
    let (tell, told) = channel();
    let only_once = move |answer| {
        // Nobody may be waiting any more.
        let _ = tell.send(answer);
        false
    };
    let guard = start_asking(asked, port, Instant::now(), only_once)?;
    let answer = told.recv_timeout(ANSWER_TIME);
    drop(guard);
    let late = || Err(format!("no answer within {} s", ANSWER_TIME.as_secs()));
    Ok(Some((whom, answer.unwrap_or_else(|_| late()))))
}

fn step(whom: &str, answer: &Result<Answer, String>, has_program: bool) -> Step {
    let mut verdict = Verdict::new(whom.to_owned(), false, Instant::now());
    let told = match answer {
        Ok(Answer::Status(status, ..)) => verdict.answered(Some(status)),
        Ok(Answer::Lines(_)) => verdict.answered(None),
        Err(why) if has_program => {
            return Step::aside(
                format!("{whom}: {why}."),
                "That is no wonder if the program behind -- is the game: start it by itself, and check \
                 then.",
            );
        }
        Err(why) => {
            return Step::wrong(
                format!("{whom}: {why}."),
                "A game that does not answer is off the lists: start it, or mend --ask or --status.",
            );
        }
    };
    Step::well(sentence(&told.unwrap_or_default()))
}

/// Makes fields of an answer, by the rules of the announcer.
fn apply(answer: Result<Answer, String>, state: &mut State, infos: &mut Infos) {
    let mut change = |changes: &Changes<'_>| {
        *infos = merged(infos, changes).map_err(|no| no.text)?;
        Ok(())
    };
    match answer {
        Ok(Answer::Status(_, fields, _)) => state.fields_of_game(&fields, change),
        Ok(Answer::Lines(lines)) => {
            for line in lines {
                state.line_of_game(line, &mut change);
            }
        }
        Err(_) => {}
    }
}
