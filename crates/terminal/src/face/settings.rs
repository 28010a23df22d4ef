//! What the terminal is and works with: its key, its readers, its driver packs.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use packs::{InstallError, PACK_LENGTH_MAX, PackError};
use pages::{
    BankRole, BankServer, Href, Language, MessagePage, PackRow, ReaderRow, RefusedFile, SettingsNotice,
    SettingsPage, Suite,
};
use tap::{DriverPack, Outcome};
use tokio::task::spawn_blocking;
use visit::Visitor;

use super::shelf::{self, Shelf};
use super::{Desk, notice, text, upload};

/// The name of the file's field.
const FIELD: &str = "pack";

/// What came of the last thing that was asked for here; told once, in the language of whoever looks.
#[derive(Clone, Debug)]
pub(super) enum Notice {
    KeyRenewed,
    KeyNotRenewed { outcome: Outcome, english: String },
    PackInstalled(Arc<DriverPack>),
    PackRefused { code: &'static str, english: String },
    ReaderChosen,
}

impl Notice {
    fn refused(error: &InstallError) -> Self {
        Self::PackRefused { code: error.code(), english: error.to_string() }
    }

    fn shown(self, language: Language) -> SettingsNotice {
        match self {
            Self::KeyRenewed => SettingsNotice::KeyRenewed,
            Self::KeyNotRenewed { outcome, english } => SettingsNotice::KeyNotRenewed(match language {
                Language::English => english,
                Language::Chinese => outcome.chinese().to_owned(),
            }),
            Self::PackInstalled(pack) => {
                SettingsNotice::PackInstalled(text::industry(&pack).name(language).to_owned())
            }
            Self::PackRefused { code, english } => {
                SettingsNotice::PackRefused(reason(code, english, language))
            }
            Self::ReaderChosen => SettingsNotice::ReaderChosen,
        }
    }
}

pub(super) async fn show(State(desk): State<Arc<Desk>>, visitor: Visitor) -> Response {
    desk.look_at_bank();
    let looked = Arc::clone(&desk);
    let shelf = spawn_blocking(move || shelf::look(looked.terminal.packs(), &looked.terminal.packs_folder()));
    let Ok(shelf) = shelf.await else {
        return visit::page(StatusCode::INTERNAL_SERVER_ERROR, &MessagePage::failed(visitor.page(), None));
    };
    let told = desk.notice.lock().unwrap_or_else(PoisonError::into_inner).take();
    visit::page(StatusCode::OK, &page(&desk, &shelf, told, &visitor))
}

fn page(desk: &Desk, shelf: &Shelf, told: Option<Notice>, visitor: &Visitor) -> SettingsPage {
    let (terminal, language) = (&desk.terminal, visitor.language);
    let servers = vec![
        BankServer {
            role: BankRole::Transactions,
            name: terminal.transaction_url().host().to_owned(),
            connection: desk.standing.transactions(),
        },
        BankServer {
            role: BankRole::Security,
            name: terminal.security_url().host().to_owned(),
            connection: desk.standing.security(),
        },
    ];
    let chosen = desk.chosen.load(Ordering::Relaxed);
    let readers = desk.readers.iter().enumerate().map(|(place, reader)| ReaderRow {
        name: reader.name().to_owned(),
        in_use: place == chosen,
        choose: (place != chosen).then(|| Href::new(format!("/settings/readers/{place}"))),
    });
    let packs = shelf.packs.iter().map(|(pack, origin)| PackRow {
        industry: text::industry(pack),
        version: pack.version.to_string(),
        signer: origin.as_ref().map(|origin| grouped(&origin.signer)).unwrap_or_default(),
        installed_at: origin
            .as_ref()
            .and_then(|origin| origin.installed_at)
            .map(text::minute)
            .unwrap_or_default(),
    });
    let refused = shelf.refused.iter().map(|(bad, at)| RefusedFile {
        file: bad.name.clone(),
        reason: reason(bad.code, bad.reason.clone(), language),
        at: at.map(text::minute).unwrap_or_default(),
    });
    SettingsPage {
        page: visitor.page(),
        nav: desk.nav.clone(),
        notice: told.map(|notice| notice.shown(language)),
        number: terminal.id().to_string(),
        servers,
        key: desk.key(),
        renew: Href::new("/settings/key"),
        suite: Suite::from_number(terminal.suite().number()).unwrap_or(Suite::Aes128Gcm),
        readers: readers.collect(),
        packs: packs.collect(),
        refused: refused.collect(),
        install: Href::new("/settings/packs"),
    }
}

/// A key's digits in fours, as people compare them.
fn grouped(digits: &str) -> String {
    let digits: Vec<char> = digits.chars().collect();
    let fours: Vec<String> = digits.chunks(4).map(|four| four.iter().collect()).collect();
    format!("Ed25519 {}", fours.join(" "))
}

pub(super) async fn renew(State(desk): State<Arc<Desk>>) -> Response {
    let renewed = desk.terminal.renew_key().await;
    desk.standing.hear_security(renewed.as_ref().err());
    desk.tell(match renewed {
        Ok(()) => Notice::KeyRenewed,
        Err(error) => Notice::KeyNotRenewed { outcome: error.outcome(), english: error.to_string() },
    })
}

pub(super) async fn choose(
    State(desk): State<Arc<Desk>>,
    Path(place): Path<String>,
    visitor: Visitor,
) -> Response {
    match place.parse::<usize>() {
        Ok(place) if place < desk.readers.len() => {
            // What runs keeps its reader to its end.
            desk.chosen.store(place, Ordering::Relaxed);
            desk.standing.reader_chosen();
            desk.tell(Notice::ReaderChosen)
        }
        Ok(_) | Err(_) => notice::not_found(&visitor),
    }
}

pub(super) async fn install(
    State(desk): State<Arc<Desk>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let refused = |error: PackError| Notice::refused(&InstallError::Pack(error));
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let told = match &body {
        Err(_) => refused(PackError::TooLarge { max: PACK_LENGTH_MAX }),
        Ok(body) => match upload::file(content_type, body, FIELD) {
            None => refused(PackError::NotAPack),
            Some(file) => desk.install(file.to_vec()).await,
        },
    };
    desk.tell(told)
}

impl Desk {
    async fn install(self: &Arc<Self>, file: Vec<u8>) -> Notice {
        let desk = Arc::clone(self);
        // The folder is written through to the disk.
        let installed = spawn_blocking(move || desk.terminal.packs().install(&file)).await;
        match installed {
            Ok(Ok(pack)) => {
                tracing::info!(industry = %pack.code, version = pack.version, "a driver pack was installed");
                Notice::PackInstalled(pack)
            }
            Ok(Err(error)) => {
                tracing::warn!(%error, "a driver pack was refused");
                Notice::refused(&error)
            }
            Err(_) => Notice::PackRefused { code: "cannot_write", english: "the program stops".to_owned() },
        }
    }

    fn tell(&self, notice: Notice) -> Response {
        *self.notice.lock().unwrap_or_else(PoisonError::into_inner) = Some(notice);
        Redirect::to("/settings").into_response()
    }
}

/// Why a file is no good pack. In English the error itself says it best.
fn reason(code: &str, english: String, language: Language) -> String {
    let chinese = match (language, code) {
        (Language::English, _) => return english,
        (Language::Chinese, "not_a_pack") => "这不是驱动包文件",
        (Language::Chinese, "too_large") => "文件过大，不是驱动包",
        (Language::Chinese, "newer_format") => "驱动包格式较新，请更新程序",
        (Language::Chinese, "unknown_signer") => "签名方不受本终端信任，请联系运营方",
        (Language::Chinese, "bad_signature") => "签名与文件不符，文件在签名后被改动，请重新获取",
        (Language::Chinese, "wrong_driver") => "驱动包适用于其他驱动程序",
        (Language::Chinese, "older_version") => "已安装更高版本",
        (Language::Chinese, "same_version") => "已安装同一版本的另一驱动包，请提高版本号后重新签名",
        (Language::Chinese, "full") => "行业数量已达上限，请移除不用的驱动包",
        (Language::Chinese, "cannot_write") => "无法写入驱动包文件夹",
        (Language::Chinese, "cannot_read") => "无法读取文件",
        (Language::Chinese, _) => "驱动包内容有误",
    };
    format!("{chinese}（{code}）")
}
