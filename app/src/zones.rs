//! The browser's own knowledge of time zones, so that no database of them has to be downloaded.

use domain::time::rfc3339;
use jiff::{Timestamp, tz::Offset};
use wasm_bindgen::{JsCast, JsValue};

/// How far ahead of UTC the clocks of a zone are at an instant; `None` when the browser knows no such zone.
pub(crate) fn offset_at(zone: &str, at: Timestamp) -> Option<Offset> {
    let date = js_sys::Date::new(&JsValue::from_str(&rfc3339(at)));
    let options = js_sys::Object::new();
    for (name, value) in [("timeZone", zone), ("timeZoneName", "longOffset")] {
        js_sys::Reflect::set(&options, &name.into(), &value.into()).ok()?;
    }
    let write = js_sys::Reflect::get(&date, &"toLocaleDateString".into()).ok()?;
    // It throws for a zone that it does not know.
    let text = write.dyn_into::<js_sys::Function>().ok()?.call2(&date, &"en".into(), &options).ok()?.as_string()?;
    let (_, offset) = text.rsplit_once("GMT")?;
    ahead(offset)
}

/// `-06:00` or `+05:30:20`, and nothing at all for UTC.
fn ahead(offset: &str) -> Option<Offset> {
    let sign = if offset.starts_with(['-', '−']) { -1 } else { 1 };
    let parts = offset.trim_start_matches(['+', '-', '−']).split(':');
    let numbers: Vec<i32> = parts.filter(|part| !part.is_empty()).map(str::parse).collect::<Result<_, _>>().ok()?;
    let seconds = numbers.iter().zip([3600, 60, 1]).map(|(number, unit)| number * unit).sum::<i32>();
    Offset::from_seconds(sign * seconds).ok()
}
