//! Small readers for single values, shared by the readers of objects.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use smallvec::SmallVec;

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

/// Calls back for each member of a map, in order.
pub(super) fn each_member<'de, A, F>(mut map: A, mut member: F) -> Result<(), A::Error>
where
    A: MapAccess<'de>,
    F: FnMut(Cow<'de, str>, &'de RawValue) -> Result<(), BodyError>,
{
    while let Some(Text(key)) = map.next_key()? {
        member(key, map.next_value()?).map_err(de::Error::custom)?;
    }
    Ok(())
}

/// An object already delimited, member by member. Anything but an object is `must`'s error.
pub(super) fn members<'a, F>(raw: &'a RawValue, wrong: &BodyError, member: F) -> Result<(), BodyError>
where
    F: FnMut(Cow<'a, str>, &'a RawValue) -> Result<(), BodyError>,
{
    struct Members<F>(F);
    impl<'de, F> Visitor<'de> for Members<&mut F>
    where
        F: FnMut(Cow<'de, str>, &'de RawValue) -> Result<(), BodyError>,
    {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
            each_member(map, self.0)
        }
    }
    let mut failure = None;
    let mut member = member;
    let mut noting = |key: Cow<'a, str>, value: &'a RawValue| {
        member(key, value).inspect_err(|error| failure = Some(error.clone()))
    };
    let mut json = serde_json::Deserializer::from_str(raw.get());
    let read = json.deserialize_map(Members(&mut noting));
    match (failure, read) {
        (Some(error), _) => Err(error),
        (None, Err(_)) => Err(wrong.clone()),
        (None, Ok(())) => Ok(()),
    }
}

/// Members of one object of a list, in order.
pub(super) type Members<'a> = SmallVec<[(Cow<'a, str>, &'a RawValue); 6]>;

/// A list already delimited, object by object, in one pass. Anything else is `must`'s error, and so is an object of
/// more than 64 members: no part, tool or plugin has so many.
pub(super) fn objects<'a, F>(raw: &'a RawValue, wrong: &BodyError, each: F) -> Result<(), BodyError>
where
    F: FnMut(usize, &Members<'a>) -> Result<(), BodyError>,
{
    let mut failure = None;
    let list = ObjectList { members: SmallVec::new(), each, failure: &mut failure };
    let read = serde_json::Deserializer::from_str(raw.get()).deserialize_seq(list);
    match (failure, read) {
        (Some(error), _) => Err(error),
        (None, Err(_)) => Err(wrong.clone()),
        (None, Ok(())) => Ok(()),
    }
}

/// An object already delimited; as [`objects`].
pub(super) fn object<'a>(raw: &'a RawValue, wrong: &BodyError) -> Result<Members<'a>, BodyError> {
    let mut members = SmallVec::new();
    let read = OneObject(&mut members).deserialize(&mut serde_json::Deserializer::from_str(raw.get()));
    read.map(|()| members).map_err(|_| wrong.clone())
}

struct ObjectList<'f, 'a, F> {
    members: Members<'a>,
    each: F,
    failure: &'f mut Option<BodyError>,
}

impl<'de, F> Visitor<'de> for ObjectList<'_, 'de, F>
where
    F: FnMut(usize, &Members<'de>) -> Result<(), BodyError>,
{
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        let mut index = 0;
        while list.next_element_seed(OneObject(&mut self.members))?.is_some() {
            if let Err(error) = (self.each)(index, &self.members) {
                *self.failure = Some(error.clone());
                return Err(de::Error::custom(error));
            }
            index += 1;
        }
        Ok(())
    }
}

struct OneObject<'m, 'a>(&'m mut Members<'a>);

impl<'de> DeserializeSeed<'de> for OneObject<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for OneObject<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        self.0.clear();
        while let Some(Text(key)) = map.next_key()? {
            if self.0.len() >= MEMBERS_MAX {
                return Err(de::Error::custom("too many members"));
            }
            self.0.push((key, map.next_value()?));
        }
        Ok(())
    }
}

impl List {
    /// Of a value that is a list, or says nothing.
    pub(super) fn of(body: &str, raw: &RawValue) -> Self {
        let span = span(body, raw);
        let is_list = raw.get().starts_with('[');
        let object = is_list.then(|| Object { close: span.end - 1, empty: is_empty(raw) });
        List { span, object }
    }
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

pub(super) fn is_null(raw: &RawValue) -> bool {
    raw.get() == "null"
}

/// `null`, `{}` and `[]` say nothing.
pub(super) fn is_empty(raw: &RawValue) -> bool {
    let text = raw.get();
    match text.as_bytes() {
        [b'{', inner @ .., b'}'] | [b'[', inner @ .., b']'] => inner.iter().all(u8::is_ascii_whitespace),
        _ => is_null(raw),
    }
}

pub(super) fn is_container(raw: &RawValue) -> bool {
    raw.get().starts_with(['{', '['])
}

/// A string; `None` when null.
pub(super) fn text<'a>(raw: &'a RawValue, field: &'static str) -> Result<Option<Cow<'a, str>>, BodyError> {
    if is_null(raw) {
        return Ok(None);
    }
    match serde_json::from_str::<Text<'a>>(raw.get()) {
        Ok(Text(text)) => Ok(Some(text)),
        Err(_) => Err(wrong(field, "a string")),
    }
}

pub(super) fn boolean(raw: &RawValue, field: &'static str) -> Result<bool, BodyError> {
    match raw.get() {
        "true" => Ok(true),
        "false" | "null" => Ok(false),
        _ => Err(wrong(field, "true or false")),
    }
}

/// A whole number in plain digits, within `range`; `None` when null.
pub(super) fn whole(
    raw: &RawValue,
    range: std::ops::RangeInclusive<u64>,
    error: BodyError,
) -> Result<Option<u64>, BodyError> {
    if is_null(raw) {
        return Ok(None);
    }
    let digits = raw.get();
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(error);
    }
    match digits.parse::<u64>() {
        Ok(number) if range.contains(&number) => Ok(Some(number)),
        _ => Err(error),
    }
}

/// Where a value stands in the body it was borrowed from.
pub(super) fn span(body: &str, raw: &RawValue) -> Range<usize> {
    let text = raw.get();
    let start = (text.as_ptr() as usize).saturating_sub(body.as_ptr() as usize);
    debug_assert_eq!(body.get(start..start + text.len()), Some(text), "a value borrowed from its body");
    start..start + text.len()
}

/// The first key given twice.
pub(super) fn duplicate<'k>(keys: &'k mut SmallVec<[Cow<'_, str>; 24]>) -> Option<&'k str> {
    keys.sort_unstable();
    keys.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0].as_ref())
}
