//! Push mode, where the zone brings the requests to the agent; and an agent that stays.

use std::time::{Duration, Instant};

use super::*;

/// A free port of this machine.
fn port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

#[test]
fn item_1_push_mode() {
    let sif = Sif::new(20);
    let port = port();
    sif.pipeline(&format!(
        "mode = \"push\"\npush_url = \"http://127.0.0.1:{port}/\"\npush_listen = \"127.0.0.1:{port}\""
    ));
    sif.sync(0);
    sif.complete(20);
    assert_eq!(sif.zone().waiting(AGENT), 0);
}

/// Fails unless it is true within some seconds.
#[track_caller]
fn until(what: &str, is: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !is() {
        assert!(Instant::now() < end, "not within 30 s: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Stays, answers whoever asks whenever it is, and ends in good order.
fn serves(sif: &Sif) {
    let mut child = sif.start(&["sif", "serve", "mini"]);
    let ended = |n: usize| {
        let answers = sif.zone().answers();
        answers.iter().filter(|a| a.complete).count() == n
    };
    until("the third party has everything", || ended(4));
    sif.complete(20);
    sif.ask("SchoolInfo", |_| {});
    until("a later request is answered", || ended(5));
    let pid = child.id().to_string();
    let told = Command::new("kill").args(["-TERM", &pid]).status();
    assert!(told.expect("kill").success());
    until("it ends", || sif.zone().waiting(AGENT) == 0);
    let code = child.wait().expect("ended").code();
    assert!(code.is_some(), "it ended by itself");
}

#[test]
fn item_1_serve_stays_in_pull_mode() {
    serves(&Sif::new(20));
}

#[test]
fn item_1_serve_stays_in_push_mode() {
    let sif = Sif::new(20);
    let port = port();
    sif.pipeline(&format!(
        "mode = \"push\"\npush_url = \"http://127.0.0.1:{port}/\"\npush_listen = \"127.0.0.1:{port}\""
    ));
    serves(&sif);
}
