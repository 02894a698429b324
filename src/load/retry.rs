//! How long to wait before a request is sent again.

use std::time::Duration;

use crate::pipeline::LoadSettings;
use crate::target::Wait;

/// Decides on the next try. `random` is 0 to 1; `tries` counts requests already sent for this
/// phase of the conversation, `crowded` how many of them do not count against the object. `None`: no
/// more tries.
///
/// Growing waits double from `backoff_start` up to `backoff_max` and are drawn between half and
/// the whole of that, so that many workers do not come back at once.
pub(crate) fn next_wait(
    settings: &LoadSettings,
    wait: Wait,
    tries: u32,
    crowded: u32,
    random: f64,
) -> Option<Duration> {
    let most = if wait == Wait::Once {
        2
    } else {
        settings.max_attempts
    };
    if tries.saturating_sub(crowded) >= most {
        return None;
    }
    let doubled = settings
        .backoff_start
        .saturating_mul(
            1u32.checked_shl(tries.min(settings.max_attempts).saturating_sub(1))
                .unwrap_or(u32::MAX),
        )
        .min(settings.backoff_max);
    let growing = doubled.mul_f64(0.5 + 0.5 * random.clamp(0.0, 1.0));
    Some(match wait {
        Wait::Once => Duration::ZERO,
        Wait::Backoff | Wait::SlowDown(None) => growing,
        // A little more than asked, so that the workers that were told the same spread out.
        Wait::SlowDown(Some(asked)) => {
            asked.min(settings.retry_after_max) + settings.backoff_start.mul_f64(random)
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::load::tests::settings;

    proptest! {
        #[test]
        fn waits_stay_between_their_bounds(tries in 1u32..200, random in 0f64..1.0) {
            let s = LoadSettings { max_attempts: 1000, ..settings() };
            let wait = next_wait(&s, Wait::Backoff, tries, 0, random).unwrap();
            prop_assert!(wait >= s.backoff_start.mul_f64(0.5).min(s.backoff_max.mul_f64(0.5)));
            prop_assert!(wait <= s.backoff_max);
        }
    }

    #[test]
    fn tries_run_out() {
        let s = LoadSettings {
            max_attempts: 3,
            ..settings()
        };
        assert!(next_wait(&s, Wait::Backoff, 2, 0, 0.0).is_some());
        assert!(next_wait(&s, Wait::Backoff, 3, 0, 0.0).is_none());
        assert!(next_wait(&s, Wait::Backoff, 3, 1, 0.0).is_some());
        assert_eq!(next_wait(&s, Wait::Once, 1, 0, 0.5), Some(Duration::ZERO));
        assert!(next_wait(&s, Wait::Once, 2, 0, 0.5).is_none());
    }

    #[test]
    fn the_servers_word_counts_up_to_a_limit() {
        let s = settings();
        let asked = |secs| Wait::SlowDown(Some(Duration::from_secs(secs)));
        assert_eq!(
            next_wait(&s, asked(7), 1, 0, 0.0),
            Some(Duration::from_secs(7))
        );
        assert_eq!(
            next_wait(&s, asked(9999), 1, 0, 0.0),
            Some(s.retry_after_max)
        );
    }
}
