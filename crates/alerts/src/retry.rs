//! When to try again.

/// The pauses before each attempt, milliseconds: at once, 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h
/// (Standard Webhooks, 2026-11-23). More than three days in all.
const PAUSES_MS: [i64; 10] =
    [0, 5_000, 300_000, 1_800_000, 7_200_000, 18_000_000, 36_000_000, 50_400_000, 72_000_000, 86_400_000];
/// A receiver that asks for more patience than this is asked anyway, milliseconds.
const RETRY_AFTER_MS_MAX: i64 = 86_400_000;

/// When to try again after `attempts` failed ones, the last at `now_ms`; `None`: it is given up. Up to a tenth later
/// than the schedule says, so that many do not come at once; never before the receiver wants it.
pub(crate) fn next_ms(
    attempts: u32,
    retry_after_ms: Option<i64>,
    now_ms: i64,
    random: &mut fastrand::Rng,
) -> Option<i64> {
    let pause_ms = *PAUSES_MS.get(attempts as usize)?;
    let jitter_ms = random.i64(0..=pause_ms / 10);
    let asked_ms = retry_after_ms.unwrap_or(0).clamp(0, RETRY_AFTER_MS_MAX);
    Some(now_ms.saturating_add((pause_ms + jitter_ms).max(asked_ms)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses() {
        let mut random = fastrand::Rng::with_seed(1);
        let mut pause =
            |attempts, after| next_ms(attempts, after, 1_000, &mut random).map(|at_ms| at_ms - 1_000);
        for (attempts, least) in [(1, 5_000), (2, 300_000), (3, 1_800_000), (9, 86_400_000)] {
            let pause = pause(attempts, None).expect("another attempt");
            assert!((least..=least + least / 10).contains(&pause), "{attempts}: {pause}");
        }
        assert_eq!(pause(10, None), None);
        assert_eq!(pause(1, Some(60_000)), Some(60_000));
        assert_eq!(pause(1, Some(i64::MAX)), Some(RETRY_AFTER_MS_MAX));
        assert!(pause(2, Some(1_000)).is_some_and(|pause| pause >= 300_000));
    }
}
