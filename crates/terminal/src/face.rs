//! The terminal's own pages: a holder chooses an industry, holds a card, enters amount, code and PIN.
//!
//! For: [`router`], which serves the pages of `pages::terminal` for one [`Terminal`] and its readers; [`serve`] for
//! whoever has nothing else to serve. Refuses: a second transaction while one has the reader (a page says so); other
//! sites' forms; keeping a PIN or a code: what was typed lives until the transaction is opened, and stands in no
//! address, log or page. It is no login: whoever reaches it can use the terminal, so it belongs on a loopback address.
//! Next: `face/session.rs` for what is kept of a holder and what follows on what, `face/run.rs` for a transaction
//! that runs, then a file for each page.
//!
//! # Limits
//! A holder's pages are forgotten 10 minutes after they were last asked for ([`SESSION_LIFE`]); there are at most
//! [`SESSIONS_MAX`], and [`LIVE_MAX`] live pages at once. Every wait that a page shows ends by itself.

mod activate;
mod hold;
mod home;
mod load;
mod locked;
mod notice;
mod result;
mod run;
mod session;
mod settings;
mod shelf;
mod standing;
mod text;
mod upload;
mod wrong;

use std::future::Future;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::response::Response;
use axum::routing::{get, post};
use model::TerminalId;
use pages::{Href, TerminalNav};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use visit::{HostNames, Policy, Visitor};

use crate::attached::AttachedReader;
use crate::terminal::Terminal;
use session::Sessions;
use settings::Notice;
use standing::Standing;

pub use pages::Locked;

/// How long the pages of a holder are kept after they were last asked for.
pub const SESSION_LIFE: Duration = Duration::from_secs(600);
/// How many holders' pages are kept; the one that was asked for longest ago makes place.
pub const SESSIONS_MAX: usize = 64;
/// How many pages may follow transactions at once.
pub const LIVE_MAX: usize = 32;
/// The longest form: an amount, or a code and PINs.
const FORM_MAX: usize = 1_024;

/// What a face is told of its surroundings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaceOptions {
    /// The demonstration's field of software cards; nothing at a real terminal.
    pub field: Option<String>,
    /// The demonstration's text messages; nothing at a real terminal.
    pub outbox: Option<String>,
    /// How long the pages of a holder are kept: [`SESSION_LIFE`], unless a test cannot wait for that.
    pub session_life: Duration,
}

impl Default for FaceOptions {
    fn default() -> Self {
        Self { field: None, outbox: None, session_life: SESSION_LIFE }
    }
}

impl FaceOptions {
    fn nav(&self) -> TerminalNav {
        let href = |address: &String| Href::new(address.as_str());
        TerminalNav {
            home: Href::new("/"),
            settings: Href::new("/settings"),
            field: self.field.as_ref().map(href),
            outbox: self.outbox.as_ref().map(href),
        }
    }
}

/// A terminal's face. Clones are the same face.
#[derive(Clone, Debug)]
pub struct Face {
    behind: Behind,
}

#[derive(Clone, Debug)]
enum Behind {
    Terminal(Arc<Desk>),
    /// Nobody can be served: one page says why.
    Nothing {
        why: Locked,
        number: Option<TerminalId>,
        nav: TerminalNav,
    },
}

/// A terminal with its readers, and what its face remembers.
#[derive(Debug)]
struct Desk {
    terminal: Terminal,
    readers: Vec<AttachedReader>,
    /// Which of them is used.
    chosen: AtomicUsize,
    nav: TerminalNav,
    sessions: Sessions,
    standing: Standing,
    /// What the next look at the settings is told.
    notice: Mutex<Option<Notice>>,
    live: Arc<Semaphore>,
    /// Whether the face stops.
    stopping: watch::Sender<bool>,
}

impl Face {
    /// The face of a terminal. Cards are read at the first of these readers until another is chosen.
    pub fn new(terminal: Terminal, readers: Vec<AttachedReader>, options: &FaceOptions) -> Self {
        let desk = Desk {
            terminal,
            readers,
            chosen: AtomicUsize::new(0),
            nav: options.nav(),
            sessions: Sessions::new(options.session_life),
            standing: Standing::default(),
            notice: Mutex::default(),
            live: Arc::new(Semaphore::new(LIVE_MAX)),
            stopping: watch::Sender::new(false),
        };
        Self { behind: Behind::Terminal(Arc::new(desk)) }
    }

    /// The face of a terminal that can serve nobody yet.
    pub fn locked(why: Locked, number: Option<TerminalId>, options: &FaceOptions) -> Self {
        Self { behind: Behind::Nothing { why, number, nav: options.nav() } }
    }

    /// Begins nothing more, stops what can be stopped without consequences, and waits for the rest: the bank may
    /// have set money aside, and every wait has a limit. Live pages end.
    pub async fn stop(&self) {
        let Behind::Terminal(desk) = &self.behind else { return };
        desk.stopping.send_replace(true);
        desk.sessions.stop_running().await;
    }
}

impl Desk {
    fn reader(&self) -> Option<&AttachedReader> {
        self.readers.get(self.chosen.load(Ordering::Relaxed))
    }
}

/// The pages of a face, with the policy and the check of forms around them. They have no login, so they answer under
/// addresses and `localhost` only.
pub fn router(face: Face) -> Router {
    let policy = Policy::new(&[], &[], "'none'");
    let routes = match face.behind {
        Behind::Terminal(desk) => visit::welcome(desk_routes().with_state(desk), policy),
        Behind::Nothing { why, number, nav } => {
            let show = move |visitor: Visitor| {
                let response = locked::page(&visitor, &nav, why, number);
                async move { response }
            };
            visit::welcome(Router::new().fallback(show), policy)
        }
    };
    visit::only_under(routes, HostNames::default())
}

fn desk_routes() -> Router<Arc<Desk>> {
    let forms = Router::new()
        .route("/", get(home::home))
        .route("/industries/{code}", get(home::industry))
        .route("/industries/{code}/balance", post(home::balance))
        .route("/industries/{code}/load", post(home::load))
        .route("/industries/{code}/finish", post(home::finish))
        .route("/industries/{code}/activate", post(home::activate))
        .route("/taps/{id}", get(hold::show))
        .route("/taps/{id}/live", get(hold::live))
        .route("/taps/{id}/cancel", post(hold::cancel))
        .route("/taps/{id}/load", get(load::amounts))
        .route("/taps/{id}/amount", post(load::amount))
        .route("/taps/{id}/confirm", get(load::confirm).post(load::submit))
        .route("/taps/{id}/resend", post(load::resend))
        .route("/taps/{id}/activation", post(activate::begin))
        .route("/taps/{id}/activate", get(activate::form).post(activate::submit))
        .route("/taps/{id}/result", get(result::show))
        .route("/taps/{id}/again", post(result::again))
        .route("/taps/{id}/balance", post(result::balance))
        .route("/taps/{id}/verify", post(result::verify))
        .route("/taps/{id}/finish", post(result::finish))
        .route("/settings", get(settings::show))
        .route("/settings/key", post(settings::renew))
        .route("/settings/readers/{place}", post(settings::choose))
        .layer(DefaultBodyLimit::max(FORM_MAX));
    let packs = Router::new()
        .route("/settings/packs", post(settings::install))
        .layer(DefaultBodyLimit::max(upload::BODY_MAX));
    forms.merge(packs).fallback(nothing_here)
}

async fn nothing_here(visitor: Visitor) -> Response {
    notice::not_found(&visitor)
}

/// Serves a face until told to stop, and then to the end of what runs.
pub async fn serve(
    face: Face,
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let stopping = face.clone();
    let stop = async move {
        stop.await;
        stopping.stop().await;
    };
    axum::serve(listener, router(face)).with_graceful_shutdown(stop).await
}
