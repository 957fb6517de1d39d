//! What the style sheets promise.
#![expect(clippy::unwrap_used, reason = "a test that cannot be arranged has failed")]

use std::{collections::BTreeMap, fs, path::Path};

fn file(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../style").join(name)).unwrap()
}

/// The colours that a style sheet names: `--ink: #1b1d21;`.
fn colours(sheet: &str) -> BTreeMap<&str, [u8; 3]> {
    let declarations =
        sheet.lines().filter_map(|line| line.trim().strip_prefix("--")?.strip_suffix(';')?.split_once(": #"));
    let part = |hex: &str, at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    declarations.map(|(name, hex)| (name, [part(hex, 0), part(hex, 2), part(hex, 4)])).collect()
}

/// Relative luminance, as WCAG 2.2 defines it.
fn luminance(colour: [u8; 3]) -> f64 {
    let linear = |part: u8| {
        let part = f64::from(part) / 255.0;
        if part <= 0.040_45 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * linear(colour[0]) + 0.7152 * linear(colour[1]) + 0.0722 * linear(colour[2])
}

fn contrast(a: [u8; 3], b: [u8; 3]) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

#[test]
fn every_text_colour_can_be_read_on_every_ground_in_light_and_dark() {
    let sheet = file("tokens.css");
    let (light, dark) = sheet.split_once("@media (prefers-color-scheme: dark)").unwrap();
    let light = colours(light);
    let dark: BTreeMap<_, _> = light.clone().into_iter().chain(colours(dark)).collect();
    for scheme in [light, dark] {
        let hues: Vec<_> = scheme.keys().filter_map(|name| name.strip_suffix("-tint")).collect();
        assert_eq!(hues.len(), 6, "five states and the unknown");
        for ground in ["page", "surface", "sunken"] {
            for text in hues.iter().copied().chain(["ink", "muted"]) {
                let contrast = contrast(scheme[text], scheme[ground]);
                assert!(contrast >= 4.5, "{text} on {ground}: {contrast:.2}");
            }
            for edge in ["line-strong", "focus"] {
                let contrast = contrast(scheme[edge], scheme[ground]);
                assert!(contrast >= 3.0, "{edge} on {ground}: {contrast:.2}");
            }
        }
        for hue in hues {
            let tint = scheme[format!("{hue}-tint").as_str()];
            for text in [hue, "ink", "muted"] {
                let contrast = contrast(scheme[text], tint);
                assert!(contrast >= 4.5, "{text} on the tint of {hue}: {contrast:.2}");
            }
        }
    }
}

#[test]
fn public_pages_carry_little() {
    let sheets: usize = ["tokens.css", "main.css", "pages.css", "print.css"].map(|name| file(name).len()).iter().sum();
    assert!(sheets <= 40 * 1024, "{sheets} bytes before compression");
}

#[test]
fn style_sheets_load_nothing() {
    for name in ["tokens.css", "main.css", "pages.css", "print.css"] {
        let sheet = file(name);
        assert!(!sheet.contains("url(") && !sheet.contains("@import"), "{name}");
    }
}
