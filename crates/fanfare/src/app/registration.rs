//! What one `.on(..)` said.

use std::{panic::Location, sync::Arc};

use fanfare_core::{Accepts, BoxFuture, Input, IntoOutcome};

use crate::{
    consume::{Exchange, Group, Job, work},
    extract::{Args, Context, Missing, Registry},
    handler::{Configured, Options, Shape},
    middleware::Chain,
};

/// Makes the workers of a subscription, by their numbers. The one place where a handler's type is erased.
pub(super) type Workers = Box<dyn Fn(Arc<Exchange>, usize) -> BoxFuture<'static, ()> + Send + Sync>;
type Prepared = Box<dyn FnOnce(Arc<Group>) -> Workers + Send>;
type Prepare = Box<dyn FnOnce(&Registry, Chain) -> Result<Prepared, Missing> + Send>;

/// One handler and what was said of it.
pub(super) struct Registration {
    pub(super) type_name: &'static str,
    pub(super) options: Options,
    pub(super) accepts: Accepts,
    /// Whether what it returns may leave the process.
    pub(super) is_portable: bool,
    pub(super) location: &'static Location<'static>,
    pub(super) prepare: Prepare,
}

impl Registration {
    pub(super) fn new<F, M>(handler: Configured<F, M>, location: &'static Location<'static>) -> Self
    where
        F: Shape<M> + Send + Sync + 'static,
        F::In: Input,
        F::Args: Args,
        F::Out: IntoOutcome,
        F::Fut: Send,
        M: 'static,
    {
        let Configured { shape, options, .. } = handler;
        let prepare = |registry: &Registry, chain: Chain| -> Result<Prepared, Missing> {
            let prepared = F::Args::prepare(registry)?;
            Ok(Box::new(move |group| {
                let blank = Context::blank(group.site.clone());
                let job = Arc::new(Job { shape, prepared, group, chain, blank });
                Box::new(move |exchange, index| Box::pin(work(job.clone(), exchange, index)))
            }))
        };
        Self {
            type_name: F::type_name(),
            options,
            accepts: F::In::ACCEPTS,
            is_portable: F::Out::PORTABLE,
            location,
            prepare: Box::new(prepare),
        }
    }
}
