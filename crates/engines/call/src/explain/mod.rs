//! Decisions as rows that a person reads: which rule, what was seen, what it wants, what to do.
//!
//! Rules are asked in the order of [`Rule`], so a call's facts and the rule that stopped it tell
//! the whole story: nothing is written down while a call is being admitted.

mod inbound;
mod not_taken;
mod note;
mod refusal;

use std::borrow::Cow;
use std::fmt::Write as _;

use model::{Decision, Verdict};

pub(crate) use note::Note;
pub(crate) use refusal::limit_remedy;

use crate::admission::Facts;
use crate::caller_id::{CallerIdPolicy, Origin, Presentation};
use crate::keying::Encryption;
use crate::record::{Outcome, Tried};
use crate::redirect::Named;
use crate::reject::Reject;
use crate::route::Attempt;

/// A question asked about a call. The order is the order they are asked in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// Is it a request we can serve?
    Request,
    /// Which connector is it for?
    Connector,
    /// Does it come from an allowed network?
    SourceAddress,
    /// Is it encrypted, if it has to be?
    Encryption,
    /// May the connector call out?
    Termination,
    /// Who is it?
    Digest,
    /// Which carrier does it come from?
    Carrier,
    /// May it take the place of the leg that it names?
    Replaces,
    /// Which number does it call from?
    CallerId,
    /// Which number does it call?
    Destination,
    /// May that country be called?
    CallingRegion,
    /// Whose is the called number, if it is one of ours?
    Number,
    /// Which participant of a proxy session is called?
    Session,
    /// May the called connector be called?
    Origination,
    /// Not too fast?
    Cps,
    /// Not too many at once?
    Concurrency,
    /// Can its media be carried?
    Media,
    /// Is there a port for it?
    Ports,
    /// Which carrier takes it?
    Route,
    /// May the place be asked that a carrier names instead?
    Redirection,
    /// What was asked for within the call?
    Within,
    /// How did it end?
    End,
}

impl Rule {
    /// The rule's stable name in records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Connector => "connector",
            Self::SourceAddress => "source-address",
            Self::Encryption => "encryption",
            Self::Termination => "termination",
            Self::Digest => "digest",
            Self::Replaces => "replaces",
            Self::CallerId => "caller-id",
            Self::Destination => "destination",
            Self::CallingRegion => "calling-region",
            Self::Carrier => "carrier",
            Self::Number => "number",
            Self::Session => "proxy-session",
            Self::Origination => "origination",
            Self::Cps => "cps",
            Self::Concurrency => "concurrent-calls",
            Self::Media => "media",
            Self::Ports => "media-ports",
            Self::Route => "route",
            Self::Redirection => "redirection",
            Self::Within => "within-the-call",
            Self::End => "end",
        }
    }

    /// The rules of admission, all that come before a gateway is chosen.
    const ADMISSION: [Self; 17] = [
        Self::Request,
        Self::Connector,
        Self::SourceAddress,
        Self::Encryption,
        Self::Termination,
        Self::Digest,
        Self::Carrier,
        Self::CallerId,
        Self::Destination,
        Self::CallingRegion,
        Self::Number,
        Self::Session,
        Self::Origination,
        Self::Cps,
        Self::Concurrency,
        Self::Media,
        Self::Ports,
    ];
}

/// Words of a row.
type Text = Cow<'static, str>;

/// The rows of one call: what it passed, what stopped it, which carriers were tried, how it ended.
pub(crate) fn decisions(
    facts: &Facts,
    tried: &[Tried],
    notes: &[Note],
    outcome: &Outcome,
) -> Vec<Decision> {
    let stopped_at = match outcome {
        Outcome::Rejected(reject) => reject.rule(),
        Outcome::Ended(_) => Rule::Route,
    };
    let mut rows = passed_until(facts, stopped_at);
    for tried in tried {
        rows.push(route_row(tried));
        rows.extend(tried.named.iter().map(redirection_row));
    }
    rows.extend(notes.iter().map(Note::row));
    match outcome {
        Outcome::Rejected(reject) => rows.push(refusal::row(reject, facts)),
        Outcome::Ended(end) => {
            rows.push(row(Rule::End, Verdict::Note, end.seen(), "", end.remedy()));
        }
    }
    rows
}

/// The rows of the rules that were passed before `stopped_at`.
pub(crate) fn passed_until(facts: &Facts, stopped_at: Rule) -> Vec<Decision> {
    let mut rows = Vec::with_capacity(Rule::ADMISSION.len() + 2);
    let asked = Rule::ADMISSION.into_iter().take_while(|rule| *rule < stopped_at);
    rows.extend(asked.filter_map(|rule| passed(rule, facts)));
    if let Some(landing) = &facts.landing {
        rows.extend(landing.passed_over.iter().map(inbound::passed_over));
    }
    rows
}

/// The rows of a call that is refused.
pub(crate) fn refused(facts: &Facts, reject: &Reject) -> Vec<Decision> {
    let mut rows = passed_until(facts, reject.rule());
    rows.push(refusal::row(reject, facts));
    rows
}

pub(crate) fn row(
    rule: Rule,
    verdict: Verdict,
    seen: impl Into<Text>,
    expected: impl Into<Text>,
    remedy: impl Into<Text>,
) -> Decision {
    Decision {
        rule: rule.as_str().into(),
        verdict,
        seen: seen.into(),
        expected: expected.into(),
        remedy: remedy.into(),
    }
}

/// The row of a rule that was passed; none for rules that need no word when they are.
fn passed(rule: Rule, facts: &Facts) -> Option<Decision> {
    if facts.origin.is_some() || matches!(rule, Rule::Number | Rule::Session | Rule::Origination) {
        return inbound::passed(rule, facts);
    }
    let connector = facts.connector.as_deref()?;
    let termination = connector.termination();
    let (seen, expected): (Text, Text) = match rule {
        Rule::Request
        | Rule::Ports
        | Rule::Carrier
        | Rule::Number
        | Rule::Session
        | Rule::Origination => return None,
        Rule::Connector => {
            (connector.host().to_owned().into(), "a connector's outbound host name".into())
        }
        Rule::SourceAddress => (facts.source.to_string().into(), allowed_networks(facts)),
        Rule::Encryption => (facts.transport.as_str().into(), expected_transport(facts).into()),
        Rule::Termination => ("enabled".into(), "enabled".into()),
        Rule::Digest => match &facts.username {
            Some(username) => (format!("user {username}").into(), expected_user(facts)),
            None => ("no credentials".into(), expected_user(facts)),
        },
        Rule::CallerId => (caller_seen(facts)?.into(), caller_expected(facts)),
        Rule::Destination if facts.emergency.is_some() => emergency_row(facts)?,
        Rule::Cps | Rule::Concurrency if facts.emergency.is_some() => return None,
        Rule::Destination => (facts.called?.to_string().into(), "E.164 with a plus".into()),
        Rule::CallingRegion => {
            (facts.country?.to_string().into(), termination?.calling_regions.join(", ").into())
        }
        Rule::Cps => {
            let expected = format!("{} calls per second", termination?.cps_limit);
            ("a token was left".into(), expected.into())
        }
        Rule::Concurrency => ("room was left".into(), "below the limits on calls at once".into()),
        Rule::Media => (facts.media_seen().into(), expected_media(facts).into()),
        Rule::Replaces | Rule::Route | Rule::Redirection | Rule::Within | Rule::End => return None,
    };
    Some(row(rule, Verdict::Pass, seen, expected, ""))
}

/// An emergency number, and where it leads.
fn emergency_row(facts: &Facts) -> Option<(Text, Text)> {
    let emergency = facts.emergency?;
    let mut seen = format!("{}, an emergency number of {}", emergency.code, emergency.country);
    match emergency.dial {
        Some(number) => write!(seen, ", sent to {number} by EmergencyCallingConfiguration"),
        None => write!(seen, ", sent to the carrier as it is"),
    }
    .expect("a String takes every text");
    Some((seen.into(), "E.164 with a plus, or an emergency number".into()))
}

fn allowed_networks(facts: &Facts) -> Text {
    let list = facts.termination().map_or(&[][..], |it| &it.cidr_allowed_list);
    if list.is_empty() {
        return "any source: the allow list is empty".into();
    }
    list.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ").into()
}

fn expected_transport(facts: &Facts) -> &'static str {
    match facts.connector.as_deref() {
        Some(it) if it.connector.require_encryption => "TLS and SRTP",
        Some(_) | None => "any transport",
    }
}

/// What a caller's offer should be.
fn expected_media(facts: &Facts) -> &'static str {
    match facts.encryption() {
        Encryption::Require => "PCMU or PCMA over RTP/SAVP with a=crypto",
        Encryption::Never => "PCMU or PCMA over RTP/AVP",
        Encryption::Accept | Encryption::Offer => "PCMU or PCMA over RTP/AVP or RTP/SAVP",
    }
}

fn expected_user(facts: &Facts) -> Text {
    let Some(connector) = facts.connector.as_deref().filter(|_| facts.origin.is_none()) else {
        return "a carrier's user for calls in".into();
    };
    match connector.users().len() {
        0 => "none: the connector has no credentials".into(),
        1 => "the connector's user".into(),
        count => format!("one of the connector's {count} users").into(),
    }
}

fn caller_seen(facts: &Facts) -> Option<String> {
    let caller = facts.caller.as_ref()?;
    let mut seen = match caller.number {
        Some(number) => number.to_string(),
        None => "anonymous".into(),
    };
    let origin = match caller.origin {
        Origin::AssertedIdentity => " by P-Asserted-Identity",
        Origin::PreferredIdentity => " by P-Preferred-Identity",
        Origin::RemotePartyId => " by Remote-Party-ID",
        Origin::From => " by From",
        Origin::DefaultPhoneNumber => " by DefaultPhoneNumber",
        Origin::ProxyNumber => " as the proxy number",
    };
    seen.push_str(origin);
    if caller.presentation == Presentation::Withheld {
        seen.push_str(", withheld from the called party");
    }
    Some(seen)
}

fn caller_expected(facts: &Facts) -> Text {
    match (facts.caller_id_policy, facts.connector.as_deref()) {
        (CallerIdPolicy::Any, _) | (CallerIdPolicy::Inventory, None) => {
            "any E.164 number or anonymous".into()
        }
        (CallerIdPolicy::Inventory, Some(it)) => {
            format!("a number owned by account {}", it.account()).into()
        }
    }
}

fn route_row(tried: &Tried) -> Decision {
    let Attempt { gateway, hop, dial, datagram } = &tried.attempt;
    let mut seen = format!("{gateway} at {}", hop.address);
    if let Some(dial) = dial {
        write!(seen, ", for {dial}").expect("a String takes every text");
    }
    if datagram.is_some() {
        seen.push_str(", over TCP for its size");
    }
    write!(seen, ": {}", tried.result).expect("a String takes every text");
    if tried.times_sent > 1 {
        write!(seen, "; the INVITE was sent {} times", tried.times_sent)
            .expect("a String takes every text");
    }
    let (verdict, remedy) = tried.result.verdict();
    row(Rule::Route, verdict, seen, "an answer", remedy)
}

fn redirection_row(named: &Named) -> Decision {
    let expected = "a carrier that was added, and a number that may be called";
    match named.refused {
        None => {
            row(Rule::Redirection, Verdict::Pass, format!("to {}", named.contact), expected, "")
        }
        Some(why) => {
            let (code, remedy) = why.texts();
            let seen = format!("to {}: {code}", named.contact);
            row(Rule::Redirection, Verdict::Refuse, seen, expected, remedy)
        }
    }
}
