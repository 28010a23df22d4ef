//! The list of loads, and one load.

use crypto::PurseKind;
use model::{Fen, PurseTime, TerminalId};
use payment::LoadState;
use tap::LogRecord;

use crate::house::{House, attempt, load};
use crate::town::Town;

#[tokio::test]
async fn loads_are_listed_by_state_newest_first_in_both_languages() {
    let house = House::open().await;
    // A card each: two in every state, the first state the oldest.
    let loads: Vec<_> = LoadState::ALL
        .into_iter()
        .chain(LoadState::ALL)
        .zip(1_u32..)
        .map(|(state, card)| load(i64::from(card) * 1_000, card, 0, state))
        .collect();
    house.add_loads(loads.clone()).await;
    for (language, titles) in [
        ("en", ["Open", "Closed", "In doubt", "Settled: on the card", "Settled: returned"]),
        ("zh", ["未完成", "已完成", "存疑", "人工结清：已写入", "人工结清：已退回"]),
    ] {
        let all = house.get(&format!("/console/loads?lang={language}")).await;
        house.is_page(&all, 200);
        let places: Vec<_> =
            loads.iter().map(|one| all.body.find(&format!(">{}</a>", one.load.id)).unwrap()).collect();
        assert!(places.is_sorted_by(|older, newer| older > newer), "newest first");
        for text in ["•••• 0001", "¥50.00", "2026-11-20 18:31:29 UTC", "000001000050"] {
            assert!(all.body.contains(text), "{text}");
        }
        for title in titles {
            assert!(all.body.contains(title), "{title}");
        }
        assert_eq!(all.body.contains("2 loads are in doubt and wait for a person."), language == "en");
        assert!(!all.body.contains("before="), "all are on one page");
        for (state, (title, one)) in LoadState::ALL.iter().zip(titles.into_iter().zip(&loads)) {
            let path = format!("/console/loads?lang={language}&state={}", state.name());
            let page = house.get(&path).await;
            house.is_page(&page, 200);
            assert!(page.body.contains("aria-current=\"true\""), "{path}");
            assert!(page.body.contains(&format!(">{}</a>", one.load.id)), "{path}");
            assert_eq!(page.body.matches("class=\"badge ").count(), 2, "{path}");
            assert!(page.body.contains(&format!("{title}</span></td>")), "{path}");
        }
    }
}

#[tokio::test]
async fn a_list_of_loads_goes_on_below_the_last_of_fifty_and_keeps_its_state() {
    let house = House::open().await;
    let closed = (0..120).map(|n| load(n, 1, n.try_into().unwrap(), LoadState::Closed));
    let in_doubt = (0..51).map(|n| load(200 + i64::from(n), 100 + n, 0, LoadState::InDoubt));
    let all: Vec<_> = closed.chain(in_doubt).collect();
    house.add_loads(all.clone()).await;
    for (path, pages) in [
        ("/console/loads", vec![50, 50, 50, 21]),
        ("/console/loads?state=closed", vec![50, 50, 20]),
        ("/console/loads?state=in_doubt", vec![50, 1]),
        ("/console/loads?state=open", vec![0]),
    ] {
        let (mut next, mut seen, mut sizes) = (Some(path.to_owned()), Vec::new(), Vec::new());
        while let Some(path) = next {
            let page = house.get(&path).await;
            house.is_page(&page, 200);
            let on_page: Vec<_> = page
                .body
                .split("href=\"/console/loads/load_")
                .skip(1)
                .map(|rest| format!("load_{}", rest.split('"').next().unwrap()))
                .collect();
            sizes.push(on_page.len());
            seen.extend(on_page);
            next = page.body.split("class=\"button button-quiet\" href=\"").nth(1).map(|rest| {
                let href = rest.split('"').next().unwrap();
                href.replace("&#38;", "&").replace("&amp;", "&")
            });
        }
        assert_eq!(sizes, pages, "{path}");
        let state = path.split_once("state=").map(|(_, name)| LoadState::from_name(name).unwrap());
        let mut expected: Vec<_> = all.iter().map(|one| &one.load).collect();
        expected.retain(|load| state.is_none_or(|state| load.state == state));
        expected.sort_by_key(|load| std::cmp::Reverse(load.id));
        assert_eq!(seen, expected.iter().map(|load| load.id.to_string()).collect::<Vec<_>>(), "{path}");
    }
}

#[tokio::test]
async fn a_load_is_shown_with_its_attempts_and_what_the_card_s_log_said() {
    let house = House::open().await;
    let record = LogRecord {
        sequence: 43,
        overdraft: [0; 3],
        amount: Fen(123_450),
        kind: PurseKind::PurseLoad.number(),
        terminal: TerminalId([0, 0, 1, 0, 0, 0x51]),
        when: PurseTime::at(crate::town::EVENING),
    };
    let mut doubtful = load(0, 7_890, 41, LoadState::InDoubt);
    doubtful.note = Some("the card's counter is 43, the load's 41".into());
    doubtful.evidence = [&record.to_bytes()[..], &[0xff; 23], &[0x11; 5]].concat();
    let mut closed = load(60_000, 1, 5, LoadState::Closed);
    closed.proven = Some(2);
    house.add_loads(vec![doubtful.clone(), closed.clone()]).await;
    let second = attempt(&closed, 2);
    house.write(move |unit| unit.add_attempt(&second)).await;
    for (language, texts) in [
        ("en", ["In doubt", "Not readable", "The card holds the money", "Why in doubt"]),
        ("zh", ["存疑", "无法解析", "卡片已写入", "存疑原因"]),
    ] {
        let page = house.get(&format!("/console/loads/{}?lang={language}", doubtful.load.id)).await;
        house.is_page(&page, 200);
        for text in texts.into_iter().chain([
            "•••• 7890",
            "¥50.00",
            "¥78.00",
            "+¥1,234.50",
            "2026-11-20 18:31:28 UTC",
            "000001000051",
            ">43<",
            ">1111111111<",
            &doubtful.load.transfer.to_string(),
            "counter is 43",
            &house.industry(language),
        ]) {
            assert!(page.body.contains(text), "{language}: {text}");
        }
        assert!(!page.body.contains("abcdef01"), "a MAC2 is nobody's business");
    }
    let page = house.get(&format!("/console/loads/{}?lang=en", closed.load.id)).await;
    house.is_page(&page, 200);
    let rows: Vec<_> = page.body.split("data-label=\"Attempt\">").skip(1).collect();
    assert_eq!(rows.iter().map(|row| row.contains("Agrees")).collect::<Vec<_>>(), [false, true]);
    assert!(page.body.contains("Ended") && !page.body.contains("name=\"note\""));
}

#[tokio::test]
async fn what_names_no_load_is_a_page_that_says_so() {
    let house = House::open().await;
    let missing = "load_00000000000000000000000000000001";
    for path in [
        &format!("/console/loads/{missing}"),
        "/console/loads/load_1",
        "/console/loads/%FF",
        "/console/loads?before=load_1",
        "/console/loads?before=",
        "/console/loads?state=lost",
    ] {
        house.is_page(&house.get(path).await, 404);
    }
    for path in ["credited", "returned", "unreadable", "forgotten"] {
        let answer = house.send(&format!("/console/loads/{missing}/{path}"), &[("note", "seen")]).await;
        house.is_page(&answer, 404);
    }
    let open = house.begun(1, LoadState::Open).await.load.id;
    house.is_page(&house.send(&format!("/console/loads/{open}/forgotten"), &[("note", "x")]).await, 404);
}

#[tokio::test]
async fn without_a_bank_the_pages_of_the_tap_rail_say_so() {
    let town = Town::open().await;
    for (language, said) in
        [("en", "This platform runs no bank for wallet cards"), ("zh", "未运行钱包卡银行后台")]
    {
        for page in ["loads", "terminals", "wallets"] {
            let answer = town.operations.get(&format!("/console/{page}?lang={language}")).await;
            assert_eq!(answer.status, 200);
            assert!(answer.body.contains(said) && !answer.body.contains("<table"), "{page}");
        }
    }
    for path in ["loads/load_00000000000000000000000000000001", "terminals/000001000050/revoke"] {
        assert_eq!(town.operations.get(&format!("/console/{path}")).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn metrics_say_how_many_loads_have_not_ended() {
    let house = House::open().await;
    let states = [LoadState::Open, LoadState::Open, LoadState::InDoubt, LoadState::Closed];
    let loads = states.into_iter().zip(1..).map(|(state, card)| load(0, card, 0, state));
    house.add_loads(loads.collect()).await;
    let text = house.get("/metrics").await.body;
    assert!(text.contains("counterfoil_loads{state=\"open\"} 2"), "{text}");
    assert!(text.contains("counterfoil_loads{state=\"in_doubt\"} 1"), "{text}");
    assert!(!text.contains("state=\"closed\""));
}
