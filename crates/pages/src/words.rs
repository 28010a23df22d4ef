//! All that the pages say. A group of words for each page family; a table for each language.
//!
//! A field missing in one language does not compile. Where a number enters a sentence, the sentence is a method in
//! `phrases`, because languages place and count numbers differently.

/// Declares a group of words: the struct, and for tests the list of what is in it.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($field:ident: $doc:literal,)* }) => {
        $(#[$meta])*
        #[derive(Debug)]
        pub struct $name {
            $(#[doc = $doc] pub $field: &'static str,)*
        }

        impl $name {
            /// Name and text of every field.
            pub fn entries(&self) -> Vec<(&'static str, &'static str)> {
                vec![$((stringify!($field), self.$field)),*]
            }
        }
    };
}

mod adjustment;
mod audit;
mod en;
mod fleet;
mod login;
mod merchants;
mod money;
mod phrases;
mod reversal;
mod timeline;
mod wallets;
mod webhooks;
mod zh;

pub use adjustment::AdjustmentWords;
pub use audit::AuditWords;
pub use en::ENGLISH;
pub use fleet::FleetWords;
pub use login::LoginWords;
pub use merchants::MerchantWords;
pub use money::MoneyWords;
pub use reversal::ReversalWords;
pub use timeline::TimelineWords;
pub use wallets::{
    BankWords, EntryWords, FieldWords, HoldWords, LockedWords, OutboxWords, ResultWords, SettingsWords,
    TerminalWords, WalletWords,
};
pub use webhooks::WebhookWords;
pub use zh::CHINESE;

/// Everything said in one language.
#[derive(Debug)]
pub struct Words {
    /// On every page.
    pub common: CommonWords,
    /// In the shop.
    pub shop: ShopWords,
    /// On an order's page.
    pub order: OrderWords,
    /// On a card's face.
    pub card: CardWords,
    /// In the console.
    pub console: ConsoleWords,
    /// On the desk.
    pub desk: DeskWords,
    /// On the page for errors.
    pub message: MessageWords,
    /// On the mobile terminal.
    pub terminal: TerminalWords,
    /// While a card is held there.
    pub hold: HoldWords,
    /// On what is entered there.
    pub entry: EntryWords,
    /// On what a wallet card holds.
    pub wallet: WalletWords,
    /// On what came of a tap.
    pub result: ResultWords,
    /// On the terminal's settings.
    pub settings: SettingsWords,
    /// On a terminal that cannot serve anybody.
    pub locked: LockedWords,
    /// In the demonstration's field.
    pub field: FieldWords,
    /// On the demonstration's text messages.
    pub outbox: OutboxWords,
    /// In the console, on wallet cards and terminals.
    pub bank: BankWords,
    /// On the login and the audit log.
    pub login: LoginWords,
    /// On what the audit log says.
    pub audit: AuditWords,
    /// In the console, on adjustments.
    pub adjustment: AdjustmentWords,
    /// In the console, on the fleet.
    pub fleet: FleetWords,
    /// In the console, on settlements and the bank's files.
    pub money: MoneyWords,
    /// In the console, on merchants and their keys.
    pub merchants: MerchantWords,
    /// In the console, on loads that are given back.
    pub reversal: ReversalWords,
    /// On a channel's timeline.
    pub timeline: TimelineWords,
    /// In the console, on what merchants' servers are told.
    pub webhooks: WebhookWords,
}

impl Words {
    /// Name and text of every field of every group.
    pub fn entries(&self) -> Vec<(&'static str, &'static str)> {
        [
            self.common.entries(),
            self.shop.entries(),
            self.order.entries(),
            self.card.entries(),
            self.console.entries(),
            self.desk.entries(),
            self.message.entries(),
            self.terminal.entries(),
            self.hold.entries(),
            self.entry.entries(),
            self.wallet.entries(),
            self.result.entries(),
            self.settings.entries(),
            self.locked.entries(),
            self.field.entries(),
            self.outbox.entries(),
            self.bank.entries(),
            self.login.entries(),
            self.audit.entries(),
            self.adjustment.entries(),
            self.fleet.entries(),
            self.money.entries(),
            self.merchants.entries(),
            self.reversal.entries(),
            self.timeline.entries(),
            self.webhooks.entries(),
        ]
        .concat()
    }
}

words! {
    /// Words on every page.
    CommonWords {
        brand: "The platform's name.",
        tagline: "The platform's promise, in the footer.",
        skip: "Skips header and navigation.",
        none: "Stands in a table cell without a value.",
        live_lost: "The live connection is down and being remade.",
        needs_script: "What does not work without scripts.",
        language_label: "Names the language switch for screen readers.",
        older: "Leads to the next page of a list.",
        with_display: "A card that has a display.",
        without_display: "A card that has none.",
    }
}

words! {
    /// Words in the shop.
    ShopWords {
        name: "The shop's name.",
        strap: "Under the shop's name.",
        intro: "Above the goods.",
        buy: "Buys one.",
        goods: "Heading of the goods, for screen readers.",
        checkout_title: "Title of the page where a card is chosen.",
        choose_card: "Asks which card.",
        choose_card_hint: "What happens next.",
        no_cards: "The buyer has no saved card.",
        pay: "Sends the order to the platform.",
        total: "What is to be paid.",
        back: "Back to the goods.",
        order_title: "Title of the page after paying.",
        thanks: "The order is paid.",
        thanks_text: "What follows.",
        not_paid: "The order is not paid.",
        still_open: "The order can still be paid.",
        open_payment: "Leads to the platform's page.",
        order_number: "Label of the order's id.",
        placed_at: "Label of the time.",
        card: "Label of the card.",
        item: "Label of the good.",
        status: "Label of the state.",
        again: "Buys something else.",
        pays_with: "In the footer: who carries the payment.",
    }
}

words! {
    /// Words on an order's page.
    OrderWords {
        title: "Title of the page.",
        pay_to: "Before the merchant's name.",
        place: "Label of the place.",
        text: "Label of what it is for.",
        card: "Label of the card.",
        order_number: "Label of the order's id.",
        time_left: "Label of the remaining time.",
        test_title: "That the order is of the test mode, in two words.",
        test_text: "That no money moves.",
        wake_hint: "What to do while the card's light is off.",
        number_hint: "The number is not sent to the card.",
        rhythm_hint: "How to press several times.",
        refuse_hint: "How to say no with the card.",
        cancel: "Withdraws the order.",
        back: "Back to the shop.",
        timeline: "Heading of the steps.",
        timeline_hint: "Under it.",
        awaiting_title: "State: nothing reached the card yet.",
        awaiting_text: "What it means.",
        on_card_title: "State: the card has it.",
        on_card_text: "What it means.",
        paid_title: "State: paid.",
        paid_text: "What it means.",
        declined_title: "State: declined.",
        expired_title: "State: expired.",
        expired_text: "What it means.",
        canceled_title: "State: canceled.",
        canceled_text: "What it means.",
        failed_title: "State: the platform could not carry it out.",
        failed_text: "What it means.",
        reason_refused: "Why declined: refused on the card.",
        reason_not_me: "Why declined: not me.",
        reason_over_card_limit: "Why declined: the card's own limit.",
        reason_not_answered: "Why declined: nobody pressed.",
        reason_card_busy: "Why declined: the card was busy.",
        reason_too_late: "Why declined: answered too late.",
        reason_wrong_presses: "Why declined: wrong number of presses.",
        reason_funds: "Why declined: no funds.",
        reason_risk: "Why declined: the platform's rules.",
        reason_frozen: "Why declined: the card is frozen.",
        reason_card_unusable: "Why declined: the card is not in use.",
        step_1: "S1, for people.",
        step_2: "S2, for people.",
        step_3: "S3, for people.",
        step_4: "S4, for people.",
        step_5: "S5, for people.",
        step_6: "S6, for people.",
        step_7: "S7, for people.",
        step_waiting: "A step not begun.",
        step_active: "A step going on.",
        step_done: "A step done.",
        step_failed: "A step failed.",
    }
}

words! {
    /// Words on a card's face.
    CardWords {
        list_title: "Title of the list of cards.",
        list_text: "Under it.",
        list_empty: "There are no cards.",
        take: "Takes a card in hand.",
        all_cards: "Back to the list.",
        holder: "Label of the holder.",
        light: "Label of the light.",
        led_off: "The light is off.",
        led_green: "The light is green.",
        led_blinking: "The light blinks green.",
        led_settled: "The light is green after a payment.",
        led_amber: "The light is amber.",
        led_red: "The light is red.",
        led_off_text: "What to do then.",
        led_green_text: "What to do then.",
        led_blinking_text: "What to do then.",
        led_settled_text: "What it means.",
        led_nothing_waits_text: "Amber: no payment waits.",
        led_no_answer_text: "Amber: no answer came.",
        led_amber_text: "Amber: how it ended is not known.",
        led_red_text: "What to do then.",
        frozen: "The card is frozen.",
        key: "Names the key for screen readers.",
        press: "A short press.",
        press_text: "What it does.",
        refuse: "A press of 1.5 seconds.",
        refuse_time: "How long, on its mark.",
        refuse_text: "What it does.",
        not_me: "A press of 5 seconds.",
        not_me_time: "How long, on its mark.",
        not_me_text: "What it does.",
        release_agree: "While held: letting go now agrees.",
        release_refuse: "While held: letting go now refuses.",
        release_not_me: "While held: letting go now says not me.",
        keyboard: "How to use the key from a keyboard.",
        how: "Heading of the explanations.",
        clock: "Label of the clock.",
        clock_set: "The clock is set.",
        clock_not_set: "The clock is not set.",
        battery: "Label of the battery.",
        bearer: "Label of the network.",
        frames: "Heading of the radio frames.",
        frames_hint: "Under it.",
        frames_empty: "No frames yet.",
        frame_up: "From the card.",
        frame_down: "To the card.",
        frame_lost: "Lost on the air.",
        frame_hello: "Kind 1.",
        frame_transaction: "Kind 2.",
        frame_result: "Kind 3.",
        frame_receipt: "Kind 4.",
        frame_retry: "Kind 5.",
        frame_clock: "Kind 6.",
        frame_status: "Kind 7.",
        frame_unknown: "No known kind.",
        display: "Names the display for screen readers.",
    }
}

words! {
    /// Words in the console.
    ConsoleWords {
        title: "The console's name.",
        nav: "Names the navigation for screen readers.",
        today: "Tab and title.",
        cards: "Tab and title.",
        fleet: "Tab.",
        ledger: "Tab and title.",
        paid_total: "Label of the sum of the day.",
        paid_none: "Nothing was paid today.",
        last_payments: "Heading of the table.",
        no_payments: "The table is empty.",
        outcome_paid: "Counted: paid.",
        outcome_waiting: "Counted: waiting.",
        outcome_declined: "Counted: declined.",
        outcome_expired: "Counted: expired.",
        outcome_canceled: "Counted: canceled.",
        outcome_failed: "Counted: failed.",
        outcome_on_card: "State: the card has it.",
        brief_refused: "Why declined: refused on the card.",
        brief_not_me: "Why declined: not me.",
        brief_over_card_limit: "Why declined: the card's own limit.",
        brief_not_answered: "Why declined: nobody pressed.",
        brief_card_busy: "Why declined: the card was busy.",
        brief_too_late: "Why declined: answered too late.",
        brief_wrong_presses: "Why declined: wrong number of presses.",
        brief_funds: "Why declined: no funds.",
        brief_risk: "Why declined: the platform's rules.",
        brief_frozen: "Why declined: the card is frozen.",
        brief_card_unusable: "Why declined: the card is not in use.",
        time: "Column.",
        order: "Column.",
        merchant: "Column.",
        card: "Column.",
        amount: "Column.",
        state: "Column.",
        reason: "Column.",
        number: "Column.",
        card_id: "Column.",
        holder: "Column.",
        unbound: "A card without holder.",
        life: "Column.",
        channel: "Column.",
        key_version: "Column.",
        balance: "Column.",
        no_cards: "The table is empty.",
        life_issued: "Life cycle.",
        life_active: "Life cycle.",
        life_frozen: "Life cycle.",
        life_lost: "Life cycle.",
        life_expired: "Life cycle.",
        life_closed: "Life cycle.",
        never: "Never heard.",
        kind: "Column.",
        accounts: "Column.",
        posted: "Column.",
        pending: "Column.",
        available: "Column.",
        account_holder: "Kind of account.",
        account_merchant: "Kind of account.",
        account_fee: "Kind of account.",
        account_settlement: "Kind of account.",
        account_load_float: "Kind of account.",
        account_suspense: "Kind of account.",
        sum: "Label of a ledger's sum.",
        balanced: "It sums to zero.",
        unbalanced: "It does not.",
        all_balanced: "Every currency sums to zero.",
        not_all_balanced: "Some currency does not.",
        no_currencies: "Nothing was booked yet.",
        transfers: "Heading of the counts.",
        transfers_pending: "Counted: pending.",
        transfers_posted: "Counted: posted.",
        transfers_voided: "Counted: voided.",
        transfers_expired: "Counted: expired.",
    }
}

words! {
    /// Words on the desk.
    DeskWords {
        title: "Title of the desk.",
        intro: "Above it.",
        shop: "Names the shop's side.",
        card: "Names the card's side.",
        choose: "Names the tabs for screen readers.",
        open: "Opens a frame as a page of its own.",
        console: "Leads to the console.",
        no_cards: "There are no cards.",
    }
}

words! {
    /// Words on the page for errors.
    MessageWords {
        what: "Label of what happened.",
        todo: "Label of what to do.",
        not_found_title: "There is no such page.",
        not_found_what: "What happened then.",
        not_found_todo: "What to do then.",
        failed_title: "Something failed here.",
        failed_what: "What happened then.",
        failed_todo: "What to do then.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names and signs that are rightly the same in both languages.
    const SAME: [&str; 2] = ["brand", "none"];

    #[test]
    fn nothing_is_empty_and_everything_is_translated() {
        let english = ENGLISH.entries();
        let chinese = CHINESE.entries();
        assert_eq!(english.len(), chinese.len());
        for ((name, en), (_, zh)) in english.into_iter().zip(chinese) {
            assert!(!en.trim().is_empty() && !zh.trim().is_empty(), "{name} is empty");
            assert_eq!(en.trim(), en, "{name}");
            assert_eq!(zh.trim(), zh, "{name}");
            if SAME.contains(&name) {
                continue;
            }
            assert_ne!(en, zh, "{name} is not translated");
            assert!(en.is_ascii() || !en.chars().any(is_han), "{name} is Chinese in English: {en}");
            assert!(zh.chars().any(is_han), "{name} is not Chinese: {zh}");
            assert!(
                !zh.contains([',', ':', ';', '?', '!', '(', ')']),
                "{name} is punctuated in English: {zh}"
            );
        }
    }

    fn is_han(c: char) -> bool {
        ('\u{4e00}'..='\u{9fff}').contains(&c)
    }
}
