use super::*;
use crate::clock::SimulatedClock;
use std::sync::Mutex;
use tokio::task::JoinHandle;

struct Server {
    address: SocketAddr,
    clock: SimulatedClock,
    health: Arc<Mutex<Health>>,
    serving: JoinHandle<()>,
}

impl Server {
    async fn start() -> Self {
        let listener = listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let clock = SimulatedClock::at("2026-03-29T00:00:00Z".parse().unwrap());
        let health = Arc::new(Mutex::new(Health::Well));
        let shown = Arc::clone(&health);
        let source: Source = Arc::new(move || Snapshot {
            families: vec![Family::single("world_cycles_total", "Cycles", Kind::Counter, 7.0)],
            health: shown.lock().unwrap().clone(),
        });
        let serving = tokio::spawn(serve(listener, Arc::new(clock.clone()), source));
        Self { address, clock, health, serving }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// What is answered to some bytes: the status, and all of it.
    async fn says(&self, request: &[u8]) -> (u16, String) {
        let mut stream = self.connect().await;
        stream.write_all(request).await.unwrap();
        heard(stream).await
    }

    async fn gets(&self, path: &str) -> (u16, String) {
        self.says(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes()).await
    }
}

async fn heard(mut stream: TcpStream) -> (u16, String) {
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    let status = text.split(' ').nth(1).unwrap().parse().unwrap();
    (status, text)
}

fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").unwrap().1
}

#[tokio::test]
async fn two_pages_are_served() {
    let server = Server::start().await;
    let (status, metrics) = server.gets("/metrics").await;
    assert_eq!(status, 200);
    assert!(metrics.contains("\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"), "{metrics}");
    let figures =
        "# HELP world_cycles_total Cycles\n# TYPE world_cycles_total counter\nworld_cycles_total 7\n";
    assert_eq!(body(&metrics), figures);
    assert!(metrics.contains(&format!("\r\nContent-Length: {}\r\n", figures.len())), "{metrics}");
    let (status, head) = server.says(b"HEAD /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").await;
    assert_eq!((status, format!("{head}{figures}")), (200, metrics));
    assert_eq!(server.gets("/").await.0, 404);
    let (status, healthz) = server.gets("/healthz").await;
    assert_eq!((status, body(&healthz)), (200, "ok\n"));
    *server.health.lock().unwrap() = Health::Unwell("cycle 8 has gone on for 1h".to_owned());
    let (status, healthz) = server.gets("/healthz").await;
    assert_eq!((status, body(&healthz)), (503, "cycle 8 has gone on for 1h\n"));
}

#[tokio::test]
async fn what_is_unfit_is_told_so() {
    let server = Server::start().await;
    let long = format!("GET /metrics HTTP/1.1\r\nHost: localhost\r\nx: {}\r\n\r\n", "y".repeat(20_000));
    for (request, status) in [
        ("nonsense\r\n\r\n", 400),
        ("GET /metrics HTTP/1.1\r\nHost: rebound.example\r\n\r\n", 403),
        ("PUT /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n", 405),
        (&long, 431),
    ] {
        assert_eq!(server.says(request.as_bytes()).await.0, status, "{request}");
    }
    assert_eq!(server.gets("/healthz").await.0, 200, "it goes on");
}

#[tokio::test]
async fn a_request_may_come_byte_by_byte() {
    let server = Server::start().await;
    let mut stream = server.connect().await;
    stream.set_nodelay(true).unwrap();
    for byte in b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n" {
        stream.write_all(&[*byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    assert_eq!(heard(stream).await.0, 200);
}

#[tokio::test]
async fn whoever_says_nothing_is_cut_off_and_others_wait_no_longer_than_that() {
    let server = Server::start().await;
    let mut silent = Vec::new();
    for _ in 0..CONNECTIONS_MAX {
        silent.push(server.connect().await);
    }
    let all = async {
        assert_eq!(server.gets("/healthz").await.0, 200);
        for mut stream in silent {
            assert_eq!(stream.read(&mut [0; 8]).await.unwrap(), 0, "cut off without an answer");
        }
    };
    tokio::pin!(all);
    loop {
        tokio::select! {
            () = &mut all => break,
            () = tokio::task::yield_now() => {
                server.clock.jump();
            }
        }
    }
    assert!(server.clock.steady() >= CONNECTION_TIME);
}

#[tokio::test]
async fn whoever_ends_the_server_ends_its_connections() {
    let server = Server::start().await;
    let stream = server.connect().await;
    assert_eq!(server.gets("/healthz").await.0, 200);
    server.serving.abort();
    let _ = server.serving.await;
    let mut stream = stream;
    assert_eq!(stream.read(&mut [0; 8]).await.unwrap(), 0);
    assert!(TcpStream::connect(server.address).await.is_err());
}

#[tokio::test]
async fn nothing_is_listened_at_that_others_can_reach() {
    let error = listen("0.0.0.0:0".parse().unwrap()).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
}
