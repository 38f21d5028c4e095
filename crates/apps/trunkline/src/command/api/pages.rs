//! Operations that answer with a list: whose pages `--all` follows, and which text shows as a table.

use chime_api::shape::{Kind, Member, Shape};
use chime_api::{Effect, Operation};
use serde_json::{Map, Value};

use crate::connection::Connection;
use crate::failure::Failure;

const TOKEN: &str = "NextToken";

/// An operation that reads a list.
#[derive(Debug, Clone, Copy)]
pub(super) struct List {
    pub(super) operation: Operation,
    /// The member of its answer that holds the items.
    pub(super) member: &'static str,
    /// What one item is.
    pub(super) element: &'static Shape,
    has_pages: bool,
}

impl List {
    /// `None` for an operation whose answer is no list.
    pub(super) fn of(operation: Operation) -> Option<Self> {
        let spec = operation.spec();
        let members = spec.output?.members();
        let is_token = |member: &&Member| member.name == TOKEN;
        let mut items = members.iter().filter(|it| !is_token(it));
        let (member, None) = (items.next()?, items.next()) else { return None };
        let Kind::List { element, .. } = &member.shape.kind else { return None };
        let has_pages = members.iter().any(|it| is_token(&it));
        (spec.effect == Effect::Read).then_some(Self {
            operation,
            member: member.name,
            element,
            has_pages,
        })
    }

    /// The operation, if it has pages.
    pub(super) fn paged(operation: Operation) -> Result<Self, Failure> {
        Self::of(operation).filter(|it| it.has_pages).ok_or_else(|| {
            Failure::Usage(format!("{operation} answers with one page; leave --all out"))
        })
    }
}

/// Every page of a list, as one document.
pub(super) async fn all(
    connection: &Connection,
    list: List,
    input: &str,
) -> Result<Value, Failure> {
    let mut input = input.to_owned();
    let mut items = Vec::new();
    let mut before: Option<String> = None;
    loop {
        let answer = connection.call(list.operation.name(), &input).await?;
        let (page, token) = taken_apart(answer, list.member);
        items.extend(page);
        let Some(token) = token else {
            return Ok(Value::Object(Map::from_iter([(list.member.to_owned(), items.into())])));
        };
        if before.as_ref() == Some(&token) {
            let told = "told the same page twice; the list would never end";
            return Err(Failure::Failed(format!("{} {told}", list.operation)));
        }
        input = with_token(&input, &token);
        before = Some(token);
    }
}

/// The items of a page, and the token of the next.
fn taken_apart(answer: Option<Value>, member: &str) -> (Vec<Value>, Option<String>) {
    let Some(Value::Object(mut answer)) = answer else { return (Vec::new(), None) };
    let items = match answer.remove(member) {
        Some(Value::Array(items)) => items,
        Some(_) | None => Vec::new(),
    };
    let token = answer.get(TOKEN).and_then(Value::as_str).filter(|it| !it.is_empty());
    (items, token.map(str::to_owned))
}

/// The same request for another page. It was served once, so it is an object.
fn with_token(input: &str, token: &str) -> String {
    let mut members: Map<String, Value> = serde_json::from_str(input).unwrap_or_default();
    members.insert(TOKEN.to_owned(), token.into());
    Value::Object(members).to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lists_are_told_from_other_answers_and_paged_ones_from_whole_ones() {
        let list = List::of(Operation::ListVoiceConnectors).unwrap();
        assert_eq!((list.member, list.element.name), ("VoiceConnectors", "VoiceConnector"));
        assert!(List::paged(Operation::SearchAvailablePhoneNumbers).is_ok());
        assert!(List::of(Operation::ListTagsForResource).is_some());
        let whole = List::paged(Operation::ListTagsForResource).unwrap_err().to_string();
        assert!(whole.contains("leave --all out"), "{whole}");
        assert!(List::of(Operation::GetVoiceConnector).is_none());
        assert!(List::of(Operation::BatchDeletePhoneNumber).is_none(), "it changes something");
        for operation in Operation::all().filter(|it| it.name().starts_with("List")) {
            assert!(List::of(operation).is_some(), "{operation}");
        }
    }

    #[test]
    fn the_next_page_is_asked_for_as_the_first_was() {
        assert_eq!(with_token(r#"{"MaxResults":2}"#, "t"), r#"{"MaxResults":2,"NextToken":"t"}"#);
        assert_eq!(with_token(r#"{"NextToken":"s"}"#, "t"), r#"{"NextToken":"t"}"#);
        let page = json!({ "Usernames": ["a"], "NextToken": "t" });
        assert_eq!(taken_apart(Some(page), "Usernames"), (vec![json!("a")], Some("t".into())));
        assert_eq!(taken_apart(Some(json!({ "NextToken": "" })), "Usernames"), (vec![], None));
        assert_eq!(taken_apart(None, "Usernames"), (vec![], None));
    }
}
