//! [`Keys`]: which upstream keys have attempts in flight, and since when the others are quiet.

use std::collections::HashMap;
use std::sync::atomic::Ordering;

use ledger::UpstreamKeyId;
use store::sync::{Arc, AtomicI64, AtomicU64};

/// Keys remembered, at most, beyond those in flight.
const KEPT_MAX: usize = 10_000;
/// How long a quiet key is remembered, milliseconds.
const KEPT_MS: i64 = 86_400_000;

/// A handle to a key in use: as long as somebody has one, the key is not forgotten.
pub(crate) type SharedKey = Arc<KeyUse>;

/// One upstream key in use.
#[derive(Debug)]
pub(crate) struct KeyUse {
    pub(crate) id: UpstreamKeyId,
    in_flight: AtomicU64,
    ended_ms: AtomicI64,
}

impl KeyUse {
    /// An attempt is about to leave; call before its hold is journaled.
    pub(crate) fn depart(&self) {
        self.in_flight.fetch_add(1, Ordering::SeqCst);
    }

    /// It has ended, one way or another; call after that is journaled.
    pub(crate) fn land(&self, now_ms: i64) {
        self.ended_ms.fetch_max(now_ms, Ordering::SeqCst);
        let before = self.in_flight.fetch_sub(1, Ordering::SeqCst);
        assert!(before > 0, "an attempt ended twice");
    }

    fn quiet_since(&self) -> Option<i64> {
        (self.in_flight.load(Ordering::SeqCst) == 0).then(|| self.ended_ms.load(Ordering::SeqCst))
    }
}

/// The upstream keys used since the start.
#[derive(Debug)]
pub(crate) struct Keys {
    uses: HashMap<UpstreamKeyId, SharedKey>,
    /// When the last attempt ended with a key that is not remembered any more; at first, the start.
    forgotten_ms: i64,
}

impl Keys {
    pub(crate) fn new(start_ms: i64) -> Self {
        Keys { uses: HashMap::new(), forgotten_ms: start_ms }
    }

    pub(crate) fn find(&self, id: UpstreamKeyId) -> Option<SharedKey> {
        self.uses.get(&id).cloned()
    }

    pub(crate) fn find_or_add(&mut self, id: UpstreamKeyId) -> SharedKey {
        let ended_ms = AtomicI64::new(self.forgotten_ms);
        let new = || Arc::new(KeyUse { id, in_flight: AtomicU64::new(0), ended_ms });
        Arc::clone(self.uses.entry(id).or_insert_with(new))
    }

    /// `None` while an attempt is in flight; else when the last one ended.
    pub(crate) fn quiet_since(&self, id: UpstreamKeyId) -> Option<i64> {
        self.uses.get(&id).map_or(Some(self.forgotten_ms), |key| key.quiet_since())
    }

    /// Forgets keys that have been quiet for long, and all quiet ones when there are too many.
    pub(crate) fn prune(&mut self, now_ms: i64) {
        let crowded = self.uses.len() > KEPT_MAX;
        let forgotten_ms = &mut self.forgotten_ms;
        self.uses.retain(|_, key| {
            // Whoever else has it may be using it; nobody gets it from here meanwhile. First that nobody has it, then
            // since when: an attempt could end in between.
            let quiet_ms = Arc::get_mut(key).and_then(|key| key.quiet_since());
            let gone_ms = quiet_ms.filter(|ended_ms| crowded || now_ms.saturating_sub(*ended_ms) > KEPT_MS);
            *forgotten_ms = gone_ms.map_or(*forgotten_ms, |ended_ms| ended_ms.max(*forgotten_ms));
            gone_ms.is_none()
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_quiet_since_its_last_attempt_ended() {
        let mut keys = Keys::new(100);
        let (one, other) = (UpstreamKeyId([1; 8]), UpstreamKeyId([2; 8]));
        assert_eq!(keys.quiet_since(one), Some(100), "since the start");
        let key = keys.find_or_add(one);
        key.depart();
        key.depart();
        key.land(200);
        assert_eq!((keys.quiet_since(one), keys.quiet_since(other)), (None, Some(100)));
        key.land(150);
        assert_eq!(keys.quiet_since(one), Some(200));
        keys.prune(i64::MAX);
        assert!(keys.find(one).is_some(), "somebody has it");
        drop(key);
        keys.prune(200 + KEPT_MS);
        assert!(keys.find(one).is_some());
        keys.prune(201 + KEPT_MS);
        assert!(keys.find(one).is_none());
        assert_eq!(keys.quiet_since(one), Some(200), "later than the truth at worst");
        assert_eq!(keys.quiet_since(other), Some(200));
    }
}
