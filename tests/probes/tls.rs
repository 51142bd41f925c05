//! TLS: certificates that are good, expired, for another name, soon to expire, or of nobody who is trusted.

use super::{PATIENCE, fails, succeeds, target, targets};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use waymark::clock;
use waymark::health::{Fault, Outcome};
use waymark::net::probe::{Means, probe};

/// An authority, and its certificate in a file.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    file: tempfile::NamedTempFile,
}

impl Authority {
    fn new(name: &str) -> Authority {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), issuer.pem()).unwrap();
        Authority { issuer, file }
    }

    /// A web server with a certificate for a name, valid from and to so many days from now.
    async fn server(&self, name: &str, days: (i64, i64), protocols: &[&[u8]]) -> SocketAddr {
        targets::https(self.acceptor(name, days, protocols)).await
    }

    fn acceptor(&self, name: &str, days: (i64, i64), protocols: &[&[u8]]) -> TlsAcceptor {
        self.acceptor_as(IsCa::NoCa, name, days, protocols)
    }

    /// The same with a certificate that may be one of an authority.
    fn acceptor_as(&self, is_ca: IsCa, name: &str, days: (i64, i64), protocols: &[&[u8]]) -> TlsAcceptor {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.is_ca = is_ca;
        let day = |days: i64| {
            let unix = clock::unix_secs() as i64 + days * 86_400 + 5_400;
            rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(unix as u64)
        };
        (params.not_before, params.not_after) = (day(days.0), day(days.1));
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
            )
            .unwrap();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        TlsAcceptor::from(Arc::new(config))
    }

    fn check(&self, more: &str) -> String {
        let ca = self.file.path().display();
        format!("http = \"https://{{address}}/host\"\nhost = \"www.example.com\"\nca = \"{ca}\"\n{more}")
    }
}

#[tokio::test]
async fn a_certificate_must_be_valid_for_the_name_and_for_as_long_as_is_wanted() {
    let authority = Authority::new("ours");
    let good = authority.server("www.example.com", (-10, 20), &[]).await;
    let body = "expect.body = \"host www.example.com\"";
    succeeds(good, &authority.check(body), "certificate valid for 20 days").await;
    succeeds(good, &authority.check("expect.cert_valid_for = \"19d\""), "20 days").await;
    let longer = authority.check("expect.cert_valid_for = \"30d\"");
    fails(good, &longer, Fault::Endpoint, "certificate valid for 20 days 1 h, expected 30 days").await;
    // It is 481 hours and a half, not 20 days.
    let hours = |hours: u32| authority.check(&format!("expect.cert_valid_for = \"{hours}h\""));
    succeeds(good, &hours(480), "").await;
    fails(good, &hours(482), Fault::Endpoint, "20 days 1 h, expected 20 days 2 h").await;
    let other = authority.check("sni = \"mail.example.com\"");
    fails(good, &other, Fault::Endpoint, "the certificate is for another name").await;
    let expired = authority.server("www.example.com", (-10, -2), &[]).await;
    fails(expired, &authority.check(""), Fault::Endpoint, "the certificate has expired").await;
    succeeds(expired, &authority.check("verify = false"), "certificate expired 46 hours ago").await;
    let stranger = Authority::new("theirs").server("www.example.com", (-10, 20), &[]).await;
    fails(stranger, &authority.check(""), Fault::Endpoint, "an authority that is not trusted here").await;
    succeeds(stranger, &authority.check("verify = false"), "20 days").await;
    let is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let above = targets::https(authority.acceptor_as(is_ca, "www.example.com", (-10, 20), &[])).await;
    fails(above, &authority.check(""), Fault::Endpoint, "that of an authority (CA:TRUE), not of a server")
        .await;
    let plain = targets::http(false).await;
    fails(plain, &authority.check(""), Fault::Endpoint, "TLS: ").await;
    fails(targets::hung().await, &authority.check(""), Fault::Endpoint, "connected, but no answer in 0.8 s")
        .await;
}

#[tokio::test]
async fn the_server_chooses_the_version_of_http() {
    let authority = Authority::new("ours");
    let body = "expect.body = \"host www.example.com\"";
    for protocols in [&[&b"h2"[..], b"http/1.1"][..], &[b"http/1.1"], &[b"h2"]] {
        let at = authority.server("www.example.com", (-10, 20), protocols).await;
        succeeds(at, &authority.check(body), "").await;
    }
    let one = authority.server("www.example.com", (-10, 20), &[b"http/1.1"]).await;
    fails(one, &authority.check("http2 = true"), Fault::Endpoint, "").await;
}

#[tokio::test]
async fn a_tcp_server_over_tls_says_what_it_should() {
    let authority = Authority::new("ours");
    let acceptor = authority.acceptor("mail.example.com", (-10, 20), &[]);
    let at = targets::serve(move |stream| {
        let acceptor = acceptor.clone();
        async move {
            use tokio::io::AsyncWriteExt;
            let Ok(mut stream) = acceptor.accept(stream).await else { return };
            let _ = stream.write_all(b"220 mail.example.com\r\n").await;
            let _ = stream.shutdown().await;
        }
    })
    .await;
    let ca = authority.file.path().display();
    let check = |sni: &str, text: &str| {
        format!(
            "tcp = \"{{address}}:465\"\ntls = true\nsni = \"{sni}\"\nca = \"{ca}\"\nexpect.text = \"{text}\""
        )
    };
    succeeds(at, &check("mail.example.com", "220 mail"), "certificate valid for 20 days").await;
    fails(at, &check("mail.example.com", "221"), Fault::Endpoint, "\"221\" did not come").await;
    fails(at, &check("www.example.com", "220"), Fault::Endpoint, "the certificate is for another name").await;
}

#[tokio::test]
async fn the_name_of_a_grpc_host_is_asked_for_without_its_port() {
    let authority = Authority::new("ours");
    let at = targets::grpc_over_tls(authority.acceptor("www.example.com", (-10, 20), &[b"h2"])).await;
    let (ca, tls) = (authority.file.path().display(), "tls = true\nhost = \"www.example.com:50051\"");
    succeeds(at, &format!("grpc = \"{{address}}:1\"\n{tls}\nca = \"{ca}\""), "20 days").await;
}

#[tokio::test]
async fn authorities_are_read_again_when_their_file_has_changed() {
    let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
    let at = theirs.server("www.example.com", (-10, 20), &[]).await;
    let (check, means) = (target(at, &ours.check("")), Means::default());
    let ask = || probe(&check, PATIENCE, &means);
    assert!(matches!(ask().await, Outcome::Failure(failure) if failure.text.contains("not trusted here")));
    std::fs::write(ours.file.path(), theirs.issuer.pem()).unwrap();
    let later = ours.file.as_file().metadata().unwrap().modified().unwrap() + Duration::from_secs(1);
    ours.file.as_file().set_modified(later).unwrap();
    let outcome = ask().await;
    assert!(matches!(outcome, Outcome::Success { .. }), "{outcome:?}");
}
