//! Filters that nobody has asked for before.

/// A kind of filter, of which there are as many as numbers.
#[derive(Clone, Copy)]
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    pub(crate) text: fn(usize) -> String,
}

pub(crate) const KINDS: [Kind; 6] = [
    Kind {
        name: "port=1",
        text: |n| format!("port={}", 1 + n % 9_000),
    },
    Kind {
        name: "nbplayers>=200",
        text: |n| format!("nbplayers>={}", 200 + n),
    },
    Kind {
        name: "map=arena notempty",
        text: |n| format!("map=arena{n} notempty"),
    },
    Kind {
        name: "three equalities",
        text: |n| format!("speed=fast size=big version={n}"),
    },
    MANY,
    Kind {
        name: "half of the list",
        text: |n| format!("nbplayers>=4 version!={n}"),
    },
];

/// As many conditions as there may be, all of which must be looked at.
pub(crate) const MANY: Kind = Kind {
    name: "a!=1 ... zz=1, 32 in all",
    text: |n| {
        let not = (0..31).map(|key| format!("{}{}!={n} ", letter(key / 26), letter(key % 26)));
        not.chain(["zz=1".to_owned()]).collect()
    },
};

fn letter(number: usize) -> char {
    char::from(b'a' + (number % 26) as u8)
}
