//! The order in which the ways to a host are tried.

use arrayvec::ArrayVec;
use sip_core::Tokens;

use super::Hop;
use crate::route::below;

/// The most places of one host that are considered; those of the best priorities.
pub const HOPS_MAX: usize = 16;

/// Which of a host's places come next, by their positions in the list of hops, the next one last.
pub type HopOrder = ArrayVec<u8, HOPS_MAX>;

/// Draws the order in which to try the places of one host: by priority, and among equals at random
/// with a chance as large as the weight's share (RFC 2782, "Usage rules"). Each stands in it once.
pub fn order(hops: &[Hop], random: &mut Tokens) -> HopOrder {
    let mut best: Vec<u8> = (0..hops.len().min(usize::from(u8::MAX))).map(|at| at as u8).collect();
    best.sort_by_key(|at| hops[usize::from(*at)].priority);
    best.truncate(HOPS_MAX);
    let mut order = HopOrder::new();
    for equals in
        best.chunk_by_mut(|a, b| hops[usize::from(*a)].priority == hops[usize::from(*b)].priority)
    {
        let mut open: HopOrder = equals.iter().copied().collect();
        while !open.is_empty() {
            order.push(open.remove(draw(hops, &open, random)));
        }
    }
    order.reverse();
    order
}

/// The position in `open` that wins. A place without weight has the chance of a thousandth.
fn draw(hops: &[Hop], open: &HopOrder, random: &mut Tokens) -> usize {
    let weight = |at: &u8| (u64::from(hops[usize::from(*at)].weight) * 1000).max(1);
    let mut ticket = below(random, open.iter().map(weight).sum());
    let won = open.iter().position(|at| {
        let won = ticket < weight(at);
        ticket = ticket.saturating_sub(weight(at));
        won
    });
    won.expect("a ticket below the sum of weights wins one of them")
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use proptest::prelude::*;
    use sip_message::Transport;

    use super::*;

    fn hop(priority: u16, weight: u16, last: u8) -> Hop {
        let address = SocketAddr::from(([192, 0, 2, last], 5060));
        Hop { priority, weight, ..Hop::new(Transport::Udp, address) }
    }

    fn tried(hops: &[Hop], random: &mut Tokens) -> Vec<Hop> {
        order(hops, random).iter().rev().map(|at| hops[usize::from(*at)]).collect()
    }

    proptest! {
        /// Whatever a zone says, each place is tried once and no place before a better one.
        #[test]
        fn each_place_is_tried_once_and_in_order_of_priority(
            said in prop::collection::vec((0_u16..4, 0_u16..5), 0..HOPS_MAX),
            seed in any::<[u8; 16]>(),
        ) {
            let numbered = said.iter().zip(0_u8..);
            let hops: Vec<Hop> = numbered.map(|((p, w), last)| hop(*p, *w, last)).collect();
            let mut tried = tried(&hops, &mut Tokens::new(&seed));
            prop_assert!(tried.is_sorted_by_key(|it| it.priority));
            tried.sort_by_key(|it| it.address);
            prop_assert_eq!(tried, hops);
        }
    }

    #[test]
    fn equal_places_share_by_weight() {
        let hops = [hop(1, 1, 1), hop(1, 9, 2), hop(1, 0, 3)];
        let mut random = Tokens::new(&[7; 16]);
        let mut first = [0; 3];
        for _ in 0..10_000 {
            first[usize::from(*order(&hops, &mut random).last().unwrap())] += 1;
        }
        assert!((800..1200).contains(&first[0]), "{first:?}");
        assert!((8800..9200).contains(&first[1]), "{first:?}");
        assert!(first[2] < 20, "{first:?}");
    }

    #[test]
    fn of_too_many_places_the_best_are_kept() {
        let hops: Vec<Hop> = (0..40).rev().map(|n| hop(n, 1, n as u8)).collect();
        let tried = tried(&hops, &mut Tokens::new(&[1; 16]));
        assert_eq!(tried.len(), HOPS_MAX);
        assert_eq!((tried[0].priority, tried[15].priority), (0, 15));
    }
}
