//! The shop.

use pages::*;

use super::{Sample, by, page, yuan};

fn goods(language: Language) -> Vec<Good> {
    let good = |illustration: Illustration, names: [&str; 4], price: &str| Good {
        id: illustration.id().into(),
        name: by(language, names[0], names[1]),
        description: by(language, names[2], names[3]),
        price: yuan(price),
        illustration,
    };
    vec![
        good(
            Illustration::Jianbing,
            [
                "Jianbing",
                "煎饼果子",
                "Mung bean crepe, two eggs, crisp inside.",
                "绿豆面糊，两个鸡蛋，夹薄脆。",
            ],
            "¥12.00",
        ),
        good(
            Illustration::Baozi,
            ["Pork baozi", "鲜肉包", "A pair, steamed since five.", "一份两只，五点开蒸。"],
            "¥6.00",
        ),
        good(
            Illustration::Youtiao,
            ["Youtiao", "油条", "Two sticks, fried when you order.", "一份两根，现点现炸。"],
            "¥5.00",
        ),
        good(
            Illustration::SoyMilk,
            ["Soy milk", "豆浆", "Stone-ground, warm, lightly sweet.", "石磨现磨，温热微甜。"],
            "¥4.00",
        ),
        good(
            Illustration::Congee,
            ["Millet congee", "小米粥", "Slow-cooked, with pickles on the side.", "文火慢熬，附送小菜。"],
            "¥8.00",
        ),
        good(
            Illustration::TeaEgg,
            ["Tea egg", "茶叶蛋", "A night in black tea and star anise.", "红茶八角，浸煮一夜。"],
            "¥2.50",
        ),
        good(
            Illustration::Basket,
            [
                "Breakfast for two",
                "双人早餐",
                "A little of everything, in a basket.",
                "各样来一点，装满一篮。",
            ],
            "¥20.00",
        ),
    ]
}

fn saved_cards(language: Language) -> Vec<SavedCard> {
    vec![
        SavedCard {
            id: "c1".into(),
            masked_number: "6231 •••• •••• 4417".into(),
            has_display: true,
            note: by(language, "Everyday card", "日常用卡"),
        },
        SavedCard {
            id: "c2".into(),
            masked_number: "6231 •••• •••• 0925".into(),
            has_display: false,
            note: String::new(),
        },
    ]
}

pub(super) fn shop(language: Language) -> Vec<Sample> {
    let setting = Page::new(language);
    let basket = || goods(language).pop().expect("goods");
    let receipt = |state: OrderState| ShopOrderPage {
        page: setting.clone(),
        order_id: "ord_019aa2f07c1b7c4d8e1f20a3b4c5d6e7".into(),
        good: basket(),
        masked_card: "6231 •••• •••• 4417".into(),
        placed_at: "2026-11-20 18:31".into(),
        state,
        pay_url: Some(Href::new("/pay/ord_019aa2f07c1b7c4d8e1f20a3b4c5d6e7")),
    };
    vec![
        page("shop", &ShopPage { page: setting.clone(), goods: goods(language) }),
        page(
            "checkout",
            &CheckoutPage {
                page: setting.clone().at("/checkout?good=basket"),
                good: basket(),
                cards: saved_cards(language),
                chosen: None,
                error: None,
            },
        ),
        page(
            "checkout-error",
            &CheckoutPage {
                page: setting.clone(),
                good: basket(),
                cards: saved_cards(language),
                chosen: Some("c2".into()),
                error: Some(by(
                    language,
                    "This card has an order waiting already.",
                    "此卡已有订单等待处理。",
                )),
            },
        ),
        page(
            "checkout-no-cards",
            &CheckoutPage {
                page: setting.clone(),
                good: basket(),
                cards: Vec::new(),
                chosen: None,
                error: None,
            },
        ),
        page("shop-order-paid", &receipt(OrderState::Paid)),
        page("shop-order-open", &receipt(OrderState::AwaitingCard)),
        page("shop-order-declined", &receipt(OrderState::Declined(Reason::Refused))),
    ]
}
