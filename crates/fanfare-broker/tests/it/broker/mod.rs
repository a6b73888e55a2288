//! Facts about a broker, told on each storage.

pub(crate) mod facts;
mod failing;
mod in_memory;
mod limits;
mod restarts;
pub(crate) mod rig;
mod snapshots;
mod space;
mod syncing;

macro_rules! tell {
    ($($fact:ident,)*) => {
        mod memory {
            $(
                #[tokio::test(start_paused = true)]
                async fn $fact() {
                    super::facts::$fact(fanfare_broker::Broker::memory(super::rig::options()).unwrap()).await;
                }
            )*
        }

        mod file {
            $(
                #[tokio::test]
                async fn $fact() {
                    let folder = tempfile::tempdir().unwrap();
                    let options = super::rig::options().segment_bytes(1 << 20).reserve_bytes(1 << 20);
                    super::facts::$fact(fanfare_broker::Broker::open(folder.path(), options).await.unwrap()).await;
                }
            )*
        }
    };
}

tell! {
    an_event_gets_a_position_an_offset_and_a_revision,
    a_repeat_gets_the_first_receipt,
    an_idempotency_key_with_another_payload_is_a_conflict,
    an_expected_revision_that_is_not_the_newest_is_a_conflict,
    an_atomic_batch_is_published_whole_or_not_at_all,
    a_delayed_event_comes_when_it_is_due,
    a_group_gets_what_it_has_not_settled,
    a_group_passes_over_what_is_not_its_own,
    a_retry_keeps_the_lease_and_raises_the_attempt,
    an_old_token_is_stale,
    of_two_acknowledgements_in_one_call_the_second_is_stale,
    what_a_dropped_consumer_held_goes_to_the_next_and_does_not_count,
    a_second_consumer_stands_by,
    a_dead_letter_can_be_redriven,
    a_held_key_is_passed_over_until_it_is_resumed,
    a_parked_key_goes_on_when_its_dead_letter_is_redriven,
    outputs_are_published_with_the_acknowledgement,
    a_tail_joins_history_to_what_comes,
    a_key_is_read_in_both_directions,
    a_cursor_of_another_epoch_is_refused_by_name,
    a_new_group_beside_an_orphan_is_refused_until_something_is_said,
    a_group_is_either_renamed_or_deleted,
    dead_letters_come_in_pages,
    a_wider_filter_begins_at_the_cursor,
    what_is_too_large_is_refused_and_the_rest_of_its_batch_is_published,
    after_draining_every_call_is_refused,
}
