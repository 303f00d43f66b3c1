//! How well a bound is founded, why an outcome is unknown, and what proved a cost.

macro_rules! coded {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $code:literal, $text:literal;)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum $name { $($(#[$doc])* $variant = $code,)+ }

        impl $name {
            /// Every variant, in the order of their codes.
            pub const ALL: &[$name] = &[$($name::$variant,)+];

            /// The code it has in the journal and the books; never reused.
            pub const fn code(self) -> u8 {
                self as u8
            }

            /// The variant with this code.
            pub const fn from_code(code: u8) -> Option<Self> {
                match code { $($code => Some($name::$variant),)+ _ => None }
            }

            /// The word people and `--json` see.
            pub const fn text(self) -> &'static str {
                match self { $($name::$variant => $text,)+ }
            }
        }
    };
}

coded! {
    /// How well a bound is founded (DESIGN.md section 1).
    BoundClass {
        /// Each term is capped by a field we send and OpenRouter documents as a filter.
        Proven = 1, "proven";
        /// Rests on a published price, limit or rule as well.
        Published = 2, "published";
        /// Rests on an allowance: somebody's word.
        Unbounded = 3, "unbounded";
    }
}

coded! {
    /// What proved the final cost of an attempt (LEDGER.md 5.8).
    Evidence {
        /// `usage.cost` in the answer or its last stream event.
        Usage = 1, "usage";
        /// `GET /generation`.
        Generation = 2, "generation";
        /// No byte of the request left this machine.
        NeverSent = 3, "never-sent";
        /// OpenRouter refused it with its own error body (400-429): assumed not billed.
        Refused = 4, "refused";
        /// A server error without content for which `/generation` knows nothing at `T_final`: assumed not billed.
        Insured = 5, "insured";
        /// The upstream key was quiet, and its counter equals the costs booked on it: nothing else was billed.
        ControlTotal = 6, "control-total";
        /// Something was billed on the quiet key that no entry explains; this hold may be it, so it is charged for it.
        Attributed = 7, "attributed";
        /// The analytics query by generation id, with a management key.
        Analytics = 8, "analytics";
        /// The operator decided.
        Operator = 9, "operator";
    }
}

coded! {
    /// Why the cost of an attempt is not known yet.
    UnknownReason {
        /// The gateway ended between sending and settling.
        Restart = 1, "restart";
        /// The upstream closed or broke the connection, or sent something unreadable.
        Broken = 2, "broken";
        /// The upstream did not answer in time.
        TimedOut = 3, "timed-out";
        /// The client left and the stream was aborted.
        ClientGone = 4, "client-gone";
        /// The answer ended without a cost in it.
        NoCost = 5, "no-cost";
        /// The upstream answered with a server error (5xx), or with an empty error.
        ServerError = 6, "server-error";
    }
}
