//! Wallet cards.

use model::OnlineCounter;
use payment::LoadState;
use store::{Wallet, WalletState};

use crate::house::{House, asn, bus};
use crate::town::EVENING;

#[tokio::test]
async fn wallet_cards_are_shown_masked_with_their_unfinished_load() {
    let house = House::open().await;
    let open = house.begun(7_890, LoadState::Open).await.load.id;
    house.add_wallet(33, WalletState::Issued).await;
    house.add_wallet(1_207, WalletState::Frozen).await;
    for (language, texts) in
        [("en", ["Not activated", "Active", "Frozen"]), ("zh", ["未激活", "使用中", "已冻结"])]
    {
        let page = house.get(&format!("/console/wallets?lang={language}")).await;
        house.is_page(&page, 200);
        let (unfinished, industry) = (format!("href=\"/console/loads/{open}\""), house.industry(language));
        for text in
            texts.into_iter().chain(["•••• 7890", "•••• 0033", "•••• 1207", "王••", &unfinished, &industry])
        {
            assert!(page.body.contains(text), "{language}: {text}");
        }
        assert_eq!(page.body.matches("/console/loads/load_").count(), 1);
        // Activated in the evening, which is the next day in China; good for as long as the product says.
        let years = house.bank.industries().get(bus()).unwrap().product.validity_years;
        let valid_to = format!(">{}-11-21<", 2026 + u32::from(years));
        assert_eq!(page.body.matches(&valid_to).count(), 2, "{valid_to}");
    }
}

#[tokio::test]
async fn wallet_cards_go_on_by_pages_that_name_no_card() {
    let house = House::open().await;
    let bank_card = house.bank_card.clone();
    house
        .write(move |unit| {
            (0..101).try_for_each(|n| {
                unit.add_wallet(&Wallet {
                    asn: asn(n),
                    industry: bus(),
                    state: WalletState::Active,
                    bank_card: bank_card.clone(),
                    counter: OnlineCounter(0),
                    issued_at: EVENING,
                    activated_at: Some(EVENING),
                })
            })
        })
        .await;
    for (page, cards, next) in [(1, 50, true), (2, 50, true), (3, 1, false), (4, 0, false), (200, 0, false)] {
        let answer = house.get(&format!("/console/wallets?page={page}")).await;
        house.is_page(&answer, 200);
        assert_eq!(answer.body.matches("•••• ").count(), cards, "{page}");
        let older = format!("href=\"/console/wallets?page={}\"", page + 1);
        assert_eq!(answer.body.contains(&older), next, "{page}");
        if cards > 0 {
            assert!(answer.body.contains(&format!("•••• {:04}", (page - 1) * 50)));
        }
    }
    for page in ["0", "201", "-1", "99999999999", "x", ""] {
        house.is_page(&house.get(&format!("/console/wallets?page={page}")).await, 404);
    }
}

#[tokio::test]
async fn every_tab_of_the_console_leads_somewhere() {
    let house = House::open().await;
    let page = house.get("/console").await;
    let tabs: Vec<_> = page
        .body
        .split("<nav class=\"console-nav\"")
        .nth(1)
        .unwrap()
        .split("</nav>")
        .next()
        .unwrap()
        .split("href=\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap())
        .collect();
    assert_eq!(tabs.len(), 10);
    for tab in tabs {
        let answer = house.get(tab).await;
        house.is_page(&answer, 200);
        assert!(answer.body.contains(&format!("href=\"{tab}\" aria-current=\"page\"")), "{tab}");
    }
}
