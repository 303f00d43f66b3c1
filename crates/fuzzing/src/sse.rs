//! A streamed answer: the scanner says the same wherever the stream is cut, and whatever its lines end with.

use openrouter::sse::{Outcome, Scanner};

/// One stream.
pub fn run(stream: &[u8]) {
    let whole = scan(stream.chunks(stream.len().max(1)));
    assert_eq!(scan(stream.chunks(1)), whole, "byte by byte");
    assert_eq!(scan(stream.chunks(7)), whole, "by seven bytes");
    assert_eq!(scan(pieces(stream)), whole, "in pieces of any length");
    let comment = [stream, b"\n\n: a comment\n\n"].concat();
    assert_eq!(scan([comment.as_slice()]), whole, "a comment says nothing");
    if !stream.contains(&b'\r') {
        for end in ["\r\n", "\r"] {
            assert_eq!(scan([with_line_ends(stream, end).as_slice()]), whole, "lines that end with {end:?}");
        }
    }
    if let Some(charge) = whole.billed.charge() {
        crate::answer::check_charge(charge);
    }
}

fn scan<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Outcome {
    let mut scanner = Scanner::new();
    for piece in pieces {
        scanner.feed(piece);
    }
    let (id, provider) = (scanner.id().map(str::to_owned), scanner.provider().map(str::to_owned));
    let outcome = scanner.finish();
    assert!(id.is_none() || id == outcome.id, "an id that was told changes");
    assert!(provider.is_none() || provider == outcome.provider, "a provider that was told changes");
    outcome
}

/// Cut where the bytes themselves say, some of the pieces empty.
fn pieces(stream: &[u8]) -> Vec<&[u8]> {
    let mut rest = stream;
    let mut pieces = Vec::new();
    while let Some(first) = rest.first() {
        let (piece, after) = rest.split_at((usize::from(*first) * 31 % 64).min(rest.len()));
        pieces.push(piece);
        let (next, after) = after.split_at(after.len().min(1));
        pieces.push(next);
        rest = after;
    }
    pieces
}

fn with_line_ends(stream: &[u8], end: &str) -> Vec<u8> {
    let mut lines = stream.split(|byte| *byte == b'\n');
    let first = lines.next().unwrap_or_default().to_vec();
    lines.fold(first, |mut text, line| {
        text.extend_from_slice(end.as_bytes());
        text.extend_from_slice(line);
        text
    })
}
