//! What the user may have meant.

/// The candidate that is a slip away from what was written.
pub(crate) fn nearest<'a>(written: &str, candidates: &[&'a str]) -> Option<&'a str> {
    let distances = candidates.iter().map(|candidate| (strsim::levenshtein(written, candidate), *candidate));
    let (distance, candidate) = distances.min()?;
    let slips_max = (written.len().max(candidate.len()) / 3).max(1);
    (distance <= slips_max).then_some(candidate)
}

/// The event type that a struct's name suggests: `OrderItemAdded` is `order_item.added`.
pub(crate) fn event_type(name: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    for letter in name.chars() {
        match words.last_mut() {
            Some(word) if !letter.is_uppercase() => word.push(letter),
            _ => words.push(letter.to_lowercase().to_string()),
        }
    }
    match words.split_last() {
        Some((verb, thing)) if !thing.is_empty() => format!("{}.{verb}", thing.join("_")),
        _ => words.concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::{event_type, nearest};

    #[test]
    fn a_slip_finds_what_was_meant() {
        assert_eq!(nearest("verison", &["type", "version"]), Some("version"));
        assert_eq!(nearest("orderid", &["order_id", "item"]), Some("order_id"));
        assert_eq!(nearest("colour", &["type", "version"]), None);
    }

    #[test]
    fn a_name_suggests_a_type() {
        assert_eq!(event_type("OrderPlaced"), "order.placed");
        assert_eq!(event_type("OrderItemAdded"), "order_item.added");
        assert_eq!(event_type("Tick"), "tick");
    }
}
