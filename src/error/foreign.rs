//! Files of unsupported kinds.

use std::fmt;

/// An unsupported kind of file, detected by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ForeignKind {
    /// HTML; some programs also write it as `.xls` or `.doc`.
    WebPage,
    /// XML of any kind.
    Xml,
    /// PDF.
    Pdf,
    /// RTF.
    Rtf,
    /// Word or Excel before 2007, or encrypted.
    OldOffice,
    /// ZIP instead of text.
    Zip,
    /// gzip.
    Gzip,
    /// Plain text with the suffix of a Word document.
    TextAsWord,
}

impl ForeignKind {
    /// How to convert the file into a supported one.
    pub(super) fn remedy(self) -> &'static str {
        match self {
            Self::WebPage => {
                "open it in a browser or an office program and save it as .docx or .txt, a table as .xlsx or CSV"
            }
            Self::Xml => {
                "open it in the program that wrote it and save it as .docx or .txt, a table as .xlsx or CSV"
            }
            Self::Pdf => "copy its text into a document and save that as .docx or .txt",
            Self::Rtf => "open it in a word processor and save it as .docx or .txt",
            Self::OldOffice => "open it and save it without a password, as .docx or .xlsx",
            Self::Zip => "name the format, or unpack the file",
            Self::Gzip => "unpack it first",
            Self::TextAsWord => {
                "rename the file to .txt (or .csv if it is a table), or name the format"
            }
        }
    }
}

impl fmt::Display for ForeignKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WebPage => "a web page, whatever its suffix says",
            Self::Xml => "an XML file",
            Self::Pdf => "a PDF file",
            Self::Rtf => "an RTF document",
            Self::OldOffice => "an old Excel or Word file, or one locked with a password",
            Self::Zip => "a ZIP file (XLSX, DOCX or ODS)",
            Self::Gzip => "a gzip file",
            Self::TextAsWord => "plain text, although its suffix says otherwise",
        })
    }
}
