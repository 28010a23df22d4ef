//! What every back end must do, as stories against [`store::Store`] alone. A back end is one more line at
//! the end of this file; what only SQLite does is in `tests/sqlite.rs`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on fails.

mod authorization;
mod card;
mod channel;
mod downlink;
mod event;
mod fleet;
mod lease;
mod ledger;
mod load;
#[path = "../maker/mod.rs"]
mod maker;
mod merchant;
mod money;
mod operator;
mod order;
mod reckoning;
mod reversal;
mod secret;
mod sms;
mod tally;
mod tap;
mod test_mode;
mod webhook;
mod writing;

use std::any::Any;
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use cluster::Cluster;
use store::Store;
use store::postgres::layout::{Partitions, partition};
use store::postgres::{PATIENCE, Settings};

/// An empty store, and what must outlive it: a folder, a schema.
struct Fresh {
    store: Store,
    kept: Box<dyn Any>,
}

fn sqlite() -> Fresh {
    let folder = tempfile::tempdir().unwrap();
    let store = store::sqlite::open(&folder.path().join("counterfoil.db")).unwrap();
    Fresh { store, kept: Box::new(folder) }
}

fn settings(url: String) -> Settings {
    let writer = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos().to_be_bytes();
    Settings { url, password: None, tls: None, writer, patience: PATIENCE }
}

/// Made ready once, on a thread that drives no story, and copied for each story.
fn like(like: &OnceLock<String>, ready: fn(&Settings)) -> Fresh {
    let cluster = Cluster::shared();
    let like = like.get_or_init(|| {
        let database = cluster.fresh(None).unwrap();
        std::thread::spawn(move || ready(&settings(database.url))).join().unwrap();
        database.name
    });
    let database = cluster.fresh(Some(like)).unwrap();
    Fresh { store: store::postgres::open(&settings(database.url)).unwrap(), kept: Box::new(()) }
}

fn postgres() -> Fresh {
    static LIKE: OnceLock<String> = OnceLock::new();
    like(&LIKE, |settings| store::postgres::migrate(settings).unwrap())
}

/// With every table that has a key in hash partitions by it.
fn postgres_in_parts() -> Fresh {
    static LIKE: OnceLock<String> = OnceLock::new();
    like(&LIKE, |settings| {
        let laid = partition(settings, Partitions::new(3).unwrap()).unwrap();
        assert!(laid.tables.contains(&"orders") && laid.tables.contains(&"posting"), "{laid:?}");
    })
}

macro_rules! stories {
    ($back_end:ident: $($noun:ident { $($story:ident)* })*) => {
        mod $back_end {
            $(mod $noun {
                $(#[tokio::test]
                async fn $story() {
                    let crate::Fresh { store, kept } = crate::$back_end();
                    crate::$noun::$story(store).await;
                    drop(kept);
                })*
            })*
        }
    };
}

/// Every story there is, for one back end.
macro_rules! conformance {
    ($back_end:ident) => {
        stories! { $back_end:
            merchant {
                merchants_and_places_have_names
                a_place_of_a_name_is_made_once_a_merchant
                an_api_key_is_found_by_its_digest
                an_api_key_is_listed_with_its_uses_and_revoked_once
                a_first_answer_is_found_again
                first_answers_are_forgotten_by_age_and_by_portions
            }
            card {
                every_field_of_a_card_comes_back
                a_holder_is_renamed_and_finds_their_cards
                a_card_s_life_and_binding_are_kept
                a_channel_has_one_open_card
                a_card_number_is_unique
                what_a_card_s_frames_left_comes_back
                cards_are_listed_by_id_with_what_waits_for_them
            }
            order {
                every_field_of_an_order_comes_back
                every_state_and_reason_comes_back
                orders_are_listed_newest_first_below_a_cursor
                open_orders_wait_oldest_first_and_lapse_when_their_time_is_out
                today_counts_what_was_made_since
            }
            authorization {
                every_field_of_a_question_comes_back
                a_push_answers_nothing
                every_answer_comes_back
                a_question_is_found_by_what_the_card_sends
                one_b_is_used_once
                a_card_has_one_open_question
                an_order_settles_once
            }
            event {
                an_order_s_events_are_told_in_order_and_again_from_any_of_them
                the_newest_alarms_come_first
            }
            ledger {
                an_account_is_opened_once
                money_is_set_aside_then_moved_in_whole_or_in_part_or_freed
                a_transfer_is_made_once_and_ends_once
                a_balance_that_was_tampered_with_is_found
                sums_are_by_kind_and_currency_and_end_at_zero
            }
            tap {
                every_field_of_a_terminal_comes_back
                a_terminal_changes_in_everything_but_its_number_and_its_day
                a_terminal_s_keys_do_not_come_back
                terminals_are_listed_by_number_above_a_cursor
                a_working_key_s_mark_moves_and_its_end_comes_nearer
                a_working_key_is_given_once_and_to_a_terminal_that_is_there
                working_keys_are_forgotten_by_their_end_and_by_portions
                a_bank_card_is_kept_under_its_number
                every_field_of_a_wallet_card_comes_back
                a_wallet_card_changes_and_its_counter_only_rises
                wallet_cards_are_listed_by_serial_number_above_a_cursor
                an_authorization_is_used_by_one_load
                authorizations_are_forgotten_by_their_end_and_by_portions
                what_is_logged_names_nobody
            }
            load {
                every_field_of_a_load_comes_back
                a_card_s_counter_names_one_load_for_ever
                a_card_has_one_unfinished_load
                a_load_changes_until_it_has_ended_and_never_again
                loads_are_listed_newest_first_below_a_cursor
                what_a_card_was_loaded_with_leaves_out_what_was_given_back
                loads_are_counted_by_state
                attempts_are_listed_newest_first_and_numbered_once
            }
            reversal {
                every_field_of_a_reversal_comes_back
                one_reversal_of_a_load_waits_and_one_is_posted_for_ever
                reversals_are_listed_newest_first_below_a_cursor
                a_load_is_reversed_once_and_only_where_it_was_credited
            }
            sms {
                every_field_of_an_sms_code_comes_back
                an_sms_code_that_does_not_wait_stays_as_it_is
                a_card_s_newest_sms_code_is_found_and_its_codes_counted
                sms_codes_are_forgotten_by_their_end_and_by_portions
                sms_are_due_by_their_turn_the_longest_first
                an_sms_is_tried_again_later_until_it_is_forgotten
                an_sms_that_is_due_is_taken_by_one_of_those_who_saw_it
            }
            channel {
                every_field_of_a_channel_comes_back
                a_registration_says_whether_it_changed_anything
                a_group_of_a_name_is_made_once
                an_unknown_channel_is_made_known_once
                what_was_heard_leaves_where_a_channel_stands_unless_told
                a_device_of_a_network_names_one_channel
                a_channel_is_looked_at_when_it_is_due_the_longest_due_first
                channels_are_listed_by_id_above_a_cursor_and_between_two_ids
                a_page_looks_at_no_more_than_its_share_and_goes_on_though_it_is_empty
                channels_are_found_by_the_beginning_of_a_name
            }
            tally {
                thousands_of_random_changes_are_counted_and_listed_as_a_simple_model_says
            }
            downlink {
                every_field_of_a_downlink_comes_back
                a_downlink_changes_in_all_but_what_it_is_for
                a_channel_s_downlinks_are_listed_newest_first_below_a_cursor
                an_order_waits_in_one_downlink
                what_waits_goes_by_priority_then_by_age
                what_waits_here_or_with_a_network_is_listed_and_counted
                what_has_a_frame_and_an_address_is_handed_over_the_first_first
                what_waits_is_overdue_when_its_time_is_over
                a_network_s_name_is_of_the_newest_downlink_that_has_it
                downlinks_are_forgotten_by_their_making_and_by_portions_but_none_that_waits
            }
            fleet {
                every_field_of_a_frame_comes_back
                a_channel_s_frames_are_listed_newest_first_below_a_cursor
                frames_are_forgotten_by_age_by_number_and_by_portions
                forgetting_frames_looks_at_a_portion_and_no_further
                a_channel_has_one_open_alert_a_kind_which_is_cleared_once
                every_field_of_an_alert_comes_back_newest_first_below_a_cursor
                alerts_are_forgotten_by_their_end_and_by_portions_but_none_that_is_open
                how_far_an_import_has_come_is_kept_by_its_file
            }
            money {
                every_field_of_a_refund_comes_back_and_a_rest_is_refunded_once
                a_fee_rule_is_set_anew_and_taken_away
                a_payment_has_one_fee
                what_stands_beside_a_merchant_s_orders_is_read_for_a_page_of_them
                an_account_s_movements_are_listed_with_what_they_are_of
                a_day_is_closed_once_and_listed_newest_first
                a_payout_is_found_by_its_transfer
                a_bank_s_file_is_taken_once_and_a_transfer_is_one_entry_of_it
                a_difference_is_resolved_once
                an_adjustment_is_two_persons_and_changes_until_it_has_ended
            }
            operator {
                every_field_of_an_operator_comes_back
                an_operator_changes_in_all_but_the_name_and_is_never_deleted
                a_recovery_code_is_good_once
                a_session_is_found_by_its_digest_touched_and_ended_once
                sessions_are_forgotten_by_their_beginning_and_by_portions
                the_audit_chain_goes_on_by_one_and_stands
                a_refusal_leaves_no_entry
                two_hundred_who_append_at_once_make_one_chain
                a_holder_s_bank_cards_are_found
            }
            test_mode {
                a_test_clock_is_begun_once_and_never_goes_back
                every_field_of_a_test_card_comes_back_and_changes
                test_cards_are_counted_and_listed_by_id_and_forgotten
                a_merchant_is_known_under_the_id_that_it_has_elsewhere
                a_test_card_has_work_while_it_has_not_done_with_an_order
                test_orders_are_forgotten_by_age_and_by_portions_but_none_that_is_open_or_to_be_told
            }
            lease {
                every_field_of_a_lease_comes_back_and_its_name_has_one
                of_many_who_take_a_lease_at_once_each_sees_the_one_before
                every_field_of_a_node_comes_back_and_its_name_has_one_until_it_is_forgotten
                the_database_s_clock_goes_on_while_a_unit_of_work_runs
                orders_that_changed_are_found_behind_a_number
            }
            webhook {
                every_field_of_an_endpoint_comes_back
                a_merchant_s_endpoints_are_listed_newest_first_without_those_deleted
                an_endpoint_s_secrets_are_put_in_place_of_those_before
                an_event_goes_out_where_its_merchant_has_an_endpoint_that_is_enabled
                every_field_of_a_delivery_comes_back_in_every_state
                every_end_of_an_attempt_comes_back_the_newest_first
                what_is_due_is_found_endpoint_by_endpoint_however_much_waits_for_one
                deliveries_are_listed_newest_first_below_a_cursor_and_failed_ones_by_themselves
                messages_are_forgotten_by_age_and_by_portions_but_none_that_waits
            }
            secret {
                the_keys_of_secrets_are_kept_the_newest_first_and_each_once
                secrets_are_found_by_their_key_and_sealed_where_they_still_stand
                what_an_earlier_version_left_in_clear_is_found_and_sealed
                a_row_that_was_changed_past_the_program_is_read_as_such_and_hides_no_other
                what_the_disk_may_hold_is_kept_until_it_is_written_anew
            }
            reckoning {
                thousands_of_random_units_of_work_end_as_a_simple_model_says
                units_of_work_of_one_moment_are_kept_in_whatever_order_each_whole_or_not_at_all
            }
            writing {
                a_refusal_keeps_nothing_and_disturbs_nobody_in_its_batch
                in_a_batch_each_sees_what_those_before_it_changed
                of_a_batch_only_the_one_that_breaks_a_rule_is_refused
                one_row_asked_for_by_itself_is_the_newest_that_was_kept
                of_two_who_race_one_wins_and_the_other_sees_it
                two_thousand_at_once_are_all_answered_and_all_there
                a_reading_sees_one_moment
                what_is_not_committed_is_not_seen
                whoever_leaves_before_the_answer_is_served_all_the_same
                a_unit_of_work_that_panics_is_its_own_misfortune
            }
        }
    };
}

conformance!(sqlite);
conformance!(postgres);
conformance!(postgres_in_parts);
