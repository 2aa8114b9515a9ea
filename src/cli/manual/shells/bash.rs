//! Completion in bash, from version 4 on.

use crate::cli::manual::completed::{Completed, keys};
use crate::cli::manual::page::{COMMON, Page};
use std::fmt::Write;

/// Finds which command is meant, and what stands before the word that is completed. Bash takes = for a
/// word of its own.
const BEGIN: &str = r#"# Completes gltracker in bash.
_gltracker() {
    local cur=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}
    local name=serve is_value= words= flags= kinds=() i
    if [[ $cur == = ]]; then
        is_value=yes cur=
    elif [[ $before == = ]]; then
        is_value=yes before=${COMP_WORDS[COMP_CWORD-2]}
    fi
    ((COMP_CWORD > 1)) && [[ ${COMP_WORDS[1]} != -* ]] && name=${COMP_WORDS[1]}
    for ((i = 2; i < COMP_CWORD; i++)); do
        [[ ${COMP_WORDS[i]} == -- ]] && name=-- before=$((COMP_CWORD - i)) && break
    done
    case $name/$before in
        --/1) kinds=(-c) ;;
        --/*) kinds=(-f) ;;
"#;

/// Behind a flag there is its value alone; elsewhere there are flags, or what else may stand there.
const ELSEWHERE: &str = r#"        *)
            [[ $is_value ]] && return
            case $name in
"#;

/// Says what there is.
const END: &str = r#"            esac
            [[ $name == serve ]] && ((COMP_CWORD > 1)) && words=
            [[ $cur == -* ]] && kinds=() words=$flags
            ;;
    esac
    mapfile -t COMPREPLY < <(compgen "${kinds[@]}" -W "$words" -- "$cur")
    case ${kinds[*]} in
        -f | -d) compopt -o filenames ;;
    esac
    [[ ${COMPREPLY[0]} == *= ]] && compopt -o nospace
    true
}
complete -F _gltracker gltracker
"#;

/// The script.
pub(super) fn script(pages: &[&Page]) -> String {
    let mut script = BEGIN.to_owned();
    for page in pages {
        for flag in page.flags {
            if let Some(value) = Completed::value(flag) {
                let at = format!("{}/{}", page.name, flag.name);
                let _ = writeln!(script, "        {at}) {};;", set(&[value]));
            }
        }
    }
    script += ELSEWHERE;
    for page in pages {
        let behind = set(&Completed::behind(page, pages));
        let flags = page.flags.iter().chain(&COMMON);
        let flags = flags.filter_map(|flag| flag.name.split(',').next());
        let flags = flags.collect::<Vec<_>>().join(" ");
        let name = page.name;
        let _ = writeln!(script, "                {name}) {behind}flags='{flags}' ;;");
    }
    script + END
}

/// Sets the variables that say what there is.
fn set(completed: &[Completed]) -> String {
    let mut set = String::new();
    for completed in completed {
        match completed {
            Completed::Words(words) => set += &format!("words='{}' ", words.join(" ")),
            Completed::Keys => set += &format!("words+=' {}' ", keys()),
            Completed::Files => set += "kinds=(-f) ",
            Completed::Folders => set += "kinds=(-d) ",
            Completed::Hosts => set += "kinds=(-A hostname) ",
            Completed::Programs => set += "kinds=(-c) ",
            Completed::Anything => {}
        }
    }
    set
}
