//! Calls: those that go on, those that ended, and why.

use std::str::FromStr;

use chime_api::Timestamp;
use http::StatusCode;
use model::{AccountId, CallStatus, Direction, TransactionId, UnixMillis, VoiceConnectorId};
use store::RecordFilter;

use super::dto::{Call, CallList, CallState};
use super::query::Query;
use crate::answer::Answer;
use crate::authorize::OperatorPermit;
use crate::context::Context;
use crate::error::{ApiError, ErrorKind};
use crate::live::HungUp;
use crate::page::Listing;

/// Records read from the store at once.
const CHUNK: usize = 500;
/// Chunks that one page looks at before it gives up filling itself.
const CHUNKS_MAX: usize = 200;

/// Tells calls: first those that go on, then those that ended, newest first.
pub(super) async fn list(
    context: &Context,
    _permit: OperatorPermit,
    mut query: Query,
) -> Result<Answer, ApiError> {
    let filter = Filter::take(&mut query)?;
    let limit = query.take_page_length()?;
    let token = query.take("next-token");
    query.finish()?;
    let listing = Listing::new(&["calls", &format!("{filter:?}")]);
    let after = token.map(|it| listing.key("next-token", &it)).transpose()?;

    let mut calls = Vec::new();
    if after.is_none() && filter.state.is_none_or(|it| it.is_live()) {
        let now = context.clock.now();
        let live = context.live.list().await?;
        calls.extend(live.into_iter().map(|it| it.into_dto(now)).filter(|it| filter.passes(it)));
    }
    let mut next = None;
    if filter.state.is_none_or(|it| !it.is_live()) {
        next = ended(context, &filter, after, limit, &mut calls).await?;
    }
    for call in &mut calls {
        call.decisions = Vec::new();
    }
    let next_token = next.map(|cursor| listing.token(&cursor));
    Ok(Answer::json(StatusCode::OK, &CallList { calls, next_token }))
}

/// Appends ended calls until the page has `limit` of them; tells where the next page begins.
async fn ended(
    context: &Context,
    filter: &Filter,
    after: Option<String>,
    limit: usize,
    calls: &mut Vec<Call>,
) -> Result<Option<String>, ApiError> {
    let mut cursor = after
        .map(|it| it.parse())
        .transpose()
        .map_err(|refused| ApiError::bad_value("next-token", &refused))?;
    let mut left = limit;
    for _ in 0..CHUNKS_MAX {
        // No more than what is missing, so that the cursor stands right after the page's last call.
        let page = context.store.records(filter.records(), cursor, left.min(CHUNK)).await?;
        cursor = page.next;
        for call in page.records.into_iter().map(Call::from).filter(|it| filter.passes(it)) {
            calls.push(call);
            left -= 1;
        }
        if cursor.is_none() || left == 0 {
            break;
        }
    }
    Ok(cursor.map(|it| it.to_string()))
}

/// Tells everything about one call, by its transaction id or the Call-ID of either leg.
pub(super) async fn explain(
    context: &Context,
    _permit: OperatorPermit,
    mut query: Query,
) -> Result<Answer, ApiError> {
    let call = query.take("call").filter(|it| !it.is_empty());
    query.finish()?;
    let call = call.ok_or_else(|| {
        ApiError::bad_request("call is missing; give a transaction id or a SIP Call-ID: ?call=…")
    })?;
    if let Some(live) = context.live.find(&call).await? {
        return Ok(Answer::json(StatusCode::OK, &live.into_dto(context.clock.now())));
    }
    let record = context.store.record(&call).await?.ok_or_else(|| no_such(&call))?;
    Ok(Answer::json(StatusCode::OK, &Call::from(record)))
}

/// Ends a call that goes on.
pub(super) async fn hang_up(
    context: &Context,
    _permit: OperatorPermit,
    id: &str,
) -> Result<Answer, ApiError> {
    let transaction =
        TransactionId::parse(id).map_err(|refused| ApiError::bad_value("call", &refused))?;
    match context.live.hang_up(transaction).await? {
        HungUp::Ordered => Ok(Answer::NO_CONTENT),
        HungUp::NoSuchCall => Err(ApiError::new(
            ErrorKind::NotFound,
            format!(
                "no call with the transaction id '{transaction}' goes on; `trunkline calls` tells which do"
            ),
        )),
    }
}

fn no_such(call: &str) -> ApiError {
    let shown: String = call.chars().take(80).collect();
    ApiError::new(
        ErrorKind::NotFound,
        format!(
            "Could not find a call with the transaction id or Call-ID '{shown}'; an INVITE that named no Voice \
             Connector leaves no record, only a line in the log"
        ),
    )
}

/// Which calls to tell.
#[derive(Debug, Default)]
struct Filter {
    state: Option<StateFilter>,
    account: Option<AccountId>,
    connector: Option<VoiceConnectorId>,
    direction: Option<Direction>,
    from: Option<String>,
    to: Option<String>,
    since: Option<UnixMillis>,
    until: Option<UnixMillis>,
}

impl Filter {
    fn take(query: &mut Query) -> Result<Self, ApiError> {
        let direction = match query.take("direction").as_deref() {
            None => None,
            Some("inbound") => Some(Direction::Inbound),
            Some("outbound") => Some(Direction::Outbound),
            Some(_) => return Err(ApiError::bad_request("direction is inbound or outbound")),
        };
        let time = |at: Option<Timestamp>| {
            at.map(|it| UnixMillis(u64::try_from(it.unix_ms()).unwrap_or_default()))
        };
        Ok(Self {
            state: query.take_as("state")?,
            account: query.take_as("account")?,
            connector: query.take_as("connector")?,
            direction,
            from: query.take("from"),
            to: query.take("to"),
            since: time(query.take_as("since")?),
            until: time(query.take_as("until")?),
        })
    }

    /// The part that the store looks for.
    fn records(&self) -> RecordFilter {
        RecordFilter {
            account: self.account,
            connector: self.connector.clone(),
            status: self.state.and_then(StateFilter::status),
            since: self.since,
            until: self.until,
        }
    }

    /// Whether a call is to be told.
    fn passes(&self, call: &Call) -> bool {
        let same =
            |wanted: &Option<String>, found: &str| wanted.as_deref().is_none_or(|it| it == found);
        let started = u64::try_from(call.started.unix_ms()).unwrap_or_default();
        self.state.is_none_or(|it| it.admits(call.state))
            && self.account.is_none_or(|it| call.account == Some(it))
            && self
                .connector
                .as_ref()
                .is_none_or(|it| call.connector.as_deref() == Some(it.as_str()))
            && self.direction.is_none_or(|it| call.direction == it)
            && same(&self.from, &call.from)
            && same(&self.to, &call.to)
            && self.since.is_none_or(|it| started >= it.0)
            && self.until.is_none_or(|it| started < it.0)
    }
}

/// `state=`: one state, or all live or ended ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum StateFilter {
    Live,
    Ended,
    Only(CallState),
}

impl StateFilter {
    fn is_live(self) -> bool {
        match self {
            Self::Live | Self::Only(CallState::Ringing | CallState::Answered) => true,
            Self::Ended
            | Self::Only(CallState::Completed | CallState::Failed | CallState::Rejected) => false,
        }
    }

    fn admits(self, state: CallState) -> bool {
        match self {
            Self::Live | Self::Ended => self.is_live() == Self::Only(state).is_live(),
            Self::Only(wanted) => wanted == state,
        }
    }

    fn status(self) -> Option<CallStatus> {
        match self {
            Self::Only(CallState::Completed) => Some(CallStatus::Completed),
            Self::Only(CallState::Failed) => Some(CallStatus::Failed),
            Self::Only(CallState::Rejected) => Some(CallStatus::Rejected),
            Self::Live | Self::Ended | Self::Only(CallState::Ringing | CallState::Answered) => None,
        }
    }
}

impl FromStr for StateFilter {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "live" => Self::Live,
            "ended" => Self::Ended,
            "ringing" => Self::Only(CallState::Ringing),
            "answered" => Self::Only(CallState::Answered),
            "completed" => Self::Only(CallState::Completed),
            "failed" => Self::Only(CallState::Failed),
            "rejected" => Self::Only(CallState::Rejected),
            _ => return Err("it is live, ended, ringing, answered, completed, failed or rejected"),
        })
    }
}
