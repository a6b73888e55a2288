//! The hash of keys and of repeats. Its values are stored in snapshots, so it must never change; a store's
//! random seed keeps outsiders from choosing names that collide.

const K: [u64; 4] =
    [0xa076_1d64_78bd_642f, 0xe703_7ed1_a0b4_28db, 0x8ebc_6af0_9c88_c6e3, 0x5899_65cc_7537_4cc3];

/// Two lanes of folded multiplications over 16 bytes at a time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hasher {
    a: u64,
    b: u64,
}

impl Hasher {
    pub(crate) fn new(seed: [u64; 2]) -> Self {
        let [a, b] = seed;
        Self { a: a ^ K[0], b: b ^ K[1] }
    }

    pub(crate) fn number(mut self, number: u64) -> Self {
        self.mix(number, number.rotate_left(32));
        self
    }

    /// Adds bytes and their length, so that parts cannot be cut elsewhere.
    pub(crate) fn bytes(mut self, bytes: &[u8]) -> Self {
        let mut chunks = bytes.chunks_exact(16);
        for chunk in &mut chunks {
            let (low, high) = words(chunk);
            self.mix(low, high);
        }
        let rest = chunks.remainder();
        if !rest.is_empty() {
            let (low, high) = last_words(rest);
            self.mix(low, high);
        }
        self.number(bytes.len() as u64)
    }

    pub(crate) fn finish(self) -> u64 {
        fold(self.a ^ K[2], self.b ^ K[3])
    }

    pub(crate) fn finish_wide(self) -> u128 {
        let other = fold(self.b ^ K[0], self.a.rotate_left(32) ^ K[1]);
        (u128::from(other) << 64) | u128::from(self.finish())
    }

    fn mix(&mut self, low: u64, high: u64) {
        self.a = fold(self.a ^ low ^ K[0], high ^ K[1]).wrapping_add(self.b);
        self.b = fold(self.b ^ high ^ K[2], low ^ K[3]).wrapping_add(low);
    }
}

fn fold(a: u64, b: u64) -> u64 {
    let wide = u128::from(a) * u128::from(b);
    (wide as u64) ^ ((wide >> 64) as u64)
}

fn words(chunk: &[u8]) -> (u64, u64) {
    let word = |at: usize| {
        let bytes = chunk.get(at..).and_then(|rest| rest.first_chunk::<8>());
        u64::from_le_bytes(*bytes.expect("a chunk has 16 bytes"))
    };
    (word(0), word(8))
}

/// The words of a chunk that is cut off, as if zeros followed. Its two ends are read, which may overlap.
fn last_words(rest: &[u8]) -> (u64, u64) {
    let unused = |of: usize| 8 * (of - rest.len()) as u32;
    if let (Some(first), Some(last)) = (rest.first_chunk::<8>(), rest.last_chunk::<8>()) {
        let high = u64::from_le_bytes(*last).checked_shr(unused(16)).unwrap_or(0);
        return (u64::from_le_bytes(*first), high);
    }
    if let (Some(first), Some(last)) = (rest.first_chunk::<4>(), rest.last_chunk::<4>()) {
        let last = u64::from(u32::from_le_bytes(*last)) << (32 - unused(8));
        return (u64::from(u32::from_le_bytes(*first)) | last, 0);
    }
    (rest.iter().rev().fold(0, |low, byte| low << 8 | u64::from(*byte)), 0)
}

#[cfg(test)]
mod tests {
    use super::Hasher;

    #[test]
    fn the_values_that_snapshots_hold_never_change() {
        let hasher = Hasher::new([1, 2]).number(3).bytes(b"a text that is longer than sixteen bytes");
        assert_eq!(format!("{:032x}", hasher.finish_wide()), "024ace5879f69be7dc0967b1f0c5906d");
    }

    #[test]
    fn a_chunk_that_is_cut_off_is_read_as_if_zeros_followed() {
        let bytes: Vec<u8> = (1..=15).collect();
        for len in 1..=15 {
            let mut whole = [0; 16];
            whole[..len].copy_from_slice(&bytes[..len]);
            assert_eq!(super::last_words(&bytes[..len]), super::words(&whole), "{len} bytes");
        }
    }

    #[test]
    fn parts_that_are_cut_elsewhere_differ() {
        let of = |parts: [&[u8]; 2]| Hasher::new([1, 2]).bytes(parts[0]).bytes(parts[1]).finish_wide();
        assert_ne!(of([b"ab", b"c"]), of([b"a", b"bc"]));
        assert_ne!(of([b"", b"\0"]), of([b"\0", b""]));
    }
}
