//! Tells the program which compiler and which commit it was built from, for the manifests of runs.
//! Without git, or outside a checkout, there is no commit, and nothing fails.

use std::env;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let rustc = env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
    if let Some(version) = said(&rustc, &["--version"]) {
        println!("cargo::rustc-env=GOUDA_RUSTC={version}");
    }
    // Each commit and checkout adds a line to this file.
    let Some(log) = said("git", &["rev-parse", "--git-path", "logs/HEAD"]) else {
        return;
    };
    println!("cargo::rerun-if-changed={log}");
    // A package inside another project's checkout is not that project.
    let is_ours = said("git", &["ls-files", "build.rs"]).is_some_and(|files| !files.is_empty());
    if let Some(commit) = said("git", &["rev-parse", "HEAD"]).filter(|_| is_ours) {
        println!("cargo::rustc-env=GOUDA_COMMIT={commit}");
    }
}

/// The first line that a program prints, where it runs and succeeds.
fn said(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output
        .status
        .success()
        .then(|| text.lines().next().unwrap_or_default().to_owned())
}
