//! A format out that this build does not know: this file and one line of a caller are all it takes.

use konflik::error::RowFault;
use konflik::export::table::{Cell, Row, TableFormat, TableHead, TableWriter};

/// Tables in Markdown.
pub(crate) const MARKDOWN: TableFormat = TableFormat {
    name: "markdown",
    suffixes: &["md"],
    nests: false,
    open: |head| Box::new(Markdown(head)),
};

struct Markdown(TableHead);

fn line<'c>(cells: impl Iterator<Item = &'c str>, bytes: &mut Vec<u8>) {
    bytes.push(b'|');
    for cell in cells {
        let cell = cell.replace('|', "\\|").replace('\n', "<br>");
        bytes.extend_from_slice(format!(" {cell} |").as_bytes());
    }
    bytes.push(b'\n');
}

impl TableWriter for Markdown {
    fn header(&self) -> konflik::Result<Vec<u8>> {
        let input = self.0.input.iter().flat_map(|input| &input.columns);
        let names: Vec<&str> = input.chain(&self.0.columns).map(String::as_str).collect();
        let mut bytes = Vec::new();
        line(names.iter().copied(), &mut bytes);
        line(names.iter().map(|_| "---"), &mut bytes);
        Ok(bytes)
    }

    fn row(&self, row: Row<'_>, bytes: &mut Vec<u8>) -> Result<(), RowFault> {
        let mut cells: Vec<String> = Vec::new();
        if let Some(record) = row.record {
            cells.extend(record.cells().into_iter().map(String::from));
        }
        cells.extend(row.cells.iter().map(|cell| match cell {
            Cell::Blank | Cell::Shares(_) => String::new(),
            Cell::Plain(text) => (*text).to_string(),
            Cell::Text(text) => text.to_string(),
            Cell::Share(share) => format!("{share:.2}"),
        }));
        line(cells.iter().map(String::as_str), bytes);
        Ok(())
    }

    fn finish(&self) -> konflik::Result<Vec<u8>> {
        Ok(b"\nMade by a format of ours.\n".to_vec())
    }
}
