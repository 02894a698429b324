//! HTTPS with a client certificate, against a server of the test that asks for one.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Output;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use super::Dis;

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A certificate and its key, for a name.
fn issue(by: &Authority, name: &str) -> (rcgen::Certificate, KeyPair) {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    (params.signed_by(&key, by).unwrap(), key)
}

/// Ends TLS in front of a state, for clients that this authority has certified.
async fn front(by: &Authority, state: SocketAddr) -> SocketAddr {
    let (certificate, key) = issue(by, "localhost");
    let mut roots = RootCertStore::empty();
    roots.add(by.der().clone()).unwrap();
    let verifier = WebPkiClientVerifier::builder(Arc::new(roots))
        .build()
        .unwrap();
    let chain: Vec<CertificateDer<'static>> = vec![certificate.der().clone()];
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder()
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut tls) = acceptor.accept(stream).await else {
                    return;
                };
                let mut plain = TcpStream::connect(state).await.unwrap();
                // One side hangs up: that is how connections end.
                let _ = tokio::io::copy_bidirectional(&mut tls, &mut plain).await;
            });
        }
    });
    address
}

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
    let pem = |by: &Authority| {
        let (certificate, key) = issue(by, "district-0042");
        format!("{}{}", certificate.pem(), key.serialize_pem())
    };
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
