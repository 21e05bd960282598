//! One value a rate, and one value a claim.

use std::ops::{Index, IndexMut};

use serde::{Deserialize, Serialize};

use super::{Claim, Rate};

/// One value a [`Rate`]; in files a list in the order of [`Rate::ALL`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound(serialize = "T: Serialize", deserialize = "T: Deserialize<'de>"))]
pub struct PerRate<T>([T; Rate::LEN]);

impl<T> PerRate<T> {
    /// What `of` gives for each.
    pub fn new(of: impl FnMut(Rate) -> T) -> Self {
        Self(Rate::ALL.map(of))
    }

    /// What `of` gives for each, or the first error.
    ///
    /// # Errors
    /// Those of `of`.
    pub fn try_new<E>(mut of: impl FnMut(Rate) -> Result<T, E>) -> Result<Self, E> {
        let mut all = Vec::with_capacity(Rate::LEN);
        for one in Rate::ALL {
            all.push(of(one)?);
        }
        let all = all
            .try_into()
            .unwrap_or_else(|_| unreachable!("as many as there are"));
        Ok(Self(all))
    }

    /// The values, each made into another.
    pub fn map<U>(self, of: impl FnMut(T) -> U) -> PerRate<U> {
        PerRate(self.0.map(of))
    }

    /// The values in the order of [`Rate::ALL`].
    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        self.0.iter()
    }

    /// The values with what they are of.
    pub fn pairs(&self) -> impl Iterator<Item = (Rate, &T)> {
        Rate::ALL.into_iter().zip(&self.0)
    }

    /// The values, to be changed.
    pub fn iter_mut(&mut self) -> std::slice::IterMut<'_, T> {
        self.0.iter_mut()
    }
}

impl<T> Index<Rate> for PerRate<T> {
    type Output = T;

    fn index(&self, rate: Rate) -> &T {
        &self.0[rate as usize]
    }
}

impl<T> IndexMut<Rate> for PerRate<T> {
    fn index_mut(&mut self, rate: Rate) -> &mut T {
        &mut self.0[rate as usize]
    }
}

/// One value a [`Claim`]; in files a list in the order of [`Claim::ALL`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound(serialize = "T: Serialize", deserialize = "T: Deserialize<'de>"))]
pub struct PerClaim<T>([T; 2]);

impl<T> PerClaim<T> {
    /// What `of` gives for each.
    pub fn new(of: impl FnMut(Claim) -> T) -> Self {
        Self(Claim::ALL.map(of))
    }

    /// What `of` gives for each, or the first error.
    ///
    /// # Errors
    /// Those of `of`.
    pub fn try_new<E>(mut of: impl FnMut(Claim) -> Result<T, E>) -> Result<Self, E> {
        let mut all = Vec::with_capacity(2);
        for one in Claim::ALL {
            all.push(of(one)?);
        }
        let all = all
            .try_into()
            .unwrap_or_else(|_| unreachable!("as many as there are"));
        Ok(Self(all))
    }

    /// The values, each made into another.
    pub fn map<U>(self, of: impl FnMut(T) -> U) -> PerClaim<U> {
        PerClaim(self.0.map(of))
    }

    /// The values in the order of [`Claim::ALL`].
    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        self.0.iter()
    }

    /// The values with what they are of.
    pub fn pairs(&self) -> impl Iterator<Item = (Claim, &T)> {
        Claim::ALL.into_iter().zip(&self.0)
    }

    /// The values, to be changed.
    pub fn iter_mut(&mut self) -> std::slice::IterMut<'_, T> {
        self.0.iter_mut()
    }
}

impl<T> Index<Claim> for PerClaim<T> {
    type Output = T;

    fn index(&self, claim: Claim) -> &T {
        &self.0[claim as usize]
    }
}

impl<T> IndexMut<Claim> for PerClaim<T> {
    fn index_mut(&mut self, claim: Claim) -> &mut T {
        &mut self.0[claim as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_under_their_key_and_in_files_in_order() {
        let mut of = PerRate::new(|rate| rate as usize);
        of[Rate::InDownLeft] = 30;
        assert_eq!((of[Rate::InUpRight], of[Rate::InDownLeft]), (2, 30));
        let text = serde_json::to_string(&of).unwrap();
        assert_eq!(text, "[0,1,2,30,4,5,6,7,8,9,10]");
        assert_eq!(serde_json::from_str::<PerRate<usize>>(&text).unwrap(), of);
        assert!(serde_json::from_str::<PerRate<usize>>("[1,2]").is_err());
        let both = PerClaim::new(|claim| claim == Claim::A);
        assert!(both[Claim::A] && !both[Claim::B]);
    }
}
