//! Typed handlers that clients call by name.

use crate::policy::Caller;
use crate::protocol::{ErrorReply, Json};
use fanfare_core::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::HashMap;
use std::future::Future;

type Handler = Box<dyn Fn(&Caller, &Json) -> BoxFuture<'static, Result<Json, ErrorReply>> + Send + Sync>;

/// The handlers of a gateway, by method name.
#[derive(Default)]
pub(crate) struct Methods(HashMap<String, Handler>);

impl Methods {
    /// Adds a handler; false when there is one of this name already.
    pub(crate) fn add<F, Q, R, E, Fut>(&mut self, method: &str, handler: F) -> bool
    where
        F: Fn(Caller, Q) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, E>> + Send + 'static,
        Q: DeserializeOwned,
        R: Serialize,
        E: Into<ErrorReply>,
    {
        let erased: Handler = Box::new(move |caller, data| {
            let request = match serde_json::from_str::<Q>(data.as_str()) {
                Ok(request) => request,
                Err(error) => {
                    tracing::debug!(%error, "an RPC's data does not fit its handler");
                    return Box::pin(std::future::ready(Err(ErrorReply::BAD_REQUEST)));
                }
            };
            let answer = handler(caller.clone(), request);
            Box::pin(async move {
                let reply = answer.await.map_err(Into::into)?;
                Json::of(&reply).map_err(|error| {
                    tracing::error!(%error, "an RPC's answer cannot be written as JSON");
                    ErrorReply::INTERNAL
                })
            })
        });
        self.0.insert(method.to_owned(), erased).is_none()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) async fn call(&self, caller: &Caller, method: &str, data: &Json) -> Result<Json, ErrorReply> {
        let handler = self.0.get(method).ok_or(ErrorReply::METHOD_NOT_FOUND)?;
        handler(caller, data).await
    }
}

impl std::fmt::Debug for Methods {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
