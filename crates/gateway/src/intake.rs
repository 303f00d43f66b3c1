//! The request body: taken in whole, because it must be priced before a byte of it may go on; bounded in size,
//! in time, and in what all of them together may occupy.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::{Bytes, BytesMut};
use http::StatusCode;
use http_body::Body;
use http_body_util::BodyExt;

use crate::config::Limits;
use crate::refuse::Problem;

/// Bytes that bodies occupy, all together.
#[derive(Debug, Default)]
pub(crate) struct Occupied(AtomicUsize);

/// A body in memory, counted until it is dropped.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) bytes: Bytes,
    _lease: Lease,
}

/// Bytes counted as occupied until dropped.
#[derive(Debug)]
pub(crate) struct Lease {
    occupied: Arc<Occupied>,
    bytes: usize,
}

struct Counted {
    bytes: Bytes,
    _lease: Lease,
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Why a body was not taken.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum IntakeError {
    TooLarge { most: usize },
    NoRoom,
    TooSlow,
    Broken,
}

impl IntakeError {
    /// What its sender is told.
    pub(crate) fn problem(self) -> Problem {
        match self {
            IntakeError::TooLarge { most } => Problem::wrong(
                StatusCode::PAYLOAD_TOO_LARGE,
                "body-too-large",
                format!("the body is larger than {most} bytes"),
            ),
            IntakeError::NoRoom => {
                Problem::later(1, "bodies-full", "Farebox holds as many request bodies as it may")
            }
            IntakeError::TooSlow => Problem::wrong(
                StatusCode::REQUEST_TIMEOUT,
                "body-too-slow",
                "the body did not arrive in time",
            ),
            IntakeError::Broken => {
                Problem::wrong(StatusCode::BAD_REQUEST, "body-broken", "the body broke off before its end")
            }
        }
    }
}

impl Occupied {
    /// Counts `bytes` more, unless that is more than `most` in all.
    pub(crate) fn lease(self: &Arc<Self>, bytes: usize, most: usize) -> Option<Lease> {
        let mut lease = self.open();
        lease.grow(bytes, most).then_some(lease)
    }

    /// Nothing yet; to grow.
    pub(crate) fn open(self: &Arc<Self>) -> Lease {
        Lease { occupied: Arc::clone(self), bytes: 0 }
    }
}

impl Lease {
    /// These bytes, counted until the last of them is dropped.
    pub(crate) fn around(self, bytes: Bytes) -> Bytes {
        Bytes::from_owner(Counted { bytes, _lease: self })
    }

    /// Counts `bytes` more, unless that is more than `most` in all.
    pub(crate) fn grow(&mut self, bytes: usize, most: usize) -> bool {
        let add = |now: usize| now.checked_add(bytes).filter(|&sum| sum <= most);
        let grown = self.occupied.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add).is_ok();
        if grown {
            self.bytes += bytes;
        }
        grown
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.occupied.0.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// Takes a body in.
pub(crate) async fn take<B: Body<Data = Bytes>>(
    incoming: B,
    occupied: &Arc<Occupied>,
    limits: &Limits,
) -> Result<Taken, IntakeError> {
    let most = limits.body_bytes_max;
    let told = incoming.size_hint().exact().map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
    if told.is_some_and(|told| told > most) {
        return Err(IntakeError::TooLarge { most });
    }
    let lease = occupied.lease(told.unwrap_or(0), limits.bodies_bytes_max).ok_or(IntakeError::NoRoom)?;
    let reading = read(incoming, lease, told, limits);
    tokio::time::timeout(limits.body_timeout, reading).await.map_err(|_| IntakeError::TooSlow)?
}

async fn read<B: Body<Data = Bytes>>(
    incoming: B,
    mut lease: Lease,
    told: Option<usize>,
    limits: &Limits,
) -> Result<Taken, IntakeError> {
    let mut incoming = pin!(incoming);
    let mut first: Option<Bytes> = None;
    let mut rest = BytesMut::new();
    loop {
        let frame = tokio::time::timeout(limits.body_idle, incoming.frame());
        let Some(frame) = frame.await.map_err(|_| IntakeError::TooSlow)? else { break };
        let Ok(data) = frame.map_err(|_| IntakeError::Broken)?.into_data() else { continue };
        let size = first.as_ref().map_or(0, Bytes::len) + rest.len() + data.len();
        if size > limits.body_bytes_max {
            return Err(IntakeError::TooLarge { most: limits.body_bytes_max });
        }
        if told.is_none() && !lease.grow(data.len(), limits.bodies_bytes_max) {
            return Err(IntakeError::NoRoom);
        }
        // Most bodies arrive in one piece, which is then used as it is.
        match &first {
            None => first = Some(data),
            Some(_) => {
                if rest.is_empty() {
                    rest.reserve(told.unwrap_or(size * 2));
                    rest.extend_from_slice(&first.replace(Bytes::new()).unwrap_or_default());
                }
                rest.extend_from_slice(&data);
            }
        }
    }
    let bytes = if rest.is_empty() { first.unwrap_or_default() } else { rest.freeze() };
    Ok(Taken { bytes, _lease: lease })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_leased_is_bounded_and_comes_back() {
        let occupied = Arc::new(Occupied::default());
        let first = occupied.lease(60, 100).unwrap();
        assert!(occupied.lease(41, 100).is_none());
        let second = occupied.lease(40, 100).unwrap();
        drop(first);
        let answer = second.around(Bytes::from_static(b"answer"));
        let part = answer.slice(1..3);
        drop(answer);
        assert_eq!(occupied.0.load(Ordering::Relaxed), 40, "a part of it is still about");
        drop(part);
        assert_eq!(occupied.0.load(Ordering::Relaxed), 0);
    }
}
