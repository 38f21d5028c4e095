//! Who calls, as the called side is told.

use sip_message::{Header, MessageWriter, Name, NameAddr, Values};

use crate::admission::Facts;
use crate::caller_id::{self, CallerIdPolicy, Presentation};
use crate::face::Face;
use crate::hub::Turn;
use crate::route::Gateway;

/// Writes From, and what goes with it.
///
/// A carrier may be told a withheld number in P-Asserted-Identity, which it must not show
/// (RFC 3325 §9); a customer, who is outside of that trust, is not. What AWS sends to a customer has
/// no P-Asserted-Identity at all (facts §4.3).
pub(crate) fn write(
    writer: &mut MessageWriter<'_>,
    facts: &Facts,
    gateway: &Gateway,
    face: &Face,
    tag: &str,
) {
    let host = &face.host;
    let caller = facts.shown.or(facts.caller).expect("a call was admitted from a caller");
    match (caller.presentation, caller.number) {
        (Presentation::Shown, Some(number)) => match &facts.caller_name {
            Some(name) => {
                let name = Quoted(name);
                writer.header(Name::From, format_args!("{name} <sip:{number}@{host}>;tag={tag}"));
            }
            None => {
                writer.header(Name::From, format_args!("<sip:{number}@{host}>;tag={tag}"));
            }
        },
        (Presentation::Withheld, _) | (Presentation::Shown, None) => {
            let anonymous = "\"Anonymous\" <sip:anonymous@anonymous.invalid>";
            writer.header(Name::From, format_args!("{anonymous};tag={tag}"));
        }
    }
    match gateway {
        Gateway::Carrier(_) => {
            if let Some(number) = caller.number {
                writer.header(Name::PAssertedIdentity, format_args!("<sip:{number}@{host}>"));
            }
        }
        Gateway::Route(connector, _) => {
            writer.extension("X-VoiceConnector-ID", &connector.connector.id);
        }
    }
    if caller.presentation == Presentation::Withheld {
        writer.header(Name::Privacy, "id");
    }
}

/// Whether a header of the caller's may go on: `Diversion` (RFC 5806) tells the called side that a
/// number of the caller's was called first, so a customer's must be the account's own, as its
/// caller's number must.
pub(crate) fn may_cross(turn: &Turn<'_>, facts: &Facts, header: &Header<'_>) -> bool {
    let is_customers =
        facts.origin.is_none() && facts.caller_id_policy == CallerIdPolicy::Inventory;
    if header.name != Name::Diversion || !is_customers {
        return true;
    }
    let account = facts.connector.as_deref().map(|it| it.account());
    let is_owned = |value: &str| {
        let uri = NameAddr::parse(value).ok().and_then(|it| it.parsed_uri().ok());
        let number = uri.as_ref().and_then(caller_id::e164);
        number.is_some_and(|number| turn.directory.owner(number) == account)
    };
    Values::new(header.value).all(is_owned)
}

/// Text as a quoted-string (RFC 3261 §25.1).
struct Quoted<'t>(&'t str);

impl std::fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        use std::fmt::Write as _;
        f.write_char('"')?;
        for character in self.0.chars().filter(|it| !it.is_control()) {
            if matches!(character, '"' | '\\') {
                f.write_char('\\')?;
            }
            f.write_char(character)?;
        }
        f.write_char('"')
    }
}
