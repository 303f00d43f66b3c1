//! Small readers for single values, shared by the readers of objects.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use serde::de::{self, Deserialize, Deserializer, Visitor};
use smallvec::SmallVec;

use super::json::Cursor;
use super::{BodyError, List, Object};

const MEMBERS_MAX: usize = 64;

/// A string, borrowed where it has no escapes.
pub(super) struct Text<'a>(pub(super) Cow<'a, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(TextVisitor)
    }
}

/// An object already delimited, member by member. Anything but an object is `wrong`.
pub(super) fn members<'a, F>(raw: &'a str, wrong: &BodyError, mut member: F) -> Result<(), BodyError>
where
    F: FnMut(Cow<'a, str>, &'a str) -> Result<(), BodyError>,
{
    let mut cursor = Cursor::new(raw);
    if !cursor.enter(b'{')? {
        return Err(wrong.clone());
    }
    let mut first = true;
    while cursor.another(&mut first, b'}')? {
        let name = cursor.name()?;
        member(name, cursor.value()?)?;
    }
    Ok(())
}

/// Members of one object of a list, in order.
pub(super) type Members<'a> = SmallVec<[(Cow<'a, str>, &'a str); 6]>;

/// A list of objects, one after the other, in one pass. Anything else is `wrong`, and so is an object of more than 64
/// members: no part, tool or plugin has so many.
pub(super) fn objects<'a, F>(cursor: &mut Cursor<'a>, wrong: &BodyError, mut each: F) -> Result<(), BodyError>
where
    F: FnMut(usize, &Members<'a>) -> Result<(), BodyError>,
{
    if !cursor.enter(b'[')? {
        return Err(cursor.mismatch(wrong));
    }
    let mut all = Members::new();
    let mut first = true;
    let mut index = 0;
    while cursor.another(&mut first, b']')? {
        one(cursor, &mut all, wrong)?;
        each(index, &all)?;
        index += 1;
    }
    Ok(())
}

/// An object already delimited; as [`objects`].
pub(super) fn object<'a>(raw: &'a str, wrong: &BodyError) -> Result<Members<'a>, BodyError> {
    let mut all = Members::new();
    one(&mut Cursor::new(raw), &mut all, wrong)?;
    Ok(all)
}

fn one<'a>(cursor: &mut Cursor<'a>, all: &mut Members<'a>, wrong: &BodyError) -> Result<(), BodyError> {
    all.clear();
    if !cursor.enter(b'{')? {
        return Err(cursor.mismatch(wrong));
    }
    let mut first = true;
    while cursor.another(&mut first, b'}')? {
        if all.len() >= MEMBERS_MAX {
            return Err(wrong.clone());
        }
        let name = cursor.name()?;
        all.push((name, cursor.value()?));
    }
    Ok(())
}

/// A value that is a list of objects, or says nothing; as [`objects`].
pub(super) fn list<'a, F>(body: &str, raw: &'a str, wrong: &BodyError, each: F) -> Result<List, BodyError>
where
    F: FnMut(usize, &Members<'a>) -> Result<(), BodyError>,
{
    let span = span(body, raw);
    let empty = is_empty(raw);
    let object = raw.starts_with('[').then(|| Object { close: span.end - 1, empty });
    if !empty {
        objects(&mut Cursor::new(raw), wrong, each)?;
    }
    Ok(List { span, object })
}

/// A value that is an object we edit, or null: where members can be added, and those it has. One given twice, as `of`
/// and its name, is an error.
pub(super) fn edited<'a>(
    body: &str,
    raw: &'a str,
    wrong: &BodyError,
    of: &str,
) -> Result<Option<(Object, Members<'a>)>, BodyError> {
    if is_null(raw) {
        return Ok(None);
    }
    let members = object(raw, wrong)?;
    unique(&members, of)?;
    Ok(Some((Object { close: span(body, raw).end - 1, empty: members.is_empty() }, members)))
}

/// Where the object with these members ends: members can be added before.
pub(super) fn place(body: &str, members: &Members<'_>) -> Option<Object> {
    let (_, last) = members.last()?;
    let after = span(body, last).end;
    let space = body.as_bytes().get(after..)?.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    debug_assert_eq!(body.as_bytes().get(after + space), Some(&b'}'), "an object ends after its last member");
    Some(Object { close: after + space, empty: false })
}

/// A member given twice, as an error.
pub(super) fn unique(members: &Members<'_>, of: &str) -> Result<(), BodyError> {
    for (index, (key, _)) in members.iter().enumerate() {
        if members.iter().take(index).any(|(earlier, _)| earlier == key) {
            return Err(BodyError::Duplicate(format!("{of}{key}")));
        }
    }
    Ok(())
}

pub(super) const fn wrong(field: &'static str, must: &'static str) -> BodyError {
    BodyError::Field { field, must }
}

pub(super) fn is_null(raw: &str) -> bool {
    raw == "null"
}

/// `null`, `{}` and `[]` say nothing.
pub(super) fn is_empty(raw: &str) -> bool {
    match raw.as_bytes() {
        [b'{', inner @ .., b'}'] | [b'[', inner @ .., b']'] => inner.iter().all(u8::is_ascii_whitespace),
        _ => is_null(raw),
    }
}

pub(super) fn is_container(raw: &str) -> bool {
    raw.starts_with(['{', '['])
}

/// A string; `None` when null.
pub(super) fn text<'a>(raw: &'a str, field: &'static str) -> Result<Option<Cow<'a, str>>, BodyError> {
    if is_null(raw) {
        return Ok(None);
    }
    match raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(plain) if memchr::memchr(b'\\', plain.as_bytes()).is_none() => Ok(Some(Cow::Borrowed(plain))),
        Some(_) => {
            let Text(text) = serde_json::from_str(raw).map_err(|_| wrong(field, "a string"))?;
            Ok(Some(text))
        }
        None => Err(wrong(field, "a string")),
    }
}

pub(super) fn boolean(raw: &str, field: &'static str) -> Result<bool, BodyError> {
    match raw {
        "true" => Ok(true),
        "false" | "null" => Ok(false),
        _ => Err(wrong(field, "true or false")),
    }
}

/// A whole number in plain digits, within `range`; `None` when null.
pub(super) fn whole(
    raw: &str,
    range: std::ops::RangeInclusive<u64>,
    error: BodyError,
) -> Result<Option<u64>, BodyError> {
    if is_null(raw) {
        return Ok(None);
    }
    let digits = raw;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(error);
    }
    match digits.parse::<u64>() {
        Ok(number) if range.contains(&number) => Ok(Some(number)),
        _ => Err(error),
    }
}

/// Where a value stands in the body it was borrowed from.
pub(super) fn span(body: &str, raw: &str) -> Range<usize> {
    let start = (raw.as_ptr() as usize).saturating_sub(body.as_ptr() as usize);
    debug_assert_eq!(body.get(start..start + raw.len()), Some(raw), "a value borrowed from its body");
    start..start + raw.len()
}

/// The first key given twice.
pub(super) fn duplicate<'k>(keys: &'k mut SmallVec<[Cow<'_, str>; 24]>) -> Option<&'k str> {
    keys.sort_unstable();
    keys.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0].as_ref())
}
