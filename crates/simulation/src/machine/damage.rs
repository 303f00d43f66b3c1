//! [`Damage`]: one bit of the journal flipped behind everybody's back.

use std::fmt;

use fastrand::Rng;

use super::disk::ordinal;
use super::medium::Medium;

/// Bytes before the first record of a segment.
const HEADER_BYTES: u64 = 72;

/// As the disk writes them, and how many bytes of a record are zero in a row.
const PAGE: u64 = 4096;
const ZEROS_MAX: u64 = 32;
/// Most records are shorter.
const RECORD_BYTES: u64 = 1024;

/// A bit that was flipped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    file: String,
    offset: u64,
    bit: u8,
}

impl Damage {
    /// Flips a bit of a record that is on the disk and behind this place (segment, offset). `None`: there is none.
    pub(super) fn random(medium: &Medium, (segment, offset): (u64, u64), rng: &mut Rng) -> Option<Self> {
        let from = |name: &str| match ordinal(name)? {
            ordinal if ordinal == segment => Some(offset.max(HEADER_BYTES)),
            ordinal => (ordinal > segment).then_some(HEADER_BYTES),
        };
        let mut places = Vec::new();
        for (name, file) in medium.files() {
            let to = file.lock().synced();
            places.extend(from(&name).filter(|from| *from < to).map(|from| (name, from..to)));
        }
        let (file, bytes) = rng.choice(places)?;
        let (to, offset) = (bytes.end, rng.u64(bytes));
        if looks_torn(offset, to) {
            return None;
        }
        let damage = Damage { file, offset, bit: rng.u8(0..8) };
        damage.flip(medium);
        Some(damage)
    }

    /// Flips it, or flips it back.
    pub(super) fn flip(&self, medium: &Medium) {
        let file = medium.file(&self.file).expect("nothing was removed since");
        file.lock().flip(self.offset, self.bit);
    }
}

/// A last record that ends where a page does, and whose length was changed, is what a kill leaves of a longer one:
/// nobody can tell them apart.
fn looks_torn(offset: u64, to: u64) -> bool {
    let ends_with_page = to.next_multiple_of(PAGE) - to <= ZEROS_MAX;
    ends_with_page && offset + RECORD_BYTES > to
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "bit {} of byte {} of {}", self.bit, self.offset, self.file)
    }
}
