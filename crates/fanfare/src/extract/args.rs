//! The two stages of an extractor, alone and in tuples.

use super::{Context, Registry};

/// What an extractor needs and the application does not have.
#[derive(Debug)]
pub struct Missing(String);

impl Missing {
    /// Says what is missing and what to do.
    pub fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// An argument of a handler behind the event.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an extractor",
    label = "the event comes first; what follows must be extractors",
    note = "for a value of your own: `.state(value)` on the `App`, or on `Dispatcher::builder()`, and `State<{Self}>`"
)]
pub trait Extract: Sized + Send {
    /// Whether [`Extract::extract`] looks at the context; where nobody does, none is made.
    const USES_CONTEXT: bool = true;

    /// What is looked up once.
    type Prepared: Send + Sync + 'static;

    /// Looks up what every extraction needs, when the application starts.
    ///
    /// # Errors
    /// When the application does not have it; it is reported with the line that registered the handler.
    fn prepare(registry: &Registry) -> Result<Self::Prepared, Missing>;

    /// Makes the argument of one call.
    fn extract(prepared: &Self::Prepared, context: &Context) -> Self;
}

/// The arguments of a handler behind the event: a tuple of [`Extract`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` are not the arguments of a handler",
    note = "behind the event, a handler takes up to 8 extractors: `State<T>`, `Context`, `Attempt`, .."
)]
pub trait Args: Sized + Send {
    /// Whether any of them looks at the context.
    const USES_CONTEXT: bool;

    /// What is looked up once, of each.
    type Prepared: Send + Sync + 'static;

    /// Prepares each.
    ///
    /// # Errors
    /// The first that is missing.
    fn prepare(registry: &Registry) -> Result<Self::Prepared, Missing>;

    /// Extracts each.
    fn extract(prepared: &Self::Prepared, context: &Context) -> Self;
}

macro_rules! args {
    ($($arg:ident)*) => {
        #[allow(non_snake_case, unused_variables, clippy::unused_unit, reason = "the type parameters name the variables")]
        impl<$($arg: Extract),*> Args for ($($arg,)*) {
            const USES_CONTEXT: bool = false $(|| $arg::USES_CONTEXT)*;

            type Prepared = ($($arg::Prepared,)*);

            fn prepare(registry: &Registry) -> Result<Self::Prepared, Missing> {
                Ok(($($arg::prepare(registry)?,)*))
            }

            fn extract(prepared: &Self::Prepared, context: &Context) -> Self {
                let ($($arg,)*) = prepared;
                ($($arg::extract($arg, context),)*)
            }
        }
    };
}
args!();
args!(A1);
args!(A1 A2);
args!(A1 A2 A3);
args!(A1 A2 A3 A4);
args!(A1 A2 A3 A4 A5);
args!(A1 A2 A3 A4 A5 A6);
args!(A1 A2 A3 A4 A5 A6 A7);
args!(A1 A2 A3 A4 A5 A6 A7 A8);
