//! What stands in a text: names and links.

/// Names and links that are looked at in one text.
const FOUND_MAX: usize = 20;

/// Whom a text names: `@name` where no letter or digit stands before the sign. In lower case, each once.
#[must_use]
pub fn mentions(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for (at, _) in text.match_indices('@') {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        if before.is_some_and(|c| c.is_alphanumeric() || "@/".contains(c)) || found.len() == FOUND_MAX {
            continue;
        }
        let rest = text.get(at + 1..).unwrap_or_default();
        let end = rest.find(|c: char| !(c.is_alphanumeric() || "-_.".contains(c))).unwrap_or(rest.len());
        let name = rest.get(..end).unwrap_or_default().trim_end_matches(['-', '_', '.']).to_lowercase();
        if !name.is_empty() && !found.contains(&name) {
            found.push(name);
        }
    }
    found
}

/// The links in a text: `http://` or `https://` up to white space, without the punctuation of the sentence around.
#[must_use]
pub fn links(text: &str) -> Vec<&str> {
    let words = text.split(|c: char| c.is_whitespace() || "<>\"".contains(c));
    let links = words.filter_map(|word| {
        let start = word.find("https://").or_else(|| word.find("http://"))?;
        let link = word.get(start..)?.trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']', '}', '\'']);
        (link.len() > "https://".len()).then_some(link)
    });
    links.take(FOUND_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_end_where_the_sentence_goes_on() {
        assert_eq!(mentions("@Ada, ask @bob.k. or (@c-3) and @ada"), ["ada", "bob.k", "c-3"]);
        assert!(mentions("mail me: a@example.org, @, @@x, /@y").is_empty());
    }

    #[test]
    fn links_leave_the_sentence_around_them() {
        assert_eq!(
            links("see (https://a.example/x?y=1). <http://b.example>"),
            ["https://a.example/x?y=1", "http://b.example"]
        );
        assert!(links("https:// and ftp://x").is_empty());
    }
}
