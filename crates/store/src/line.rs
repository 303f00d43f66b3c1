//! The lines of the journal as they are read back: owned, checked, nothing left over.

use ledger::{
    BalanceId, BalanceName, BoundClass, Evidence, HoldId, Member, SetId, UnknownReason, UpstreamKeyId,
};
use money::Nano;

use crate::record::kind;
use crate::recovered::{Members, OpenHold};

/// A [`crate::Record`] that owns what it says.
#[expect(missing_docs, reason = "the fields are those of the record")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    Balance {
        id: BalanceId,
        name: BalanceName,
        limit: Nano,
    },
    Set {
        id: SetId,
        members: Members,
    },
    /// With `set`, and `members` still empty; or of before there were sets, with `members`.
    Hold(OpenHold),
    Generation {
        hold: HoldId,
        id: String,
    },
    Unknown {
        hold: HoldId,
        at_ms: i64,
        reason: UnknownReason,
        status: u16,
    },
    Settle {
        hold: HoldId,
        at_ms: i64,
        cost: Nano,
        text: String,
        evidence: Evidence,
    },
    Correct(Correction),
    Clock {
        at_ms: i64,
        boot_ms: i64,
    },
    Action {
        at_ms: i64,
        who: String,
        what: String,
    },
}

/// A [`crate::Record::Correct`] that owns what it says.
#[expect(missing_docs, reason = "the fields are those of the record")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Correction {
    pub hold: HoldId,
    pub at_ms: i64,
    pub settled_ms: i64,
    pub was: Nano,
    pub cost: Nano,
    pub text: String,
    pub evidence: Evidence,
    pub set: SetId,
}

impl Correction {
    /// What is posted, below zero for a refund, and since when a rolling window counts it: more counts from now on,
    /// less where it was counted. The balances that take it are those that took the cost, at `settled_ms`.
    pub fn posting(&self) -> (Nano, i64) {
        let amount = self.cost.saturating_sub(self.was);
        (amount, if amount.is_negative() { self.settled_ms } else { self.at_ms })
    }
}

impl Line {
    /// Reads the payload of a record of this kind.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn decode(kind: u8, payload: &[u8]) -> Result<Self, &'static str> {
        let mut from = Reader(payload);
        let line = match kind {
            kind::BALANCE => {
                let id = BalanceId(from.u32()?);
                let limit = from.amount()?;
                let starts_ms = from.i64()?;
                let ends = (from.u8()?, from.i64()?);
                let name = BalanceName {
                    budget: from.text()?,
                    window: from.text()?,
                    scope: (0..from.u16()?).map(|_| Ok((from.text()?, from.text()?))).collect::<Result<
                        _,
                        &'static str,
                    >>(
                    )?,
                    starts_ms,
                    ends_ms: match ends {
                        (0, 0) => None,
                        (1, ends_ms) => Some(ends_ms),
                        _ => return Err("unreadable end of a window"),
                    },
                };
                Line::Balance { id, name, limit }
            }
            kind::HOLD_ON_BALANCES => Line::Hold(OpenHold {
                hold: from.hold()?,
                at_ms: from.i64()?,
                bound: from.amount()?,
                class: BoundClass::from_code(from.u8()?).ok_or("unknown bound class")?,
                upstream_key: UpstreamKeyId(from.array()?),
                set: None,
                members: (0..from.u16()?)
                    .map(|_| from.u32().map(|id| Member::plain(BalanceId(id))))
                    .collect::<Result<Members, _>>()?,
                key: String::new(),
                model: from.text()?,
                generation: None,
                unknown: None,
                unknown_since_ms: 0,
            }),
            kind::HOLD => Line::Hold(OpenHold {
                hold: from.hold()?,
                at_ms: from.i64()?,
                bound: from.amount()?,
                class: BoundClass::from_code(from.u8()?).ok_or("unknown bound class")?,
                set: Some(from.set()?),
                upstream_key: UpstreamKeyId(from.array()?),
                members: Members::new(),
                key: from.text()?,
                model: from.text()?,
                generation: None,
                unknown: None,
                unknown_since_ms: 0,
            }),
            kind::SET => Line::Set {
                id: from.set()?,
                members: (0..from.u16()?).map(|_| from.member()).collect::<Result<Members, _>>()?,
            },
            kind::GENERATION => Line::Generation { hold: from.hold()?, id: from.text()? },
            kind::UNKNOWN => Line::Unknown {
                hold: from.hold()?,
                at_ms: from.i64()?,
                reason: UnknownReason::from_code(from.u8()?).ok_or("unknown reason code")?,
                status: from.u16()?,
            },
            kind::SETTLE => Line::Settle {
                hold: from.hold()?,
                at_ms: from.i64()?,
                cost: from.amount()?,
                evidence: Evidence::from_code(from.u8()?).ok_or("unknown evidence code")?,
                text: from.text()?,
            },
            kind::CORRECT => Line::Correct(Correction {
                hold: from.hold()?,
                at_ms: from.i64()?,
                settled_ms: from.i64()?,
                was: from.amount()?,
                cost: from.amount()?,
                evidence: Evidence::from_code(from.u8()?).ok_or("unknown evidence code")?,
                set: from.set()?,
                text: from.text()?,
            }),
            kind::CLOCK => Line::Clock { at_ms: from.i64()?, boot_ms: from.i64()? },
            kind::ACTION => Line::Action { at_ms: from.i64()?, who: from.text()?, what: from.text()? },
            _ => return Err("unknown kind of record"),
        };
        if from.0.is_empty() { Ok(line) } else { Err("bytes left over in a record") }
    }

    /// When money moved, milliseconds since the Unix epoch; clocks and actions move none.
    pub fn at_ms(&self) -> Option<i64> {
        match self {
            Line::Balance { .. }
            | Line::Set { .. }
            | Line::Generation { .. }
            | Line::Clock { .. }
            | Line::Action { .. } => None,
            Line::Hold(hold) => Some(hold.at_ms),
            Line::Correct(correction) => Some(correction.at_ms),
            Line::Unknown { at_ms, .. } | Line::Settle { at_ms, .. } => Some(*at_ms),
        }
    }
}

/// Takes values off the front of a payload.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take(&mut self, count: usize) -> Result<&[u8], &'static str> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or("record ends too early")?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], &'static str> {
        let mut value = [0; N];
        value.copy_from_slice(self.take(N)?);
        Ok(value)
    }

    fn set(&mut self) -> Result<SetId, &'static str> {
        match self.u32()? {
            u32::MAX => Err("impossible set id"),
            id => Ok(SetId(id)),
        }
    }

    fn member(&mut self) -> Result<Member, &'static str> {
        let balance = BalanceId(self.u32()?);
        let flags = self.u8()?;
        if flags > 3 {
            return Err("unreadable member of a set");
        }
        let from_ms = if flags & 1 != 0 { Some(self.i64()?) } else { None };
        let until_ms = if flags & 2 != 0 { Some(self.i64()?) } else { None };
        Ok(Member { balance, from_ms, until_ms })
    }

    fn u8(&mut self) -> Result<u8, &'static str> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn u16(&mut self) -> Result<u16, &'static str> {
        self.array().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Result<u32, &'static str> {
        self.array().map(u32::from_le_bytes)
    }

    fn i64(&mut self) -> Result<i64, &'static str> {
        self.array().map(i64::from_le_bytes)
    }

    fn hold(&mut self) -> Result<HoldId, &'static str> {
        u64::try_from(self.i64()?).map(HoldId).map_err(|_| "hold id below zero")
    }

    fn amount(&mut self) -> Result<Nano, &'static str> {
        let amount = Nano::from_nanos(self.i64()?);
        if amount.is_negative() { Err("an amount below zero") } else { Ok(amount) }
    }

    fn text(&mut self) -> Result<String, &'static str> {
        let length = usize::from(self.u16()?);
        String::from_utf8(self.take(length)?.to_vec()).map_err(|_| "text that is not UTF-8")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Record;

    fn bytes(record: &Record<'_>) -> Vec<u8> {
        let mut buffer = Vec::new();
        record.encode(&mut buffer).unwrap();
        buffer
    }

    fn text(random: &mut fastrand::Rng) -> String {
        (0..random.usize(0..40)).map(|_| random.char('\0'..='\u{10FFFF}')).collect()
    }

    #[test]
    fn random_records_are_read_back_and_no_prefix_of_them_is() {
        let mut random = fastrand::Rng::with_seed(11);
        for _ in 0..3000 {
            let hold = HoldId(random.u64(0..i64::MAX as u64));
            let at_ms = random.i64(..);
            let amount = Nano::from_nanos(random.i64(0..));
            let words = [text(&mut random), text(&mut random)];
            let scope = (0..random.usize(0..5)).map(|_| (text(&mut random), text(&mut random))).collect();
            let name = BalanceName {
                budget: words[0].clone(),
                window: words[1].clone(),
                scope,
                starts_ms: at_ms,
                ends_ms: random.bool().then(|| random.i64(..)),
            };
            let members: Members = (0..random.usize(0..20))
                .map(|_| Member {
                    balance: BalanceId(random.u32(..)),
                    from_ms: random.bool().then(|| random.i64(..)),
                    until_ms: random.bool().then(|| random.i64(..)),
                })
                .collect();
            let set = SetId(random.u32(..u32::MAX));
            let class = random.choice(BoundClass::ALL.iter()).copied().unwrap();
            let reason = random.choice(UnknownReason::ALL.iter()).copied().unwrap();
            let evidence = random.choice(Evidence::ALL.iter()).copied().unwrap();
            let key = UpstreamKeyId(random.u64(..).to_le_bytes());
            let model = words[0].as_str();
            let cases = [
                (
                    Record::Balance { id: BalanceId(7), name: &name, limit: amount },
                    Line::Balance { id: BalanceId(7), name: name.clone(), limit: amount },
                ),
                (Record::Set { id: set, members: &members }, Line::Set { id: set, members: members.clone() }),
                (
                    Record::Hold {
                        hold,
                        at_ms,
                        bound: amount,
                        class,
                        set,
                        upstream_key: key,
                        key: &words[1],
                        model,
                    },
                    Line::Hold(OpenHold {
                        hold,
                        at_ms,
                        bound: amount,
                        class,
                        set: Some(set),
                        members: Members::new(),
                        upstream_key: key,
                        key: words[1].clone(),
                        model: model.to_owned(),
                        generation: None,
                        unknown: None,
                        unknown_since_ms: 0,
                    }),
                ),
                (Record::Generation { hold, id: model }, Line::Generation { hold, id: model.to_owned() }),
                (
                    Record::Unknown { hold, at_ms, reason, status: 502 },
                    Line::Unknown { hold, at_ms, reason, status: 502 },
                ),
                (
                    Record::Settle { hold, at_ms, cost: amount, text: model, evidence },
                    Line::Settle { hold, at_ms, cost: amount, text: model.to_owned(), evidence },
                ),
                (
                    Record::Correct {
                        hold,
                        at_ms,
                        settled_ms: 5,
                        was: Nano::from_cents(1),
                        cost: amount,
                        text: model,
                        evidence,
                        set,
                    },
                    Line::Correct(Correction {
                        hold,
                        at_ms,
                        settled_ms: 5,
                        was: Nano::from_cents(1),
                        cost: amount,
                        text: model.to_owned(),
                        evidence,
                        set,
                    }),
                ),
                (Record::Clock { at_ms, boot_ms: 9 }, Line::Clock { at_ms, boot_ms: 9 }),
                (
                    Record::Action { at_ms, who: model, what: &words[1] },
                    Line::Action { at_ms, who: model.to_owned(), what: words[1].clone() },
                ),
            ];
            for (record, line) in cases {
                let payload = bytes(&record);
                assert_eq!(Line::decode(record.kind(), &payload), Ok(line));
                let cut = random.usize(0..payload.len());
                assert!(Line::decode(record.kind(), &payload[..cut]).is_err(), "{record:?} cut at {cut}");
                let longer = [payload.as_slice(), &[0]].concat();
                assert!(Line::decode(record.kind(), &longer).is_err());
            }
        }
    }

    /// As it was written before there were sets. Frozen: such journals exist.
    #[test]
    fn a_hold_on_a_list_of_balances_is_still_read() {
        let mut payload = Vec::new();
        payload.extend_from_slice(&7_i64.to_le_bytes());
        payload.extend_from_slice(&1_000_i64.to_le_bytes());
        payload.extend_from_slice(&55_i64.to_le_bytes());
        payload.push(BoundClass::Published.code());
        payload.extend_from_slice(b"upstream");
        payload.extend_from_slice(&[2, 0, 3, 0, 0, 0, 9, 0, 0, 0, 1, 0, b'm']);
        let line = Line::decode(2, &payload).unwrap();
        let Line::Hold(open) = line else { panic!("{line:?}") };
        assert_eq!((open.hold, open.at_ms, open.bound.nanos(), open.set), (HoldId(7), 1_000, 55, None));
        assert_eq!(open.members.as_slice(), [3, 9].map(|id| Member::plain(BalanceId(id))));
        assert_eq!((open.key.as_str(), open.model.as_str()), ("", "m"));
    }

    #[test]
    fn impossible_records_are_refused() {
        let below = Nano::from_nanos(-1);
        let long = "x".repeat(70_000);
        let mut buffer = Vec::new();
        for record in [
            Record::Settle { hold: HoldId(1), at_ms: 0, cost: below, text: "", evidence: Evidence::Usage },
            Record::Generation { hold: HoldId(u64::MAX), id: "gen-1" },
            Record::Generation { hold: HoldId(1), id: &long },
            Record::Set { id: SetId(u32::MAX), members: &[] },
        ] {
            assert!(record.encode(&mut buffer).is_err(), "{record:?}");
        }
        assert_eq!(Line::decode(0, &[]), Err("unknown kind of record"));
        assert_eq!(Line::decode(99, &[]), Err("unknown kind of record"));
    }
}
