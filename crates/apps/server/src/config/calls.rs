//! Which calls are let in, and how long they may be.

use std::time::Duration;

use call::{DtmfPolicy, HeaderPolicy, ReliableProgress, ReplacesPolicy};
use sip_core::session;

use super::key::Key;
use super::log::one_of;
use super::problem::Problem;
use super::settings::Settings;

pub(super) const KEYS: &[Key] = &[
    Key::text(
        "calls.caller_id",
        "inventory",
        "Which From numbers may call out: inventory (owned by the account) or any.",
    ),
    Key::integer("calls.calls_max", "50000", "Calls at once; the next INVITE is answered 503."),
    Key::integer(
        "calls.account_calls_max",
        "10000",
        "Calls at once of one account; the next INVITE is answered 503.",
    ),
    Key::integer(
        "calls.connector_calls_max",
        "10000",
        "Calls at once of one connector; the next INVITE is answered 503.",
    ),
    Key::integer(
        "calls.emergency_calls_max",
        "50",
        "Emergency calls at once of one connector, which meet no other limit but calls.calls_max; \
         the next INVITE is answered 503.",
    ),
    Key::integer("calls.ring_timeout_s", "180", "Seconds a call may ring before it is given up."),
    Key::integer("calls.length_max_s", "14400", "Seconds an answered call may last."),
    Key::integer(
        "calls.silence_max_s",
        "60",
        "Seconds without any RTP or RTCP from a side before an answered call is ended.",
    ),
    Key::integer(
        "calls.session_expires_s",
        "1800",
        "Seconds after which a session that is not refreshed is over (RFC 4028); 0 for no session \
         timers.",
    ),
    Key::integer(
        "calls.session_min_s",
        "90",
        "The shortest session interval in seconds that is granted; a shorter one is answered 422.",
    ),
    Key::text(
        "calls.reliable_progress",
        "as-asked",
        "Provisional responses that are acknowledged (RFC 3262): never, as-asked (offered to the \
         called side when the caller supports them) or always.",
    ),
    Key::text(
        "calls.dtmf",
        "as-is",
        "Digits between a side with telephone events (RFC 4733) and one with INFO: as-is, or \
         translate (a side that offers no telephone events and lists INFO in Allow is told of \
         digits by INFO, and its own become events).",
    ),
    Key::text(
        "calls.replaces",
        "carry-out",
        "An INVITE with Replaces (RFC 3891), by which a user of a connector takes the place of one of \
         its legs: carry-out, or decline (603).",
    ),
    Key::list(
        "calls.headers_pass",
        "X-*, User-to-User, Diversion, P-Early-Media",
        "Headers that cross from one leg of a call to the other; a * ends the beginning of a name.",
    ),
    Key::integer(
        "calls.drain_max_s",
        "15",
        "Seconds that calls may go on after the service was told to stop; then they are hung up.",
    ),
];

/// Rules and limits of calls. A value of this type has passed its checks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallsConfig {
    /// Which From numbers may call out.
    pub caller_id: CallerId,
    /// Calls at once.
    pub calls_max: u32,
    /// Calls at once of one account.
    pub account_calls_max: u32,
    /// Calls at once of one connector.
    pub connector_calls_max: u32,
    /// Emergency calls at once of one connector.
    pub emergency_calls_max: u32,
    /// How long a call may ring.
    pub ring_timeout: Duration,
    /// How long an answered call may last.
    pub length_max: Duration,
    /// How long a side of an answered call may be silent.
    pub silence_max: Duration,
    /// Session timers; `None` for none.
    pub session: Option<session::Policy>,
    /// Whether provisional responses are acknowledged.
    pub reliable_progress: ReliableProgress,
    /// What becomes of digits between sides that tell them differently.
    pub dtmf: DtmfPolicy,
    /// What becomes of an INVITE that wants the place of a leg.
    pub replaces: ReplacesPolicy,
    /// Which headers cross from one leg to the other.
    pub headers: HeaderPolicy,
    /// How long calls may go on after the service was told to stop.
    pub drain_max: Duration,
}

/// Which From numbers may call out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallerId {
    /// Those that the connector's account owns.
    Inventory,
    /// Any.
    Any,
}

impl CallsConfig {
    pub(super) fn read(settings: &Settings) -> Result<Self, Problem> {
        let caller_id = match settings.text("calls.caller_id") {
            Some("inventory") => CallerId::Inventory,
            Some("any") => CallerId::Any,
            Some(_) | None => {
                return Err(one_of(settings, "calls.caller_id", &["inventory", "any"]));
            }
        };
        Ok(Self {
            caller_id,
            calls_max: settings.integer("calls.calls_max", 1..=1_000_000)?,
            account_calls_max: settings.integer("calls.account_calls_max", 1..=1_000_000)?,
            connector_calls_max: settings.integer("calls.connector_calls_max", 1..=1_000_000)?,
            emergency_calls_max: settings.integer("calls.emergency_calls_max", 1..=1_000_000)?,
            ring_timeout: settings.seconds("calls.ring_timeout_s", 1..=3_600)?,
            length_max: settings.seconds("calls.length_max_s", 1..=604_800)?,
            silence_max: settings.seconds("calls.silence_max_s", 1..=86_400)?,
            session: session_policy(settings)?,
            reliable_progress: reliable_progress(settings)?,
            dtmf: dtmf(settings)?,
            replaces: replaces(settings)?,
            headers: headers(settings)?,
            drain_max: settings.seconds("calls.drain_max_s", 0..=86_400)?,
        })
    }
}

fn session_policy(settings: &Settings) -> Result<Option<session::Policy>, Problem> {
    let min = settings.integer("calls.session_min_s", session::SECONDS_MIN..=86_400)?;
    let key = "calls.session_expires_s";
    match settings.integer(key, 0..=86_400)? {
        0 => Ok(None),
        interval if interval < min => {
            let rule = format!("it must be 0, or at least calls.session_min_s, which is {min}");
            Err(settings.refuse(key, rule))
        }
        interval => Ok(Some(session::Policy { interval, min })),
    }
}

fn reliable_progress(settings: &Settings) -> Result<ReliableProgress, Problem> {
    let key = "calls.reliable_progress";
    match settings.text(key) {
        Some("never") => Ok(ReliableProgress::Never),
        Some("as-asked") => Ok(ReliableProgress::AsAsked),
        Some("always") => Ok(ReliableProgress::Always),
        Some(_) | None => Err(one_of(settings, key, &["never", "as-asked", "always"])),
    }
}

fn dtmf(settings: &Settings) -> Result<DtmfPolicy, Problem> {
    let key = "calls.dtmf";
    match settings.text(key) {
        Some("as-is") => Ok(DtmfPolicy::AsIs),
        Some("translate") => Ok(DtmfPolicy::Translate),
        Some(_) | None => Err(one_of(settings, key, &["as-is", "translate"])),
    }
}

fn replaces(settings: &Settings) -> Result<ReplacesPolicy, Problem> {
    let key = "calls.replaces";
    match settings.text(key) {
        Some("carry-out") => Ok(ReplacesPolicy::CarryOut),
        Some("decline") => Ok(ReplacesPolicy::Decline),
        Some(_) | None => Err(one_of(settings, key, &["carry-out", "decline"])),
    }
}

fn headers(settings: &Settings) -> Result<HeaderPolicy, Problem> {
    let key = "calls.headers_pass";
    let (mut prefixes, mut names) = (Vec::new(), Vec::new());
    for item in settings.list(key) {
        let (list, name) = match item.strip_suffix('*') {
            Some(prefix) => (&mut prefixes, prefix),
            None => (&mut names, item.as_str()),
        };
        if !sip_message::is_token(name) {
            let rule = format!("\"{item}\" is no header name, such as User-to-User or X-*");
            return Err(settings.refuse(key, rule));
        }
        list.push(name.to_owned());
    }
    if let Some(name) = names.iter().find(|name| !HeaderPolicy::can_name(name)) {
        let rule = format!("{name} is made anew on each leg and never crosses");
        return Err(settings.refuse(key, rule));
    }
    Ok(HeaderPolicy { prefixes, names, ..HeaderPolicy::default() })
}
