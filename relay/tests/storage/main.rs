//! One suite for every storage (9.6): tests generic over the trait, run on a real encrypted SQLite file.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    unreachable_pub,
    reason = "tests"
)]

mod checkpoints;
mod commits;
mod devices;
mod external;
mod incarnations;
mod key_packages;
mod leaving;
mod log;
mod mandatory;
mod messages;
mod published;
mod push;
mod quotas;
mod receipts;
mod replay;
mod retention;
mod shape;
mod silence;
mod sqlite;
mod suites;
mod sync;
mod turns;
mod world;

use std::sync::Arc;

use curo_relay::storage::{SqliteOptions, SqliteStorage};
use curo_sqlite::CipherKey;
use tempfile::TempDir;

use crate::world::World;

/// A fresh SQLite storage in its own folder, which goes with it.
async fn sqlite_world() -> (World, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let key = CipherKey::generate().unwrap();
    let path = folder.path().join("relay.db");
    let options = SqliteOptions {
        readers: 2,
        cache_kib: 2048,
    };
    let storage = SqliteStorage::open(&path, &key, options).await.unwrap();
    (World::new(Arc::new(storage)), folder)
}

macro_rules! on_sqlite {
    ($($module:ident: $($test:ident),+ $(,)?;)+) => {
        mod on_sqlite {
            $(mod $module {
                $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    let (world, _folder) = crate::sqlite_world().await;
                    crate::$module::$test(&world).await;
                    world.storage.close().await;
                })+
            })+
        }
    };
}

on_sqlite! {
    devices:
        tenants_keep_their_first_keys,
        a_subject_is_one_user_for_ever_and_another_in_another_tenant,
        p2_2_envelopes_are_numbered_and_served_verbatim,
        p2_2_the_same_registration_again_gets_the_same_answer,
        p2_2_taken_ids_and_keys_are_refused,
        p2_2_a_revocation_needs_the_last_envelope_and_is_for_good,
        p4_the_cap_on_devices_holds_with_eviction_in_the_same_call,
        a_change_is_all_or_nothing,
        tenants_do_not_see_each_other,
        devices_are_seen_forward_only,
        additions_of_a_user_are_limited_by_the_day,
        p2_2_a_later_device_needs_an_approval,
        p2_2_a_refused_device_stays_out_and_asking_is_limited;
    key_packages:
        stock_counts_what_can_be_claimed,
        one_that_was_there_is_not_added_again_claimed_or_not,
        uploads_over_the_limit_or_with_a_wrong_key_store_nothing,
        claims_take_the_oldest_then_the_last_resort,
        p9_5_a_claim_again_reads_the_same,
        claims_bring_every_active_device_but_the_caller,
        p2_8_stale_key_packages_are_not_given_out,
        concurrent_claims_never_share_a_one_time_key_package,
        claims_are_limited_by_the_hour,
        a_refused_claim_takes_nothing,
        sweeping_forgets_claims_and_keeps_what_can_be_claimed,
        stale_key_packages_are_no_stock_and_are_swept,
        p7_1_a_stock_is_replaced_but_for_what_was_claimed,
        a_replaced_last_resort_is_kept_only_for_claims_that_name_it;
    checkpoints:
        p9_2_between_checkpoints_the_log_has_what_is_missing;
    silence:
        p6_3_a_silent_leaf_goes_and_its_user_comes_back,
        p6_3_who_comes_back_in_time_stays,
        p6_3_nobody_calls_a_device_silent_that_is_not,
        p6_3_a_dormant_user_who_is_let_go_stays_out,
        p6_3_a_user_stays_by_silence_alone,
        p6_3_who_must_be_in_every_conversation_keeps_their_leaves,
        p6_3_nobody_was_silent_while_the_relay_was_away,
        p6_3_p6_4_a_new_device_of_a_dormant_user_is_told_where_to_come_in,
        p6_3_one_that_was_revoked_is_not_silent,
        p6_3_no_more_wait_than_a_commit_can_name;
    suites:
        p2_1_a_rotation_adds_a_key_and_its_suite_has_its_own_stock,
        p2_1_a_claim_takes_the_best_suite_that_everybody_has;
    commits:
        p3_7_a_conversation_is_created_once,
        p3_7_of_fifty_creators_one_wins,
        p3_1_a_commit_again_gets_the_first_result,
        p3_1_the_intent_comes_before_every_other_check,
        p3_1_refusals_are_not_remembered,
        p3_4_of_fifty_commits_on_an_epoch_one_wins,
        p3_4_a_loser_is_told_the_winner_and_what_it_missed,
        p3_4_p9_2_a_commit_is_checked_against_the_state_of_its_epoch,
        p3_4_leaves_are_added_and_removed_once,
        p3_4_strangers_and_removed_devices_are_told_apart_from_members_only,
        p3_8_trees_are_kept_while_a_welcome_needs_them;
    published:
        p3_6_a_device_that_changed_after_the_version_is_refused,
        p3_6_leaves_bear_the_directorys_key,
        p3_6_the_current_version_is_stamped;
    external:
        p3_5_an_external_commit_replaces_the_callers_leaf,
        p3_5_an_external_commit_adds_a_device_of_a_member,
        p3_5_an_external_commit_does_nothing_else,
        p3_5_who_is_no_member_is_told_so,
        p3_1_an_external_commit_keeps_the_order_of_checks;
    incarnations:
        p3_9_enough_reports_end_an_incarnation,
        p3_9_a_report_is_of_a_commit_that_the_member_should_have_applied,
        p3_9_one_report_is_enough_between_two,
        p3_7_the_next_incarnation_is_opened_once_and_by_members,
        p3_7_who_is_left_out_is_told,
        p6_3_a_commit_that_does_not_stand_lets_nobody_go,
        p3_7_nobody_comes_in_with_the_next_incarnation,
        p3_7_what_does_not_stand_brings_nobody_in_or_out,
        p3_7_sync_tells_incarnations_apart,
        p7_2_a_proven_loss_opens_the_next_incarnation,
        p7_2_a_lost_conversation_goes_on;
    turns:
        p3_10_the_third_loss_brings_the_turn,
        p3_10_a_turn_ends_and_is_not_given_again_soon,
        p3_10_a_duty_is_one_members_for_thirty_seconds;
    leaving:
        p6_1_nothing_is_accepted_until_those_who_left_are_removed,
        p6_2_one_that_left_gets_nothing_more,
        p6_1_the_same_request_again_gets_the_same_answer,
        p6_1_a_revoked_device_must_be_removed_first,
        p6_6_the_last_one_closes,
        p3_1_the_intent_of_a_sender_that_left_is_still_known,
        p6_4_a_new_device_is_announced_once_with_its_first_key_packages,
        p6_1_leaving_and_removal_by_others_race_harmlessly;
    messages:
        p3_2_sequence_numbers_are_contiguous_and_hashes_chain,
        p3_2_p9_3_concurrent_messages_get_contiguous_numbers,
        p3_3_a_message_of_an_ended_epoch_brings_what_was_missed,
        p3_3_counters_have_no_gaps,
        p3_3_the_group_must_be_the_incarnations,
        p4_1_a_batch_is_accepted_as_a_prefix,
        p3_1_messages_again_get_the_first_result,
        p7_2_a_cursor_of_another_log_is_store_changed,
        a_revoked_device_posts_nothing,
        numbers_beyond_every_column_are_refusals;
    quotas:
        a_tenant_has_no_more_than_it_may,
        messages_are_refused_where_there_is_no_room_and_commits_are_not;
    mandatory:
        p3_4_a_conversation_begins_with_the_mandatory_members,
        p3_4_nobody_removes_a_mandatory_member,
        p3_4_nobody_new_comes_in_before_a_mandatory_member;
    log:
        p5_3_pages_are_contiguous_and_cut_at_their_limits,
        p6_2_a_removed_device_is_served_up_to_its_removal,
        p6_2_a_device_that_is_added_again_sees_both_spans,
        a_new_member_sees_nothing_from_before,
        p4_2_an_epoch_without_winner_is_open,
        strangers_read_nothing;
    push:
        a_device_has_one_registration_and_a_revoked_one_none;
replay:
        p7_2_lost_entries_are_appended_once_and_members_with_them,
        p7_2_p6_3_dormant_members_are_members_again,
        p7_2_what_does_not_follow_is_refused_as_a_whole,
        p7_2_a_lost_conversation_begins_anew_with_its_creator_alone;
        receipts:
        p8_3_a_slot_is_overwritten_and_served_once,
        p8_3_slots_come_no_faster_than_allowed,
        p8_3_only_members_have_slots,
        p8_3_who_joins_later_is_not_served_older_slots,
        p8_3_many_slots_cut_the_answer,
        p8_3_large_conversations_are_not_woken;
    retention:
        p5_8_old_bodies_go_and_the_skeleton_stays,
        p5_8_what_the_state_of_a_group_is_made_from_is_kept,
        p5_8_a_batch_is_bounded_and_goes_on_where_it_ended,
        p5_8_many_conversations_and_one_that_falls_silent,
        p5_8_a_removed_device_and_another_tenant,
        p5_8_messages_are_accepted_while_bodies_are_dropped;
    sync:
        p5_1_one_answer_brings_what_is_new_everywhere,
        p5_1_an_answer_is_cut_and_continued_without_gap_or_repetition,
        p5_1_large_bodies_cut_the_answer,
        p5_1_the_token_never_passes_an_inbox_item_that_was_not_brought,
        p5_1_a_reader_beside_writers_sees_each_entry_once,
        p5_2_the_newest_token_moves_with_every_change,
        p5_7_the_inbox_is_a_log_until_acknowledged,
        p5_7_every_added_device_gets_the_welcome,
        p7_2_tokens_and_acknowledgements_of_another_store_are_refused,
        p7_2_the_token_now_leaves_out_entries_and_nothing_else,
        p8_2_cursors_move_forward_and_wake_small_conversations,
        p8_2_cursors_are_reported_by_members_only,
        a_revoked_device_gets_nothing;
}
