use super::*;
use crate::cli::parse::parse;
use crate::tracker::sharing::share::ShareSecret;

fn run(arguments: &[&str], environment: &[(&str, &str)]) -> Result<(Config, Level), String> {
    let lookup = |name: &str| {
        environment
            .iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| OsString::from(value))
    };
    match parse(arguments.iter().map(OsString::from), lookup) {
        Ok(Command::Serve(config, level)) => Ok((*config, level)),
        Ok(Command::Print(text)) => Err(text),
        Ok(other) => panic!("not serve: {other:?}"),
        Err(error) => Err(error.to_string()),
    }
}

#[test]
fn no_arguments_serve() {
    let (config, level) = run(&[], &[]).unwrap();
    assert_eq!(
        (config.servers, config.max_slots, level),
        (None, None, Level::Info)
    );
    assert!(run(&["serve"], &[]).is_ok());
}

#[test]
fn flags_are_written_in_two_ways_and_override_the_environment() {
    let environment = [
        ("GLTRACKER_MAX_SLOTS", "40"),
        ("GLTRACKER_CLIENTS", "127.0.0.1:2"),
        ("GLTRACKER_LOG_LEVEL", ""),
        ("GLTRACKER_PASSWORD", "s p"),
    ];
    let arguments = [
        "serve",
        "--servers",
        "127.0.0.1:0",
        "--max-slots=80",
        "--password-file",
        "p=q",
    ];
    let (config, level) = run(&arguments, &environment).unwrap();
    assert_eq!(config.servers, Some("127.0.0.1:0".parse().unwrap()));
    assert_eq!(config.clients, Some("127.0.0.1:2".parse().unwrap()));
    assert_eq!((config.max_slots, level), (Some(80), Level::Info));
    assert_eq!(config.password_file, Some("p=q".into()));
    assert_eq!(config.passwords, ["s p"]);
}

#[test]
fn wrong_usage_is_told_what_would_be_right() {
    for (arguments, part) in [
        (&["--max-slot", "4"][..], "did you mean --max-slots?"),
        (
            &["--frobnicate"],
            "there is no flag --frobnicate; gltracker --help lists them",
        ),
        (&["-x"], "there is no flag -x"),
        (&["server"], "did you mean serve?"),
        (&["dance"], "there is no command 'dance'"),
        (&["serve", "now"], "'now' is not a flag"),
        (&["serve", "--", "now"], "'-- now' is not a flag"),
        (
            &["--servers", "127.0.0.1:9", "--clients", "127.0.0.1:9"],
            "--servers and --clients cannot both be port 9",
        ),
        (
            &["--servers", "fd:0", "--clients", "fd:0"],
            "cannot both be standard input (fd:0)",
        ),
        (
            &["--servers", "fd:7"],
            "--servers: 'fd:7' cannot be taken over: only fd:0",
        ),
        (
            &["--servers", "127.0.0.1:23471"],
            "cannot both be port 23471",
        ),
        (&["--servers"], "--servers needs a value: --servers ADDR"),
        (&["--servers", "--clients"], "--servers needs a value"),
        (&["--servers="], "a value is needed"),
        (
            &["--servers", "localhost"],
            "'localhost' is not an address with a port",
        ),
        (
            &["--clients=1.2.3.4"],
            "--clients: '1.2.3.4' is not an address with a port",
        ),
        (
            &["--max-slots", "0"],
            "'0' is not a number of slots from 4 to 1000000",
        ),
        (&["--max-slots", "+80"], "'+80' is not a number of slots"),
        (&["--max-slots", "many"], "'many' is not a number of slots"),
        (
            &["--max-slots", "18446744073709551616"],
            "is not a number of slots from 4 to 1000000",
        ),
        (
            &["--per-host", "18446744073709551615"],
            "is not a number from 1 to 1000000",
        ),
        (
            &["--per-credential", "0"],
            "'0' is not a number from 1 to 1000000",
        ),
        (&["--slot-shares", "1:2"], "is not four shares"),
        (&["--log-level", "loud"], "write error, warn, info or debug"),
    ] {
        let error = run(arguments, &[]).unwrap_err();
        assert!(error.contains(part), "{arguments:?}: {error}");
    }
    let error = run(&[], &[("GLTRACKER_MAX_SLOTS", "x")]).unwrap_err();
    assert!(error.starts_with("GLTRACKER_MAX_SLOTS: 'x'"), "{error}");
    assert!(run(&[], &[("GLTRACKER_PASSWORD", "")]).is_err());
}

#[test]
fn a_list_is_shared_as_flags_and_variables_say() {
    let share = |arguments: &[&str], environment: &[(&str, &str)]| {
        let (config, _) = run(arguments, environment).unwrap();
        config.share
    };
    assert!(share(&[], &[]).is_none());
    let plain = share(&["--share", "cache"], &[]).unwrap();
    assert_eq!(plain.engine.to_string(), "cache:6379");
    assert_eq!(plain.prefix, "gltracker");
    assert!(!plain.name.is_empty());
    assert!(matches!(plain.secret, ShareSecret::None));

    let environment = [
        ("GLTRACKER_SHARE", "one,two:7/3"),
        ("GLTRACKER_SHARE_NAME", "of-the-environment"),
        ("GLTRACKER_SHARE_PREFIX", "friday"),
        ("GLTRACKER_SHARE_USER", "list"),
        ("GLTRACKER_SHARE_PASSWORD", "s p"),
    ];
    let given = share(&["--share-name", "mars.1"], &environment).unwrap();
    assert_eq!(given.engine.to_string(), "one:6379,two:7/3");
    assert_eq!((&*given.name, &*given.prefix), ("mars.1", "friday"));
    let ShareSecret::Given { user, password } = given.secret else {
        panic!("{:?}", given.secret)
    };
    assert_eq!((user.as_deref(), &*password), (Some("list"), "s p"));

    let arguments = ["--share=cache", "--share-password-file", "p=q"];
    let ShareSecret::File(file) = share(&arguments, &[]).unwrap().secret else {
        panic!("no file")
    };
    assert_eq!(file, PathBuf::from("p=q"));
}

#[test]
fn a_list_that_cannot_be_shared_so_is_told_what_would_be_right() {
    let at = ("GLTRACKER_SHARE", "cache");
    let (user, password) = (
        ("GLTRACKER_SHARE_USER", "list"),
        ("GLTRACKER_SHARE_PASSWORD", "hidden"),
    );
    for (arguments, environment, part) in [
        (
            &["--share-name", "mars"][..],
            &[][..],
            "--share-name changes nothing without --share: give --share HOST[:PORT], or leave it out",
        ),
        (&[], &[password], "GLTRACKER_SHARE_PASSWORD changes nothing"),
        (
            &[],
            &[("GLTRACKER_SHARE_PREFIX", "x")],
            "GLTRACKER_SHARE_PREFIX changes nothing without --share",
        ),
        (
            &["--share", "redis://list:hidden@cache"],
            &[],
            "--share: write HOST[:PORT][,HOST[:PORT]…][/DB]; user and password go into a file",
        ),
        (
            &["--share", "list:hidden@cache"],
            &[],
            "user and password go",
        ),
        (
            &["--share", "one,,two"],
            &[],
            "--share: '' is not an address; write HOST, HOST:PORT or [IPv6]:PORT",
        ),
        (
            &["--share", "::1"],
            &[],
            "--share: '::1' has several colons; IPv6 stands in brackets: [::1]:6379",
        ),
        (
            &["--share", "cache/first"],
            &[],
            "'first' is not the number of a database",
        ),
        (
            &["--share-name", "my tracker"],
            &[at],
            "--share-name: 'my tracker' is not a name: it is at most 64 letters",
        ),
        (
            &["--share-prefix", "{x}"],
            &[at],
            "--share-prefix: '{x}' is not a name",
        ),
        (
            &[],
            &[at, user],
            "GLTRACKER_SHARE_USER needs a password: set GLTRACKER_SHARE_PASSWORD too",
        ),
        (
            &[],
            &[at, ("GLTRACKER_SHARE_PASSWORD", "")],
            "GLTRACKER_SHARE_PASSWORD is empty",
        ),
        (
            &["--share-password-file", "f"],
            &[at, password],
            "--share-password-file and GLTRACKER_SHARE_PASSWORD cannot both say the password",
        ),
        (
            &["--share-password-file", "f"],
            &[at, user],
            "in the file of --share-password-file the user is the first line",
        ),
        (
            &["--share-password", "hidden"],
            &[at],
            "there is no flag --share-password; did you mean",
        ),
    ] {
        let error = run(arguments, environment).unwrap_err();
        assert!(error.contains(part), "{arguments:?}: {error}");
        assert!(!error.contains("hidden"), "{error}");
    }
}

#[test]
fn the_page_has_the_words_of_its_operator() {
    let words = |arguments: &[&str], environment: &[(&str, &str)]| {
        let (config, _) = run(arguments, environment)?;
        Ok::<_, String>((config.title, config.link))
    };
    let publish = ["--publish", "public"];
    let usual = words(&publish, &[]).unwrap();
    assert_eq!(usual, Default::default());
    let environment = [
        ("GLTRACKER_TITLE", "Friday"),
        ("GLTRACKER_LINK", "https://example.org/"),
    ];
    let flags = [&publish[..], &["--title", "Friday cycles"]].concat();
    let (title, link) = words(&flags, &environment).unwrap();
    assert_eq!(title, "Friday cycles".parse().unwrap());
    assert_eq!(link, "https://example.org/".parse().unwrap());
    for (arguments, part) in [
        (
            &["--title", "x"][..],
            "--title changes nothing without --publish",
        ),
        (
            &["--link", "http://x"],
            "--link changes nothing without --publish",
        ),
        (
            &["--title", "a\nb"],
            "--title: 'a\\u{a}b' is not a title: write 1 to 80 ",
        ),
        (
            &["--link", "javascript:x"],
            "--link: 'javascript:x' is not a link: write ",
        ),
    ] {
        let error = run(arguments, &[]).unwrap_err();
        assert!(error.starts_with(part), "{error}");
    }
    let error = words(&[], &environment[1..]).unwrap_err();
    assert!(
        error.starts_with("GLTRACKER_LINK changes nothing"),
        "{error}"
    );
}
