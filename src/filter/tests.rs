//! Filters over packets made by hand, and mistakes.
use super::*;
