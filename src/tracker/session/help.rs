//! What the sessions answer to HELP.

use super::limits::Setting;

/// On the game-server port.
pub(super) fn for_game_server(setting: &Setting) -> String {
    format!(
        "This port is for game servers; clients ask for the list on port {}.\n\
         1. LOGIN <password>                      is answered CHALLENGE <number>\n\
         2. INFOS <number> port=23460 key=value   puts you on the list\n\
         3. INFOS nbplayers=3                     changes a field; key= removes one\n\
         With a key: LOGIN name=<name>, then INFOS <number> port=<port> mac=<hex>, see PROTOCOL.md.\n\
         PING <word> is to be answered PONG <word>, within {} s.\n\
         QUIT, or hanging up, takes you off the list. Values with spaces: key=\"two words\".",
        setting.client_port,
        setting
            .timings
            .drop_after
            .saturating_sub(setting.timings.ping_after)
            .as_secs(),
    )
}

/// On the client port.
pub(super) fn for_client(setting: &Setting) -> String {
    format!(
        "This port is for clients; game servers log in on port {}.\n\
         LIST                             every game server, then END\n\
         LIST notempty speed=fast         with conditions: key=value key!=value key>=n key<=n\n\
         \u{20}                                notempty notfull\n\
         LIST since=<rev>                 what has changed since an earlier END said rev=<rev>\n\
         WATCH notempty                   as LIST, and then whatever changes as it happens\n\
         PING <word>                      is answered PONG <word>\n\
         QUIT                             closes the connection",
        setting.game_server_port
    )
}

/// To a watcher.
pub(super) fn for_watcher() -> String {
    "This connection watches the list: what changes is sent as it happens.\n\
     PING <word>    is answered PONG <word>\n\
     QUIT           closes the connection"
        .to_owned()
}
