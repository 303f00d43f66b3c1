//! Streams cut anywhere: the scanner says the same.

use openrouter::sse::{EVENT_MAX, Outcome, Scanner};
use proptest::prelude::*;

fn scan<'s>(pieces: impl IntoIterator<Item = &'s [u8]>) -> Outcome {
    let mut scanner = Scanner::new();
    for piece in pieces {
        scanner.feed(piece);
    }
    scanner.finish()
}

fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        Just(": OPENROUTER PROCESSING".to_owned()),
        Just("data: [DONE]".to_owned()),
        Just("data".to_owned()),
        "(event|id|retry|data|database)?:? ?[a-z{}\"]{0,8}",
        "[0-9]{1,3}\\.[0-9]{1,3}".prop_map(|cost| format!("data: {{\"id\":\"g\",\"usage\":{{\"cost\":{cost}}}}}")),
        Just("data: {\"usage\":{\"cost\":-1}}".to_owned()),
        Just("data: {\"id\":\"gen-1\",\"provider\":\"p\",\"choices\":[{\"delta\":{\"content\":\"\u{1F4B8}\"}}]}".to_owned()),
        Just("data: {\"error\":{\"code\":502,\"message\":\"x\"},".to_owned()),
        Just("data: \"choices\":[]}".to_owned()),
    ]
}

fn stream() -> impl Strategy<Value = Vec<u8>> {
    let end = prop::sample::select(&["\n", "\r\n", "\r"][..]);
    let lines = prop::collection::vec((line(), end), 0..40);
    lines.prop_map(|lines| lines.into_iter().flat_map(|(line, end)| (line + end).into_bytes()).collect())
}

/// Cut at these places, and once more where a piece begins, so that some are empty.
fn pieces<'s>(stream: &'s [u8], cuts: &[prop::sample::Index]) -> Vec<&'s [u8]> {
    let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
    at.extend([0, 0, stream.len()]);
    at.sort_unstable();
    at.windows(2).map(|pair| &stream[pair[0]..pair[1]]).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn cuts_change_nothing(stream in stream(), cuts: Vec<prop::sample::Index>) {
        let whole = scan([stream.as_slice()]);
        prop_assert_eq!(scan(pieces(&stream, &cuts)), whole.clone());
        prop_assert_eq!(scan(stream.chunks(1)), whole);
    }

    #[test]
    fn any_bytes_cut_anywhere(bytes: Vec<u8>, cuts: Vec<prop::sample::Index>) {
        prop_assert_eq!(scan(pieces(&bytes, &cuts)), scan([bytes.as_slice()]));
    }
}

#[test]
fn cuts_change_nothing_where_an_event_is_as_long_as_it_may_be() {
    for start in ["data: ", ": ", "event: ", "data:\ndata: "] {
        for length in EVENT_MAX - 8..=EVENT_MAX + 2 {
            let usage = "data: {\"usage\":{\"cost\":1}}\n\n";
            let stream = format!("{usage}{start}{}\n\ndata: [DONE]\n\n", "x".repeat(length - start.len()));
            let whole = scan([stream.as_bytes()]);
            assert_eq!(scan(stream.as_bytes().chunks(64 << 10)), whole, "{start:?}, {length} bytes");
            assert!(whole.done);
        }
    }
}
