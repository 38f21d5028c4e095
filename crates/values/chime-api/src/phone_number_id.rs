//! Phone number ids: E.164 numbers as the API spells them.
//!
//! The API returns the id of `+12065550100` as `%2B12065550100`, percent-encoded already. Clients
//! pass it back as they got it (their own encoding makes `%252B…` of it on the wire), or pass the
//! number (`%2B…` on the wire), or quote it once more themselves. All of these name one number.

use std::borrow::Cow;

/// Most rounds of percent-encoding that real clients put around an id.
const ROUNDS_MAX: usize = 3;

/// The E.164 number, with its plus, that an id names; `None` when it names none.
///
/// `id` is the label or body member as decoded, so after one round of decoding of the path. Accepted
/// are `+1206…`, `%2B1206…`, `%252B1206…` and, as some callers strip it, the number without a plus.
#[must_use]
pub fn e164_of_phone_number_id(id: &str) -> Option<String> {
    let mut rest: Cow<'_, str> = Cow::Borrowed(id);
    for _ in 0..ROUNDS_MAX {
        if !rest.starts_with('%') {
            break;
        }
        // `%25` is an encoded percent sign, `%2B` an encoded plus; hexadecimal digits have no case.
        rest = match rest.get(..3)? {
            "%25" => Cow::Owned(format!("%{}", &rest[3..])),
            "%2B" | "%2b" => Cow::Owned(format!("+{}", &rest[3..])),
            _ => return None,
        };
    }
    let digits = rest.strip_prefix('+').unwrap_or(&rest);
    let valid = (2..=15).contains(&digits.len())
        && !digits.starts_with('0')
        && digits.bytes().all(|byte| byte.is_ascii_digit());
    valid.then(|| format!("+{digits}"))
}

/// The id of an E.164 number, as the API returns it: `%2B12065550100`.
#[must_use]
pub fn phone_number_id(e164: &str) -> String {
    format!("%2B{}", e164.strip_prefix('+').unwrap_or(e164))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_an_id_names_its_number() {
        for id in [
            "+12065550100",
            "%2B12065550100",
            "%252B12065550100",
            "%252b12065550100",
            "12065550100",
        ] {
            assert_eq!(e164_of_phone_number_id(id).as_deref(), Some("+12065550100"), "{id}");
        }
    }

    #[test]
    fn what_is_no_number_names_none() {
        for id in [
            "",
            "+",
            "+1",
            "+02065550100",
            "+1206555010x",
            "+1234567890123456",
            "%2C1206",
            "%",
            "%2525252B12065550100",
            "++12065550100",
            "+\u{0661}2065550100",
            "%é2065550100",
        ] {
            assert_eq!(e164_of_phone_number_id(id), None, "{id}");
        }
    }

    #[test]
    fn an_id_is_the_encoded_number() {
        assert_eq!(phone_number_id("+12065550100"), "%2B12065550100");
        assert_eq!(
            e164_of_phone_number_id(&phone_number_id("+442079460100")).as_deref(),
            Some("+442079460100")
        );
    }
}
