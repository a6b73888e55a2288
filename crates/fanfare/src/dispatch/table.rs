//! The nodes of a dispatcher by event type: only ever added to, so that a look-up takes neither lock nor snapshot.

use std::{
    any::{Any, TypeId},
    hash::{Hash, Hasher},
    sync::{Arc, OnceLock},
};

use super::node::{AnyNode, Node};
use super::subject::Subject;

const BUCKETS: usize = 64;

pub(crate) struct Table {
    buckets: [Bucket; BUCKETS],
}

type Bucket = OnceLock<Box<Link>>;

struct Link {
    node: Arc<dyn AnyNode>,
    /// The same node, as what it is found by.
    any: Arc<dyn Any + Send + Sync>,
    next: Bucket,
}

impl Default for Table {
    fn default() -> Self {
        Self { buckets: [const { OnceLock::new() }; BUCKETS] }
    }
}

impl Table {
    /// The node of an event type.
    #[inline]
    pub(crate) fn get<E: Subject>(&self) -> Option<&Node<E>> {
        let mut bucket = self.bucket(TypeId::of::<E>());
        while let Some(link) = bucket.get() {
            if let Some(node) = link.any.downcast_ref() {
                return Some(node);
            }
            bucket = &link.next;
        }
        None
    }

    /// The node of an event type that is known by its id alone.
    pub(crate) fn get_erased(&self, id: TypeId) -> Option<&Arc<dyn AnyNode>> {
        self.links(id).find(|link| link.node.event_id() == id).map(|link| &link.node)
    }

    /// Adds a node. The caller holds the dispatcher's registrar, and there is no such node yet.
    pub(crate) fn insert<E: Subject>(&self, node: Arc<Node<E>>) -> &Node<E>
    where
        Node<E>: AnyNode,
    {
        let mut link = Box::new(Link { node: node.clone(), any: node, next: OnceLock::new() });
        let mut bucket = self.bucket(TypeId::of::<E>());
        while let Err(back) = bucket.set(link) {
            link = back;
            bucket = &bucket.get().expect("a bucket that refuses a link holds one").next;
        }
        self.get::<E>().expect("the node was inserted")
    }

    #[inline]
    fn bucket(&self, id: TypeId) -> &Bucket {
        let mut hasher = Low(0);
        id.hash(&mut hasher);
        let [first, ..] = &self.buckets;
        self.buckets.get(hasher.0 as usize % BUCKETS).unwrap_or(first)
    }

    fn links(&self, id: TypeId) -> impl Iterator<Item = &Link> {
        std::iter::successors(self.bucket(id).get(), |link| link.next.get()).map(|link| &**link)
    }
}

/// A `TypeId` is a hash already.
struct Low(u64);

impl Hasher for Low {
    fn finish(&self) -> u64 {
        self.0
    }

    #[inline]
    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }
}
