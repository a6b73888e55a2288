//! A quick hash for tables whose keys nobody outside chooses, or where a collision costs next to nothing.

use std::hash::{BuildHasher, Hasher, RandomState};

/// Makes [`Fold`]s of one seed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FoldState(u64);

impl FoldState {
    /// Of a seed that differs from process to process.
    pub(crate) fn random() -> Self {
        Self(RandomState::new().hash_one(0))
    }
}

impl Default for FoldState {
    fn default() -> Self {
        Self::random()
    }
}

impl BuildHasher for FoldState {
    type Hasher = Fold;

    fn build_hasher(&self) -> Fold {
        Fold(self.0)
    }
}

/// Multiplies eight bytes at a time and folds the product.
#[derive(Debug)]
pub(crate) struct Fold(u64);

impl Fold {
    fn mix(&mut self, word: u64) {
        const ODD: u64 = 0x9E37_79B9_7F4A_7C15;
        let product = u128::from(self.0 ^ word ^ ODD.rotate_left(17)) * u128::from(ODD);
        self.0 = (product as u64) ^ ((product >> 64) as u64);
    }
}

impl Hasher for Fold {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        words.iter().for_each(|word| self.mix(u64::from_le_bytes(*word)));
        let mut last = [0; 8];
        last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
        self.mix(u64::from_le_bytes(last) ^ ((bytes.len() as u64) << 56));
    }

    fn write_u8(&mut self, byte: u8) {
        self.mix(u64::from(byte));
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
