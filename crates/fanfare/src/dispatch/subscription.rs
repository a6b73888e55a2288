//! The handle of a subscription.

use std::{
    any::TypeId,
    fmt,
    sync::{Arc, Weak},
};

use bytestring::ByteString;

use super::{handler::Seated, inner::Inner};

/// A subscription. It lives as long as its dispatcher, whether or not this handle is kept; the handle ends it sooner.
///
/// An emit that began before a subscription ended no longer starts its handler, unless it had started it already, also
/// where `emit_sync` had handed it over; no emit that begins afterwards calls it.
#[derive(Clone)]
pub struct Subscription {
    // Weak: a handle that is kept does not keep what the handler captured.
    seated: Weak<dyn Seated>,
    inner: Weak<Inner>,
    home: Option<TypeId>,
    name: ByteString,
}

impl Subscription {
    pub(crate) fn new(seated: &Arc<dyn Seated>, inner: Weak<Inner>, home: Option<TypeId>) -> Self {
        Self { name: seated.seat().name.clone(), seated: Arc::downgrade(seated), inner, home }
    }

    /// The handler's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the handler is still called.
    pub fn is_active(&self) -> bool {
        self.inner.strong_count() > 0 && self.seated.upgrade().is_some_and(|seated| !seated.is_gone())
    }

    /// Ends it. Answers whether it was active.
    pub fn unsubscribe(&self) -> bool {
        let was_active = self.seated.upgrade().is_some_and(|seated| seated.leave());
        if let Some(inner) = self.inner.upgrade().filter(|_| was_active) {
            inner.sweep(self.home);
        }
        was_active
    }

    /// Ends it when the guard is dropped.
    #[must_use = "a guard that is dropped at once ends its subscription at once"]
    pub fn guard(self) -> SubscriptionGuard {
        SubscriptionGuard { subscription: Some(self) }
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("name", &self.name())
            .field("is_active", &self.is_active())
            .finish()
    }
}

/// Ends a subscription when it is dropped.
#[must_use = "a guard that is dropped at once ends its subscription at once"]
#[derive(Debug)]
pub struct SubscriptionGuard {
    subscription: Option<Subscription>,
}

impl SubscriptionGuard {
    /// The subscription, which then lives on as long as its dispatcher.
    pub fn release(mut self) -> Option<Subscription> {
        self.subscription.take()
    }
}

impl Drop for SubscriptionGuard {
    fn drop(&mut self) {
        if let Some(subscription) = self.subscription.take() {
            subscription.unsubscribe();
        }
    }
}
