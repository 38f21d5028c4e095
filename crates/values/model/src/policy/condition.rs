//! Conditions: an operator, a key, and the values to compare with.
//!
//! A key that the request does not have fails a condition, unless the operator is a negated one or ends
//! in `IfExists`; that is IAM's rule.

use std::net::IpAddr;

use ipnet::IpNet;

use super::wildcard::{Pattern, Variables};
use super::{Circumstances, PolicyError, Transport, moment};

/// The operators, for people.
pub(super) const OPERATORS: &str = "StringEquals, StringNotEquals, StringEqualsIgnoreCase, \
    StringNotEqualsIgnoreCase, StringLike, StringNotLike, DateEquals, DateNotEquals, DateLessThan, \
    DateLessThanEquals, DateGreaterThan, DateGreaterThanEquals, NumericEquals, NumericNotEquals, \
    NumericLessThan, NumericLessThanEquals, NumericGreaterThan, NumericGreaterThanEquals, Bool, \
    IpAddress, NotIpAddress and Null, with ForAllValues:, ForAnyValue: and …IfExists";

/// The keys, for people.
pub(super) const KEYS: &str = "aws:SourceIp, aws:SecureTransport, aws:CurrentTime, aws:EpochTime, \
    aws:RequestedRegion, aws:PrincipalAccount, aws:RequestTag/…, aws:ResourceTag/… and aws:TagKeys";

/// One key's condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Condition {
    key: Key,
    quantifier: Quantifier,
    polarity: Polarity,
    absent: Absent,
    test: Test,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Key {
    SourceIp,
    SecureTransport,
    CurrentTime,
    EpochTime,
    RequestedRegion,
    PrincipalAccount,
    RequestTag(String),
    ResourceTag(String),
    TagKeys,
}

/// Which of a key's several values must fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quantifier {
    /// The key has one value.
    The,
    /// `ForAllValues:`; true of none.
    All,
    /// `ForAnyValue:`; false of none.
    Any,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Polarity {
    Positive,
    /// `…Not…`: holds where the positive one would not.
    Negated,
}

/// What an absent key means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Absent {
    AsUsual,
    /// `…IfExists`: the condition holds.
    Holds,
}

/// What a value is compared with: one of several.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Test {
    Text(Case, Vec<Pattern>),
    Order(Relation, Vec<i64>),
    Flag(Vec<bool>),
    Network(Vec<IpNet>),
    /// Whether the key is absent.
    Null(Vec<bool>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Case {
    Heeded,
    Ignored,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Relation {
    Equal,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

/// What an operator compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Text(Case, Wildcards),
    Date(Relation),
    Number(Relation),
    Flag,
    Network,
    Null,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wildcards {
    Read,
    Plain,
}

/// A value that a request has under a key.
enum Actual<'a> {
    Text(&'a str),
    Seconds(i64),
    Flag(bool),
    Address(IpAddr),
}

impl Condition {
    /// Reads one condition. `place` names the statement.
    pub(super) fn read(
        place: &str,
        operator: &str,
        key: &str,
        values: &[&str],
        variables: Variables,
    ) -> Result<Self, PolicyError> {
        let Operator { quantifier, polarity, absent, family } = Operator::parse(place, operator)?;
        let place = format!("{place}.{operator}");
        let parsed = Key::parse(key)
            .ok_or_else(|| PolicyError::Key { place: place.clone(), text: key.into() })?;
        let refuse = |rule| PolicyError::Value { place: place.clone(), text: key.into(), rule };
        if let Some(rule) = parsed.refuses(family) {
            return Err(refuse(rule));
        }
        if parsed == Key::TagKeys && quantifier == Quantifier::The && family != Family::Null {
            return Err(refuse(
                "it has several values; say ForAllValues: or ForAnyValue: before the operator",
            ));
        }
        if values.is_empty() {
            return Err(refuse("there is no value to compare with; name at least one"));
        }
        let test = test(&format!("{place}.{key}"), family, values, variables)?;
        Ok(Self { key: parsed, quantifier, polarity, absent, test })
    }

    /// Whether a request fits.
    pub(super) fn holds(&self, circumstances: &Circumstances) -> bool {
        let actual = self.key.values(circumstances);
        if let Test::Null(wanted) = &self.test {
            return wanted.contains(&actual.is_empty());
        }
        if actual.is_empty() && self.absent == Absent::Holds {
            return true;
        }
        let negated = self.polarity == Polarity::Negated;
        let fits = |it: &Actual<'_>| self.test.fits(it);
        match self.quantifier {
            // Of tags whose keys differ in case only, several may be meant: any of them counts.
            Quantifier::The => actual.iter().any(fits) != negated,
            Quantifier::All => actual.iter().all(|it| fits(it) != negated),
            Quantifier::Any => actual.iter().any(|it| fits(it) != negated),
        }
    }

    /// Whether it asks for the tags of a resource.
    pub(super) fn asks_for_resource_tags(&self) -> bool {
        matches!(self.key, Key::ResourceTag(_))
    }
}

impl Key {
    /// Finds a key by its name, which has no case.
    fn parse(text: &str) -> Option<Self> {
        let lower = text.to_lowercase();
        let tag = |prefix: &str| {
            let name = lower.strip_prefix(prefix).filter(|it| !it.is_empty())?;
            Some(name.to_owned())
        };
        Some(match lower.as_str() {
            "aws:sourceip" => Self::SourceIp,
            "aws:securetransport" => Self::SecureTransport,
            "aws:currenttime" => Self::CurrentTime,
            "aws:epochtime" => Self::EpochTime,
            "aws:requestedregion" => Self::RequestedRegion,
            "aws:principalaccount" => Self::PrincipalAccount,
            "aws:tagkeys" => Self::TagKeys,
            _ => match (tag("aws:requesttag/"), tag("aws:resourcetag/")) {
                (Some(name), _) => Self::RequestTag(name),
                (None, Some(name)) => Self::ResourceTag(name),
                (None, None) => return None,
            },
        })
    }

    /// Why an operator cannot be used with this key, if it cannot.
    fn refuses(&self, family: Family) -> Option<&'static str> {
        use Family as F;
        let (fits, rule) = match (self, family) {
            (_, F::Null) => return None,
            (Self::SourceIp, _) => {
                (family == F::Network, "it is an address; use IpAddress or NotIpAddress")
            }
            (Self::SecureTransport, _) => (family == F::Flag, "it is true or false; use Bool"),
            (Self::CurrentTime, _) => (
                matches!(family, F::Date(_)),
                "it is a moment; use the operators that begin with Date",
            ),
            (Self::EpochTime, _) => (
                matches!(family, F::Date(_) | F::Number(_)),
                "it is a moment; use the operators that begin with Date or Numeric",
            ),
            (
                Self::RequestedRegion
                | Self::PrincipalAccount
                | Self::RequestTag(_)
                | Self::ResourceTag(_)
                | Self::TagKeys,
                _,
            ) => (
                matches!(family, F::Text(..)),
                "it is text; use the operators that begin with String",
            ),
        };
        (!fits).then_some(rule)
    }

    /// The values that a request has under this key; none if it is absent.
    fn values<'a>(&self, of: &'a Circumstances) -> Vec<Actual<'a>> {
        let seconds = i64::try_from(of.now.0 / 1000).unwrap_or(i64::MAX);
        match self {
            Self::SourceIp => vec![Actual::Address(of.source.to_canonical())],
            Self::SecureTransport => vec![Actual::Flag(of.transport == Transport::Tls)],
            Self::CurrentTime | Self::EpochTime => vec![Actual::Seconds(seconds)],
            Self::RequestedRegion => vec![Actual::Text(of.region.as_str())],
            Self::PrincipalAccount => vec![Actual::Text(of.account.as_str())],
            Self::RequestTag(key) => tagged(&of.request_tags, key),
            Self::ResourceTag(key) => tagged(&of.resource_tags, key),
            Self::TagKeys => of.tag_keys.iter().map(|it| Actual::Text(it)).collect(),
        }
    }
}

/// The values of a tag. IAM matches the keys of tags without regard to case.
fn tagged<'a>(tags: &'a [(String, String)], key: &str) -> Vec<Actual<'a>> {
    let named = tags.iter().filter(|(it, _)| it.to_lowercase() == key);
    named.map(|(_, value)| Actual::Text(value)).collect()
}

/// An operator taken apart.
struct Operator {
    quantifier: Quantifier,
    polarity: Polarity,
    absent: Absent,
    family: Family,
}

impl Operator {
    fn parse(place: &str, text: &str) -> Result<Self, PolicyError> {
        let refuse = || PolicyError::Operator { place: place.into(), text: text.into() };
        let (quantifier, rest) = match text.split_once(':') {
            None => (Quantifier::The, text),
            Some(("ForAllValues", rest)) => (Quantifier::All, rest),
            Some(("ForAnyValue", rest)) => (Quantifier::Any, rest),
            Some(_) => return Err(refuse()),
        };
        let (absent, name) = match rest.strip_suffix("IfExists") {
            Some(name) => (Absent::Holds, name),
            None => (Absent::AsUsual, rest),
        };
        let (family, polarity) = family(name).ok_or_else(refuse)?;
        if family == Family::Null && (absent == Absent::Holds || quantifier != Quantifier::The) {
            return Err(refuse());
        }
        Ok(Self { quantifier, polarity, absent, family })
    }
}

fn family(name: &str) -> Option<(Family, Polarity)> {
    use Polarity::{Negated, Positive};
    let text = |case, wildcards| Family::Text(case, wildcards);
    Some(match name {
        "StringEquals" => (text(Case::Heeded, Wildcards::Plain), Positive),
        "StringNotEquals" => (text(Case::Heeded, Wildcards::Plain), Negated),
        "StringEqualsIgnoreCase" => (text(Case::Ignored, Wildcards::Plain), Positive),
        "StringNotEqualsIgnoreCase" => (text(Case::Ignored, Wildcards::Plain), Negated),
        "StringLike" => (text(Case::Heeded, Wildcards::Read), Positive),
        "StringNotLike" => (text(Case::Heeded, Wildcards::Read), Negated),
        "Bool" => (Family::Flag, Positive),
        "IpAddress" => (Family::Network, Positive),
        "NotIpAddress" => (Family::Network, Negated),
        "Null" => (Family::Null, Positive),
        _ => {
            if let Some(rest) = name.strip_prefix("Date") {
                let (relation, polarity) = relation(rest)?;
                (Family::Date(relation), polarity)
            } else {
                let (relation, polarity) = relation(name.strip_prefix("Numeric")?)?;
                (Family::Number(relation), polarity)
            }
        }
    })
}

fn relation(name: &str) -> Option<(Relation, Polarity)> {
    Some(match name {
        "Equals" => (Relation::Equal, Polarity::Positive),
        "NotEquals" => (Relation::Equal, Polarity::Negated),
        "LessThan" => (Relation::Less, Polarity::Positive),
        "LessThanEquals" => (Relation::AtMost, Polarity::Positive),
        "GreaterThan" => (Relation::Greater, Polarity::Positive),
        "GreaterThanEquals" => (Relation::AtLeast, Polarity::Positive),
        _ => return None,
    })
}

/// Reads the values that an operator compares with.
fn test(
    place: &str,
    family: Family,
    values: &[&str],
    variables: Variables,
) -> Result<Test, PolicyError> {
    fn each<T>(
        place: &str,
        values: &[&str],
        rule: &'static str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Vec<T>, PolicyError> {
        let read = |text: &&str| {
            read(text).ok_or_else(|| PolicyError::Value {
                place: place.into(),
                text: (*text).into(),
                rule,
            })
        };
        values.iter().map(read).collect()
    }
    let flag = |text: &str| match text.to_ascii_lowercase().as_str() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    };
    let network =
        |text: &str| text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
    Ok(match family {
        Family::Text(case, wildcards) => {
            let pattern = |text: &&str| {
                let read = Pattern::parse(place, text, variables)?;
                let read = match wildcards {
                    Wildcards::Read => read,
                    Wildcards::Plain => read.without_wildcards(),
                };
                Ok(if case == Case::Ignored { read.folded() } else { read })
            };
            Test::Text(case, values.iter().map(pattern).collect::<Result<_, _>>()?)
        }
        Family::Date(relation) => Test::Order(
            relation,
            each(place, values, "a moment is written like 2026-11-23T10:11:12Z", moment::parse)?,
        ),
        Family::Number(relation) => Test::Order(
            relation,
            each(place, values, "this is compared with whole numbers", |it| it.parse().ok())?,
        ),
        Family::Flag => Test::Flag(each(place, values, "write \"true\" or \"false\"", flag)?),
        Family::Null => Test::Null(each(place, values, "write \"true\" or \"false\"", flag)?),
        Family::Network => Test::Network(each(
            place,
            values,
            "write a network like 203.0.113.0/24, or an address",
            network,
        )?),
    })
}

impl Test {
    fn fits(&self, actual: &Actual<'_>) -> bool {
        match (self, actual) {
            (Self::Text(Case::Heeded, patterns), Actual::Text(text)) => {
                patterns.iter().any(|it| it.matches(text))
            }
            (Self::Text(Case::Ignored, patterns), Actual::Text(text)) => {
                let text = text.to_lowercase();
                patterns.iter().any(|it| it.matches(&text))
            }
            (Self::Order(relation, bounds), Actual::Seconds(seconds)) => {
                bounds.iter().any(|bound| match relation {
                    Relation::Equal => seconds == bound,
                    Relation::Less => seconds < bound,
                    Relation::AtMost => seconds <= bound,
                    Relation::Greater => seconds > bound,
                    Relation::AtLeast => seconds >= bound,
                })
            }
            (Self::Flag(wanted), Actual::Flag(flag)) => wanted.contains(flag),
            (Self::Network(networks), Actual::Address(address)) => {
                networks.iter().any(|it| it.contains(address))
            }
            (
                Self::Text(..) | Self::Order(..) | Self::Flag(_) | Self::Network(_) | Self::Null(_),
                _,
            ) => unreachable!("a key takes only the operators of its own type"),
        }
    }
}
