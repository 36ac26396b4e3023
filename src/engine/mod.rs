//! Pipeline and threads: where the rooms meet.
