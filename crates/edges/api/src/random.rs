//! Randomness from the operating system.

/// Fills an array with unpredictable bytes.
pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).expect("the operating system's random source never fails");
    bytes
}

/// The characters of access key ids, as AWS makes them (RFC 4648 §6).
pub(crate) const BASE32: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// The characters of secret access keys, as AWS makes them (RFC 4648 §4).
pub(crate) const BASE64: &[u8] =
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Text of `N` characters of `alphabet`, whose length must divide 256 to be unbiased.
pub(crate) fn text<const N: usize>(alphabet: &[u8]) -> String {
    debug_assert_eq!(256 % alphabet.len(), 0, "the remainder must not prefer any character");
    bytes::<N>().iter().map(|b| char::from(alphabet[usize::from(*b) % alphabet.len()])).collect()
}
