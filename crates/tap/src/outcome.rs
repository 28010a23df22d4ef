//! How a transaction ended: one table of numbers, names and texts for the holder.

/// What an outcome says about money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Money {
    /// The transaction did what it was for.
    Done,
    /// Nothing was paid, nothing was written.
    Nothing,
    /// The bank may have set money aside: the next tap of the same card finishes it.
    HoldAgain,
    /// Only a person at the bank can finish it; the money is neither lost nor spent.
    AtTheBank,
}

macro_rules! outcomes {
    ($($number:literal $variant:ident $name:literal $money:ident $english:literal $chinese:literal;)*) => {
        /// How a transaction ended. The number travels in `DF30`; the name never changes its meaning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Outcome { $(#[doc = $english] $variant,)* }

        impl Outcome {
            /// Every outcome.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The number of tag `DF30`.
            pub const fn number(self) -> u16 {
                match self { $(Self::$variant => $number,)* }
            }

            /// The name for logs and interfaces.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What it says about money.
            pub const fn money(self) -> Money {
                match self { $(Self::$variant => Money::$money,)* }
            }

            /// What the holder reads in English.
            pub const fn english(self) -> &'static str {
                match self { $(Self::$variant => $english,)* }
            }

            /// What the holder reads in Chinese.
            pub const fn chinese(self) -> &'static str {
                match self { $(Self::$variant => $chinese,)* }
            }
        }
    };
}

outcomes! {
    1 BalanceRead "balance_read" Done "This is what the card holds." "卡内余额如下。";
    2 Loaded "loaded" Done "Loaded. The money is on the card." "充值成功，金额已写入卡内。";
    3 Activated "activated" Done "The card is activated." "卡片已激活。";
    4 NothingOpen "nothing_open" Done "No load of this card waits to be finished." "此卡没有未完成的充值。";
    5 LoadedReportPending "loaded_report_pending" Done "Loaded. The bank's confirmation follows by itself." "充值成功，银行确认稍后自动完成。";
    10 PaidNotWritten "paid_not_written" HoldAgain "Paid, not yet written: hold the card again." "已付款，尚未写入：请再次贴卡。";
    11 Unanswered "unanswered" HoldAgain "No answer from the bank yet. Hold the card again: what was begun is finished then." "银行尚未答复。请再次贴卡，未完成的交易将继续。";
    12 InDoubt "in_doubt" AtTheBank "The card cannot tell what became of the load. The bank settles it; no money is lost." "卡片无法判定充值结果，银行将人工处理，资金不会丢失。";
    13 OpenLoad "open_load" HoldAgain "An earlier load of this card is not finished. Finish it first: hold the card again." "此卡有未完成的充值，请先再次贴卡完成。";
    14 TacWrong "tac_wrong" HoldAgain "The card's receipt does not agree. Hold the card again; the bank is informed." "卡片回执不符，请再次贴卡；银行已获知。";
    15 Mac2Refused "mac2_refused" HoldAgain "The card did not accept the bank's code. Hold the card again; nothing is lost." "卡片未接受银行校验码，请再次贴卡；资金不会丢失。";
    20 CardGone "card_gone" Nothing "The card was gone too early. Nothing was paid: hold it again." "卡片离开过早，未扣款：请重新贴卡。";
    21 AnotherCard "another_card" Nothing "This is another card. Hold the card that you began with." "这是另一张卡，请使用开始操作的那张卡。";
    22 NotAWallet "not_a_wallet" Nothing "This card has no wallet of this kind. Choose another industry or card." "此卡没有该行业的钱包，请选择其他行业或卡片。";
    23 UnknownIndustry "unknown_industry" Nothing "The bank does not serve this industry code." "银行不支持此行业编码。";
    24 UnknownCard "unknown_card" Nothing "The bank does not know this card." "银行没有此卡的记录。";
    25 ForeignCard "foreign_card" Nothing "This card is of another issuer." "此卡由其他机构发行。";
    26 NotActivated "not_activated" Nothing "The card is not activated yet. Activate it first." "卡片尚未激活，请先激活。";
    27 CardFrozen "card_frozen" Nothing "The card is frozen. Ask its issuer." "卡片已冻结，请联系发卡机构。";
    28 AccountFrozen "account_frozen" Nothing "The bank card is frozen. Ask the bank." "银行卡已冻结，请联系银行。";
    29 CardExpired "card_expired" Nothing "The card's time is over. Ask for a new one." "卡片已过有效期，请更换。";
    30 SmsWrong "sms_wrong" Nothing "The SMS code is wrong." "短信验证码错误。";
    31 SmsExpired "sms_expired" Nothing "The SMS code's time is over. Ask for a new one." "短信验证码已过期，请重新获取。";
    32 SmsBlocked "sms_blocked" Nothing "The SMS code was entered wrong three times. Ask for a new one." "短信验证码已错误三次，请重新获取。";
    33 SmsTooOften "sms_too_often" Nothing "Too many codes were asked for. Wait a little." "获取验证码过于频繁，请稍后再试。";
    34 SmsNotForThis "sms_not_for_this" Nothing "This SMS code is for another terminal, card or amount. Ask for a new one." "此验证码不适用于本终端、卡片或金额，请重新获取。";
    35 PinWrong "pin_wrong" Nothing "The bank card's PIN is wrong." "银行卡密码错误。";
    36 PinBlocked "pin_blocked" Nothing "The bank card's PIN is blocked. Ask the bank." "银行卡密码已锁定，请联系银行。";
    37 InsufficientFunds "insufficient_funds" Nothing "The bank account does not have this amount." "银行账户余额不足。";
    38 AmountRefused "amount_refused" Nothing "This amount cannot be loaded; see the industry's limits." "该金额不可充值，请查看行业限额。";
    39 BalanceOverLimit "balance_over_limit" Nothing "With this amount the card would hold more than it may." "充值后卡内余额将超过上限。";
    40 DayLimit "day_limit" Nothing "This card was loaded as much as it may be in a day." "此卡已达到当日充值上限。";
    41 AuthorizationExpired "authorization_expired" Nothing "It took too long. Enter code and PIN again." "操作超时，请重新输入验证码和密码。";
    42 AuthorizationRefused "authorization_refused" Nothing "The bank's permission is for another terminal, card or amount. Begin again." "授权不适用于本终端、卡片或金额，请重新开始。";
    43 Mac1Wrong "mac1_wrong" Nothing "The card's code is wrong. Nothing was paid; the bank is informed." "卡片校验码错误，未扣款；银行已获知。";
    44 CounterEnd "counter_end" Nothing "The card's counter is at its end. Ask for a new card." "卡片交易计数已用尽，请更换卡片。";
    45 StaleCounter "stale_counter" Nothing "This is an old answer of the card. Nothing was paid: hold it again." "这是卡片的旧应答，未扣款：请重新贴卡。";
    46 CardRefused "card_refused" Nothing "The card refused. Nothing was paid." "卡片拒绝操作，未扣款。";
    47 CardLocked "card_locked" Nothing "The card is locked. Ask its issuer." "卡片已锁定，请联系发卡机构。";
    48 CardPinWrong "card_pin_wrong" Nothing "The card's own PIN is wrong." "卡片密码错误。";
    49 CardPinBlocked "card_pin_blocked" Nothing "The card's own PIN is blocked. Ask its issuer." "卡片密码已锁定，请联系发卡机构。";
    60 TooManyRounds "too_many_rounds" HoldAgain "The transaction did not come to an end. Hold the card again." "交易未能结束，请再次贴卡。";
    61 Canceled "canceled" Nothing "Canceled. Nothing was paid." "已取消，未扣款。";
    62 TimedOut "timed_out" Nothing "No card came. Nothing was paid." "未检测到卡片，未扣款。";
    63 ServerAway "server_away" Nothing "The bank cannot be reached. Nothing was paid; try again later." "无法连接银行，未扣款，请稍后再试。";
    64 ReaderGone "reader_gone" Nothing "The reader is gone. Connect it and begin again." "读卡器已断开，请连接后重新开始。";
    65 TerminalRefused "terminal_refused" Nothing "The bank does not accept this terminal. Ask whoever runs it." "银行未接受本终端，请联系运营方。";
    66 Malformed "malformed" Nothing "Card, driver and bank did not understand each other. Nothing was paid." "卡片、驱动与银行数据不一致，未扣款。";
    67 Unavailable "unavailable" Nothing "The bank cannot work now. Nothing was paid; try again." "银行暂时无法处理，未扣款，请重试。";
}

impl Outcome {
    /// The outcome of a number; `None` for one that this build does not know: show the message's own texts.
    pub fn from_number(number: u16) -> Option<Self> {
        Self::ALL.iter().copied().find(|outcome| outcome.number() == number)
    }

    /// The outcome of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|outcome| outcome.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_and_name_is_its_own_and_every_text_fits_its_tag() {
        for (index, outcome) in Outcome::ALL.iter().enumerate() {
            let others = &Outcome::ALL[..index];
            assert!(others.iter().all(|o| o.number() != outcome.number() && o.name() != outcome.name()));
            assert!(outcome.english().len() <= 200 && outcome.chinese().len() <= 200, "{outcome:?}");
            assert_eq!(Outcome::from_number(outcome.number()), Some(*outcome));
            assert_eq!(Outcome::from_name(outcome.name()), Some(*outcome));
        }
        assert_eq!(Outcome::from_number(0), None);
    }
}
