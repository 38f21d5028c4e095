//! Chooses the number that stands between the participants of a session.
//!
//! A proxy number and a participant's own number must lead to one session, so a number can serve
//! many sessions at once, but none of the same participant. Among those that can, what the two had
//! before counts first, then the place, then the order of the numbers.

use std::collections::BTreeSet;

use model::{
    AccountId, E164Number, GeoMatch, NumberSelection, PhoneNumberAssociation, Proxy, ProxySession,
    Resource as _, UnixMillis,
};
use store::{Page, Tx, TypedTx as _, TypedView as _};

use crate::error::ApiError;
use crate::operation::phone_number::find_owned;

/// How long a closed session is remembered, in milliseconds: 90 days.
const REMEMBERED_MS: u64 = 90 * 86_400_000;

/// What is wished of the number.
pub(super) struct Wish {
    pub(super) participants: [E164Number; 2],
    pub(super) selection: Option<NumberSelection>,
    pub(super) geo_match: Option<GeoMatch>,
}

/// The number for a new session; forgets sessions that closed long ago.
pub(super) fn choose(
    tx: &mut dyn Tx,
    proxy: &Proxy,
    wish: &Wish,
    now: UnixMillis,
) -> Result<E164Number, ApiError> {
    let past = Past::read(tx, proxy, wish, now)?;
    let parent = proxy.connector.to_string();
    let associated =
        tx.children::<PhoneNumberAssociation>(&proxy.account, &parent, Page::WHOLE)?.items;
    let mut best: Option<(Rank, E164Number)> = None;
    for number in associated.into_iter().map(|it| it.number) {
        let usable = is_usable(tx, proxy.account, number, now)?;
        if !usable || !is_of(number, &proxy.countries) || past.taken.contains(&number) {
            continue;
        }
        if wish.participants.contains(&number) {
            continue;
        }
        let candidate = (Rank::of(number, wish, &past), number);
        if best.is_none_or(|best| candidate < best) {
            best = Some(candidate);
        }
    }
    best.map(|(_, number)| number).ok_or_else(|| {
        ApiError::bad_request(format!(
            "no proxy number is left for these participants: VoiceConnector '{}' needs an associated number of \
             {} that serves no other open session of either; associate one more, or delete a session",
            proxy.connector,
            proxy.countries.join(", ")
        ))
    })
}

fn is_usable(
    tx: &dyn Tx,
    account: AccountId,
    number: E164Number,
    now: UnixMillis,
) -> Result<bool, ApiError> {
    let owned = find_owned(tx, account, number, now)?;
    Ok(owned.is_some_and(|it| it.usable_by() == Some(account)))
}

fn is_of(number: E164Number, countries: &[String]) -> bool {
    number.country().is_some_and(|it| countries.iter().any(|known| known == it.as_str()))
}

/// What earlier sessions of the connector mean for a new one.
struct Past {
    /// Numbers that serve an open session of either participant.
    taken: BTreeSet<E164Number>,
    /// Numbers that the two had before.
    earlier: BTreeSet<E164Number>,
    /// The one they had last.
    last: Option<E164Number>,
}

impl Past {
    fn read(
        tx: &mut dyn Tx,
        proxy: &Proxy,
        wish: &Wish,
        now: UnixMillis,
    ) -> Result<Self, ApiError> {
        let [one, other] = wish.participants;
        let mut past = Self { taken: BTreeSet::new(), earlier: BTreeSet::new(), last: None };
        let mut newest = UnixMillis(0);
        let parent = proxy.connector.to_string();
        for session in tx.children::<ProxySession>(&proxy.account, &parent, Page::WHOLE)?.items {
            let ended = session.ended_by(now);
            if ended.is_some_and(|it| now.since(it) >= REMEMBERED_MS) {
                tx.delete::<ProxySession>(&proxy.account, &session.key())?;
                continue;
            }
            let number = session.participants[0].proxy;
            if ended.is_none()
                && session.participants.iter().any(|it| it.number == one || it.number == other)
            {
                past.taken.insert(number);
            }
            if session.is_between(one, other) {
                past.earlier.insert(number);
                if session.created >= newest {
                    (newest, past.last) = (session.created, Some(number));
                }
            }
        }
        Ok(past)
    }
}

/// How little a number fits; the smallest is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    against_history: bool,
    elsewhere: bool,
}

impl Rank {
    fn of(number: E164Number, wish: &Wish, past: &Past) -> Self {
        let against_history = match wish.selection {
            None => false,
            Some(NumberSelection::PreferSticky) => past.last != Some(number),
            Some(NumberSelection::AvoidSticky) => past.earlier.contains(&number),
        };
        let is_there = |geo: &GeoMatch| {
            number.country().is_some_and(|it| it.as_str() == geo.country)
                && geo.area_code.as_ref().is_none_or(|it| number.area_code().as_ref() == Some(it))
        };
        Self { against_history, elsewhere: !wish.geo_match.as_ref().is_none_or(is_there) }
    }
}
