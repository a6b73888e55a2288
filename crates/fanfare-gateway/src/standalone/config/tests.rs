//! Files that hold, and what is said of those that do not.

use super::check::Config;
use super::{EXAMPLE, Who};
use std::path::Path;
use std::time::Duration;

fn parse(text: &str) -> Result<(Config, Vec<String>), Vec<String>> {
    parse_with(text, &[])
}

fn parse_with(text: &str, environment: &[(&str, &str)]) -> Result<(Config, Vec<String>), Vec<String>> {
    let environment = |name: &str| {
        environment.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    };
    Config::parse(Path::new("gateway.toml"), text, &environment)
        .map_err(|mistakes| mistakes.iter().map(ToString::to_string).collect())
}

/// The mistakes of a file that lets everybody connect.
#[track_caller]
fn mistakes(text: &str) -> Vec<String> {
    parse(&format!("anonymous = true\n{text}")).err().unwrap_or_default()
}

#[test]
fn the_example_holds_and_says_the_defaults() {
    let (example, warnings) = parse(EXAMPLE).unwrap();
    assert_eq!(warnings, Vec::<String>::new());
    let (empty, _) = parse("anonymous = true").unwrap();
    assert_eq!(format!("{:?}", example.settings), format!("{:?}", empty.settings));
    assert_eq!((example.address, &example.broker), (empty.address, &empty.broker));
    assert_eq!((example.drain, example.api_body_bytes_max), (empty.drain, empty.api_body_bytes_max));
    assert_eq!(example.api_body_timeout, empty.api_body_timeout);
    assert_eq!(example.namespaces["chat"].read_history(), Who::Subscriber);
}

#[test]
fn an_unknown_option_names_the_place_and_what_was_meant() {
    assert_eq!(
        mistakes("\n[namespaces.chat]\nhistroy_size = 5\n"),
        [
            "gateway.toml:4:1: there is no option `histroy_size`; did you mean `history_size`? Allowed here: conflated, history_age, \
          history_size, join_leave, key, presence, publish, read_history, read_presence, recovery, subscribe, topic, \
          user_limited"
        ]
    );
    assert_eq!(
        mistakes("[personal_channel]\non = true"),
        ["gateway.toml:3:1: there is no option `on`; Allowed here: enabled, namespace"]
    );
}

#[test]
fn an_unknown_value_lists_the_allowed_ones() {
    assert_eq!(
        mistakes("[namespaces.chat]\n  publish = \"subscribers\""),
        [
            "gateway.toml:3:13: there is no value `subscribers`; did you mean `subscriber`? Allowed here: anyone, nobody, \
          subscriber, token, user"
        ]
    );
    assert_eq!(
        parse("[tokens]\nalgorithm = \"HS25\"\naudience = \"a\"").unwrap_err(),
        [
            "gateway.toml:2:13: there is no value `HS25`; did you mean `HS256`? Allowed here: HS256, HS384, HS512, RS256, \
          RS384, RS512, ES256, ES384, EdDSA"
        ]
    );
}

#[test]
fn values_of_the_wrong_kind_say_what_is_expected() {
    for (text, expected) in [
        (
            "address = \"localhost\"",
            "gateway.toml:2:11: `localhost` is not an address of this machine and a port, as in \"127.0.0.1:8000\" or \
             \"[::1]:8000\"",
        ),
        (
            "[namespaces.chat]\nhistory_age = \"soon\"",
            "gateway.toml:3:15: invalid value: string \"soon\", expected a length of time in quotes: \"90s\", \"5m\", \
             \"24h\", \"30d\" or \"500ms\"",
        ),
        (
            "[limits]\nchannels_max = \"many\"",
            "gateway.toml:3:16: invalid type: string \"many\", expected usize",
        ),
        (
            "[namespaces.chat]\ntopic = \"a..b\"",
            "gateway.toml:3:9: `a..b` is not a valid topic: a segment between the dots is empty",
        ),
    ] {
        assert_eq!(mistakes(text), [expected]);
    }
}

#[test]
fn what_does_not_fit_together_is_said_all_at_once() {
    let all = mistakes(
        "address = \"0.0.0.0:80\"\nmetrics_address = \"10.0.0.1:9100\"\nbroker = \"kafka://x\"\n\
         allowed_origins = [\"https://a.example/\"]\n[limits]\nchannels_max = 0\n\
         [namespaces.a-b]\nrecovery = true\nread_history = \"anyone\"\nread_presence = \"anyone\"\n",
    );
    for place in ["2:11", "3:19", "4:10", "5:20", "7:16", "9:12", "10:16", "11:17"] {
        assert!(
            all.iter().any(|mistake| mistake.starts_with(&format!("gateway.toml:{place}: "))),
            "{place}: {all:#?}"
        );
    }
    assert_eq!(all.len(), 8, "{all:#?}");
}

#[test]
fn an_address_that_others_reach_needs_tls_or_a_proxy() {
    let words = &mistakes("address = \"[::]:80\"")[0];
    assert!(
        words.contains("can be reached from other machines") && words.contains("behind_proxy"),
        "{words}"
    );
    assert!(mistakes("api_address = \"10.0.0.1:80\"")[0].contains("let api_address be"), "named");
    assert_eq!(mistakes("behind_proxy = true\naddress = \"[::]:80\""), Vec::<String>::new());
    assert!(mistakes("tls_cert = \"none.pem\"")[0].contains("belong together"));
    assert!(
        mistakes("tls_cert = \"none.pem\"\ntls_key = \"none.pem\"")[0].contains("failed to read none.pem")
    );
}

#[test]
fn namespaces_do_not_share_records_by_accident() {
    let shared = "[namespaces.aa]\n[namespaces.bb]\ntopic = \"aa\"\n";
    assert!(mistakes(shared)[0].starts_with("gateway.toml:3:13: its channels would share the topic `aa`"));
    let by_channel = "[namespaces.aa]\nkey = \"channel\"\n[namespaces.bb]\ntopic = \"aa\"\nkey = \"channel\"";
    assert_eq!(mistakes(by_channel), Vec::<String>::new());
    let mixed = "[namespaces.aa]\n[namespaces.bb]\ntopic = \"aa\"\nkey = \"channel\"";
    assert!(mistakes(mixed)[0].contains("share the topic `aa`"));
    assert!(mistakes("[namespaces.a]")[0].contains("`a` is no namespace"));
    let private = "[namespaces.aa]\n[namespaces.\"aa.private\"]";
    assert!(mistakes(private)[0].contains("share the topic `aa.private`"));
}

#[test]
fn a_personal_channel_needs_its_namespace() {
    assert!(mistakes("[personal_channel]\nenabled = true")[0].contains("[default]"));
    let named = "[personal_channel]\nenabled = true\nnamespace = \"inbox\"\n";
    assert_eq!(mistakes(named), ["gateway.toml:4:13: there is no [namespaces.inbox]"]);
    assert_eq!(mistakes(&format!("{named}[namespaces.inbox]")), Vec::<String>::new());
}

#[test]
fn tokens_need_a_key_an_audience_and_one_way_to_check_them() {
    let refused = |text: &str| parse(text).unwrap_err().join("\n");
    assert!(refused("").contains("nobody could connect"));
    assert!(
        refused("[tokens]\nhmac_key = \"0123456789abcdef0123456789abcdef\"").contains("give the audience")
    );
    assert!(refused("[tokens]\naudience = \"a\"").contains("give the hmac_key"));
    assert!(refused("[tokens]\naudience = \"a\"\nalgorithm = \"ES256\"").contains("give the public_key"));
    let both =
        "[tokens]\naudience = \"a\"\nalgorithm = \"ES256\"\nhmac_key = \"x\"\npublic_key = \"none.pem\"";
    assert!(refused(both).contains("has no hmac_key") && refused(both).contains("failed to read none.pem"));
    let contradiction = "[tokens]\naudience = \"a\"\nrequire_audience = false\nhmac_key = \"x\"";
    assert!(refused(contradiction).contains("say one of them"));
}

#[test]
fn relaxing_warns_and_so_does_a_weak_key() {
    let (config, warnings) = parse(
        "api_key = \"short\"\n[tokens]\nhmac_key = \"x\"\nrequire_audience = false\nrequire_expiry = false",
    )
    .unwrap();
    for words in ["forged by guessing", "any audience", "never expire", "api_key has fewer"] {
        assert!(warnings.iter().any(|warning| warning.contains(words)), "{words}: {warnings:?}");
    }
    assert!(config.verifier.is_some());
}

#[test]
fn the_environment_counts_before_the_file_and_nothing_prints_it() {
    let secrets = [
        ("FANFARE_GATEWAY_API_KEY", "the-key-of-the-environment"),
        ("FANFARE_GATEWAY_HMAC_KEY", "the-secret-of-the-environment-32"),
    ];
    let file = "api_key = \"of the file\"\n[tokens]\naudience = \"a\"\nhmac_key = \"of the file\"";
    let (config, warnings) = parse_with(file, &secrets).unwrap();
    assert_eq!(config.api_key.as_ref().unwrap().reveal(), "the-key-of-the-environment");
    assert_eq!(warnings, Vec::<String>::new(), "a weak key in the file does not count");
    let printed = format!("{config:?}{}", config.summary());
    assert!(!printed.contains("of-the-environment") && !printed.contains("of the file"), "{printed}");
}

#[test]
fn each_operation_has_its_rate_with_twice_as_many_at_once() {
    let (config, _) = parse("anonymous = true").unwrap();
    let none = config.settings.rates;
    assert!([none.subscribe, none.publish, none.history, none.presence].iter().all(Option::is_none));
    let rates = "subscribes_per_second_max = 1\npublishes_per_second_max = 2\nhistory_reads_per_second_max = 3\n\
                 presence_reads_per_second_max = 4";
    let (config, _) = parse(&format!("anonymous = true\n[limits]\n{rates}")).unwrap();
    let rates = config.settings.rates;
    let all = [rates.subscribe, rates.publish, rates.history, rates.presence];
    let all = all.map(|rate| rate.map(|rate| (rate.per_second_max, rate.burst_max)));
    assert_eq!(all, [Some((1, 2)), Some((2, 4)), Some((3, 6)), Some((4, 8))]);
    assert!(mistakes("[limits]\nhistory_reads_per_second_max = 0")[0].contains("a rate is at least 1"));
}

#[test]
fn limits_and_times_are_taken() {
    let (config, _) = parse(
        "anonymous = true\ndrain = \"1m\"\n[limits]\nping_interval = \"10s\"\npublishes_per_second_max = 5",
    )
    .unwrap();
    assert_eq!(
        (config.settings.ping_interval, config.drain),
        (Duration::from_secs(10), Duration::from_secs(60))
    );
    assert_eq!(config.settings.rates.publish.unwrap().per_second_max, 5);
    assert!(mistakes("[limits]\nping_interval = \"5s\"")[0].contains("longer than the pong_timeout"));
}
