//! Patterns over channel names: `*`, `?`, `[ab]`, `[a-z]`, `[!a]`, `{a,b}`.

/// Whether a name matches a pattern as a whole. What is not closed stands for itself.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    let mut steps = STEPS_MAX;
    any(pattern.as_bytes(), name.as_bytes(), &mut steps)
}

/// A pattern that needs more matches nothing: some need a time that doubles with each star.
const STEPS_MAX: u32 = 100_000;

fn any(pattern: &[u8], name: &[u8], steps: &mut u32) -> bool {
    *steps = steps.saturating_sub(1);
    if *steps == 0 {
        return false;
    }
    let Some((first, rest)) = pattern.split_first() else { return name.is_empty() };
    match first {
        b'*' => (0..=name.len()).any(|taken| any(rest, name.get(taken..).unwrap_or_default(), steps)),
        b'?' => name.split_first().is_some_and(|(_, left)| any(rest, left, steps)),
        b'[' if let Some((set, after)) = until(rest, b']') => {
            name.split_first().is_some_and(|(byte, left)| has(set, *byte) && any(after, left, steps))
        }
        b'{' if let Some((choices, after)) = until(rest, b'}') => {
            choices.split(|byte| *byte == b',').any(|choice| any(&[choice, after].concat(), name, steps))
        }
        byte => name.split_first().is_some_and(|(other, left)| byte == other && any(rest, left, steps)),
    }
}

fn until(pattern: &[u8], end: u8) -> Option<(&[u8], &[u8])> {
    let at = pattern.iter().position(|byte| *byte == end)?;
    Some((pattern.get(..at)?, pattern.get(at + 1..)?))
}

fn has(set: &[u8], byte: u8) -> bool {
    let (is_not, set) = match set.split_first() {
        Some((b'!' | b'^', rest)) => (true, rest),
        _ => (false, set),
    };
    let in_range =
        set.windows(3).any(|range| matches!(range, [from, b'-', to] if (*from..=*to).contains(&byte)));
    (in_range || set.contains(&byte)) != is_not
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns_match_whole_names() {
        for (pattern, name) in [
            ("*", ""),
            ("*", "chat:1"),
            ("chat:*", "chat:1"),
            ("chat:?", "chat:1"),
            ("chat:[0-9]", "chat:1"),
            ("chat:[!a]", "chat:1"),
            ("{chat,news}:*", "news:x"),
            ("*:{a,b}*", "chat:bob"),
            ("a[b", "a[b"),
        ] {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in
            [("chat:?", "chat:12"), ("chat", "chat:1"), ("[ab]", "c"), ("{a,b}", "c"), ("", "a"), ("?", "")]
        {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }

    #[test]
    fn a_hostile_pattern_ends() {
        assert!(!matches(&format!("{}b", "*a".repeat(20)), &"a".repeat(200)));
    }
}
