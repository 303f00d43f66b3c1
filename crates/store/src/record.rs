//! The lines of the journal, and how each is written as bytes. [`crate::line`] reads them back.
//!
//! All integers little endian; a text or a list is its length (u16) and its items; an optional instant is a flag
//! byte and an i64. Kinds and codes are never reused, and a payload that changes gets a new kind.

use ledger::{
    BalanceId, BalanceName, BoundClass, Evidence, HoldId, Member, SetId, UnknownReason, UpstreamKeyId,
};
use money::Nano;

/// Where a record stands in the journal: its sequence number, dense from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(pub(crate) u64);

impl Position {
    /// The sequence number.
    pub const fn seq(self) -> u64 {
        self.0
    }
}

/// One line of the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record<'a> {
    /// A balance, before its first use; again when its limit changed (the last one counts).
    Balance {
        /// Its number.
        id: BalanceId,
        /// What it counts.
        name: &'a BalanceName,
        /// Its limit.
        limit: Nano,
    },
    /// A hold set, before its first use; once.
    Set {
        /// Its number.
        id: SetId,
        /// Its balances, each declared before, none twice.
        members: &'a [Member],
    },
    /// Money set aside on all balances of the set, before the first byte of the attempt leaves.
    Hold {
        /// Its number.
        hold: HoldId,
        /// When, milliseconds since the Unix epoch.
        at_ms: i64,
        /// The most the attempt may cost.
        bound: Nano,
        /// How well the bound is founded.
        class: BoundClass,
        /// The balances it is held on, declared before.
        set: SetId,
        /// The upstream key the attempt is sent with.
        upstream_key: UpstreamKeyId,
        /// The `key` label of the request; empty without one.
        key: &'a str,
        /// The model asked for.
        model: &'a str,
    },
    /// The upstream's id of the generation, when its headers arrived.
    Generation {
        /// The hold.
        hold: HoldId,
        /// The id, `gen-...`.
        id: &'a str,
    },
    /// The attempt ended without a known cost; the hold stays charged at its bound.
    Unknown {
        /// The hold.
        hold: HoldId,
        /// When, milliseconds since the Unix epoch.
        at_ms: i64,
        /// Why.
        reason: UnknownReason,
        /// HTTP status of the answer; 0 without one.
        status: u16,
    },
    /// The end of a hold: its cost is known. A void is a settle of zero; a cost above the bound is an overrun and
    /// counts in full.
    Settle {
        /// The hold.
        hold: HoldId,
        /// When, milliseconds since the Unix epoch.
        at_ms: i64,
        /// The cost, rounded up.
        cost: Nano,
        /// The cost as the upstream wrote it, verbatim; empty for voids.
        text: &'a str,
        /// What proved it.
        evidence: Evidence,
    },
    /// The cost of a hold that has ended is `cost`, not `was`. More is posted as a settle at `at_ms` would be, and counts
    /// as an overrun; less is given back to the balances that took the settlement, out of a rolling window only
    /// while its bucket counts.
    Correct {
        /// The hold.
        hold: HoldId,
        /// When the correction was made, milliseconds since the Unix epoch.
        at_ms: i64,
        /// When the hold ended, as its settlement says.
        settled_ms: i64,
        /// The cost as it was booked until now.
        was: Nano,
        /// The cost from now on, rounded up.
        cost: Nano,
        /// The cost as the upstream wrote it, verbatim; may be empty.
        text: &'a str,
        /// What proved it.
        evidence: Evidence,
        /// The hold's set; for a hold of before there were sets, a set of the same balances.
        set: SetId,
    },
    /// The wall clock and the clock of this boot at one instant.
    Clock {
        /// The wall clock, milliseconds since the Unix epoch.
        at_ms: i64,
        /// Time since the machine booted, suspended time included, milliseconds.
        boot_ms: i64,
    },
    /// What an operator did.
    Action {
        /// When, milliseconds since the Unix epoch.
        at_ms: i64,
        /// Who.
        who: &'a str,
        /// What, in words.
        what: &'a str,
    },
}

/// The kinds, as the frame names them.
pub(crate) mod kind {
    pub(crate) const BALANCE: u8 = 1;
    /// A hold with the list of its balances; read, no longer written.
    pub(crate) const HOLD_ON_BALANCES: u8 = 2;
    pub(crate) const GENERATION: u8 = 3;
    pub(crate) const UNKNOWN: u8 = 4;
    pub(crate) const SETTLE: u8 = 5;
    pub(crate) const SET: u8 = 6;
    pub(crate) const HOLD: u8 = 7;
    pub(crate) const CORRECT: u8 = 8;
    pub(crate) const CLOCK: u8 = 9;
    pub(crate) const ACTION: u8 = 10;
}

impl Record<'_> {
    pub(crate) fn kind(&self) -> u8 {
        match self {
            Record::Balance { .. } => kind::BALANCE,
            Record::Hold { .. } => kind::HOLD,
            Record::Generation { .. } => kind::GENERATION,
            Record::Unknown { .. } => kind::UNKNOWN,
            Record::Settle { .. } => kind::SETTLE,
            Record::Set { .. } => kind::SET,
            Record::Correct { .. } => kind::CORRECT,
            Record::Clock { .. } => kind::CLOCK,
            Record::Action { .. } => kind::ACTION,
        }
    }

    /// Writes the payload at the end of `buffer`, or says what about the record is impossible.
    pub(crate) fn encode(&self, buffer: &mut Vec<u8>) -> Result<(), &'static str> {
        match *self {
            Record::Balance { id, name, limit } => {
                if id.0 == u32::MAX {
                    return Err("balance id beyond 2^32 - 2");
                }
                put_u32(buffer, id.0);
                put_amount(buffer, limit)?;
                put_i64(buffer, name.starts_ms);
                buffer.push(u8::from(name.ends_ms.is_some()));
                put_i64(buffer, name.ends_ms.unwrap_or(0));
                put_text(buffer, &name.budget)?;
                put_text(buffer, &name.window)?;
                put_count(buffer, name.scope.len())?;
                for (label, value) in &name.scope {
                    put_text(buffer, label)?;
                    put_text(buffer, value)?;
                }
            }
            Record::Set { id, members } => {
                put_set(buffer, id)?;
                put_count(buffer, members.len())?;
                members.iter().for_each(|member| put_member(buffer, member));
            }
            Record::Hold { hold, at_ms, bound, class, set, upstream_key, key, model } => {
                put_hold(buffer, hold)?;
                put_i64(buffer, at_ms);
                put_amount(buffer, bound)?;
                buffer.push(class.code());
                put_set(buffer, set)?;
                buffer.extend_from_slice(&upstream_key.0);
                put_text(buffer, key)?;
                put_text(buffer, model)?;
            }
            Record::Generation { hold, id } => {
                put_hold(buffer, hold)?;
                put_text(buffer, id)?;
            }
            Record::Unknown { hold, at_ms, reason, status } => {
                put_hold(buffer, hold)?;
                put_i64(buffer, at_ms);
                buffer.push(reason.code());
                buffer.extend_from_slice(&status.to_le_bytes());
            }
            Record::Settle { hold, at_ms, cost, text, evidence } => {
                put_hold(buffer, hold)?;
                put_i64(buffer, at_ms);
                put_amount(buffer, cost)?;
                buffer.push(evidence.code());
                put_text(buffer, text)?;
            }
            Record::Correct { hold, at_ms, settled_ms, was, cost, text, evidence, set } => {
                put_hold(buffer, hold)?;
                put_i64(buffer, at_ms);
                put_i64(buffer, settled_ms);
                put_amount(buffer, was)?;
                put_amount(buffer, cost)?;
                buffer.push(evidence.code());
                put_set(buffer, set)?;
                put_text(buffer, text)?;
            }
            Record::Clock { at_ms, boot_ms } => {
                put_i64(buffer, at_ms);
                put_i64(buffer, boot_ms);
            }
            Record::Action { at_ms, who, what } => {
                put_i64(buffer, at_ms);
                put_text(buffer, who)?;
                put_text(buffer, what)?;
            }
        }
        Ok(())
    }
}

fn put_set(buffer: &mut Vec<u8>, set: SetId) -> Result<(), &'static str> {
    if set.0 == u32::MAX {
        return Err("set id beyond 2^32 - 2");
    }
    put_u32(buffer, set.0);
    Ok(())
}

/// The balance, a flag for each bound that there is, and those.
fn put_member(buffer: &mut Vec<u8>, member: &Member) {
    put_u32(buffer, member.balance.0);
    buffer.push(u8::from(member.from_ms.is_some()) | u8::from(member.until_ms.is_some()) << 1);
    for bound_ms in [member.from_ms, member.until_ms].into_iter().flatten() {
        put_i64(buffer, bound_ms);
    }
}

fn put_u32(buffer: &mut Vec<u8>, value: u32) {
    buffer.extend_from_slice(&value.to_le_bytes());
}

fn put_i64(buffer: &mut Vec<u8>, value: i64) {
    buffer.extend_from_slice(&value.to_le_bytes());
}

/// The books keep hold ids as SQLite integers, which are signed.
fn put_hold(buffer: &mut Vec<u8>, hold: HoldId) -> Result<(), &'static str> {
    let id = i64::try_from(hold.0).ok().filter(|id| *id < i64::MAX).ok_or("hold id beyond 2^63 - 2")?;
    put_i64(buffer, id);
    Ok(())
}

fn put_amount(buffer: &mut Vec<u8>, amount: Nano) -> Result<(), &'static str> {
    if amount.is_negative() {
        return Err("an amount below zero");
    }
    put_i64(buffer, amount.nanos());
    Ok(())
}

fn put_count(buffer: &mut Vec<u8>, count: usize) -> Result<(), &'static str> {
    let count = u16::try_from(count).map_err(|_| "longer than 65535")?;
    buffer.extend_from_slice(&count.to_le_bytes());
    Ok(())
}

fn put_text(buffer: &mut Vec<u8>, text: &str) -> Result<(), &'static str> {
    put_count(buffer, text.len())?;
    buffer.extend_from_slice(text.as_bytes());
    Ok(())
}
