//! What the man page says besides what it says about each command.

/// What it is all about.
pub(super) const SUBJECT: &str = "a tracker (master server) for game servers";

pub(super) const DESCRIPTION: &str = "\
A tracker keeps a list of game servers, from which players choose one. Without a command gltracker
runs a tracker, as the command serve does. The other commands speak to one.

Every flag is written --flag value or --flag=value. --help lists those of a command, and --version
prints the version.";

/// A term, and what is said about it.
pub(super) type Entry = (&'static str, &'static str);

/// The variables that are not those of flags.
pub(in crate::cli) const ENVIRONMENT: [Entry; 15] = [
    (
        "GLTRACKER_PASSWORD",
        "A password of game servers, for serve; that of the tracker, or the secret of the key, for \
         announce and bridge.",
    ),
    (
        "GLTRACKER_KEY",
        "The name of the key with which announce and bridge log in.",
    ),
    (
        "GLTRACKER_TRACKER",
        "The trackers that announce, list and browse speak to if none is named, with commas or \
         spaces between them.",
    ),
    (
        "GLTRACKER_MAX_SLOTS, ...",
        "Every flag of serve has such a variable, and overrides it.",
    ),
    (
        "GLTRACKER_SHARE_PASSWORD",
        "The password of the engine of --share.",
    ),
    ("GLTRACKER_SHARE_USER", "The user there."),
    (
        "GLTRACKER_PORT",
        "Is told to the program that announce starts: the port that players join.",
    ),
    (
        "GLTRACKER_TRACKERS",
        "Is told to the same: the trackers on whose lists it is kept.",
    ),
    (
        "GAME_SERVER_IP, GAME_SERVER_PORT, ...",
        "Are told to the game that browse starts: what the game server has.",
    ),
    (
        "CREDENTIALS_DIRECTORY",
        "Where a service manager keeps secrets for serve.",
    ),
    ("XDG_CONFIG_HOME", "Where the file of games is looked for."),
    ("XDG_DATA_HOME", "Where favourites are kept."),
    ("NO_COLOR", "If set, browse uses no colours."),
    ("COLUMNS", "The width of the table that list prints."),
    (
        "LC_ALL, LC_CTYPE, LANG",
        "The first that is set is the locale. In one of UTF-8, --check has signs in place of letters.",
    ),
];

pub(super) const FILES: [Entry; 2] = [
    (
        "~/.config/gltracker/games",
        "What browse starts for each game.",
    ),
    (
        "~/.local/share/gltracker/favourites",
        "The favourites of browse.",
    ),
];

pub(super) const SEE_ALSO: &str = "\
README.md, PROTOCOL.md and scripts/README.md, which come with the source, say how to run a tracker,
how to speak its protocol, and what the scripts do.";
