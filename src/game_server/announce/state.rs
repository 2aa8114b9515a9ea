//! What is announced.
//!
//! This file hides who may say which field: what the admin says wins over what the game says.

use super::options::Options;
use super::report::{Mistakes, Report};
use super::updates::{Follower, Numbered};
use crate::game_server::session::fields;
use crate::protocol::fields::{Changes, Infos};
use crate::protocol::text::{spelled_out, without_digits};
use std::collections::HashSet;
use std::path::PathBuf;
use std::time::Instant;

/// How many of the admin's keys are remembered.
const MAX_KEYS: usize = 1000;

/// Whose word it is.
#[derive(Debug, Clone, Copy)]
enum Party {
    Admin,
    Game,
}

/// What is said, and what was said wrongly.
pub(crate) struct State {
    /// The first fields.
    pub(crate) infos: Infos,
    /// The keys of the admin: no game changes them.
    admins: HashSet<String>,
    /// Of where the admin's updates come from.
    of_admin: Mistakes,
    /// Of who speaks for the game.
    of_game: Mistakes,
    pub(crate) report: Report,
}

impl State {
    /// What is said first, as far as `options` tell.
    pub(crate) fn new(options: &Options, report: Report) -> Self {
        let asked = options.asked.as_ref();
        let is_admins = |key: &str| !asked.is_some_and(|asked| asked.decides(key));
        let keys = options.fields.iter().map(|(key, _)| key);
        let said = keys.filter(|key| is_admins(key)).map(str::to_owned);
        let source = match &options.updates {
            Some(path) => spelled_out(&path.display().to_string(), 200),
            None => "standard input".to_owned(),
        };
        let whom = asked.map(|asked| asked.whom.to_string());
        let now = Instant::now();
        Self {
            infos: options.fields.clone(),
            admins: said.chain(options.off.iter().cloned()).collect(),
            of_admin: Mistakes::new(source, now),
            of_game: Mistakes::new(whom.unwrap_or_default(), now),
            report,
        }
    }

    /// Reads a file for the first time: what it says is part of what is said first.
    pub(crate) fn read_file(&mut self, path: PathBuf) -> Follower {
        let mut follower = Follower::new(path);
        let look = follower.look();
        if let Some(problem) = look.problem {
            self.report.text(problem);
        }
        let mut infos = self.infos.clone();
        for line in look.lines {
            self.line(line, |changes| {
                infos = fields::merged(&infos, changes).map_err(|no| no.text)?;
                Ok(())
            });
        }
        self.infos = infos;
        follower
    }

    /// Applies a line of the admin's updates, or reports what is wrong with it.
    pub(super) fn line(
        &mut self,
        line: Numbered,
        change: impl FnOnce(&Changes<'_>) -> Result<(), String>,
    ) {
        let mut said = Vec::new();
        self.read(line, Party::Admin, |changes| {
            change(changes)?;
            said.extend(changes.iter().map(|(key, _)| key.to_owned()));
            Ok(())
        });
        if self.admins.len() < MAX_KEYS {
            self.admins.extend(said);
        }
    }

    /// Applies a line that speaks for the game.
    pub(crate) fn line_of_game(
        &mut self,
        line: Numbered,
        change: impl FnOnce(&Changes<'_>) -> Result<(), String>,
    ) {
        let admins = std::mem::take(&mut self.admins);
        self.read(line, Party::Game, |changes| {
            change(&changes.clone().without(|key| admins.contains(key)))
        });
        self.admins = admins;
    }

    /// Applies what a game has answered: all of it, or as much as there is room for.
    pub(crate) fn fields_of_game(
        &mut self,
        fields: &[(&str, String)],
        mut change: impl FnMut(&Changes<'_>) -> Result<(), String>,
    ) {
        let fields = fields.iter().map(|(key, value)| (*key, value.as_str()));
        let fields: Vec<_> = fields
            .filter(|(key, _)| !self.admins.contains(*key))
            .collect();
        let mut say = |fields: &[(&str, &str)]| {
            let changes = Changes::of(fields).map_err(|no| no.text)?;
            change(&changes)
        };
        if say(&fields).is_ok() {
            return;
        }
        for field in fields {
            if let Err(why) = say(&[field]) {
                let whom = self.of_game.whose();
                let mistake = format!("{} of {whom} is left out: {why}", field.0);
                self.mistake(Party::Game, mistake);
            }
        }
    }

    fn read(
        &mut self,
        (number, line): Numbered,
        whose: Party,
        change: impl FnOnce(&Changes<'_>) -> Result<(), String>,
    ) {
        let done = line.and_then(|line| {
            if line.trim_start().starts_with('#') {
                return Ok(());
            }
            let changes = Changes::parse(&line).map_err(|no| no.text)?;
            if !changes.is_empty() {
                change(&changes)?;
            }
            let odd = |(key, value)| fields::odd_quotes(key, value);
            changes.iter().find_map(odd).map_or(Ok(()), Err)
        });
        if let Err(why) = done {
            let source = match whose {
                Party::Admin => self.of_admin.whose(),
                Party::Game => self.of_game.whose(),
            };
            self.mistake(whose, format!("line {number} of {source}: {why}"));
        }
    }

    /// Reports a mistake, once.
    fn mistake(&mut self, whose: Party, mistake: String) {
        let (mistakes, likeness) = match whose {
            Party::Admin => (&mut self.of_admin, mistake.clone()),
            // What a command prints in one run it prints in all, with other numbers.
            Party::Game => (&mut self.of_game, without_digits(&mistake)),
        };
        for line in mistakes.lines(mistake, likeness, Instant::now()) {
            self.report.text(line);
        }
    }
}
