//! Contestants in turn, several rounds, medians: what slows the machine down meets all of them.

/// One that is measured: its name, and what gives one figure.
pub struct Contestant<'a> {
    name: String,
    run: Box<dyn FnMut() -> anyhow::Result<f64> + 'a>,
}

impl<'a> Contestant<'a> {
    /// A contestant whose `run` returns a figure, the more the better.
    pub fn new(name: impl Into<String>, run: impl FnMut() -> anyhow::Result<f64> + 'a) -> Self {
        Self { name: name.into(), run: Box::new(run) }
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// The figures of one contestant.
#[derive(Clone, PartialEq, Debug)]
pub struct Figures {
    /// The contestant.
    pub name: String,
    /// The middle one.
    pub median: f64,
    /// The least.
    pub least: f64,
    /// The most.
    pub most: f64,
}

/// Lets all run in turn, so many rounds.
///
/// # Errors
/// One of them failed.
pub fn interleaved(rounds: usize, mut contestants: Vec<Contestant<'_>>) -> anyhow::Result<Vec<Figures>> {
    let mut figures = vec![Vec::new(); contestants.len()];
    for _ in 0..rounds {
        for (contestant, figures) in contestants.iter_mut().zip(&mut figures) {
            figures.push((contestant.run)()?);
        }
    }
    Ok(contestants
        .iter()
        .zip(figures)
        .map(|(contestant, figures)| sum_up(&contestant.name, figures))
        .collect())
}

fn sum_up(name: &str, mut figures: Vec<f64>) -> Figures {
    figures.sort_by(f64::total_cmp);
    let at = |index: usize| figures.get(index).copied().unwrap_or(f64::NAN);
    Figures {
        name: name.to_owned(),
        median: at(figures.len() / 2),
        least: at(0),
        most: at(figures.len().saturating_sub(1)),
    }
}

/// Prints a table; the ratios are to the first line.
#[allow(clippy::print_stdout, reason = "a bench prints")]
pub fn print(title: &str, unit: &str, figures: &[Figures]) {
    println!("\n{title}");
    let first = figures.first().map_or(f64::NAN, |first| first.median);
    for line in figures {
        let Figures { name, median, least, most } = line;
        println!("  {name:<34} {median:>14.1} {unit}  ({least:.1} .. {most:.1})  x{:.2}", median / first);
    }
}
