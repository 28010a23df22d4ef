//! What lies on the counter. A demonstration's shop does not change its goods while it runs.

use model::{Amount, Currency};
use pages::{Good, Illustration, Language, Money};

/// One thing that is sold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item {
    /// What forms and addresses carry.
    pub id: &'static str,
    /// Its price in fen.
    pub price_minor: i64,
    /// What the order carries for the card's display: at most 20 bytes, the same in every language, so that a form
    /// sent twice is the same request.
    pub card_text: &'static str,
    name: Said,
    description: Said,
    illustration: Illustration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Said {
    english: &'static str,
    chinese: &'static str,
}

impl Said {
    const fn new(english: &'static str, chinese: &'static str) -> Self {
        Self { english, chinese }
    }

    fn to(self, language: Language) -> &'static str {
        match language {
            Language::English => self.english,
            Language::Chinese => self.chinese,
        }
    }
}

/// The currency of every price here.
pub(crate) const CURRENCY: Currency = Currency::CNY;

/// Everything that is sold, in the order of the counter.
pub const GOODS: [Item; 7] = [
    Item {
        id: "breakfast",
        price_minor: 2_000,
        card_text: "Breakfast",
        name: Said::new("Breakfast", "早餐套餐"),
        description: Said::new(
            "Soy milk, a fried dough stick and a tea egg.",
            "豆浆、油条，再加一个茶叶蛋。",
        ),
        illustration: Illustration::SoyMilk,
    },
    Item {
        id: "youtiao",
        price_minor: 500,
        card_text: "Youtiao",
        name: Said::new("Fried dough sticks", "油条"),
        description: Said::new("Two, straight from the pan.", "两根，现炸现卖。"),
        illustration: Illustration::Youtiao,
    },
    Item {
        id: "baozi",
        price_minor: 800,
        card_text: "Baozi",
        name: Said::new("Steamed buns", "包子"),
        description: Said::new("Three, with pork and spring onion.", "三个，猪肉大葱馅。"),
        illustration: Illustration::Baozi,
    },
    Item {
        id: "jianbing",
        price_minor: 1_200,
        card_text: "Jianbing",
        name: Said::new("Folded crepe", "煎饼果子"),
        description: Said::new("Two eggs, crisp inside.", "双蛋，夹薄脆。"),
        illustration: Illustration::Jianbing,
    },
    Item {
        id: "congee",
        price_minor: 900,
        card_text: "Congee",
        name: Said::new("Millet congee", "小米粥"),
        description: Said::new("Slowly cooked, with pickles.", "慢火熬制，配一碟咸菜。"),
        illustration: Illustration::Congee,
    },
    Item {
        id: "tea-egg",
        price_minor: 250,
        card_text: "Tea egg",
        name: Said::new("Tea egg", "茶叶蛋"),
        description: Said::new("One, steeped overnight.", "一个，隔夜入味。"),
        illustration: Illustration::TeaEgg,
    },
    Item {
        id: "street",
        price_minor: 128_000,
        card_text: "Whole street",
        name: Said::new("Breakfast for the whole street", "整条街的早餐"),
        description: Said::new("Everything above, for sixty-four.", "以上全部，六十四人份。"),
        illustration: Illustration::Basket,
    },
];

impl Item {
    /// The one with this id.
    pub(crate) fn find(id: &str) -> Option<&'static Item> {
        GOODS.iter().find(|item| item.id == id)
    }

    /// The one that an order was made for.
    pub(crate) fn of_order(card_text: &str, minor: i64, currency: &str) -> Option<&'static Item> {
        GOODS.iter().find(|item| {
            item.card_text == card_text && item.price_minor == minor && currency == CURRENCY.letters()
        })
    }

    /// How it is shown.
    pub(crate) fn good(&self, language: Language) -> Good {
        Good {
            id: self.id.into(),
            name: self.name.to(language).into(),
            description: self.description.to(language).into(),
            price: Money::new(CURRENCY.display(self.price_minor).to_string(), CURRENCY.letters()),
            illustration: self.illustration,
        }
    }
}

/// A sum of the platform's as people read it; in a currency that this build does not know, its minor units.
pub(crate) fn money(minor: i64, currency: &str) -> Money {
    let amount = Currency::from_letters(currency).and_then(|currency| Amount::new(minor, currency));
    Money::new(amount.map_or_else(|_| minor.to_string(), |amount| amount.to_string()), currency)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_good_can_be_ordered_and_told_from_the_others() {
        for (index, item) in GOODS.iter().enumerate() {
            assert!(Amount::new(item.price_minor, CURRENCY).is_ok());
            assert!((1..=20).contains(&item.card_text.len()), "{}", item.id);
            assert!(item.id.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{}", item.id);
            assert_eq!(Item::of_order(item.card_text, item.price_minor, "CNY"), Some(item));
            for other in GOODS.iter().skip(index + 1) {
                assert!(item.id != other.id && item.card_text != other.card_text);
            }
            assert_ne!(item.good(Language::English).name, item.good(Language::Chinese).name);
        }
        assert_eq!(GOODS[0].good(Language::English).price, Money::new("¥20.00", "CNY"));
    }

    #[test]
    fn an_unknown_currency_is_not_guessed_at() {
        assert_eq!(money(1500, "JPY").text, "JP¥1,500");
        assert_eq!(money(1500, "XTS"), Money::new("1500", "XTS"));
        assert_eq!(money(-5, "CNY").text, "-5");
    }
}
