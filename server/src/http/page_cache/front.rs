//! Before everything else: a page that is kept needs no router.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    task::{Context, Poll},
    time::Instant,
};

use axum::{extract::Request, http::Method, response::Response};
use futures_util::future::Either;
use tower::Service;

use crate::{http::operations, state::AppState};

/// Answers `GET` of a page that is kept; everything else is for the service behind it, which answers those in the same way.
#[derive(Clone, Debug)]
pub struct Front<S> {
    state: AppState,
    behind: S,
}

impl<S> Front<S> {
    /// Stands before this service.
    pub fn of(state: AppState, behind: S) -> Self {
        Self { state, behind }
    }

    fn kept(&self, request: &Request) -> Option<Response> {
        if request.method() != Method::GET {
            return None;
        }
        let started = Instant::now();
        let path = request.uri().path();
        let (route, response) = self.state.pages().kept(path, request.headers(), self.state.clock.now())?;
        operations::count(route, response.status(), started);
        Some(response)
    }
}

impl<S: Service<Request, Response = Response, Error = Infallible>> Service<Request> for Front<S> {
    type Response = Response;
    type Error = Infallible;
    type Future = Either<Ready<Result<Response, Infallible>>, S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.behind.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        match self.kept(&request) {
            Some(response) => Either::Left(ready(Ok(response))),
            None => Either::Right(self.behind.call(request)),
        }
    }
}
