//! The SIP headers that a call of an application may begin with.

use std::collections::BTreeMap;

use chime_api::Sensitive;

use crate::error::ApiError;

/// The longest name and the longest value, in characters.
const LENGTH_MAX: usize = 2048;

/// What names may begin with, in lower case.
const EXTENSION: &str = "x-";

/// Names that are taken besides extensions, in lower case.
const TAKEN: &[&str] = &["user-to-user", "diversion"];

/// Beginnings that the service keeps to itself, in lower case.
const RESERVED: &[&str] = &["x-amzn", "x-vine", "x-vc", "x-canary", "x-voice"];

/// Refuses headers that are not the caller's to set. Values are not repeated: they may be secrets.
pub(super) fn check(headers: &BTreeMap<Sensitive, Sensitive>) -> Result<(), ApiError> {
    for (name, value) in headers {
        let (name, value) = (name.expose(), value.expose());
        let shown: String = name.chars().filter(|c| !c.is_control()).take(80).collect();
        let refuse = |rule: &str| {
            Err(ApiError::bad_request(format!(
                "Invalid SIP header(s) provided: {shown}: SipHeaders {rule}"
            )))
        };
        let lower = name.to_ascii_lowercase();
        if !lower.bytes().all(is_token) {
            return refuse("have names of the characters that SIP allows (RFC 3261 §25.1, token)");
        }
        let is_extension = lower.len() > EXTENSION.len() && lower.starts_with(EXTENSION);
        if !is_extension && !TAKEN.contains(&lower.as_str()) {
            return refuse("are X-…, User-to-User or Diversion");
        }
        if RESERVED.iter().any(|it| lower.starts_with(it)) {
            return refuse(
                "beginning with X-Amzn, X-Vine, X-VC, X-Canary or X-Voice are the service's own",
            );
        }
        if name.chars().count() > LENGTH_MAX || value.chars().count() > LENGTH_MAX {
            return refuse("have names and values of at most 2048 characters");
        }
        if value.chars().any(char::is_control) {
            return refuse("have values without control characters and line breaks");
        }
    }
    Ok(())
}

/// RFC 3261 §25.1, `token`.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(name: &str, value: &str) -> Result<(), ApiError> {
        check(&BTreeMap::from([(Sensitive::new(name), Sensitive::new(value))]))
    }

    #[test]
    fn extensions_user_to_user_and_diversion_are_taken() {
        for (name, value) in [
            ("X-Order", "17"),
            ("x-chime-join-token", "a token; with=parameters"),
            ("User-to-User", "616263;encoding=hex"),
            ("Diversion", "<sip:+12065550100@example.com>;reason=unconditional"),
            ("X-Empty", ""),
        ] {
            assert!(checked(name, value).is_ok(), "{name}");
        }
    }

    #[test]
    fn what_is_the_services_own_or_could_break_a_message_is_refused_without_its_value() {
        let long = "x".repeat(LENGTH_MAX + 1);
        for (name, value) in [
            ("", "secret"),
            ("X-", "secret"),
            ("From", "secret"),
            ("Via", "secret"),
            ("X-Amzn-Trace", "secret"),
            ("x-vc-id", "secret"),
            ("X-VOICE", "secret"),
            ("X-A: b\r\nVia", "secret"),
            ("X-A", "secret\r\nVia: x"),
            ("X-A", "secret\0"),
            ("X-A", &long),
            (&format!("X-{long}"), "secret"),
        ] {
            let refused = checked(name, value).unwrap_err();
            assert!(!refused.message.contains(value), "{}", refused.message);
            assert!(!refused.message.contains('\n'), "{}", refused.message);
        }
    }
}
