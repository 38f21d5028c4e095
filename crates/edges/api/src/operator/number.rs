//! The inventory of phone numbers.

use http::StatusCode;
use model::{
    AccountId, E164Number, PhoneNumber, PhoneNumberAssociation, SipRule, SipTriggerClaim,
    UnixMillis,
};
use store::{Listing as Stored, Page, StoreError, Tx, TypedTx as _, TypedView as _, View};

use super::dto::{AddNumbers, AddedNumbers, Number, NumberList, NumberRange, timestamp};
use super::query::Query;
use crate::answer::Answer;
use crate::authorize::OperatorPermit;
use crate::context::Context;
use crate::error::{ApiError, ErrorKind};
use crate::operation::association::describe;
use crate::page::Listing;

/// Numbers that one request may add.
const ADDED_MAX: usize = 10_000;
/// Numbers that one page looks at before it gives up filling itself.
const SCANNED_MAX: usize = 50_000;
/// Numbers read from the store at once.
const CHUNK: usize = 1000;

/// Adds numbers, all of them or none. An account that is named owns them at once.
pub(super) async fn add(
    context: &Context,
    _permit: OperatorPermit,
    wire: AddNumbers,
) -> Result<Answer, ApiError> {
    let numbers = parse_numbers(&wire)?;
    let (account, now) = (wire.account, context.clock.now());
    let added = context
        .write(move |tx| {
            let mut done = AddedNumbers { added: 0, assigned: 0, unchanged: 0 };
            for number in numbers {
                add_one(tx, number, account, now, &mut done)?;
            }
            Ok(done)
        })
        .await?;
    Ok(Answer::json(StatusCode::CREATED, &added))
}

fn add_one(
    tx: &mut dyn Tx,
    number: E164Number,
    account: Option<AccountId>,
    now: UnixMillis,
    done: &mut AddedNumbers,
) -> Result<(), ApiError> {
    let known = tx.get::<PhoneNumber>(&AccountId::DEFAULT, &number.to_string())?;
    let known = known.map(|it| it.at(now));
    let (known_owner, added) = match &known {
        None => (None, now),
        Some(known) => (known.owner, known.added),
    };
    match (known_owner, account) {
        (Some(owner), Some(account)) if owner != account => {
            return Err(ApiError::new(
                ErrorKind::Conflict,
                format!(
                    "{number} is owned by the account {owner}; remove it first (`trunkline number remove {number}`), \
                     or leave it out"
                ),
            ));
        }
        (owner, account) if known.is_some() && (owner.is_some() || account.is_none()) => {
            done.unchanged += 1;
            return Ok(());
        }
        _ if known.is_some() => done.assigned += 1,
        _ => done.added += 1,
    }
    tx.put(&PhoneNumber::new(number, account, added))?;
    Ok(())
}

/// Every number that a request names, its ranges included.
fn parse_numbers(wire: &AddNumbers) -> Result<Vec<E164Number>, ApiError> {
    let mut numbers = Vec::new();
    for text in &wire.numbers {
        numbers.push(parse_number("numbers", text)?);
        check_count(numbers.len() as u64)?;
    }
    for range in &wire.ranges {
        let (first, last) = parse_range(range)?;
        check_count(last - first + 1 + numbers.len() as u64)?;
        for digits in first..=last {
            numbers.push(parse_number("ranges", &digits.to_string())?);
        }
    }
    if numbers.is_empty() {
        return Err(ApiError::bad_request(
            "numbers and ranges are both empty; name at least one number, such as +12065550100",
        ));
    }
    Ok(numbers)
}

fn parse_range(range: &NumberRange) -> Result<(u64, u64), ApiError> {
    let first = parse_number("ranges[].first", &range.first)?.digits();
    let last = parse_number("ranges[].last", &range.last)?.digits();
    if first > last || first.ilog10() != last.ilog10() {
        return Err(ApiError::bad_request(format!(
            "ranges: +{first} to +{last} is no range; the last number is not below the first and has as many \
             digits"
        )));
    }
    Ok((first, last))
}

fn check_count(count: u64) -> Result<(), ApiError> {
    if count <= ADDED_MAX as u64 {
        return Ok(());
    }
    Err(ApiError::bad_request(format!(
        "the request names more than {ADDED_MAX} numbers; send them in several requests"
    )))
}

fn parse_number(member: &str, text: &str) -> Result<E164Number, ApiError> {
    E164Number::parse(text).map_err(|refused| ApiError::bad_value(member, &refused))
}

/// Removes a number, whoever owns it, unless a connector, a group or an enabled SIP rule has it.
pub(super) async fn remove(
    context: &Context,
    _permit: OperatorPermit,
    number: &str,
) -> Result<Answer, ApiError> {
    let number = parse_number("number", number)?;
    context
        .write(move |tx| {
            let key = number.to_string();
            let known = tx.get::<PhoneNumber>(&AccountId::DEFAULT, &key)?.ok_or_else(|| {
                ApiError::new(
                    ErrorKind::NotFound,
                    format!("Could not find the number {number} in the inventory"),
                )
            })?;
            if let Some(owner) = known.owner {
                refuse_while_in_use(&*tx, owner, &key)?;
            }
            tx.delete::<PhoneNumber>(&AccountId::DEFAULT, &key)?;
            Ok(())
        })
        .await?;
    Ok(Answer::NO_CONTENT)
}

/// Refuses while calls to an account's number go somewhere.
fn refuse_while_in_use(tx: &dyn Tx, owner: AccountId, number: &str) -> Result<(), ApiError> {
    let refuse = |user: String, remedy: &str| {
        Err(ApiError::new(
            ErrorKind::Conflict,
            format!("{number} belongs to {user} of the account {owner}; {remedy} first"),
        ))
    };
    if let Some(association) = tx.get::<PhoneNumberAssociation>(&owner, number)? {
        return refuse(describe(&association.target), "disassociate it");
    }
    let Some(claim) = tx.get::<SipTriggerClaim>(&owner, number)? else { return Ok(()) };
    match tx.get::<SipRule>(&owner, &claim.rule.to_string())? {
        Some(rule) if !rule.disabled => {
            refuse(format!("SipRule '{}'", rule.id), "disable the rule (UpdateSipRule)")
        }
        Some(_) | None => Ok(()),
    }
}

/// What a listing of numbers shows.
struct Filter {
    account: Option<AccountId>,
    free: bool,
    prefix: String,
}

/// Tells the inventory page by page: all of it, one account's, or what is free.
pub(super) async fn list(
    context: &Context,
    _permit: OperatorPermit,
    mut query: Query,
) -> Result<Answer, ApiError> {
    let filter = Filter {
        account: query.take_as("account")?,
        free: query.take_as("free")?.unwrap_or(false),
        prefix: parse_prefix(query.take("prefix"))?,
    };
    let limit = query.take_page_length()?;
    let token = query.take("next-token");
    query.finish()?;
    if filter.free && filter.account.is_some() {
        return Err(ApiError::bad_request("free and account exclude each other; give one of them"));
    }
    let owner = filter.account.map(|it| it.to_string()).unwrap_or_default();
    let free = if filter.free { "free" } else { "" };
    let listing = Listing::new(&["numbers", &owner, free, &filter.prefix]);
    let after = match token {
        Some(token) => listing.key("next-token", &token)?,
        None => before(&filter.prefix),
    };
    let now = context.clock.now();
    let page = context.read(move |view| scan(view, &filter, after, limit, now)).await?;
    let numbers = page.items.iter().map(to_wire).collect();
    let next_token = page.next.map(|key| listing.token(&key));
    Ok(Answer::json(StatusCode::OK, &NumberList { numbers, next_token }))
}

/// Fills a page with what passes the filter; a page that looked at too much ends early.
fn scan(
    view: &dyn View,
    filter: &Filter,
    mut after: String,
    limit: usize,
    now: UnixMillis,
) -> Result<Stored<PhoneNumber>, StoreError> {
    let mut items = Vec::new();
    for _ in 0..SCANNED_MAX / CHUNK {
        let page = Page::after(&after, CHUNK);
        let chunk = match filter.account {
            Some(account) => {
                view.children::<PhoneNumber>(&AccountId::DEFAULT, account.as_str(), page)?
            }
            None => view.list::<PhoneNumber>(&AccountId::DEFAULT, page)?,
        };
        for number in chunk.items {
            let key = number.number.to_string();
            if !key.starts_with(&filter.prefix) {
                return Ok(Stored { items, next: None });
            }
            if items.len() == limit {
                return Ok(Stored { items, next: Some(after) });
            }
            after = key;
            let number = number.at(now);
            let is_owners = filter.account.is_none_or(|it| number.owner == Some(it));
            if is_owners && (!filter.free || number.owner.is_none()) {
                items.push(number);
            }
        }
        if chunk.next.is_none() {
            return Ok(Stored { items, next: None });
        }
    }
    Ok(Stored { items, next: Some(after) })
}

/// A prefix in the form of the keys: a plus and digits.
fn parse_prefix(text: Option<String>) -> Result<String, ApiError> {
    let text = text.unwrap_or_default();
    let digits = text.trim().trim_start_matches('+');
    if digits.len() > 15 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(ApiError::bad_request("prefix is refused: it is + and at most 15 digits"));
    }
    Ok(format!("+{digits}"))
}

/// A key that is before every key of the prefix, and after every other key that is smaller.
fn before(prefix: &str) -> String {
    let mut bytes = prefix.as_bytes().to_vec();
    if let Some(last) = bytes.last_mut() {
        *last -= 1;
        bytes.push(b'~');
    }
    String::from_utf8(bytes).expect("a prefix is a plus and digits, whose predecessors are ASCII")
}

fn to_wire(number: &PhoneNumber) -> Number {
    Number {
        number: number.number.to_string(),
        account: number.owner,
        added: timestamp(number.added),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_begins_just_before_its_first_number() {
        for prefix in ["+", "+1206", "+120", "+10"] {
            let before = before(prefix);
            assert!(*before < *prefix, "{prefix}");
        }
        assert!(*before("+1206") > *"+12059999999");
        assert!(*before("+120") > *"+11999999999" && *before("+120") > *"+12");
    }

    #[test]
    fn ranges_expand_and_are_bounded() {
        let range = |first: &str, last: &str| AddNumbers {
            ranges: vec![NumberRange { first: first.into(), last: last.into() }],
            ..AddNumbers::default()
        };
        assert_eq!(parse_numbers(&range("+12065550100", "+12065550199")).unwrap().len(), 100);
        for (first, last) in [
            ("+12065550199", "+12065550100"),
            ("+99", "+100"),
            ("+12065550100", "+12065650100"),
            ("x", "+1"),
        ] {
            assert!(parse_numbers(&range(first, last)).is_err(), "{first} {last}");
        }
        assert!(parse_numbers(&AddNumbers::default()).is_err());
    }
}
