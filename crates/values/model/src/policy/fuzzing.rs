//! The body of the fuzz target `policy`.

use super::{Circumstances, Policy, Ruling};

/// Any bytes: refused, or a policy that prints as something that reads back to the same, whose denials
/// stand whatever is added.
///
/// # Panics
/// If one of these is not so.
pub fn policy(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(policy) = Policy::parse(text) else { return };
    let printed = policy.to_string();
    let again = Policy::parse(&printed).expect("what is printed reads back");
    assert_eq!(again, policy, "what is printed means the same");
    let here = Circumstances::example();
    for resource in ["*", "arn:aws:chime:us-east-1:000000000000:vc/dr3rbaar376u5r4ntcnlq4"] {
        for action in ["chime:GetVoiceConnector", "chime:DeleteVoiceConnector", "trunkline:GetKeys"]
        {
            let ruling = policy.decide(action, resource, &here);
            assert_eq!(ruling, again.decide(action, resource, &here));
            if let Ruling::Denied(by) = ruling {
                assert!(by.starts_with("Statement["), "a denial has a name");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    /// A small generator of numbers; the same ones on every run.
    fn below(state: &mut u64, limit: usize) -> usize {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        usize::try_from(*state % limit as u64).unwrap()
    }

    #[test]
    fn the_corpus_of_policies_replays_without_a_panic() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../fuzz/corpus/policy");
        let mut inputs: Vec<_> = folder.read_dir().unwrap().map(|it| it.unwrap().path()).collect();
        inputs.sort();
        assert!(inputs.len() >= 8, "the corpus is committed");
        let mut state = 0x5109_2bb5_91e2_77af;
        for path in inputs {
            let seed = std::fs::read(&path).unwrap();
            super::policy(&seed);
            for _ in 0..200 {
                let mut input = seed.clone();
                for _ in 0..=below(&mut state, 4) {
                    let at = below(&mut state, input.len());
                    let telling = b"{}[]\":,*?$\\aA0 \xff";
                    match below(&mut state, 3) {
                        0 => input[at] = telling[below(&mut state, telling.len())],
                        1 => input.insert(at, telling[below(&mut state, telling.len())]),
                        _ => input.truncate(at.max(1)),
                    }
                }
                super::policy(&input);
            }
        }
    }
}
