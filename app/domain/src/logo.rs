//! A logo: what a file must be to stand at the top of every page.
//!
//! Only pictures made of pixels: an SVG is a document that can act. A file is known by how it begins, not by its name, and
//! must end where its format says that it ends, so that nothing else hides in it.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    status::{UnknownStatus, words},
    token::hexadecimal,
};

/// The largest file, in bytes.
pub const LOGO_MAX: usize = 200_000;
/// The longest edge, in pixels: every reader's browser unpacks it.
const EDGE_MAX: u32 = 2_000;
/// The shortest.
const EDGE_MIN: u32 = 16;

words! {
    /// How a picture is written down.
    LogoKind {
        /// Portable Network Graphics (ISO/IEC 15948).
        Png = "image/png", "PNG";
        /// JFIF and its relatives (ISO/IEC 10918).
        Jpeg = "image/jpeg", "JPEG";
        /// Smaller than either (RFC 9649).
        Webp = "image/webp", "WebP";
    }
}

words! {
    /// What a logo stands on, so that it can be made out in the light, in the dark and on paper.
    #[derive(Default)]
    Ground {
        #[default]
        /// White where the page is dark: for dark logos without a ground of their own.
        Light = "light", "White, where the page is dark";
        /// Dark where the page is light: for bright logos without a ground of their own.
        Dark = "dark", "Dark, where the page is light";
        /// Nothing: for logos that have one.
        Plain = "plain", "Nothing";
    }
}

/// A picture that may stand at the top of every page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logo {
    /// How it is written down.
    pub kind: LogoKind,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// The file.
    pub bytes: Vec<u8>,
}

/// What is to become of the page's logo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogoChange {
    /// It stays as it is.
    Keep,
    /// The page has none any more.
    Remove,
    /// This one takes its place.
    Replace(Logo),
}

/// Why a file is no logo.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLogo {
    /// Over the limit.
    #[error("choose a smaller file: it may have at most {} kB", LOGO_MAX / 1000)]
    TooLarge,
    /// Neither of the three.
    #[error("choose a PNG, JPEG or WebP file: this is none, whatever its name says")]
    Unknown,
    /// It begins as one of them and does not go on so.
    #[error("this {} file is cut off, or more than a picture: save the picture anew and choose that", .0.label())]
    Broken(LogoKind),
    /// Too small to be seen, or so large that browsers suffer.
    #[error("choose a picture whose edges have 16 to 2,000 pixels: this one is {0} by {1}")]
    Edges(u32, u32),
}

impl Logo {
    /// Looks at a file.
    pub fn read(bytes: Vec<u8>) -> Result<Self, InvalidLogo> {
        if bytes.len() > LOGO_MAX {
            return Err(InvalidLogo::TooLarge);
        }
        let (kind, edges) = if bytes.starts_with(PNG) {
            (LogoKind::Png, png(&bytes))
        } else if bytes.starts_with(b"\xff\xd8\xff") {
            (LogoKind::Jpeg, jpeg(&bytes))
        } else if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
            (LogoKind::Webp, webp(&bytes))
        } else {
            return Err(InvalidLogo::Unknown);
        };
        let (width, height) = edges.ok_or(InvalidLogo::Broken(kind))?;
        let fits = |edge| (EDGE_MIN..=EDGE_MAX).contains(&edge);
        if !fits(width) || !fits(height) {
            return Err(InvalidLogo::Edges(width, height));
        }
        Ok(Self { kind, width, height, bytes })
    }

    /// What the file is known by: half of its SHA-256, in hexadecimal.
    pub fn hash(&self) -> String {
        hexadecimal(&Sha256::digest(&self.bytes)[..16])
    }
}

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// Width and height, if chunk follows chunk from the header to the end and nothing comes after it (ISO/IEC 15948, 5).
fn png(bytes: &[u8]) -> Option<(u32, u32)> {
    let mut rest = bytes.strip_prefix(PNG)?;
    let mut edges = None;
    loop {
        let (length, after) = rest.split_first_chunk::<4>()?;
        let (name, after) = after.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let data = after.get(..length)?;
        // Four bytes of checksum.
        rest = after.get(length.checked_add(4)?..)?;
        match (name, edges) {
            (b"IHDR", None) if length == 13 => {
                let (width, data) = data.split_first_chunk::<4>()?;
                let (height, _) = data.split_first_chunk::<4>()?;
                edges = Some((u32::from_be_bytes(*width), u32::from_be_bytes(*height)));
            }
            (_, None) => return None,
            (b"IEND", Some(_)) => return edges.filter(|_| rest.is_empty()),
            _ => {}
        }
    }
}

/// Width and height from the first frame header (ISO/IEC 10918-1, B.2.2), if the file ends with the picture.
fn jpeg(bytes: &[u8]) -> Option<(u32, u32)> {
    let mut rest = bytes.strip_prefix(b"\xff\xd8")?.strip_suffix(b"\xff\xd9")?;
    loop {
        rest = rest.strip_prefix(b"\xff")?;
        let (marker, after) = rest.split_first()?;
        match marker {
            // Any number of these may stand before a marker.
            0xff => {}
            // These have no length.
            0x01 | 0xd0..=0xd7 => rest = after,
            // The picture begins, and no header came.
            0x00 | 0xd8..=0xda => return None,
            _ => {
                let (length, _) = after.split_first_chunk::<2>()?;
                let length = usize::from(u16::from_be_bytes(*length));
                let segment = after.get(2..length)?;
                if (0xc0..=0xcf).contains(marker) && ![0xc4, 0xc8, 0xcc].contains(marker) {
                    let (height, segment) = segment.get(1..)?.split_first_chunk::<2>()?;
                    let (width, _) = segment.split_first_chunk::<2>()?;
                    return Some((u16::from_be_bytes(*width).into(), u16::from_be_bytes(*height).into()));
                }
                rest = after.get(length..)?;
            }
        }
    }
}

/// Width and height from the first chunk, if the file is as long as it says (RFC 9649, 2.4 to 2.7).
fn webp(bytes: &[u8]) -> Option<(u32, u32)> {
    let (size, rest) = bytes.strip_prefix(b"RIFF")?.split_first_chunk::<4>()?;
    if usize::try_from(u32::from_le_bytes(*size)).ok()? != rest.len() {
        return None;
    }
    let (name, rest) = rest.strip_prefix(b"WEBP")?.split_first_chunk::<4>()?;
    let (_length, data) = rest.split_first_chunk::<4>()?;
    match name {
        b"VP8X" => {
            let edge = |bytes: &[u8]| 1 + u32::from_le_bytes([bytes[0], bytes[1], bytes[2], 0]);
            Some((edge(data.get(4..7)?), edge(data.get(7..10)?)))
        }
        b"VP8L" => {
            let (bits, _) = data.strip_prefix(b"\x2f")?.split_first_chunk::<4>()?;
            let bits = u32::from_le_bytes(*bits);
            Some(((bits & 0x3fff) + 1, ((bits >> 14) & 0x3fff) + 1))
        }
        b"VP8 " => {
            let (width, rest) = data.get(3..)?.strip_prefix(b"\x9d\x01\x2a")?.split_first_chunk::<2>()?;
            let (height, _) = rest.split_first_chunk::<2>()?;
            // The two highest bits say how to stretch it.
            let edge = |bytes: [u8; 2]| u32::from(u16::from_le_bytes(bytes) & 0x3fff);
            Some((edge(*width), edge(*height)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn chunk(name: &[u8], data: &[u8]) -> Vec<u8> {
        let length = u32::try_from(data.len()).unwrap().to_be_bytes();
        [&length[..], name, data, &[0; 4]].concat()
    }

    fn a_png(width: u32, height: u32) -> Vec<u8> {
        let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 6, 0, 0, 0]].concat();
        [PNG, &chunk(b"IHDR", &header), &chunk(b"IDAT", b"pixels"), &chunk(b"IEND", b"")].concat()
    }

    fn a_jpeg(width: u16, height: u16) -> Vec<u8> {
        let frame = [&[0xff, 0xc2, 0, 11, 8][..], &height.to_be_bytes(), &width.to_be_bytes(), &[1, 1, 17, 0]].concat();
        [&b"\xff\xd8\xff\xe0\x00\x04ab\xff"[..], &frame, b"\xff\xda\x00\x02pixels\xff\xd9"].concat()
    }

    fn a_webp(name: &[u8], data: &[u8]) -> Vec<u8> {
        let size = u32::try_from(12 + data.len()).unwrap().to_le_bytes();
        [&b"RIFF"[..], &size, b"WEBP", name, &[0; 4], data].concat()
    }

    fn edges(bytes: Vec<u8>) -> Result<(LogoKind, u32, u32), InvalidLogo> {
        Logo::read(bytes).map(|logo| (logo.kind, logo.width, logo.height))
    }

    #[test]
    fn each_kind_says_how_large_it_is() {
        assert_eq!(edges(a_png(320, 80)), Ok((LogoKind::Png, 320, 80)));
        assert_eq!(edges(a_jpeg(320, 80)), Ok((LogoKind::Jpeg, 320, 80)));
        assert_eq!(edges(a_webp(b"VP8X", b"\0\0\0\0\x3f\x01\0\x4f\0\0")), Ok((LogoKind::Webp, 320, 80)));
        let bits = (0x13f_u32 | (0x4f << 14)).to_le_bytes();
        assert_eq!(edges(a_webp(b"VP8L", &[&[0x2f][..], &bits].concat())), Ok((LogoKind::Webp, 320, 80)));
        assert_eq!(edges(a_webp(b"VP8 ", b"abc\x9d\x01\x2a\x40\x41\x50\x00")), Ok((LogoKind::Webp, 320, 80)));
    }

    #[test]
    fn what_is_no_picture_is_refused_whatever_it_looks_like() {
        let svg = b"<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>";
        for file in [&svg[..], b"GIF89a", b"", b"\x89PNG", b"RIFF\x04\0\0\0AVI ", &[b"\n", &a_png(99, 99)[..]].concat()]
        {
            assert_eq!(edges(file.to_vec()), Err(InvalidLogo::Unknown), "{file:?}");
        }
        // Begins as a picture and goes on as something else.
        assert_eq!(edges([PNG, svg].concat()), Err(InvalidLogo::Broken(LogoKind::Png)));
        for (file, kind) in [
            (a_png(99, 99), LogoKind::Png),
            (a_jpeg(99, 99), LogoKind::Jpeg),
            (a_webp(b"VP8X", &[0; 10]), LogoKind::Webp),
        ] {
            assert_eq!(edges([&file[..], svg].concat()), Err(InvalidLogo::Broken(kind)), "something behind a {kind:?}");
            for length in 12..file.len() {
                assert_eq!(edges(file[..length].to_vec()), Err(InvalidLogo::Broken(kind)), "{length} of a {kind:?}");
            }
        }
    }

    #[test]
    fn neither_a_speck_nor_a_wall_is_taken() {
        assert!(edges(a_png(16, 2_000)).is_ok());
        for (width, height) in [(15, 99), (99, 2_001), (0, 0), (u32::MAX, u32::MAX)] {
            assert_eq!(edges(a_png(width, height)), Err(InvalidLogo::Edges(width, height)));
        }
        let words = InvalidLogo::Edges(15, 99).to_string();
        assert_eq!(words, "choose a picture whose edges have 16 to 2,000 pixels: this one is 15 by 99");
        let mut large = a_png(99, 99);
        large.resize(LOGO_MAX + 1, 0);
        assert_eq!(edges(large), Err(InvalidLogo::TooLarge));
    }

    proptest! {
        #[test]
        fn no_file_brings_it_down(head in 0..4_usize, rest in proptest::collection::vec(any::<u8>(), 0..80)) {
            let head: &[u8] = [PNG, b"\xff\xd8\xff", b"RIFF\x30\0\0\0WEBPVP8 ", b""][head];
            let _ = Logo::read([head, &rest].concat());
        }
    }
}
