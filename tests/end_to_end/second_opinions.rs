//! What others make of the same answers: programs that ask game servers have to say what ours does.

use crate::asked::ask;
use crate::harness::outcome;
use crate::pretend_games::PretendGame;
use crate::tools::{Program, command_to, need, path};
use gltracker::query::{Asking, Kind, Status};
use std::net::SocketAddr;
use std::process::Command;

/// Prints what python-a2s understands, in the words of `facts`.
const PYTHON_A2S: &str = r#"
import a2s
i = a2s.info(("{host}", {port}), timeout=15)
print(i.server_name, i.player_count - i.bot_count, i.bot_count, i.max_players, i.map_name, i.folder,
      i.version, i.password_protected, i.port, sep="|")
"#;

/// Prints what mcstatus understands.
const MCSTATUS: &str = r#"
from mcstatus import JavaServer
i = JavaServer("{host}", {port}, timeout=15).status()
print(" ".join(i.motd.to_plain().split()), i.players.online, i.players.max, i.version.name,
      i.version.protocol, sep="|")
"#;

/// A Minecraft server, as far as one can join it.
const MINECRAFT_SERVER: &str = r#"
const server = require("minecraft-protocol").createServer({
  host: "127.0.0.1", port: 0, "online-mode": false, version: "1.20.4", maxPlayers: 12,
  motd: "§cFriday §lcycles\nfor all",
  beforePing(answer) {
    answer.players.online = 3
    if (process.env.DESCRIPTION) answer.description = JSON.parse(process.env.DESCRIPTION)
    return answer
  }
})
server.on("listening", () => console.log("port " + server.socketServer.address().port))
"#;

/// What a program prints, which it is to do by itself.
fn printed(words: &[&str], address: SocketAddr) -> String {
    let mut command = command_to(words, address);
    command.env("PATH", path());
    let output = outcome(command);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{words:?}: {text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    text.trim().to_owned()
}

/// The value of a key in JSON, as it stands there; the first, if there are several.
fn value<'a>(json: &'a str, key: &str) -> &'a str {
    let (_, rest) = json
        .split_once(&format!("\"{key}\":"))
        .unwrap_or_else(|| panic!("no {key} in {json}"));
    let rest = rest.trim_start();
    let end = match rest.strip_prefix('"') {
        Some(text) => text.find('"').map(|end| end + 2),
        None => rest.find([',', '}', '\n']),
    };
    rest[..end.unwrap()].trim_matches('"')
}

/// What is known, with bars between.
fn facts<const N: usize>(values: [String; N]) -> String {
    values.join("|")
}

fn text(value: &Option<String>) -> String {
    value.clone().unwrap_or_default()
}

fn number(value: Option<u16>) -> String {
    value.map(|number| number.to_string()).unwrap_or_default()
}

/// What gamedig, which counts bots among the players, says of name, players, most and map.
fn of_gamedig(kind: &str, address: SocketAddr) -> String {
    let json = printed(&["gamedig", "--type", kind, "{host}:{port}"], address);
    ["name", "numplayers", "maxplayers", "map"]
        .map(|key| value(&json, key))
        .join("|")
}

/// The same of a status.
fn as_gamedig_says(status: &Status) -> String {
    facts([
        text(&status.name),
        number(
            status
                .players
                .map(|people| people + status.bots.unwrap_or(0)),
        ),
        number(status.most),
        text(&status.map),
    ])
}

#[test]
fn of_the_source_family() {
    if !need("python-a2s") || !need("gamedig") || !need("quakestat") {
        return;
    }
    for is_split in [false, true] {
        let game = PretendGame::start(Kind::Source);
        game.change(|facts| {
            facts.is_split = is_split;
            facts.name = "Friday cycles ä".to_owned();
            facts.needs_password = true;
        });
        let ours = ask(
            &mut Asking::all(Kind::Source, 1),
            Kind::Source,
            game.address,
        );
        let python = printed(&["python-a2s", "-c", PYTHON_A2S], game.address);
        let password = match ours.needs_password {
            Some(true) => "True",
            _ => "False",
        };
        let all = facts([
            text(&ours.name),
            number(ours.players),
            number(ours.bots),
            number(ours.most),
            text(&ours.map),
            text(&ours.game),
            text(&ours.version),
            password.to_owned(),
            number(ours.port),
        ]);
        assert_eq!(python, all, "python-a2s");
        assert_eq!(
            of_gamedig("protocol-valve", game.address),
            as_gamedig_says(&ours),
            "gamedig"
        );
        let qstat = printed(
            &["quakestat", "-json", "-a2s", "{host}:{port}"],
            game.address,
        );
        // It spoils letters that are not ASCII, and does not put parts together.
        if is_split {
            assert_eq!(value(&qstat, "status"), "timeout");
            continue;
        }
        let theirs = ["gametype", "numplayers", "maxplayers", "map"].map(|key| value(&qstat, key));
        assert_eq!(theirs, ["csgo", "5", "12", "oasis"], "qstat");
    }
}

#[test]
fn of_the_quake_3_family() {
    if !need("gamedig") || !need("quakestat") {
        return;
    }
    let game = PretendGame::start(Kind::Quake3);
    let ours = ask(
        &mut Asking::all(Kind::Quake3, 1),
        Kind::Quake3,
        game.address,
    );
    assert_eq!(as_gamedig_says(&ours), "Friday cycles|5|12|oasis");
    assert_eq!(
        of_gamedig("protocol-quake3", game.address),
        as_gamedig_says(&ours),
        "gamedig"
    );
    let qstat = printed(
        &["quakestat", "-json", "-q3s", "{host}:{port}"],
        game.address,
    );
    let theirs = ["name", "numplayers", "maxplayers", "map"].map(|key| value(&qstat, key));
    assert_eq!(theirs.join("|"), as_gamedig_says(&ours), "qstat");
}

/// A server that others wrote, asked by us and by programs that others wrote.
#[test]
fn of_a_real_minecraft_server() {
    if !need("minecraft-protocol") || !need("python-a2s") || !need("gamedig") {
        return;
    }
    for description in [
        "",
        r#"{"text":"Friday ","extra":[{"text":"cycles","color":"red"},{"text":"\nfor all"}]}"#,
        r#"["Friday ",{"text":"§acycles"}," for"," all"]"#,
    ] {
        let mut command = Command::new("minecraft-protocol");
        command.args(["-e", MINECRAFT_SERVER]).env("PATH", path());
        command.env("DESCRIPTION", description);
        let server = Program::start(command);
        let line = server.output.wait_for("port ");
        let port: u16 = line.strip_prefix("port ").unwrap().parse().unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let mut asking = Asking::all(Kind::Minecraft, 1).at("127.0.0.1", port);
        let ours = ask(&mut asking, Kind::Minecraft, address);
        let all = facts([
            text(&ours.name),
            number(ours.players),
            number(ours.most),
            text(&ours.version),
            text(&ours.protocol),
        ]);
        assert_eq!(
            all, "Friday cycles for all|3|12|1.20.4|765",
            "{description}"
        );
        assert_eq!(
            printed(&["python-a2s", "-c", MCSTATUS], address),
            all,
            "mcstatus"
        );
        // It does not read all forms of descriptions.
        let gamedig = of_gamedig("protocol-minecraftvanilla", address);
        assert_eq!(gamedig, "|3|12|", "gamedig");
    }
}
