//! One-time codes where the key of the database's secrets is, and where it is not.

use std::sync::Arc;

use operator::{Cost, Password, Role, TotpSecret};
use server::operators::{LoginRefused, RollError};
use server::secrets::SecretRefused;
use server::{Operators, Secrets, SystemChance, web};

use crate::door::{at_the_door_of, give_code, give_password};
use crate::house::House;
use crate::town::keys::Keys;
use crate::town::{PASSWORD, listen};

async fn enrolled(house: &House, name: &str) -> server::operators::Enrolled {
    let password = Password::new(PASSWORD.into()).unwrap();
    house.operators.add(name.parse().unwrap(), Role::Operator, &password).await.unwrap()
}

fn code(house: &House, totp: &TotpSecret) -> String {
    totp.code_of(TotpSecret::step_at(house.bank.app().now()))
}

async fn code_given(operators: &Operators, name: &str, code: &str) -> Result<(), LoginRefused> {
    let half = operators.password(name, PASSWORD.into(), "192.0.2.7").await.unwrap();
    operators.code(&half, code, "192.0.2.7").await.map(|_| ())
}

impl House {
    /// The same operators on a machine whose key store is another.
    fn elsewhere(&self) -> Operators {
        let secrets = Secrets::new(Arc::new(Keys::default()), Arc::new(SystemChance)).of_node("south");
        let store = self.bank.app().store().clone();
        Operators::new(store, Some(secrets), self.clock.clone(), Arc::new(SystemChance), Cost::Testing)
    }
}

#[tokio::test]
async fn a_secret_that_was_moved_to_another_operator_lets_nobody_in() {
    let house = House::open().await;
    let (ann, ben) = (enrolled(&house, "ann").await, enrolled(&house, "ben").await);
    // Whoever writes the database gives ben the authenticator of ann.
    house
        .write(|unit| {
            let from = unit.operator_of_name(&"ann".parse().unwrap())?.unwrap();
            let to = unit.operator_of_name(&"ben".parse().unwrap())?.unwrap();
            unit.put_operator(&store::StoredOperator { totp: from.totp, ..to })
        })
        .await;
    let refused = code_given(&house.operators, "ben", &code(&house, &ann.totp)).await.unwrap_err();
    let row = "the operator ben's authenticator".to_owned();
    assert_eq!(refused, LoginRefused::Sealed(SecretRefused::NotOfThisRow { row }));
    assert_eq!(refused.code(), "secret_not_of_this_row");
    assert_eq!(house.entries(1), ["ben login code secret_not_of_this_row"]);
    // A recovery code is no secret under a key.
    code_given(&house.operators, "ben", &ben.recovery[0].shown()).await.unwrap();
    code_given(&house.operators, "ann", &code(&house, &ann.totp)).await.unwrap();
}

#[tokio::test]
async fn a_machine_without_the_key_says_so_and_a_recovery_code_goes_in_all_the_same() {
    let house = House::open().await;
    let ann = enrolled(&house, "ann").await;
    let elsewhere = house.elsewhere();
    // However often: it was no try, and makes nobody wait.
    for _ in 0..8 {
        let refused = code_given(&elsewhere, "ann", &code(&house, &ann.totp)).await.unwrap_err();
        assert!(matches!(refused, LoginRefused::Sealed(SecretRefused::KeyMissing { .. })), "{refused}");
        assert!(refused.to_string().contains("copy the key store of the machine that made it"), "{refused}");
    }
    let password = Password::new(PASSWORD.into()).unwrap();
    let refused = elsewhere.add("ben".parse().unwrap(), Role::Viewer, &password).await.unwrap_err();
    assert!(matches!(refused, RollError::Sealed(SecretRefused::KeyMissing { .. })), "{refused}");
    assert_eq!(refused.code(), "secret_key_missing");
    elsewhere.set_password("ann".parse().unwrap(), &password).await.unwrap();

    let app = house.bank.app();
    let api = server::http::Api::new(server::Fleet::new(app.clone()), "http://pay.example");
    let (address, listener) = listen(web::operations(api, None, elsewhere, &[], false)).await;
    let outside = crate::town::customer::Customer::at(address);
    let customer = at_the_door_of(&house, &outside).await;
    let customer =
        customer.with_session(&crate::door::cookie_of(&give_password(&customer, "ann", PASSWORD).await));
    let page = give_code(&customer, &code(&house, &ann.totp)).await;
    assert_eq!(page.status, 503);
    assert!(page.body.contains("This machine cannot check codes at the moment"), "{}", page.body);
    let inside = give_code(&customer, &ann.recovery[0].shown()).await;
    assert_eq!((inside.status, inside.header("location")), (303, "/console"));
    listener.abort();
}

#[tokio::test]
async fn without_a_key_store_a_code_is_refused_by_name() {
    let house = House::open().await;
    let ann = enrolled(&house, "ann").await;
    let store = house.bank.app().store().clone();
    let bare = Operators::new(store, None, house.clock.clone(), Arc::new(SystemChance), Cost::Testing);
    let refused = code_given(&bare, "ann", &code(&house, &ann.totp)).await.unwrap_err();
    assert_eq!(refused, LoginRefused::Sealed(SecretRefused::NoKeyStore));
    code_given(&bare, "ann", &ann.recovery[0].shown()).await.unwrap();
}
