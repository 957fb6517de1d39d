//! Numbers as people read them.

/// `9,874`
pub fn thousands(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::from(if number < 0 { "-" } else { "" });
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `nobody`, `1 person`, `9,874 people`
pub fn people(number: i64) -> String {
    match number {
        0 => "nobody".to_owned(),
        1 => "1 person".to_owned(),
        number => format!("{} people", thousands(number)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_come_in_threes() {
        let numbers = [0, 7, 412, 1_000, 9_874, 100_000, 1_234_567, -1_000].map(thousands);
        assert_eq!(numbers, ["0", "7", "412", "1,000", "9,874", "100,000", "1,234,567", "-1,000"]);
        assert_eq!([0, 1, 2].map(people), ["nobody", "1 person", "2 people"]);
    }
}
