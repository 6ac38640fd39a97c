//! Which actor plays on which platform.

use std::fmt;

/// A platform for each actor, in the scenario's order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mix(pub Vec<String>);

impl fmt::Display for Mix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("-"))
    }
}

/// More mixes than this are never played of one scenario.
const MOST: usize = 100_000;

/// How many of the possible mixes are played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Each platform takes each role, beside another one. Of every second scenario the other way round (`turned`), so that over
    /// all of them each platform meets each other in each role.
    Roles {
        /// The other way round.
        turned: bool,
    },
    /// One of them, which is up to `turn`.
    One {
        /// Any number.
        turn: usize,
    },
    /// Each platform meets each other in each pair of roles.
    Pairs,
    /// Every mix.
    Full,
}

/// The mixes to play. `hosts` names for each actor the one whose platform it shares (itself, mostly).
///
/// Of [`Extent::Pairs`] the fewest that are found greedily; where there is nobody to meet, each platform once.
pub fn mixes(hosts: &[usize], platforms: &[String], extent: Extent) -> Vec<Mix> {
    let free: Vec<usize> = (0..hosts.len())
        .filter(|actor| hosts.get(*actor) == Some(actor))
        .collect();
    let total = platforms
        .len()
        .checked_pow(u32::try_from(free.len()).unwrap_or(u32::MAX));
    let Some(total) = total.filter(|total| *total <= MOST) else {
        return Vec::new();
    };
    // Mix number n is n written in base `platforms`, one digit for each free actor.
    let digits = |mut n: usize| -> Vec<usize> {
        let digit = |_| {
            let digit = n % platforms.len();
            n /= platforms.len();
            digit
        };
        free.iter().map(digit).collect()
    };
    let all: Vec<Vec<usize>> = (0..total).map(digits).collect();
    let count = platforms.len();
    let chosen = match extent {
        Extent::Full => all,
        _ if free.len() < 2 || count < 2 => all,
        Extent::Pairs => cover(&all, free.len(), count),
        Extent::Roles { turned } => {
            let step = if turned { count - 1 } else { 1 };
            (0..count).map(|turn| round(turn, step, free.len(), count)).collect()
        }
        Extent::One { turn } => vec![round(turn % count, 1, free.len(), count)],
    };
    let spread = |digits: Vec<usize>| {
        let platform = |host: &usize| {
            let digit = free
                .iter()
                .position(|actor| actor == host)
                .and_then(|at| digits.get(at));
            digit
                .and_then(|digit| platforms.get(*digit))
                .cloned()
                .unwrap_or_default()
        };
        Mix(hosts.iter().map(platform).collect())
    };
    chosen.into_iter().map(spread).collect()
}

/// The platform of each role: from one role to the next, so many steps further round.
fn round(turn: usize, step: usize, roles: usize, platforms: usize) -> Vec<usize> {
    (0..roles).map(|role| (turn + role * step) % platforms).collect()
}

/// Covers every ordered pair of different platforms in every pair of roles.
fn cover(all: &[Vec<usize>], roles: usize, platforms: usize) -> Vec<Vec<usize>> {
    let mut open = Vec::new();
    for (first, second) in (0..roles).flat_map(|first| (first + 1..roles).map(move |second| (first, second))) {
        for (one, other) in (0..platforms).flat_map(|one| (0..platforms).map(move |other| (one, other))) {
            if one != other {
                open.push((first, second, one, other));
            }
        }
    }
    let met = |mix: &[usize], pair: &(usize, usize, usize, usize)| {
        mix.get(pair.0) == Some(&pair.2) && mix.get(pair.1) == Some(&pair.3)
    };
    let mut chosen = Vec::new();
    while !open.is_empty() {
        let gain = |mix: &&Vec<usize>| open.iter().filter(|pair| met(mix, pair)).count();
        // The first of the best, so that the choice is the same each time.
        let Some(best) = all.iter().rev().max_by_key(gain) else {
            break;
        };
        open.retain(|pair| !met(best, pair));
        chosen.push(best.clone());
    }
    chosen
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests {
    use super::*;

    fn platforms(names: &str) -> Vec<String> {
        names.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn one_platform_plays_alone() {
        let mixes = mixes(&[0, 1, 2], &platforms("rust"), Extent::Pairs);
        assert_eq!(mixes, [Mix(platforms("rust rust rust"))]);
    }

    #[test]
    fn each_platform_meets_each_other_in_each_role() {
        let three = platforms("rust kotlin swift");
        for roles in 2..=5 {
            let hosts: Vec<_> = (0..roles).collect();
            let mixes = mixes(&hosts, &three, Extent::Pairs);
            for (first, second) in (0..roles).flat_map(|a| (a + 1..roles).map(move |b| (a, b))) {
                for (one, other) in three.iter().flat_map(|a| three.iter().map(move |b| (a, b))) {
                    let met = mixes.iter().any(|mix| &mix.0[first] == one && &mix.0[second] == other);
                    assert!(met || one == other, "{one} and {other} as {first} and {second}");
                }
            }
            assert!(mixes.len() <= 12, "{roles} roles: {}", mixes.len());
        }
        assert_eq!(mixes(&[0, 1], &three, Extent::Pairs).len(), 6);
    }

    #[test]
    fn each_platform_takes_each_role() {
        let three = platforms("rust kotlin swift");
        for turned in [false, true] {
            let mixes = mixes(&[0, 1, 2, 3], &three, Extent::Roles { turned });
            assert_eq!(mixes.len(), 3);
            for (role, platform) in (0..4).flat_map(|role| three.iter().map(move |platform| (role, platform))) {
                assert!(mixes.iter().any(|mix| &mix.0[role] == platform), "{platform} as {role}");
            }
        }
    }

    #[test]
    fn two_scenarios_have_each_meeting() {
        let three = platforms("rust kotlin swift");
        let both = |turned| mixes(&[0, 1], &three, Extent::Roles { turned });
        let mut all = both(false);
        all.extend(both(true));
        all.sort();
        let mut pairs = mixes(&[0, 1], &three, Extent::Pairs);
        pairs.sort();
        assert_eq!(all, pairs);
    }

    #[test]
    fn one_mix_is_one_of_those_and_another_one_next() {
        let three = platforms("rust kotlin swift");
        let one = |turn| mixes(&[0, 1], &three, Extent::One { turn });
        let roles = mixes(&[0, 1], &three, Extent::Roles { turned: false });
        for turn in 0..6 {
            assert_eq!(one(turn), [roles[turn % 3].clone()]);
        }
    }

    #[test]
    fn full_is_every_mix() {
        assert_eq!(mixes(&[0, 1], &platforms("rust kotlin swift"), Extent::Full).len(), 9);
        assert_eq!(mixes(&[0, 1, 2], &platforms("rust swift"), Extent::Full).len(), 8);
    }

    #[test]
    fn who_shares_a_phone_shares_its_platform() {
        for mix in mixes(&[0, 1, 0], &platforms("rust kotlin swift"), Extent::Full) {
            assert_eq!(mix.0[0], mix.0[2]);
        }
    }

    #[test]
    fn one_actor_plays_on_each_platform() {
        assert_eq!(
            mixes(&[0], &platforms("rust kotlin"), Extent::Roles { turned: true }).len(),
            2
        );
    }
}
