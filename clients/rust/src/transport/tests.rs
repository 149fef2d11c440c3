use std::collections::VecDeque;
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tonic::{Code, Request};

use super::{timeout_of, timeout_text};
use crate::v1::{DeleteApplicationRequest, GetInstanceRequest, Instance, WatchInstanceRequest};
use crate::{Client, ClientBuilder};

/// What the server does with a request.
#[derive(Clone, Copy)]
enum Step {
    /// Closes the connection.
    Close,
    /// Answers nothing.
    Silent,
    /// Answers with a status and no message, as gRPC does that fails at once.
    Fail(Code),
    /// Answers as an intermediary does that has no server.
    NoServer,
    /// An empty message, and the status in trailers.
    Answer(Code),
    /// The same later.
    Late(Duration),
    /// The beginning of an answer, then closes.
    Half,
}

#[derive(Default)]
struct Log {
    connections: usize,
    headers: Vec<HeaderMap>,
}

/// Speaks gRPC as far as is needed, one step a request.
struct Server {
    address: String,
    log: Arc<Mutex<Log>>,
}

impl Server {
    async fn start(steps: &[Step]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let log = Arc::new(Mutex::new(Log::default()));
        let steps = Arc::new(Mutex::new(steps.iter().copied().collect()));
        let shared = log.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                shared.lock().unwrap().connections += 1;
                tokio::spawn(serve(socket, steps.clone(), shared.clone()));
            }
        });
        Self { address, log }
    }

    fn builder(&self) -> ClientBuilder {
        Client::builder().address(&self.address).token("secret")
    }

    fn client(&self) -> Client {
        self.builder().build().unwrap()
    }

    fn requests(&self) -> usize {
        self.log.lock().unwrap().headers.len()
    }

    fn connections(&self) -> usize {
        self.log.lock().unwrap().connections
    }

    fn header(&self, request: usize, name: &str) -> Option<String> {
        let log = self.log.lock().unwrap();
        let value = log.headers[request].get(name)?;
        Some(value.to_str().unwrap().to_owned())
    }
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(socket: S, steps: Arc<Mutex<VecDeque<Step>>>, log: Arc<Mutex<Log>>) {
    let mut connection = h2::server::handshake(socket).await.unwrap();
    let mut open = Vec::new();
    while let Some(Ok((request, mut respond))) = connection.accept().await {
        log.lock().unwrap().headers.push(request.headers().clone());
        let step = steps.lock().unwrap().pop_front().unwrap_or(Step::Silent);
        match step {
            Step::Close => return,
            Step::Silent => open.push(respond),
            Step::Fail(code) => drop(respond.send_response(head(200, Some(code)), true)),
            Step::NoServer => drop(respond.send_response(head(503, None), true)),
            Step::Answer(code) => answer(&mut respond, Some(code)),
            Step::Half => {
                answer(&mut respond, None);
                // Lets it out.
                let _ = tokio::time::timeout(Duration::from_millis(50), connection.accept()).await;
                return;
            }
            Step::Late(delay) => {
                tokio::spawn(async move {
                    tokio::time::sleep(delay).await;
                    answer(&mut respond, Some(Code::Ok));
                });
            }
        }
    }
}

fn head(status: u16, code: Option<Code>) -> Response<()> {
    let mut head = Response::builder().status(status).header("content-type", "application/grpc");
    if let Some(code) = code {
        head = head.header("grpc-status", code as i32);
    }
    head.body(()).unwrap()
}

fn answer(respond: &mut h2::server::SendResponse<Bytes>, code: Option<Code>) {
    let mut body = respond.send_response(head(200, None), false).unwrap();
    body.send_data(Bytes::from_static(&[0, 0, 0, 0, 0]), false).unwrap();
    if let Some(code) = code {
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", HeaderValue::from(code as i32));
        body.send_trailers(trailers).unwrap();
    }
}

async fn read(client: &Client) -> Result<Option<Instance>, Code> {
    let answer = client.instance().get_instance(GetInstanceRequest::default()).await;
    answer.map(|answer| answer.into_inner().instance).map_err(|status| status.code())
}

async fn write(client: &Client) -> Result<(), Code> {
    let answer = client.applications().delete_application(DeleteApplicationRequest::default()).await;
    answer.map(drop).map_err(|status| status.code())
}

async fn took<T>(work: impl Future<Output = T>) -> (T, Duration) {
    let began = Instant::now();
    let result = work.await;
    (result, began.elapsed())
}

#[tokio::test]
async fn a_safe_call_is_tried_again_while_the_server_is_not_available() {
    let unavailable = Code::Unavailable;
    let steps = [Step::Close, Step::Half, Step::Fail(unavailable), Step::NoServer, Step::Answer(Code::Ok)];
    let server = Server::start(&steps).await;
    assert_eq!(read(&server.client()).await, Ok(None));
    assert_eq!(server.requests(), 5);
    assert_eq!(server.connections(), 3);
    let server = Server::start(&[Step::Answer(unavailable), Step::Answer(Code::Ok)]).await;
    assert_eq!(read(&server.client()).await, Ok(None));
}

#[tokio::test]
async fn a_write_and_what_was_answered_are_not_tried_again() {
    for step in [Step::Close, Step::Half, Step::Fail(Code::Unavailable), Step::NoServer] {
        let server = Server::start(&[step, Step::Answer(Code::Ok)]).await;
        assert_eq!(write(&server.client()).await, Err(Code::Unavailable));
        assert_eq!(server.requests(), 1);
    }
    let server = Server::start(&[Step::Fail(Code::NotFound)]).await;
    assert_eq!(read(&server.client()).await, Err(Code::NotFound));
    assert_eq!(server.requests(), 1);
}

#[tokio::test]
async fn retries_end_with_the_deadline_and_tell_what_was_wrong() {
    let server = Server::start(&[Step::Fail(Code::Unavailable); 9]).await;
    let client = server.builder().timeout(Duration::from_secs(1)).build().unwrap();
    let (result, time) = took(read(&client)).await;
    assert_eq!(result, Err(Code::Unavailable));
    assert!(time < Duration::from_secs(1) && server.requests() > 1, "{time:?}");
}

#[tokio::test]
async fn a_deadline_ends_a_call_and_the_next_one_has_another_connection() {
    let server = Server::start(&[Step::Silent, Step::Silent, Step::Answer(Code::Ok)]).await;
    let client = server.builder().timeout(Duration::from_millis(700)).build().unwrap();
    let (result, time) = took(read(&client)).await;
    assert_eq!(result, Err(Code::DeadlineExceeded));
    assert!((600..5000).contains(&time.as_millis()), "{time:?}");
    // One of the caller's own beats the client's.
    let mut request = Request::new(DeleteApplicationRequest::default());
    request.set_timeout(Duration::from_millis(50));
    let (result, time) = took(client.applications().delete_application(request)).await;
    assert_eq!(result.unwrap_err().code(), Code::DeadlineExceeded);
    assert!(time < Duration::from_millis(600), "{time:?}");
    assert_eq!(read(&client).await, Ok(None));
    assert_eq!((server.requests(), server.connections()), (3, 3));
}

#[tokio::test]
async fn a_stream_has_no_deadline_unless_it_is_given() {
    let server = Server::start(&[Step::Late(Duration::from_millis(400))]).await;
    let client = server.builder().timeout(Duration::from_millis(100)).build().unwrap();
    let mut stream = client.instance().watch_instance(WatchInstanceRequest::default()).await.unwrap().into_inner();
    assert!(stream.message().await.unwrap().is_some());
    assert!(stream.message().await.unwrap().is_none());
    assert_eq!(server.header(0, "grpc-timeout"), None);
}

#[tokio::test]
async fn a_stream_that_breaks_off_is_unavailable() {
    let server = Server::start(&[Step::Half]).await;
    let client = server.client();
    let mut stream = client.instance().watch_instance(WatchInstanceRequest::default()).await.unwrap().into_inner();
    assert!(stream.message().await.unwrap().is_some());
    let error = stream.message().await.unwrap_err();
    assert_eq!(error.code(), Code::Unavailable, "{error}");
}

#[tokio::test]
async fn token_deadline_and_agent_go_with_each_call() {
    let server = Server::start(&[Step::Answer(Code::Ok), Step::Answer(Code::Ok)]).await;
    read(&server.client()).await.unwrap();
    assert_eq!(server.header(0, "authorization").as_deref(), Some("Bearer secret"));
    let agent = server.header(0, "user-agent").unwrap();
    assert!(agent.starts_with(concat!("windlass-client-rust/", env!("CARGO_PKG_VERSION"))), "{agent}");
    let left: u32 = server.header(0, "grpc-timeout").unwrap().strip_suffix('m').unwrap().parse().unwrap();
    assert!((9_000..=10_000).contains(&left), "{left}");
    read(&server.builder().token("").timeout(None).build().unwrap()).await.unwrap();
    assert_eq!(server.header(1, "authorization"), None);
    assert_eq!(server.header(1, "grpc-timeout"), None);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_with_its_cause() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let client = Client::builder().address(address).token("").build().unwrap();
    let request = DeleteApplicationRequest::default();
    let error = client.applications().delete_application(request).await.unwrap_err();
    assert_eq!(error.code(), Code::Unavailable);
    assert!(error.message().contains("refused") && !error.message().contains('\n'), "{}", error.message());
}

#[test]
fn deadlines_are_read_and_written_as_grpc_has_them() {
    let of = |text: &'static str| {
        timeout_of(&HeaderMap::from_iter([("grpc-timeout".parse().unwrap(), HeaderValue::from_static(text))]))
    };
    assert_eq!(of("2H"), Some(Duration::from_secs(7200)));
    assert_eq!(of("3M"), Some(Duration::from_secs(180)));
    assert_eq!(of("4S"), Some(Duration::from_secs(4)));
    assert_eq!(of("500m"), Some(Duration::from_millis(500)));
    assert_eq!(of("500000u"), Some(Duration::from_millis(500)));
    assert_eq!(of("500000000n"), Some(Duration::from_millis(500)));
    assert_eq!([of(""), of("1"), of("x"), of("-1S")], [None; 4]);
    assert_eq!(timeout_of(&HeaderMap::new()), None);
    assert_eq!(timeout_text(Duration::from_millis(1500)), "1500m");
    assert_eq!(timeout_text(Duration::ZERO), "1m");
    assert_eq!(timeout_text(Duration::from_secs(1_000_000)), "277H");
    assert_eq!(timeout_text(Duration::MAX), "99999999H");
}

#[tokio::test]
async fn a_watch_that_is_cut_goes_on_and_tells_why_it_tells_nothing() {
    let server = Server::start(&[Step::Fail(Code::Unavailable); 99]).await;
    let client = server.client();
    let mut watch = client.watch(WatchInstanceRequest { start_revision: 7, ..Default::default() });
    assert_eq!((watch.failure(), watch.resume_revision()), (None, 7));
    let in_time = tokio::time::timeout(Duration::from_secs(1), watch.next()).await;
    assert!(in_time.is_err());
    assert!(watch.failure().unwrap().starts_with("Unavailable: "), "{:?}", watch.failure());
    // Each attempt has a connection of its own.
    assert!(server.requests() > 1 && server.connections() == server.requests());
    drop(watch);
    let asked = server.requests();
    let waited = client.wait_until_running("shop", Duration::from_millis(700)).await.unwrap_err();
    assert!(server.requests() > asked);
    let text = waited.to_string();
    assert!(text.starts_with("no news of applications/shop after 700ms; the watch is cut: Unavailable"), "{text}");
}

#[tokio::test]
async fn a_watch_ends_with_what_trying_again_cannot_mend() {
    let server = Server::start(&[Step::Fail(Code::OutOfRange), Step::Fail(Code::PermissionDenied)]).await;
    let client = server.client();
    let mut watch = client.watch(WatchInstanceRequest { start_revision: 7, ..Default::default() });
    // The history is gone: from the beginning, which is refused.
    let error = watch.next().await.unwrap().unwrap_err();
    assert_eq!((error.code(), watch.resume_revision()), (Code::PermissionDenied, 0));
    assert!(watch.next().await.is_none());
    assert_eq!(server.requests(), 2);
}

#[cfg(feature = "tls")]
#[tokio::test]
async fn https_is_tls_with_the_roots_given_or_the_systems() {
    use tokio_rustls::rustls::{crypto::ring, pki_types::PrivateKeyDer, ServerConfig};
    let rcgen::CertifiedKey { cert, signing_key } = rcgen::generate_simple_self_signed(["localhost".into()]).unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let Ok(socket) = acceptor.accept(socket).await else {
                continue;
            };
            let steps = Arc::new(Mutex::new([Step::Answer(Code::Ok)].into()));
            tokio::spawn(serve(socket, steps, Arc::default()));
        }
    });
    let builder = Client::builder().address(&address).token("secret");
    let trusting = builder.clone().root_certificates(cert.pem()).build().unwrap();
    assert_eq!(read(&trusting).await, Ok(None));
    let request = DeleteApplicationRequest::default();
    let error = builder.build().unwrap().applications().delete_application(request).await.unwrap_err();
    assert_eq!(error.code(), Code::Unavailable);
    assert!(error.message().contains("certificate"), "{}", error.message());
}

#[tokio::test]
async fn what_cannot_be_called_is_told_when_the_client_is_made() {
    let told = |builder: ClientBuilder| builder.build().map(drop).unwrap_err().to_string();
    let builder = Client::builder().token("");
    let plain = builder.clone().address("http://127.0.0.1:1").root_certificates("x");
    assert_eq!(told(plain), "root_certificates are for https:// addresses only");
    let secure = builder.address("https://127.0.0.1:1");
    if cfg!(feature = "tls") {
        assert!(secure.build().is_ok());
    } else {
        assert!(told(secure).contains("needs the feature `tls`"));
    }
}

#[test]
fn outside_of_a_runtime_no_client_is_made() {
    let error = Client::builder().token("").build().map(drop).unwrap_err();
    assert_eq!(error.to_string(), "a client must be made within a tokio runtime");
}
