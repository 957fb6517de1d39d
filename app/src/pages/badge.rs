//! The present status as a picture, for other people's pages.

use domain::{component::Section, incident::Incident};

use crate::{
    components::{UNKNOWN, shape},
    pages::home::summary,
    render::escape,
    site::{Freshness, Site},
};

/// What the picture shows.
#[derive(Clone, Debug)]
pub struct Badge {
    /// The page itself.
    pub site: Site,
    /// Whether it can be confirmed.
    pub freshness: Freshness,
    /// All components.
    pub sections: Vec<Section>,
    /// Incidents that are not over.
    pub open: Vec<Incident>,
}

/// Tone, ground, edge and mark, as `style/tokens.css` has them in light; a picture cannot ask for its surroundings.
const HUES: [(&str, &str, &str, &str); 6] = [
    ("operational", "#edf7f1", "#b5dcc6", "#0d7549"),
    ("under_maintenance", "#eef4fd", "#bcd2f3", "#1d5bbd"),
    ("degraded_performance", "#fdf6e3", "#e8d294", "#815600"),
    ("partial_outage", "#fdf2ea", "#f0c6a6", "#a8410a"),
    ("major_outage", "#fdf0f1", "#efbcc2", "#b81d34"),
    (UNKNOWN, "#f2f2f1", "#cfcfcd", "#565a61"),
];
/// The ink of the words.
const INK: &str = "#1b1d21";

/// Draws it: SVG, with the words as text and as its name.
pub fn picture(badge: &Badge) -> String {
    let summary = summary(&badge.sections, &badge.open, badge.freshness);
    let [.., unknown] = HUES;
    let (_, ground, edge, hue) = HUES.into_iter().find(|(tone, ..)| *tone == summary.tone).unwrap_or(unknown);
    let words = escape(&summary.headline);
    let name = escape(&format!("{}: {}", badge.site.name, summary.headline));
    // Nobody knows which font will be there: the text is given a usual width, and fitted to it.
    let length = summary.headline.chars().count() * 7;
    let width = length + 42;
    let inner = width - 1;
    let shape = shape(summary.tone);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"28\" viewBox=\"0 0 {width} 28\" role=\"img\" \
         aria-labelledby=\"name\"><title id=\"name\">{name}</title>\
         <rect x=\".5\" y=\".5\" width=\"{inner}\" height=\"27\" rx=\"6\" fill=\"{ground}\" stroke=\"{edge}\"/>\
         <path transform=\"translate(11 8) scale(.75)\" fill=\"{hue}\" fill-rule=\"evenodd\" d=\"{shape}\"/>\
         <text x=\"30\" y=\"18.5\" fill=\"{INK}\" font-family=\"system-ui, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif\" \
         font-size=\"13\" textLength=\"{length}\" lengthAdjust=\"spacingAndGlyphs\">{words}</text></svg>\n"
    )
}

#[cfg(test)]
mod tests {
    use domain::component::{Component, sections};
    use domain::ids::ComponentId;
    use domain::status::ComponentStatus;
    use jiff::Timestamp;

    use super::*;

    fn badge(status: ComponentStatus, freshness: Freshness) -> String {
        let component = Component {
            id: ComponentId::from_random(1),
            name: "API".into(),
            description: String::new(),
            status,
            group: None,
            position: 0,
        };
        let site = Site {
            name: "A <b> & c".into(),
            url: "https://status.example.com".into(),
            assets: "/assets/1".into(),
            version: 1,
            brand: crate::site::Brand::default(),
        };
        picture(&Badge { site, freshness, sections: sections(vec![], vec![component]), open: vec![] })
    }

    #[test]
    fn it_says_the_status_in_words_and_escapes_the_pages_name() {
        let live = Freshness::Live(Timestamp::UNIX_EPOCH);
        let svg = badge(ComponentStatus::Operational, live);
        assert!(svg.contains("<title id=\"name\">A &lt;b&gt; &amp; c: All systems operational</title>"), "{svg}");
        assert!(svg.contains(">All systems operational</text>") && svg.contains("#0d7549"), "{svg}");
        assert!(badge(ComponentStatus::MajorOutage, live).contains(">All systems are down</text>"));
    }

    #[test]
    fn what_cannot_be_confirmed_is_not_green() {
        let svg = badge(ComponentStatus::Operational, Freshness::Stale(Timestamp::UNIX_EPOCH));
        assert!(svg.contains(">Current state not known</text>") && !svg.contains("#0d7549"), "{svg}");
    }

    #[test]
    fn its_colours_are_those_of_the_pages() {
        let tokens = include_str!("../../../style/tokens.css");
        let light = tokens.split("@media").next().unwrap();
        for (tone, ground, edge, hue) in HUES {
            let tone = tone.replace('_', "-");
            for (name, colour) in [("-tint", ground), ("-line", edge), ("", hue)] {
                assert!(light.contains(&format!("--{tone}{name}: {colour};")), "{tone}{name}");
            }
        }
        assert!(light.contains(&format!("--ink: {INK};")));
    }
}
