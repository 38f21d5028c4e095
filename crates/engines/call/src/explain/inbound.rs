//! The rows of calls in, and of whose the called number is.

use model::{AssociationTarget, Decision, Verdict, VoiceConnectorId};

use super::{Rule, Text, caller_seen, expected_user, refusal, row};
use crate::admission::Facts;
use crate::reject::Reject;

/// The row of a rule that a call in has passed, or a call to a number of this installation.
pub(super) fn passed(rule: Rule, facts: &Facts) -> Option<Decision> {
    let (seen, expected): (Text, Text) = match rule {
        Rule::Digest => {
            let user = facts.username.as_ref()?;
            (format!("user {user}").into(), expected_user(facts))
        }
        Rule::Carrier => {
            let carrier = &facts.origin.as_deref()?.carrier.name;
            let seen = format!("carrier {carrier} at {}", facts.source);
            let expected = match facts.username {
                Some(_) => "a carrier's user, wherever it is",
                None => "a source of a carrier",
            };
            (seen.into(), expected.into())
        }
        Rule::CallerId => (caller_seen(facts)?.into(), "any caller".into()),
        Rule::Destination => (facts.called?.to_string().into(), "a number".into()),
        Rule::Number => (owner(facts)?.into(), "a number associated with a connector".into()),
        Rule::Session => match (facts.session, facts.dial) {
            (Some(session), Some(dial)) => {
                (format!("session {session}, on to {dial}").into(), "an open session".into())
            }
            (None, Some(dial)) if facts.shown.is_some() => (
                format!("no open session: on to FallBackPhoneNumber {dial}").into(),
                "an open session, or a number to fall back on".into(),
            ),
            _ => return None,
        },
        Rule::Origination => {
            let landing = facts.landing.as_ref()?;
            let count =
                |it: &crate::directory::Connector| it.origination().map_or(0, |it| it.routes.len());
            let routes: usize = landing.connectors.iter().map(|it| count(it)).sum();
            let (routes, connectors) = (counted(routes, "route"), landing.connectors.len());
            let seen = format!("{routes} of {}", counted(connectors, "connector"));
            (seen.into(), "enabled, with routes".into())
        }
        Rule::Cps => {
            let termination = facts.connector.as_deref()?.termination()?;
            let expected = format!("{} calls in per second", termination.cps_limit);
            ("a token was left".into(), expected.into())
        }
        Rule::Concurrency => ("room was left".into(), "below the limits on calls at once".into()),
        Rule::Media => (facts.media_seen().into(), "PCMU or PCMA over RTP/AVP".into()),
        Rule::Request
        | Rule::Connector
        | Rule::SourceAddress
        | Rule::Encryption
        | Rule::Termination
        | Rule::CallingRegion
        | Rule::Ports
        | Rule::Replaces
        | Rule::Route
        | Rule::Redirection
        | Rule::Within
        | Rule::End => return None,
    };
    Some(row(rule, Verdict::Pass, seen, expected, ""))
}

/// Whose the called number is.
fn owner(facts: &Facts) -> Option<String> {
    let called = facts.called?;
    match &facts.landing {
        Some(landing) => Some(match &landing.target {
            AssociationTarget::Connector(id) => format!("{called} of connector {id}"),
            AssociationTarget::Group(id) => format!("{called} of group {id}"),
        }),
        None => {
            let id = &facts.connector.as_deref().filter(|_| facts.origin.is_some())?.connector.id;
            Some(format!("{called}, a proxy number of connector {id}"))
        }
    }
}

/// The row of a member of a group that the call does not go to.
pub(super) fn passed_over((connector, why): &(VoiceConnectorId, Reject)) -> Decision {
    let seen = format!("connector {connector} is passed over: {}", why.code());
    let remedy = refusal::remedy(why);
    row(Rule::Origination, Verdict::Note, seen, "a connector that takes calls", remedy)
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
