//! How many calls, and how fast: calls per second of a connector, calls at once of a connector, of
//! an account and of the whole engine.

use std::fmt;
use std::hash::Hasher as _;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use model::{AccountId, Termination, VoiceConnectorId};
use rustc_hash::FxHashMap;
use siphasher::sip::SipHasher13;

use crate::directory::{AccountLimits, Connector};

/// How many calls may be open at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Calls of one account.
    pub account_calls_max: u32,
    /// Calls of one connector.
    pub connector_calls_max: u32,
    /// Calls of the engine: bounds its memory.
    pub calls_max: u32,
    /// Emergency calls of one connector, which meet neither its pace nor its other limits.
    pub emergency_calls_max: u32,
}

impl Limits {
    /// These, with what the operator set for the account.
    pub(crate) fn of(self, account: AccountLimits) -> Self {
        let account_calls_max = account.calls_max.unwrap_or(self.account_calls_max);
        Self { account_calls_max, ..self }
    }
}

impl Default for Limits {
    /// 10,000 for an account and for a connector, 50,000 for the engine; 50 emergency calls.
    fn default() -> Self {
        Self {
            account_calls_max: 10_000,
            connector_calls_max: 10_000,
            calls_max: 50_000,
            emergency_calls_max: 50,
        }
    }
}

/// Which limit was hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exceeded {
    /// Calls per second of the connector: `CpsLimit`.
    CallsPerSecond {
        /// The limit.
        max: u32,
    },
    /// Calls per second of the account, over all its connectors: its quota.
    AccountCallsPerSecond {
        /// The limit.
        max: u32,
    },
    /// Calls at once of the account.
    AccountCalls {
        /// The limit.
        max: u32,
    },
    /// Calls at once of the connector.
    ConnectorCalls {
        /// The limit.
        max: u32,
    },
    /// Calls at once of the engine.
    EngineCalls {
        /// The limit.
        max: u32,
    },
    /// Emergency calls at once of the connector.
    EmergencyCalls {
        /// The limit.
        max: u32,
    },
}

/// A token bucket, most of them of one second's worth, as one instant: when the next token would be
/// spent if they were spent evenly (the generic cell rate algorithm).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace(Instant);

/// The bucket is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooFast;

impl Pace {
    /// A full bucket.
    pub(crate) fn new(now: Instant) -> Self {
        Self(now)
    }

    /// Spends one of `per_second` tokens.
    pub(crate) fn take(&mut self, now: Instant, per_second: NonZeroU32) -> Result<(), TooFast> {
        self.take_ahead(now, per_second, per_second)
    }

    /// Spends one token of a bucket that `per_second` fill and that holds `ahead`.
    pub(crate) fn take_ahead(
        &mut self,
        now: Instant,
        per_second: NonZeroU32,
        ahead: NonZeroU32,
    ) -> Result<(), TooFast> {
        let interval = Duration::from_secs(1) / per_second.get();
        let due = self.0.max(now);
        if due.duration_since(now) > interval * (ahead.get() - 1) {
            return Err(TooFast);
        }
        self.0 = due + interval;
        Ok(())
    }

    /// Whether the bucket is full again, as good as a new one.
    fn is_full(self, now: Instant) -> bool {
        self.0 <= now
    }
}

/// How fast each source of requests is answered. Sources share a fixed number of paces by a keyed
/// hash, so that no flood of sources takes memory and nobody can choose whom to share with.
pub(crate) struct SourcePaces {
    key: [u8; 16],
    paces: Box<[Option<Pace>]>,
}

/// Paces that sources share: with thousands of honest sources each has about one to itself.
const SOURCE_PACES: usize = 4096;

impl SourcePaces {
    pub(crate) fn new(key: &[u8; 16]) -> Self {
        Self { key: *key, paces: vec![None; SOURCE_PACES].into() }
    }

    /// Whether one more answer may go to `source` now.
    pub(crate) fn take(&mut self, now: Instant, source: IpAddr, per_second: NonZeroU32) -> bool {
        let mut hasher = SipHasher13::new_with_key(&self.key);
        match source {
            IpAddr::V4(v4) => hasher.write_u32(v4.to_bits()),
            // One host of IPv6 has a /64 to itself.
            IpAddr::V6(v6) => hasher.write_u64((v6.to_bits() >> 64) as u64),
        }
        let at = (hasher.finish() % SOURCE_PACES as u64) as usize;
        self.paces[at].get_or_insert(Pace::new(now)).take(now, per_second).is_ok()
    }
}

impl fmt::Debug for SourcePaces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SourcePaces(…)")
    }
}

/// Whose room a call takes. A call between two connectors of this installation takes two seats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seat {
    pub(crate) account: AccountId,
    pub(crate) connector: VoiceConnectorId,
}

impl Seat {
    pub(crate) fn of(connector: &Connector) -> Self {
        Self { account: connector.account(), connector: connector.connector.id.clone() }
    }
}

/// Calls out and calls in are paced apart, so that neither can lock the other out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Lane {
    Out,
    In,
}

/// What is in use.
#[derive(Debug, Default)]
pub(crate) struct Usage {
    /// By lane.
    paces: [FxHashMap<VoiceConnectorId, Pace>; 2],
    /// Sweep idle paces when there are more than this.
    paces_sweep_at: usize,
    /// Of accounts that have a limit on calls per second; the operator set each, so they are few.
    account_paces: FxHashMap<AccountId, Pace>,
    accounts: FxHashMap<AccountId, u32>,
    connectors: FxHashMap<VoiceConnectorId, u32>,
    /// Emergency calls of connectors.
    emergencies: FxHashMap<VoiceConnectorId, u32>,
    calls: u32,
}

/// Idle paces are kept until there are this many, so that a busy connector finds its own.
const PACES_KEPT: usize = 4096;

impl Usage {
    /// Spends one token of the connector's bucket.
    pub(crate) fn take_token(
        &mut self,
        now: Instant,
        lane: Lane,
        termination: &Termination,
    ) -> Result<(), Exceeded> {
        let rate = termination.cps_limit;
        let taken = match self.paces[lane as usize].get_mut(&termination.connector) {
            Some(pace) => pace.take(now, rate),
            None => {
                self.sweep(now);
                let mut pace = Pace::new(now);
                let taken = pace.take(now, rate);
                self.paces[lane as usize].insert(termination.connector.clone(), pace);
                taken
            }
        };
        taken.map_err(|TooFast| Exceeded::CallsPerSecond { max: rate.get() })
    }

    /// Spends one token of the account's bucket, if it has one.
    pub(crate) fn take_account_token(
        &mut self,
        now: Instant,
        account: AccountId,
        limits: AccountLimits,
    ) -> Result<(), Exceeded> {
        let Some(max) = limits.calls_per_second_max else {
            self.account_paces.remove(&account);
            return Ok(());
        };
        let exceeded = Exceeded::AccountCallsPerSecond { max };
        let rate = NonZeroU32::new(max).ok_or(exceeded)?;
        let pace = self.account_paces.entry(account).or_insert_with(|| Pace::new(now));
        pace.take(now, rate).map_err(|TooFast| exceeded)
    }

    /// Whether one more call fits.
    pub(crate) fn check_room(&self, seat: &Seat, limits: &Limits) -> Result<(), Exceeded> {
        if self.calls >= limits.calls_max {
            return Err(Exceeded::EngineCalls { max: limits.calls_max });
        }
        if self.accounts.get(&seat.account).copied().unwrap_or(0) >= limits.account_calls_max {
            return Err(Exceeded::AccountCalls { max: limits.account_calls_max });
        }
        let open = self.connectors.get(&seat.connector).copied().unwrap_or(0);
        if open >= limits.connector_calls_max {
            return Err(Exceeded::ConnectorCalls { max: limits.connector_calls_max });
        }
        Ok(())
    }

    /// Whether one more emergency call of a connector fits.
    pub(crate) fn check_emergency(
        &self,
        connector: &VoiceConnectorId,
        limits: &Limits,
    ) -> Result<(), Exceeded> {
        if self.calls >= limits.calls_max {
            return Err(Exceeded::EngineCalls { max: limits.calls_max });
        }
        let open = self.emergencies.get(connector).copied().unwrap_or(0);
        match open >= limits.emergency_calls_max {
            true => Err(Exceeded::EmergencyCalls { max: limits.emergency_calls_max }),
            false => Ok(()),
        }
    }

    /// Counts an emergency call. [`Usage::end_emergency`] counts it out.
    pub(crate) fn begin_emergency(&mut self, connector: &VoiceConnectorId) {
        *self.emergencies.entry(connector.clone()).or_default() += 1;
    }

    /// Counts an emergency call out.
    pub(crate) fn end_emergency(&mut self, connector: &VoiceConnectorId) {
        let Some(open) = self.emergencies.get_mut(connector) else { return };
        *open -= 1;
        if *open == 0 {
            self.emergencies.remove(connector);
        }
    }

    /// Counts a call. [`Usage::end`] counts it out.
    pub(crate) fn begin(&mut self) {
        self.calls += 1;
    }

    /// Counts a call out.
    pub(crate) fn end(&mut self) {
        self.calls -= 1;
    }

    /// Takes a seat. [`Usage::leave`] gives it back.
    pub(crate) fn enter(&mut self, seat: &Seat) {
        *self.accounts.entry(seat.account).or_default() += 1;
        match self.connectors.get_mut(&seat.connector) {
            Some(open) => *open += 1,
            None => {
                self.connectors.insert(seat.connector.clone(), 1);
            }
        }
    }

    /// Gives a seat back.
    pub(crate) fn leave(&mut self, seat: &Seat) {
        let open = self.accounts.get_mut(&seat.account).expect("a call that leaves has entered");
        *open -= 1;
        if *open == 0 {
            self.accounts.remove(&seat.account);
        }
        let open = self.connectors.get_mut(&seat.connector).expect("and at its connector too");
        *open -= 1;
        if *open == 0 {
            self.connectors.remove(&seat.connector);
        }
    }

    /// Calls that are counted in.
    pub(crate) fn calls(&self) -> u32 {
        self.calls
    }

    /// Forgets full buckets: a new one is full too. Amortised, each insertion pays for a few.
    fn sweep(&mut self, now: Instant) {
        let [out, inward] = &mut self.paces;
        if out.len() + inward.len() >= self.paces_sweep_at.max(PACES_KEPT) {
            for paces in [&mut *out, &mut *inward] {
                paces.retain(|_, pace| !pace.is_full(now));
            }
            self.paces_sweep_at = 2 * (out.len() + inward.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::disallowed_methods, reason = "an instant can be had in no other way")]
    fn epoch() -> Instant {
        Instant::now()
    }

    fn termination(connector: u8, cps: u32) -> Termination {
        Termination {
            account: AccountId::DEFAULT,
            connector: VoiceConnectorId::from_random([connector; 22]),
            cps_limit: NonZeroU32::new(cps).unwrap(),
            default_phone_number: None,
            calling_regions: vec![],
            cidr_allowed_list: vec![],
            disabled: false,
        }
    }

    #[test]
    fn a_burst_of_one_seconds_worth_passes_and_the_next_call_waits_for_its_token() {
        let start = epoch();
        let mut usage = Usage::default();
        let connector = termination(1, 5);
        for n in 0..5 {
            assert_eq!(usage.take_token(start, Lane::Out, &connector), Ok(()), "call {n}");
        }
        let refused = Err(Exceeded::CallsPerSecond { max: 5 });
        assert_eq!(usage.take_token(start, Lane::Out, &connector), refused);
        assert_eq!(
            usage.take_token(start + Duration::from_millis(199), Lane::Out, &connector),
            refused
        );
        assert_eq!(
            usage.take_token(start + Duration::from_millis(200), Lane::Out, &connector),
            Ok(())
        );
        assert_eq!(
            usage.take_token(start + Duration::from_millis(200), Lane::Out, &connector),
            refused
        );
    }

    #[test]
    fn one_connectors_burst_does_not_slow_another() {
        let now = epoch();
        let mut usage = Usage::default();
        assert!(usage.take_token(now, Lane::Out, &termination(1, 1)).is_ok());
        assert!(usage.take_token(now, Lane::Out, &termination(1, 1)).is_err());
        assert!(usage.take_token(now, Lane::Out, &termination(2, 1)).is_ok());
    }

    #[test]
    fn an_account_has_the_pace_that_was_set_for_it_over_all_its_connectors() {
        let (mut usage, start) = (Usage::default(), epoch());
        let account = AccountId::DEFAULT;
        let set = |max| AccountLimits { calls_per_second_max: max, ..AccountLimits::default() };
        let two = Exceeded::AccountCallsPerSecond { max: 2 };
        assert_eq!(usage.take_account_token(start, account, set(Some(2))), Ok(()));
        assert_eq!(usage.take_account_token(start, account, set(Some(2))), Ok(()));
        assert_eq!(usage.take_account_token(start, account, set(Some(2))), Err(two));
        let later = start + Duration::from_millis(500);
        assert_eq!(usage.take_account_token(later, account, set(Some(2))), Ok(()));
        let none = Exceeded::AccountCallsPerSecond { max: 0 };
        assert_eq!(usage.take_account_token(later, account, set(Some(0))), Err(none));
        assert_eq!(usage.take_account_token(later, account, set(None)), Ok(()));
    }

    #[test]
    fn what_was_set_for_an_account_takes_the_place_of_the_engines_limit() {
        let engine = Limits {
            account_calls_max: 9,
            connector_calls_max: 9,
            calls_max: 9,
            emergency_calls_max: 9,
        };
        let set = AccountLimits { calls_max: Some(0), calls_per_second_max: None };
        assert_eq!(engine.of(set).account_calls_max, 0);
        assert_eq!(engine.of(AccountLimits::default()), engine);
    }

    #[test]
    fn idle_connectors_are_forgotten() {
        let start = epoch();
        let mut usage = Usage::default();
        for second in 0..8 {
            for n in 0..2000_u32 {
                let mut bytes = [second; 22];
                bytes[..4].copy_from_slice(&n.to_be_bytes().map(|b| b % 36));
                let mut connector = termination(0, 1);
                connector.connector = VoiceConnectorId::from_random(bytes);
                let now = start + Duration::from_secs(2 * u64::from(second));
                usage.take_token(now, Lane::Out, &connector).ok();
            }
        }
        assert!(usage.paces[0].len() <= 2 * PACES_KEPT, "{}", usage.paces[0].len());
    }

    #[test]
    fn a_call_that_left_makes_room() {
        let limits = Limits {
            account_calls_max: 2,
            connector_calls_max: 1,
            calls_max: 3,
            ..Limits::default()
        };
        let seat = |account: &str, connector: u8| Seat {
            account: AccountId::parse(account).unwrap(),
            connector: VoiceConnectorId::from_random([connector; 22]),
        };
        let (first, second) = (seat("000000000000", 1), seat("000000000000", 2));
        let (third, other) = (seat("000000000000", 3), seat("111122223333", 4));
        let mut usage = Usage::default();
        let enter = |usage: &mut Usage, seat: &Seat| {
            usage.begin();
            usage.enter(seat);
        };
        enter(&mut usage, &first);
        assert_eq!(usage.check_room(&first, &limits), Err(Exceeded::ConnectorCalls { max: 1 }));
        enter(&mut usage, &second);
        assert_eq!(usage.check_room(&third, &limits), Err(Exceeded::AccountCalls { max: 2 }));
        enter(&mut usage, &other);
        assert_eq!(usage.check_room(&other, &limits), Err(Exceeded::EngineCalls { max: 3 }));
        for seat in [&first, &second] {
            usage.leave(seat);
            usage.end();
        }
        assert_eq!(usage.check_room(&first, &limits), Ok(()));
        assert!(!usage.accounts.contains_key(&AccountId::DEFAULT));
    }
}
