//! Text that must not leak.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

/// Text of a shape that the model marks sensitive: passwords, phone numbers, names, addresses.
///
/// `Debug` shows its length only, there is no `Display`, equality takes the same time wherever two
/// texts of one length differ, and the bytes are wiped on drop. It does serialize: this is the wire.
#[derive(Clone, Default, PartialOrd, Ord)]
pub struct Sensitive(String);

impl Sensitive {
    /// Wraps a text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for the one who has a reason to look.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The text, out of protection: the caller wipes it.
    #[must_use]
    pub fn into_exposed(mut self) -> String {
        std::mem::take(&mut self.0)
    }
}

impl Drop for Sensitive {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Sensitive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sensitive({} characters)", self.0.chars().count())
    }
}

impl PartialEq for Sensitive {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for Sensitive {}

impl From<String> for Sensitive {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Sensitive {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl Serialize for Sensitive {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Sensitive {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_tells_the_length_and_nothing_else() {
        assert_eq!(format!("{:?}", Sensitive::new("hünter2")), "Sensitive(7 characters)");
    }

    #[test]
    fn equality_is_by_content() {
        assert_eq!(Sensitive::new("a"), Sensitive::from("a"));
        assert_ne!(Sensitive::new("a"), Sensitive::new("b"));
        assert_ne!(Sensitive::new("a"), Sensitive::new("aa"));
    }
}
