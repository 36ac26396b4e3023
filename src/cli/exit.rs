//! How a command ends: the exit statuses, and errors that say what to do.
use std::{fmt, io, process::ExitCode};

/// How a command went, when nothing prevented it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// All done.
    Done,
    /// A capture was unreadable or damaged; what could be read was reported.
    Damaged,
    /// A check does not hold.
    Failed,
}

/// What prevented a command.
#[derive(Debug)]
pub enum Failure {
    /// The command line asks for something that makes no sense.
    Usage(String),
    /// A capture cannot be read at all.
    Unreadable(String),
    /// A filter is wrong.
    Filter(String),
    /// Not allowed to capture, or no such interface.
    Capture(String),
    /// The output could not be written.
    Output(io::Error),
}

impl Failure {
    /// The exit status, as the manual lists them.
    fn status(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Unreadable(_) => 3,
            Self::Filter(_) => 4,
            Self::Capture(_) => 5,
            Self::Output(_) => 74,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(text) | Self::Unreadable(text) | Self::Filter(text) | Self::Capture(text) => f.write_str(text),
            Self::Output(error) => write!(f, "cannot write the output: {error}"),
        }
    }
}

/// Status of a bug in wireglass itself.
pub const BUG: u8 = 70;

/// Says what went wrong and answers the exit status. A reader that has gone (`| head`) is no failure.
pub fn status(result: Result<Ended, Failure>) -> ExitCode {
    match result {
        Ok(Ended::Done) => ExitCode::SUCCESS,
        Ok(Ended::Damaged) => ExitCode::from(3),
        Ok(Ended::Failed) => ExitCode::from(1),
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(failure) => {
            super::complain(&failure.to_string());
            ExitCode::from(failure.status())
        }
    }
}
