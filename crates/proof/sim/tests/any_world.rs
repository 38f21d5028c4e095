//! What must hold in every world, in very many of them.
//!
//! Two thousand seeds, half of the worlds rude, in slices that run beside one another. A failing seed
//! is printed; `cargo sim SEED` plays it again.

use std::ops::Range;

use sim::live_through;

/// Lives through the worlds of these seeds.
fn judge(seeds: Range<u64>) {
    for seed in seeds {
        if let Err(broken) = live_through(seed).judge() {
            panic!("seed {seed}: {broken}; `cargo sim {seed}` plays it again");
        }
    }
}

/// Tests of 250 seeds each.
macro_rules! slices {
    ($($name:ident: $seeds:expr;)*) => {$(
        #[test]
        fn $name() {
            judge($seeds);
        }
    )*};
}

slices! {
    every_call_ends_once_with_one_record_and_nothing_left_in_worlds_0_to_249: 0..250;
    every_call_ends_once_with_one_record_and_nothing_left_in_worlds_250_to_499: 250..500;
    every_call_ends_once_with_one_record_and_nothing_left_in_worlds_500_to_749: 500..750;
    every_call_ends_once_with_one_record_and_nothing_left_in_worlds_750_to_999: 750..1000;
    every_call_ends_once_with_one_record_and_nothing_left_in_worlds_1000_to_1249: 1000..1250;
    every_call_ends_once_with_one_record_and_nothing_left_in_worlds_1250_to_1499: 1250..1500;
    every_call_ends_once_with_one_record_and_nothing_left_in_worlds_1500_to_1749: 1500..1750;
    every_call_ends_once_with_one_record_and_nothing_left_in_worlds_1750_to_1999: 1750..2000;
}

/// A law that is never tried proves nothing.
#[test]
fn in_most_worlds_somebody_attacks() {
    let attacked = (0..40).filter(|seed| live_through(*seed).attacks() > 0).count();
    assert!(attacked > 20, "{attacked} of 40 worlds were attacked");
}

#[test]
fn in_many_worlds_somebody_without_the_keys_attacks_encrypted_audio() {
    let attacked = (0..40).filter(|seed| live_through(*seed).attacks_on_encrypted() > 0).count();
    assert!(attacked > 8, "{attacked} of 40 worlds had encrypted audio attacked");
}
