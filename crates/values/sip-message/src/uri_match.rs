//! When two URIs mean the same: RFC 3261 §19.1.4 for `sip` and `sips`, RFC 3966 §4 for `tel`.

use crate::params::{Param, Params};
use crate::uri::{Scheme, Uri, unescaped_bytes};

pub(crate) fn matches(a: &Uri<'_>, b: &Uri<'_>) -> bool {
    match (a.scheme, b.scheme) {
        (Scheme::Sip, Scheme::Sip) | (Scheme::Sips, Scheme::Sips) => {
            same_option(a.user, b.user, Case::Kept)
                && same_option(a.password, b.password, Case::Kept)
                && a.host.matches(&b.host)
                && a.port == b.port
                && sip_params_match(a.params, b.params)
                && headers_match(a.headers.unwrap_or(""), b.headers.unwrap_or(""))
        }
        (Scheme::Tel, Scheme::Tel) => tel_matches(a, b),
        (Scheme::Other(_), Scheme::Other(_)) => {
            a.scheme.as_str().eq_ignore_ascii_case(b.scheme.as_str()) && a.opaque == b.opaque
        }
        (Scheme::Sip | Scheme::Sips | Scheme::Tel | Scheme::Other(_), _) => false,
    }
}

#[derive(Clone, Copy)]
enum Case {
    Kept,
    Ignored,
}

/// Whether two texts are equal once their escapes are read.
fn same(a: &str, b: &str, case: Case) -> bool {
    match case {
        Case::Kept => unescaped_bytes(a).eq(unescaped_bytes(b)),
        Case::Ignored => unescaped_bytes(a)
            .map(|byte| byte.to_ascii_lowercase())
            .eq(unescaped_bytes(b).map(|byte| byte.to_ascii_lowercase())),
    }
}

fn same_option(a: Option<&str>, b: Option<&str>, case: Case) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => same(a, b, case),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

/// Parameters in both must be equal; these must be in both or in neither, the others may be in one.
const DECISIVE: [&str; 5] = ["user", "ttl", "method", "maddr", "transport"];

fn sip_params_match(a: Params<'_>, b: Params<'_>) -> bool {
    let one_way = |left: Params<'_>, right: Params<'_>| {
        left.iter().all(|param| match find(right, param.name) {
            Some(twin) => same_option(param.value, twin.value, Case::Ignored),
            None => !DECISIVE.iter().any(|name| same_name(param.name, name)),
        })
    };
    one_way(a, b) && one_way(b, a)
}

fn find<'a>(params: Params<'a>, name: &str) -> Option<Param<'a>> {
    params.iter().find(|param| same_name(param.name, name))
}

/// Whether two parameter names are one, whatever their case and escapes.
pub(crate) fn same_name(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b) || ((a.contains('%') || b.contains('%')) && same(a, b, Case::Ignored))
}

/// All headers of one are in the other, whatever their order; values compare with case, since
/// this layer does not know each header's own rule.
fn headers_match(a: &str, b: &str) -> bool {
    let one_way = |left: &str, right: &str| {
        pairs(left).all(|(name, value)| {
            pairs(right).any(|(other_name, other_value)| {
                same(name, other_name, Case::Ignored) && same(value, other_value, Case::Kept)
            })
        })
    };
    one_way(a, b) && one_way(b, a)
}

fn pairs(headers: &str) -> impl Iterator<Item = (&str, &str)> {
    headers.split('&').filter(|pair| !pair.is_empty()).map(|p| p.split_once('=').unwrap_or((p, "")))
}

fn tel_matches(a: &Uri<'_>, b: &Uri<'_>) -> bool {
    let number = |uri: &Uri<'_>| uri.phone_digits().unwrap_or_default().to_ascii_lowercase();
    let one_way = |left: Params<'_>, right: Params<'_>| {
        left.iter().all(|param| {
            find(right, param.name)
                .is_some_and(|twin| same_option(param.value, twin.value, Case::Ignored))
        })
    };
    number(a) == number(b) && one_way(a.params, b.params) && one_way(b.params, a.params)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(text: &str) -> Uri<'_> {
        Uri::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn pairs_that_section_19_1_4_calls_equal_match() {
        for (a, b) in [
            ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com;security=on"),
            (
                "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
                "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
            ),
            (
                "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
                "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
            ),
        ] {
            assert!(uri(a).matches(&uri(b)), "{a} = {b}");
            assert!(uri(b).matches(&uri(a)), "{b} = {a}");
        }
    }

    #[test]
    fn pairs_that_section_19_1_4_calls_different_do_not_match() {
        for (a, b) in [
            ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"),
            ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
            ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"),
            ("sip:a@example.com", "sips:a@example.com"),
            ("sip:a@example.com", "sip:example.com"),
        ] {
            assert!(!uri(a).matches(&uri(b)), "{a} <> {b}");
        }
    }

    #[test]
    fn telephone_numbers_match_without_their_visual_separators() {
        assert!(uri("tel:+1-212-555-0101").matches(&uri("tel:+1(212)5550101")));
        assert!(!uri("tel:+12125550101").matches(&uri("tel:12125550101")));
        assert!(!uri("tel:+12125550101").matches(&uri("tel:+12125550101;ext=4")));
    }

    #[test]
    fn ipv6_hosts_match_by_value() {
        assert!(uri("sip:[2001:db8::10]").matches(&uri("sip:[2001:0DB8:0:0::10]")));
    }
}
