use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn start() -> Instant {
    crate::test_clock::start()
}

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Follows the wheel's own advice until nothing is armed; gives who fired, and when.
fn run_dry(wheel: &mut Wheel) -> Vec<(Duration, u32)> {
    let mut fired = Vec::new();
    while let Some(wake) = wheel.next() {
        while let Some(owner) = wheel.pop_due(wake.at) {
            fired.push((wake.at - start(), owner));
        }
    }
    fired
}

#[test]
fn deadlines_fire_in_order_however_far_apart() {
    let mut wheel = Wheel::new();
    let far = [1, 63, 64, 65, 500, 4095, 4096, 32_000, 300_000, 16_777_216, 90_000_000_000];
    for (owner, &at) in far.iter().enumerate().rev() {
        wheel.set(start(), owner as u32, start() + ms(at));
    }
    let wanted: Vec<_> = far.iter().zip(0..).map(|(&at, owner)| (ms(at), owner)).collect();
    assert_eq!(run_dry(&mut wheel), wanted);
}

#[test]
fn setting_again_replaces_and_stopping_removes() {
    let mut wheel = Wheel::new();
    wheel.set(start(), 0, start() + ms(10));
    wheel.set(start(), 1, start() + ms(10));
    wheel.set(start(), 2, start() + ms(10));
    wheel.set(start(), 0, start() + ms(5000));
    wheel.stop(1);
    wheel.stop(1);
    wheel.stop(77);
    assert_eq!(run_dry(&mut wheel), [(ms(10), 2), (ms(5000), 0)]);
}

#[test]
fn a_deadline_that_has_passed_fires_at_once() {
    let mut wheel = Wheel::new();
    wheel.set(start(), 9, start() + ms(1));
    assert_eq!(wheel.pop_due(start() + ms(100)), Some(9));
    wheel.set(start() + ms(100), 3, start() + ms(50));
    assert_eq!(wheel.next().map(|wake| wake.owner), Some(Some(3)));
    assert_eq!(wheel.pop_due(start() + ms(100)), Some(3));
    assert_eq!(wheel.pop_due(start() + ms(100)), None);
    assert_eq!(wheel.next(), None);
}

#[test]
fn a_fraction_of_a_millisecond_is_rounded_up() {
    let mut wheel = Wheel::new();
    wheel.set(start(), 0, start() + Duration::from_micros(1500));
    assert_eq!(wheel.pop_due(start() + Duration::from_micros(1999)), None);
    assert_eq!(wheel.pop_due(start() + ms(2)), Some(0));
}

#[derive(Debug, Clone)]
enum Step {
    Set(u32, u64),
    Stop(u32),
    Advance(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..20_u32, 0..200_000_u64).prop_map(|(owner, after)| Step::Set(owner, after)),
        (0..20_u32, 0..200_u64).prop_map(|(owner, after)| Step::Set(owner, after)),
        (0..20_u32).prop_map(Step::Stop),
        (0..100_u64).prop_map(Step::Advance),
        (0..100_000_u64).prop_map(Step::Advance),
    ]
}

proptest! {
    /// Whatever is set, stopped and let pass, exactly the owners whose time has come fire, in order.
    #[test]
    fn the_wheel_agrees_with_a_sorted_table(steps in prop::collection::vec(step(), 1..200)) {
        let mut wheel = Wheel::new();
        let mut table = BTreeMap::new();
        let mut now = 0;
        for step in steps {
            match step {
                Step::Set(owner, after) => {
                    wheel.set(start() + ms(now), owner, start() + ms(now + after));
                    table.insert(owner, now + after);
                }
                Step::Stop(owner) => {
                    wheel.stop(owner);
                    table.remove(&owner);
                }
                Step::Advance(by) => {
                    let soonest = table.values().min().copied();
                    let wake = wheel.next().map(|it| it.at - start());
                    prop_assert_eq!(wake.is_some(), soonest.is_some());
                    prop_assert!(wake <= soonest.map(ms), "{wake:?} {soonest:?}");
                    now += by;
                    let mut fired = Vec::new();
                    while let Some(owner) = wheel.pop_due(start() + ms(now)) {
                        fired.push(table.remove(&owner).expect("only armed owners fire"));
                    }
                    prop_assert!(fired.is_sorted());
                    prop_assert!(fired.iter().all(|&at| at <= now));
                    prop_assert!(table.values().all(|&at| at > now), "{table:?} at {now}");
                }
            }
        }
    }
}
