//! A server's end of TLS that asks for a client certificate, and the certificates for it.

use std::net::SocketAddr;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

/// Who issues certificates.
pub type Authority = CertifiedIssuer<'static, KeyPair>;

/// One that nobody knows yet.
pub fn authority() -> Authority {
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

/// Certificate and key of a client, as PEM.
pub fn client(by: &Authority, name: &str) -> String {
    let (certificate, key) = issue(by, name);
    format!("{}{}", certificate.pem(), key.serialize_pem())
}

/// Ends TLS in front of a server, for clients that this authority has certified.
pub async fn front(by: &Authority, server: SocketAddr) -> SocketAddr {
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
                let mut tls = match acceptor.accept(stream).into_fallible().await {
                    Ok(tls) => tls,
                    Err((_, mut stream)) => {
                        // What the client has sent is read to its end: a reset would take the
                        // alert from it that says why.
                        let _ = stream.shutdown().await;
                        let _ = stream.read_to_end(&mut Vec::new()).await;
                        return;
                    }
                };
                let mut plain = TcpStream::connect(server).await.unwrap();
                // One side hangs up: that is how connections end.
                let _ = tokio::io::copy_bidirectional(&mut tls, &mut plain).await;
            });
        }
    });
    address
}
