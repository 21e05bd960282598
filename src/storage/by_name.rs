//! Enumerations that stand in files by their names, so that files read well and a name of another release is
//! refused and not guessed at.

/// Serialises a type by its `name()` and reads it back by looking the name up in what `all()` lists; an unknown
/// name is an error that says so. `$what` is what such a name is, with its article: "a method".
#[macro_export]
#[doc(hidden)]
macro_rules! serde_by_name {
    ($type:ty, $what:literal) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(&self.name())
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let name = <std::borrow::Cow<'_, str>>::deserialize(from)?;
                <$type>::all()
                    .into_iter()
                    .find(|one| one.name() == name.as_ref())
                    .ok_or_else(|| {
                        serde::de::Error::custom(format!(
                            concat!("expected ", $what, " that this release knows, found \"{}\""),
                            name.escape_debug()
                        ))
                    })
            }
        }
    };
}
