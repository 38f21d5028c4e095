//! The committed fuzz corpora on stable: each input, and a bounded number of mutations of it.

use std::path::PathBuf;

use sip_message::fuzzing;

fn corpus(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = format!("{}/../../../fuzz/corpus/{target}", env!("CARGO_MANIFEST_DIR"));
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{folder}: {error}"));
    let mut files: Vec<_> = entries.map(|entry| entry.expect("readable").path()).collect();
    files.sort();
    files.into_iter().map(|path| (path.clone(), std::fs::read(path).expect("readable"))).collect()
}

/// A small generator of numbers; the same ones on every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).expect("below a usize")
    }
}

/// Changes, inserts, removes or repeats a few bytes, mostly ones the grammar cares about.
fn mutate(seed: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    const TELLING: &[u8] = b"\r\n\r\n \t:;,<>\"\\@=?%[]/*+0A\0\x7f\xc3\xff";
    let mut bytes = seed.to_vec();
    for _ in 0..=numbers.below(4) {
        let at = numbers.below(bytes.len() + 1);
        let byte = TELLING[numbers.below(TELLING.len())];
        match numbers.below(5) {
            0 if at < bytes.len() => bytes[at] = byte,
            1 => bytes.insert(at, byte),
            2 if at < bytes.len() => drop(bytes.remove(at)),
            3 => {
                let end = (at + numbers.below(24)).min(bytes.len());
                let piece = bytes[at..end].to_vec();
                let to = numbers.below(bytes.len() + 1);
                bytes.splice(to..to, piece);
            }
            _ => bytes.truncate(at),
        }
    }
    bytes
}

fn replay(target: &str, run: fn(&[u8]), mutations: usize) {
    let inputs = corpus(target);
    assert!(inputs.len() >= 10, "the corpus of {target} is committed");
    let mut numbers = Numbers(0x5109_2bb5_91e2_77af);
    for (path, bytes) in inputs {
        for turn in 0..=mutations {
            let input = if turn == 0 { bytes.clone() } else { mutate(&bytes, &mut numbers) };
            let outcome = std::panic::catch_unwind(|| run(&input));
            assert!(outcome.is_ok(), "{}, turn {turn}: {}", path.display(), input.escape_ascii());
        }
    }
}

#[test]
fn the_corpus_of_messages_replays_without_a_panic() {
    replay("message", fuzzing::message, 60);
}

#[test]
fn the_corpus_of_uris_and_values_replays_without_a_panic() {
    replay("uri", fuzzing::uri, 300);
}

#[test]
fn the_corpus_of_streams_replays_without_a_panic() {
    replay("stream", fuzzing::stream, 60);
}
