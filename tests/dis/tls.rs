//! HTTPS with a client certificate, against a server of the test that asks for one.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Output;

use super::Dis;
use crate::support::tls::{Authority, authority, client, front};

fn write(path: &Path, text: &str, mode: u32) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_client_certificate_tells_the_state_who_the_district_is() {
    // Behind the front nobody has a token: the certificate is all there is.
    let dis = Dis::with(|options| options.token = String::new());
    let (ours, others) = (authority(), authority());
    let state: SocketAddr = dis
        .state()
        .base_url()
        .trim_start_matches("http://")
        .parse()
        .unwrap();
    let address = dis.wait_for(front(&ours, state));
    std::fs::write(dis.path("ca.pem"), ours.pem()).unwrap();
    let connection = (
        "url = \"${TARGET}\"\ntoken_env = \"TOKEN\"",
        "url = \"${TARGET}\"\ncertificate_file = \"../client.pem\"",
    );
    dis.pipeline("dis", &[connection]);
    let run = |dis: &Dis| -> Output {
        dis.command(&["run", "dis", "School"])
            .env("TARGET", format!("https://localhost:{}", address.port()))
            .env("SSL_CERT_FILE", dis.path("ca.pem"))
            .output()
            .unwrap()
    };
    let pem = |by: &Authority| client(by, "district-0042");
    let file = dis.path("client.pem");
    // A certificate of somebody else's, half a file, one that others can read.
    for (text, mode, said) in [
        (pem(&others), 0o600, "got no answer"),
        (ours.pem(), 0o600, "certificate"),
        (pem(&ours), 0o644, "chmod 600"),
    ] {
        write(&file, &text, mode);
        let out = run(&dis);
        let told = String::from_utf8_lossy(&out.stderr).into_owned();
        assert_eq!(out.status.code(), Some(2), "{said}: {told}");
        assert!(told.contains(said), "{said}: {told}");
        assert!(!told.contains("PRIVATE KEY"), "{told}");
    }
    assert_eq!(dis.state().batches(), 0);
    write(&file, &pem(&ours), 0o600);
    let out = run(&dis);
    assert_eq!(
        out.status.code(),
        Some(1),
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
    assert_eq!(dis.count("School"), 2);
}
