//! Reading an extension's body from the front, with what should have stood there as the error.

/// What should have stood there.
pub type Expected = &'static str;

/// Bytes that are read from the front.
pub(super) struct Body<'a>(pub(super) &'a [u8]);

impl<'a> Body<'a> {
    fn take(&mut self, length: usize, expected: Expected) -> Result<&'a [u8], Expected> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(expected)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(super) fn number8(&mut self, expected: Expected) -> Result<u8, Expected> {
        self.take(1, expected)?.first().copied().ok_or(expected)
    }

    pub(super) fn number16(&mut self, expected: Expected) -> Result<u16, Expected> {
        let bytes = self.take(2, expected)?;
        bytes.try_into().map(u16::from_be_bytes).map_err(|_| expected)
    }

    pub(super) fn number32(&mut self, expected: Expected) -> Result<u32, Expected> {
        let bytes = self.take(4, expected)?;
        bytes.try_into().map(u32::from_be_bytes).map_err(|_| expected)
    }

    /// Bytes behind a one-byte length.
    pub(super) fn vector8(&mut self, expected: Expected) -> Result<&'a [u8], Expected> {
        let length = self.number8(expected)?;
        self.take(length.into(), expected)
    }

    /// Bytes behind a two-byte length.
    pub(super) fn vector16(&mut self, expected: Expected) -> Result<&'a [u8], Expected> {
        let length = self.number16(expected)?;
        self.take(length.into(), expected)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Nothing may be left.
    pub(super) fn end<T>(&self, value: T, expected: Expected) -> Result<T, Expected> {
        if self.is_empty() { Ok(value) } else { Err(expected) }
    }
}

/// Bytes of a length in front of a list.
#[derive(Clone, Copy)]
pub(super) enum Width {
    One,
    Two,
}

/// Bytes behind a length.
pub(super) fn vector<'a>(body: &mut Body<'a>, width: Width, expected: Expected) -> Result<&'a [u8], Expected> {
    match width {
        Width::One => body.vector8(expected),
        Width::Two => body.vector16(expected),
    }
}
