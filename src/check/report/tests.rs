//! What CI is told must be read by CI, whatever a capture says.
