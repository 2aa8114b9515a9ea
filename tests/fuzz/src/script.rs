//! Bytes of the fuzzer as steps.
//!
//! Where an input is a script, that is lines of text, so that a seed can be written and a finding
//! read by a person.

/// The most steps of one input: more of the same shows nothing new and takes longer.
const MAX_STEPS: usize = 200;

/// The lines of `data`, each as its first byte and the rest.
pub fn steps(data: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    let lines = data.split(|&byte| byte == b'\n').take(MAX_STEPS);
    lines.filter_map(|line| line.split_first().map(|(first, rest)| (*first, rest)))
}

/// The byte that stands for a run of letters, and how many those are: so an input of a few bytes has
/// a line that is as long as lines may be.
const RUN: (u8, usize) = (1, 250);

/// The most bytes that an input grows to.
const MAX_GROWN: usize = 8192;

/// `data` with its runs written out.
pub fn grown(data: &[u8]) -> Vec<u8> {
    let mut grown = Vec::with_capacity(data.len());
    for byte in data {
        let times = if *byte == RUN.0 { RUN.1 } else { 1 };
        let letter = if *byte == RUN.0 { b'l' } else { *byte };
        grown.extend(std::iter::repeat_n(letter, times));
    }
    grown.truncate(MAX_GROWN);
    grown
}

/// A file that shows whether it is whole, with this first line and `lines` behind it.
pub fn sealed(first: &str, lines: &[u8]) -> Vec<u8> {
    let mut text = [first.as_bytes(), b"\n", lines].concat();
    if !text.ends_with(b"\n") {
        text.push(b'\n');
    }
    let count = text.iter().filter(|&&byte| byte == b'\n').count() - 1;
    let sum = text.iter().fold(0xcbf2_9ce4_8422_2325_u64, |sum, &byte| {
        (sum ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    text.extend(format!("end {count} {sum:016x}\n").bytes());
    text
}

/// The number that `bytes` begin with, or `most` if that is less.
pub fn number(bytes: &[u8], most: u64) -> u64 {
    let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit());
    digits.fold(0, |number, digit| {
        (number * 10 + u64::from(digit - b'0')).min(most)
    })
}

/// `bytes` in pieces of chance lengths from 0 to `most`, which `seed` decides.
pub fn pieces(mut bytes: &[u8], mut seed: u32, most: usize) -> Vec<&[u8]> {
    let mut pieces = Vec::new();
    while !bytes.is_empty() {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let length = (seed >> 16) as usize % (most + 1);
        let (piece, rest) = bytes.split_at(length.min(bytes.len()));
        pieces.push(piece);
        bytes = rest;
    }
    pieces
}
