//! [`Account`]: the account's credits, and how far the answer is to be believed.

use money::Nano;
use openrouter::account::Credits;

/// What is known of the account's credits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Account {
    /// Told to a management key.
    Told {
        credits: Credits,
        /// What the account spent on the last seven completed days, where it is told.
        last_week: Option<Nano>,
    },
    /// There is no management key to ask with.
    NoManagementKey,
    /// An ordinary key was told zeros. OpenRouter does that while the account has money (CONTRACT 3).
    Zeros {
        /// Where that key came from.
        from: &'static str,
    },
    /// An ordinary key was told numbers. They are not documented for it, so they are not repeated.
    Ordinary {
        /// Where that key came from.
        from: &'static str,
    },
    /// It could not be asked; the error says why.
    NotTold,
}

impl Account {
    /// The judgement on an answer to a key that is a management key, or not.
    pub(crate) fn judged(credits: Credits, is_management_key: bool, from: &'static str) -> Account {
        match (is_management_key, credits.is_zeros()) {
            (true, _) => Account::Told { credits, last_week: None },
            (false, true) => Account::Zeros { from },
            (false, false) => Account::Ordinary { from },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_are_believed_to_a_management_key_only() {
        let credits =
            |bought, used| Credits { bought: Nano::from_cents(bought), used: Nano::from_cents(used) };
        assert!(matches!(Account::judged(credits(0, 0), true, "M"), Account::Told { .. }));
        assert_eq!(Account::judged(credits(0, 0), false, "K"), Account::Zeros { from: "K" });
        assert_eq!(Account::judged(credits(10, 5), false, "K"), Account::Ordinary { from: "K" });
    }
}
