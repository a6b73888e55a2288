//! Accounts at their boundary: a database in a folder of its own.

use super::*;
use crate::db::Db;
use std::net::{IpAddr, Ipv4Addr};
use uuid::Uuid;

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn accounts(sign_up: SignUp) -> (Accounts, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let db = Db::open(folder.path().join("messenger.db")).unwrap();
    (Accounts::new(db, sign_up, Cost::Least), folder)
}

async fn signed_up(accounts: &Accounts, name: &str) -> SignedIn {
    accounts.sign_up(name, "correct horse".into(), None, HERE).await.unwrap()
}

fn code<T: std::fmt::Debug>(result: Result<T, AccountError>) -> &'static str {
    result.unwrap_err().code()
}

#[tokio::test]
async fn who_signs_up_can_sign_in_and_is_known_by_the_cookie() {
    let (accounts, _folder) = accounts(SignUp::Open);
    let up = signed_up(&accounts, "Ada").await;
    let again = accounts.sign_in("ada", "correct horse".into(), HERE).await.unwrap();
    assert_eq!(again.person.id, up.person.id);
    assert_eq!(accounts.session(&again.token).await.unwrap().person.name, "Ada");
    assert_eq!(code(accounts.session("nonsense").await), "signed_out");
    assert_eq!(code(accounts.sign_up("aDA", "correct horse".into(), None, HERE).await), "taken");
}

#[tokio::test]
async fn a_wrong_password_and_a_wrong_name_answer_the_same() {
    let (accounts, _folder) = accounts(SignUp::Open);
    signed_up(&accounts, "ada").await;
    let wrong = accounts.sign_in("ada", "wrong".into(), HERE).await.unwrap_err();
    let unknown = accounts.sign_in("bob", "wrong".into(), HERE).await.unwrap_err();
    assert_eq!(wrong.to_string(), unknown.to_string());
    assert_eq!(wrong.code(), unknown.code());
}

#[tokio::test]
async fn an_unknown_name_costs_the_same_work() {
    let (accounts, _folder) = accounts(SignUp::Open);
    signed_up(&accounts, "ada").await;
    let hashed = accounts.hashed();
    hashed.lock().clear();
    let mut work = Vec::new();
    for name in ["ada", "bob"] {
        let _ = accounts.sign_in(name, "wrong".into(), HERE).await;
        work.push(std::mem::take(&mut *hashed.lock()));
    }
    assert_eq!(work[0].len(), 1, "one check of one password");
    assert_eq!(work[0], work[1], "memory and passes of each hash");
}

/// How many tries of a name with a wrong password pass, from these addresses one after the other.
async fn passing(accounts: &Accounts, name: &str, from: impl Iterator<Item = IpAddr>) -> usize {
    let mut passing = 0;
    for from in from {
        passing += usize::from(code(accounts.sign_in(name, "wrong".into(), from).await) == "credentials");
    }
    passing
}

#[tokio::test]
async fn tries_of_a_name_are_limited_from_one_place_and_in_all_whether_it_exists_or_not() {
    let (accounts, _folder) = accounts(SignUp::Open);
    signed_up(&accounts, "ada").await;
    for (name, place) in [("ada", 1), ("bob", 2)] {
        let here = IpAddr::V4(Ipv4Addr::new(10, 0, place, 0));
        assert_eq!(passing(&accounts, name, (0..12).map(|_| here)).await, 10, "{name} from one place");
        let everywhere = (1..=120).map(|host| IpAddr::V4(Ipv4Addr::new(10, 0, place, host)));
        assert_eq!(passing(&accounts, name, everywhere).await, 90, "{name} from everywhere");
    }
}

#[tokio::test]
async fn who_tries_the_name_of_another_keeps_nobody_out() {
    let (accounts, _folder) = accounts(SignUp::Open);
    let ada = signed_up(&accounts, "ada").await;
    let there = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
    passing(&accounts, "ada", (0..40).map(|_| there)).await;
    assert!(accounts.sign_in("ada", "correct horse".into(), HERE).await.is_ok());
    // Not even many places together keep out whoever is signed in.
    let everywhere = (0..120).map(|host| IpAddr::V4(Ipv4Addr::new(10, 0, 1, host)));
    passing(&accounts, "ada", everywhere).await;
    let session = accounts.session(&ada.token).await.unwrap();
    let changed =
        accounts.change_password(&session, "correct horse".into(), "battery staple".into(), HERE).await;
    assert!(changed.is_ok(), "{changed:?}");
}

#[tokio::test]
async fn tries_are_limited_by_address_and_of_ipv6_by_what_one_customer_has() {
    let ipv6 = |host: u8| IpAddr::from([0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, host, 0, 0, 0, 0, 0, 0, host]);
    for address in [|_| HERE, ipv6] {
        let (accounts, _folder) = accounts(SignUp::Open);
        let mut codes = Vec::new();
        for attempt in 0..35u8 {
            let name = format!("name{attempt}");
            codes.push(code(accounts.sign_in(&name, "wrong".into(), address(attempt)).await));
        }
        assert_eq!(codes.iter().position(|code| *code == "too_many"), Some(30));
    }
}

#[tokio::test]
async fn an_invitation_lets_one_person_in() {
    let (accounts, _folder) = accounts(SignUp::Invitation);
    let by = admin(&accounts).await;
    let (invitation, _) = accounts.invite(&by).await.unwrap();
    let up =
        |name: &'static str, with: Option<String>| accounts.sign_up(name, "correct horse".into(), with, HERE);
    assert_eq!(code(up("ada", None).await), "invitation");
    assert_eq!(code(up("ada", Some("made up".into())).await), "invitation");
    assert!(up("ada", Some(invitation.clone())).await.is_ok());
    assert_eq!(code(up("bob", Some(invitation)).await), "invitation");
}

#[tokio::test]
async fn a_taken_name_does_not_use_the_invitation_up() {
    let (accounts, _folder) = accounts(SignUp::Invitation);
    let by = admin(&accounts).await;
    let (invitation, _) = accounts.invite(&by).await.unwrap();
    let up =
        |name: &'static str| accounts.sign_up(name, "correct horse".into(), Some(invitation.clone()), HERE);
    assert_eq!(code(up("admin").await), "taken");
    assert!(up("ada").await.is_ok());
}

#[tokio::test]
async fn closed_is_closed() {
    let (accounts, _folder) = accounts(SignUp::Closed);
    assert_eq!(code(accounts.sign_up("ada", "correct horse".into(), None, HERE).await), "closed");
}

#[tokio::test]
async fn names_and_passwords_have_a_form() {
    let (accounts, _folder) = accounts(SignUp::Open);
    for name in ["", "a b", "a@b", "<b>", "ends.", &"x".repeat(33)] {
        assert_eq!(code(accounts.sign_up(name, "correct horse".into(), None, HERE).await), "name", "{name}");
    }
    for password in ["", "seven77", &"x".repeat(257)] {
        assert_eq!(code(accounts.sign_up("ada", password.into(), None, HERE).await), "password");
    }
}

#[tokio::test]
async fn a_new_password_ends_the_other_sessions() {
    let (accounts, _folder) = accounts(SignUp::Open);
    let here = signed_up(&accounts, "ada").await;
    let there = accounts.sign_in("ada", "correct horse".into(), HERE).await.unwrap();
    let session = accounts.session(&here.token).await.unwrap();
    let change =
        |current: &str| accounts.change_password(&session, current.into(), "battery staple".into(), HERE);
    assert_eq!(code(change("wrong").await), "credentials");
    change("correct horse").await.unwrap();
    assert!(accounts.session(&here.token).await.is_ok());
    assert_eq!(code(accounts.session(&there.token).await), "signed_out");
    assert_eq!(code(accounts.sign_in("ada", "correct horse".into(), HERE).await), "credentials");
    assert!(accounts.sign_in("ada", "battery staple".into(), HERE).await.is_ok());
}

#[tokio::test]
async fn signing_out_ends_this_session_and_everywhere_ends_all() {
    let (accounts, _folder) = accounts(SignUp::Open);
    let one = signed_up(&accounts, "ada").await;
    let two = accounts.sign_in("ada", "correct horse".into(), HERE).await.unwrap();
    let session = accounts.session(&one.token).await.unwrap();
    accounts.sign_out(&session).await.unwrap();
    assert!(!accounts.is_open(session.id, one.person.id).await.unwrap());
    let second = accounts.session(&two.token).await.unwrap();
    assert!(accounts.is_open(second.id, one.person.id).await.unwrap());
    accounts.sign_out_everywhere(one.person.id).await.unwrap();
    assert!(!accounts.is_open(second.id, one.person.id).await.unwrap());
}

#[tokio::test]
async fn the_first_admins_password_serves_until_it_is_replaced() {
    let (accounts, _folder) = accounts(SignUp::Open);
    let first = accounts.first_admin("admin").await.unwrap().unwrap();
    let second = accounts.first_admin("admin").await.unwrap().unwrap();
    assert_eq!(code(accounts.sign_in("admin", first, HERE).await), "credentials");
    let signed_in = accounts.sign_in("admin", second.clone(), HERE).await.unwrap();
    assert!(signed_in.person.must_change && signed_in.person.is_admin);
    let session = accounts.session(&signed_in.token).await.unwrap();
    assert!(
        !accounts.is_open(session.id, session.person.id).await.unwrap(),
        "no connection before it is changed"
    );
    accounts.change_password(&session, second, "battery staple".into(), HERE).await.unwrap();
    assert!(accounts.is_open(session.id, session.person.id).await.unwrap());
    assert_eq!(accounts.first_admin("admin").await.unwrap(), None);
}

#[tokio::test]
async fn a_reset_is_completed_once_and_the_person_is_told() {
    let (accounts, _folder) = accounts(SignUp::Open);
    let by = admin(&accounts).await;
    let ada = signed_up(&accounts, "ada").await;
    let session = accounts.session(&ada.token).await.unwrap();
    assert_eq!(code(accounts.claim_reset(&session).await), "reset", "nobody has started one");
    accounts.start_reset(ada.person.id, by.id).await.unwrap();
    let told = accounts.sign_in("ada", "correct horse".into(), HERE).await.unwrap().notices;
    assert_eq!((told[0].kind.as_str(), told[0].by.as_deref()), ("reset_started", Some("admin")));
    let link = accounts.claim_reset(&session).await.unwrap();
    let complete = || accounts.complete_reset(link.token.clone(), "battery staple".into(), HERE);
    assert_eq!(complete().await.unwrap().0, ada.person.id);
    assert_eq!(code(complete().await), "reset");
    assert_eq!(code(accounts.session(&ada.token).await), "signed_out");
    let told = accounts.sign_in("ada", "battery staple".into(), HERE).await.unwrap().notices;
    assert_eq!(
        told.iter().map(|notice| notice.kind.as_str()).collect::<Vec<_>>(),
        ["reset_started", "reset_completed"]
    );
    accounts.notices_seen(ada.person.id).await.unwrap();
    assert!(accounts.notices(ada.person.id).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_recovery_code_opens_a_reset_that_was_started_and_is_another_one_afterwards() {
    let (accounts, _folder) = accounts(SignUp::Open);
    let by = admin(&accounts).await;
    let (ada, bob) = (signed_up(&accounts, "ada").await, signed_up(&accounts, "bob").await);
    let (own, others) = (ada.recovery.unwrap(), bob.recovery.unwrap());
    let prove = |name: &'static str, with: &str| accounts.prove_reset(name, with.to_owned(), HERE);
    assert_eq!(code(prove("ada", &own).await), "credentials", "a code alone is of no use");
    accounts.start_reset(ada.person.id, by.id).await.unwrap();
    for (name, with) in [("ada", &*others), ("ada", ""), ("bob", &*others), ("nobody", &*own)] {
        assert_eq!(code(prove(name, with).await), "credentials", "{name}");
    }
    let link = prove("ADA", &own.replace('-', " ").to_uppercase()).await.unwrap();
    let (_, renewed) = accounts.complete_reset(link.token, "battery staple".into(), HERE).await.unwrap();
    accounts.start_reset(ada.person.id, by.id).await.unwrap();
    assert_eq!(code(prove("ada", &own).await), "credentials", "it was used");
    assert!(prove("ada", &renewed).await.is_ok());
}

#[tokio::test]
async fn a_new_recovery_code_needs_the_password_and_replaces_the_old_one() {
    let (accounts, _folder) = accounts(SignUp::Open);
    let by = admin(&accounts).await;
    let ada = signed_up(&accounts, "ada").await;
    let session = accounts.session(&ada.token).await.unwrap();
    assert_eq!(code(accounts.new_recovery(&session, "wrong".into(), HERE).await), "credentials");
    let renewed = accounts.new_recovery(&session, "correct horse".into(), HERE).await.unwrap();
    accounts.start_reset(ada.person.id, by.id).await.unwrap();
    let old = ada.recovery.unwrap();
    assert_eq!(code(accounts.prove_reset("ada", old, HERE).await), "credentials");
    assert!(accounts.prove_reset("ada", renewed, HERE).await.is_ok());
}

#[tokio::test]
async fn a_refused_or_replaced_reset_is_of_no_use() {
    let (accounts, _folder) = accounts(SignUp::Open);
    let by = admin(&accounts).await;
    let ada = signed_up(&accounts, "ada").await;
    let session = accounts.session(&ada.token).await.unwrap();
    accounts.start_reset(ada.person.id, by.id).await.unwrap();
    let first = accounts.claim_reset(&session).await.unwrap();
    accounts.start_reset(ada.person.id, by.id).await.unwrap();
    let second = accounts.claim_reset(&session).await.unwrap();
    let third = accounts.claim_reset(&session).await.unwrap();
    let complete = |link: &Link| accounts.complete_reset(link.token.clone(), "battery staple".into(), HERE);
    for old in [&first, &second] {
        assert_eq!(code(complete(old).await), "reset");
    }
    accounts.cancel_reset(ada.person.id).await.unwrap();
    assert_eq!(code(complete(&third).await), "reset");
    assert_eq!(code(accounts.claim_reset(&session).await), "reset");
    assert_eq!(accounts.notices(ada.person.id).await.unwrap().last().unwrap().kind, "reset_cancelled");
}

#[tokio::test]
async fn who_was_removed_is_gone_and_the_name_stays_taken() {
    let (accounts, _folder) = accounts(SignUp::Open);
    let by = admin(&accounts).await;
    let ada = signed_up(&accounts, "ada").await;
    accounts.remove(ada.person.id).await.unwrap();
    assert_eq!(code(accounts.session(&ada.token).await), "signed_out");
    assert_eq!(code(accounts.sign_in("ada", "correct horse".into(), HERE).await), "credentials");
    assert_eq!(code(accounts.sign_up("ada", "correct horse".into(), None, HERE).await), "taken");
    accounts.remove(ada.person.id).await.unwrap();
    assert_eq!(code(accounts.remove(Uuid::now_v7()).await), "unknown");
    assert_eq!(code(accounts.remove(by.id).await), "last_admin");
    assert_eq!(code(accounts.set_admin(by.id, false).await), "last_admin");
}

#[tokio::test]
async fn no_secret_stands_in_the_file() {
    let (accounts, folder) = accounts(SignUp::Open);
    let by = admin(&accounts).await;
    let ada = signed_up(&accounts, "ada").await;
    let (invitation, _) = accounts.invite(&by).await.unwrap();
    let session = accounts.session(&ada.token).await.unwrap();
    accounts.start_reset(ada.person.id, by.id).await.unwrap();
    let reset = accounts.claim_reset(&session).await.unwrap().token;
    let recovery = ada.recovery.unwrap();
    for secret in [ada.token.as_str(), "correct horse", &invitation, &reset, &recovery] {
        for file in std::fs::read_dir(folder.path()).unwrap() {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()));
        }
    }
}

async fn admin(accounts: &Accounts) -> Person {
    let password = accounts.first_admin("admin").await.unwrap().unwrap();
    let signed_in = accounts.sign_in("admin", password.clone(), HERE).await.unwrap();
    let session = accounts.session(&signed_in.token).await.unwrap();
    accounts.change_password(&session, password, "battery staple".into(), HERE).await.unwrap();
    accounts.session(&signed_in.token).await.unwrap().person
}
