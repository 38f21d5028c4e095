//! Enums that the product and the API both have, by their common names.

use model::Named;

/// The product's value of a name that the API admitted.
pub(super) fn ours<T: Named>(name: &str) -> T {
    T::from_name(name).expect("the product has every name that the API has; a test compares them")
}

/// The API's value of the product's name.
pub(super) fn theirs<T: Named, W>(value: T, parse: fn(&str) -> Option<W>) -> W {
    parse(value.as_str())
        .expect("the API has every name that the product has; a test compares them")
}

#[cfg(test)]
mod tests {
    use chime_api::types;

    use super::*;

    /// Compares the names of two enums.
    macro_rules! same_names {
        ($($ours:ident and $theirs:ident),+ $(,)?) => { $(
            for name in types::$theirs::ALL.iter().map(|it| it.as_str()) {
                assert_eq!(ours::<model::$ours>(name).as_str(), name);
            }
            for value in model::$ours::ALL {
                assert_eq!(theirs(*value, types::$theirs::parse).as_str(), value.as_str());
            }
        )+ };
    }

    #[test]
    fn enums_of_the_product_have_the_names_of_the_api() {
        same_names!(
            CallDistribution and CallDistributionType,
            StreamingTarget and NotificationTarget,
            SessionBorderController and SessionBorderControllerType,
            ContactCenterSystem and ContactCenterSystemType,
            ProductType and PhoneNumberProductType,
            NumberType and PhoneNumberType,
            OrderedStatus and OrderedPhoneNumberStatus,
            ProxyCapability and Capability,
            ProxySessionStatus and ProxySessionStatus,
            NumberSelection and NumberSelectionBehavior,
        );
        for status in model::OrderStatus::ALL {
            theirs(*status, types::PhoneNumberOrderStatus::parse);
        }
    }
}
