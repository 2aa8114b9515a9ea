//! As much of Redis as trackers use, on a pretend clock.

use crate::tracker::sharing::wire::resp::{Pipeline, Reader, Reply};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

#[derive(Debug, Clone)]
enum Value {
    Text(String),
    Hash(BTreeMap<String, String>),
    /// Number and text of each entry.
    Stream(Vec<(u64, String)>),
}

/// The keys, each with when it is forgotten.
#[derive(Debug, Clone, Default)]
pub(super) struct ModelEngine {
    keys: BTreeMap<String, (Value, Option<Instant>)>,
    transaction: Option<Vec<Vec<String>>>,
}

impl ModelEngine {
    /// Does what a pipeline says.
    pub(super) fn obey(&mut self, pipeline: &Pipeline, now: Instant) -> Vec<Reply> {
        let mut reader = Reader::default();
        reader.feed(pipeline.bytes());
        let mut replies = Vec::new();
        while let Some(Reply::Array(words)) = reader.next_reply().unwrap() {
            let text = |word| match word {
                Reply::Bytes(word) => String::from_utf8(word).unwrap(),
                other => panic!("{other:?}"),
            };
            replies.push(self.command(words.into_iter().map(text).collect(), now));
        }
        assert_eq!(replies.len(), pipeline.count());
        replies
    }

    fn command(&mut self, words: Vec<String>, now: Instant) -> Reply {
        let ok = || Reply::Status("OK".into());
        match (words[0].as_str(), self.transaction.take()) {
            ("MULTI", None) => {
                self.transaction = Some(Vec::new());
                ok()
            }
            ("EXEC", Some(commands)) => {
                let replies = commands.into_iter().map(|words| self.command(words, now));
                Reply::Array(replies.collect())
            }
            (_, Some(mut commands)) => {
                commands.push(words);
                self.transaction = Some(commands);
                Reply::Status("QUEUED".into())
            }
            (_, None) => self.act(&words, now),
        }
    }

    fn act(&mut self, words: &[String], now: Instant) -> Reply {
        self.keys
            .retain(|_, (_, until)| until.is_none_or(|until| now < until));
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words[..] {
            ["GET", key] => match self.keys.get(key) {
                Some((Value::Text(text), _)) => bytes(text),
                None => Reply::Nil,
                Some(_) => Reply::Error("WRONGTYPE".into()),
            },
            ["SET", key, _, "NX"] if self.keys.contains_key(key) => Reply::Nil,
            ["SET", key, value, "NX"] => self.set(key, value, None),
            ["SET", key, value, "PX", time] => self.set(key, value, Some(now + milliseconds(time))),
            ["SET", key, value, "EX", time] => {
                self.set(key, value, Some(now + milliseconds(time) * 1000))
            }
            ["PEXPIRE", key, time] => {
                let value = self.keys.get_mut(key);
                let is_there = value.is_some();
                value
                    .into_iter()
                    .for_each(|value| value.1 = Some(now + milliseconds(time)));
                Reply::Number(i64::from(is_there))
            }
            ["DEL", ref keys @ ..] => {
                keys.iter().for_each(|key| drop(self.keys.remove(*key)));
                Reply::Number(0)
            }
            ["HSET", key, ref fields @ ..] => {
                for pair in fields.chunks_exact(2) {
                    self.hash(key).insert(pair[0].into(), pair[1].into());
                }
                Reply::Number(0)
            }
            ["HDEL", key, ref fields @ ..] => {
                for field in fields {
                    self.hash(key).remove(*field);
                }
                Reply::Number(0)
            }
            ["HGETALL", key] => {
                let fields = self.hash(key).iter();
                Reply::Array(
                    fields
                        .flat_map(|(key, value)| [bytes(key), bytes(value)])
                        .collect(),
                )
            }
            ["XADD", key, "MAXLEN", "~", _, id, "c", text] => self.add(key, id, text),
            ["XREAD", "COUNT", most, "STREAMS", ref rest @ ..] => self.read(most, rest),
            _ => Reply::Error(format!("ERR unknown command {words:?}")),
        }
    }

    fn set(&mut self, key: &str, value: &str, until: Option<Instant>) -> Reply {
        self.keys
            .insert(key.into(), (Value::Text(value.into()), until));
        Reply::Status("OK".into())
    }

    fn hash(&mut self, key: &str) -> &mut BTreeMap<String, String> {
        let hash = || (Value::Hash(BTreeMap::new()), None);
        match self.keys.entry(key.into()).or_insert_with(hash) {
            (Value::Hash(hash), _) => hash,
            other => panic!("{other:?}"),
        }
    }

    fn add(&mut self, key: &str, id: &str, text: &str) -> Reply {
        let stream = || (Value::Stream(Vec::new()), None);
        let (Value::Stream(stream), _) = self.keys.entry(key.into()).or_insert_with(stream) else {
            return Reply::Error("WRONGTYPE".into());
        };
        let number = id.strip_suffix("-0").unwrap().parse().unwrap();
        if stream.last().is_some_and(|(last, _)| *last >= number) {
            return Reply::Error("ERR The ID is not greater".into());
        }
        stream.push((number, text.into()));
        bytes(id)
    }

    fn read(&self, most: &str, rest: &[&str]) -> Reply {
        let most: usize = most.parse().unwrap();
        let (keys, ids) = rest.split_at(rest.len() / 2);
        let mut streams = Vec::new();
        for (key, id) in keys.iter().zip(ids) {
            let after: u64 = id.strip_suffix("-0").unwrap().parse().unwrap();
            let Some((Value::Stream(stream), _)) = self.keys.get(*key) else {
                continue;
            };
            let new = stream
                .iter()
                .filter(|(number, _)| *number > after)
                .take(most);
            let entries: Vec<Reply> = new
                .map(|(number, text)| {
                    let fields = Reply::Array(vec![bytes("c"), bytes(text)]);
                    Reply::Array(vec![bytes(&format!("{number}-0")), fields])
                })
                .collect();
            if !entries.is_empty() {
                streams.push(Reply::Array(vec![bytes(key), Reply::Array(entries)]));
            }
        }
        match streams.is_empty() {
            true => Reply::Nil,
            false => Reply::Array(streams),
        }
    }

    /// Loses everything.
    pub(super) fn restart_empty(&mut self) {
        *self = Self::default();
    }

    /// Loses the older half of every stream.
    pub(super) fn trim(&mut self) {
        for (value, _) in self.keys.values_mut() {
            if let Value::Stream(stream) = value {
                stream.drain(..stream.len().div_ceil(2));
            }
        }
    }

    /// Loses one key, as an engine that makes room by itself does.
    pub(super) fn evict(&mut self, at: usize) {
        let key = self.keys.keys().nth(at % self.keys.len().max(1)).cloned();
        key.map(|key| self.keys.remove(&key));
    }

    /// Loses one field of a hash.
    pub(super) fn damage(&mut self, at: usize) {
        let fields = self
            .keys
            .iter_mut()
            .flat_map(|(key, (value, _))| match value {
                Value::Hash(hash) => hash.iter_mut().map(|(_, value)| value).collect(),
                Value::Text(text) if key.ends_with("none") => vec![text],
                _ => Vec::new(),
            });
        let mut fields: Vec<&mut String> = fields.collect();
        let count = fields.len().max(1);
        if let Some(field) = fields.get_mut(at % count) {
            **field = "1 1 - ?".into();
        }
    }
}

fn bytes(text: &str) -> Reply {
    Reply::Bytes(text.into())
}

fn milliseconds(text: &str) -> Duration {
    Duration::from_millis(text.parse().unwrap())
}
