//! The fuzz target's committed corpus, and requests near it, on stable.

use chime_api::{Operation, fuzzing};
use proptest::prelude::*;
use serde_json::Value;

use crate::support::{Members, request, valid};

#[test]
fn the_fuzz_corpus_holds_every_invariant() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../fuzz/corpus/api_request");
    let mut inputs = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        fuzzing::request(&std::fs::read(entry.unwrap().path()).unwrap());
        inputs += 1;
    }
    assert!(inputs >= 20, "the corpus is committed");
}

/// A good request of every operation, as the fuzz target reads it.
fn good(operation: Operation, which: Members) -> Vec<u8> {
    let spec = operation.spec();
    let document: Value = valid(spec.input, which);
    let request = request(spec, &document);
    let line = format!("{} {}?{}\n", request.method, request.path, request.query);
    [line.as_bytes(), &request.body].concat()
}

#[test]
fn good_requests_hold_every_invariant() {
    for operation in Operation::all() {
        fuzzing::request(&good(operation, Members::Required));
        fuzzing::request(&good(operation, Members::All));
    }
}

proptest! {
    /// Bytes of a good request are overwritten, removed or put in, anywhere.
    #[test]
    fn damaged_requests_are_decoded_or_refused_by_name(
        at in 0..Operation::all().len(),
        which in prop_oneof![Just(Members::Required), Just(Members::All)],
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 1..6),
    ) {
        let mut bytes = good(Operation::all().nth(at).unwrap(), which);
        for (place, byte, deed) in damage {
            let place = place.index(bytes.len());
            match deed {
                0 => bytes[place] = byte,
                1 if bytes.len() > 1 => drop(bytes.remove(place)),
                _ => bytes.insert(place, byte),
            }
        }
        fuzzing::request(&bytes);
    }

    /// Any bytes at all.
    #[test]
    fn any_bytes_are_decoded_or_refused_by_name(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        fuzzing::request(&bytes);
    }
}
