//! What a person decides of a load: asked twice, with a note, once.

use payment::LoadState;

use crate::house::House;

const NOTE: &str = "Record 43 of the card is this load; 王 saw it";

fn path(house: &House, id: payment::LoadId, finding: &str) -> String {
    assert!(house.load(id).load.state.is_unfinished());
    format!("/console/loads/{id}/{finding}")
}

#[tokio::test]
async fn a_load_in_doubt_is_settled_once_either_way_and_its_money_follows() {
    for (card, finding, state, money, title) in [
        (1, "credited", LoadState::SettledCredited, (5_000, 0, 5_000), "Settled: on the card"),
        (2, "returned", LoadState::SettledReturned, (0, 0, 0), "Settled: returned"),
    ] {
        let house = House::open().await;
        let id = house.begun(card, LoadState::InDoubt).await.load.id;
        assert_eq!(house.money(), (0, 5_000, 0));
        let path = path(&house, id, finding);

        let asked = house.send(&path, &[("note", NOTE)]).await;
        house.is_page(&asked, 200);
        assert!(asked.body.contains("Settle for good?") && asked.body.contains(NOTE));
        assert!(asked.body.contains(&format!("action=\"{path}\"")));
        // The address can only be posted to, so the language switch leads back.
        assert!(asked.body.contains(&format!("\"/console/loads/{id}?lang=zh\"")));
        assert_eq!((house.load(id).load.state, house.money()), (LoadState::InDoubt, (0, 5_000, 0)));

        let done = house.send(&path, &[("note", NOTE), ("confirmed", "yes")]).await;
        assert_eq!((done.status, done.header("location")), (303, &*format!("/console/loads/{id}")));
        let stored = house.load(id);
        assert_eq!((stored.load.state, stored.note.as_deref()), (state, Some(NOTE)));
        assert_eq!(house.money(), money);

        let page = house.get(&format!("/console/loads/{id}")).await;
        house.is_page(&page, 200);
        assert!(
            page.body.contains(title) && page.body.contains(NOTE) && !page.body.contains("name=\"note\"")
        );

        for again in ["credited", "returned", "unreadable"] {
            for fields in [&[("note", "other")][..], &[("note", "other"), ("confirmed", "yes")]] {
                for (language, refusal) in [("en", title), ("zh", "人工结清：")] {
                    let path = format!("/console/loads/{id}/{again}?lang={language}");
                    let refused = house.send(&path, fields).await;
                    house.is_page(&refused, 409);
                    assert!(refused.body.contains(refusal), "{}", refused.body);
                }
            }
        }
        assert_eq!(house.load(id), stored);
        assert_eq!(house.money(), money);
    }
}

#[tokio::test]
async fn of_two_people_who_settle_at_once_one_is_refused() {
    let house = House::open().await;
    let id = house.begun(1, LoadState::InDoubt).await.load.id;
    let (credited, returned) = (path(&house, id, "credited"), path(&house, id, "returned"));
    let fields = [("note", "seen"), ("confirmed", "yes")];
    let (first, second) = tokio::join!(house.send(&credited, &fields), house.send(&returned, &fields));
    let mut statuses = [first.status, second.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 409]);
    let money = house.money();
    assert_eq!(money, if first.status == 303 { (5_000, 0, 5_000) } else { (0, 0, 0) });
}

#[tokio::test]
async fn without_a_note_nothing_is_settled() {
    let house = House::open().await;
    let id = house.begun(1, LoadState::InDoubt).await.load.id;
    let long = "长".repeat(201);
    for (language, said) in [("en", "Write how you know"), ("zh", "请填写核实依据")] {
        for note in ["", "  \r\n ", &long] {
            for confirmed in ["", "yes"] {
                let path = format!("{}?lang={language}", path(&house, id, "returned"));
                let answer = house.send(&path, &[("note", note), ("confirmed", confirmed)]).await;
                house.is_page(&answer, 422);
                assert_eq!(answer.body.matches(said).count(), 1);
                let at = answer.body.find("id=\"note-error-returned\"").unwrap();
                assert!(at < answer.body.find(said).unwrap());
            }
        }
    }
    let without = house.send(&path(&house, id, "credited"), &[("confirmed", "yes")]).await;
    house.is_page(&without, 422);
    assert_eq!((house.load(id).load.state, house.money()), (LoadState::InDoubt, (0, 5_000, 0)));
}

#[tokio::test]
async fn only_a_yes_is_one() {
    let house = House::open().await;
    let id = house.begun(1, LoadState::InDoubt).await.load.id;
    for confirmed in ["", "no", "YES", "yes please"] {
        let fields = [("note", NOTE), ("confirmed", confirmed)];
        house.is_page(&house.send(&path(&house, id, "credited"), &fields).await, 200);
    }
    assert_eq!(house.load(id).load.state, LoadState::InDoubt);
    // Nor is a link.
    assert_eq!(house.get(&path(&house, id, "credited")).await.status, 405);
}

#[tokio::test]
async fn an_open_load_comes_into_doubt_first_and_both_notes_are_kept() {
    let house = House::open().await;
    let id = house.begun(1, LoadState::Open).await.load.id;
    for finding in ["credited", "returned"] {
        for confirmed in ["", "yes"] {
            let fields = [("note", NOTE), ("confirmed", confirmed)];
            let refused = house.send(&path(&house, id, finding), &fields).await;
            house.is_page(&refused, 409);
            assert!(refused.body.contains("“Open”"));
        }
    }
    let page = house.get(&format!("/console/loads/{id}?lang=zh")).await;
    assert!(page.body.contains("卡片无法再读取时") && page.body.contains(&format!("{id}/unreadable\"")));
    assert!(!page.body.contains(&format!("{id}/credited\"")));

    let unreadable = path(&house, id, "unreadable");
    house.is_page(&house.send(&unreadable, &[("note", "")]).await, 422);
    for (language, question) in [("en", "Put this load in doubt?"), ("zh", "确认转为存疑？")] {
        let path = format!("{unreadable}?lang={language}");
        let asked = house.send(&path, &[("note", "burnt in a fire")]).await;
        house.is_page(&asked, 200);
        assert!(asked.body.contains(question));
    }
    assert_eq!(house.load(id).load.state, LoadState::Open);
    let fields = [("note", "burnt in a fire"), ("confirmed", "yes")];
    assert_eq!(house.send(&unreadable, &fields).await.status, 303);
    let stored = house.load(id);
    assert_eq!((stored.load.state, stored.note.as_deref()), (LoadState::InDoubt, Some("burnt in a fire")));
    assert_eq!(house.money(), (0, 5_000, 0));
    // Sent twice by a hasty finger.
    let again = house.send(&unreadable, &fields).await;
    house.is_page(&again, 409);
    assert!(again.body.contains("“In doubt”"));
    assert!(house.get(&format!("/console/loads/{id}")).await.body.contains("burnt in a fire"));

    let fields = [("note", "the holder shows\r\nno purchase"), ("confirmed", "yes")];
    assert_eq!(house.send(&path(&house, id, "returned"), &fields).await.status, 303);
    let stored = house.load(id);
    assert_eq!(stored.load.state, LoadState::SettledReturned);
    assert_eq!(stored.note.as_deref(), Some("burnt in a fire\nthe holder shows no purchase"));
    assert_eq!(house.money(), (0, 0, 0));
    let page = house.get(&format!("/console/loads/{id}")).await.body;
    assert!(page.contains("burnt in a fire") && page.contains("the holder shows no purchase"));
}

#[tokio::test]
async fn a_form_from_another_site_settles_nothing() {
    let house = House::open().await;
    let id = house.begun(1, LoadState::InDoubt).await.load.id;
    let fields = [("note", NOTE), ("confirmed", "yes")];
    for site in ["cross-site", "same-site", ""] {
        let refused = house.send_from(site, &path(&house, id, "credited"), &fields).await;
        assert_eq!(refused.status, 403, "{site}");
    }
    let request = house.operations.request("POST", &path(&house, id, "credited"));
    let request = request.header("Origin", "https://evil.example");
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let refused = crate::town::customer::Answer::to(request.body(crate::house::form(&fields))).await;
    assert_eq!(refused.status, 403);
    assert_eq!((house.load(id).load.state, house.money()), (LoadState::InDoubt, (0, 5_000, 0)));
}

#[tokio::test]
async fn a_name_that_was_pointed_here_gets_no_answer() {
    let house = House::open().await;
    let id = house.begun(1, LoadState::InDoubt).await.load.id;
    // To its browser such a page is one site with the console.
    let request = house.operations.request("POST", &path(&house, id, "credited"));
    let request = request.header("Host", "rebound.example:8082").header("Sec-Fetch-Site", "same-origin");
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let fields = [("note", NOTE), ("confirmed", "yes")];
    let refused = crate::town::customer::Answer::to(request.body(crate::house::form(&fields))).await;
    assert_eq!(refused.status, 421);
    assert_eq!((house.load(id).load.state, house.money()), (LoadState::InDoubt, (0, 5_000, 0)));
}

#[tokio::test]
async fn a_form_that_is_too_long_is_refused() {
    let house = House::open().await;
    let id = house.begun(1, LoadState::InDoubt).await.load.id;
    let long = "x".repeat(9_000);
    let refused = house.send(&path(&house, id, "credited"), &[("note", &long)]).await;
    assert_eq!(refused.status, 413);
}

#[tokio::test]
async fn a_note_is_text_on_a_page() {
    let house = House::open().await;
    let id = house.begun(1, LoadState::InDoubt).await.load.id;
    let script = "<script>alert(1)</script>\"><img src=x>";
    let asked = house.send(&path(&house, id, "credited"), &[("note", script)]).await;
    house.is_page(&asked, 200);
    house.send(&path(&house, id, "credited"), &[("note", script), ("confirmed", "yes")]).await;
    let page = house.get(&format!("/console/loads/{id}")).await;
    house.is_page(&page, 200);
    for body in [asked.body, page.body] {
        assert!(!body.contains("<script>alert") && !body.contains("<img"));
    }
    assert_eq!(house.load(id).note.as_deref(), Some(script));
}
