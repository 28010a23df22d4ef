//! The help of the tap rail's commands: it teaches by examples, and each example is one that the program takes.

use crate::program::process::{counterfoil, run};

const TAUGHT: [&str; 5] = ["terminal", "bank", "wallet", "pack", "tls"];

/// The examples of a help text, a line that goes on joined with the next.
fn examples(help: &str) -> Vec<String> {
    let joined = help.replace("\\\n", " ");
    joined.lines().filter_map(|line| line.strip_prefix("  counterfoil ")).map(str::to_owned).collect()
}

/// The words of a command line; double quotes hold words together.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (index, part) in line.split('"').enumerate() {
        if index % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

#[test]
fn every_example_of_the_help_is_a_command_that_the_program_takes() {
    for group in TAUGHT {
        let help = run(&mut counterfoil([group, "--help"])).well();
        let examples = examples(&help);
        assert!(examples.len() >= 2, "{group} teaches too little: {help}");
        for example in examples {
            let words = words(&example);
            let ended = run(counterfoil(words.iter().map(String::as_str)).arg("--help"));
            // The help of a command comes only after all that stands before it was understood.
            assert_eq!(ended.code, Some(0), "{example}: {}", ended.err);
            assert!(ended.out.contains("Usage: counterfoil "), "{example}: {}", ended.out);
        }
    }
}

#[test]
fn every_command_and_option_of_the_rail_says_what_it_is_for() {
    for group in TAUGHT {
        let help = run(&mut counterfoil([group, "--help"])).well();
        let (_, commands) = help.split_once("Commands:\n").unwrap();
        let commands = commands.lines().take_while(|line| !line.is_empty());
        for line in commands.filter(|line| !line.trim_start().starts_with("help ")) {
            let (name, about) = line.trim().split_once("  ").unwrap_or((line.trim(), ""));
            assert!(about.trim().len() > 10, "{group} {name} says nothing of itself: {help}");
            let own = run(&mut counterfoil([group, name, "-h"])).well();
            let (own, _) = own.split_once("\nExamples").unwrap_or((&own, ""));
            let options =
                own.lines().map(str::trim).filter(|line| line.starts_with("--") || line.starts_with("-h"));
            for option in options {
                assert!(option.contains("  "), "{group} {name}: {option} is not explained");
            }
        }
    }
}
