//! What needs more than one flow.
