//! What is said of an input once it is open, so that a wrong guess is seen.

use konflik::ingest::{CharsetSource, Encoding, Layout};

/// A line for each thing that was found out and is not the plain case.
pub(super) fn found_lines(layout: &Layout) -> Vec<String> {
    let encoding = encoding_line(layout.encoding);
    encoding.into_iter().collect()
}

fn encoding_line(Encoding { charset, source }: Encoding) -> Option<String> {
    let how = match source {
        _ if charset.is_utf8() => return None,
        CharsetSource::Named => return None,
        CharsetSource::Mark => "by its byte-order mark",
        CharsetSource::Detected => "detected; --encoding names another",
    };
    Some(format!("encoding: {} ({how})", charset.name()))
}
