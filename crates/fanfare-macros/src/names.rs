//! Event types and topics: the rules of `fanfare_core::Topic`, told before the program runs.

use syn::{Error, LitStr, Result};

const NAME_LEN_MAX: usize = 255;

/// Checks the text of an event type or a topic.
pub(crate) fn check(name: &LitStr, what: &str) -> Result<()> {
    match wrong_with(&name.value()) {
        None => Ok(()),
        Some(why) => Err(Error::new(name.span(), format!("`{}` is not a valid {what}: {why}", name.value()))),
    }
}

fn wrong_with(name: &str) -> Option<String> {
    if name.is_empty() {
        return Some("it is empty".into());
    }
    if name.len() > NAME_LEN_MAX {
        return Some(format!("it is longer than {NAME_LEN_MAX} bytes"));
    }
    if name.split('.').any(str::is_empty) {
        return Some("a segment before, between or after the dots is empty".into());
    }
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let odd = name.chars().find(|c| !is_plain(*c))?;
    Some(match odd {
        '*' | '>' => format!("`{odd}` belongs into a filter, which matches names and is none"),
        _ => format!(
            "`{odd}` stands in it; segments are ASCII letters, digits, `-` and `_`, with dots between"
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::wrong_with;

    #[test]
    fn good_names_pass() {
        for name in ["order.placed", "tick", "com.example.Order-Placed_2"] {
            assert_eq!(wrong_with(name), None, "{name}");
        }
    }

    #[test]
    fn each_fault_is_told_by_name() {
        assert!(wrong_with("order..placed").is_some_and(|why| why.contains("segment")));
        assert!(wrong_with("order.").is_some_and(|why| why.contains("segment")));
        assert!(wrong_with("order placed").is_some_and(|why| why.contains("` `")));
        assert!(wrong_with("order.*").is_some_and(|why| why.contains("filter")));
        assert!(wrong_with(&"x".repeat(256)).is_some_and(|why| why.contains("255")));
        assert!(wrong_with("").is_some());
    }
}
