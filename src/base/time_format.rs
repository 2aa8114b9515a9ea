//! How a time is written as a decimal number.
//!
//! This file hides the rounding. It uses whole numbers: std's code for printing floating point would
//! make the smallest build one percent larger.

use std::time::Duration;

/// `time` in `unit`s, rounded to so many digits behind the point. The last of them must stand for a
/// nanosecond or more.
pub(crate) fn in_units(time: Duration, unit: Duration, digits: u32) -> String {
    let parts = 10u128.pow(digits);
    let last_digit = (unit.as_nanos() / parts).max(1);
    let rounded = (time.as_nanos() + last_digit / 2) / last_digit;
    match digits {
        0 => rounded.to_string(),
        _ => {
            let (whole, behind, width) = (rounded / parts, rounded % parts, digits as usize);
            format!("{whole}.{behind:0width$}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_rounded_to_the_nearest() {
        let milliseconds = |nanoseconds, digits| {
            let time = Duration::from_nanos(nanoseconds);
            in_units(time, Duration::from_millis(1), digits)
        };
        assert_eq!(milliseconds(0, 1), "0.0");
        assert_eq!(milliseconds(49_999, 1), "0.0");
        assert_eq!(milliseconds(50_000, 1), "0.1");
        assert_eq!(milliseconds(9_949_999, 1), "9.9");
        assert_eq!(milliseconds(999_950_000, 1), "1000.0");
        assert_eq!(milliseconds(12_345_678, 3), "12.346");
        assert_eq!(milliseconds(12_005_000, 3), "12.005");
        assert_eq!(milliseconds(499_999, 0), "0");
        assert_eq!(milliseconds(500_000, 0), "1");
        let minutes = |seconds| in_units(Duration::from_secs(seconds), Duration::from_secs(60), 0);
        assert_eq!(
            (minutes(149), minutes(150)),
            ("2".to_owned(), "3".to_owned())
        );
    }

    #[test]
    fn the_longest_time_can_be_written() {
        let longest = in_units(Duration::MAX, Duration::from_secs(1), 1);
        assert_eq!(longest, "18446744073709551616.0");
    }
}
