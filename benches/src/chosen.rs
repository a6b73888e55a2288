//! What the arguments of a bench choose.

/// Numbers in flight, and parts of contestants' names; none: all.
#[derive(Debug, Default)]
pub struct Chosen {
    in_flight: Vec<usize>,
    names: Vec<String>,
}

impl Chosen {
    /// What this program's arguments say; options, which Cargo gives, say nothing.
    #[must_use]
    pub fn by_arguments() -> Self {
        let mut chosen = Self::default();
        for argument in std::env::args().skip(1).filter(|argument| !argument.starts_with('-')) {
            match argument.parse() {
                Ok(number) => chosen.in_flight.push(number),
                Err(_) => chosen.names.push(argument),
            }
        }
        chosen
    }

    /// So many tasks at a time, one run after the other.
    #[must_use]
    pub fn in_flight(&self) -> Vec<usize> {
        if self.in_flight.is_empty() { vec![1, 64, 1024] } else { self.in_flight.clone() }
    }

    /// Whether a contestant of this name takes part.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.names.is_empty() || self.names.iter().any(|part| name.contains(part))
    }
}
