//! The embedded fonts: one family for prose, one for what is exact. Fonts of the machine are never used.

use std::sync::LazyLock;

use typst::foundations::Bytes;
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;

/// The families that templates may name.
pub(crate) const FAMILIES: [&str; 2] = ["Libertinus Serif", "DejaVu Sans Mono"];

/// The fonts with their index.
pub(crate) struct Fonts {
    pub(crate) book: LazyHash<FontBook>,
    pub(crate) list: Vec<Font>,
}

/// All fonts of [`FAMILIES`].
pub(crate) static FONTS: LazyLock<Fonts> = LazyLock::new(|| {
    let all = typst_assets::fonts().flat_map(|data| Font::iter(Bytes::new(data)));
    let list: Vec<Font> = all.filter(|font| FAMILIES.contains(&font.info().family.as_str())).collect();
    Fonts { book: LazyHash::new(FontBook::from_fonts(&list)), list }
});

/// Whether every face of every family has a glyph for `c`, so that it can stand anywhere in a document.
pub(crate) fn has_glyph(c: char) -> bool {
    FONTS.list.iter().all(|font| font.info().coverage.contains(u32::from(c)))
}
