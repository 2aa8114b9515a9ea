//! Completion in fish.

use crate::cli::manual::completed::{Completed, keys};
use crate::cli::manual::page::{COMMON, Page};
use crate::cli::manual::text::quoted;
use std::fmt::Write;

/// Finds which command is meant: `first` is where its name may stand, and `rest` is behind `--`.
const BEGIN: &str = r#"# Completes gltracker in fish.
function __gltracker_at
    set -l words (commandline -opc)
    set -l at first
    if contains -- -- $words
        set at rest
    else if set -q words[2]
        string match -q -- '-*' $words[2]; and set at serve; or set at $words[2]
    end
    contains -- $at $argv
end
function __gltracker_rest
    set -l words (commandline -opc)
    set -e words[1..(contains -i -- -- $words)]
    complete -C (string join ' ' -- (string escape -- $words) (commandline -ct))
end
complete -c gltracker -f
complete -c gltracker -n '__gltracker_at rest' -a '(__gltracker_rest)'
"#;

/// The script.
pub(super) fn script(pages: &[&Page]) -> String {
    let mut script = BEGIN.to_owned();
    for page in pages {
        let (name, summary) = (page.name, quoted(page.summary));
        let _ = writeln!(
            script,
            "complete -c gltracker -n '__gltracker_at first' -a {name} -d {summary}"
        );
    }
    for (number, page) in pages.iter().enumerate() {
        let places = if number == 0 { "first " } else { "" }.to_owned() + page.name;
        let at = format!("complete -c gltracker -n '__gltracker_at {places}'");
        for flag in page.flags.iter().chain(&COMMON) {
            let name = flag
                .name
                .split(',')
                .next()
                .unwrap_or("")
                .trim_start_matches('-');
            let help = quoted(flag.help.lines().next().unwrap_or(""));
            let value = Completed::value(flag).map_or(String::new(), |value| match value {
                Completed::Files => " -rF".to_owned(),
                value => format!(" -x{}", choice(&value)),
            });
            let _ = writeln!(script, "{at} -l {name} -d {help}{value}");
        }
        if number > 0 {
            for completed in Completed::behind(page, pages) {
                let _ = writeln!(script, "{at}{}", choice(&completed));
            }
        }
    }
    script
}

/// The argument that says what may stand somewhere.
fn choice(completed: &Completed) -> String {
    match completed {
        Completed::Words(words) => format!(" -a '{}'", words.join(" ")),
        Completed::Keys => format!(" -a '{}'", keys()),
        Completed::Files => " -F".to_owned(),
        Completed::Folders => " -a '(__fish_complete_directories)'".to_owned(),
        Completed::Hosts => " -a '(__fish_print_hostnames)'".to_owned(),
        Completed::Programs => " -a '(__fish_complete_command)'".to_owned(),
        Completed::Anything => String::new(),
    }
}
