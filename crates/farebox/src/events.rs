//! [`Events`]: a streamed completion, event by event, and its cost at the end.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use gateway::{Body, Outcome, Receipt};
use http_body::Body as _;
use money::Nano;

use crate::Error;

/// A streamed completion. Its money is settled when the end has come; see [`Events::cost`].
///
/// Dropping it early loses nothing: the stream is stopped where its provider stops billing then, and read to its end
/// elsewhere, as a gateway does for a client that leaves. Until the cost is known, the hold stays charged.
#[derive(Debug)]
pub struct Events {
    body: Body,
    receipt: Receipt,
    generation: Option<String>,
    lines: Lines,
    ready: VecDeque<Bytes>,
    over: bool,
}

impl Events {
    pub(crate) fn new(body: Body, receipt: Receipt, generation: Option<String>) -> Self {
        Events { body, receipt, generation, lines: Lines::default(), ready: VecDeque::new(), over: false }
    }

    /// The data of the next event, JSON as OpenRouter sent it; comments and the end mark are left out. `None` at the
    /// end.
    ///
    /// # Errors
    /// [`Error::Broken`] when the stream breaks off; nothing comes after it. An error that OpenRouter sends within
    /// the stream is an event like any other.
    pub async fn next(&mut self) -> Option<Result<Bytes, Error>> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// [`Events::next`], for those who implement a stream of their own kind over it.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Poll::Ready(Some(Ok(event)));
            }
            if self.over {
                return Poll::Ready(None);
            }
            match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                Some(Ok(frame)) => {
                    if let Some(data) = frame.data_ref() {
                        self.lines.feed(data, &mut self.ready);
                    }
                }
                Some(Err(error)) => {
                    self.over = true;
                    let receipt = Some(self.receipt.clone());
                    return Poll::Ready(Some(Err(Error::Broken { sentence: error.to_string(), receipt })));
                }
                None => {
                    self.over = true;
                    self.lines.finish(&mut self.ready);
                }
            }
        }
    }

    /// What it cost, USD; `None` before the end, and where the stream did not say.
    pub fn cost(&self) -> Option<Nano> {
        match self.receipt.outcome() {
            Outcome::Settled(cost) => Some(cost),
            _ => None,
        }
    }

    /// OpenRouter's id for it, where the head of its answer named one.
    pub fn generation(&self) -> Option<&str> {
        self.generation.as_deref()
    }

    /// Its money: the hold, the clamp, the tightest balance, and the outcome once it has ended.
    pub fn receipt(&self) -> &Receipt {
        &self.receipt
    }
}

/// Cuts a stream into the data of its events, wherever the chunks are cut. Ends of lines are LF, CRLF or CR.
#[derive(Debug, Default)]
struct Lines {
    line: Vec<u8>,
    data: Option<Vec<u8>>,
    after_cr: bool,
}

impl Lines {
    fn feed(&mut self, chunk: &[u8], events: &mut VecDeque<Bytes>) {
        for &byte in chunk {
            let after_cr = std::mem::replace(&mut self.after_cr, byte == b'\r');
            match byte {
                b'\n' if after_cr => {}
                b'\n' | b'\r' => self.end_line(events),
                _ => self.line.push(byte),
            }
        }
    }

    fn finish(&mut self, events: &mut VecDeque<Bytes>) {
        self.end_line(events);
        self.end_line(events);
    }

    fn end_line(&mut self, events: &mut VecDeque<Bytes>) {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            let data = self.data.take().filter(|data| data != b"[DONE]");
            return events.extend(data.map(Bytes::from));
        }
        let Some(data) = line.strip_prefix(b"data:") else { return };
        let data = data.strip_prefix(b" ").unwrap_or(data);
        match &mut self.data {
            None => self.data = Some(data.to_vec()),
            Some(before) => {
                before.push(b'\n');
                before.extend_from_slice(data);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_wherever_the_chunks_are_cut() {
        let text = ": OPENROUTER PROCESSING\n\ndata: {\"a\":1}\n\ndata:{\"b\":2}\r\n\r\nevent: x\rdata: c\rdata: d\r\rdata: [DONE]\n\ndata: last";
        for size in 1..text.len() {
            let (mut lines, mut events) = (Lines::default(), VecDeque::new());
            text.as_bytes().chunks(size).for_each(|chunk| lines.feed(chunk, &mut events));
            lines.finish(&mut events);
            assert_eq!(events, ["{\"a\":1}", "{\"b\":2}", "c\nd", "last"], "{size}");
        }
    }
}
