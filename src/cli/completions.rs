//! `wireglass completions SHELL`: a script that makes a shell complete commands, options and their values.
use std::io::{self, Write};

use clap::Args;
use clap_complete::{Shell, generate};

use super::exit::{Ended, Failure};

/// `wireglass completions SHELL`.
#[derive(Debug, Args)]
#[command(before_help = EXAMPLES)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum, value_name = "SHELL")]
    pub shell: Shell,
}

const EXAMPLES: &str = "\
Examples:
  source <(wireglass completions bash)             in ~/.bashrc
  source <(wireglass completions zsh)              in ~/.zshrc, behind compinit
  wireglass completions fish | source              in ~/.config/fish/config.fish";

/// Runs the command.
pub fn completions(args: &CompletionsArgs) -> Result<Ended, Failure> {
    let mut script = Vec::new();
    generate(args.shell, &mut super::command(), "wireglass", &mut script);
    let mut out = io::stdout().lock();
    out.write_all(&script).and_then(|()| out.flush()).map_err(Failure::Output)?;
    Ok(Ended::Done)
}
