//! Every way in which a server is not the one that was meant, or not there, by its name.

use std::time::{Duration, Instant};

use terminal::{CertificateFault, EnrolError, EnrolRequest, ServerError, StateError, enrol};

use super::*;
use crate::stand::Reply;

async fn refused(request: EnrolRequest) -> ServerError {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("terminal");
    let refused = enrol(&path, request).await;
    assert_nothing_at(&path);
    match refused {
        Err(EnrolError::Server(error)) => error,
        other => panic!("{other:?}"),
    }
}

fn code() -> ActivationSecret {
    ActivationSecret::from_bytes([1; 16])
}

#[tokio::test]
async fn a_server_that_is_another_is_told_nothing_and_why_is_said() {
    let (authority, other) = (Authority::new(), Authority::new());
    for (tls, fault, hint) in [
        (other.server(), CertificateFault::UnknownAuthority, "authority"),
        (authority.server_of_another_name(), CertificateFault::OtherName, "address"),
        (authority.server_of_years(2020, 2021), CertificateFault::Expired, "clock"),
        (authority.server_of_years(2090, 2091), CertificateFault::NotYetValid, "clock"),
    ] {
        let stand = Stand::start(tls, |_, _| panic!("something was said")).await;
        let error = refused(request(&code(), &stand.url(), authority.pem())).await;
        assert!(
            matches!(&error, ServerError::Certificate { fault: found, .. } if *found == fault),
            "{error:?}"
        );
        assert!(error.to_string().contains(hint), "{error}");
    }
}

#[tokio::test]
async fn without_an_authority_of_its_own_a_terminal_trusts_the_usual_ones_only() {
    let authority = Authority::new();
    let stand = Stand::start(authority.server(), |_, _| panic!("something was said")).await;
    let request = EnrolRequest { ca: None, ..request(&code(), &stand.url(), "") };
    let error = refused(request).await;
    assert!(matches!(error, ServerError::Certificate { fault: CertificateFault::UnknownAuthority, .. }));
}

#[tokio::test]
async fn a_server_that_is_not_there_or_says_nothing_is_away_within_three_seconds() {
    let authority = Authority::new();
    let silent = Stand::silent().await;
    for url in [Stand::gone().await, silent.url()] {
        let began = Instant::now();
        let error = refused(request(&code(), &url, authority.pem())).await;
        assert!(matches!(error, ServerError::Away { .. }), "{error:?}");
        assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    }
}

#[tokio::test]
async fn a_server_that_hangs_is_given_up_after_ten_seconds() {
    let authority = Authority::new();
    let stand = Stand::start(authority.server(), |_, _| Reply::Hang).await;
    let began = Instant::now();
    let error = refused(request(&code(), &stand.url(), authority.pem())).await;
    assert!(matches!(error, ServerError::TimedOut { .. }), "{error:?}");
    assert!((9..30).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_server_without_tls_1_3_is_named() {
    let authority = Authority::new();
    let plain = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", plain.local_addr().unwrap());
    let serving = tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        while let Ok((mut stream, _)) = plain.accept().await {
            let mut hello = [0; 16];
            stream.read_exact(&mut hello).await.unwrap();
            // What a server of TLS 1.2 says: alert, fatal, protocol_version.
            stream.write_all(&[0x15, 3, 3, 0, 2, 2, 70]).await.unwrap();
            let mut rest = Vec::new();
            let _ = stream.read_to_end(&mut rest).await;
        }
    });
    let error = refused(request(&code(), &url, authority.pem())).await;
    assert!(matches!(error, ServerError::Tls { .. }), "{error:?}");
    serving.abort();
}

#[tokio::test]
async fn an_answer_that_is_none_is_malformed_or_broken_and_never_taken() {
    let authority = Authority::new();
    let huge = format!("HTTP/1.1 200 OK\r\ncontent-length: 9999999\r\n\r\n{}", "x".repeat(70_000));
    let cases: [(&str, Vec<u8>, bool); 7] = [
        ("noise", vec![0xa5; 200], false),
        ("a head that ends", b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n".to_vec(), false),
        ("a body that ends", b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{".to_vec(), false),
        ("too much", huge.into_bytes(), true),
        ("a page", b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n<html>".to_vec(), true),
        ("a refusal without a code", b"HTTP/1.1 502 x\r\ncontent-length: 6\r\n\r\n<html>".to_vec(), true),
        (
            "elsewhere",
            b"HTTP/1.1 302 x\r\nlocation: https://evil/\r\ncontent-length: 0\r\n\r\n".to_vec(),
            true,
        ),
    ];
    for (what, bytes, is_malformed) in cases {
        let stand = Stand::start(authority.server(), move |_, _| Reply::Raw(bytes.clone())).await;
        let error = refused(request(&code(), &stand.url(), authority.pem())).await;
        match error {
            ServerError::Malformed(_) => assert!(is_malformed, "{what}"),
            ServerError::Broken { .. } => assert!(!is_malformed, "{what}"),
            other => panic!("{what}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn an_authority_that_cannot_be_read_is_told_before_anything_else() {
    let request = request(&code(), "https://127.0.0.1:1", "no certificate");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("terminal");
    let refused = enrol(&path, request).await;
    assert!(matches!(refused, Err(EnrolError::State(StateError::Trust(_)))), "{refused:?}");
    assert_nothing_at(&path);
}

#[tokio::test]
async fn a_connection_is_kept_for_the_next_exchange() {
    let world = World::new().await;
    let terminal = world.terminal().await;
    for _ in 0..5 {
        terminal.prepare().await.unwrap();
    }
    // One for enrolment; one of the opened terminal, perhaps two where its first asks crossed.
    assert!((2..=3).contains(&world.stand.connections()), "{}", world.stand.connections());
}
