//! The binary: runs the command line and turns its outcome into an exit status. Nothing else.
use std::process::ExitCode;

fn main() -> ExitCode {
    wireglass::cli::main()
}
