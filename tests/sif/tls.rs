//! A zone that is reached by TLS, and knows its agents by their certificates.

use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::support::tls::{authority, client, front};

/// A district whose zone stands behind TLS, and who has certified the zone.
struct Secure {
    sif: Sif,
    url: String,
    ours: crate::support::tls::Authority,
}

impl Secure {
    fn new(students: usize) -> Self {
        let (sif, ours) = (Sif::new(students), authority());
        let plain = url::Url::parse(&sif.zone().zone_url()).expect("a URL");
        let at = (std::net::Ipv4Addr::LOCALHOST, plain.port().expect("a port"));
        let address = sif.wait_for(front(&ours, at.into()));
        sif.write("ca.pem", &ours.pem());
        Self {
            url: format!("https://localhost:{}{}", address.port(), plain.path()),
            sif,
            ours,
        }
    }

    /// What this client shows of itself.
    fn certificate(&self, pem: &str) {
        self.sif.write("client.pem", pem);
        let owner = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(self.sif.path("client.pem"), owner).expect("a file of its owner");
    }

    /// A sync that trusts this file's authority.
    fn sync(&self, trusted: &str, code: i32) -> String {
        let mut command = self.sif.command(&["sif", "sync", "mini"]);
        let command = command
            .env("ZONE", &self.url)
            .env("SSL_CERT_FILE", self.sif.path(trusted));
        let ran = Ran::from(command.output().expect("the binary runs")).expect(code);
        format!("{}\n{}", ran.stdout, ran.stderr)
    }

    /// Nothing of the agent has come to the zone.
    #[track_caller]
    fn untouched(&self) {
        assert_eq!(self.sif.zone().agents(), [LIBRARY]);
        assert_eq!(self.sif.zone().waiting(AGENT), 0);
    }
}

/// Who shows the certificate that the zone knows can do the whole of a sync, and events after it.
#[test]
fn a_sync_over_tls_with_a_client_certificate_is_complete() {
    let secure = Secure::new(20);
    secure.certificate(&client(&secure.ours, AGENT));
    secure.sif.change(
        "url = \"${ZONE}\"",
        "url = \"${ZONE}\"\ncertificate_file = \"../client.pem\"",
    );
    // The state's zone must be encrypted, and this one is.
    secure.sif.change(
        "zone = \"District\"",
        "zone = \"District\"\nzone_kind = \"vertical\"",
    );
    secure.sync("ca.pem", 0);
    secure.sif.complete(20);
    secure.sif.students(1..=21);
    secure.sync("ca.pem", 0);
    secure.sif.complete(21);
}

/// Without a certificate, and with one of somebody else's: the zone sees nothing, and the message says
/// where the right one goes.
#[test]
fn a_client_without_the_right_certificate_is_told_where_it_goes() {
    let secure = Secure::new(2);
    let said = secure.sync("ca.pem", 2);
    assert!(said.contains("certificate_file"), "{said}");
    assert!(said.contains("CertificateRequired"), "{said}");
    secure.untouched();
    secure.sif.change(
        "url = \"${ZONE}\"",
        "url = \"${ZONE}\"\ncertificate_file = \"../client.pem\"",
    );
    secure.certificate(&client(&authority(), AGENT));
    let said = secure.sync("ca.pem", 2);
    assert!(said.contains("certificate_file"), "{said}");
    assert!(!said.contains("PRIVATE KEY"), "{said}");
    secure.untouched();
}

/// A zone that some unknown authority has certified is told nothing.
#[test]
fn a_zone_of_an_unknown_authority_is_told_nothing() {
    let secure = Secure::new(2);
    secure.certificate(&client(&secure.ours, AGENT));
    secure.sif.change(
        "url = \"${ZONE}\"",
        "url = \"${ZONE}\"\ncertificate_file = \"../client.pem\"",
    );
    secure.sif.write("other.pem", &authority().pem());
    let said = secure.sync("other.pem", 2);
    assert!(said.contains("SSL_CERT_FILE"), "{said}");
    assert!(said.contains("is not trusted"), "{said}");
    secure.untouched();
}
