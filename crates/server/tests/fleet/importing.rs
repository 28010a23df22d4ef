//! Channels from a file: each bad line by its number and reason, nothing twice, and on where it stopped.

use std::io::BufReader;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use model::ChannelId;
use server::fleet::{
    Column, ImportError, ImportOptions, Imported, LineRefused, RefusedLine, RegisterRefused, import, register,
};
use sha2::{Digest as _, Sha256};
use store::{ChannelFilter, ImportProgress, Registered, StoredChannel};

use crate::town::{EVENING, Town, Wish};

async fn take(town: &Town, file: &str) -> (ImportProgress, Vec<(u64, String)>) {
    let (done, refused) = try_take(town, file.as_bytes(), &ImportOptions::default()).await.unwrap();
    (done, refused.into_iter().map(|line| (line.line, line.why.to_string())).collect())
}

async fn try_take(
    town: &Town,
    file: &[u8],
    options: &ImportOptions,
) -> Result<(ImportProgress, Vec<RefusedLine>), ImportError> {
    let options = ImportOptions { digest: Sha256::digest(file).into(), ..options.clone() };
    let refused = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&refused);
    let tell = move |lines: &[RefusedLine]| {
        told.lock().unwrap().extend_from_slice(lines);
        Ok(())
    };
    let stop = AtomicBool::new(false);
    let imported = import(town.app.store(), EVENING, file, &options, &stop, tell, |_| {}).await?;
    assert!(imported.whole);
    let refused = refused.lock().unwrap().clone();
    Ok((imported.done, refused))
}

fn known(town: &Town, channel: &str) -> (StoredChannel, Vec<String>) {
    let channel: ChannelId = channel.parse().unwrap();
    town.app.store().peek(|rows| Ok((rows.channel(channel)?.unwrap(), rows.tags_of(channel)?))).unwrap()
}

fn counts(done: ImportProgress) -> [u64; 5] {
    [done.lines, done.added, done.changed, done.same, done.refused]
}

#[tokio::test]
async fn every_bad_line_is_named_by_its_number_and_reason_and_the_rest_is_taken() {
    let mut town = Town::open().await;
    let card = town.card(Wish::default()).await;
    let (id, channel) = (card.id, card.link.channel);
    let long = "x".repeat(129);
    let lines = [
        ("deveui:70b3d57ed0000001,,,,,,,,".to_owned(), ""),
        (format!("{channel},{id},,,,,,,"), ""),
        ("70b3d57ed0000002,,,,,,,,".into(), "column `channel`: the kind of channel is not known"),
        ("deveui:70b3,,,,,,,,".into(), "column `channel`: the id does not have the form of its kind"),
        (",,,,,,,,".into(), "column `channel`: the kind of channel is not known"),
        ("deveui:70B3D57ED0000001,,,,,,,,".into(), "the channel stands in line 2 already"),
        ("deveui:70b3d57ed0000003,card_0badcafe,,,,,,,".into(), "there is no card card_0badcafe"),
        (format!("deveui:70b3d57ed0000004,{id},,,,,,,"), "is on imei:"),
        ("deveui:70b3d57ed0000005,xyz,,,,,,,".into(), "column `card`: "),
        ("deveui:70b3d57ed0000006,,onenet,dev-1,,,,,".into(), ""),
        ("deveui:70b3d57ed0000007,,onenet,dev-1,,,,,".into(), "is deveui:70b3d57ed0000006 already"),
        (format!("deveui:70b3d57ed0000008,,,,{long},,,,"), "column `name`: it is longer than 128 bytes"),
        ("deveui:70b3d57ed0000009,,,,a\u{7}b,,,,".into(), "column `name`: it holds a control character"),
        (
            "deveui:70b3d57ed000000a,,,,,,,sometimes,".into(),
            "column `listening`: when a card listens is `never`",
        ),
        ("deveui:70b3d57ed000000b,,,,,,,,5".into(), "column `silent_seconds`: 60 to 31536000 seconds"),
        (
            format!("deveui:70b3d57ed000000c,,,,,,{},,", "t ".repeat(17)),
            "column `tags`: a channel has at most 16 tags",
        ),
        ("deveui:70b3d57ed000000d,,".into(), "the line has 3 values, the first line 9"),
        (
            format!("deveui:70b3d57ed000000e,,,,{},,,,", "y".repeat(5_000)),
            "the line is longer than 4096 bytes",
        ),
        ("deveui:70b3d57ed0000010,,,,\"open,,,,".into(), "a quotation mark is opened and not closed"),
        ("deveui:70b3d57ed0000011,,,,a\rb,,,,".into(), "column `name`: it holds a control character"),
        (format!("deveui:70b3d57ed0000012,,,,,{long},,,"), "column `group`: it is longer than 128 bytes"),
        (format!("deveui:70b3d57ed0000013,,,{long},,,,,"), "column `device`: it is longer than 128 bytes"),
        (
            format!("deveui:70b3d57ed0000014,,,,,,{},,", "t".repeat(33)),
            "column `tags`: it is longer than 32 bytes",
        ),
        ("deveui:70b3d57ed000000f,,,,\"早市, 1\",北区,a|b a,after-uplink:20,7200".into(), ""),
    ];
    let mut file = "channel,card,bearer,device,name,group,tags,listening,silent_seconds\n".to_owned();
    for (line, _) in &lines {
        file += line;
        file += "\r\n";
    }
    let (done, refused) = take(&town, &file).await;
    let mut told = refused.iter();
    for (place, (line, reason)) in lines.iter().enumerate().filter(|(_, (_, reason))| !reason.is_empty()) {
        let (number, why) = told.next().unwrap();
        assert_eq!(*number, place as u64 + 2, "{line}");
        assert!(why.contains(reason), "{why}: {line}");
    }
    assert_eq!(told.next(), None);
    // The card's own channel was known before.
    assert_eq!(counts(done), [24, 3, 0, 1, 20]);
    let (known, tags) = known(&town, "deveui:70b3d57ed000000f");
    assert_eq!(
        (known.registration.name.as_deref(), tags),
        (Some("早市, 1"), vec!["a".to_owned(), "b".to_owned()])
    );
    assert_eq!(known.registration.listening.unwrap().to_string(), "after-uplink:20");
}

#[tokio::test]
async fn a_file_whose_columns_are_not_known_is_refused_before_anything_is_taken() {
    let town = Town::open().await;
    let options = ImportOptions::default();
    let long = [b"channel,".to_vec(), vec![b'x'; 5_000], b"\n".to_vec()].concat();
    for (file, refused) in [
        (
            &b"chanel,name\ndeveui:70b3d57ed0000001,x\n"[..],
            "names a column \"chanel\"; known are channel, card",
        ),
        (b"channel,name,channel\ndeveui:70b3d57ed0000001,x,y\n", "names the column `channel` twice"),
        (b"channel,,name\n", "names a column \"\""),
        (b"name\nx\n", "no column `channel`"),
        (b"", "no column `channel`"),
        (b"\n\n", "no column `channel`"),
        (b"\xff\xfec\0h\0", "line 1: the file is UTF-16"),
        (b"c\0h\0a\0", "line 1: the file is UTF-16"),
        (b"channel,\"name\n", "line 1: a quotation mark"),
        (&long, "line 1: the line is longer than 4096 bytes"),
    ] {
        let error = try_take(&town, file, &options).await.unwrap_err().to_string();
        assert!(error.contains(refused), "{error}");
    }
    let page = town.app.store().peek(|rows| rows.channels_after(&ChannelFilter::default(), None, 9)).unwrap();
    assert_eq!(page.channels, []);
    // A mark before UTF-8 is none of the name, and Latin-1 is a line's fault.
    let file =
        b"\xef\xbb\xbfchannel,name\ndeveui:70b3d57ed0000001,M\xe4rz\ndeveui:70b3d57ed0000002,M\xc3\xa4rz\n";
    let (done, refused) = try_take(&town, file, &options).await.unwrap();
    assert_eq!(counts(done), [2, 1, 0, 0, 1]);
    assert_eq!((refused[0].line, &refused[0].why), (2, &LineRefused::NotUtf8("name")));
}

#[tokio::test]
async fn a_line_has_the_number_that_an_editor_shows_whatever_stands_before_it() {
    let town = Town::open().await;
    let longest = "x".repeat(4_096);
    // The last line has no end.
    for end in ["\n", "\r\n"] {
        let lines = ["channel", " ", "imei:1", "\"imei:2", &longest, &format!("{longest}y"), "", "imei:3"];
        let (done, refused) = take(&town, &lines.join(end)).await;
        assert_eq!(refused.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [3, 4, 5, 6, 8], "{refused:?}");
        assert!(refused[2].1.contains("the kind of channel"), "{refused:?}");
        assert!(refused[3].1.contains("longer than 4096 bytes"), "{refused:?}");
        assert_eq!(counts(done), [7, 0, 0, 0, 5]);
    }
}

#[tokio::test]
async fn a_file_has_no_more_lines_than_its_limit() {
    let town = Town::open().await;
    let stop = AtomicBool::new(false);
    let file =
        || std::io::Read::chain(&b"channel"[..], std::io::Read::take(std::io::repeat(b'\n'), 10_000_000));
    for (more, fits) in [(&b""[..], true), (b"\n", false)] {
        let file = BufReader::new(std::io::Read::chain(file(), more));
        let options = ImportOptions::default();
        let took = import(town.app.store(), EVENING, file, &options, &stop, |_| Ok(()), |_| {}).await;
        match took {
            Ok(imported) => assert_eq!((fits, counts(imported.done)), (true, [9_999_999, 0, 0, 0, 0])),
            Err(error) => {
                assert_eq!(
                    (fits, error.to_string().as_str()),
                    (false, "the file has more than 10000000 lines; split it")
                );
            }
        }
    }
}

#[tokio::test]
async fn a_kind_is_put_before_channels_that_say_none() {
    let town = Town::open().await;
    let file = b"channel\n70B3D57ED0000001\nimei:356938035643809\n70b3\n";
    let options = ImportOptions { kind: Some("deveui".into()), ..ImportOptions::default() };
    let (done, refused) = try_take(&town, file, &options).await.unwrap();
    assert_eq!((counts(done), refused[0].line), ([3, 2, 0, 0, 1], 4));
    known(&town, "deveui:70b3d57ed0000001");
}

#[tokio::test]
async fn a_column_that_a_file_does_not_have_leaves_what_is_known_and_an_empty_value_ends_it() {
    let town = Town::open().await;
    let all = "channel,bearer,application,device,name,group,tags,listening,silent_seconds\n\
               imei:356938035643809,onenet,p1,d1,stall,north,a b,always,7200\n";
    assert_eq!(counts(take(&town, all).await.0), [1, 1, 0, 0, 0]);
    let before = known(&town, "imei:356938035643809");
    assert_eq!(counts(take(&town, "channel\nimei:356938035643809\n").await.0), [1, 0, 0, 1, 0]);
    assert_eq!(known(&town, "imei:356938035643809"), before);
    let some = "tags,name,channel\n,stall 2,imei:356938035643809\n";
    assert_eq!(counts(take(&town, some).await.0), [1, 0, 1, 0, 0]);
    let (mut channel, tags) = known(&town, "imei:356938035643809");
    assert_eq!((channel.registration.name.take().as_deref(), tags), (Some("stall 2"), vec![]));
    let (mut was, _) = before;
    was.registration.name = None;
    assert_eq!(channel, was);
}

#[tokio::test]
async fn one_channel_is_registered_as_a_line_would() {
    let town = Town::open().await;
    let of = |said: Vec<(Column, &'static str)>| {
        let store = town.app.store();
        async move { register(store, EVENING, &said).await.map(|(_, registered)| registered) }
    };
    let channel = (Column::Channel, "IMEI:356938035643809");
    assert_eq!(of(vec![channel, (Column::Tags, "a|b")]).await.unwrap(), Registered::Added);
    assert_eq!(of(vec![channel, (Column::Name, " stall ")]).await.unwrap(), Registered::Changed);
    assert_eq!(of(vec![channel, (Column::Name, "stall")]).await.unwrap(), Registered::Same);
    let refused = of(vec![channel, (Column::Card, "card_0badcafe")]).await.unwrap_err();
    assert!(matches!(refused, RegisterRefused::Said(LineRefused::NoSuchCard(_))), "{refused}");
    let (channel, tags) = known(&town, "imei:356938035643809");
    assert_eq!((channel.registration.name.as_deref(), tags.len()), (Some("stall"), 2));
}

#[tokio::test]
async fn a_file_that_is_taken_again_changes_nothing_and_one_that_differs_what_differs() {
    let town = Town::open().await;
    let head = "channel,name,tags\n";
    let line = |n: u32, name: &str, tags: &str| format!("deveui:70b3d57ed000{n:04x},{name},{tags}\n");
    let first = format!("{head}{}{}{}", line(1, "one", "a b"), line(2, "two", ""), line(3, "three", "c"));
    assert_eq!(counts(take(&town, &first).await.0), [3, 3, 0, 0, 0]);
    // It came to its end, and so is begun anew.
    assert_eq!(counts(take(&town, &first).await.0), [3, 0, 0, 3, 0]);
    let second = format!("{head}{}{}{}", line(1, "one", "b a"), line(2, "zwei", ""), line(3, "three", ""));
    assert_eq!(counts(take(&town, &second).await.0), [3, 0, 2, 1, 0]);
}

#[tokio::test]
async fn a_dry_run_says_what_would_happen_and_keeps_nothing() {
    let town = Town::open().await;
    let mut file =
        "channel,group,bearer,device\ndeveui:70b3d57ed0000001,north,onenet,d\nimei:1,north,,\n".to_owned();
    (0..1_500).for_each(|n| file += &format!("imei:{n:015},,,\n"));
    // What a line before it takes, in another unit of work, is taken.
    file += "deveui:70b3d57ed0000002,north,onenet,d\n";
    let options = ImportOptions { dry_run: true, ..ImportOptions::default() };
    let (done, refused) = try_take(&town, file.as_bytes(), &options).await.unwrap();
    assert_eq!(counts(done), [1_503, 1_501, 0, 0, 2]);
    assert_eq!(refused.iter().map(|line| line.line).collect::<Vec<_>>(), [3, 1_504]);
    assert_eq!(refused[1].why.to_string(), "device \"d\" of onenet is deveui:70b3d57ed0000001 already");
    let page = town.app.store().peek(|rows| rows.channels_after(&ChannelFilter::default(), None, 9)).unwrap();
    assert_eq!(page.channels, []);
    assert_eq!(town.app.store().peek(|rows| rows.groups()).unwrap(), []);
}

#[tokio::test]
async fn an_import_that_was_stopped_goes_on_behind_its_last_unit_and_counts_each_line_once() {
    let town = Town::open().await;
    let mut file = "channel,name\n".to_owned();
    for n in 0..3_500 {
        file += &format!("deveui:70b3d57ed00{n:05x},card {n}\n");
    }
    // A channel of the first part stands again in the last.
    file += "deveui:70b3d57ed0000005,again\n";
    let store = town.app.store();
    let options = ImportOptions { digest: Sha256::digest(&file).into(), ..ImportOptions::default() };
    let stop = AtomicBool::new(false);
    let stopping = |done: &ImportProgress| stop.store(done.lines >= 2_000, Ordering::Relaxed);
    let stopped =
        import(store, EVENING, file.as_bytes(), &options, &stop, |_| Ok(()), stopping).await.unwrap();
    assert_eq!((counts(stopped.done), stopped.whole), ([2_000, 2_000, 0, 0, 0], false));
    let (done, refused) = take(&town, &file).await;
    assert_eq!(counts(done), [3_501, 3_500, 0, 0, 1]);
    assert_eq!(refused, [(3_502, "the channel stands in line 7 already".to_owned())]);
}

#[tokio::test]
async fn no_line_is_passed_over_that_could_not_be_told_of() {
    let town = Town::open().await;
    let file = "channel\nimei:356938035643809\nimei:1\n";
    let options = ImportOptions { digest: [1; 32], ..ImportOptions::default() };
    let stop = AtomicBool::new(false);
    let full = |_: &[RefusedLine]| Err(std::io::Error::other("the disk is full"));
    let error = import(town.app.store(), EVENING, file.as_bytes(), &options, &stop, full, |_| {}).await;
    let error = error.unwrap_err().to_string();
    assert_eq!(error, "the list of refused lines cannot be written: the disk is full");
    let (kept, page) = town
        .app
        .store()
        .peek(|rows| {
            Ok((rows.channel_import([1; 32])?, rows.channels_after(&ChannelFilter::default(), None, 9)?))
        })
        .unwrap();
    assert_eq!((kept, page.channels), (None, vec![]));
}

#[tokio::test]
async fn a_file_that_somebody_else_imports_meanwhile_is_not_counted_twice() {
    let town = Town::open().await;
    let mut file = "channel\n".to_owned();
    (0..1_500).for_each(|n| file += &format!("imei:{n:015}\n"));
    let store = town.app.store();
    let options = ImportOptions::default();
    let never = AtomicBool::new(false);
    let at_once = AtomicBool::new(true);
    // The other one is a unit of work ahead when this one has kept its first.
    let other = || import(store, EVENING, file.as_bytes(), &options, &at_once, |_| Ok(()), |_| {});
    let (one, two) =
        tokio::join!(other(), import(store, EVENING, file.as_bytes(), &options, &never, |_| Ok(()), |_| {}));
    let outcomes = [one, two];
    let lost = |outcome: &&Result<Imported, ImportError>| matches!(outcome, Err(ImportError::Elsewhere));
    assert_eq!(outcomes.iter().filter(lost).count(), 1, "{outcomes:?}");
    let (done, _) = {
        let stop = AtomicBool::new(false);
        let imported =
            import(store, EVENING, file.as_bytes(), &options, &stop, |_| Ok(()), |_| {}).await.unwrap();
        (imported.done, imported.whole)
    };
    assert!([[1_500, 1_500, 0, 0, 0], [1_500, 0, 0, 1_500, 0]].contains(&counts(done)), "{done:?}");
}
