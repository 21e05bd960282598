//! `--set KEY=VALUE`, one a line: what is accepted is in range, and may be said again in the words of
//! `gouda config`.

use gouda::experiment::config::Preset;
use gouda::experiment::resolve::resolve;

use super::settings;

pub fn check(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return false;
    };
    let sets: Vec<String> = text.lines().map(Into::into).collect();
    let Ok(resolved) = resolve(Preset::Quick, None, &sets, None) else {
        return false;
    };
    settings::sound(&resolved);
    // Of impala only what was said: its sizes may not be.
    let given: Vec<String> = (resolved.entries.iter())
        .filter(|(key, _)| sets.iter().any(|set| set.contains(key.as_str())))
        .map(|(key, (value, _))| format!("{key}={value}"))
        .collect();
    let again = resolve(Preset::Quick, None, &given, None).expect("accepted when said again");
    assert_eq!(again.config, resolved.config);
    true
}
