use std::collections::BTreeMap;

use super::Rng;

/// What a disk writes in one piece.
const SECTOR: usize = 512;

/// A file: what processes see, what is on the disk, and what is on its way there.
#[derive(Default)]
pub(super) struct Inode {
    seen: Vec<u8>,
    disk: Vec<u8>,
    /// The contents that each sector had since it was last synced.
    sectors: BTreeMap<usize, Vec<[u8; SECTOR]>>,
    /// The lengths that the file had since it was last synced.
    lengths: Vec<usize>,
}

/// How much a sync covers: what was there when it began.
pub(super) struct Covered {
    sectors: Vec<(usize, usize)>,
    lengths: usize,
}

impl Inode {
    pub(super) fn seen(&self) -> &[u8] {
        &self.seen
    }

    /// Changes the bytes in both places, as a decaying disk does.
    pub(super) fn replace(&mut self, bytes: Vec<u8>) {
        self.seen = bytes.clone();
        self.disk = bytes;
        self.sectors.clear();
        self.lengths.clear();
    }

    pub(super) fn write(&mut self, bytes: &[u8], offset: usize) {
        let end = offset + bytes.len();
        if end > self.seen.len() {
            self.set_len(end);
        }
        if let Some(place) = self.seen.get_mut(offset..end) {
            place.copy_from_slice(bytes);
        }
        self.touch(offset, end);
    }

    pub(super) fn set_len(&mut self, len: usize) {
        let before = self.seen.len();
        if len == before {
            return;
        }
        self.seen.resize(len, 0);
        self.lengths.push(len);
        if len > before {
            self.touch(before, len.min(self.disk.len()));
        } else {
            self.sectors.retain(|sector, _| sector * SECTOR < len);
        }
    }

    fn touch(&mut self, from: usize, to: usize) {
        if from >= to {
            return;
        }
        for sector in from / SECTOR..=(to - 1) / SECTOR {
            let mut content = [0; SECTOR];
            let begin = sector * SECTOR;
            let bytes = self.seen.get(begin..self.seen.len().min(begin + SECTOR)).unwrap_or_default();
            for (place, byte) in content.iter_mut().zip(bytes) {
                *place = *byte;
            }
            self.sectors.entry(sector).or_default().push(content);
        }
    }

    pub(super) fn begin_sync(&self) -> Covered {
        let sectors = self.sectors.iter().map(|(sector, contents)| (*sector, contents.len())).collect();
        Covered { sectors, lengths: self.lengths.len() }
    }

    /// What the sync covered is on the disk.
    pub(super) fn finish_sync(&mut self, covered: &Covered) {
        if let Some(len) = self.take_length(covered) {
            self.disk.resize(len, 0);
        }
        for (sector, content) in self.take_sectors(covered) {
            put_sector(&mut self.disk, sector, &content);
        }
    }

    /// Of what the sync covered a part is on the disk; the rest never will be, though processes go on seeing
    /// it: so Linux treats pages that could not be written.
    pub(super) fn fail_sync(&mut self, covered: &Covered, rng: &mut Rng) {
        let len = self.take_length(covered).filter(|_| rng.percent(50));
        if let Some(len) = len {
            self.disk.resize(len, 0);
        }
        for (sector, content) in self.take_sectors(covered) {
            if rng.percent(50) {
                put_sector(&mut self.disk, sector, &content);
            }
        }
    }

    fn take_length(&mut self, covered: &Covered) -> Option<usize> {
        let count = covered.lengths.min(self.lengths.len());
        self.lengths.drain(..count).next_back()
    }

    fn take_sectors(&mut self, covered: &Covered) -> Vec<(usize, [u8; SECTOR])> {
        let mut taken = Vec::new();
        for (sector, count) in &covered.sectors {
            let Some(contents) = self.sectors.get_mut(sector) else { continue };
            let count = (*count).min(contents.len());
            taken.extend(contents.drain(..count).next_back().map(|content| (*sector, content)));
            if contents.is_empty() {
                self.sectors.remove(sector);
            }
        }
        taken
    }

    /// The power goes: of what was not synced, a random part stays.
    pub(super) fn forget(&mut self, rng: &mut Rng) {
        let keep = [0, 10, 50, 90, 100].get(rng.below(5) as usize).copied().unwrap_or(50);
        if !self.lengths.is_empty() && !rng.percent(30) {
            let chosen = rng.below(self.lengths.len() as u64 + 1) as usize;
            let len = self.lengths.get(chosen).or(self.lengths.last()).copied();
            self.disk.resize(len.unwrap_or(self.disk.len()), 0);
        }
        for (sector, contents) in std::mem::take(&mut self.sectors) {
            if !rng.percent(keep) {
                continue;
            }
            let chosen =
                if rng.percent(75) { contents.len() - 1 } else { rng.below(contents.len() as u64) as usize };
            if let Some(content) = contents.get(chosen) {
                put_sector(&mut self.disk, sector, content);
            }
        }
        self.lengths.clear();
        self.seen = self.disk.clone();
    }
}

/// Writes the part of a sector that lies inside the file.
fn put_sector(disk: &mut [u8], sector: usize, content: &[u8; SECTOR]) {
    let begin = sector * SECTOR;
    for (place, byte) in disk.iter_mut().skip(begin).zip(content) {
        *place = *byte;
    }
}
