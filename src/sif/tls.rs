//! What is wrong with the encrypted connection to a zone, and what is to be done about it.
//!
//! Reads: errors of the HTTP client. Writes: nothing. Never: texts of a server (an alert is a number).
//! Source: TLS alerts of RFC 8446. The client's errors tell them in words only, so they are looked for
//! there; what is not known here is tried again like any broken connection.

/// Alerts by which a server says that it does not take the client's certificate, or wants one.
const REFUSALS: [&str; 10] = [
    "HandshakeFailure",
    "NoCertificate",
    "BadCertificate",
    "UnsupportedCertificate",
    "CertificateRevoked",
    "CertificateExpired",
    "CertificateUnknown",
    "UnknownCA",
    "AccessDenied",
    "CertificateRequired",
];

/// A fault of the encryption that another try does not mend, in words that say what to do.
pub(super) fn fault(error: &dyn std::error::Error) -> Option<String> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        let text = error.to_string();
        if let Some(alert) = after(&text, "received fatal alert: ") {
            let refused = REFUSALS.contains(&alert);
            return refused.then(|| {
                format!(
                    "the zone does not take this client's certificate, or wants one and gets none \
                     (TLS alert {alert}): certificate_file under [connection] must hold the \
                     certificate and private key that the zone's administrator has entered for the \
                     agent"
                )
            });
        }
        if let Some(why) = after(&text, "invalid peer certificate: ") {
            return Some(format!(
                "the zone's certificate is not trusted ({why}): name the authority that has issued \
                 it, a PEM file, by the environment variable SSL_CERT_FILE, and check that url under \
                 [connection] has the host that the certificate is for"
            ));
        }
        cause = error.source();
    }
    None
}

/// The word that follows `start` in a text.
fn after<'a>(text: &'a str, start: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(start)?;
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric());
    rest.get(..end.unwrap_or(rest.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Error;

    #[test]
    fn what_another_try_does_not_mend_says_what_to_do() {
        let told = |text: &str| fault(&Error::other(text.to_owned()));
        let refused = told("received fatal alert: CertificateRequired").unwrap();
        assert!(refused.contains("certificate_file") && refused.contains("CertificateRequired"));
        let unknown = told("x: invalid peer certificate: UnknownIssuer").unwrap();
        assert!(unknown.contains("SSL_CERT_FILE") && unknown.contains("(UnknownIssuer)"));
        for passing in [
            "received fatal alert: InternalError",
            "connection reset by peer",
            "tcp connect error",
        ] {
            assert_eq!(told(passing), None, "{passing}");
        }
    }
}
