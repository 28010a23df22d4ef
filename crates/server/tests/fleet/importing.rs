//! Channels from a file: each bad line by its number and reason, nothing twice, and on where it stopped.

use std::sync::atomic::{AtomicBool, Ordering};

use server::fleet::{ImportError, RefusedLine, import};
use sha2::{Digest as _, Sha256};
use store::{ChannelFilter, ImportProgress};

use crate::town::{EVENING, Town, Wish};

async fn take(town: &Town, file: &str) -> (ImportProgress, Vec<(u64, String)>) {
    let (done, refused) = try_take(town, file.as_bytes(), false).await.unwrap();
    (done, refused.into_iter().map(|line| (line.line, line.why.to_string())).collect())
}

async fn try_take(
    town: &Town,
    file: &[u8],
    dry_run: bool,
) -> Result<(ImportProgress, Vec<RefusedLine>), ImportError> {
    let (digest, stop) = (Sha256::digest(file).into(), AtomicBool::new(false));
    let mut refused = Vec::new();
    let progress = |_: &ImportProgress, lines: &[RefusedLine]| refused.extend_from_slice(lines);
    let done = import(town.app.store(), EVENING, file, digest, dry_run, &stop, progress).await?;
    Ok((done, refused))
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
    assert_eq!(counts(done), [19, 3, 0, 1, 15]);
    let last = "deveui:70b3d57ed000000f".parse().unwrap();
    let (known, tags) =
        town.app.store().peek(|rows| Ok((rows.channel(last)?.unwrap(), rows.tags_of(last)?))).unwrap();
    assert_eq!(
        (known.registration.name.as_deref(), tags),
        (Some("早市, 1"), vec!["a".to_owned(), "b".to_owned()])
    );
    assert_eq!(known.registration.listening.unwrap().to_string(), "after-uplink:20");
}

#[tokio::test]
async fn a_file_whose_columns_are_not_known_is_refused_before_anything_is_taken() {
    let town = Town::open().await;
    for (file, refused) in [
        (&b"chanel,name\ndeveui:70b3d57ed0000001,x\n"[..], "\"chanel\""),
        (b"channel,name,channel\n", "\"channel\""),
        (b"name\nx\n", "no column `channel`"),
        (b"", "no column `channel`"),
        (b"\xff\xfec\0h\0", "UTF-16"),
    ] {
        let error = try_take(&town, file, false).await.unwrap_err().to_string();
        assert!(error.contains(refused), "{error}");
    }
    // A mark before UTF-8 is none of the name, and Latin-1 is a line's fault.
    let file =
        b"\xef\xbb\xbfchannel,name\ndeveui:70b3d57ed0000001,M\xe4rz\ndeveui:70b3d57ed0000002,M\xc3\xa4rz\n";
    let (done, refused) = try_take(&town, file, false).await.unwrap();
    assert_eq!(
        (counts(done), refused[0].why.to_string().as_str()),
        ([2, 1, 0, 0, 1], "column `name` is not UTF-8")
    );
}

#[tokio::test]
async fn a_file_that_is_taken_again_changes_nothing_and_one_that_differs_what_differs() {
    let town = Town::open().await;
    let head = "channel,name,tags\n";
    let line = |n: u32, name: &str, tags: &str| format!("deveui:70b3d57ed000{n:04x},{name},{tags}\n");
    let first = format!("{head}{}{}{}", line(1, "one", "a b"), line(2, "two", ""), line(3, "three", "c"));
    assert_eq!(counts(take(&town, &first).await.0), [3, 3, 0, 0, 0]);
    // The very file is at its end already.
    assert_eq!(counts(take(&town, &first).await.0), [3, 3, 0, 0, 0]);
    let second = format!("{head}{}{}{}", line(1, "one", "b a"), line(2, "zwei", ""), line(3, "three", ""));
    assert_eq!(counts(take(&town, &second).await.0), [3, 0, 2, 1, 0]);
}

#[tokio::test]
async fn a_dry_run_says_what_would_happen_and_keeps_nothing() {
    let town = Town::open().await;
    let file = b"channel,group\ndeveui:70b3d57ed0000001,north\nimei:1,north\n";
    let (done, refused) = try_take(&town, file, true).await.unwrap();
    assert_eq!((counts(done), refused.len()), ([2, 1, 0, 0, 1], 1));
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
    let digest = Sha256::digest(&file).into();
    let stop = AtomicBool::new(false);
    let stopping =
        |done: &ImportProgress, _: &[RefusedLine]| stop.store(done.lines >= 2_000, Ordering::Relaxed);
    let done =
        import(town.app.store(), EVENING, file.as_bytes(), digest, false, &stop, stopping).await.unwrap();
    assert_eq!(counts(done), [2_000, 2_000, 0, 0, 0]);
    let (done, refused) = take(&town, &file).await;
    assert_eq!(counts(done), [3_501, 3_500, 0, 0, 1]);
    assert_eq!(refused, [(3_502, "the channel stands in line 7 already".to_owned())]);
}
