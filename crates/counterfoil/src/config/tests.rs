//! What a configuration says, and how it is told what is wrong.

use super::*;

fn load(text: &str, variables: &[(&str, &str)]) -> Result<Config, String> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    let variables = variables.iter().map(|(name, value)| (name.to_string(), value.to_string()));
    Config::load(Some(file.path()), variables)
        .map_err(|error| error.to_string().replace(&file.path().display().to_string(), "FILE"))
}

#[test]
fn the_template_is_a_configuration() {
    let config = Config::load(None, std::iter::empty()).unwrap();
    assert_eq!(config.rules(), Rules::default());
    assert!(load(Config::template(), &[]).is_ok());
}

#[test]
fn a_file_says_only_what_differs_and_variables_stand_above_it() {
    let config =
        load("[http]\nlisten = \"127.0.0.1:9000\"\n", &[("COUNTERFOIL_ORDERS_WAITING_MAX", "3")]).unwrap();
    assert_eq!(config.http.listen, "127.0.0.1:9000".parse().unwrap());
    assert_eq!(config.orders.waiting_max, 3);
    let config =
        load("[http]\nlisten = \"127.0.0.1:9000\"\n", &[("COUNTERFOIL_HTTP_LISTEN", "127.0.0.1:9001")]);
    assert_eq!(config.unwrap().http.listen, "127.0.0.1:9001".parse().unwrap());
}

#[test]
fn what_is_wrong_is_named_with_its_line() {
    for (text, expected) in [
        ("\n[http]\nlisten = \"here\"\n", "FILE, line 3: `listen` is wrong: invalid socket address syntax"),
        ("[http]\nlisten = 8080\n", "FILE, line 2: `listen` must be of type string, not integer"),
        (
            "[http]\n\nlitsen = \"x\"\n",
            "FILE, line 3: unknown key `litsen` in [http]; known are address_requests_burst, address_requests_per_second, key_requests_burst, key_requests_per_second, listen, public_url",
        ),
        (
            "\n[htpp]\n",
            "FILE, line 2: unknown key `htpp`; known are air, chirpstack, ctwing, data, database, fleet, http, keys, log, northbound, oceanconnect, onenet, operations, orders, settlement, sigfox, sms, tap, test_mode, webhooks",
        ),
        (
            "[log]\nformat = \"xml\"\n",
            "FILE, line 2: `format` is wrong: unknown variant `xml`, expected `text` or `json`",
        ),
        ("[http]\nkey_requests_burst = 0\n", "FILE, key `http.key_requests_burst`: must be 1 to 1000000"),
        ("[test_mode]\ncards_a_merchant = 0\n", "FILE, key `test_mode.cards_a_merchant`: must be 1 to 10000"),
        ("[test_mode]\nkeep_days = 3651\n", "FILE, key `test_mode.keep_days`: must be 1 to 3650"),
        (
            "[database]\nurl = \"postgres://a/b\"\n[test_mode]\ndatabase = \"postgres://a/b\"\n",
            "FILE, key `test_mode.database`: must not be that of [database]",
        ),
        ("[orders]\nwaiting_max = 0\n", "FILE, key `orders.waiting_max`: must be 1 to 64"),
        (
            "[settlement]\nutc_offset = \"+14:01\"\n",
            "FILE, key `settlement.utc_offset`: must be -12:00 to +14:00",
        ),
        ("[settlement]\nutc_offset = \"8\"\n", "FILE, key `settlement.utc_offset`: must be"),
    ] {
        let error = load(text, &[]).unwrap_err();
        assert!(error.starts_with(expected), "{error}");
    }
    let error = load("[http\n", &[]).unwrap_err();
    assert!(error.contains("line 1"), "{error}");
}

#[test]
fn a_time_zone_is_an_offset_from_utc() {
    for (text, seconds) in
        [("+00:00", 0), ("+08:00", 28_800), ("-03:30", -12_600), ("-12:00", -43_200), ("+14:00", 50_400)]
    {
        let config = load(&format!("[settlement]\nutc_offset = \"{text}\"\n"), &[]).unwrap();
        assert_eq!(config.rules().settlement_offset_seconds, seconds);
    }
    for text in ["", "+", "08:00", "+8:00", "+08:60", "+08", "-12:01", "+é8:00"] {
        assert!(load(&format!("[settlement]\nutc_offset = \"{text}\"\n"), &[]).is_err(), "{text}");
    }
}

#[test]
fn a_wrong_variable_is_named() {
    for (name, value, expected) in [
        ("COUNTERFOIL_HTPP_LISTEN", "x", "the environment variable COUNTERFOIL_HTPP_LISTEN is no setting"),
        (
            "COUNTERFOIL_ORDERS_WAITING_MAX",
            "many",
            "the environment variable COUNTERFOIL_ORDERS_WAITING_MAX must be a whole number",
        ),
        ("COUNTERFOIL_HTTP_LISTEN", "x", "the environment variable COUNTERFOIL_HTTP_LISTEN is wrong"),
    ] {
        let error = load("", &[(name, value)]).unwrap_err();
        assert!(error.starts_with(expected), "{error}");
    }
    assert!(load("", &[("COUNTERFOIL_PASSPHRASE", "no setting"), ("OTHER", "x")]).is_ok());
}
