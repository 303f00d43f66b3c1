//! [`growth`]: what may come to JSON that somebody reads and writes anew: schemas, and the arguments of tool calls, which
//! are JSON in a string. OpenRouter makes objects of arguments for some providers, and templates write them again.
//!
//! Counted is what Python, JavaScript, Go and Rust are known to make longer, whether it stands in a string or not, for
//! that needs no parsing: a pass that looks at a byte and its neighbours. Numbers with an exponent are rare, and looked
//! at again.

/// A space after a comma.
const COMMA: u8 = 1;
/// After the name of a member: a space, or the marks of templates that write `<parameter name="…">…</parameter>`. The
/// longest known (DeepSeek V3.2) has four tokens more than JSON has bytes.
const NAME: u8 = 4;
/// `<`, `>`, `&`, `'` and U+007F as `\u003c`.
const SIGN: u8 = 5;
/// A byte beyond ASCII: its character as one escape of six bytes, or two beyond U+FFFF.
const BEYOND_ASCII: u8 = 2;
/// `\b` and `\f` as `\u0008`.
const SHORT_ESCAPE: u8 = 4;
/// Any number: `1` as `1.0`, 17 digits as `1.2345678901234567e+16`.
const NUMBER: u8 = 5;
/// One with an exponent, beside the exponent: a sign and digits of that, or `.0`.
const EXPONENT: u64 = 8;
/// The smallest that is not zero is 5e-324, and 17 digits may follow its zeros.
const EXPONENT_MAX: u64 = 344;

/// Bytes that go through the pass side by side, and how often before their sums are full.
const LANES: usize = 16;
const ROUNDS: usize = 32;
const _: () = assert!(ROUNDS * SIGN as usize <= u8::MAX as usize);

/// The most bytes by which this value may grow, all that is in it included.
pub(super) fn growth(raw: &str) -> u64 {
    let bytes = raw.as_bytes();
    let (grown, again) = pass(bytes);
    grown + if again { exponents(bytes) } else { 0 }
}

/// The most bytes by which a schema may grow beyond twice its own. Few do at all, and most can be told by a look at each
/// byte: no number has an exponent, and a fifth of the bytes at most add anything.
pub(super) fn growth_beyond_double(raw: &str) -> u64 {
    let bytes = raw.as_bytes();
    let pairs = bytes.iter().zip(bytes.get(1..).unwrap_or_default());
    let exponent =
        pairs.fold(0, |any, (before, here)| any | u8::from(is_digit(*before) & (here | 0x20 == b'e')));
    let grows = |bytes: &[u8]| u64::from(bytes.iter().map(|byte| u8::from(may_grow(*byte))).sum::<u8>());
    let growing: u64 = bytes.chunks(u8::MAX as usize).map(grows).sum();
    let len = bytes.len() as u64;
    if exponent == 0 && growing * u64::from(SIGN) <= len { 0 } else { growth(raw).saturating_sub(len) }
}

/// Whether a byte may add anything; where it and the one before do together, one of the two.
#[inline(always)]
const fn may_grow(byte: u8) -> bool {
    (byte > b'"') & (byte < b'?') | (byte > b'~') | (byte == b'\\')
}

/// What each byte adds, and whether a number with an exponent may be among them.
fn pass(bytes: &[u8]) -> (u64, bool) {
    let [_, here @ ..] = bytes else { return (0, false) };
    let [_, next @ ..] = here else { return (0, false) };
    let (mut grown, mut again) = (0_u64, 0_u8);
    let rounds =
        bytes.chunks(LANES * ROUNDS).zip(here.chunks(LANES * ROUNDS)).zip(next.chunks(LANES * ROUNDS));
    for ((before, here), next) in rounds {
        let (more, found) = round(before, here, next);
        grown += more;
        again |= found;
    }
    (grown, again != 0)
}

/// As many bytes as their sums can take.
fn round(before: &[u8], here: &[u8], next: &[u8]) -> (u64, u8) {
    let (mut sums, mut found) = ([0_u8; LANES], [0_u8; LANES]);
    let (nexts, rest) = next.as_chunks::<LANES>();
    let (befores, heres) = (before.as_chunks::<LANES>().0, here.as_chunks::<LANES>().0);
    for ((before, here), next) in befores.iter().zip(heres).zip(nexts) {
        for lane in 0..LANES {
            sums[lane] = sums[lane].wrapping_add(added(before[lane], here[lane]));
            found[lane] |= may_be_exponent(before[lane], here[lane], next[lane]);
        }
    }
    let mut grown: u64 = sums.iter().map(|sum| u64::from(*sum)).sum();
    let mut again = found.iter().fold(0, |all, lane| all | lane);
    for at in next.len() - rest.len()..next.len() {
        grown += u64::from(added(before[at], here[at]));
        again |= may_be_exponent(before[at], here[at], next[at]);
    }
    (grown, again)
}

/// What a byte adds behind another. Without branches and with few comparisons, so that many go at once: where that
/// takes more bytes than it should, they are rare.
#[inline(always)]
fn added(before: u8, here: u8) -> u8 {
    let is = |is: bool, bytes: u8| u8::from(is) * bytes;
    // `<` and `>` differ in one bit, and so do `&` and `'`, `b` and `f`.
    let sign = (here & !2 == b'<') | (here | 1 == b'\'') | (here == 0x7F);
    let number = (is_digit(here) | (here == b'-')) & begins_number(before);
    let short = (before == b'\\') & (here | 4 == b'f');
    is(here == b',', COMMA)
        | is((here == b':') & ((before == b'"') | (before <= b' ')), NAME)
        | is(sign, SIGN)
        | is(here >= 0x80, BEYOND_ASCII)
        | is(number, NUMBER)
        | is(short, SHORT_ESCAPE)
}

/// Three bytes of a number with an exponent, or the beginning of an escape that may hide one.
#[inline(always)]
fn may_be_exponent(before: u8, here: u8, next: u8) -> u8 {
    let exponent = is_digit(before) & (here | 0x20 == b'e') & (next.wrapping_sub(b'+') <= b'9' - b'+');
    let escape = (before == b'u') & (here == b'0') & (next == b'0');
    u8::from(exponent | escape)
}

#[inline(always)]
const fn is_digit(byte: u8) -> bool {
    byte.wrapping_sub(b'0') < 10
}

/// What a number may follow: a comma, a colon, a bracket, space, and `n`, `r` and `t`, which stand for space behind a
/// backslash. Not `u`, or each escape would be one.
#[inline(always)]
const fn begins_number(before: u8) -> bool {
    (before <= b',') | (before == b':') | (before == b'[') | (before >= b'n') & (before != b'u')
}

/// What numbers with an exponent add when they are written out.
fn exponents(bytes: &[u8]) -> u64 {
    let at = |(index, triple): (usize, &[u8])| match triple {
        [before, b'e' | b'E', _] if is_digit(*before) => written_out(bytes, index + 1),
        [b'\\', b'u', b'0'] if hides_number(bytes, index) => EXPONENT + EXPONENT_MAX,
        _ => 0,
    };
    bytes.windows(3).enumerate().map(at).sum()
}

/// What the number adds whose exponent begins at this `e`; nothing where it is none.
fn written_out(bytes: &[u8], e: usize) -> u64 {
    let (head, tail) = (&bytes[..e], &bytes[e + 1..]);
    let mantissa = head.iter().rev().take_while(|byte| is_digit(**byte) | (**byte == b'.')).count();
    let before = &head[..e - mantissa];
    let before = before.strip_suffix(b"-").unwrap_or(before);
    if before.last().is_some_and(|byte| !begins_number(*byte)) {
        return 0;
    }
    let digits = tail.strip_prefix(b"+").or(tail.strip_prefix(b"-")).unwrap_or(tail);
    let count = digits.iter().take_while(|byte| is_digit(**byte)).count();
    let ends = matches!(digits.get(count), None | Some(b',' | b']' | b'}' | b'"' | b'\\' | 0..=b' '));
    if count == 0 || !ends {
        return 0;
    }
    let ten = |sum: u64, digit: &u8| sum.saturating_mul(10).saturating_add(u64::from(digit - b'0'));
    EXPONENT + digits[..count].iter().fold(0, ten).min(EXPONENT_MAX)
}

/// Whether an escape stands for a part of a number, or for what it follows. Such a number is as long as can be.
fn hides_number(bytes: &[u8], at: usize) -> bool {
    // Behind another backslash it is a backslash and text.
    let slashes = bytes[..at].iter().rev().take_while(|byte| **byte == b'\\').count();
    let digits = bytes.get(at + 2..at + 6).and_then(|digits| std::str::from_utf8(digits).ok());
    let unit = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
    // A plus is a part of one behind an `e` alone, which if hidden is found itself; .NET writes every plus so.
    let is_loose = unit == Some(b'+') && !matches!(bytes[..at].last(), Some(b'e' | b'E'));
    !is_loose
        && slashes % 2 == 0
        && matches!(
            unit,
            Some(
                b'0'..=b'9'
                    | b'+'
                    | b'-'
                    | b'.'
                    | b'e'
                    | b'E'
                    | b','
                    | b':'
                    | b'['
                    | b' '
                    | b'\t'
                    | b'\n'
                    | b'\r'
            )
        )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_grows() {
        for (raw, bytes) in [
            (r#"{"a":"b"}"#, 4),
            (r#"{"a":"b","c":"d"}"#, 4 + 4 + 1),
            (r#"{\"a\":[true,null]}"#, 4 + 1),
            (r"[7]", 5),
            (r"[-7, 8]", 5 + 1 + 5),
            (r#"["a7"]"#, 0),
            (r#"["<'é\b\\u0431\n"]"#, 5 + 5 + 4 + 4),
            (r"[1e20]", 5 + 8 + 20),
            (r"[-1.5E-7]", 5 + 8 + 7),
            (r"[1e999999999999999999999]", 5 + 8 + 344),
            (r"1e300", 8 + 300),
            (r#"["a1e5","1e5"]"#, 1 + 5 + 8 + 5),
            (r#"["3e54-1f","3e5f","12c3e5"]"#, 2 + 5 + 5 + 5),
            (r"[1\u006520]", 5 + 352),
            (r"[\n\u0031e20]", 352),
            (r"[\\u0031]", 0),
            (r#"["a\u002Bb"]"#, 0),
            (r"[1e\u002B20]", 5 + 352),
            (r#"{"a" :[]}"#, 4),
            (r"[\u00e9]", 0),
            ("", 0),
            ("[]", 0),
        ] {
            assert_eq!(growth(raw), bytes, "{raw}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn side_by_side_as_one_by_one(text in "[\\[\\]{}:,\"\\\\u0-9eE.+\\-<>&'\u{7f}bfnrt éб]{0,1200}") {
            let one = |triple: &[u8]| u64::from(added(triple[0], triple[1]));
            let found = |triple: &[u8]| may_be_exponent(triple[0], triple[1], triple[2]) != 0;
            let triples = || text.as_bytes().windows(3);
            prop_assert_eq!(pass(text.as_bytes()), (triples().map(one).sum(), triples().any(found)));
        }

        #[test]
        fn what_a_look_tells_is_so(text in "[a-z \"]{0,40}([\\[\\]:,\"\\\\0-9eE.+\\-<>&'\u{7f}bé]|[a-z \"]{9}){0,40}") {
            let beyond = growth(&text).saturating_sub(text.len() as u64);
            prop_assert!(growth_beyond_double(&text) == beyond || exponents(text.as_bytes()) > 0);
        }
    }
}
