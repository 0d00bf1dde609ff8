//! A table as data, so that the page and the Markdown say the same.

use std::fmt::Write;

use super::html::escape;

/// A table. With no columns, each row is a label and one value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Table {
    /// What stands over it.
    pub title: &'static str,
    /// What stands over the values.
    pub columns: Vec<&'static str>,
    /// The rows.
    pub rows: Vec<Row>,
}

/// One row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row {
    /// What it is about.
    pub label: String,
    /// One for each column.
    pub values: Vec<String>,
    /// Whether it is a fault, and is to be seen.
    pub is_fault: bool,
}

impl Table {
    /// A table of labels and single values, without those that have none.
    #[must_use]
    pub fn of_pairs(title: &'static str, pairs: Vec<(&str, Option<String>)>) -> Self {
        let rows = pairs.into_iter().filter_map(|(label, value)| Some(Row::new(label, vec![value?])));
        Self { title, columns: Vec::new(), rows: rows.collect() }
    }

    /// As HTML; empty without rows.
    #[must_use]
    pub fn to_html(&self) -> String {
        if self.rows.is_empty() {
            return String::new();
        }
        let class = if self.columns.is_empty() { "" } else { " class=\"numbers\"" };
        let mut html = format!("<div><h2>{}</h2><div class=\"card\"><table{class}>", escape(self.title));
        if !self.columns.is_empty() {
            let heads: String = self.columns.iter().map(|column| format!("<th>{}</th>", escape(column))).collect();
            let _ = write!(html, "<thead><tr><th></th>{heads}</tr></thead>");
        }
        html += "<tbody>";
        self.rows.iter().for_each(|row| html += &row.to_html());
        html + "</tbody></table></div></div>"
    }

    /// As a Markdown table under a heading; empty without rows.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        if self.rows.is_empty() {
            return String::new();
        }
        let columns = if self.columns.is_empty() { vec![""] } else { self.columns.clone() };
        let heads = columns.join(" | ");
        let rule = "--:|".repeat(columns.len());
        let mut text = format!("### {}\n\n|  | {heads} |\n|---|{rule}\n", self.title);
        for row in &self.rows {
            let values = row.values.iter().map(|value| cell(value)).collect::<Vec<_>>().join(" | ");
            let _ = match row.is_fault {
                true => writeln!(text, "| **{}** | **{values}** |", cell(&row.label)),
                false => writeln!(text, "| {} | {values} |", cell(&row.label)),
            };
        }
        text + "\n"
    }
}

/// Text that a Markdown table can hold.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace(['\n', '\r'], " ")
}

impl Row {
    /// A row.
    #[must_use]
    pub fn new(label: impl Into<String>, values: Vec<String>) -> Self {
        Self { label: label.into(), values, is_fault: false }
    }

    fn to_html(&self) -> String {
        let class = if self.is_fault { " class=\"fault\"" } else { "" };
        let cells: String = self.values.iter().map(|value| format!("<td>{}</td>", escape(value))).collect();
        format!("<tr{class}><th>{}</th>{cells}</tr>", escape(&self.label))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_value_has_no_row_and_nothing_breaks_the_table() {
        let table =
            Table::of_pairs("About", vec![("a|b", Some("1\n2".to_owned())), ("c", None), ("d", Some("<e>".into()))]);
        assert_eq!(table.rows.len(), 2);
        let markdown = table.to_markdown();
        assert!(markdown.contains("| a\\|b | 1 2 |") && !markdown.contains("| c |"), "{markdown}");
        assert!(table.to_html().contains("&lt;e&gt;"));
        assert_eq!(Table::default().to_html() + &Table::default().to_markdown(), "");
    }

    #[test]
    fn faults_are_seen() {
        let row = Row { is_fault: true, ..Row::new("Lost", vec!["3".to_owned()]) };
        let table = Table { title: "Ledger", columns: Vec::new(), rows: vec![row] };
        assert!(table.to_html().contains("<tr class=\"fault\"><th>Lost</th><td>3</td></tr>"));
        assert!(table.to_markdown().contains("| **Lost** | **3** |"));
    }
}
