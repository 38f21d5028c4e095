//! Which carrier next: by priority, then at random by weight, each address once.

use std::net::SocketAddr;
use std::sync::Arc;

use sip_core::Tokens;
use sip_message::Status;

use crate::directory::ResolvedCarrier;

/// The most carriers one call considers; those with the best priorities.
pub(crate) const CARRIERS_MAX: usize = 64;

/// The most attempts one call makes, over all carriers and addresses.
pub(crate) const ATTEMPTS_MAX: u8 = 8;

/// One place to send the call to.
#[derive(Debug, Clone)]
pub(crate) struct Attempt {
    pub(crate) carrier: Arc<ResolvedCarrier>,
    pub(crate) address: SocketAddr,
}

/// The carriers a call has not yet tried. Holds the list that was current when the call came.
#[derive(Debug)]
pub(crate) struct Plan {
    carriers: Arc<[Arc<ResolvedCarrier>]>,
    /// One bit per carrier that has had its turn.
    tried: u64,
    /// The carrier whose turn it is, and its next address.
    current: Option<(usize, usize)>,
    attempts: u8,
}

impl Plan {
    pub(crate) fn new(carriers: &Arc<[Arc<ResolvedCarrier>]>) -> Self {
        Self { carriers: Arc::clone(carriers), tried: 0, current: None, attempts: 0 }
    }

    /// The next attempt, or none: every carrier has been tried, or [`ATTEMPTS_MAX`] is reached.
    pub(crate) fn next(&mut self, random: &mut Tokens) -> Option<Attempt> {
        if self.attempts >= ATTEMPTS_MAX {
            return None;
        }
        loop {
            let (at, address) = match self.current {
                Some(current) => current,
                None => (self.draw(random)?, 0),
            };
            let carrier = &self.carriers[at];
            if let Some(&found) = carrier.addresses.get(address) {
                self.current = Some((at, address + 1));
                self.attempts += 1;
                return Some(Attempt { carrier: Arc::clone(carrier), address: found });
            }
            self.current = None;
        }
    }

    /// Draws among the untried carriers of the best priority, each with a chance as large as its
    /// weight's share. Facts: equal weights halve, 1 and 9 make 10 % and 90 %.
    fn draw(&mut self, random: &mut Tokens) -> Option<usize> {
        let open = || {
            let tried = self.tried;
            let carriers = self.carriers.iter().take(CARRIERS_MAX).enumerate();
            carriers.filter(move |(at, _)| tried & 1 << at == 0)
        };
        let best = open().map(|(_, it)| it.carrier.priority).min()?;
        let group = || {
            open()
                .filter(move |(_, it)| it.carrier.priority == best)
                .map(|(at, it)| (at, u64::from(it.carrier.weight.max(1))))
        };
        let mut ticket = below(random, group().map(|(_, weight)| weight).sum());
        let drawn = group().find(|(_, weight)| {
            let won = ticket < *weight;
            ticket = ticket.saturating_sub(*weight);
            won
        });
        let (at, _) = drawn.expect("a ticket below the sum of weights wins one of them");
        self.tried |= 1 << at;
        Some(at)
    }
}

/// A random number below `bound`, which is not zero. The bias is below `bound` / 2⁶⁴.
fn below(random: &mut Tokens, bound: u64) -> u64 {
    let wide = (random.bits() & u128::from(u64::MAX)) * u128::from(bound);
    u64::try_from(wide >> 64).expect("a product of two 64-bit numbers, shifted by 64, fits")
}

/// What a carrier's final answer means for the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It speaks of the route: another one may do better.
    TryNext,
    /// It speaks of the called party: it is the call's answer.
    Final,
}

/// Sorts a carrier's final failure.
///
/// The route failed: 408, 430, and 5xx but 501, 505, 513, 580, which say that the *request* cannot
/// be served; a redirection, which a trunk does not follow; 401 and 407 that could not be answered. Everything else, 486, 603 and 404 first, is
/// the called party's answer.
pub(crate) fn judge(status: Status) -> Answer {
    match status.0 {
        401 | 407 | 408 | 430 => Answer::TryNext,
        501 | 505 | 513 | 580 => Answer::Final,
        300..=399 | 500..=599 => Answer::TryNext,
        _ => Answer::Final,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use model::{Carrier, CarrierName, CarrierTransport, UnixMillis};

    use super::*;

    fn carrier(name: &str, priority: u8, weight: u8, addresses: &[&str]) -> Arc<ResolvedCarrier> {
        Arc::new(ResolvedCarrier {
            carrier: Carrier {
                name: CarrierName::parse(name).unwrap(),
                host: "carrier.example".into(),
                port: 5060,
                transport: CarrierTransport::Udp,
                priority,
                weight,
                credential: None,
                sources: vec![],
                added: UnixMillis(0),
            },
            addresses: addresses.iter().map(|it| it.parse().unwrap()).collect(),
        })
    }

    fn names(plan: &mut Plan, random: &mut Tokens) -> Vec<String> {
        std::iter::from_fn(|| plan.next(random))
            .map(|it| it.carrier.carrier.name.to_string())
            .collect()
    }

    #[test]
    fn a_better_priority_comes_first_and_each_address_has_one_turn() {
        let carriers: Arc<[_]> = Arc::new([
            carrier("a", 1, 1, &["192.0.2.1:5060", "192.0.2.2:5060"]),
            carrier("b", 2, 100, &["192.0.2.3:5060"]),
        ]);
        let mut random = Tokens::new(&[1; 16]);
        let mut plan = Plan::new(&carriers);
        let addresses: Vec<String> = std::iter::from_fn(|| plan.next(&mut random))
            .map(|it| it.address.to_string())
            .collect();
        assert_eq!(addresses, ["192.0.2.1:5060", "192.0.2.2:5060", "192.0.2.3:5060"]);
    }

    #[test]
    fn a_carrier_that_does_not_resolve_is_passed_over() {
        let carriers: Arc<[_]> =
            Arc::new([carrier("a", 1, 1, &[]), carrier("b", 1, 1, &["192.0.2.3:5060"])]);
        for seed in 0..20 {
            let mut random = Tokens::new(&[seed; 16]);
            assert_eq!(names(&mut Plan::new(&carriers), &mut random), ["b"]);
        }
    }

    #[test]
    fn weights_share_the_first_attempt_one_to_nine() {
        let carriers: Arc<[_]> = Arc::new([
            carrier("a", 1, 10, &["192.0.2.1:5060"]),
            carrier("b", 1, 90, &["192.0.2.2:5060"]),
        ]);
        let mut random = Tokens::new(&[3; 16]);
        let mut firsts: BTreeMap<String, u32> = BTreeMap::new();
        for _ in 0..10_000 {
            let order = names(&mut Plan::new(&carriers), &mut random);
            assert_eq!(order.len(), 2);
            *firsts.entry(order[0].clone()).or_default() += 1;
        }
        assert!((850..1150).contains(&firsts["a"]), "{firsts:?}");
    }

    #[test]
    fn attempts_are_bounded() {
        let addresses = ["192.0.2.1:5060"; 20];
        let carriers: Arc<[_]> = Arc::new([carrier("a", 1, 1, &addresses)]);
        let mut random = Tokens::new(&[4; 16]);
        let order = names(&mut Plan::new(&carriers), &mut random);
        assert_eq!(order.len(), usize::from(ATTEMPTS_MAX));
    }

    #[test]
    fn no_carrier_means_no_attempt() {
        let carriers: Arc<[Arc<ResolvedCarrier>]> = Arc::new([]);
        assert!(Plan::new(&carriers).next(&mut Tokens::new(&[5; 16])).is_none());
    }

    #[test]
    fn the_called_partys_answer_is_final_and_the_routes_is_not() {
        for status in [404, 486, 480, 603, 600, 604, 403, 484, 488, 501] {
            assert_eq!(judge(Status(status)), Answer::Final, "{status}");
        }
        for status in [503, 500, 502, 504, 408, 407, 401, 302] {
            assert_eq!(judge(Status(status)), Answer::TryNext, "{status}");
        }
    }
}
