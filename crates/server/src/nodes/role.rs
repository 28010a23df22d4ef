//! What a node is there for.

use std::fmt;
use std::str::FromStr;

/// One thing that a node is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Cards: the base station, networks, operators' platforms.
    Air,
    /// The merchant interface and the orders' pages.
    Merchant,
    /// The operators' console.
    Console,
    /// The bank's two servers for wallet cards.
    Tap,
    /// What is done by itself: what lapses, alerts, SMS.
    Jobs,
}

impl Role {
    /// All, in the order in which they are written.
    pub const ALL: [Self; 5] = [Self::Air, Self::Merchant, Self::Console, Self::Tap, Self::Jobs];

    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Air => "air",
            Self::Merchant => "merchant",
            Self::Console => "console",
            Self::Tap => "tap",
            Self::Jobs => "jobs",
        }
    }
}

/// What a node is there for: one role or more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Roles([bool; Role::ALL.len()]);

/// Why a text names no roles.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "there is no role {0:?}; a node has one or more of air, merchant, console, tap, jobs, separated by commas"
)]
pub struct RolesError(String);

impl Roles {
    /// Every role: a node by itself.
    pub const ALL: Self = Self([true; Role::ALL.len()]);

    /// Whether it has this role.
    pub fn has(self, role: Role) -> bool {
        Role::ALL.iter().zip(self.0).any(|(one, has)| *one == role && has)
    }

    /// Its roles.
    pub fn iter(self) -> impl Iterator<Item = Role> {
        Role::ALL.into_iter().filter(move |role| self.has(*role))
    }
}

impl FromStr for Roles {
    type Err = RolesError;

    fn from_str(text: &str) -> Result<Self, RolesError> {
        let mut has = [false; Role::ALL.len()];
        for name in text.split(',').map(str::trim) {
            let place = Role::ALL.iter().position(|role| role.name() == name);
            let slot = place.and_then(|place| has.get_mut(place));
            *slot.ok_or_else(|| RolesError(name.chars().take(40).collect()))? = true;
        }
        Ok(Self(has))
    }
}

impl fmt::Display for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, role) in self.iter().enumerate() {
            let comma = if place == 0 { "" } else { "," };
            write!(f, "{comma}{}", role.name())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_read_back_in_one_order_and_a_wrong_name_names_the_right_ones() {
        let roles: Roles = "jobs, air".parse().unwrap();
        assert_eq!(roles.to_string(), "air,jobs");
        assert!(roles.has(Role::Air) && !roles.has(Role::Tap));
        assert_eq!("air,merchant,console,tap,jobs".parse(), Ok(Roles::ALL));
        for (text, wrong) in [("air,merchants", "merchants"), ("", ""), ("air,,tap", "")] {
            let refused = text.parse::<Roles>().unwrap_err().to_string();
            let right = "a node has one or more of air, merchant, console, tap, jobs, separated by commas";
            assert_eq!(refused, format!("there is no role {wrong:?}; {right}"));
        }
    }
}
