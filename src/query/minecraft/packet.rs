//! What travels: packets with their length before them.

/// Bytes of a packet. The game's own client reads no more than 32,767 characters of an answer, and none
/// takes more than four bytes.
pub(super) const LONGEST_PACKET: usize = 4 * 32_767;

/// Bytes of a number.
const LONGEST_NUMBER: usize = 5;

/// The version of the protocol that a client has who only wants to know.
const NO_VERSION: i32 = -1;

/// What a client says first: that it wants to know what the game server is, and which name it was
/// given for it.
pub(super) fn handshake(host: &str, port: u16) -> Vec<u8> {
    let mut body = Vec::new();
    push_number(&mut body, 0);
    push_number(&mut body, NO_VERSION as u32);
    push_number(&mut body, host.len() as u32);
    body.extend_from_slice(host.as_bytes());
    body.extend_from_slice(&port.to_be_bytes());
    push_number(&mut body, 1);
    packet(&body)
}

/// The question for a status.
pub(super) fn status_request() -> Vec<u8> {
    packet(&[0])
}

/// The question for a pong.
pub(super) fn ping(word: u64) -> Vec<u8> {
    packet(&[&[1], &word.to_be_bytes()[..]].concat())
}

fn packet(body: &[u8]) -> Vec<u8> {
    let mut packet = Vec::new();
    push_number(&mut packet, body.len() as u32);
    packet.extend_from_slice(body);
    packet
}

/// Appends a number, seven bits in a byte, the lowest first; all bytes but the last have the eighth set.
fn push_number(out: &mut Vec<u8>, mut number: u32) {
    while number > 0x7f {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Takes a number off the front of `bytes`; `Ok(None)` if it is not whole.
///
/// # Errors
/// It has too many bytes.
#[allow(clippy::result_unit_err)]
pub(super) fn take_number(bytes: &mut &[u8]) -> Result<Option<u32>, ()> {
    let mut number = 0;
    for (at, &byte) in bytes.iter().take(LONGEST_NUMBER).enumerate() {
        number |= u32::from(byte & 0x7f) << (7 * at);
        if byte < 0x80 {
            *bytes = &bytes[at + 1..];
            return Ok(Some(number));
        }
    }
    match bytes.len() < LONGEST_NUMBER {
        true => Ok(None),
        false => Err(()),
    }
}
