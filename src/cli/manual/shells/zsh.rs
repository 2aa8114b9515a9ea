//! Completion in zsh.

use crate::cli::flags::Flag;
use crate::cli::manual::completed::{Completed, keys};
use crate::cli::manual::page::{COMMON, Page};
use crate::cli::manual::text::quoted;
use std::fmt::Write;

/// Finds which command is meant.
const BEGIN: &str = r#"#compdef gltracker
# Completes gltracker in zsh.
_gltracker() {
    local name=serve at=${words[(i)--]} i
    if (( at < CURRENT )); then
        shift $at words
        (( CURRENT -= at ))
        _normal
        return
    fi
    if (( CURRENT > 2 )) && [[ $words[2] != -* ]]; then
        name=$words[2]
        shift words
        (( CURRENT-- ))
    fi
    case $name in
"#;

/// The script may be a file in `fpath`, which is run, or be sourced.
const END: &str = r#"    esac
}
if [[ $funcstack[1] == _gltracker ]]; then
    _gltracker "$@"
else
    compdef _gltracker gltracker
fi
"#;

/// The script.
pub(super) fn script(pages: &[&Page]) -> String {
    let mut script = BEGIN.to_owned();
    for (number, page) in pages.iter().enumerate() {
        let _ = write!(script, "        {}) _arguments", page.name);
        for flag in page.flags {
            let _ = write!(script, " \\\n            {}", quoted(&spec(flag)));
        }
        for Flag { name, help, .. } in &COMMON {
            let names = name.replace(", ", ",");
            let _ = write!(script, " \\\n            '(- *)'{{{names}}}'[{help}]'");
        }
        let behind = Completed::behind(page, pages);
        if !behind.is_empty() {
            let place = if number == 0 { '1' } else { '*' };
            let actions = behind.iter().map(action).collect::<Vec<_>>().join("; ");
            let _ = write!(script, " \\\n            '{place}:word:{{ {actions} }}'");
        }
        script += " ;;\n";
    }
    script + END
}

/// What `_arguments` is told about a flag, which may be given again.
fn spec(flag: &Flag) -> String {
    let escape = |text: &str| {
        let text = text.replace(':', "\\:");
        text.replace('[', "\\[").replace(']', "\\]")
    };
    let (name, value) = (flag.name, escape(flag.value));
    let help = escape(flag.help.lines().next().unwrap_or(""));
    match Completed::value(flag) {
        Some(Completed::Anything) => format!("*{name}=[{help}]:{value}: "),
        Some(completed) => format!("*{name}=[{help}]:{value}:{{ {} }}", action(&completed)),
        None if value.is_empty() => format!("*{name}[{help}]"),
        None => format!("*{name}=-[{help}]::{value}: "),
    }
}

/// Adds what may stand somewhere.
fn action(completed: &Completed) -> String {
    match completed {
        Completed::Words(words) => format!("compadd -- {}", words.join(" ")),
        Completed::Keys => format!("compadd -S \"\" -- {}", keys()),
        Completed::Files => "_files".to_owned(),
        Completed::Folders => "_files -/".to_owned(),
        Completed::Hosts => "_hosts".to_owned(),
        Completed::Programs => "_command_names -e".to_owned(),
        Completed::Anything => String::new(),
    }
}
