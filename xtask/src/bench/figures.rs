//! What was measured: medians, and how they stand to Rust's own.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::failure::Failure;

use super::programs::RUST;

/// A figure's name, and in which unit it is told: so many nanoseconds.
const NAMES: &[(&str, &str, f64)] = &[
    ("no_op_call", "us", 1e3),
    ("snapshot_50", "us", 1e3),
    ("snapshot_300", "us", 1e3),
    ("text_in", "ms", 1e6),
    ("text_out", "ms", 1e6),
    ("accept_to_visible", "ms", 1e6),
    ("catch_up", "ms", 1e6),
    ("start_up", "ms", 1e6),
];

/// Times of one figure, in nanoseconds.
pub(super) struct Sample {
    name: String,
    times: Vec<u64>,
}

impl Sample {
    /// What a program has said: `{"name": …, "ns": […]}`.
    pub(super) fn of(told: &Value) -> Option<Self> {
        let times = told["ns"].as_array()?.iter().map(Value::as_u64);
        Some(Self {
            name: told["name"].as_str()?.to_owned(),
            times: times.collect::<Option<_>>()?,
        })
    }
}

/// All times, by platform and name.
#[derive(Default)]
pub(super) struct Figures(BTreeMap<(&'static str, &'static str), Vec<u64>>);

impl Figures {
    /// Takes what a platform has measured.
    pub(super) fn add(&mut self, platform: &'static str, samples: Vec<Sample>) -> Result<(), Failure> {
        for sample in samples {
            let known = NAMES.iter().find(|(name, ..)| *name == sample.name);
            let (name, ..) =
                known.ok_or_else(|| Failure::malformed(platform, format!("no figure `{}`", sample.name)))?;
            self.0.entry((platform, name)).or_default().extend(sample.times);
        }
        Ok(())
    }

    /// Fails where a platform has not measured something.
    pub(super) fn whole(&self, platforms: impl Iterator<Item = &'static str>) -> Result<(), Failure> {
        for platform in platforms {
            for (name, ..) in NAMES {
                if self.median(platform, name).is_none() {
                    return Err(Failure::Check(format!("{platform} has not measured {name}")));
                }
            }
        }
        Ok(())
    }

    /// One JSON line for each figure.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (name, unit, ns) in NAMES {
            for platform in self.platforms() {
                let both = self.median(platform, name).zip(self.median(RUST, name));
                if let Some((value, limit)) = both {
                    let line = json!({
                        "name": format!("{platform}_{name}"),
                        "value": rounded(value / ns),
                        "unit": unit,
                        "limit": rounded(limit / ns),
                        "ratio": rounded(limit / value),
                    });
                    lines.push(line.to_string());
                }
            }
        }
        lines
    }

    /// The same for people.
    pub(super) fn table(&self) -> String {
        let platforms = self.platforms();
        let mut table = format!("{:<20}", "");
        for platform in &platforms {
            table += &format!("{platform:>22}");
        }
        for (name, unit, ns) in NAMES {
            table += &format!("\n{name:<20}");
            for platform in &platforms {
                let both = self.median(platform, name).zip(self.median(RUST, name));
                let cell = both.map_or_else(String::new, |(value, limit)| {
                    format!("{} {unit} ({})", rounded(value / ns), rounded(limit / value))
                });
                table += &format!("{cell:>22}");
            }
        }
        table + "\nmedians; in brackets the ratio to Rust, 1 = as quick"
    }

    /// Rust first: it is what the others are compared with.
    fn platforms(&self) -> Vec<&'static str> {
        let mut platforms: Vec<_> = self.0.keys().map(|(platform, _)| *platform).collect();
        platforms.dedup();
        platforms.sort_by_key(|platform| *platform != RUST);
        platforms
    }

    fn median(&self, platform: &'static str, name: &'static str) -> Option<f64> {
        let mut times = self.0.get(&(platform, name))?.clone();
        times.sort_unstable();
        let middle = times.get(times.len() / 2)?;
        // Nanoseconds of any bench are exact in it.
        #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
        Some((*middle).max(1) as f64)
    }
}

/// Three significant digits: more were noise.
fn rounded(value: f64) -> f64 {
    let digits = 10_f64.powf(2.0 - value.abs().max(1e-9).log10().floor());
    (value * digits).round() / digits
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn figures() -> Figures {
        let mut figures = Figures::default();
        let said = |line: &str| vec![Sample::of(&serde_json::from_str(line).unwrap()).unwrap()];
        figures
            .add("kotlin", said(r#"{"name":"no_op_call","ns":[80000,9000000,100000]}"#))
            .unwrap();
        figures
            .add("rust", said(r#"{"name":"no_op_call","ns":[900]}"#))
            .unwrap();
        figures
            .add("rust", said(r#"{"name":"no_op_call","ns":[1234,1]}"#))
            .unwrap();
        figures
    }

    #[test]
    fn the_median_of_all_runs_is_compared_with_rusts() {
        let lines = figures().lines();
        assert_eq!(
            lines,
            [
                r#"{"limit":0.9,"name":"rust_no_op_call","ratio":1.0,"unit":"us","value":0.9}"#,
                r#"{"limit":0.9,"name":"kotlin_no_op_call","ratio":0.009,"unit":"us","value":100.0}"#,
            ]
        );
        assert!(figures().table().contains("100 us (0.009)"));
    }

    #[test]
    fn what_is_missing_or_unknown_is_a_failure() {
        let failure = figures().whole(["rust"].into_iter()).unwrap_err();
        assert_eq!(failure.to_string(), "rust has not measured snapshot_50");
        let other = Sample {
            name: "other".to_owned(),
            times: vec![1],
        };
        figures().add("rust", vec![other]).unwrap_err();
        for bad in [r#"{"name":"x"}"#, r#"{"ns":[1]}"#, r#"{"name":"x","ns":[-1]}"#] {
            assert!(Sample::of(&serde_json::from_str(bad).unwrap()).is_none(), "{bad}");
        }
    }

    #[test]
    fn three_digits_are_told() {
        let told = [0.000_123_44, 1.2345, 98_765.0].map(rounded);
        assert_eq!(told, [0.000_123, 1.23, 98_800.0]);
    }
}
