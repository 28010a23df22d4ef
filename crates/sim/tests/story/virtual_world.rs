//! A card in bad weather, under virtual time: the hours of these tests take milliseconds.

use air::card::{Edge, Light, Limits};
use sim::world::{Weather, World};

use crate::platform::{Account, breakfast, now};

const STORM: Weather =
    Weather { drop_percent: 25, duplicate_percent: 25, reorder_percent: 20, delay_min: 100, delay_max: 900 };

#[test]
fn a_storm_delays_payments_and_doubles_none() {
    for seed in 0..40 {
        let mut account = Account::new(1);
        account.order = Some(breakfast());
        let element = account.image().element;
        let mut world = World::new(element, Limits::default(), now(), STORM, seed);
        let mut settled = false;
        for _ in 0..60 {
            world.key(Edge::Down);
            world.run(50, |now, frame| account.answer(now, frame));
            world.key(Edge::Up);
            for _ in 0..40 {
                world.run(500, |now, frame| account.answer(now, frame));
                settled |= world.card().light() == Light::Green;
            }
            if settled {
                break;
            }
        }
        assert!(settled, "seed {seed}: {:?}", world.ignored);
        assert_eq!(account.decisions.len(), 1, "seed {seed}");
    }
}

#[tokio::test]
async fn a_platform_may_be_awaited_and_a_card_restarted() {
    let mut account = Account::new(1);
    let element = account.image().element;
    let mut world = World::new(element, Limits::default(), now(), Weather::CLEAR, 1);
    for restart in [false, true] {
        if restart {
            world.restart(Limits::default());
        }
        assert!(!world.card().clock_is_set());
        world.key(Edge::Down);
        world.key(Edge::Up);
        world.run_async(1_000, async |now, frame: &[u8]| account.answer(now, frame)).await;
        assert!(world.card().clock_is_set());
        assert_eq!(world.card().light(), Light::Amber);
    }
    assert_eq!(world.clock.elapsed(), 2_000);
    assert_eq!(
        world.flash().uplink_mark,
        account.marks.uplink.and_then(|mark| { model::TimeFactor::new(mark.seconds() + 60) })
    );
}
