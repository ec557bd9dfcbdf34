//! Cron schedules, as far as a promise such as "daily" needs them: the longest gap between two runs.

const DAYS: usize = 366 + 28;

/// The longest gap in minutes between two runs of a five-field cron expression, over more than a year.
///
/// `@daily` and its sisters and `@every 6h` are read as Velero reads them. `None` where it is no schedule, or one that
/// never runs twice.
#[must_use]
pub(crate) fn longest_gap_minutes(expression: &str) -> Option<i64> {
    let expression = expression.trim();
    if let Some(every) = expression.strip_prefix("@every ") {
        #[expect(clippy::cast_possible_truncation, reason = "a gap in minutes is far below 2^52")]
        return crate::functions::parse_hours(every).map(|hours| (hours * 60.0) as i64);
    }
    // A time zone moves every run alike, except twice a year by an hour.
    let expression = match expression.split_once(' ') {
        Some((zone, rest)) if zone.starts_with("TZ=") || zone.starts_with("CRON_TZ=") => rest.trim(),
        _ => expression,
    };
    let expression = match expression {
        "@hourly" => "0 * * * *",
        "@daily" | "@midnight" => "0 0 * * *",
        "@weekly" => "0 0 * * 0",
        "@monthly" => "0 0 1 * *",
        "@yearly" | "@annually" => "0 0 1 1 *",
        other => other,
    };
    let fields: Vec<&str> = expression.split_whitespace().collect();
    let [minute, hour, day, month, weekday] = fields.as_slice() else {
        return None;
    };
    let minutes = set(minute, 0, 59, &[])?;
    let hours = set(hour, 0, 23, &[])?;
    let days = set(day, 1, 31, &[])?;
    let months = set(month, 1, 12, &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"])?;
    let weekdays = set(weekday, 0, 7, &["sun", "mon", "tue", "wed", "thu", "fri", "sat"])?;
    let (any_day, any_weekday) = (day.starts_with('*'), weekday.starts_with('*'));
    let runs_on = |calendar: &Calendar| {
        let by_day = days[calendar.day];
        let by_weekday = weekdays[calendar.weekday] || (calendar.weekday == 0 && weekdays[7]);
        // Vixie's rule: where both are restricted, either will do.
        let day_matches = match (any_day, any_weekday) {
            (true, _) => by_weekday,
            (false, true) => by_day,
            (false, false) => by_day || by_weekday,
        };
        months[calendar.month] && day_matches
    };
    let times: Vec<i64> = (0..24_i64 * 60)
        .filter(|at| hours[usize::try_from(at / 60).unwrap_or(0)] && minutes[usize::try_from(at % 60).unwrap_or(0)])
        .collect();
    let (mut last, mut longest) = (None, None);
    for (index, _) in calendar().take(DAYS).enumerate().filter(|(_, calendar)| runs_on(calendar)) {
        let midnight = i64::try_from(index).ok()? * 24 * 60;
        for at in &times {
            let now = midnight + at;
            if let Some(last) = last {
                longest = longest.max(Some(now - last));
            }
            last = Some(now);
        }
    }
    longest
}

struct Calendar {
    day: usize,
    month: usize,
    weekday: usize,
}

// The days from 1 January 2024, a leap year that began on a Monday.
fn calendar() -> impl Iterator<Item = Calendar> {
    let lengths = |year: usize| [31, if year.is_multiple_of(4) { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    (2024..2026)
        .flat_map(move |year| {
            lengths(year).into_iter().enumerate().flat_map(|(month, length)| (1..=length).map(move |day| (month + 1, day)))
        })
        .enumerate()
        .map(|(index, (month, day))| Calendar { day, month, weekday: (index + 1) % 7 })
}

// A field as a set: `*`, `*/n`, `a`, `a-b`, `a-b/n`, lists of these, and names.
fn set(field: &str, low: usize, high: usize, names: &[&str]) -> Option<Vec<bool>> {
    let number = |text: &str| {
        let lower = text.to_ascii_lowercase();
        let named = names.iter().position(|name| *name == lower).map(|at| at + low);
        named.or_else(|| text.parse().ok()).filter(|value| (low..=high).contains(value))
    };
    let mut out = vec![false; high + 1];
    for part in field.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, step.parse().ok().filter(|step| *step > 0)?),
            None => (part, 1),
        };
        let (from, to) = match range.split_once('-') {
            Some((from, to)) => (number(from)?, number(to)?),
            None if range == "*" || range == "?" => (low, high),
            None => {
                let at = number(range)?;
                (at, if part.contains('/') { high } else { at })
            }
        };
        for value in (from..=to).step_by(step) {
            out[value] = true;
        }
    }
    out.iter().any(|set| *set).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::longest_gap_minutes as gap;

    #[test]
    fn gaps() {
        assert_eq!(gap("0 3 * * *"), Some(1440));
        assert_eq!(gap("0 */6 * * *"), Some(360));
        assert_eq!(gap("30 2 * * 1-5"), Some(3 * 1440));
        assert_eq!(gap("0 0 1 * *"), Some(31 * 1440));
        assert_eq!(gap("@every 90m"), Some(90));
        assert_eq!(gap("CRON_TZ=Europe/Berlin 0 3 * * sun"), Some(7 * 1440));
        assert_eq!(gap("0 0 13 * 5"), gap("0 0 13 * fri"));
    }

    #[test]
    fn what_is_no_schedule() {
        for text in ["", "daily", "0 3 * *", "61 * * * *", "* * 0 * *", "*/0 * * * *"] {
            assert_eq!(gap(text), None, "{text}");
        }
    }
}
