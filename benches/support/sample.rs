//! Game servers as they are.

/// What game server `number` says about itself: 8 fields, some 130 bytes. One in nine is empty, as
/// many are full, one in four is fast.
pub(crate) fn fields(number: usize) -> String {
    let port = 10_000 + number;
    let players = number % 9;
    let speed = ["boring", "normal", "fast", "crazy"][number % 4];
    let size = ["tiny", "medium", "big", "vast", "extreme"][number % 5];
    format!(
        "port={port} nbplayers={players} maxplayers=8 version=0.70 speed={speed} size={size} \
         erase=on description=\"Cycles {number}, everybody is welcome\""
    )
}
