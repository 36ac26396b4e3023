//! The command line: what was typed ([`args`]), what it means ([`plan`]), one file per command, how it ends ([`exit`]).
mod analyze;
mod args;
pub(crate) mod certificates;
mod check;
pub(crate) mod choice;
mod completions;
mod connection;
mod exit;
mod fields;
mod findings;
mod follow;
mod keys;
mod live;
pub(crate) mod object_names;
mod objects;
mod packets;
pub(crate) mod plan;
#[cfg(feature = "live")]
mod privileges;
mod progress;
mod save;
pub(crate) mod statistics;

use std::{io::Write, panic, process::ExitCode};

use clap::{CommandFactory, Parser};

use self::{
    args::{Cli, Command},
    exit::{Ended, Failure},
};

/// Runs the command line.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version go to standard output and succeed; everything else is a usage error.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    match panic::catch_unwind(|| run(cli)) {
        Ok(result) => exit::status(result),
        Err(_) => {
            complain("this is a bug in wireglass. Please report it with the capture, or the part of it that shows it");
            ExitCode::from(exit::BUG)
        }
    }
}

/// The command line's definition, for completions and the manual.
#[must_use]
pub fn command() -> clap::Command {
    Cli::command()
}

fn run(cli: Cli) -> Result<Ended, Failure> {
    if cli.list_interfaces {
        return live::interfaces();
    }
    match cli.command {
        None => analyze::analyze(&cli.analyze),
        Some(Command::Analyze(args)) => analyze::analyze(&args),
        Some(Command::Packets(args)) => packets::packets(&args),
        Some(Command::Connection(args)) => connection::connection(&args),
        Some(Command::Check(args)) => check::check(&args),
        Some(Command::Follow(args)) => follow::follow(&args),
        Some(Command::Findings(args)) => findings::findings(&args),
        Some(Command::Fields(args)) => fields::fields(&args),
        Some(Command::Statistics(args)) => statistics::statistics(&args),
        Some(Command::Live(args)) => live::live(&args),
        Some(Command::Interfaces) => live::interfaces(),
        Some(Command::Schema) => schema(),
        Some(Command::Completions(args)) => completions::completions(&args),
    }
}

fn schema() -> Result<Ended, Failure> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, &crate::report::schema()).map_err(|error| Failure::Output(error.into()))?;
    out.write_all(b"\n").map_err(Failure::Output)?;
    Ok(Ended::Done)
}

/// Says something on standard error, under the program's name. Names of files and captures may hold anything.
fn complain(text: &str) {
    let lines: Vec<_> = text.split('\n').map(crate::report::escape::escape).collect();
    let _ = writeln!(std::io::stderr(), "wireglass: {}", lines.join("\n"));
}
