//! What a request says, member by member, before its constraints are checked: for decisions that come
//! before [`decode()`](crate::decode()), such as whether its sender may ask it at all.

use crate::decode::gather;
use crate::node::Node;
use crate::operation::Operation;
use crate::route::Labels;
use crate::violation::Violation;

/// The members of a request, wherever in it they travelled. They are a stranger's word: nothing but
/// their syntax has been checked.
pub struct Members<'a>(Node<'a>);

impl<'a> Members<'a> {
    /// Gathers the members of a request, as [`decode()`](crate::decode()) will.
    ///
    /// # Errors
    /// A [`Violation`] of body or query as such; then `decode` refuses the request as well.
    pub fn gather(
        operation: Operation,
        labels: &'a Labels,
        query: &str,
        body: &'a [u8],
    ) -> Result<Self, Violation> {
        gather(operation.spec().input, labels, query, body).map(Self)
    }

    /// A member's text; `None` if it is absent or no text.
    #[must_use]
    pub fn text(&self, member: &str) -> Option<&str> {
        text(self.0.member(member)?)
    }

    /// The texts in a list of texts; what is none is passed over.
    pub fn texts(&self, list: &str) -> impl Iterator<Item = &str> {
        self.items(list).iter().filter_map(text)
    }

    /// The texts under one name in a list of structures.
    pub fn texts_within(&self, list: &str, member: &str) -> impl Iterator<Item = &str> {
        self.items(list).iter().filter_map(move |it| text(it.member(member)?))
    }

    /// Pairs of texts in a list of structures, such as the keys and values of tags.
    pub fn pairs(
        &self,
        list: &str,
        first: &str,
        second: &str,
    ) -> impl Iterator<Item = (&str, &str)> {
        self.items(list)
            .iter()
            .filter_map(move |it| Some((text(it.member(first)?)?, text(it.member(second)?)?)))
    }

    fn items(&self, list: &str) -> &[Node<'a>] {
        match self.0.member(list) {
            Some(Node::List(items)) => items,
            Some(_) | None => &[],
        }
    }
}

impl std::fmt::Debug for Members<'_> {
    /// Nothing of what they say: it may be a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Members(…)")
    }
}

fn text<'n>(node: &'n Node<'_>) -> Option<&'n str> {
    match node {
        Node::Text(text) => Some(text.as_str()),
        Node::Null
        | Node::Boolean(_)
        | Node::Integer(_)
        | Node::Float(_)
        | Node::List(_)
        | Node::Object(_) => None,
    }
}
