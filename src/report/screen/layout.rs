//! The lines of the screen for a size: what matters most stays where there is little room. A pure function.
use unicode_segmentation::UnicodeSegmentation;

use super::{
    keeper::{Pane, View},
    keys::Look,
    panes::whole_seconds,
};
use crate::report::{
    summary::{Cell, Column, Style},
    table::{finish, fixed_row, fixed_widths, paint},
    units,
    width::{cut_end, width, wrap},
};

/// Lines from which panes are parted by an empty one.
const AIRY_LINES: usize = 24;
/// Columns from which the lower panes stand side by side.
const WIDE_COLUMNS: usize = 128;
/// Columns between panes side by side.
const GUTTER: usize = 2;
/// A column grows by at most so much where there is room.
const MAX_GROWTH: usize = 60;

const KEYS: [(&str, &str); 9] = [
    ("q, Ctrl-C", "end, and print the whole report"),
    ("p, space", "let the screen stand still, and go on; capturing goes on"),
    ("1 to 6", "one pane alone; the same again, or 0, for all"),
    ("tab", "the next pane alone"),
    ("↑ ↓ j k", "scroll the pane"),
    ("page up, page down, home, end", "the same, faster"),
    ("Ctrl-L", "draw anew"),
    ("Ctrl-Z", "stop, and give the terminal back; capturing stops too"),
    ("?", "these keys, and back"),
];

/// The lines of a screen of `columns` by `lines`, as many as it has, none wider than it is; marked, not coloured:
/// [`Frame`](super::Frame) does that. What of `look` reaches beyond the view is brought back.
#[must_use]
pub fn draw(view: &View, look: &mut Look, (columns, lines): (usize, usize)) -> Vec<String> {
    let mut page = Vec::new();
    let foot = (lines >= 4).then(|| foot(view, look, columns));
    let room = lines.saturating_sub(usize::from(foot.is_some()));
    head(view, look, (columns, room), &mut page);
    let left = room.saturating_sub(page.len());
    let body = if look.help {
        help(columns, left)
    } else if let Some(pane) = look.pane.and_then(|place| view.panes.get(place)).filter(|pane| !pane.title.is_empty()) {
        let place = look.pane.unwrap_or_default();
        alone(pane, place, &mut look.scrolled, (columns, left))
    } else if view.packets == 0 {
        nothing_yet(view, columns, left)
    } else {
        panes(view, (columns, left))
    };
    page.extend(body);
    page.truncate(room);
    page.resize(room, String::new());
    page.extend(foot);
    page.into_iter().map(|line| clip(&line, columns)).collect()
}

/// Parts one behind the other, as many as fit into a line; what does not fit is left out from the end.
fn joined(parts: &[Cell], between: &str, columns: usize) -> String {
    let (mut line, mut used) = (String::new(), 0);
    for part in parts {
        let before = if used == 0 { "" } else { between };
        if used > 0 && used + width(before) + width(&part.text) > columns {
            break;
        }
        let text = cut_end(&part.text, columns.saturating_sub(used + width(before)));
        used += width(before) + width(&text);
        line.push_str(before);
        line.push_str(&paint(part.style, &text));
    }
    line
}

/// A left and a right part; the right one goes where there is no room.
fn both_ends(left: &str, right: &Cell, columns: usize) -> String {
    let (used, wanted) = (width(&finish(left, false)), width(&right.text));
    if wanted == 0 || used + 2 + wanted > columns {
        return left.to_owned();
    }
    format!("{left}{}{}", " ".repeat(columns - used - wanted), paint(right.style, &right.text))
}

fn cell(text: impl Into<String>, style: Style) -> Cell {
    Cell { text: text.into(), style }
}

/// What is captured, how fast it comes, what each interface lost.
fn head(view: &View, look: &Look, (columns, lines): (usize, usize), page: &mut Vec<String>) {
    let state = match (look.paused, view.silent_ns) {
        (true, _) => cell("paused: capturing goes on", Style::Yellow),
        (false, Some(ns)) => cell(format!("nothing came for {}", whole_seconds(ns)), Style::Yellow),
        (false, None) => Cell::default(),
    };
    let mut title = vec![cell(view.interfaces.join(", "), Style::Bold)];
    // Short: what matters most comes first, and is cut last.
    if look.paused || lines < 3 {
        title.extend((!state.text.is_empty()).then(|| state.clone()));
    }
    title.extend(view.filters.iter().map(|filter| cell(filter.clone(), Style::Plain)));
    let lasted = cell(whole_seconds(view.lasted_ns), Style::Dim);
    let room = columns.saturating_sub(width(&lasted.text) + 2);
    page.push(both_ends(&joined(&title, " · ", if room < 20 { columns } else { room }), &lasted, columns));
    if lines < 3 {
        return;
    }
    let mut rates = Vec::new();
    if let Some((packets, bytes)) = view.rate {
        rates.push(cell(units::bits_per_second(bytes.saturating_mul(8)), Style::Bold));
        rates.push(cell(format!("{}/s", units::counted(packets, "packet")), Style::Bold));
    }
    if !look.paused && !state.text.is_empty() {
        rates.push(state);
    }
    rates.push(cell(units::counted(view.packets, "packet"), Style::Plain));
    rates.push(cell(units::bytes(view.wire_bytes), Style::Plain));
    let flows = format!("{} tcp, {} udp flows", units::count(view.open.tcp), units::count(view.open.udp));
    rates.push(cell(flows, Style::Plain));
    let line = joined(&rates, " · ", columns);
    let left = columns.saturating_sub(width(&finish(&line, false)) + 3);
    page.push(if left >= 10 {
        both_ends(&line, &cell(chart(&view.history, left.min(60)), Style::Dim), columns)
    } else {
        line
    });
    if lines >= 6 {
        for warning in &view.warnings {
            let most = if lines >= 20 { 3 } else { 1 };
            let text = wrap(&warning.text, columns);
            page.extend(text.iter().take(most).map(|line| paint(warning.style, line)));
        }
    }
    if lines >= 8 {
        interfaces(view, (columns, (lines / 6).max(1)), page);
    }
    if lines >= AIRY_LINES {
        page.push(String::new());
    }
}

/// The interfaces' counts: a line for each, or as many as there is room for in lines.
fn interfaces(view: &View, (columns, most): (usize, usize), page: &mut Vec<String>) {
    if view.counts.len() <= most {
        page.extend(view.counts.iter().map(|parts| joined(parts, " · ", columns)));
        return;
    }
    // Those that lost something first.
    let lost = |parts: &&Vec<Cell>| !parts.iter().any(|part| part.style == Style::Red);
    let mut counts: Vec<&Vec<Cell>> = view.counts.iter().collect();
    counts.sort_by_key(lost);
    page.extend(counts.iter().take(most - 1).map(|parts| joined(parts, " · ", columns)));
    let names: Vec<Cell> = counts.iter().skip(most - 1).filter_map(|parts| parts.first().cloned()).collect();
    page.push(joined(&names, ", ", columns));
}

/// Bytes of the last seconds as a row of bars.
fn chart(history: &[u64], columns: usize) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let shown = history.get(history.len().saturating_sub(columns)..).unwrap_or_default();
    let Some(most) = shown.iter().copied().max().filter(|most| *most > 0) else { return String::new() };
    let bar = |bytes: &u64| {
        let height = (u128::from(*bytes) * 8).div_ceil(u128::from(most));
        usize::try_from(height).ok().and_then(|height| BARS.get(height.checked_sub(1)?)).copied().unwrap_or(' ')
    };
    shown.iter().map(bar).collect()
}

/// The keys that matter, and where the rest is said.
fn foot(view: &View, look: &Look, columns: usize) -> String {
    let mut keys = vec![("q", "ends and reports"), ("p", if look.paused { "goes on" } else { "pauses" })];
    let panes = view.panes.iter().filter(|pane| !pane.title.is_empty()).count();
    if look.help {
        keys.push(("?", "back"));
    } else if look.pane.is_some() {
        keys.extend([("↑↓", "scroll"), ("tab", "next pane"), ("0", "all panes"), ("?", "keys")]);
    } else if panes > 0 {
        keys.extend([("1-6", "one pane"), ("?", "keys")]);
    }
    let keys: Vec<Cell> = keys.into_iter().map(|(key, what)| cell(format!("{key} {what}"), Style::Dim)).collect();
    joined(&keys, " · ", columns)
}

fn help(columns: usize, lines: usize) -> Vec<String> {
    let widest = KEYS.iter().map(|(keys, _)| width(keys)).max().unwrap_or(0);
    let mut page = vec![paint(Style::Bold, "Keys")];
    for (keys, what) in KEYS {
        let beside = widest + 4;
        if columns >= beside + 24 {
            let rest = cut_end(what, columns - beside);
            page.push(format!("  {}{}  {rest}", paint(Style::Bold, keys), " ".repeat(widest - width(keys))));
        } else {
            page.push(cut_end(&format!("{keys}: {what}"), columns));
        }
    }
    page.truncate(lines);
    page
}

/// What to say before the first packet.
fn nothing_yet(view: &View, columns: usize, lines: usize) -> Vec<String> {
    let mut texts = vec![(format!("Nothing has come yet on {}.", view.interfaces.join(", ")), Style::Bold)];
    for filter in &view.filters {
        texts.push((format!("Only what passes {filter} is shown."), Style::Plain));
    }
    texts.push((
        "`wireglass interfaces` lists what can be captured from; `-i any` captures from all of them.".to_owned(),
        Style::Dim,
    ));
    let wrapped = texts
        .iter()
        .flat_map(|(text, style)| wrap(text, columns).into_iter().map(|line| paint(*style, &line)).collect::<Vec<_>>());
    wrapped.take(lines).collect()
}

/// Panes that stand side by side, or one that stands alone.
struct Band<'v> {
    panes: Vec<(usize, &'v Pane)>,
    /// Lines it would like.
    wish: usize,
    /// Lines it has.
    lines: usize,
    rank: u8,
}

impl<'v> Band<'v> {
    fn new(panes: Vec<(usize, &'v Pane)>) -> Option<Self> {
        let wish = panes.iter().map(|(_, pane)| 1 + heading(pane) + pane.rows.len()).max()?;
        let rank = panes.iter().map(|(_, pane)| pane.rank).min()?;
        Some(Self { panes, wish, lines: 0, rank })
    }

    /// Lines below which it says nothing.
    fn least(&self) -> usize {
        self.wish.min(3)
    }
}

/// Lines for the columns' titles: none over no rows.
fn heading(pane: &Pane) -> usize {
    usize::from(!pane.rows.is_empty())
}

/// All panes that have something to show.
fn panes(view: &View, (columns, lines): (usize, usize)) -> Vec<String> {
    let shown = |place: usize| {
        let pane = view.panes.get(place)?;
        let something = !pane.rows.is_empty() || pane.stays;
        (!pane.title.is_empty() && something).then_some((place, pane))
    };
    let order: &[&[usize]] =
        if columns >= WIDE_COLUMNS { &[&[0], &[1], &[2, 3], &[4, 5]] } else { &[&[0], &[5], &[4], &[2], &[3], &[1]] };
    let band = |places: &&[usize]| Band::new(places.iter().filter_map(|place| shown(*place)).collect());
    let mut bands: Vec<Band<'_>> = order.iter().filter_map(band).collect();
    let gap = usize::from(lines >= AIRY_LINES);
    allot(&mut bands, lines, gap);
    let mut page = Vec::new();
    for band in &bands {
        if !page.is_empty() && gap > 0 {
            page.push(String::new());
        }
        let each = match band.panes.len() {
            0 | 1 => columns,
            several => (columns + GUTTER) / several - GUTTER,
        };
        let parts: Vec<Vec<String>> =
            band.panes.iter().map(|(place, pane)| pane_lines(pane, *place, 0, (each, band.lines))).collect();
        for line in 0..band.lines {
            let texts = parts.iter().map(|part| part.get(line).map_or("", String::as_str));
            let padded = texts.map(|text| {
                let text = clip(text, each);
                let blanks = each.saturating_sub(width(&finish(&text, false)));
                format!("{text}{}", " ".repeat(blanks))
            });
            page.push(padded.collect::<Vec<_>>().join(&" ".repeat(GUTTER)));
        }
    }
    page
}

/// Gives the bands their lines: those of least importance go first, then what is left is dealt out line by line.
fn allot(bands: &mut Vec<Band<'_>>, lines: usize, gap: usize) {
    let needed =
        |bands: &[Band<'_>]| bands.iter().map(Band::least).sum::<usize>() + gap * bands.len().saturating_sub(1);
    while needed(bands) > lines && bands.len() > 1 {
        let Some(last) = (0..bands.len()).max_by_key(|place| bands.get(*place).map_or(0, |band| band.rank)) else {
            break;
        };
        bands.remove(last);
    }
    let mut left = lines.saturating_sub(needed(bands));
    for band in bands.iter_mut() {
        band.lines = band.least().min(lines);
    }
    while left > 0 {
        let before = left;
        for band in bands.iter_mut() {
            // The connections get two lines for each one of the others.
            for _ in 0..(if band.rank == 0 { 2 } else { 1 }) {
                if band.lines < band.wish && left > 0 {
                    band.lines += 1;
                    left -= 1;
                }
            }
        }
        if left == before {
            return;
        }
    }
}

/// One pane on the whole screen.
fn alone(pane: &Pane, place: usize, scrolled: &mut usize, (columns, lines): (usize, usize)) -> Vec<String> {
    let room = lines.saturating_sub(1 + heading(pane));
    *scrolled = (*scrolled).min(pane.rows.len().saturating_sub(room));
    let mut page = pane_lines(pane, place, *scrolled, (columns, lines));
    if pane.rows.is_empty() && lines > 1 {
        page.push(paint(Style::Dim, "  nothing so far"));
    }
    page
}

/// A pane's title, its columns' titles and its rows from `skipped` on.
fn pane_lines(pane: &Pane, place: usize, skipped: usize, (columns, lines): (usize, usize)) -> Vec<String> {
    let title = std::iter::once(cell(pane.title, Style::Bold)).chain(pane.beside.iter().cloned());
    let title = joined(&title.collect::<Vec<_>>(), "  ", columns.saturating_sub(2));
    let title = format!("{} {title}", paint(Style::Dim, &(place + 1).to_string()));
    let room = lines.saturating_sub(1 + heading(pane));
    let shown = pane.rows.len().saturating_sub(skipped).min(room);
    let order = match pane.rows.len() {
        all if all > shown && shown > 0 && skipped > 0 => format!("{} to {} of {all}", skipped + 1, skipped + shown),
        _ => pane.order.to_owned(),
    };
    let mut page = vec![both_ends(&title, &cell(order, Style::Dim), columns)];
    if lines > 1 && !pane.rows.is_empty() {
        let widths = widths(pane.columns, &pane.rows, columns);
        let titles: Vec<Cell> = pane.columns.iter().map(|column| cell(column.title, Style::Dim)).collect();
        page.push(fixed_row(pane.columns, &titles, &widths));
        let rows = pane.rows.iter().skip(skipped).take(room);
        page.extend(rows.map(|row| fixed_row(pane.columns, row, &widths)));
    }
    page
}

/// The columns that stay and how wide they are: it depends on the room, so that they stand still while rows come and go. What is
/// left over goes to the columns whose text is cut, the most important one first.
fn widths(columns: &[Column], rows: &[Vec<Cell>], room: usize) -> Vec<(usize, usize)> {
    let mut widths = fixed_widths(columns, room);
    let used: usize = widths.iter().map(|(_, width)| width + 2).sum();
    let mut left = room.saturating_sub(used + 2);
    let mut growing: Vec<usize> = (0..widths.len()).collect();
    growing
        .sort_by_key(|at| widths.get(*at).and_then(|(place, _)| columns.get(*place)).map_or(0, |column| column.rank));
    for at in growing {
        let Some((place, most)) = widths.get_mut(at) else { continue };
        if columns.get(*place).is_none_or(|column| column.least == 0) {
            continue;
        }
        let widest = rows.iter().filter_map(|row| row.get(*place)).map(|cell| width(&cell.text)).max().unwrap_or(0);
        let more = widest.saturating_sub(*most).min(left).min(MAX_GROWTH);
        *most += more;
        left -= more;
    }
    widths
}

/// A marked line, cut where it is wider than the screen after all.
fn clip(line: &str, columns: usize) -> String {
    let seen = |line: &str| width(&finish(line, false));
    if seen(line) <= columns {
        return line.to_owned();
    }
    let mut pieces: Vec<&str> = line.graphemes(true).collect();
    // From the end, so that marks stay where they are: those without a visible character do no harm.
    while seen(&pieces.concat()) > columns {
        let Some(last) = pieces.iter().rposition(|piece| width(piece) > 0) else { break };
        pieces.remove(last);
    }
    pieces.concat()
}
