use bytestring::ByteString;
use hashbrown::HashTable;

/// Numbers for keys, in order of appearance. A key is a topic and a partition key.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeyTable {
    table: HashTable<(u64, u32)>,
    names: Vec<(u32, ByteString)>,
}

impl KeyTable {
    pub(crate) fn find(&self, hash: u64, topic_id: u32, key: &str) -> Option<u32> {
        self.table
            .find(hash, |(known, id)| {
                *known == hash && self.name(*id).is_some_and(|(topic, name)| topic == topic_id && name == key)
            })
            .map(|(_, id)| *id)
    }

    /// The topic's number and the key.
    pub(crate) fn name(&self, id: u32) -> Option<(u32, &ByteString)> {
        self.names.get(id as usize).map(|(topic, name)| (*topic, name))
    }

    /// Gives the next number to a key that has none.
    pub(crate) fn add(&mut self, hash: u64, topic_id: u32, key: ByteString) -> u32 {
        let id = self.names.len() as u32;
        self.names.push((topic_id, key));
        self.table.insert_unique(hash, (hash, id), |(hash, _)| *hash);
        id
    }

    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }

    pub(crate) fn names(&self) -> &[(u32, ByteString)] {
        &self.names
    }
}
