//! The binary: runs the command line and turns its outcome into an exit status. Nothing else.
use std::process::ExitCode;

/// Measured (benches/RESULTS.md): many small flows and records that one thread makes and another one frees.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    wireglass::cli::main()
}
