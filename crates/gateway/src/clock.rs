//! [`Clock`]: the wall clock, read in one place. A clock that goes back is of no use to anyone: `admission` goes by the
//! highest time it has seen, and by OpenRouter's `Date` when a jump is to be believed or not.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use http::HeaderMap;
use http::header::DATE;
use jiff::fmt::rfc2822;

/// Where the gateway reads the time.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    shift_ms: Option<Arc<AtomicI64>>,
}

impl Clock {
    /// The system's clock, set wrong by so many milliseconds: how a clock that jumps is tried out.
    pub fn shifted(by_ms: Arc<AtomicI64>) -> Clock {
        Clock { shift_ms: Some(by_ms) }
    }

    /// Milliseconds since the Unix epoch.
    pub fn now_ms(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now_ms = i64::try_from(since.as_millis()).unwrap_or(i64::MAX);
        let shift_ms = self.shift_ms.as_ref().map_or(0, |shift| shift.load(Ordering::Relaxed));
        now_ms.saturating_add(shift_ms)
    }
}

/// The upstream's `Date` headers: read at most once a second, for that is how fine they are.
#[derive(Debug, Default)]
pub(crate) struct Dates {
    read_ms: AtomicI64,
}

impl Dates {
    /// The time that an answer tells, unless one was read within the last second by our clock.
    pub(crate) fn read(&self, headers: &HeaderMap, now_ms: i64) -> Option<i64> {
        let last_ms = self.read_ms.load(Ordering::Relaxed);
        if now_ms.abs_diff(last_ms) < 1_000 {
            return None;
        }
        let date = headers.get(DATE)?.to_str().ok()?;
        let at = rfc2822::parse(date).ok()?.timestamp().as_millisecond();
        self.read_ms.store(now_ms, Ordering::Relaxed);
        Some(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_once_a_second() {
        let dates = Dates::default();
        let with = |date: &str| HeaderMap::from_iter([(DATE, date.parse().unwrap())]);
        let told = with("Tue, 24 Nov 2026 11:19:44 GMT");
        assert_eq!(dates.read(&HeaderMap::new(), 5_000), None);
        assert_eq!(dates.read(&with("soon"), 5_000), None);
        assert_eq!(dates.read(&told, 5_000), Some(1_795_519_184_000));
        assert_eq!(dates.read(&told, 5_999), None);
        assert_eq!(dates.read(&told, 6_000), Some(1_795_519_184_000));
        assert_eq!(dates.read(&told, 100), Some(1_795_519_184_000), "a clock that went back far");
    }

    #[test]
    fn a_clock_that_is_set_wrong() {
        let by = Arc::new(AtomicI64::new(0));
        let (wrong, right) = (Clock::shifted(Arc::clone(&by)), Clock::default());
        by.store(86_400_000, Ordering::Relaxed);
        assert!(wrong.now_ms() - right.now_ms() > 86_000_000);
    }
}
