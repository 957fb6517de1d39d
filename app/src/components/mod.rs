//! Small parts of pages, each used at least twice; none knows where its values come from.

mod banner;
mod component_list;
mod field;
mod follows;
mod freshness;
mod incident_card;
mod incident_list;
mod preferences;
mod status_mark;
mod time;
mod update_entry;

pub use banner::{Banner, banner};
pub use component_list::{changes, component_list, present, standing_list};
pub use field::{TextField, error_summary, field_error, sentence, text_field};
pub use follows::follows_fields;
pub use freshness::{as_of, stale_notice};
pub use incident_card::open_incidents;
pub use incident_list::{Day, day_list, days_of, last_days};
pub use preferences::{preferences_fields, zones};
pub use status_mark::{UNKNOWN, impact_label, impact_mark, impact_tone, mark, shape, status_mark};
pub use time::{dated, duration, promise, timestamp};
pub use update_entry::{prose, update_entry};

use domain::component::Section;

/// Joins names as in a sentence: `API`, `API and Webhooks`, `API, Webhooks and 7 more`. Long names are cut.
pub fn names(names: &[String]) -> String {
    // "and 1 more" is longer than most names.
    let room = if names.len() <= 4 { 4 } else { 3 };
    let shown: Vec<_> = names.iter().take(room).map(|name| isolated(&shortened(name))).collect();
    let more = names.len().saturating_sub(shown.len());
    match (shown.as_slice(), more) {
        ([], _) => String::new(),
        ([one], _) => one.clone(),
        ([first @ .., last], 0) => format!("{} and {last}", first.join(", ")),
        (shown, more) => format!("{} and {more} more", shown.join(", ")),
    }
}

/// At most sixty characters of a name, for places that hold several.
fn shortened(name: &str) -> String {
    const MOST: usize = 60;
    if name.chars().count() <= MOST {
        return name.to_owned();
    }
    let kept: String = name.chars().take(MOST - 1).collect();
    format!("{}…", kept.trim_end())
}

/// Keeps a name that runs from right to left from reordering the sentence around it.
fn isolated(name: &str) -> String {
    let is_rtl = |letter| matches!(letter, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}');
    if name.contains(is_rtl) { format!("\u{2068}{name}\u{2069}") } else { name.to_owned() }
}

/// Every component of the page, in its order.
pub fn all_components(sections: &[Section]) -> impl Iterator<Item = &domain::component::Component> {
    sections.iter().flat_map(|section| &section.components)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_like_a_sentence() {
        let list = |count: usize| {
            names(
                &["API", "Web", "Mail", "Jobs", "Search"][..count].iter().map(ToString::to_string).collect::<Vec<_>>(),
            )
        };
        assert_eq!(list(1), "API");
        assert_eq!(list(2), "API and Web");
        assert_eq!(list(4), "API, Web, Mail and Jobs");
        assert_eq!(list(5), "API, Web, Mail and 2 more");
    }

    #[test]
    fn a_name_from_right_to_left_keeps_to_itself() {
        assert_eq!(names(&["בסיס".to_owned()]), "\u{2068}בסיס\u{2069}");
    }
}
