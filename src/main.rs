use std::sync::Arc;
use fullsync::run::*;
struct Quiet;
impl fullsync::progress::Progress for Quiet { fn start(&self,_:&str,_:Option<u64>){} fn advance(&self,_:&str,_:u64,_:u64){} fn finish(&self,_:&str,_:&str){} fn note(&self,_:&str){} }
fn main() {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let rt = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let args: Vec<String> = std::env::args().collect();
    let pipeline = match fullsync::pipeline::Pipeline::load(&args[2], &|n| std::env::var(n).ok()) { Ok(p)=>p, Err(e)=>{eprintln!("{e}"); std::process::exit(2)} };
    let until = match args[1].as_str() { "extract"=>Until::Extracted, "transform"=>Until::Transformed, "plan"=>Until::Planned, _=>Until::Loaded };
    let (_tx, rx) = tokio::sync::watch::channel(false);
    let context = Context { pipeline, options: Options { resources: args[3..].iter().filter(|a| !a.starts_with("--")).cloned().collect(), ..Default::default() }, now: chrono::Utc::now(), cancel: rx };
    let progress: Arc<dyn fullsync::progress::Progress> = Arc::new(Quiet);
    match rt.block_on(run(&context, until, &progress)) {
        Ok(done) => { println!("{}", fullsync::report::text(&done.report, &done.errors, fullsync::report::TextOptions{width:None, server_messages:true})); std::process::exit(done.report.exit_code as i32) }
        Err(e) => { eprintln!("{:#}", anyhow::Error::from(e)); std::process::exit(2) }
    }
}
