//! The demonstration's merchant: Morning Market, a breakfast shop.

use askama::Template;

use crate::href::Href;
use crate::money::Money;
use crate::order::OrderState;
use crate::page::Page;

/// A drawing in `goods.svg`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Illustration {
    /// A glass of soy milk.
    SoyMilk,
    /// Fried dough sticks.
    Youtiao,
    /// A steamed bun.
    Baozi,
    /// A folded crepe.
    Jianbing,
    /// A bowl of congee.
    Congee,
    /// A tea egg.
    TeaEgg,
    /// A basket, for whatever else is sold.
    Basket,
}

impl Illustration {
    /// All of them.
    pub const ALL: [Illustration; 7] = [
        Illustration::SoyMilk,
        Illustration::Youtiao,
        Illustration::Baozi,
        Illustration::Jianbing,
        Illustration::Congee,
        Illustration::TeaEgg,
        Illustration::Basket,
    ];

    /// Its id in the sprite.
    pub fn id(self) -> &'static str {
        match self {
            Illustration::SoyMilk => "soy-milk",
            Illustration::Youtiao => "youtiao",
            Illustration::Baozi => "baozi",
            Illustration::Jianbing => "jianbing",
            Illustration::Congee => "congee",
            Illustration::TeaEgg => "tea-egg",
            Illustration::Basket => "basket",
        }
    }

    /// The drawing with this id, or the basket.
    pub fn from_id(id: &str) -> Illustration {
        Illustration::ALL.into_iter().find(|it| it.id() == id).unwrap_or(Illustration::Basket)
    }
}

/// Something the shop sells. Name and description come in the reader's language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Good {
    /// What the form sends as `good`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// One short sentence.
    pub description: String,
    /// What it costs.
    pub price: Money,
    /// How it is drawn.
    pub illustration: Illustration,
}

/// The shop's front page. Each good is a form: `POST /buy` with `good`.
#[derive(Debug, Clone, Template)]
#[template(path = "shop/shop.html")]
pub struct ShopPage {
    /// Language and place.
    pub page: Page,
    /// What is on the counter.
    pub goods: Vec<Good>,
}

/// A card the buyer saved with the shop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedCard {
    /// What the form sends as `card`.
    pub id: String,
    /// Its number as people may see it.
    pub masked_number: String,
    /// Whether it shows the amount itself.
    pub has_display: bool,
    /// A word of the buyer's about it; may be empty.
    pub note: String,
}

/// Choosing a card for one good: `POST /checkout` with `good` and `card`.
#[derive(Debug, Clone, Template)]
#[template(path = "shop/checkout.html")]
pub struct CheckoutPage {
    /// Language and place.
    pub page: Page,
    /// What is being bought.
    pub good: Good,
    /// The buyer's saved cards.
    pub cards: Vec<SavedCard>,
    /// The id of the card chosen before, after an error; otherwise the first is chosen.
    pub chosen: Option<String>,
    /// Why the last try went wrong, for people.
    pub error: Option<String>,
}

impl CheckoutPage {
    fn is_chosen(&self, card: &SavedCard, first: &bool) -> bool {
        match &self.chosen {
            Some(id) => *id == card.id,
            None => *first,
        }
    }
}

/// The shop's own page for an order after the card was asked: a receipt, or what became of it.
#[derive(Debug, Clone, Template)]
#[template(path = "shop/order.html")]
pub struct ShopOrderPage {
    /// Language and place.
    pub page: Page,
    /// The order's id.
    pub order_id: String,
    /// What was bought.
    pub good: Good,
    /// The card it was asked from.
    pub masked_card: String,
    /// When, as text.
    pub placed_at: String,
    /// What became of it.
    pub state: OrderState,
    /// The platform's page of the order, while it can still be paid.
    pub pay_url: Option<Href>,
}
