//! The fleet's pages, over real sockets.

use ::fleet::{AlertKind, DownlinkId, DownlinkState, Presence, Priority, Reception};
use model::{CardId, ChannelId, UnixMillis};
use payment::OrderId;
use store::{HeardState, NewFrame, Registration, StoredDownlink};

use crate::house::House;
use crate::town::EVENING;

const BAKERY: &str = "deveui:70b3d57ed0061a2f";

fn channel(text: &str) -> ChannelId {
    text.parse().unwrap()
}

pub(crate) fn downlink(n: i64, state: DownlinkState) -> StoredDownlink {
    let created_at = EVENING.plus(n);
    StoredDownlink {
        id: DownlinkId::from_time_and_random(created_at, 7),
        card: CardId(0x00c0_ffee),
        channel: channel(BAKERY),
        order: None,
        priority: Priority::Normal,
        frame: Vec::new(),
        address: None,
        state,
        network_id: None,
        created_at,
        expires_at: created_at.plus(120_000),
        updated_at: created_at,
    }
}

/// A bakery's card that was heard, battery falling, and a spare that never was.
pub(crate) async fn registered(house: &House) {
    house
        .write(|unit| {
            let group = Some(unit.group_named("North & 北")?);
            let named = Registration { name: Some("Bakery <1>".into()), group, ..Registration::default() };
            unit.register_channel(channel(BAKERY), &named, &["busy"], EVENING)?;
            unit.register_channel(
                channel("imei:356938035643809"),
                &Registration::default(),
                &["spare"],
                EVENING,
            )?;
            for n in 0..30_u8 {
                let rssi = -100 + i16::from(n);
                let reception =
                    Reception { rssi_dbm: Some(rssi), snr_tenths: Some(45), ..Reception::default() };
                unit.add_frame(&NewFrame {
                    channel: channel(BAKERY),
                    at: UnixMillis(EVENING.0 + i64::from(n) * 60_000),
                    bearer: "chirpstack".into(),
                    upward: true,
                    bytes: vec![0x79, 0x10, n],
                    answer: Vec::new(),
                    downlink: None,
                    outcome: "status".into(),
                    reception,
                    battery: Some(180 - n),
                })?;
            }
            let heard = HeardState {
                presence: Presence::Present,
                at: Some(EVENING),
                by: Some("chirpstack/app-1".into()),
                reception: Reception { rssi_dbm: Some(-71), snr_tenths: Some(45), ..Reception::default() },
                battery: Some(151),
                firmware: Some(0x0102),
            };
            unit.put_heard(channel(BAKERY), &heard, Some(EVENING.plus(60_000)))?;
            unit.raise_alert(channel(BAKERY), AlertKind::BatteryLow, Some("17%"), EVENING)?;
            Ok(())
        })
        .await;
}

#[tokio::test]
async fn the_map_counts_states_and_groups_and_finds_channels() {
    let house = House::open().await;
    let empty = house.get("/console/fleet?lang=en").await;
    house.is_page(&empty, 200);
    registered(&house).await;
    let page = house.get("/console/fleet?lang=en").await;
    house.is_page(&page, 200);
    for text in [
        "North &#38; 北",
        "href=\"/console/fleet?group=North%20%26%20%E5%8C%97\"",
        "Bakery &#60;1&#62;",
        BAKERY,
        "-71 dBm, 4.5 dB",
        "75%",
        "2026-11-20 18:31:28 UTC",
    ] {
        assert!(page.body.contains(text), "{text}: {}", page.body);
    }
    for (query, bakery, spare) in [
        ("q=Bakery", true, false),
        ("q=deveui:70b3", true, false),
        ("q=imei:356938035643809", false, true),
        ("presence=present", true, false),
        ("presence=unheard", false, true),
        ("group=North%20%26%20%E5%8C%97", true, false),
        ("tag=spare", false, true),
        ("tag=spare&presence=present", false, false),
    ] {
        let page = house.get(&format!("/console/fleet?lang=en&{query}")).await;
        house.is_page(&page, 200);
        let shows = |id: &str| page.body.contains(&format!("href=\"/console/fleet/channel/{id}\""));
        assert_eq!((shows(BAKERY), shows("imei:356938035643809")), (bakery, spare), "{query}");
    }
    for query in ["after=zz", "presence=here", "group=South"] {
        house.is_page(&house.get(&format!("/console/fleet?{query}")).await, 404);
    }
}

#[tokio::test]
async fn a_list_of_channels_goes_on_looking_for_the_same() {
    let house = House::open().await;
    house
        .write(|unit| {
            for n in 0..51_u8 {
                let id = channel(&format!("deveui:70b3d57ed00000{n:02x}"));
                unit.register_channel(id, &Registration::default(), &["a&b"], EVENING)?;
            }
            Ok(())
        })
        .await;
    let first = house.get("/console/fleet?lang=en&tag=a%26b").await;
    let next = first.body.split("href=\"").find(|part| part.contains("after=")).unwrap();
    let next = next.split('"').next().unwrap().replace("&#38;", "&");
    assert!(next.starts_with("/console/fleet?tag=a%26b&after="), "{next}");
    let second = house.get(&next).await;
    house.is_page(&second, 200);
    assert_eq!(first.body.matches("href=\"/console/fleet/channel/").count(), 50);
    assert_eq!(second.body.matches("href=\"/console/fleet/channel/").count(), 1);
}

#[tokio::test]
async fn a_channel_is_shown_with_plots_and_a_timeline_that_goes_on() {
    let house = House::open().await;
    registered(&house).await;
    house.write(|unit| unit.add_downlink(&downlink(1, DownlinkState::Sent))).await;
    for (language, texts) in
        [("en", ["Battery low", "chirpstack/app-1", "1.2"]), ("zh", ["电量低", "busy", "17%"])]
    {
        let page = house.get(&format!("/console/fleet/channel/{BAKERY}?lang={language}")).await;
        house.is_page(&page, 200);
        for text in texts {
            assert!(page.body.contains(text), "{language}: {text}");
        }
        assert_eq!(page.body.matches("<polyline").count(), 2, "{language}: signal and battery");
        assert_eq!(page.body.matches(">7910").count(), 20);
        assert!(page.body.contains(">-60<") && page.body.contains(">-120<"), "{language}: the scale is told");
    }
    let page = house.get(&format!("/console/fleet/channel/{BAKERY}")).await;
    let next = page.body.split("href=\"").find(|part| part.contains("before=")).unwrap();
    let older = house.get(next.split('"').next().unwrap()).await;
    assert_eq!(older.body.matches(">7910").count(), 10);
    let spare = house.get("/console/fleet/channel/imei:356938035643809").await;
    house.is_page(&spare, 200);
    assert!(!spare.body.contains("<polyline"));
    for path in ["imei:356938035643817", "nonsense", &format!("{BAKERY}?before=x")] {
        house.is_page(&house.get(&format!("/console/fleet/channel/{path}")).await, 404);
    }
}

/// A frame that came to the bakery's card, minutes after the evening began.
fn frame(minutes: i64, hex: &str, answer: &str, outcome: &str, battery: Option<u8>) -> NewFrame {
    NewFrame {
        channel: channel(BAKERY),
        at: EVENING.plus(minutes * 60_000),
        bearer: "<script>".into(),
        upward: true,
        bytes: hex::decode(hex).unwrap(),
        answer: hex::decode(answer).unwrap(),
        downlink: None,
        outcome: outcome.into(),
        reception: Reception { rssi_dbm: Some(-90), ..Reception::default() },
        battery,
    }
}

/// Frames of `vectors/air.json`.
const HELLO: &str = "4910b100ee49608223e26cbc";
const TRANSACTION: &str = "5110b1071dac2ace9678315c34b84f6cd945171df58f3e";

#[tokio::test]
async fn a_timeline_tells_both_ways_and_in_words_what_each_frame_led_to() {
    let house = House::open().await;
    house
        .write(|unit| {
            unit.register_channel(channel(BAKERY), &Registration::default(), &[], EVENING)?;
            unit.add_frame(&frame(1, HELLO, TRANSACTION, "asked", None))?;
            unit.add_frame(&frame(2, HELLO, "", "card_frozen", None))?;
            unit.add_frame(&frame(3, "ff", "", "of_tomorrow", None))?;
            let push = StoredDownlink {
                order: Some(OrderId(7)),
                frame: hex::decode(TRANSACTION).unwrap(),
                address: Some("coap:127.0.0.1:9".into()),
                updated_at: EVENING.plus(150_000),
                ..downlink(1, DownlinkState::Acknowledged)
            };
            unit.add_downlink(&push)?;
            // An answer stands with the frame that it answers, and what waits has not left.
            unit.add_downlink(&StoredDownlink { id: DownlinkId(1), order: None, ..push.clone() })?;
            let waits = StoredDownlink { id: DownlinkId(2), state: DownlinkState::Queued, ..push };
            unit.add_downlink(&waits)
        })
        .await;
    for (language, words) in [
        (
            "en",
            [
                "unknown",
                "Noted by another version",
                "transaction",
                "Acknowledged",
                "hello",
                "The card is frozen",
                "transaction",
                "Answer",
                "hello",
                "Asked to pay",
            ],
        ),
        (
            "zh",
            [
                "未知",
                "由其他版本记录",
                "交易",
                "已确认",
                "呼叫",
                "卡片已冻结",
                "交易",
                "应答",
                "呼叫",
                "已请求付款",
            ],
        ),
    ] {
        let page = house.get(&format!("/console/fleet/channel/{BAKERY}?lang={language}")).await;
        house.is_page(&page, 200);
        let (_, mut timeline) = page.body.split_once("id=\"frames\"").unwrap();
        assert_eq!(timeline.matches("<tr role=\"row\">").count(), 6, "a head and five frames: {timeline}");
        assert_eq!(timeline.matches("↑").count(), 3);
        assert_eq!(timeline.matches("↓").count(), 2);
        assert!(timeline.contains(">coap<") && timeline.contains(">&#60;script&#62;<"));
        for code in ["of_tomorrow", "card_frozen", ">asked<", "<script>"] {
            assert!(!timeline.contains(code), "{code}");
        }
        for word in words {
            let rest =
                timeline.split_once(word).unwrap_or_else(|| panic!("{word}, in its order: {timeline}"));
            timeline = rest.1;
        }
    }
}

#[tokio::test]
async fn what_was_pushed_stands_on_the_page_of_its_time() {
    let house = House::open().await;
    house
        .write(|unit| {
            unit.register_channel(channel(BAKERY), &Registration::default(), &[], EVENING)?;
            for minutes in 0..30 {
                unit.add_frame(&frame(minutes, HELLO, "", "nothing_waits", None))?;
            }
            for (n, seconds) in [(1, 90), (2, 1_500)] {
                unit.add_downlink(&StoredDownlink {
                    order: Some(OrderId(7)),
                    frame: hex::decode(TRANSACTION).unwrap(),
                    address: Some("coap:127.0.0.1:9".into()),
                    updated_at: EVENING.plus(seconds * 1_000),
                    ..downlink(n, DownlinkState::Sent)
                })?;
            }
            Ok(())
        })
        .await;
    let first = house.get(&format!("/console/fleet/channel/{BAKERY}")).await;
    let next = first.body.split("href=\"").find(|part| part.contains("before=")).unwrap();
    let second = house.get(next.split('"').next().unwrap()).await;
    for (page, frames, time) in [(&first, 20, "18:56:28"), (&second, 10, "18:32:58")] {
        let (_, timeline) = page.body.split_once("id=\"frames\"").unwrap();
        assert_eq!((timeline.matches("↑").count(), timeline.matches("↓").count()), (frames, 1));
        assert!(timeline.contains(time), "{timeline}");
    }
}

#[tokio::test]
async fn a_plot_breaks_over_a_silence_and_not_over_frames_that_tell_nothing() {
    let house = House::open().await;
    house
        .write(|unit| {
            let said = Registration { silent_seconds: Some(3_600), ..Registration::default() };
            unit.register_channel(channel(BAKERY), &said, &[], EVENING)?;
            for minutes in [0, 20, 40, 60, 200, 220, 240, 260] {
                let battery = (minutes % 40 == 0).then_some(180);
                unit.add_frame(&frame(minutes, HELLO, "", "nothing_waits", battery))?;
            }
            Ok(())
        })
        .await;
    let page = house.get(&format!("/console/fleet/channel/{BAKERY}?lang=en")).await;
    assert_eq!(page.body.matches("<polyline").count(), 4, "{}", page.body);
    let label = "Battery, %, 2026-11-20 18:31 UTC to 2026-11-20 22:51 UTC: lowest 90, highest 90, last 90";
    assert!(page.body.contains(label), "{}", page.body);
    assert!(page.body.contains("May be silent for") && page.body.contains(">1 h<"), "{}", page.body);
}

#[tokio::test]
async fn what_waits_is_put_first_or_taken_back_and_what_is_gone_is_not() {
    let house = House::open().await;
    registered(&house).await;
    let (waits, gone) = (downlink(1, DownlinkState::Queued), downlink(2, DownlinkState::Handed));
    let (first, second) = (waits.clone(), gone.clone());
    house
        .write(move |unit| {
            unit.add_downlink(&first)?;
            unit.add_downlink(&second)
        })
        .await;
    let state = |id| house.read(|rows| rows.downlink(id)).unwrap();
    let place = |id| format!("/console/fleet/queue/{id}");
    let queue = house.get("/console/fleet/queue?lang=en").await;
    house.is_page(&queue, 200);
    assert!(queue.body.contains(&format!("href=\"{}\"", place(waits.id))));
    assert!(!queue.body.contains(&format!("href=\"{}\"", place(gone.id))), "nothing can be done with it");

    house.is_page(&house.get(&place(waits.id)).await, 200);
    assert_eq!(house.send(&place(waits.id), &[("do", "high")]).await.status, 303);
    assert_eq!(state(waits.id).priority, Priority::High);
    assert_eq!(house.send_from("cross-site", &place(waits.id), &[("do", "cancel")]).await.status, 403);
    // Something else than what the page offers asks again, and does nothing.
    assert_eq!(house.send(&place(waits.id), &[("do", "send")]).await.status, 200);
    assert_eq!(state(waits.id).state, DownlinkState::Queued);
    assert_eq!(house.send(&place(waits.id), &[("do", "cancel")]).await.status, 303);
    assert_eq!(state(waits.id).state, DownlinkState::Canceled);

    let refused = house.send(&format!("{}?lang=en", place(gone.id)), &[("do", "cancel")]).await;
    assert!(refused.body.contains("role=\"alert\""), "{}", refused.body);
    assert_eq!(state(gone.id).state, DownlinkState::Handed);
    for path in [place(downlink(3, DownlinkState::Queued).id), "/console/fleet/queue/dl_1".into()] {
        house.is_page(&house.get(&path).await, 404);
        assert_eq!(house.send(&path, &[("do", "cancel")]).await.status, 404);
    }
}

#[tokio::test]
async fn an_alert_is_cleared_once_and_stays_to_be_read() {
    let house = House::open().await;
    registered(&house).await;
    let id = house.read(|rows| rows.alerts_before(true, None, 1))[0].id;
    let open = house.get("/console/fleet/alerts?lang=en").await;
    house.is_page(&open, 200);
    assert!(open.body.contains(&format!("action=\"/console/fleet/alerts/{id}\"")), "{}", open.body);
    let foreign = house.send_from("cross-site", &format!("/console/fleet/alerts/{id}"), &[]).await;
    assert_eq!((foreign.status, house.read(|rows| rows.open_alert_count(9))), (403, 1));
    for _ in 0..2 {
        assert_eq!(house.send(&format!("/console/fleet/alerts/{id}"), &[]).await.status, 303);
    }
    let none = house.get("/console/fleet/alerts?lang=en").await;
    assert!(!none.body.contains(BAKERY));
    let all = house.get("/console/fleet/alerts?lang=en&all=1").await;
    assert!(all.body.contains(BAKERY) && !all.body.contains("/console/fleet/alerts/1\""), "{}", all.body);
    assert_eq!(house.send("/console/fleet/alerts/x", &[]).await.status, 404);
}
