//! Where something is wrong, and what would be right.

use std::fmt;
use std::ops::Range;
use std::path::Path;

/// One mistake in a file: `gateway.toml:12:5: ...`.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::standalone) struct Mistake {
    place: String,
    words: String,
}

/// A file and its text, for saying where in it something stands.
pub(super) struct Source<'a> {
    pub(super) path: &'a Path,
    pub(super) text: &'a str,
}

impl Mistake {
    /// A mistake of the file as a whole.
    pub(super) fn of_file(path: &Path, words: impl Into<String>) -> Self {
        Self { place: path.display().to_string(), words: words.into() }
    }
}

impl Source<'_> {
    pub(super) fn at(&self, span: Range<usize>, words: impl Into<String>) -> Mistake {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Mistake { place: format!("{}:{line}:{column}", self.path.display()), words: words.into() }
    }

    /// What the reader of TOML says, with a suggestion where it lists what is allowed.
    pub(super) fn unreadable(&self, error: &toml::de::Error) -> Mistake {
        let message = error.message();
        let words = match Listed::of(message) {
            Some(listed) => listed.words(),
            None => message.replace('\n', ": "),
        };
        match error.span() {
            Some(span) => self.at(span, words),
            None => Mistake::of_file(self.path, words),
        }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.words)
    }
}

/// serde's words for a name that it does not know: "unknown field `a`, expected one of `b`, `c`".
struct Listed<'a> {
    what: &'static str,
    written: &'a str,
    allowed: Vec<&'a str>,
}

impl<'a> Listed<'a> {
    fn of(message: &'a str) -> Option<Self> {
        let (what, rest) = match message.split_once("unknown field ") {
            Some((_, rest)) => ("option", rest),
            None => ("value", message.split_once("unknown variant ")?.1),
        };
        let mut quoted = rest.split('`').skip(1).step_by(2);
        Some(Self { what, written: quoted.next()?, allowed: quoted.collect() })
    }

    fn words(&self) -> String {
        let mut allowed = self.allowed.clone();
        allowed.sort_unstable();
        let what = self.what;
        let nearest = match nearest(self.written, &allowed) {
            Some(nearest) => format!("; did you mean `{nearest}`?"),
            None => ";".to_owned(),
        };
        format!("there is no {what} `{}`{nearest} Allowed here: {}", self.written, allowed.join(", "))
    }
}

/// The candidate that is a slip away from what was written.
pub(super) fn nearest<'a>(written: &str, candidates: &[&'a str]) -> Option<&'a str> {
    let distances = candidates.iter().map(|candidate| (strsim::levenshtein(written, candidate), *candidate));
    let (distance, candidate) = distances.min()?;
    let slips_max = (written.len().max(candidate.len()) / 3).max(1);
    (distance <= slips_max).then_some(candidate)
}
