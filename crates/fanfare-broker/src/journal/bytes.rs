//! Little-endian fields at fixed offsets. A field past the end reads as `None`.

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|chunk| u32::from_le_bytes(*chunk))
}

pub(crate) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|chunk| u64::from_le_bytes(*chunk))
}

/// Writes `field` at `at`.
///
/// # Panics
/// If the field does not lie inside `bytes`: offsets are constants of the format.
pub(crate) fn put(bytes: &mut [u8], at: usize, field: &[u8]) {
    bytes
        .get_mut(at..)
        .and_then(|rest| rest.get_mut(..field.len()))
        .expect("a field lies inside its header")
        .copy_from_slice(field);
}
