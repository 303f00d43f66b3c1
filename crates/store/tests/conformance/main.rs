//! What books must do, whoever keeps them. Each case runs on every implementation.
//!
//! A new implementation is one `Factory`, and one line at the end of this file.

#![expect(clippy::unwrap_used, reason = "in a test it is the assertion")]

mod beside;
mod corrections;
mod crashes;
mod histories;
mod lookups;
mod posting;
mod script;
mod sums;
mod windows;
mod world;

use std::sync::Arc;

use store::books::{Books, Memory, Sqlite};

/// Makes empty books. They last as long as it does.
trait Factory {
    fn new() -> Self;

    /// The same books at every call, as a process finds them that starts anew.
    fn books(&self) -> Arc<dyn Books>;
}

struct InMemory(Memory);

impl Factory for InMemory {
    fn new() -> Self {
        Self(Memory::new())
    }

    fn books(&self) -> Arc<dyn Books> {
        Arc::new(self.0.clone())
    }
}

struct OnSqlite(tempfile::TempDir);

impl Factory for OnSqlite {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn books(&self) -> Arc<dyn Books> {
        Arc::new(Sqlite::new(self.0.path()))
    }
}

/// One test for each case.
macro_rules! conformance {
    ($implementation:ident: $factory:ty) => {
        conformance! { $implementation: $factory =>
            posting::a_batch_is_posted_once,
            posting::what_contradicts_leaves_nothing_behind,
            posting::an_entry_says_everything_about_its_hold,
            posting::a_limit_changes_and_nothing_else,
            posting::an_overrun_is_booked_in_full,
            windows::a_straddling_cost_goes_to_the_window_it_settles_in,
            windows::a_rolling_window_forgets_whole_buckets,
            windows::what_settles_late_in_time_is_not_charged_to_a_rolling_window_again,
            corrections::a_raise_goes_where_the_cost_was_and_counts_as_an_overrun,
            corrections::a_refund_goes_back_to_where_the_cost_was,
            corrections::a_refund_after_the_bucket_has_gone_changes_no_rolling_window,
            corrections::a_void_that_was_billed_after_all,
            corrections::a_correction_has_to_know_what_is_booked,
            lookups::by_name_generation_hold_and_time,
            lookups::open_windows_only,
            lookups::a_reader_that_holds_still,
            sums::key_totals_are_exact,
            sums::reports_by_day_key_model_and_budget,
            beside::decisions_are_kept_up_to_a_limit,
            beside::savings_add_up,
            beside::the_honesty_register_adds_up_and_is_cleared,
            beside::the_last_hundred_control_points,
            beside::actions_and_the_clock,
            beside::restored_until_accepted,
            crashes::reopened_between_any_two_batches,
            crashes::batches_may_be_cut_anywhere,
            crashes::a_store_over_these_books_loses_nothing,
            crashes::a_store_recovers_any_history,
            histories::random_histories_are_what_they_add_up_to,
        }
    };
    ($implementation:ident: $factory:ty => $($module:ident::$case:ident,)+) => {
        mod $implementation {
            use super::Factory as _;

            $(
                #[test]
                fn $case() {
                    super::$module::$case(&<$factory>::new());
                }
            )+
        }
    };
}

conformance!(memory: super::InMemory);
conformance!(sqlite: super::OnSqlite);
