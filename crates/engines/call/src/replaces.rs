//! An INVITE that takes the place of a leg (RFC 3891): which leg it names, and whether it may.
//!
//! Who knows a call's Call-ID and tags could take it over, so that is not enough: the newcomer is
//! asked everything that a call out of its connector is asked, and the leg must be the same
//! connector's.

use std::sync::Arc;

use media::Side;
use sip_core::dialog::{Dialog, State};
use sip_message::{Message, Method, Name, Replaces, Uri, Violation};

use crate::admission::{Facts, readable};
use crate::bridge::Newcomer;
use crate::calls::{CallKey, Calls};
use crate::config::ReplacesPolicy;
use crate::directory::Connector;
use crate::hub::Turn;
use crate::invite::Ask;
use crate::limit::Lane;
use crate::media_plan::Said;
use crate::reject::Reject;
use crate::strangers::Target;

/// Why a leg is not replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotReplaced {
    /// `calls.replaces` is `decline`.
    Policy,
    /// It comes from a carrier.
    Carrier,
    /// No leg here has that Call-ID and those tags.
    NoDialog,
    /// The leg is another connector's, or a carrier's.
    Foreign,
    /// The leg is not answered yet.
    Early,
    /// The leg is answered, and only an early one was to be replaced (`early-only`).
    Confirmed,
    /// The leg's call has ended.
    Ended,
    /// The call's session is being changed.
    Changing,
    /// The call has had as many newcomers as one may.
    TooMany,
}

impl NotReplaced {
    /// The reason's stable name, and the status of the answer (RFC 3891 §3 where it has one).
    pub(crate) const fn code_and_status(self) -> (&'static str, u16) {
        match self {
            Self::Policy => ("replaces-refused", 603),
            Self::Carrier => ("replaces-by-carrier", 603),
            Self::NoDialog => ("replaces-no-dialog", 481),
            Self::Foreign => ("replaces-foreign-dialog", 403),
            Self::Early => ("replaces-early-dialog", 481),
            Self::Confirmed => ("replaces-confirmed-dialog", 486),
            Self::Ended => ("replaces-ended-dialog", 603),
            Self::Changing => ("replaces-while-changing", 491),
            Self::TooMany => ("replaces-too-often", 603),
        }
    }

    /// Whether it is answered before it is asked who sent it.
    pub(crate) const fn is_of_anybody(self) -> bool {
        matches!(self, Self::Policy | Self::Carrier)
    }

    /// What would have been taken.
    pub(crate) const fn expected(self) -> &'static str {
        match self {
            Self::Policy => "a call of its own: calls.replaces is \"decline\"",
            Self::Carrier => "a user of the leg's own connector",
            Self::NoDialog => "Call-ID, to-tag and from-tag of a leg here",
            Self::Foreign => "a leg of the newcomer's own connector",
            Self::Early | Self::Ended => "a leg that is answered and not hung up",
            Self::Confirmed => "a leg that is not answered, because of early-only",
            Self::Changing => "a call that is not being changed",
            Self::TooMany => "a call with fewer newcomers",
        }
    }

    /// The way out.
    pub(crate) const fn remedy(self) -> &'static str {
        match self {
            Self::Policy => {
                "set calls.replaces = \"carry-out\", or let the PBX join the two calls by itself"
            }
            Self::Carrier => "let the carrier join the two calls by itself",
            Self::NoDialog => {
                "to-tag is the tag of this service and from-tag that of the device that goes; a PBX \
                 between them must name the leg that it has here"
            }
            Self::Foreign => {
                "send the INVITE by the connector whose leg it is; if nobody transferred that call, \
                 somebody tries to take it over"
            }
            Self::Early => "transfer the call after it is answered",
            Self::Confirmed => "the call was answered meanwhile: nothing is to be done",
            Self::Ended => "the call was hung up meanwhile: nothing is to be done",
            Self::Changing => "try again in a moment",
            Self::TooMany => "call anew",
        }
    }
}

/// Whether a tag of `Replaces` is a dialog's: `0` stands for none as well (RFC 3891 §6.1).
pub(crate) fn is_tag(written: &str, tag: &str) -> bool {
    written == tag || (written == "0" && tag.is_empty())
}

/// Whether `Replaces` names the dialog: tags are as whoever is asked sees them (RFC 3891 §3).
pub(crate) fn names(replaces: &Replaces<'_>, dialog: &Dialog) -> bool {
    replaces.call_id == dialog.call_id()
        && is_tag(replaces.to_tag, dialog.local_tag())
        && is_tag(replaces.from_tag, dialog.remote_tag())
}

/// The refusal of a request with `Replaces`.
pub(crate) fn refusal(message: &Message<'_>, why: NotReplaced) -> Reject {
    let dialog = readable(message.first(Name::Replaces).unwrap_or_default());
    Reject::Replaces { dialog, why }
}

/// Whether an INVITE with `Replaces` may be asked who it is from; nothing to say of one without.
pub(crate) fn check_policy(
    turn: &Turn<'_>,
    facts: &Facts,
    message: &Message<'_>,
) -> Result<(), Reject> {
    if !message.contains(Name::Replaces) {
        return Ok(());
    }
    match turn.hub.config.replaces {
        ReplacesPolicy::Decline => Err(refusal(message, NotReplaced::Policy)),
        ReplacesPolicy::CarryOut if facts.origin.is_some() => {
            Err(refusal(message, NotReplaced::Carrier))
        }
        ReplacesPolicy::CarryOut => Ok(()),
    }
}

/// Whom an INVITE is for that names no connector, but a leg of one: a device calls the Contact that
/// the leg has of us. Who does not know the leg is whoever it was.
pub(crate) fn claimed<'m>(
    turn: &Turn<'_>,
    calls: &Calls,
    message: &Message<'m>,
    target: Target<'m>,
) -> Target<'m> {
    match target {
        Target::Connector(..) | Target::Unknown(_) => return target,
        Target::Carrier(..) | Target::Unproven(_) | Target::Ourselves => {}
    }
    let is_asked = message.method() == Some(Method::Invite) && message.contains(Name::Replaces);
    if !is_asked || turn.hub.config.replaces == ReplacesPolicy::Decline {
        return target;
    }
    let named = message.replaces().ok().flatten().and_then(|it| connector(turn, calls, &it));
    let uri = message.request_line().and_then(|line| Uri::parse(line.uri).ok());
    match (named, uri) {
        (Some(connector), Some(uri)) => Target::Connector(connector, uri),
        (Some(_), None) | (None, _) => target,
    }
}

/// The connector of the leg that is named, as the connector is now.
fn connector(turn: &Turn<'_>, calls: &Calls, replaces: &Replaces<'_>) -> Option<Arc<Connector>> {
    let (key, side) = turn.hub.dialogs.find(replaces.call_id, replaces.to_tag)?;
    let call = calls.get(key).filter(|call| call.is_named(side, replaces))?;
    let id = &call.connector_of(side)?.connector.id;
    turn.directory.connector(id).cloned()
}

/// The leg that is named, if the connector's users may have it now.
fn find(
    turn: &Turn<'_>,
    calls: &Calls,
    connector: &Connector,
    replaces: &Replaces<'_>,
) -> Result<(CallKey, Side), NotReplaced> {
    let found = turn.hub.dialogs.find(replaces.call_id, replaces.to_tag);
    let (key, side) = found.ok_or(NotReplaced::NoDialog)?;
    let call = calls.get(key).filter(|call| call.is_named(side, replaces));
    let call = call.ok_or(NotReplaced::NoDialog)?;
    let owner = call.connector_of(side).map(|it| &it.connector.id);
    if owner != Some(&connector.connector.id) {
        return Err(NotReplaced::Foreign);
    }
    call.check_replaced(replaces)?;
    Ok((key, side))
}

/// Lets an INVITE, whose sender may call out, begin to take a leg's place. It is answered once the
/// other side of the call has answered what it says of its media.
///
/// # Errors
/// Nothing has begun if the leg is not there, or may not be had.
pub(crate) fn begin(
    turn: &mut Turn<'_>,
    calls: &mut Calls,
    facts: &Facts,
    ask: &Ask<'_>,
    said: Option<Said<'_>>,
) -> Result<(), Reject> {
    let connector = Arc::clone(facts.connector.as_ref().expect("it names a connector"));
    let malformed = |error| Reject::Malformed(Violation::Header(error));
    let replaces = ask.message.replaces().map_err(malformed)?.expect("it was there before");
    let (key, side) =
        find(turn, calls, &connector, &replaces).map_err(|why| refusal(ask.message, why))?;
    turn.take_pace(&connector, Lane::Out).map_err(Reject::Exceeded)?;
    let dialog = Dialog::uas(ask.message, &ask.tag, State::Confirmed).map_err(malformed)?;
    let newcomer = Newcomer {
        server: ask.server,
        flow: ask.flow,
        message: ask.message,
        replies: ask.replies.clone(),
        dialog,
        said,
        connector,
    };
    let mut call = calls.take(key).expect("it was just found");
    call.replace(turn, side, newcomer);
    calls.put_back(turn.now.instant, call);
    Ok(())
}
