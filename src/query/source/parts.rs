//! Split answers. Each part has a header, of which there are two forms.

use std::collections::BTreeMap;

/// What a part of a split answer begins with.
pub(super) const SPLIT: [u8; 4] = [0xfe, 0xff, 0xff, 0xff];
/// What a whole answer begins with.
pub(super) const WHOLE: [u8; 4] = [0xff; 4];

/// Parts of one answer: as many as the older form can number. Servers send one or two.
const MOST_PARTS: u8 = 15;
/// Bytes of a part. Servers split at 1,400 or less.
const LONGEST_PART: usize = 4096;
/// Bytes of the header of the first part: the split mark, the number of the answer, and then how many
/// parts there are, which this is, and how long they are; or the first two in one byte.
const HEADER: usize = 12;
const OLD_HEADER: usize = 9;
/// This bit of the number of the answer says that it is compressed.
const IS_COMPRESSED: u8 = 0x80;

/// The parts of one answer that have come, in whatever order.
#[derive(Debug, Clone, Default)]
pub(super) struct Parts {
    /// Of the answer.
    number: [u8; 4],
    datagrams: BTreeMap<Vec<u8>, Vec<u8>>,
}

/// How a part is numbered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// One byte for the number of parts, and one for which it is.
    New,
    /// Half a byte for each.
    Old,
}

impl Parts {
    /// Takes a part.
    ///
    /// Returns the whole answer once all have come.
    ///
    /// # Errors
    /// What it is instead, for a person.
    pub(super) fn take(&mut self, datagram: &[u8]) -> Result<Option<Vec<u8>>, &'static str> {
        let Some((head, body)) = datagram.split_at_checked(OLD_HEADER) else {
            return Err("a part of an answer that breaks off");
        };
        let number = [head[4], head[5], head[6], head[7]];
        if self.number != number {
            *self = Self {
                number,
                ..Self::default()
            };
        }
        if datagram.len() > LONGEST_PART || self.datagrams.len() >= MOST_PARTS.into() {
            return Err("an answer in too many or too long parts");
        }
        // A part that comes twice is kept once.
        let name = [head, &body[..body.len().min(HEADER - OLD_HEADER)]].concat();
        self.datagrams.insert(name, datagram.to_vec());
        self.whole()
    }

    fn whole(&self) -> Result<Option<Vec<u8>>, &'static str> {
        let datagrams = || self.datagrams.values();
        let Some(form) = datagrams().find_map(|datagram| form_of_first(datagram)) else {
            // The first of a compressed answer is not to be recognised.
            let all_are_here = datagrams().next().is_some_and(|datagram| {
                self.number[3] & IS_COMPRESSED != 0
                    && usize::from(datagram[8]) == self.datagrams.len()
            });
            return match all_are_here {
                true => Err("a game server whose answer is compressed, which is not read here"),
                false => Ok(None),
            };
        };
        let (count, _) = place(form, datagrams().next().expect("one has just come"));
        let mut whole = Vec::new();
        for wanted in 0..count {
            let is_wanted = |datagram: &&Vec<u8>| place(form, datagram) == (count, wanted);
            let Some(part) = datagrams().find(is_wanted) else {
                return Ok(None);
            };
            let header = match form {
                Form::New => HEADER,
                Form::Old => OLD_HEADER,
            };
            whole.extend_from_slice(part.get(header..).unwrap_or_default());
        }
        Ok(Some(whole))
    }
}

/// The form of the parts, if this is the first: the whole answer begins in it.
fn form_of_first(datagram: &[u8]) -> Option<Form> {
    let begins = |header: usize| {
        let body = datagram.get(header..);
        body.is_some_and(|body| body.starts_with(&WHOLE))
    };
    let forms = [(Form::Old, OLD_HEADER), (Form::New, HEADER)];
    let mut forms = forms.into_iter();
    let is_first = |form| place(form, datagram).1 == 0;
    forms.find_map(|(form, header)| (begins(header) && is_first(form)).then_some(form))
}

/// How many parts there are, and which this is.
fn place(form: Form, datagram: &[u8]) -> (u8, u8) {
    match form {
        Form::New => (
            datagram[8],
            datagram[9..].first().copied().unwrap_or(u8::MAX),
        ),
        Form::Old => (datagram[8] & 0x0f, datagram[8] >> 4),
    }
}
