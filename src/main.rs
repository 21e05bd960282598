//! The `gouda` program: see `gouda --help`.

fn main() -> std::process::ExitCode {
    gouda::cli::main()
}
