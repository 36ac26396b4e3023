//! How a section fits into a line: columns go by rank, then cells are cut in the middle, then rows become blocks.
use comfy_table::{Cell as Field, CellAlignment, ContentArrangement, Table as Grid, presets};

use super::style::paint;
use crate::report::{
    summary::{Cell, Column, Style, Table},
    width::{cut_middle, pad_left, pad_right, width},
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

/// The column's place and width, for those that stay; `None` when even the least does not fit.
fn fit(table: &Table, room: usize) -> Option<Vec<(usize, usize)>> {
    struct Fitting {
        place: usize,
        width: usize,
        least: usize,
        rank: u8,
    }
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
    let gaps = |columns: &[Fitting]| GAP * columns.len().saturating_sub(1);
    while columns.iter().map(|column| column.least).sum::<usize>() + gaps(&columns) > room {
        let highest = columns.iter().map(|column| column.rank).max().filter(|rank| *rank > 0)?;
        let last = columns.iter().rposition(|column| column.rank == highest)?;
        columns.remove(last);
    }
    // The widest that may give gives first.
    while columns.iter().map(|column| column.width).sum::<usize>() + gaps(&columns) > room {
        let giving =
            columns.iter_mut().filter(|column| column.width > column.least).max_by_key(|column| column.width)?;
        giving.width -= 1;
    }
    Some(columns.into_iter().map(|column| (column.place, column.width)).collect())
}

fn grid(table: &Table, widths: &[(usize, usize)]) -> Vec<String> {
    let mut grid = Grid::new();
    grid.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    let titles = widths.iter().filter_map(|(place, _)| table.columns.get(*place));
    grid.set_header(titles.map(|column| Field::new(paint(Style::Dim, column.title))));
    for row in &table.rows {
        let cells = widths.iter().filter_map(|(place, most)| Some((row.get(*place)?, *most)));
        grid.add_row(cells.map(|(cell, most)| Field::new(paint(cell.style, &cut_middle(&cell.text, most)))));
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
            let value = cut_middle(&cell.text, room.saturating_sub(longest + GAP + INDENT));
            lines.push(format!("{}{}  {}", " ".repeat(before), paint(Style::Dim, &title), paint(cell.style, &value)));
            first = false;
        }
    }
    lines
}

/// A row whose columns have their fixed widths: for rows that are printed as they come. As many as fit.
pub fn fixed_row(columns: &[Column], cells: &[Cell], room: usize) -> String {
    let mut shown: Vec<(usize, &Column)> = columns.iter().enumerate().collect();
    let total = |shown: &[(usize, &Column)]| shown.iter().map(|(_, column)| column.fixed + GAP).sum::<usize>();
    while total(&shown) > room {
        let highest = shown.iter().map(|(_, column)| column.rank).max().filter(|rank| *rank > 0);
        match shown.iter().rposition(|(_, column)| Some(column.rank) == highest) {
            Some(last) => drop(shown.remove(last)),
            None => break,
        }
    }
    // What may never go shares what is missing.
    let over = total(&shown).saturating_sub(room);
    let share = over.div_ceil(shown.len().max(1));
    let mut line = String::new();
    for (place, column) in shown {
        let Some(cell) = cells.get(place) else { continue };
        let most = column.fixed.saturating_sub(share).max(1);
        let text = cut_middle(&cell.text, most);
        let padded = if column.right { pad_left(&text, most) } else { pad_right(&text, most) };
        line.push_str(&" ".repeat(GAP));
        line.push_str(&paint(cell.style, &padded));
    }
    line
}
