//! When something is tried again, and how long is waited before. Pure but for the jitter's source.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::time::Duration;

use tonic::Code;

const FIRST: Duration = Duration::from_millis(100);
const MOST: Duration = Duration::from_secs(5);

/// How often a call without side effects is tried while the server is not available: over about 2 s to 4 s.
pub(crate) const CALL_ATTEMPTS: u32 = 6;

/// Whether trying a watch again cannot mend this.
pub(crate) fn is_final(code: Code) -> bool {
    matches!(
        code,
        Code::Unauthenticated
            | Code::PermissionDenied
            | Code::NotFound
            | Code::InvalidArgument
            | Code::OutOfRange
            | Code::Unimplemented
            | Code::FailedPrecondition
    )
}

/// How long to wait after so many failures in a row (>= 1); `random` is from 0 to 1.
pub(crate) fn backoff(failures: u32, random: f64) -> Duration {
    let full = MOST.min(FIRST * 2u32.pow(failures.saturating_sub(1).min(10)));
    full.mul_f64(0.5 + random.clamp(0.0, 1.0) / 2.0)
}

/// From 0 to 1; no secret.
pub(crate) fn random() -> f64 {
    // Each of these is keyed anew.
    let bits = RandomState::new().build_hasher().finish();
    bits as f64 / u64::MAX as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_from_50_to_100_ms_to_at_most_5_s() {
        let waits = |random: f64| [1, 2, 3, 7, 99, u32::MAX].map(|n| backoff(n, random).as_millis());
        assert_eq!(waits(0.0), [50, 100, 200, 2500, 2500, 2500]);
        assert_eq!(waits(1.0), [100, 200, 400, 5000, 5000, 5000]);
    }

    #[test]
    fn jitter_differs_and_stays_in_range() {
        let drawn: Vec<f64> = (0..20).map(|_| random()).collect();
        assert!(drawn.iter().all(|each| (0.0..=1.0).contains(each)), "{drawn:?}");
        assert!(drawn.iter().any(|each| *each != drawn[0]), "{drawn:?}");
    }
}
