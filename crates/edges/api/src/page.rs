//! Pages of listings, and the opaque tokens that ask for the next one.

use std::ops::RangeInclusive;

use aws_lc_rs::digest;

use crate::error::ApiError;

/// Items on a page when a request does not say.
pub(crate) const PAGE_DEFAULT: usize = 100;

/// Bytes of a token that check the rest.
const CHECK_BYTES: usize = 8;

/// A listing that tokens are bound to: a token of one listing is refused by every other.
///
/// The name tells the operation, the account and the filters. Tokens hold no secret and give no
/// right: the check only keeps a mistaken token from silently starting somewhere else.
#[derive(Debug)]
pub(crate) struct Listing(String);

impl Listing {
    /// Names a listing by everything that decides what is in it.
    pub(crate) fn new(parts: &[&str]) -> Self {
        Self(parts.join("\n"))
    }

    /// The token that asks for what comes after `key`.
    pub(crate) fn token(&self, key: &str) -> String {
        let check = self.check(key);
        check.iter().chain(key.as_bytes()).map(|byte| format!("{byte:02x}")).collect()
    }

    /// The key in a token of this listing.
    pub(crate) fn key(&self, member: &str, token: &str) -> Result<String, ApiError> {
        self.read(token).ok_or_else(|| {
            ApiError::bad_request(format!(
                "{member}: the token is not one that this listing gave; send NextToken of the previous page \
                 unchanged, with the same filters, or leave it out to begin anew"
            ))
        })
    }

    fn read(&self, token: &str) -> Option<String> {
        let digits = token.as_bytes();
        let bytes: Vec<u8> = digits
            .chunks(2)
            .map(|pair| {
                let text = std::str::from_utf8(pair).ok().filter(|it| it.len() == 2)?;
                u8::from_str_radix(text, 16).ok().filter(|_| !text.starts_with('+'))
            })
            .collect::<Option<_>>()?;
        let (check, key) = bytes.split_at_checked(CHECK_BYTES)?;
        let key = String::from_utf8(key.to_vec()).ok()?;
        (self.check(&key) == check).then_some(key)
    }

    fn check(&self, key: &str) -> [u8; CHECK_BYTES] {
        let whole = digest::digest(&digest::SHA256, format!("{}\n\n{key}", self.0).as_bytes());
        let mut check = [0; CHECK_BYTES];
        check.copy_from_slice(&whole.as_ref()[..CHECK_BYTES]);
        check
    }
}

/// The length of a page: as asked, or [`PAGE_DEFAULT`].
pub(crate) fn page_length(
    asked: Option<i64>,
    allowed: RangeInclusive<i64>,
) -> Result<usize, ApiError> {
    match asked {
        None => Ok(PAGE_DEFAULT),
        Some(asked) if allowed.contains(&asked) => {
            Ok(usize::try_from(asked).expect("the range has no negative numbers"))
        }
        Some(asked) => Err(ApiError::bad_request(format!(
            "max-results is {asked}; ask for {} to {} items",
            allowed.start(),
            allowed.end()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// A token leads back to its key, and to nothing in another listing.
        #[test]
        fn a_token_is_bound_to_its_listing(key in ".{0,40}") {
            let (mine, other) = (Listing::new(&["ListA", "1"]), Listing::new(&["ListA", "2"]));
            let token = mine.token(&key);
            prop_assert_eq!(mine.key("NextToken", &token).unwrap(), key);
            prop_assert!(other.key("NextToken", &token).is_err());
        }

        /// Any text is refused, never a panic.
        #[test]
        fn any_text_is_no_token(text in ".{0,40}|[0-9a-f+]{0,64}") {
            prop_assert!(Listing::new(&["ListA"]).key("NextToken", &text).is_err());
        }
    }
}
