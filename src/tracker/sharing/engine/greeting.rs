//! What is said first on a new connection, and what the answers say of the engine. Pure.

use super::error::{EngineError, Kind, Turn};
use super::refusals::meaning;
use super::secret::Login;
use crate::protocol::text::spelled_out;
use crate::tracker::sharing::wire::resp::{Pipeline, Reply};

/// The oldest major version that has all that is needed: users with rights of their own, and streams.
const OLDEST: u32 = 6;

/// What is asked, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Takes the password.
    Auth,
    /// Chooses the database.
    Select,
    /// Says who this is, for CLIENT LIST.
    Name,
    /// Says which version the engine is.
    Info,
    /// Says whether it takes writes.
    Role,
    /// Reads a key: in a cluster only the node that has the keys may.
    Key,
}

/// What is said first on every connection.
pub(super) struct Greeting {
    steps: Vec<Step>,
    pipeline: Pipeline,
    password: Option<String>,
}

impl Greeting {
    pub(super) fn new(login: Option<&Login>, database: u32, name: &str, key: &str) -> Self {
        let mut greeting = Self {
            steps: Vec::new(),
            pipeline: Pipeline::new(),
            password: login.map(|login| login.password.clone()),
        };
        if let Some(Login { user, password }) = login {
            let user = user.as_deref();
            let words = [Some("AUTH"), user, Some(password)];
            greeting.say(Step::Auth, &words.into_iter().flatten().collect::<Vec<_>>());
        }
        if database != 0 {
            greeting.say(Step::Select, &["SELECT", &database.to_string()]);
        }
        greeting.say(Step::Name, &["CLIENT", "SETNAME", name]);
        greeting.say(Step::Info, &["INFO", "server"]);
        greeting.say(Step::Role, &["ROLE"]);
        greeting.say(Step::Key, &["GET", key]);
        greeting
    }

    fn say(&mut self, step: Step, words: &[&str]) {
        let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
        self.pipeline.push(&words);
        self.steps.push(step);
    }

    pub(super) fn pipeline(&self) -> &Pipeline {
        &self.pipeline
    }

    /// The name and the version of the engine that has answered this. A user may lack the right to INFO, to ROLE
    /// and to CLIENT.
    ///
    /// # Errors
    /// What keeps it from being used.
    pub(super) fn judge(&self, replies: &[Reply]) -> Result<String, EngineError> {
        let answer = |step: Step| {
            let at = self.steps.iter().position(|other| *other == step);
            at.and_then(|at| Some((self.pipeline.name(at), replies.get(at)?)))
        };
        let secret = self.password.as_deref();
        let check = |step: Step| match answer(step) {
            Some((name, Reply::Error(said))) => Err(meaning(&name, said, secret)),
            _ => Ok(()),
        };
        check(Step::Auth)?;
        if let [Reply::Error(said)] = replies {
            // All that it says to whom it does not let in.
            return Err(meaning(&self.pipeline.name(0), said, secret));
        }
        let role = answer(Step::Role).and_then(|(_, reply)| word(reply));
        if role == Some("sentinel") {
            return Err(sentinel());
        }
        let version = version(answer(Step::Info).map(|(_, reply)| reply))?;
        check(Step::Select)?;
        match (check(Step::Key), role) {
            (Err(error), _) if matches!(error.turn(), Turn::To(_)) => return Err(error),
            (_, Some("slave" | "replica")) => return Err(replica()),
            (key, _) => key?,
        }
        Ok(version)
    }
}

/// The word that an array begins with.
fn word(reply: &Reply) -> Option<&str> {
    match reply {
        Reply::Array(replies) => match replies.first()? {
            Reply::Bytes(bytes) => std::str::from_utf8(bytes).ok(),
            _ => None,
        },
        _ => None,
    }
}

fn sentinel() -> EngineError {
    let text = "it is a Sentinel, which holds no data; name the nodes that it looks after in --share, with commas";
    EngineError::new(Kind::Refused, text)
}

fn replica() -> EngineError {
    let text = "it is a replica and takes no changes; name the node that does in --share, or all nodes with commas";
    EngineError::new(Kind::Away, text).and_then(Turn::Other)
}

/// The name and the version, as far as they are told.
fn version(info: Option<&Reply>) -> Result<String, EngineError> {
    let Some(Reply::Bytes(info)) = info else {
        return Ok("unknown version".to_owned());
    };
    let info = String::from_utf8_lossy(info);
    let field = |key: &str| {
        let mut lines = info.lines().filter_map(|line| line.split_once(':'));
        lines
            .find(|(name, _)| *name == key)
            .map(|(_, value)| spelled_out(value, 40))
    };
    // A Valkey of any version says that it is Redis 7.2.4, for the programs of others.
    let redis = field("redis_version");
    let major = redis
        .as_deref()
        .and_then(|version| version.split('.').next()?.parse().ok());
    match (field("valkey_version"), redis) {
        (Some(valkey), _) => Ok(format!("Valkey {valkey}")),
        (None, Some(redis)) if major.is_some_and(|major: u32| major < OLDEST) => {
            let text =
                format!("it is Redis {redis}; sharing needs Redis from {OLDEST}.0, or a Valkey");
            Err(EngineError::new(Kind::Refused, text))
        }
        (None, Some(redis)) => Ok(format!("Redis {redis}")),
        (None, None) => Ok("unknown version".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status() -> Reply {
        Reply::Status("OK".into())
    }

    fn error(text: &str) -> Reply {
        Reply::Error(text.into())
    }

    fn bytes(text: &str) -> Reply {
        Reply::Bytes(text.into())
    }

    fn role(role: &str) -> Reply {
        Reply::Array(vec![bytes(role), Reply::Number(7)])
    }

    /// What is made of these answers to CLIENT, INFO, ROLE and GET.
    fn judged(info: Reply, role: Reply, key: Reply) -> Result<String, String> {
        let greeting = Greeting::new(None, 0, "eu", "{p}:format");
        assert_eq!(greeting.pipeline().count(), 4);
        let replies = [error("NOPERM client"), info, role, key];
        greeting.judge(&replies).map_err(|error| error.to_string())
    }

    #[test]
    fn all_is_asked_at_once() {
        let login = Login {
            user: Some("bob".into()),
            password: "secret".into(),
        };
        let greeting = Greeting::new(Some(&login), 3, "eu", "{p}:format");
        let names: Vec<_> = (0..6).map(|at| greeting.pipeline().name(at)).collect();
        assert_eq!(names, ["AUTH", "SELECT", "CLIENT", "INFO", "ROLE", "GET"]);
        let start =
            b"*3\r\n$4\r\nAUTH\r\n$3\r\nbob\r\n$6\r\nsecret\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n";
        assert!(greeting.pipeline().bytes().starts_with(start));
    }

    #[test]
    fn it_is_known_what_answers() {
        for (info, name) in [
            (
                bytes("# Server\r\nredis_version:7.0.15\r\nx:y\r\n"),
                "Redis 7.0.15",
            ),
            (
                bytes("redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:9.1.2\r\n"),
                "Valkey 9.1.2",
            ),
            (bytes("what"), "unknown version"),
            (error("NOPERM"), "unknown version"),
        ] {
            for role in [role("master"), error("NOPERM")] {
                assert_eq!(judged(info.clone(), role, Reply::Nil), Ok(name.into()));
            }
        }
    }

    #[test]
    fn what_cannot_be_used_is_told_why() {
        let seven = || bytes("redis_version:7.0.15");
        let moved = error("MOVED 866 10.0.0.1:7001");
        for (info, role, key, part) in [
            (
                bytes("redis_version:5.0.6"),
                role("master"),
                Reply::Nil,
                "is Redis 5.0.6; sharing needs",
            ),
            (
                seven(),
                role("sentinel"),
                error("ERR unknown command"),
                "a Sentinel",
            ),
            (seven(), role("slave"), Reply::Nil, "a replica"),
            (seven(), role("slave"), error("MASTERDOWN x"), "a replica"),
            (
                seven(),
                role("slave"),
                moved.clone(),
                "another node of its cluster",
            ),
            (
                seven(),
                role("master"),
                moved,
                "another node of its cluster",
            ),
            (
                seven(),
                error("NOPERM"),
                error("NOPERM a key"),
                "may not do that",
            ),
            (
                error("NOAUTH"),
                error("NOAUTH"),
                error("NOAUTH"),
                "it wants a password",
            ),
        ] {
            let why = judged(info, role, key).unwrap_err();
            assert!(why.contains(part), "{why}");
        }
    }

    #[test]
    fn who_is_not_let_in_hears_one_word() {
        for said in [
            "ERR max number of clients reached",
            "DENIED Redis is running in protected mode",
        ] {
            let greeting = Greeting::new(None, 0, "eu", "{p}:format");
            assert!(greeting.judge(&[error(said)]).is_err(), "{said}");
        }
    }

    #[test]
    fn a_password_is_never_repeated() {
        let login = Login {
            user: None,
            password: "secret".into(),
        };
        let greeting = Greeting::new(Some(&login), 1, "eu", "{p}:format");
        let said = "ERR unknown command 'AUTH', with args beginning with: 'secret'";
        let why = greeting.judge(&[error(said)]).unwrap_err().to_string();
        assert!(why.contains("beginning with: '…'"), "{why}");
        // A password that stands in the engine's own words.
        let login = Login {
            user: None,
            password: "password".into(),
        };
        let none = "ERR AUTH <password> called without any password configured";
        let greeting = Greeting::new(Some(&login), 1, "eu", "{p}:format");
        let why = greeting.judge(&[error(none)]).unwrap_err().to_string();
        assert!(why.contains("it is shown a password and has none"), "{why}");
        // Not all answers came before the connection was closed.
        assert!(greeting.judge(&[status()]).is_ok());
    }
}
