//! Asking the server from a browser, and nothing else.

use serde::de::DeserializeOwned;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{RequestInit, Response, UrlSearchParams};

/// The JSON at an address of ours; `None` when it cannot be had, for whatever reason: no network, a session that
/// ended (the answer is then the sign-in page), a server of another version.
pub(super) async fn ask<T: DeserializeOwned>(address: &str) -> Option<T> {
    serde_json::from_str(&text(address).await.ok()?).ok()
}

/// What our server answers to a form; `None` when it does not, for whatever reason.
pub(super) async fn tell<T: DeserializeOwned>(address: &str, form: &UrlSearchParams) -> Option<T> {
    serde_json::from_str(&answer(address, form).await.ok()?).ok()
}

async fn answer(address: &str, form: &UrlSearchParams) -> Result<String, JsValue> {
    let window = web_sys::window().ok_or(JsValue::NULL)?;
    let init = RequestInit::new();
    init.set_method("POST");
    init.set_body(form);
    let response: Response = JsFuture::from(window.fetch_with_str_and_init(address, &init)).await?.dyn_into()?;
    let text = JsFuture::from(response.text()?).await?;
    text.as_string().ok_or(text)
}

async fn text(address: &str) -> Result<String, JsValue> {
    let window = web_sys::window().ok_or(JsValue::NULL)?;
    let response: Response = JsFuture::from(window.fetch_with_str(address)).await?.dyn_into()?;
    let text = JsFuture::from(response.text()?).await?;
    text.as_string().ok_or(text)
}
