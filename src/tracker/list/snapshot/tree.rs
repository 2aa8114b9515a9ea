//! The list as it is at one moment.
//!
//! The list is a tree: leaves of 128 game servers, 32 leaves to a branch, each shared by reference. Whoever
//! takes the list takes a reference. A change writes one line in one leaf; while somebody still holds the
//! older list, it copies that leaf, the pointers of its branch and those to the branches, and nothing else
//! however long the list is. So neither a reader nor a writer ever waits for the whole list to be formatted.

use super::leaf::{LEAF, Leaf};
use crate::protocol::fields::Filter;
use crate::protocol::revision::Revision;
use crate::tracker::list::entry::Entry;
use std::sync::Arc;

/// Leaves per branch.
const BRANCH: usize = 32;

/// The list at one revision. It does not change while somebody holds it.
#[derive(Debug, Clone)]
pub struct List {
    branches: Vec<Arc<Branch>>,
    count: usize,
    revision: Revision,
}

#[derive(Debug, Clone, Default)]
struct Branch {
    leaves: Vec<Arc<Leaf>>,
}

impl List {
    /// An empty list. `epoch` tells the revisions of this process from those of any other.
    pub(crate) fn new(epoch: u32) -> Self {
        Self {
            branches: Vec::new(),
            count: 0,
            revision: Revision { epoch, count: 0 },
        }
    }

    /// How many game servers are listed.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The revision of this state of the list.
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// The INFOS lines of all game servers, in pieces to be sent one after the other.
    pub fn encoded(&self) -> impl Iterator<Item = &[u8]> {
        self.leaves().map(|leaf| &*leaf.encoded)
    }

    /// How many pieces [`encoded`](Self::encoded) has.
    pub(crate) fn pieces(&self) -> usize {
        self.count.div_ceil(LEAF)
    }

    /// Every game server on the list, in no particular order.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.leaves()
            .flat_map(|leaf| leaf.entries.iter().map(|entry| &**entry))
    }

    /// The INFOS lines of the game servers that satisfy `filter`, and how many they are.
    pub fn encode_matching(&self, filter: &Filter) -> (usize, Vec<u8>) {
        let mut encoded = Vec::new();
        let mut count = 0;
        for leaf in self.leaves() {
            let selected = leaf.select(filter);
            leaf.push_selected(selected, &mut encoded);
            count += selected.count_ones() as usize;
        }
        (count, encoded)
    }

    /// The game servers of each piece of [`encoded`](Self::encoded), and whether `older` has the same piece
    /// in that place.
    pub fn pieces_since<'a>(
        &'a self,
        older: Option<&'a List>,
    ) -> impl Iterator<Item = (bool, &'a [Arc<Entry>])> {
        let mut before = older.into_iter().flat_map(List::shared_leaves);
        self.shared_leaves().map(move |leaf| {
            // A leaf that `older` holds is never changed in place.
            let is_same = before.next().is_some_and(|older| Arc::ptr_eq(older, leaf));
            (is_same, &*leaf.entries)
        })
    }

    fn leaves(&self) -> impl Iterator<Item = &Leaf> {
        self.shared_leaves().map(|leaf| &**leaf)
    }

    fn shared_leaves(&self) -> impl Iterator<Item = &Arc<Leaf>> {
        self.branches.iter().flat_map(|branch| &branch.leaves)
    }

    /// The entry at `place`, which must be less than [`count`](Self::count).
    pub(crate) fn at(&self, place: usize) -> &Arc<Entry> {
        let (branch, leaf, at) = split(place);
        &self.branches[branch].leaves[leaf].entries[at]
    }

    /// Puts another entry at `place`, which must be less than [`count`](Self::count). Returns the
    /// one that was there.
    pub(crate) fn replace(&mut self, place: usize, entry: Arc<Entry>) -> Arc<Entry> {
        let (branch, leaf, at) = split(place);
        let branch = Arc::make_mut(&mut self.branches[branch]);
        Arc::make_mut(&mut branch.leaves[leaf]).replace(at, entry)
    }

    /// Puts an entry at the end.
    pub(crate) fn push(&mut self, entry: Arc<Entry>) {
        let (branch, leaf, at) = split(self.count);
        if leaf == 0 && at == 0 {
            self.branches.push(Arc::default());
        }
        let branch = Arc::make_mut(&mut self.branches[branch]);
        if at == 0 {
            branch.leaves.push(Arc::default());
        }
        Arc::make_mut(&mut branch.leaves[leaf]).push(entry);
        self.count += 1;
    }

    /// Takes the last entry off. There must be one.
    pub(crate) fn pop(&mut self) {
        self.count -= 1;
        let (branch, leaf, at) = split(self.count);
        if leaf == 0 && at == 0 {
            self.branches.pop();
            return;
        }
        let branch = Arc::make_mut(&mut self.branches[branch]);
        if at == 0 {
            branch.leaves.pop();
        } else {
            Arc::make_mut(&mut branch.leaves[leaf]).pop();
        }
    }

    /// Counts one more change.
    pub(crate) fn advance(&mut self) {
        self.revision.count += 1;
    }
}

/// Splits a place into the branch, the leaf in it, and the place in the leaf.
fn split(place: usize) -> (usize, usize, usize) {
    (place / (LEAF * BRANCH), place / LEAF % BRANCH, place % LEAF)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::fields::{Changes, Infos};
    use crate::tracker::access::identity::Credential;
    use quickcheck::quickcheck;

    fn entry(port: usize, text: &str) -> Arc<Entry> {
        let infos = Infos::default();
        let mut infos = infos.with(&Changes::parse(&format!("port={port}")).unwrap());
        infos.set("description", text).unwrap();
        let ip = "192.0.2.1".parse().unwrap();
        Arc::new(Entry::new(ip, infos, Credential::Password(0)).unwrap())
    }

    fn list(entries: usize) -> List {
        let mut list = List::new(1);
        (1..=entries).for_each(|port| list.push(entry(port, "")));
        list
    }

    fn text(list: &List) -> String {
        let bytes: Vec<u8> = list.encoded().flatten().copied().collect();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_change_copies_one_leaf_and_one_branch_and_only_while_the_list_is_held() {
        let mut list = list(2 * LEAF * BRANCH + 3 * LEAF);
        let held = list.clone();
        let place = LEAF * BRANCH + 2 * LEAF + 7;
        list.replace(place, entry(9, "new"));
        let shared = |a: &[Arc<Branch>], b: &[Arc<Branch>]| -> usize {
            let leaves = |branches: &[Arc<Branch>]| -> Vec<*const Leaf> {
                let leaves = branches.iter().flat_map(|branch| &branch.leaves);
                leaves.map(Arc::as_ptr).collect()
            };
            let pairs = leaves(a).into_iter().zip(leaves(b));
            pairs.filter(|(a, b)| a == b).count()
        };
        assert_eq!(shared(&held.branches, &list.branches), 2 * BRANCH + 3 - 1);
        let pieces = list.pieces_since(Some(&held));
        let changed: Vec<usize> = (0..)
            .zip(pieces)
            .filter_map(|(at, (is_same, _))| (!is_same).then_some(at))
            .collect();
        assert_eq!(changed, [place / LEAF]);
        assert!(list.pieces_since(None).all(|(is_same, _)| !is_same));
        assert!(Arc::ptr_eq(&held.branches[0], &list.branches[0]));
        assert!(Arc::ptr_eq(&held.branches[2], &list.branches[2]));
        drop(held);
        let (before, leaf) = (Arc::as_ptr(&list.branches[1]), split(place).1);
        let leaf_before = Arc::as_ptr(&list.branches[1].leaves[leaf]);
        list.replace(place, entry(9, "newer"));
        assert_eq!(before, Arc::as_ptr(&list.branches[1]));
        assert_eq!(leaf_before, Arc::as_ptr(&list.branches[1].leaves[leaf]));
    }

    /// Values that a search for text would take for something else.
    const VALUES: [&str; 10] = [
        "",
        "1",
        "7",
        "007",
        "18446744073709551616",
        "+1",
        "a map=1",
        "\"",
        "x\\\" map=7",
        "map",
    ];

    /// What a filter lets through, one game server after the other.
    fn one_by_one(list: &List, filter: &Filter) -> (usize, Vec<u8>) {
        let matching = list.entries().filter(|entry| filter.matches(&entry.infos));
        let lines: Vec<_> = matching.map(Entry::line).collect();
        (lines.len(), lines.concat().concat().into_bytes())
    }

    quickcheck! {
        fn a_filter_finds_what_it_finds_one_by_one(
            said: Vec<(u8, u8, u8, u8)>,
            conditions: Vec<(u8, u8, u8)>
        ) -> bool {
            let mut filter = String::new();
            for (key, operator, value) in conditions.into_iter().take(4) {
                let key = ["map", "nbplayers", "maxplayers", "none"][usize::from(key % 4)];
                let (value, number) = (VALUES[usize::from(value) % 4], value % 9);
                filter += &match operator % 6 {
                    0 => format!(" map=\"{}\"", VALUES[6].replace('"', "")),
                    1 => format!(" {key}>={number}"),
                    2 => format!(" {key}<={number}"),
                    3 => format!(" {}", ["notempty", "notfull"][value.len() % 2]),
                    4 => format!(" {key}={value}"),
                    _ => format!(" {key}!={value}"),
                };
            }
            let filter = Filter::parse(&filter).unwrap();
            let mut list = list(LEAF - 1);
            for (place, players, most, map) in said.into_iter().cycle().take(LEAF) {
                let mut entry = entry(1 + usize::from(players), "");
                let infos = &mut Arc::get_mut(&mut entry).unwrap().infos;
                infos.set("nbplayers", ["", "0", "3", "8"][usize::from(players % 4)]).unwrap();
                infos.set("maxplayers", ["", "3", "8", "9"][usize::from(most % 4)]).unwrap();
                infos.set("map", VALUES[usize::from(map) % VALUES.len()]).unwrap();
                match place % 8 {
                    0 if list.count() > 1 => list.pop(),
                    1..4 => list.push(entry),
                    _ => drop(list.replace(usize::from(place) % list.count(), entry)),
                }
                if place % 32 == 5 {
                    assert_eq!(list.encode_matching(&filter), one_by_one(&list, &filter));
                }
            }
            list.encode_matching(&filter) == one_by_one(&list, &filter)
        }

        fn the_list_behaves_as_a_plain_vector_does(operations: Vec<(u8, u16, String)>) -> bool {
            // Long enough that branches come and go.
            let mut list = list(LEAF * BRANCH - 2);
            let mut model: Vec<Arc<Entry>> =
                (0..list.count()).map(|place| Arc::clone(list.at(place))).collect();
            let mut held = Vec::new();
            for (kind, number, text) in operations {
                let plain: String = text.chars().filter(char::is_ascii_alphanumeric).collect();
                let entry = entry(usize::from(number).max(1), &plain);
                match kind % 4 {
                    0 => {
                        list.pop();
                        model.pop();
                    }
                    1 | 2 => {
                        list.push(Arc::clone(&entry));
                        model.push(entry);
                    }
                    _ => {
                        let place = usize::from(number) % model.len();
                        list.replace(place, Arc::clone(&entry));
                        model[place] = entry;
                    }
                }
                held.push((list.clone(), model.clone()));
            }
            held.iter().all(|(list, model)| {
                let lines: String = model.iter().flat_map(|entry| entry.line()).collect();
                self::text(list) == lines
                    && list.count() == model.len()
                    && list.entries().eq(model.iter().map(|entry| &**entry))
            })
        }
    }
}
