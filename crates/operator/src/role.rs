//! Roles, and the one table of what each may.

/// What an operator is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Looks, and changes nothing.
    Viewer,
    /// Does the day's work: loads in doubt, terminals, the fleet.
    Operator,
    /// Looks after keys; does not touch money.
    KeyCustodian,
    /// Looks after operators and reads the audit log.
    Administrator,
}

/// What can be allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Permission {
    /// See payments and orders.
    SeePayments,
    /// See cards, holders (masked) and wallet cards.
    SeeCards,
    /// See the ledger.
    SeeLedger,
    /// See channels, what waits, alerts.
    SeeFleet,
    /// Change what waits; clear alerts.
    ChangeFleet,
    /// See loads of wallet cards.
    SeeLoads,
    /// Put a load in doubt, and settle one.
    SettleLoads,
    /// Ask that a load is given back, and answer another operator who asks.
    ReverseLoads,
    /// Move money by hand: adjustments, and what became of a difference.
    AdjustMoney,
    /// See merchants and their API keys, never the keys themselves.
    SeeMerchants,
    /// Revoke an API key.
    RevokeApiKeys,
    /// See terminals.
    SeeTerminals,
    /// Revoke a terminal.
    RevokeTerminals,
    /// See merchants' endpoints and what was sent to them.
    SeeWebhooks,
    /// Have a webhook sent again.
    ResendWebhooks,
    /// Read the audit log.
    ReadAudit,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Operator, Self::KeyCustodian, Self::Administrator];

    /// The word for tables and the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::KeyCustodian => "key-custodian",
            Self::Administrator => "administrator",
        }
    }

    /// The role of a word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }

    /// Whether a role may. The one table.
    pub const fn may(self, permission: Permission) -> bool {
        use Permission as P;
        match self {
            Self::Viewer => matches!(
                permission,
                P::SeePayments
                    | P::SeeCards
                    | P::SeeLedger
                    | P::SeeFleet
                    | P::SeeLoads
                    | P::SeeMerchants
                    | P::SeeTerminals
                    | P::SeeWebhooks
            ),
            Self::Operator => matches!(
                permission,
                P::SeePayments
                    | P::SeeCards
                    | P::SeeLedger
                    | P::SeeFleet
                    | P::ChangeFleet
                    | P::SeeLoads
                    | P::SettleLoads
                    | P::ReverseLoads
                    | P::AdjustMoney
                    | P::SeeMerchants
                    | P::RevokeApiKeys
                    | P::SeeTerminals
                    | P::RevokeTerminals
                    | P::SeeWebhooks
                    | P::ResendWebhooks
            ),
            // Keys are looked after on the command line; here they see which terminals have which.
            Self::KeyCustodian => {
                matches!(permission, P::SeeCards | P::SeeFleet | P::SeeTerminals | P::RevokeTerminals)
            }
            Self::Administrator => matches!(
                permission,
                P::SeePayments
                    | P::SeeCards
                    | P::SeeLedger
                    | P::SeeFleet
                    | P::ChangeFleet
                    | P::SeeLoads
                    | P::SettleLoads
                    | P::ReverseLoads
                    | P::AdjustMoney
                    | P::SeeMerchants
                    | P::RevokeApiKeys
                    | P::SeeTerminals
                    | P::RevokeTerminals
                    | P::SeeWebhooks
                    | P::ResendWebhooks
                    | P::ReadAudit
            ),
        }
    }
}

impl Permission {
    /// Every permission.
    pub const ALL: [Self; 16] = [
        Self::SeePayments,
        Self::SeeCards,
        Self::SeeLedger,
        Self::SeeFleet,
        Self::ChangeFleet,
        Self::SeeLoads,
        Self::SettleLoads,
        Self::ReverseLoads,
        Self::AdjustMoney,
        Self::SeeMerchants,
        Self::RevokeApiKeys,
        Self::SeeTerminals,
        Self::RevokeTerminals,
        Self::SeeWebhooks,
        Self::ResendWebhooks,
        Self::ReadAudit,
    ];

    /// The word for refusals.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SeePayments => "see_payments",
            Self::SeeCards => "see_cards",
            Self::SeeLedger => "see_ledger",
            Self::SeeFleet => "see_fleet",
            Self::ChangeFleet => "change_fleet",
            Self::SeeLoads => "see_loads",
            Self::SettleLoads => "settle_loads",
            Self::ReverseLoads => "reverse_loads",
            Self::AdjustMoney => "adjust_money",
            Self::SeeMerchants => "see_merchants",
            Self::RevokeApiKeys => "revoke_api_keys",
            Self::SeeTerminals => "see_terminals",
            Self::RevokeTerminals => "revoke_terminals",
            Self::SeeWebhooks => "see_webhooks",
            Self::ResendWebhooks => "resend_webhooks",
            Self::ReadAudit => "read_audit",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_may_what_the_table_of_the_guide_says() {
        use Permission as P;
        for (permission, [viewer, operator, custodian, administrator]) in [
            (P::SeePayments, [true, true, false, true]),
            (P::SeeCards, [true, true, true, true]),
            (P::SeeLedger, [true, true, false, true]),
            (P::SeeFleet, [true, true, true, true]),
            (P::ChangeFleet, [false, true, false, true]),
            (P::SeeLoads, [true, true, false, true]),
            (P::SettleLoads, [false, true, false, true]),
            (P::ReverseLoads, [false, true, false, true]),
            (P::AdjustMoney, [false, true, false, true]),
            (P::SeeMerchants, [true, true, false, true]),
            (P::RevokeApiKeys, [false, true, false, true]),
            (P::SeeTerminals, [true, true, true, true]),
            (P::RevokeTerminals, [false, true, true, true]),
            (P::SeeWebhooks, [true, true, false, true]),
            (P::ResendWebhooks, [false, true, false, true]),
            (P::ReadAudit, [false, false, false, true]),
        ] {
            let may = Role::ALL.map(|role| role.may(permission));
            assert_eq!(may, [viewer, operator, custodian, administrator], "{permission:?}");
        }
        assert_eq!(Permission::ALL.len(), 16);
    }

    #[test]
    fn a_role_is_found_by_its_word() {
        for role in Role::ALL {
            assert_eq!(Role::from_name(role.name()), Some(role));
        }
        assert_eq!(Role::from_name("root"), None);
    }
}
