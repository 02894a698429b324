//! The binary: arguments in, exit code out.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // A thread that dies would leave the others waiting for it. What was acknowledged is in the
    // journal; the next run carries on.
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |fault| {
        default(fault);
        std::process::exit(3);
    }));
    match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime.block_on(fullsync::cli::main(
            std::env::args_os(),
            fullsync::cli::work,
        )),
        Err(_) => ExitCode::from(2),
    }
}
