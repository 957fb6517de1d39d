//! Dates and durations as each language writes them.

use jiff::{SignedDuration, Timestamp, civil::Date};

use super::{Locale, Zone};

impl Locale {
    /// `5 Feb 2024, 10:12 UTC`: the time that everyone shares.
    pub fn full_time(self, at: Timestamp) -> String {
        let time = Zone::utc().clock(at);
        format!("{} {}, {} UTC", self.day(time.date()), time.year(), time.strftime("%H:%M"))
    }

    /// What stands behind [`Locale::full_time`]: ` · 18:12 your time (Asia/Taipei)`, with the day where it is another
    /// one. For those who chose no zone the page's is named, without a claim that it is theirs; nothing for UTC.
    ///
    /// Holds nothing that would have to be escaped in HTML.
    pub fn local_time(self, at: Timestamp, own: Option<&Zone>, page: Option<&Zone>) -> String {
        let Some(zone) = own.or(page).filter(|zone| !zone.is_utc()) else { return String::new() };
        let time = zone.clock(at);
        let day = if time.date() == Zone::utc().clock(at).date() {
            String::new()
        } else {
            format!("{}, ", self.day(time.date()))
        };
        let whose = match own {
            Some(zone) => format!("{} ({zone})", self.here()),
            None => format!("({zone})"),
        };
        format!(" · {day}{} {whose}", time.strftime("%H:%M"))
    }

    /// The time where the reader lives, in as few words as can be.
    fn here(self) -> &'static str {
        match self {
            Self::English => "your time",
            Self::German => "bei Ihnen",
            Self::French => "chez vous",
            Self::Spanish => "hora local",
        }
    }

    /// `5 Feb 2024`
    pub fn date(self, date: Date) -> String {
        format!("{} {}", self.day(date), date.year())
    }

    /// `5 Feb`, `5. Feb.`, `1er févr.`, `5 feb`
    fn day(self, date: Date) -> String {
        let months = self.months();
        let month = usize::try_from(date.month() - 1).ok().and_then(|index| months.get(index));
        let (day, month) = (date.day(), month.copied().unwrap_or_default());
        match self {
            Self::German => format!("{day}. {month}"),
            Self::French if day == 1 => format!("1er {month}"),
            Self::English | Self::French | Self::Spanish => format!("{day} {month}"),
        }
    }

    fn months(self) -> [&'static str; 12] {
        match self {
            Self::English => ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"],
            Self::German => {
                ["Jan.", "Feb.", "März", "Apr.", "Mai", "Juni", "Juli", "Aug.", "Sept.", "Okt.", "Nov.", "Dez."]
            }
            Self::French => {
                ["janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc."]
            }
            Self::Spanish => ["ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sept", "oct", "nov", "dic"],
        }
    }

    /// `1 h 27 min`: the two largest units, rounded down.
    pub fn duration(self, from: Timestamp, to: Timestamp) -> String {
        let minutes = to.duration_since(from).max(SignedDuration::ZERO).as_mins();
        let (days, hours, rest) = (minutes / 1440, minutes / 60 % 24, minutes % 60);
        let (day, hour, minute) = match self {
            Self::English => ("d", "h", "min"),
            Self::German if days == 1 => ("Tag", "Std.", "Min."),
            Self::German => ("Tage", "Std.", "Min."),
            Self::French => ("j", "h", "min"),
            Self::Spanish if days == 1 => ("día", "h", "min"),
            Self::Spanish => ("días", "h", "min"),
        };
        let parts = match (days, hours, rest) {
            (0, 0, 0) => return self.moment().to_owned(),
            (0, 0, minutes) => [(0, ""), (minutes, minute)],
            (0, hours, minutes) => [(hours, hour), (minutes, minute)],
            (days, hours, _) => [(days, day), (hours, hour)],
        };
        let words: Vec<_> =
            parts.iter().filter(|(count, _)| *count > 0).map(|(count, unit)| format!("{count} {unit}")).collect();
        words.join(" ")
    }

    fn moment(self) -> &'static str {
        match self {
            Self::English => "less than a minute",
            Self::German => "weniger als eine Minute",
            Self::French => "moins d’une minute",
            Self::Spanish => "menos de un minuto",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn zone(name: &str) -> Zone {
        name.parse().unwrap()
    }

    #[test]
    fn each_language_has_its_way_with_dates() {
        let (day, first) = (at("2024-02-05T10:12:00Z"), at("2024-08-01T00:00:00Z"));
        let dates = |at| Locale::ALL.iter().map(|locale| locale.full_time(at)).collect::<Vec<_>>();
        assert_eq!(
            dates(day),
            ["5 Feb 2024, 10:12 UTC", "5. Feb. 2024, 10:12 UTC", "5 févr. 2024, 10:12 UTC", "5 feb 2024, 10:12 UTC"]
        );
        assert_eq!(
            dates(first),
            ["1 Aug 2024, 00:00 UTC", "1. Aug. 2024, 00:00 UTC", "1er août 2024, 00:00 UTC", "1 ago 2024, 00:00 UTC"]
        );
        assert_eq!(Locale::English.full_time(day), time::full(day), "as pages write it");
    }

    #[test]
    fn a_readers_own_time_names_the_day_only_where_it_is_another() {
        let taipei = zone("Asia/Taipei");
        let local = |text, locale: Locale| locale.local_time(at(text), Some(&taipei), None);
        assert_eq!(local("2024-02-05T10:12:00Z", Locale::English), " · 18:12 your time (Asia/Taipei)");
        assert_eq!(local("2024-02-05T18:12:00Z", Locale::English), " · 6 Feb, 02:12 your time (Asia/Taipei)");
        assert_eq!(local("2024-02-29T18:12:00Z", Locale::German), " · 1. März, 02:12 bei Ihnen (Asia/Taipei)");
        assert_eq!(local("2024-02-29T18:12:00Z", Locale::French), " · 1er mars, 02:12 chez vous (Asia/Taipei)");
        assert_eq!(local("2024-02-05T10:12:00Z", Locale::Spanish), " · 18:12 hora local (Asia/Taipei)");
    }

    #[test]
    fn the_pages_zone_is_not_passed_off_as_the_readers() {
        let (instant, berlin, utc) = (at("2024-07-05T10:12:00Z"), zone("Europe/Berlin"), Zone::utc());
        let other = zone("Etc/UTC");
        let local = |own, page| Locale::English.local_time(instant, own, page);
        assert_eq!(local(None, Some(&berlin)), " · 12:12 (Europe/Berlin)");
        assert_eq!(local(Some(&utc), Some(&berlin)), "");
        assert_eq!(local(None, Some(&utc)), "");
        assert_eq!(local(None, Some(&other)), "", "by another name");
        assert_eq!(local(None, None), "");
    }

    #[test]
    fn durations_read_like_words() {
        let from = at("2024-02-05T10:12:00Z");
        for (to, words) in [
            (
                "2024-02-05T10:12:30Z",
                ["less than a minute", "weniger als eine Minute", "moins d’une minute", "menos de un minuto"],
            ),
            ("2024-02-05T11:39:00Z", ["1 h 27 min", "1 Std. 27 Min.", "1 h 27 min", "1 h 27 min"]),
            ("2024-02-06T20:04:00Z", ["1 d 9 h", "1 Tag 9 Std.", "1 j 9 h", "1 día 9 h"]),
            ("2024-02-07T10:12:00Z", ["2 d", "2 Tage", "2 j", "2 días"]),
        ] {
            let said: Vec<_> = Locale::ALL.iter().map(|locale| locale.duration(from, at(to))).collect();
            assert_eq!(said, words);
            assert_eq!(said[0], time::duration(from, at(to)), "as pages write it");
        }
    }

    #[test]
    fn no_zone_needs_escaping() {
        let forbidden = |letter: char| "<>&\"'".contains(letter) || letter.is_control();
        let names: Vec<_> = Zone::regions().into_values().flatten().collect();
        assert!(names.len() > 300, "{}", names.len());
        for name in names {
            let zone = name.parse().unwrap();
            for locale in Locale::ALL {
                let said = locale.local_time(at("2024-02-05T18:12:00Z"), Some(&zone), None);
                assert!(!said.contains(forbidden), "{said}");
            }
        }
    }
}
