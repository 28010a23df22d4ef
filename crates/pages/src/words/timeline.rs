//! The group of words for a channel's timeline in the console.

words! {
    /// Words on what a frame led to, and on when a card listens.
    TimelineWords {
        frame: "Column.",
        asked: "The card was asked to pay.",
        clock: "The card was told the time.",
        nothing_waits: "No order waits for the card.",
        status_kept: "The card told how it is.",
        repeated: "The frame was known already.",
        wrong_code: "Refused.",
        wrong_result: "Refused.",
        second_result: "Refused.",
        old_time_factor: "Refused: a right code, used before.",
        status_old: "Refused.",
        too_far_ahead: "Refused.",
        prompt_limit: "Refused.",
        malformed: "Refused.",
        information_differs: "The card may not pay.",
        holder_differs: "The card may not pay.",
        not_bound: "The card may not pay.",
        not_active: "The card may not pay.",
        frozen: "The card may not pay.",
        lost: "The card may not pay.",
        expired: "The card may not pay.",
        closed: "The card may not pay.",
        key_unavailable: "Not answered.",
        not_kept: "Not answered.",
        unknown: "Noted by another version of the program.",
        answered: "A frame to the card that answers.",
        listens_never: "When the card listens.",
        listens_always: "When the card listens.",
        silent_after: "Label: how long a channel may be silent.",
    }
}
