//! Which node is tried first. Pure.

use super::error::Node;

/// The nodes of the engine.
#[derive(Debug)]
pub(super) struct Nodes {
    all: Vec<Node>,
    /// The place of the one that is tried first.
    first: usize,
    /// The node of a cluster that has the keys, as the cluster said.
    owner: Option<Node>,
}

impl Nodes {
    pub(super) fn new(all: Vec<Node>) -> Self {
        Self {
            all,
            first: 0,
            owner: None,
        }
    }

    /// All nodes in the order in which they are tried.
    pub(super) fn in_turn(&self) -> Vec<Node> {
        let (later, sooner) = self.all.split_at(self.first);
        let named = sooner.iter().chain(later);
        self.owner.iter().chain(named).cloned().collect()
    }

    /// This node has answered: it is tried first from now on.
    pub(super) fn answered(&mut self, node: &Node) {
        if let Some(place) = self.all.iter().position(|other| other == node) {
            self.first = place;
        }
        self.owner = self.owner.take().filter(|owner| owner == node);
    }

    /// The one that is tried first takes no writes: the next one is tried first from now on.
    pub(super) fn pass_over(&mut self) {
        if self.owner.take().is_none() {
            self.first = (self.first + 1) % self.all.len().max(1);
        }
    }

    /// A cluster says that this node has the keys.
    pub(super) fn has_keys(&mut self, node: Node) {
        self.owner = Some(node);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_that_has_answered_is_tried_first() {
        let node = |text: &str| text.parse::<Node>().unwrap();
        let mut nodes = Nodes::new(vec![node("a"), node("b"), node("c")]);
        let order = |nodes: &Nodes| {
            let hosts = nodes.in_turn();
            hosts.iter().map(|node| node.host()).collect::<String>()
        };
        assert_eq!(order(&nodes), "abc");
        nodes.answered(&node("c"));
        assert_eq!(order(&nodes), "cab");
        nodes.pass_over();
        assert_eq!(order(&nodes), "abc");
        nodes.has_keys(node("x"));
        nodes.answered(&node("x"));
        assert_eq!(order(&nodes), "xabc");
        nodes.pass_over();
        assert_eq!(order(&nodes), "abc");
        nodes.has_keys(node("x"));
        nodes.answered(&node("b"));
        assert_eq!(order(&nodes), "bca");
    }
}
