//! The search for free numbers, and the countries that have some.

use serde_json::{Value, json};

use crate::world::World;

const ONE: &str = "+12065550100";
const TWO: &str = "+12065550101";

/// The E.164 numbers of an answer's list.
pub(crate) fn numbers(answer: &Value) -> Vec<String> {
    let texts = answer["E164PhoneNumbers"].as_array().unwrap().iter();
    texts.map(|it| it.as_str().unwrap().to_owned()).collect()
}

/// What a search finds.
pub(crate) async fn search(world: &World, query: &str) -> Value {
    world.call("GET", &format!("/search?type=phone-numbers&{query}"), "").await.expect(200)
}

#[tokio::test]
async fn search_tells_what_is_free_by_place_prefix_and_country() {
    let world = World::start().await;
    let (tacoma, portland) = ("+12535550100", "+15035550100");
    let (free, british, german_free) = ("+18005550100", "+442079460100", "+498001234567");
    world.numbers("", &[ONE, TWO, tacoma, portland, free, british, german_free]).await;
    world.numbers("000000000000", &["+12065550102"]).await;
    for (query, found) in [
        ("area-code=206", vec![ONE, TWO]),
        ("area-code=206&state=OR", vec![]),
        ("area-code=999", vec![]),
        ("state=wa", vec![ONE, TWO, tacoma]),
        ("city=tacoma&state=WA", vec![tacoma]),
        ("city=Nowhere&state=WA", vec![]),
        ("toll-free-prefix=800", vec![free]),
        ("toll-free-prefix=888", vec![]),
        ("state=OR&phone-number-type=TollFree", vec![]),
        ("country=GB&phone-number-type=Local", vec![british]),
        ("country=DE&phone-number-type=TollFree", vec![german_free]),
        ("country=DE&phone-number-type=Local", vec![]),
        ("country=FR&phone-number-type=Local", vec![]),
    ] {
        assert_eq!(numbers(&search(&world, query).await), found, "{query}");
    }
    for bad in [
        "",
        "country=US",
        "city=Seattle",
        "area-code=20",
        "area-code=2%C3%A9",
        "state=Bavaria",
        "toll-free-prefix=801",
        "toll-free-prefix=800&state=WA",
        "country=GB",
        "country=GB&phone-number-type=Local&state=WA",
        "country=XX&phone-number-type=Local",
        "state=WA&max-results=501",
        "state=WA&max-results=0",
    ] {
        let target = format!("/search?type=phone-numbers&{bad}");
        world.call("GET", &target, "").await.refused(400, "BadRequestException");
    }
}

#[tokio::test]
async fn search_goes_page_by_page_over_all_areas_of_a_state() {
    let world = World::start().await;
    let mut all: Vec<String> = ["206", "253", "425", "509"]
        .iter()
        .flat_map(|code| (100..105).map(move |last| format!("+1{code}5550{last}")))
        .collect();
    let texts: Vec<&str> = all.iter().map(String::as_str).collect();
    world.numbers("", &texts).await;
    all.sort();
    let (mut seen, mut query) = (Vec::new(), "state=WA&max-results=3".to_owned());
    loop {
        let page = search(&world, &query).await;
        assert!(numbers(&page).len() <= 3);
        seen.extend(numbers(&page));
        let Some(token) = page["NextToken"].as_str() else { break };
        query = format!("state=WA&max-results=3&next-token={token}");
    }
    assert_eq!(seen, all);
    let answer = world
        .call("GET", &format!("/search?type=phone-numbers&{}", query.replace("WA", "OR")), "")
        .await;
    answer.refused(400, "BadRequestException");
}

#[tokio::test]
async fn countries_are_told_by_product() {
    let world = World::start().await;
    let told = |product: &str| format!("/phone-number-countries?product-type={product}");
    let answer = world.call("GET", &told("VoiceConnector"), "").await.expect(200);
    assert_eq!(
        answer,
        json!({"PhoneNumberCountries":
            [{"CountryCode": "US", "SupportedPhoneNumberTypes": ["Local", "TollFree"]}]})
    );
    let answer = world.call("GET", &told("SipMediaApplicationDialIn"), "").await.expect(200);
    assert_eq!(answer["PhoneNumberCountries"].as_array().unwrap().len(), 16);
    world.call("GET", "/phone-number-countries", "").await.refused(400, "BadRequestException");
}
