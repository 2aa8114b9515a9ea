//! A real game server of the Quake III family at the bridge, without the data of any game: the engine
//! of Debian, and a map that this test makes.

use crate::bridge_cube::{Bridge, Home};
use crate::harness::{PASSWORD, TrackerProcess, command, free_udp_port};
use crate::patience::wait_until;
use crate::tools::{Program, need, path};
use std::fs;
use std::path::Path;
use std::process::Command;

/// The engine, which stands in no path.
const ENGINE: &str = "/usr/lib/ioquake3/ioq3ded";

/// Things in a map, as the engine reads them.
const THINGS: &[u8] = b"{\n\"classname\" \"worldspawn\"\n}\n\
    {\n\"classname\" \"info_player_deathmatch\"\n\"origin\" \"0 0 0\"\n}\n\0";

/// The least map that the engine takes: nothing but one room without walls.
fn map() -> Vec<u8> {
    let numbers = |numbers: &[i32]| {
        numbers
            .iter()
            .flat_map(|n| n.to_le_bytes())
            .collect::<Vec<_>>()
    };
    let floats = |numbers: &[f32]| {
        numbers
            .iter()
            .flat_map(|n| n.to_le_bytes())
            .collect::<Vec<_>>()
    };
    let (low, high) = ([-64; 3], [64; 3]);
    let mut parts = vec![Vec::new(); 17];
    parts[0] = THINGS.to_vec();
    // The surface: a name of 64 bytes, and no properties.
    parts[1] = [&[b'x'][..], &[0; 63 + 8]].concat();
    // Both sides of a plane.
    parts[2] = floats(&[0., 0., 1., 0., 0., 0., -1., 0.]);
    // Both sides of it lead to the one leaf.
    parts[3] = numbers(&[&[0, -1, -1][..], &low, &high].concat());
    parts[4] = numbers(&[&[0, 0][..], &low, &high, &[0; 4]].concat());
    // The world, with neither surfaces nor brushes.
    let world = floats(&[-64., -64., -64., 64., 64., 64.]);
    parts[7] = [world, numbers(&[0; 4])].concat();
    let mut file = [b"IBSP".to_vec(), numbers(&[46])].concat();
    let mut at = file.len() + 8 * parts.len();
    for part in &mut parts {
        file.extend(numbers(&[at as i32, part.len() as i32]));
        part.resize(part.len().next_multiple_of(4), 0);
        at += part.len();
    }
    file.extend(parts.concat());
    file
}

/// Makes a game of its own in a folder, with two maps.
fn make_game(folder: &Path) {
    let maps = folder.join("mini/maps");
    fs::create_dir_all(&maps).unwrap();
    for name in ["first.bsp", "second.bsp"] {
        fs::write(maps.join(name), map()).unwrap();
    }
    fs::write(folder.join("mini/default.cfg"), "// nothing\n").unwrap();
    // The rules of the game come with the engine.
    for file in fs::read_dir(Path::new(ENGINE).with_file_name("baseq3")).unwrap() {
        let file = file.unwrap();
        let name = file.file_name();
        if name.to_string_lossy().starts_with("qagame") {
            fs::copy(file.path(), folder.join("mini").join(name)).unwrap();
        }
    }
}

/// Starts the engine, which registers at `master` and at no other.
fn start_engine(home: &Path, port: &str, master: &str) -> Program {
    let mut command = Command::new(ENGINE);
    command.current_dir(home).env("HOME", home);
    let home = home.to_str().unwrap();
    for (variable, value) in [
        ("dedicated", "2"),
        ("com_basegame", "mini"),
        ("fs_basepath", home),
        ("fs_homepath", home),
        ("com_homepath", "home"),
        ("com_hunkMegs", "56"),
        ("vm_game", "0"),
        ("bot_enable", "0"),
        ("sv_pure", "0"),
        ("net_enabled", "1"),
        ("net_ip", "127.0.0.1"),
        ("net_port", port),
        ("sv_hostname", "Friday ^1mini"),
        ("sv_maxclients", "6"),
        ("sv_master1", master),
        ("sv_master2", ""),
        ("sv_master3", ""),
        ("sv_master4", ""),
        ("sv_master5", ""),
    ] {
        command.args(["+set", variable, value]);
    }
    command.args(["+map", "first"]);
    Program::start(command)
}

#[test]
fn a_real_quake_server_comes_changes_its_map_and_is_told_to_players() {
    if !need(ENGINE) || !need("quakestat") {
        return;
    }
    let tracker = TrackerProcess::start();
    let bridge = Bridge::start(&tracker, "quake", &[]);
    let (home, port) = (Home::new("quake3"), free_udp_port());
    make_game(&home.0);
    let mut server = start_engine(&home.0, &port, &bridge.at.to_string());
    let list = tracker.wait_for_list(|list| !list.is_empty());
    for part in [
        &*format!("ip=127.0.0.1 port={port} nbplayers=0 maxplayers=6"),
        "description=\"Friday mini\"",
        "query=quake3",
        "game=Quake3Arena map=first",
        // It speaks two protocols, and says the older one.
        "protocol=68",
    ] {
        assert!(list[0].contains(part), "{part}: {list:?}");
    }
    let master = bridge.at.to_string();
    let shown = wait_until("qstat is told", || {
        let mut qstat = Command::new("quakestat");
        qstat.env("PATH", path()).env("QSTAT_CONFIG", "/dev/null");
        let output = qstat
            .args(["-json", "-mi", "0.5", "-q3m,68", &master])
            .output();
        let shown = String::from_utf8(output.unwrap().stdout).unwrap();
        shown.contains("first").then_some(shown)
    });
    assert!(shown.contains(&format!("127.0.0.1:{port}")), "{shown}");
    server.say("map second");
    tracker.wait_for_list(|list| list.iter().any(|line| line.contains("map=second")));
}

#[test]
fn a_real_quake_server_is_asked_and_off_the_list_when_it_is_killed() {
    if !need(ENGINE) {
        return;
    }
    let tracker = TrackerProcess::start();
    let (home, port) = (Home::new("quake3-asked"), free_udp_port());
    make_game(&home.0);
    let mut server = start_engine(&home.0, &port, "");
    let mut announce = command();
    announce.args(["announce", &tracker.servers.to_string(), "--ask-every", "1"]);
    announce.args(["--ask", &format!("quake3=127.0.0.1:{port}"), "mode=duel"]);
    announce.env("GLTRACKER_PASSWORD", PASSWORD);
    let _announce = Program::start(announce);
    let list = tracker.wait_for_list(|list| !list.is_empty());
    for part in [
        &*format!("port={port} nbplayers=0 maxplayers=6 version=\"ioq3 "),
        "description=\"Friday mini\"",
        "query=quake3",
        "map=first",
        "mode=duel",
    ] {
        assert!(list[0].contains(part), "{part}: {list:?}");
    }
    server.say("map second");
    tracker.wait_for_list(|list| list.iter().any(|line| line.contains("map=second")));
    server.kill();
    tracker.wait_for_list(|list| list.is_empty());
    let _server = start_engine(&home.0, &port, "");
    tracker.wait_for_list(|list| list.iter().any(|line| line.contains("map=first")));
}
