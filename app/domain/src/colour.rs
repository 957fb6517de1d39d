//! The owner's accent colour, and what must be done to it so that everyone can read it.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// What text stands on in the light: the page, its cards, what is sunken. As in `style/tokens.css`.
const LIGHT: [Colour; 3] = [Colour(0xfa, 0xfa, 0xf9), Colour(0xff, 0xff, 0xff), Colour(0xf3, 0xf2, 0xf0)];
/// The same in the dark.
const DARK: [Colour; 3] = [Colour(0x12, 0x13, 0x16), Colour(0x1a, 0x1c, 0x20), Colour(0x21, 0x24, 0x29)];
/// The least contrast of text (WCAG 2.2, criterion 1.4.3).
const LEAST: f64 = 4.5;
/// So many steps lead from any colour to black or white.
const STEPS: u8 = 50;

/// A colour of a screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Colour(u8, u8, u8);

/// The text names no colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write a colour as #1d5fc4: six digits from 0 to f")]
pub struct InvalidColour;

/// An accent as it is used: text on every surface and the ground below the words of buttons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accent {
    /// In the light, below white words.
    pub light: Colour,
    /// In the dark, below dark words.
    pub dark: Colour,
}

impl Colour {
    /// Relative luminance (WCAG 2.2).
    fn luminance(self) -> f64 {
        let linear = |channel: u8| {
            let value = f64::from(channel) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(self.0) + 0.7152 * linear(self.1) + 0.0722 * linear(self.2)
    }

    /// From 1, the same, to 21, black on white (WCAG 2.2).
    pub fn contrast(self, other: Self) -> f64 {
        let (a, b) = (self.luminance(), other.luminance());
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    fn is_readable_on(self, surfaces: &[Self]) -> bool {
        surfaces.iter().all(|surface| self.contrast(*surface) >= LEAST)
    }

    /// So many steps of the way to another colour.
    fn towards(self, end: Self, steps: u8) -> Self {
        let mix = |from: u8, to: u8| {
            let (from, to, steps) = (i32::from(from), i32::from(to), i32::from(steps));
            u8::try_from(from + (to - from) * steps / i32::from(STEPS)).unwrap_or(u8::MAX)
        };
        Self(mix(self.0, end.0), mix(self.1, end.1), mix(self.2, end.2))
    }

    /// The nearest on the way to `end` that can be read on these surfaces.
    fn readable(self, surfaces: &[Self], end: Self) -> Self {
        let found = (0..=STEPS).map(|steps| self.towards(end, steps)).find(|colour| colour.is_readable_on(surfaces));
        found.unwrap_or(end)
    }
}

impl Accent {
    /// The owner's colour, made darker for the light and lighter for the dark only as far as reading needs it.
    pub fn of(colour: Colour) -> Self {
        Self { light: colour.readable(&LIGHT, Colour(0, 0, 0)), dark: colour.readable(&DARK, Colour(0xff, 0xff, 0xff)) }
    }

    /// A small style sheet, to come after the page's own.
    pub fn css(self) -> String {
        let Self { light, dark } = self;
        format!(
            ":root {{ --accent: {light}; --on-accent: {}; --link: {light}; }}\n\
             @media (prefers-color-scheme: dark) {{ :root {{ --accent: {dark}; --on-accent: {}; --link: {dark}; }} }}\n",
            LIGHT[1], DARK[0]
        )
    }
}

impl FromStr for Colour {
    type Err = InvalidColour;

    fn from_str(text: &str) -> Result<Self, InvalidColour> {
        let digits = text.trim().strip_prefix('#').unwrap_or(text.trim());
        if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(InvalidColour);
        }
        let channel = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).map_err(|_| InvalidColour);
        Ok(Self(channel(0)?, channel(2)?, channel(4)?))
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }
}

impl TryFrom<String> for Colour {
    type Error = InvalidColour;

    fn try_from(text: String) -> Result<Self, InvalidColour> {
        text.parse()
    }
}

impl From<Colour> for String {
    fn from(colour: Colour) -> Self {
        colour.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn contrast_is_what_the_standard_says() {
        let (black, white) = (Colour(0, 0, 0), Colour(255, 255, 255));
        assert!((black.contrast(white) - 21.0).abs() < 0.001);
        assert!((white.contrast(white) - 1.0).abs() < 0.001);
        // The example that every checker gives: the lightest grey that passes on white.
        assert!(Colour(0x76, 0x76, 0x76).contrast(white) >= 4.5 && Colour(0x77, 0x77, 0x77).contrast(white) < 4.5);
    }

    #[test]
    fn a_colour_that_can_be_read_stays_as_it_is() {
        let accent = Accent::of("#1d5fc4".parse().unwrap());
        assert_eq!(accent.light.to_string(), "#1d5fc4");
        assert_ne!(accent.dark.to_string(), "#1d5fc4");
        assert!(accent.css().contains("--accent: #1d5fc4;"));
    }

    #[test]
    fn colours_are_written_as_people_write_them() {
        assert_eq!(" 1D5FC4 ".parse::<Colour>().unwrap().to_string(), "#1d5fc4");
        for wrong in ["", "#fff", "blue", "#1d5fc", "#1d5fc4ff", "#é5fc4", "#+d5fc4"] {
            assert_eq!(wrong.parse::<Colour>(), Err(InvalidColour), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn any_accent_can_be_read_in_light_and_dark(red: u8, green: u8, blue: u8) {
            let accent = Accent::of(Colour(red, green, blue));
            prop_assert!(accent.light.is_readable_on(&LIGHT) && accent.dark.is_readable_on(&DARK), "{accent:?}");
        }
    }
}
