//! Port ranges and the pool of free pairs.

use media::{Exhausted, LocalPort, PortPool, PortRange};

#[test]
fn a_range_holds_whole_pairs_only() {
    for (min, max, first, pairs) in [
        (20_000, 29_999, 20_000, 5000),
        (20_001, 20_004, 20_002, 1),
        (20_000, 20_001, 20_000, 1),
        (0, 5, 2, 2),
        (65_530, 65_535, 65_530, 3),
        (0, 65_535, 2, 32_767),
    ] {
        let range = PortRange::parse(min, max).unwrap();
        assert_eq!((range.first().rtp(), range.pairs()), (first, pairs), "{min}–{max}");
        assert_eq!(range.port(0), Some(range.first()));
        assert_eq!(range.port(pairs), None);
    }
    for (min, max) in [(0, 0), (0, 1), (0, 2), (20_001, 20_002), (5, 4), (65_535, 65_535)] {
        assert!(PortRange::parse(min, max).is_err(), "{min}–{max}");
    }
}

#[test]
fn both_ports_of_a_pair_have_its_index() {
    let range = PortRange::parse(20_000, 20_003).unwrap();
    let indices = [19_999, 20_000, 20_001, 20_002, 20_003, 20_004].map(|port| range.index(port));
    assert_eq!(indices, [None, Some(0), Some(0), Some(1), Some(1), None]);
    let top = PortRange::parse(65_534, 65_535).unwrap();
    assert_eq!(top.index(65_535), Some(0));
}

#[test]
fn only_even_ports_are_rtp_ports() {
    assert_eq!(LocalPort::parse(0), None);
    assert_eq!(LocalPort::parse(7), None);
    let port = LocalPort::parse(8).unwrap();
    assert_eq!((port.rtp(), port.rtcp()), (8, 9));
}

#[test]
fn a_pair_that_was_given_back_is_taken_last() {
    let [one, two, three] = [2, 4, 6].map(|port| LocalPort::parse(port).unwrap());
    let mut pool = PortPool::new();
    for port in [one, two, three] {
        pool.add(port);
    }
    assert_eq!(pool.take(), Ok(one));
    pool.release(one);
    let order = [pool.take(), pool.take(), pool.take()];
    assert_eq!(order, [Ok(two), Ok(three), Ok(one)]);
    assert_eq!((pool.free(), pool.taken()), (0, 3));
    assert_eq!(pool.take(), Err(Exhausted { bound: 3 }));
}
