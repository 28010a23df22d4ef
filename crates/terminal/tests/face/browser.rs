//! As much of a browser as a page without scripts needs.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Clone, Debug)]
pub(crate) struct Browser {
    address: SocketAddr,
    language: &'static str,
}

#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    /// Where a redirect after a form leads.
    pub(crate) fn leads_to(&self) -> &str {
        assert_eq!(self.status, 303, "{self:?}");
        self.header("location").unwrap()
    }

    #[track_caller]
    pub(crate) fn shows(&self, texts: &[&str]) -> &Self {
        for text in texts {
            assert!(self.body.contains(text), "{text} is not in {}", self.body);
        }
        self
    }

    #[track_caller]
    pub(crate) fn hides(&self, texts: &[&str]) -> &Self {
        for text in texts {
            assert!(!self.body.contains(text), "{text} is in {}", self.body);
        }
        self
    }
}

impl Browser {
    pub(crate) fn at(address: SocketAddr) -> Self {
        Self { address, language: "en" }
    }

    pub(crate) fn chinese(&self) -> Self {
        Self { language: "zh", ..self.clone() }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[], b"").await
    }

    /// A page that is there.
    pub(crate) async fn page(&self, path: &str) -> Answer {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        answer
    }

    pub(crate) async fn post(&self, path: &str, form: &str) -> Answer {
        self.post_from(path, form, &[("sec-fetch-site", "same-origin")]).await
    }

    pub(crate) async fn post_from(&self, path: &str, form: &str, headers: &[(&str, &str)]) -> Answer {
        let mut all = vec![("content-type", "application/x-www-form-urlencoded")];
        all.extend_from_slice(headers);
        self.ask("POST", path, &all, form.as_bytes()).await
    }

    /// Sends a file in the field `pack`.
    pub(crate) async fn upload(&self, path: &str, file: &[u8]) -> Answer {
        let mut body =
            b"--b0undary\r\nContent-Disposition: form-data; name=\"pack\"; filename=\"a.pack.toml\"\r\n\
                         Content-Type: application/octet-stream\r\n\r\n"
                .to_vec();
        body.extend_from_slice(file);
        body.extend_from_slice(b"\r\n--b0undary--\r\n");
        let headers =
            [("content-type", "multipart/form-data; boundary=b0undary"), ("sec-fetch-site", "same-origin")];
        self.ask("POST", path, &headers, &body).await
    }

    /// Asks for a transaction's page until it leads on, as the page does without scripts; where to.
    pub(crate) async fn until_it_leads(&self, path: &str) -> String {
        let led = async {
            loop {
                let answer = self.get(path).await;
                if answer.status == 303 {
                    return answer.leads_to().to_owned();
                }
                assert_eq!(answer.status, 200, "{answer:?}");
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(PATIENCE, led).await.expect("a transaction ends")
    }

    /// Follows a live page until the server ends it; everything that came.
    pub(crate) async fn live(&self, path: &str) -> String {
        self.get(path).await.body
    }

    async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\naccept-language: {}\r\n\
             content-length: {}\r\n",
            self.address,
            self.language,
            body.len()
        );
        headers.iter().for_each(|(name, value)| request += &format!("{name}: {value}\r\n"));
        request += "\r\n";
        let exchange = async {
            let mut stream = TcpStream::connect(self.address).await.unwrap();
            stream.write_all(request.as_bytes()).await.unwrap();
            // A server may have refused it before it has all.
            let _ = stream.write_all(body).await;
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer).await;
            answer
        };
        let answer = timeout(PATIENCE, exchange).await.expect("an answer comes");
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = answer.split_once("\r\n\r\n").expect("a whole head");
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head: head.to_owned(), body: body.to_owned() }
    }
}
