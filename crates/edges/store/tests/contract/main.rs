//! What every backend promises, written once and run against each.
//!
//! A second backend adds a fixture below and its name to `contract_for!`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod audit;
mod feed;
mod records;
mod resources;
mod support;
mod transactions;
mod upkeep;

/// Makes one test of each listed promise. A promise that is not listed is dead code, and so an error.
macro_rules! contract {
    ($backend:ident: $($area:ident: $($promise:ident)+;)+) => {
        mod $backend { $($(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $promise() {
                crate::$area::$promise(crate::support::$backend()).await;
            }
        )+)+ }
    };
}

macro_rules! contract_for {
    ($($backend:ident),+) => { $(
        contract! { $backend:
            resources:
                a_put_is_read_back_by_its_key
                a_put_replaces_what_had_its_key
                a_put_can_move_a_resource_to_another_parent
                a_deleted_resource_is_absent
                one_key_in_two_accounts_or_kinds_is_two_resources
                pages_follow_each_other_by_key
                a_page_begins_after_its_key_even_if_that_is_gone
                children_are_those_of_one_parent
                keys_are_ordered_byte_by_byte
                all_visits_every_account
                owned_visits_what_has_a_parent
                counting_stops_at_its_limit
                put_if_absent_leaves_what_is_there
                secrets_read_back;
            transactions:
                a_refused_closure_changes_nothing
                a_refused_closure_undoes_nobody_elses_work
                a_closure_sees_its_own_changes
                a_panic_is_undone_and_goes_on_at_the_caller
                a_write_whose_caller_left_before_its_turn_is_not_begun
                concurrent_increments_are_all_counted
                a_read_sees_one_state_throughout
                a_read_sees_every_write_that_was_answered
                a_panicking_read_spoils_nothing
                a_read_that_takes_long_holds_up_no_other
                a_transaction_that_reads_only_announces_nothing;
            feed:
                each_change_takes_the_next_revision
                an_observer_hears_before_the_writer
                what_was_refused_is_not_announced
                a_projection_misses_nothing_and_hears_nothing_twice
                two_threads_visit_every_row_of_a_snapshot_from_both_ends
                what_one_of_two_threads_meets_is_told
                the_feed_tells_what_came_after_a_revision
                the_feed_says_when_it_was_trimmed;
            records:
                a_record_is_found_by_every_name_it_has
                the_newest_record_of_a_call_id_is_found
                records_are_listed_newest_start_first
                pages_of_records_survive_appending
                filters_combine
                a_record_appended_twice_is_kept_once
                the_count_limit_trims_the_oldest
                the_age_limit_trims_what_is_too_old;
            audit:
                a_record_is_read_back_newest_first
                what_is_written_with_a_change_is_kept_or_undone_with_it
                audit_filters_combine
                strangers_displace_nobody
                the_audit_keeps_its_count_and_its_age
                a_page_of_the_audit_looks_at_a_bounded_number_of_records;
            upkeep:
                a_closed_store_refuses_and_a_reopened_one_has_everything
                what_is_queued_at_closing_is_still_done
                rotation_seals_everything_anew_and_announces_nothing
                a_rotation_that_was_cut_short_is_finished
                a_backup_is_consistent_while_writing_goes_on
                a_backup_never_overwrites;
        }
    )+ };
}

contract_for!(sqlite);
