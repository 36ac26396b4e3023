//! Bars: traffic over time and packets by length.
use super::{Cell, Column, Style, count, dim, number, plain, rate, share, size, text};
use crate::{
    record::{Record, StatisticsInterval},
    report::{Options, TimeStyle, units, width::width},
};

/// Eighths of a column, from one to all of them.
const EIGHTHS: [char; 8] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];
/// Columns of a bar at most, and at least where there is one.
const BAR: (usize, usize) = (40, 10);
/// Silent intervals in a row that are drawn; more are summed up.
const DRAWN_SILENCE: i64 = 3;
/// Headings of the lines that were asked for; what each is stands beside the title.
const LINES: [&str; 8] = ["line 1", "line 2", "line 3", "line 4", "line 5", "line 6", "line 7", "line 8"];
/// What goes wrong in TCP, under the name that everybody reads.
const TROUBLE: &str = "tcp.analysis.flags";

/// A bar as long as `value` is of `most`, of at most `columns` columns. What is there is seen.
fn bar(value: u64, most: u64, columns: usize) -> String {
    let eighths = (u128::from(value) * columns as u128 * 8).div_ceil(u128::from(most.max(1)));
    let eighths = usize::try_from(eighths).unwrap_or(0).min(columns * 8);
    let mut text = "█".repeat(eighths / 8);
    text.extend((eighths % 8).checked_sub(1).and_then(|part| EIGHTHS.get(part)));
    text
}

/// Columns left for a bar behind `rows`, two blanks between all.
fn room(columns: &[Column], rows: &[Vec<Cell>], options: &Options) -> usize {
    let widest = |place: usize, column: &Column| {
        let cells = rows.iter().filter_map(|row| row.get(place)).map(|cell| width(&cell.text));
        cells.max().unwrap_or(0).max(width(column.title)) + 2
    };
    let used: usize = columns.iter().enumerate().map(|(place, column)| widest(place, column)).sum();
    let (most, least) = BAR;
    options.columns().min(crate::report::DEFAULT_WIDTH).saturating_sub(used + 2).clamp(least, most)
}

/// The chart of traffic over time: its columns, its rows, and what they mean.
pub fn over_time(records: &[Record], options: &Options) -> (Vec<Column>, Vec<Vec<Cell>>, String) {
    let intervals: Vec<&StatisticsInterval> = records
        .iter()
        .filter_map(|record| match record {
            Record::StatisticsInterval(interval) => Some(&**interval),
            _ => None,
        })
        .collect();
    let Some(first) = intervals.first() else { return (Vec::new(), Vec::new(), String::new()) };
    let is_usual = first.lines.iter().map(|line| line.filter.as_str()).eq([TROUBLE]);
    let headings = if is_usual { ["TCP trouble"].iter() } else { LINES.iter() };
    let mut columns = vec![number("start", 0), number("packets", 1), number("bytes", 2), number("rate", 0)];
    columns.extend(headings.take(first.lines.len()).map(|title| number(title, 1)));
    let mut rows: Vec<(u64, Vec<Cell>)> = Vec::new();
    let mut previous: Option<i64> = None;
    for interval in &intervals {
        let length = interval.interval_ns.max(1);
        if let Some(end) = previous {
            silence(end, interval, options, columns.len(), &mut rows);
        }
        previous = Some(interval.start_ns.saturating_add(length));
        let mut row = vec![
            plain(moment(interval, interval.start_ns, options.time)),
            count(interval.packets),
            size(interval.bytes),
            rate(Some(interval.bits_per_second)),
        ];
        row.extend(interval.lines.iter().map(|line| match line.packets {
            packets if packets > 0 && is_usual => Cell { text: units::count(packets), style: Style::Yellow },
            packets => count(packets),
        }));
        rows.push((interval.bytes, row));
    }
    let most = rows.iter().map(|(bytes, _)| *bytes).max().unwrap_or(0);
    let cells: Vec<Vec<Cell>> = rows.iter().map(|(_, row)| row.clone()).collect();
    let bar_columns = room(&columns, &cells, options);
    columns.push(text("bytes over time", 3, 0));
    let rows = rows.into_iter().map(|(bytes, mut row)| {
        row.push(plain(bar(bytes, most, bar_columns)));
        row
    });
    let mut order = format!("every {}", units::duration(first.interval_ns));
    if !is_usual {
        for (name, line) in LINES.iter().zip(&first.lines) {
            order.push_str(&format!(" · {name}: {}", crate::report::escape::escape(&line.filter)));
        }
    }
    (columns, rows.collect(), order)
}

/// What lies between `end` and the next interval.
fn silence(end: i64, next: &StatisticsInterval, options: &Options, columns: usize, rows: &mut Vec<(u64, Vec<Cell>)>) {
    let length = next.interval_ns.max(1);
    let missing = next.start_ns.saturating_sub(end) / length;
    let empty = |start: String| {
        let mut row = vec![dim(start)];
        row.resize(columns, dim("–".to_owned()));
        (0, row)
    };
    if missing > DRAWN_SILENCE {
        let mut row = empty("⋮".to_owned());
        if let Some(cell) = row.1.get_mut(3) {
            *cell = dim(format!("{} silent", units::duration(missing.saturating_mul(length))));
        }
        rows.push(row);
        return;
    }
    for place in 0..missing.max(0) {
        let start = end.saturating_add(place.saturating_mul(length));
        let (_, mut row) = empty(moment(next, start, options.time));
        row.iter_mut().skip(1).for_each(|cell| *cell = dim("0".to_owned()));
        rows.push((0, row));
    }
}

/// The beginning of an interval, `start` nanoseconds after the first packet.
fn moment(interval: &StatisticsInterval, start: i64, style: TimeStyle) -> String {
    let at = interval.start_ts.plus(start.saturating_sub(interval.start_ns));
    let utc = chrono::DateTime::from_timestamp_nanos(at.nanoseconds());
    let clock = |at: chrono::DateTime<chrono::FixedOffset>| match interval.interval_ns {
        ..1_000_000_000 => at.format("%H:%M:%S%.3f").to_string(),
        _ => at.format("%Y-%m-%d %H:%M:%S").to_string(),
    };
    match style {
        TimeStyle::Relative | TimeStyle::Delta => seconds(start, interval.interval_ns),
        TimeStyle::Utc => clock(utc.fixed_offset()),
        TimeStyle::Local => clock(utc.with_timezone(&chrono::Local).fixed_offset()),
        TimeStyle::Epoch => seconds(at.nanoseconds(), interval.interval_ns),
    }
}

/// `nanoseconds` as seconds with as many decimals as multiples of `interval` need, three at least where it needs any.
fn seconds(nanoseconds: i64, interval: i64) -> String {
    let sign = if nanoseconds < 0 { "-" } else { "" };
    let (whole, rest) = (nanoseconds.unsigned_abs() / 1_000_000_000, nanoseconds.unsigned_abs() % 1_000_000_000);
    let needs = (1..=9).find(|decimals| interval % 10_i64.pow(9 - decimals) == 0).unwrap_or(9);
    match interval % 1_000_000_000 {
        0 => format!("{sign}{whole} s"),
        _ => {
            let digits = format!("{rest:09}");
            format!("{sign}{whole}.{} s", digits.get(..needs as usize).unwrap_or_default())
        }
    }
}

/// Packets by length, with bars.
pub fn lengths(records: &[Record], options: &Options) -> Vec<Vec<Cell>> {
    let most = |record: &Record| match record {
        Record::StatisticsLength(range) => range.packets,
        _ => 0,
    };
    let most = records.iter().map(most).max().unwrap_or(0);
    let row = |record: &Record| {
        let Record::StatisticsLength(range) = record else { return None };
        let ends = match range.to {
            Some(to) => format!("{}–{to}", range.from),
            None => format!("{} and more", range.from),
        };
        let extreme =
            |length: Option<u32>| length.map_or_else(|| dim("–".to_owned()), |length| plain(length.to_string()));
        let cells = vec![
            plain(ends),
            count(range.packets),
            share(range.packets_percent),
            size(range.bytes),
            extreme(range.min),
            extreme(range.max),
        ];
        Some((range.packets, cells))
    };
    let rows: Vec<(u64, Vec<Cell>)> = records.iter().filter_map(row).collect();
    let cells: Vec<Vec<Cell>> = rows.iter().map(|(_, row)| row.clone()).collect();
    let columns = room(super::rows::LENGTH.get(..6).unwrap_or_default(), &cells, options);
    let rows = rows.into_iter().map(|(packets, mut row)| {
        row.push(plain(bar(packets, most, columns)));
        row
    });
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_long_as_what_they_show() {
        assert_eq!(bar(0, 100, 10), "");
        assert_eq!(bar(1, 1_000_000, 10), "▏", "what is there is seen");
        assert_eq!(bar(50, 100, 10), "█████");
        assert_eq!(bar(55, 100, 10), "█████▌");
        assert_eq!(bar(100, 100, 10), "██████████");
        assert_eq!(bar(5, 0, 10), "██████████", "never wider than its room");
    }

    #[test]
    fn seconds_have_the_decimals_that_intervals_need() {
        assert_eq!(seconds(12_000_000_000, 1_000_000_000), "12 s");
        assert_eq!(seconds(1_200_000_000, 100_000_000), "1.2 s");
        assert_eq!(seconds(1_250_000_000, 50_000_000), "1.25 s");
        assert_eq!(seconds(-200_000, 100_000), "-0.0002 s");
        assert_eq!(seconds(3, 1), "0.000000003 s");
    }
}
