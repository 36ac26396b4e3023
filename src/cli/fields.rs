//! `wireglass fields [WORD]`: what a display filter can ask.
use std::io::{self, BufWriter, Write};

use super::{
    args::FieldsArgs,
    exit::{Ended, Failure},
    plan,
};
use crate::filter::{
    fields::{all, groups},
    nearest,
};

/// Columns of a name at most before its line's other columns move.
const NAME_COLUMNS: usize = 42;

/// Columns of a type.
const KIND_COLUMNS: usize = 17;

/// Runs the command.
pub fn fields(args: &FieldsArgs) -> Result<Ended, Failure> {
    let words: Vec<String> = args.words.iter().map(|word| word.to_lowercase()).collect();
    let suits = |name: &str, description: &str| {
        words.iter().all(|word| name.to_lowercase().contains(word) || description.to_lowercase().contains(word))
    };
    let chosen: Vec<_> = groups()
        .flat_map(|group| std::iter::once(&group.protocol).chain(group.fields))
        .filter(|field| suits(field.name, field.description))
        .collect();
    if chosen.is_empty() {
        let asked = args.words.join(" ");
        let near = nearest(&asked, all().map(|field| field.name));
        let near = near.map_or(String::new(), |near| format!(" Did you mean `{near}`?"));
        return Err(Failure::Usage(format!("no filter field has `{asked}` in its name or description.{near}")));
    }
    let (bold, end) = if plan::color(args.color) { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
    let names = chosen.iter().map(|field| field.name.len()).max().unwrap_or_default().min(NAME_COLUMNS);
    let print = || -> io::Result<()> {
        let mut out = BufWriter::new(io::stdout());
        for field in chosen {
            let padding = " ".repeat(names.saturating_sub(field.name.len()));
            let (kind, description) = (field.kind.words(), field.description);
            writeln!(out, "{bold}{}{end}{padding}  {kind:<KIND_COLUMNS$}  {description}", field.name)?;
        }
        out.flush()
    };
    print().map_err(Failure::Output)?;
    Ok(Ended::Done)
}
