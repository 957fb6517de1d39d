//! Writes tables in columns of characters.

use pulldown_cmark::Alignment;

/// A table whose cells are being collected; the first row is its head.
#[derive(Default)]
pub(super) struct Table {
    alignments: Vec<Alignment>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(super) fn new(alignments: &[Alignment]) -> Self {
        Self { alignments: alignments.to_vec(), rows: Vec::new() }
    }

    pub(super) fn start_row(&mut self) {
        self.rows.push(Vec::new());
    }

    pub(super) fn push_cell(&mut self, text: String) {
        if let Some(row) = self.rows.last_mut() {
            row.push(text);
        }
    }

    /// The table, one line a row: in aligned columns if they fit into `width` characters, else cell after cell.
    pub(super) fn write(&self, width: usize) -> String {
        let mut widths = vec![0; self.alignments.len()];
        for row in &self.rows {
            for (column, cell) in widths.iter_mut().zip(row) {
                *column = cell.chars().count().max(*column);
            }
        }
        let is_aligned = widths.iter().map(|column| column + SEPARATOR.len()).sum::<usize>() <= width;
        if !is_aligned {
            widths.fill(0);
        }
        let mut text = String::new();
        for (number, row) in self.rows.iter().enumerate() {
            let mut line = String::new();
            for (column, cell) in row.iter().enumerate() {
                if column > 0 {
                    line.push_str(SEPARATOR);
                }
                let columns = widths.get(column).copied().unwrap_or_default();
                let spare = columns.saturating_sub(cell.chars().count());
                let before = match self.alignments.get(column) {
                    Some(Alignment::Right) => spare,
                    Some(Alignment::Center) => spare / 2,
                    _ => 0,
                };
                line.push_str(&" ".repeat(before));
                line.push_str(cell);
                line.push_str(&" ".repeat(spare - before));
            }
            text.push_str(line.trim_end());
            text.push('\n');
            if number == 0 {
                let dashes: Vec<_> = widths.iter().map(|&column| "-".repeat(column)).collect();
                let dashes = dashes.join("-+-");
                text.push_str(if is_aligned { &dashes } else { "---" });
                text.push('\n');
            }
        }
        text
    }
}

const SEPARATOR: &str = " | ";
