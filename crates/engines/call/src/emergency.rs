//! Emergency numbers: short, told by the country, and never refused for pace or count.

use model::E164Number;
use sip_message::Uri;

use crate::directory::Connector;

/// An emergency call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Emergency {
    /// What was dialled.
    pub(crate) code: &'static str,
    /// The country whose code it is.
    pub(crate) country: &'static str,
    /// The number that the connector's emergency calling configuration sends it to; `None`: the code
    /// itself goes to the carrier.
    pub(crate) dial: Option<E164Number>,
}

/// What one code of a country reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    /// Help.
    Emergency,
    /// A machine that reads the caller's place back.
    Test,
}

/// The codes of countries whose numbers calls are let out to.
const CODES: &[(&str, &str, Line)] = &[
    ("US", "911", Line::Emergency),
    ("US", "933", Line::Test),
    ("CA", "911", Line::Emergency),
    ("CA", "933", Line::Test),
    ("PR", "911", Line::Emergency),
    ("PR", "933", Line::Test),
    ("MX", "911", Line::Emergency),
    ("GB", "999", Line::Emergency),
    ("GB", "112", Line::Emergency),
    ("IE", "999", Line::Emergency),
    ("IE", "112", Line::Emergency),
    ("AU", "000", Line::Emergency),
    ("AU", "112", Line::Emergency),
    ("NZ", "111", Line::Emergency),
    ("JP", "110", Line::Emergency),
    ("JP", "119", Line::Emergency),
    ("KR", "112", Line::Emergency),
    ("KR", "119", Line::Emergency),
    ("DE", "112", Line::Emergency),
    ("FR", "112", Line::Emergency),
    ("AT", "112", Line::Emergency),
    ("BE", "112", Line::Emergency),
    ("CH", "112", Line::Emergency),
    ("DK", "112", Line::Emergency),
    ("ES", "112", Line::Emergency),
    ("FI", "112", Line::Emergency),
    ("IT", "112", Line::Emergency),
    ("NL", "112", Line::Emergency),
    ("NO", "112", Line::Emergency),
    ("PL", "112", Line::Emergency),
    ("PT", "112", Line::Emergency),
    ("SE", "112", Line::Emergency),
];

/// The emergency call that a Request-URI means on a connector: a code of a country that its
/// emergency calling configuration names, else of one of its calling regions.
pub(crate) fn of(connector: &Connector, uri: &Uri<'_>) -> Option<Emergency> {
    let dialled = uri.phone_digits()?;
    let mut codes = CODES.iter().filter(|(_, code, _)| *code == &*dialled).peekable();
    codes.peek()?;
    let configured = connector.settings.emergency.as_ref().map_or(&[][..], |it| &it.numbers);
    let regions = connector.termination().map_or(&[][..], |it| &it.calling_regions);
    let mut unconfigured = None;
    for (country, code, line) in codes.copied() {
        let number = configured.iter().find(|it| it.country.eq_ignore_ascii_case(country));
        let dial = number.and_then(|it| match line {
            Line::Emergency => Some(it.emergency),
            Line::Test => it.test,
        });
        if dial.is_some() {
            return Some(Emergency { code, country, dial });
        }
        if regions.iter().any(|it| it.eq_ignore_ascii_case(country)) {
            unconfigured.get_or_insert(Emergency { code, country, dial: None });
        }
    }
    unconfigured
}
