//! A card as the field's page shows it: what itself knows, and where it lies.

use model::{Currency, Fen};
use pages::{FieldCard, Href, Industry, IndustryIcon, Language, Money};
use tap::message::PublicData;

use super::hand::{HandCard, PRICE};
use crate::wallet::{Field, When};

pub(super) fn card(card: &HandCard, field: &Field, language: Language) -> FieldCard {
    let memory = card.wallet.memory();
    let href = |what: &str| Href::new(format!("/cards/{}/{what}", card.id));
    let names = &card.pack.names;
    FieldCard {
        id: card.id.clone(),
        industry: Industry {
            code: card.pack.code.to_string(),
            icon: IndustryIcon::from_name(&card.pack.icon),
            name_en: names.en.clone(),
            name_zh: names.zh.clone(),
        },
        masked_card: memory.asn().map(|asn| format!("•••• {:04}", asn.last_four())).unwrap_or_default(),
        in_field: card.is_in(field),
        balance: money(memory.balance),
        counter: memory.online.0,
        active_until: active_until(&memory.public_data),
        last: card.last().map(|when| pulled(when, language).to_owned()),
        hold: href("hold"),
        remove: href("remove"),
        buy: href("buy"),
        price: money(PRICE),
        can_buy: card.can_buy(),
    }
}

fn money(fen: Fen) -> Money {
    let currency = Currency::CNY;
    Money::new(currency.display(fen.0.into()).to_string(), currency.to_string())
}

fn active_until(public_data: &[u8; PublicData::LENGTH]) -> Option<String> {
    let data = PublicData::parse(public_data).ok().filter(PublicData::is_activated)?;
    let [century, year, month, day] = data.end_date;
    Some(format!("{century:02x}{year:02x}-{month:02x}-{day:02x}"))
}

fn pulled(when: When, language: Language) -> &'static str {
    match (language, when) {
        (Language::English, When::Before) => "Last time: pulled away just before writing.",
        (Language::English, When::After) => "Last time: pulled away just after writing.",
        (Language::Chinese, When::Before) => "上次：即将写入时取走。",
        (Language::Chinese, When::After) => "上次：刚写入之后取走。",
    }
}
