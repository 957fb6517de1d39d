//! A browser without JavaScript: keeps cookies, posts forms as its own page would, follows nothing.

use std::time::Duration;

use reqwest::{
    Method,
    header::{HeaderMap, HeaderName, HeaderValue},
    redirect::Policy,
};
use tokio::time::{Instant, sleep};

/// One browser.
pub(crate) struct Client {
    url: String,
    http: reqwest::Client,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    /// What came over the wire, compressed or not.
    pub(crate) bytes: Vec<u8>,
    /// The same as text.
    pub(crate) body: String,
}

impl Answer {
    /// A header's text, or nothing.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Where it leads.
    pub(crate) fn location(&self) -> &str {
        self.header("location")
    }

    /// Panics with the whole page unless it says `text`.
    #[track_caller]
    pub(crate) fn says(&self, text: &str) -> &Self {
        assert!(self.body.contains(text), "no {text:?} in: {}", self.body);
        self
    }

    /// Panics with the whole page if it says `text`.
    #[track_caller]
    pub(crate) fn never_says(&self, text: &str) -> &Self {
        assert!(!self.body.contains(text), "{text:?} in: {}", self.body);
        self
    }

    /// Panics unless the status is this one.
    #[track_caller]
    pub(crate) fn is(&self, status: u16) -> &Self {
        assert_eq!(self.status, status, "{}", self.body);
        self
    }
}

/// An open stream of events, and what was heard but not read yet.
pub(crate) struct Listening(reqwest::Response, String);

impl Listening {
    /// The next event's data, without waiting for ever; nothing once the stream has ended.
    pub(crate) async fn next(&mut self) -> Option<String> {
        loop {
            while let Some(end) = self.1.find("\n\n") {
                let event: String = self.1.drain(..end + 2).collect();
                // Heartbeats are comments.
                if let Some(data) = event.strip_prefix("data: ") {
                    return Some(data.trim_end().to_owned());
                }
            }
            let chunk = tokio::time::timeout(Duration::from_secs(20), self.0.chunk()).await;
            let Ok(chunk) = chunk else { panic!("nothing is heard for 20 s") };
            self.1.push_str(std::str::from_utf8(&chunk.unwrap()?).unwrap());
        }
    }
}

impl Client {
    pub(crate) fn new(url: &str) -> Self {
        let http = reqwest::Client::builder().cookie_store(true).redirect(Policy::none()).build().unwrap();
        Self { url: url.to_owned(), http }
    }

    /// The same browser, with its cookies, at another server.
    pub(crate) fn at(&self, url: &str) -> Self {
        Self { url: url.to_owned(), http: self.http.clone() }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], None).await.unwrap()
    }

    /// Asks again and again until the page is as wanted; fails the test when it never is.
    pub(crate) async fn get_until(&self, path: &str, is_so: impl Fn(&str) -> bool) -> Answer {
        let deadline = Instant::now() + Duration::from_mins(1);
        loop {
            let answer = self.get(path).await;
            if is_so(&answer.body) {
                return answer;
            }
            assert!(Instant::now() < deadline, "after a minute {path} is still: {}", answer.body);
            sleep(Duration::from_millis(50)).await;
        }
    }

    pub(crate) async fn get_with(&self, path: &str, headers: &[(&'static str, &str)]) -> Answer {
        self.send(Method::GET, path, headers, None).await.unwrap()
    }

    /// A form of one of our own pages.
    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.post_with(path, &[("sec-fetch-site", "same-origin")], fields).await
    }

    /// A form from wherever the headers say.
    pub(crate) async fn post_with(
        &self,
        path: &str,
        headers: &[(&'static str, &str)],
        fields: &[(&str, &str)],
    ) -> Answer {
        let form = reqwest::Url::parse_with_params("http://form", fields).unwrap();
        let body = form.query().unwrap_or_default().to_owned().into_bytes();
        let mut headers = headers.to_vec();
        headers.push(("content-type", "application/x-www-form-urlencoded"));
        self.send(Method::POST, path, &headers, Some(body)).await.unwrap()
    }

    /// Listens to `/events`.
    pub(crate) async fn listen(&self) -> Listening {
        let response = self.http.get(format!("{}/events", self.url)).send().await.unwrap();
        assert_eq!(response.status(), 200);
        Listening(response, String::new())
    }

    /// Anything at all; fails when the connection does.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&'static str, &str)],
        body: Option<Vec<u8>>,
    ) -> Result<Answer, reqwest::Error> {
        let mut request = self.http.request(method, format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
        if let Some(body) = body {
            request = request.body(body);
        }
        let mut response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let is_endless = headers.get("content-type").is_some_and(|kind| kind == "text/event-stream");
        let bytes =
            if is_endless { response.chunk().await?.unwrap_or_default() } else { response.bytes().await? }.to_vec();
        let body = String::from_utf8_lossy(&bytes).into_owned();
        Ok(Answer { status, headers, bytes, body })
    }
}
