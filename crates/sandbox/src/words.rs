//! Text of a known number of tokens: common words, each one token after a space.
//!
//! Checked by a test against the o200k tokenizer, so that making an answer costs a copy.

use std::sync::LazyLock;

const WORDS: &str = "the of and to in is that for it as was with be by on not he his but at are this have from or had an they \
    which one you were her all she there would their we him been has when who will more no if out so said what up its about \
    into than them can only other new some could time these two may then do first any my now such like our over man me even \
    most made after also did many before must through back years where much your way well down should because each just \
    those people how too little state good very make world still own see men work long get here between both life being \
    under never day same another know while last might us great old year off come since against go came right used take \
    three";

/// One round of the words, and where each of its tokens ends.
struct Round {
    text: String,
    ends: Vec<usize>,
}

static ROUND: LazyLock<Round> = LazyLock::new(|| {
    let mut round = Round { text: String::new(), ends: Vec::new() };
    // Ten times over, so that most chunks are one copy.
    for word in std::iter::repeat_n(WORDS, 10).flat_map(str::split_whitespace) {
        round.text.push(' ');
        round.text.push_str(word);
        round.ends.push(round.text.len());
    }
    round
});

/// Appends the tokens from `from` to `to` of an endless text. Needs no escaping in JSON.
pub(crate) fn append(out: &mut String, from: u64, to: u64) {
    let length = ROUND.ends.len() as u64;
    let mut at = from;
    while at < to {
        let first = at % length;
        let last = (first + (to - at)).min(length);
        let start = if first == 0 { 0 } else { ROUND.ends[first as usize - 1] };
        out.push_str(&ROUND.text[start..ROUND.ends[last as usize - 1]]);
        at += last - first;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_tokens_as_they_say() {
        for (from, to) in [(0, 0), (0, 1), (0, 147), (5, 9), (1400, 4000), (0, 20_000)] {
            let mut text = String::new();
            append(&mut text, from, to);
            assert_eq!(bpe_openai::o200k_base().count(text.as_str()) as u64, to - from, "{from}..{to}");
            assert_eq!(bpe_openai::cl100k_base().count(text.as_str()) as u64, to - from, "{from}..{to}");
            assert_eq!(
                serde_json::to_string(&text).expect("text").len(),
                text.len() + 2,
                "nothing to escape"
            );
        }
    }

    #[test]
    fn pieces_make_the_whole() {
        let mut pieces = String::new();
        append(&mut pieces, 0, 1000);
        append(&mut pieces, 1000, 3000);
        let mut whole = String::new();
        append(&mut whole, 0, 3000);
        assert_eq!(pieces, whole);
    }
}
