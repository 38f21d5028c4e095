//! When a failed attempt is repeated.

use std::time::Duration;

use chime_api::Effect;

/// Longest wait that a server's `Retry-After` is obeyed for; a longer one ends the call.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(20);

/// Longest wait between attempts of our own choosing.
const BACKOFF_MAX: Duration = Duration::from_secs(5);

/// How often and how fast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Policy {
    /// Attempts in all, the first included.
    pub(crate) attempts_max: u32,
    /// Upper bound of the first wait; each later one doubles.
    pub(crate) backoff: Duration,
}

/// What became of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The service answered.
    Status { code: u16, retry_after: Option<Duration> },
    /// No connection: the service has not seen the request.
    NotSent,
    /// No answer: the service may have acted on the request.
    Unanswered,
}

/// What to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Hand the outcome to the caller.
    Final,
    /// Try again after this long.
    Again(Duration),
}

/// Decides after attempt number `attempt` (from 1). `dice` is random in `0.0..1.0`: waits are drawn
/// from the whole range, so that clients which failed together do not come back together.
pub(crate) fn verdict(
    policy: Policy,
    effect: Effect,
    attempt: u32,
    outcome: Outcome,
    dice: f64,
) -> Verdict {
    let repeatable = match (outcome, effect) {
        (Outcome::NotSent, _) => true,
        (Outcome::Status { .. } | Outcome::Unanswered, Effect::Once) => false,
        (Outcome::Status { code, .. }, Effect::Read | Effect::Idempotent) => {
            matches!(code, 429 | 500 | 502..=504)
        }
        (Outcome::Unanswered, Effect::Read | Effect::Idempotent) => true,
    };
    if !repeatable || attempt >= policy.attempts_max {
        return Verdict::Final;
    }
    let doubled = policy.backoff.saturating_mul(1 << (attempt - 1).min(16));
    let chosen = doubled.min(BACKOFF_MAX).mul_f64(dice.clamp(0.0, 1.0));
    match outcome {
        Outcome::Status { retry_after: Some(asked), .. } if asked > RETRY_AFTER_MAX => {
            Verdict::Final
        }
        Outcome::Status { retry_after: Some(asked), .. } => Verdict::Again(asked.max(chosen)),
        Outcome::Status { retry_after: None, .. } | Outcome::NotSent | Outcome::Unanswered => {
            Verdict::Again(chosen)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: Policy = Policy { attempts_max: 3, backoff: Duration::from_millis(100) };

    fn status(code: u16) -> Outcome {
        Outcome::Status { code, retry_after: None }
    }

    #[test]
    fn what_may_pass_is_repeated_for_requests_that_may_be() {
        for code in [429, 500, 502, 503, 504] {
            for effect in [Effect::Read, Effect::Idempotent] {
                let verdict = verdict(POLICY, effect, 1, status(code), 1.0);
                assert_eq!(verdict, Verdict::Again(Duration::from_millis(100)), "{code}");
            }
            assert_eq!(verdict(POLICY, Effect::Once, 1, status(code), 1.0), Verdict::Final);
        }
    }

    #[test]
    fn what_will_not_pass_is_final() {
        for code in [200, 204, 400, 401, 403, 404, 409, 410, 422, 501] {
            assert_eq!(verdict(POLICY, Effect::Read, 1, status(code), 0.5), Verdict::Final);
        }
    }

    #[test]
    fn a_request_that_was_never_sent_is_always_repeated() {
        let verdict = verdict(POLICY, Effect::Once, 1, Outcome::NotSent, 0.0);
        assert_eq!(verdict, Verdict::Again(Duration::ZERO));
    }

    #[test]
    fn a_lost_answer_is_repeated_only_where_repeating_is_harmless() {
        let lost = |effect| verdict(POLICY, effect, 1, Outcome::Unanswered, 0.5);
        assert_eq!(lost(Effect::Idempotent), Verdict::Again(Duration::from_millis(50)));
        assert_eq!(lost(Effect::Once), Verdict::Final);
    }

    #[test]
    fn waits_double_up_to_a_bound_and_attempts_end() {
        let wait = |attempt| {
            let policy = Policy { attempts_max: 100, ..POLICY };
            verdict(policy, Effect::Read, attempt, status(503), 1.0)
        };
        assert_eq!(wait(2), Verdict::Again(Duration::from_millis(200)));
        assert_eq!(wait(3), Verdict::Again(Duration::from_millis(400)));
        assert_eq!(wait(99), Verdict::Again(BACKOFF_MAX));
        assert_eq!(verdict(POLICY, Effect::Read, 3, status(503), 1.0), Verdict::Final);
    }

    #[test]
    fn the_servers_own_wish_is_obeyed_within_reason() {
        let asked = |seconds| {
            let retry_after = Some(Duration::from_secs(seconds));
            let outcome = Outcome::Status { code: 429, retry_after };
            verdict(POLICY, Effect::Read, 1, outcome, 0.0)
        };
        assert_eq!(asked(2), Verdict::Again(Duration::from_secs(2)));
        assert_eq!(asked(3_600), Verdict::Final);
    }
}
