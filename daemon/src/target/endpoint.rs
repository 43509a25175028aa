//! Where an HTTP server is, and whether it may be asked.

use super::{Complaint, RATE_DEFAULT, RateCap};
use hyper::Uri;
use hyper::header::HeaderValue;
use hyper_util::rt::TokioIo;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};

/// How far requests may go.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reach {
    /// Whether servers may be asked that are not on this machine.
    pub beyond_loopback: bool,
    /// Tries a second of such a server; [`RATE_DEFAULT`] where nothing is said.
    pub requests_per_second_max: Option<f64>,
    /// Certificates (PEM) of authorities that are trusted instead of the system's.
    pub ca_file: Option<PathBuf>,
}

/// A server: scheme, host and port.
///
/// A host is on this machine if it is `localhost` or an address of the loopback network. What `localhost`
/// stands for is looked at again at every connection, so no resolver sends requests elsewhere.
pub struct Endpoint {
    host: String,
    port: u16,
    host_header: HeaderValue,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    is_local: bool,
    cap: Option<RateCap>,
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        write!(f, "{scheme}://{}:{}", self.host, self.port)
    }
}

/// What a connection is made of.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

impl Endpoint {
    /// The server of a URL.
    ///
    /// # Errors
    /// When the URL names none, when it may not be asked, or when there is nobody to trust about it.
    pub fn of(url: &Uri, reach: &Reach) -> Result<Self, Complaint> {
        let whole = || Complaint::new(format!("{url} is no whole URL"), "Write it as http://HOST:PORT/PATH.");
        let authority = url.authority().ok_or_else(whole)?;
        if authority.as_str().contains('@') {
            // Not shown: there may be a password in it.
            return Err(Complaint::new(
                "the target's URL names a user",
                "Take the user out of the URL, and give the credential by a header.",
            ));
        }
        let is_tls = match url.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(whole()),
        };
        let host = authority.host().trim_matches(['[', ']']).to_string();
        let is_local = is_loopback(&host);
        if !is_local && !reach.beyond_loopback {
            return Err(Complaint::new(
                format!("{host} is not on this machine, and may not be asked"),
                format!(
                    "If its owner agrees, set allow_beyond_loopback = true; it is then asked at most \
                     {RATE_DEFAULT} times a second, or as requests_per_second_max says."
                ),
            ));
        }
        let rate = reach.requests_per_second_max.unwrap_or(RATE_DEFAULT);
        Ok(Self {
            port: authority.port_u16().unwrap_or(if is_tls { 443 } else { 80 }),
            host_header: HeaderValue::from_str(authority.as_str()).map_err(|_| whole())?,
            tls: is_tls.then(|| tls_to(&host, reach.ca_file.as_deref())).transpose()?,
            cap: (!is_local).then(|| RateCap::per_second(rate)).transpose()?,
            host,
            is_local,
        })
    }

    /// What requests to it carry as `Host`.
    pub fn host_header(&self) -> &HeaderValue {
        &self.host_header
    }

    /// The most that it may be asked; `None` on this machine.
    pub fn cap(&self) -> Option<&RateCap> {
        self.cap.as_ref()
    }

    /// Whether its name stands for something that may be asked.
    ///
    /// # Errors
    /// When it does not.
    pub async fn validate(&self) -> Result<(), Complaint> {
        let cure = "Look at the host in the target's URL, and at this machine's resolver.";
        self.addresses().await.map(drop).map_err(|error| Complaint::new(error.to_string(), cure))
    }

    /// Connects to the first of its addresses that accepts.
    pub(super) async fn connect(&self) -> io::Result<TokioIo<Box<dyn Stream>>> {
        let mut outcome = Err(io::ErrorKind::AddrNotAvailable.into());
        for address in self.addresses().await? {
            outcome = TcpStream::connect(address).await;
            if outcome.is_ok() {
                break;
            }
        }
        let stream = outcome?;
        // A request is written in one go, and nothing follows that it could be sent together with.
        stream.set_nodelay(true)?;
        Ok(TokioIo::new(match &self.tls {
            None => Box::new(stream),
            Some((connector, name)) => Box::new(connector.connect(name.clone(), stream).await?),
        }))
    }

    async fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
        let found = lookup_host((self.host.as_str(), self.port)).await.map_err(|error| {
            io::Error::new(error.kind(), format!("{} has no address: {error}", self.host))
        })?;
        if self.is_local { on_this_machine(found, &self.host) } else { Ok(found.collect()) }
    }
}

/// Those addresses of a host that are on this machine, as they are meant to be.
fn on_this_machine(found: impl Iterator<Item = SocketAddr>, host: &str) -> io::Result<Vec<SocketAddr>> {
    let here: Vec<_> = found.filter(|at| is_loopback_address(at.ip())).collect();
    if here.is_empty() {
        return Err(io::Error::other(format!("{host} has no address on this machine")));
    }
    Ok(here)
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse().is_ok_and(is_loopback_address)
}

fn is_loopback_address(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

fn tls_to(host: &str, ca_file: Option<&Path>) -> Result<(TlsConnector, ServerName<'static>), Complaint> {
    let name = ServerName::try_from(host.to_string()).map_err(|error| {
        Complaint::new(format!("{host} cannot have a certificate: {error}"), "Look at the host in the URL.")
    })?;
    let config = ClientConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| {
            Complaint::new(
                format!("TLS cannot be set up: {error}"),
                "Report this: it is a fault of the daemon.",
            )
        })?
        .with_root_certificates(authorities(ca_file)?)
        .with_no_client_auth();
    Ok((TlsConnector::from(Arc::new(config)), name))
}

/// Who is trusted about certificates: those of a file, or the system's.
fn authorities(ca_file: Option<&Path>) -> Result<RootCertStore, Complaint> {
    let mut store = RootCertStore::empty();
    let Some(path) = ca_file else {
        store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        return if store.is_empty() {
            Err(Complaint::new(
                "this machine has no certificates of authorities",
                "Install them (ca-certificates), or name a file of your own by ca_file.",
            ))
        } else {
            Ok(store)
        };
    };
    let cure = "Name a file of certificates in PEM.";
    let complain = |why: String| Complaint::new(format!("{}: {why}", path.display()), cure);
    let certificates = CertificateDer::pem_file_iter(path).map_err(|error| complain(error.to_string()))?;
    for certificate in certificates {
        let certificate = certificate.map_err(|error| complain(error.to_string()))?;
        store.add(certificate).map_err(|error| complain(error.to_string()))?;
    }
    if store.is_empty() {
        return Err(complain("there is no certificate in it".to_string()));
    }
    Ok(store)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(url: &str, reach: &Reach) -> Result<Endpoint, Complaint> {
        Endpoint::of(&url.parse().unwrap(), reach)
    }

    #[test]
    fn beyond_loopback_is_asked_only_where_that_is_allowed_and_never_without_a_cap() {
        for local in ["http://127.0.0.1:1/", "http://127.9.9.9/", "http://localhost/", "http://[::1]:80/"] {
            assert!(endpoint(local, &Reach::default()).unwrap().cap().is_none(), "{local}");
        }
        let allowed = Reach { beyond_loopback: true, ..Reach::default() };
        for beyond in
            ["http://192.0.2.1/", "http://localhost.example/", "http://[2001:db8::1]/", "http://0.0.0.0/"]
        {
            let complaint = endpoint(beyond, &Reach::default()).unwrap_err();
            assert!(complaint.cure.contains("allow_beyond_loopback"), "{beyond}");
            assert!(endpoint(beyond, &allowed).unwrap().cap().is_some(), "{beyond}");
        }
        let fast = Reach { requests_per_second_max: Some(1e6), ..allowed };
        assert!(endpoint("http://192.0.2.1/", &fast).unwrap_err().cure.contains("requests_per_second_max"));
    }

    #[test]
    fn a_url_that_is_none_or_holds_a_password_is_refused() {
        for url in ["/path", "ftp://localhost/", "localhost:80"] {
            assert!(endpoint(url, &Reach::default()).unwrap_err().cure.contains("http://HOST"), "{url}");
        }
        let complaint = endpoint("http://me:sesame@localhost/", &Reach::default()).unwrap_err();
        assert!(!format!("{complaint:?}").contains("sesame"));
    }

    #[test]
    fn a_file_of_authorities_must_hold_one() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let reach = Reach { ca_file: Some(file.path().to_path_buf()), ..Reach::default() };
        let complaint = endpoint("https://localhost/", &reach).unwrap_err();
        assert!(complaint.what.contains("no certificate"), "{complaint}");
    }

    #[test]
    fn a_resolver_cannot_send_requests_to_another_machine() {
        let found = ["192.0.2.1:80", "127.0.0.1:80", "[::ffff:127.0.0.2]:80"].map(|at| at.parse().unwrap());
        assert_eq!(on_this_machine(found.into_iter(), "localhost").unwrap(), found[1..]);
        let error = on_this_machine(found.into_iter().take(1), "localhost").unwrap_err();
        assert_eq!(error.to_string(), "localhost has no address on this machine");
    }

    #[tokio::test]
    async fn a_name_without_an_address_is_complained_of() {
        let reach = Reach { beyond_loopback: true, ..Reach::default() };
        let complaint =
            endpoint("http://no-such-host.invalid/", &reach).unwrap().validate().await.unwrap_err();
        assert!(complaint.what.starts_with("no-such-host.invalid has no address"), "{complaint}");
        endpoint("http://localhost/", &Reach::default()).unwrap().validate().await.unwrap();
    }

    mod tls {
        use super::*;
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        use tokio::net::TcpListener;
        use tokio_rustls::TlsAcceptor;
        use tokio_rustls::rustls::ServerConfig;
        use tokio_rustls::rustls::pki_types::PrivateKeyDer;

        const CA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/target/fixtures/ca.pem");
        const SERVER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/target/fixtures/server.pem");
        const KEY: &[u8] = include_bytes!("fixtures/server.key");

        /// A server at `localhost` that says back what it hears. Gives its port.
        async fn echo() -> u16 {
            let certificates = CertificateDer::pem_file_iter(SERVER).unwrap().map(Result::unwrap).collect();
            let config = ServerConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_no_client_auth()
                .with_single_cert(certificates, PrivateKeyDer::from_pem_slice(KEY).unwrap())
                .unwrap();
            let acceptor = TlsAcceptor::from(Arc::new(config));
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let port = listener.local_addr().unwrap().port();
            tokio::spawn(async move {
                loop {
                    let (stream, _) = listener.accept().await.unwrap();
                    // One that does not trust us ends the connection.
                    let Ok(mut stream) = acceptor.accept(stream).await else { continue };
                    let mut word = [0; 5];
                    stream.read_exact(&mut word).await.unwrap();
                    stream.write_all(&word).await.unwrap();
                    stream.flush().await.unwrap();
                }
            });
            port
        }

        async fn connect(host: &str, port: u16, ca_file: &str) -> io::Result<Box<dyn Stream>> {
            let reach = Reach { ca_file: Some(ca_file.into()), ..Reach::default() };
            let endpoint = endpoint(&format!("https://{host}:{port}/"), &reach).unwrap();
            endpoint.connect().await.map(TokioIo::into_inner)
        }

        #[tokio::test]
        async fn a_server_with_a_certificate_that_is_trusted_is_talked_to() {
            let mut stream = connect("localhost", echo().await, CA).await.unwrap();
            stream.write_all(b"hello").await.unwrap();
            stream.flush().await.unwrap();
            let mut word = [0; 5];
            stream.read_exact(&mut word).await.unwrap();
            assert_eq!(&word, b"hello");
        }

        #[tokio::test]
        async fn a_certificate_of_another_name_or_authority_is_not_trusted() {
            let port = echo().await;
            let error = connect("127.0.0.1", port, CA).await.err().unwrap().to_string();
            assert!(error.contains("not valid for name"), "{error}");
            let error = connect("localhost", port, SERVER).await.err().unwrap().to_string();
            assert!(error.contains("UnknownIssuer"), "{error}");
        }
    }
}
