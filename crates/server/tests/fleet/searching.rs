//! One box for everything that an operator knows of a card.

use model::ChannelId;
use server::fleet::{Cursor, find};
use store::{ChannelFilter, Registration, StoreError};

use crate::town::{EVENING, Town, Wish};

async fn register(town: &Town, channel: &str, name: &str, group: &str, tags: &'static [&'static str]) {
    let (channel, name, group): (ChannelId, _, _) =
        (channel.parse().unwrap(), name.to_owned(), group.to_owned());
    let kept = town.app.store().write::<_, StoreError, _>(move |unit| {
        let group = if group.is_empty() { None } else { Some(unit.group_named(&group)?) };
        let registration = Registration { name: Some(name.clone()), group, ..Registration::default() };
        unit.register_channel(channel, &registration, tags, EVENING)
    });
    kept.await.unwrap();
}

/// What is found, page by page of two.
fn all(town: &Town, typed: &str, filter: &ChannelFilter) -> Vec<String> {
    let (mut found, mut after): (Vec<String>, Option<Cursor>) = (Vec::new(), None);
    loop {
        let page =
            town.app.store().peek(|rows| find(rows, typed, filter.clone(), after.as_ref(), 2)).unwrap();
        found.extend(page.channels.iter().map(|channel| channel.id.to_string()));
        match page.next {
            // Through an address and back.
            Some(next) => after = Some(next.to_string().parse().unwrap()),
            None => return found,
        }
    }
}

#[tokio::test]
async fn a_channel_is_found_by_whatever_names_it() {
    let mut town = Town::open().await;
    let card = town.card(Wish::default()).await;
    let own = card.link.channel.to_string();
    for (n, name, group, tags) in [
        (1, "早市 1", "north", &["spare"][..]),
        (2, "早市 2", "north", &[]),
        (3, "早市 3", "south", &["spare"]),
        (4, "market", "south", &[]),
    ] {
        register(&town, &format!("deveui:70b3d57ed000000{n}"), name, group, tags).await;
    }
    register(&town, "deveui:70b4000000000000", "market", "", &[]).await;
    let everything = ChannelFilter::default();
    let id = card.id.to_string();
    let eui = |n: u8| format!("deveui:70b3d57ed000000{n}");
    for (typed, found) in [
        (own.as_str(), vec![own.clone()]),
        (&own.to_uppercase(), vec![own.clone()]),
        (&id, vec![own.clone()]),
        (&card.digits(), vec![own.clone()]),
        ("deveui:70b3", vec![eui(1), eui(2), eui(3), eui(4)]),
        ("deveui:70b4", vec!["deveui:70b4000000000000".into()]),
        ("早市", vec![eui(1), eui(2), eui(3)]),
        (" market ", vec![eui(4), "deveui:70b4000000000000".into()]),
        ("deveui:70b3d57ed0000009", vec![]),
        ("nobody", vec![]),
        ("deveui:zz", vec![]),
    ] {
        assert_eq!(all(&town, typed, &everything), found, "{typed}");
    }
    assert_eq!(all(&town, "", &everything).len(), 6);
    let south = town.app.store().peek(|rows| rows.group_of_name("south")).unwrap();
    let spare = ChannelFilter { group: south, tag: Some("spare".into()), ..everything.clone() };
    assert_eq!(all(&town, "", &spare), [eui(3)]);
    assert_eq!(all(&town, "早市", &spare), [eui(3)]);
    let south = ChannelFilter { group: south, ..everything };
    assert_eq!(all(&town, "deveui:70b3", &south), [eui(3), eui(4)]);
}
