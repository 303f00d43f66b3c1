//! The lines of the journal as they are read back: owned, checked, nothing left over.

use ledger::{BalanceId, BalanceName, BoundClass, Evidence, HoldId, UnknownReason, UpstreamKeyId};
use money::Nano;
use smallvec::SmallVec;

use crate::record::kind;
use crate::recovered::OpenHold;

/// A [`crate::Record`] that owns what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    Balance { id: BalanceId, name: BalanceName, limit: Nano },
    Hold(OpenHold),
    Generation { hold: HoldId, id: String },
    Unknown { hold: HoldId, at_ms: i64, reason: UnknownReason, status: u16 },
    Settle { hold: HoldId, at_ms: i64, cost: Nano, text: String, evidence: Evidence },
}

impl Line {
    /// Reads the payload of a record of this kind; the error says what is wrong with it.
    pub(crate) fn decode(kind: u8, payload: &[u8]) -> Result<Self, &'static str> {
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
                    scope: (0..from.u16()?)
                        .map(|_| Ok((from.text()?, from.text()?)))
                        .collect::<Result<_, _>>()?,
                    starts_ms,
                    ends_ms: match ends {
                        (0, 0) => None,
                        (1, ends_ms) => Some(ends_ms),
                        _ => return Err("unreadable end of a window"),
                    },
                };
                Line::Balance { id, name, limit }
            }
            kind::HOLD => Line::Hold(OpenHold {
                hold: from.hold()?,
                at_ms: from.i64()?,
                bound: from.amount()?,
                class: BoundClass::from_code(from.u8()?).ok_or("unknown bound class")?,
                upstream_key: UpstreamKeyId(from.array()?),
                balances: (0..from.u16()?)
                    .map(|_| from.u32().map(BalanceId))
                    .collect::<Result<SmallVec<_>, _>>()?,
                model: from.text()?,
                generation: None,
                unknown: None,
                unknown_since_ms: 0,
            }),
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
            _ => return Err("unknown kind of record"),
        };
        if from.0.is_empty() { Ok(line) } else { Err("bytes left over in a record") }
    }

    /// The time in the record, milliseconds since the Unix epoch.
    pub(crate) fn at_ms(&self) -> Option<i64> {
        match self {
            Line::Balance { .. } | Line::Generation { .. } => None,
            Line::Hold(hold) => Some(hold.at_ms),
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
            let balances: Vec<_> = (0..random.usize(0..20)).map(|_| BalanceId(random.u32(..))).collect();
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
                (
                    Record::Hold {
                        hold,
                        at_ms,
                        bound: amount,
                        class,
                        balances: &balances,
                        upstream_key: key,
                        model,
                    },
                    Line::Hold(OpenHold {
                        hold,
                        at_ms,
                        bound: amount,
                        class,
                        balances: balances.iter().copied().collect(),
                        upstream_key: key,
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

    #[test]
    fn impossible_records_are_refused() {
        let below = Nano::from_nanos(-1);
        let long = "x".repeat(70_000);
        let mut buffer = Vec::new();
        for record in [
            Record::Settle { hold: HoldId(1), at_ms: 0, cost: below, text: "", evidence: Evidence::Usage },
            Record::Generation { hold: HoldId(u64::MAX), id: "gen-1" },
            Record::Generation { hold: HoldId(1), id: &long },
        ] {
            assert!(record.encode(&mut buffer).is_err(), "{record:?}");
        }
        assert_eq!(Line::decode(0, &[]), Err("unknown kind of record"));
        assert_eq!(Line::decode(99, &[]), Err("unknown kind of record"));
    }
}
