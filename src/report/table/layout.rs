//! How a section fits into a line: columns go by rank, then cells are cut in the middle, then rows become blocks.
use comfy_table::{Cell as Field, CellAlignment, ContentArrangement, Table as Grid, presets};

use super::style::paint;
use crate::report::{
    summary::{Cell, Column, Style, Table},
    width::{cut, cut_middle, pad_left, pad_right, width},
};

/// Blanks before every line of a section.
const INDENT: usize = 2;
/// Blanks between columns.
const GAP: usize = 2;
/// Lines narrower than this hold blocks of `name: value` instead of rows.
const NARROW: usize = 60;

/// The lines of a section's body, none wider than `line`; marked, not coloured.
pub fn body(table: &Table, line: usize) -> Vec<String> {
    let room = line.saturating_sub(INDENT);
    match (line >= NARROW).then(|| fit(table, room)).flatten() {
        Some(widths) => grid(table, &widths),
        None => blocks(table, room),
    }
}

/// A column that may stay.
struct Fitting {
    place: usize,
    width: usize,
    least: usize,
    rank: u8,
}

/// The place and width of the columns that stay; `None` when even the least does not fit.
fn fit(table: &Table, room: usize) -> Option<Vec<(usize, usize)>> {
    let mut columns: Vec<Fitting> = Vec::new();
    for (place, column) in table.columns.iter().enumerate() {
        let cells = || table.rows.iter().filter_map(|row| row.get(place));
        // A column in which nothing was seen says nothing.
        if column.rank > 0 && cells().all(|cell| cell.text == "–" || cell.text.is_empty()) {
            continue;
        }
        let widest = cells().map(|cell| width(&cell.text)).max().unwrap_or(0).max(width(column.title));
        let least = if column.least == 0 { widest } else { column.least.max(width(column.title)).min(widest) };
        columns.push(Fitting { place, width: widest, least, rank: column.rank });
    }
    drop_by_rank(&mut columns, room);
    let fits = narrow(&mut columns, room, |column| column.least);
    fits.then(|| columns.into_iter().map(|column| (column.place, column.width)).collect())
}

/// Takes out the columns of the highest rank until the rest could fit.
fn drop_by_rank(columns: &mut Vec<Fitting>, room: usize) {
    while columns.iter().map(|column| column.least + GAP).sum::<usize>() > room + GAP {
        let Some(highest) = columns.iter().map(|column| column.rank).max().filter(|rank| *rank > 0) else { return };
        let Some(last) = columns.iter().rposition(|column| column.rank == highest) else { return };
        columns.remove(last);
    }
}

/// Makes the widest column that may give give, until all fit; whether they do.
fn narrow(columns: &mut [Fitting], room: usize, least: impl Fn(&Fitting) -> usize) -> bool {
    while columns.iter().map(|column| column.width + GAP).sum::<usize>() > room + GAP {
        let giving = columns.iter_mut().filter(|column| column.width > least(column)).max_by_key(|column| column.width);
        match giving {
            Some(column) => column.width -= 1,
            None => return false,
        }
    }
    true
}

fn grid(table: &Table, widths: &[(usize, usize)]) -> Vec<String> {
    let mut grid = Grid::new();
    grid.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    let titles = widths.iter().filter_map(|(place, _)| table.columns.get(*place));
    grid.set_header(titles.map(|column| Field::new(paint(Style::Dim, column.title))));
    for row in &table.rows {
        let cells = widths.iter().filter_map(|(place, most)| Some((row.get(*place)?, *most)));
        grid.add_row(cells.map(|(cell, most)| Field::new(paint(cell.style, &cut(&cell.text, most)))));
    }
    for (at, (place, _)) in widths.iter().enumerate() {
        let Some(column) = grid.column_mut(at) else { continue };
        column.set_padding((if at == 0 { INDENT as u16 } else { GAP as u16 }, 0));
        if table.columns.get(*place).is_some_and(|column| column.right) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    grid.lines().collect()
}

/// Every row as a block: its first cell, then `name  value` lines.
fn blocks(table: &Table, room: usize) -> Vec<String> {
    let longest = table.columns.iter().map(|column| width(column.title)).max().unwrap_or(0).min(room / 2);
    let mut lines = Vec::new();
    for row in &table.rows {
        let mut first = true;
        for (column, cell) in table.columns.iter().zip(row) {
            if cell.text == "–" || cell.text.is_empty() || column.title.is_empty() {
                continue;
            }
            let before = if first { INDENT } else { INDENT * 2 };
            let title = pad_right(&cut_middle(column.title, longest), longest + INDENT * 2 - before);
            let most = room.saturating_sub(longest + GAP + INDENT);
            // Two ends that do not fit side by side stand one below the other.
            let (one, other) = match cell.text.split_once(" → ").filter(|_| width(&cell.text) > most) {
                Some((one, other)) => (cut_middle(one, most), Some(cut_middle(&format!("→ {other}"), most))),
                None => (cut_middle(&cell.text, most), None),
            };
            lines.push(format!("{}{}  {}", " ".repeat(before), paint(Style::Dim, &title), paint(cell.style, &one)));
            let below = " ".repeat(INDENT * 2 + longest + GAP);
            lines.extend(other.map(|other| format!("{below}{}", paint(cell.style, &other))));
            first = false;
        }
    }
    lines
}

/// The place and width of the columns where rows are printed as they come, before any was measured.
pub fn fixed_widths(columns: &[Column], room: usize) -> Vec<(usize, usize)> {
    let fitting = |(place, column): (usize, &Column)| {
        let least = if column.least == 0 { column.fixed } else { column.least.min(column.fixed) };
        Fitting { place, width: column.fixed, least, rank: column.rank }
    };
    let mut fixed: Vec<Fitting> = columns.iter().enumerate().map(fitting).collect();
    let room = room.saturating_sub(GAP);
    drop_by_rank(&mut fixed, room);
    if !narrow(&mut fixed, room, |column| column.least) {
        narrow(&mut fixed, room, |_| 1);
    }
    fixed.into_iter().map(|column| (column.place, column.width)).collect()
}

/// A row in fixed widths.
pub fn fixed_row(columns: &[Column], cells: &[Cell], widths: &[(usize, usize)]) -> String {
    let mut line = String::new();
    for (place, most) in widths {
        let Some((column, cell)) = columns.get(*place).zip(cells.get(*place)) else { continue };
        let text = cut(&cell.text, *most);
        let padded = if column.right { pad_left(&text, *most) } else { pad_right(&text, *most) };
        line.push_str(&" ".repeat(GAP));
        line.push_str(&paint(cell.style, &padded));
    }
    line
}
