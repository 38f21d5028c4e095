//! From a caller to a permission, before an operation runs.
//!
//! What a key's policy has to be asked with (the region and the tags of the resource) is read from the
//! caller's own account alone.

mod about;
mod resource;

use chime_api::{Effect, ErrorShape, Labels, Members, Operation};
use model::policy::{Circumstances, Ruling};
use model::{AccountId, KeyPolicy};

pub(crate) use self::about::{About, Target, Type};
use self::resource::Found;
use crate::authenticate::Caller;
use crate::context::Context;
use crate::error::{ApiError, ErrorKind};
use crate::origin::Origin;

/// Proof that a caller may do what it asks, in its own account. [`Caller::authorize`] is the only
/// maker; operations take it by value.
#[derive(Debug)]
pub(crate) struct Permit {
    account: AccountId,
}

impl Permit {
    /// Whose resources may be touched.
    pub(crate) fn account(&self) -> AccountId {
        self.account
    }
}

/// Proof that a caller may use the operator API. [`Caller::authorize_operator`] is the only maker.
#[derive(Debug)]
pub(crate) struct OperatorPermit {
    account: AccountId,
}

impl OperatorPermit {
    /// The operator's own account.
    pub(crate) fn account(&self) -> AccountId {
        self.account
    }
}

/// A request to an operation, before it is decoded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) operation: Operation,
    pub(crate) labels: &'a Labels,
    pub(crate) query: &'a str,
    pub(crate) body: &'a [u8],
}

impl Asked<'_> {
    /// What it is about, as far as can be told of a request that may not be well formed.
    pub(crate) fn targets(&self) -> Vec<Target> {
        let about = About::of(self.operation);
        let gather = |body| Members::gather(self.operation, self.labels, self.query, body);
        gather(self.body)
            .or_else(|_| gather(b""))
            .map_or_else(|_| vec![Target::Everything], |members| about.targets(&members))
    }
}

impl Caller {
    /// Permits an operation, or refuses it with an error that the operation declares.
    pub(crate) async fn authorize(
        &self,
        context: &Context,
        origin: Origin,
        asked: Asked<'_>,
    ) -> Result<Permit, ApiError> {
        let granted = Permit { account: self.account() };
        match (self.policy(), asked.operation.spec().effect) {
            (KeyPolicy::Full, _) | (KeyPolicy::ReadOnly, Effect::Read) => Ok(granted),
            (KeyPolicy::ReadOnly, Effect::Idempotent | Effect::Once) => {
                let found = self.find(context, asked.targets()).await?;
                let arn = found.first().map_or("*", |it| it.arn.as_str());
                let because = "the key is read-only and this changes something";
                Err(self.refusal(asked.operation, arn, because))
            }
            (KeyPolicy::Custom(policy), _) => {
                let Asked { operation, labels, query, body } = asked;
                let members = Members::gather(operation, labels, query, body)?;
                let mut circumstances = self.circumstances(context, origin);
                circumstances.request_tags = owned(members.pairs("Tags", "Key", "Value"));
                circumstances.tag_keys = members
                    .texts_within("Tags", "Key")
                    .chain(members.texts("TagKeys"))
                    .map(str::to_owned)
                    .collect();
                let targets = About::of(operation).targets(&members);
                for Found { arn, tags } in self.find(context, targets).await? {
                    circumstances.resource_tags = tags;
                    let action = format!("chime:{operation}");
                    let because = match policy.decide(&action, &arn, &circumstances) {
                        Ruling::Allowed => continue,
                        Ruling::Denied(by) => format!("{by} of the key's policy denies it"),
                        Ruling::NotAllowed => "no statement of the key's policy allows it".into(),
                    };
                    return Err(self.refusal(operation, &arn, &because));
                }
                Ok(granted)
            }
        }
    }

    /// Permits the operator API: to keys of the operator's account alone, since it reaches into every
    /// account, and of these to full ones and to those whose policy allows the action
    /// (`trunkline:GetCalls`) on `*`.
    pub(crate) fn authorize_operator(
        &self,
        context: &Context,
        origin: Origin,
        action: &str,
    ) -> Result<OperatorPermit, ApiError> {
        let granted = OperatorPermit { account: self.account() };
        let because = if self.account() != AccountId::DEFAULT {
            format!("the key is of the account {}", self.account())
        } else {
            match self.policy() {
                KeyPolicy::Full => return Ok(granted),
                KeyPolicy::ReadOnly => "the key is read-only".into(),
                KeyPolicy::Custom(policy) => {
                    match policy.decide(action, "*", &self.circumstances(context, origin)) {
                        Ruling::Allowed => return Ok(granted),
                        Ruling::Denied(by) => format!("{by} of the key's policy denies it"),
                        Ruling::NotAllowed => "no statement of the key's policy allows it".into(),
                    }
                }
            }
        };
        Err(ApiError::new(
            ErrorKind::Forbidden,
            format!(
                "{} is not authorized to perform: {action} on resource: * because {because}; the operator \
                 API wants a key of the operator's account {} with the policy full, or with one that \
                 allows {action} on *",
                self.arn(),
                AccountId::DEFAULT,
            ),
        ))
    }

    /// How a request came about, without tags.
    fn circumstances(&self, context: &Context, origin: Origin) -> Circumstances {
        Circumstances {
            source: origin.source,
            transport: origin.transport,
            now: context.clock.now(),
            region: self.region(),
            account: self.account(),
            request_tags: Vec::new(),
            tag_keys: Vec::new(),
            resource_tags: Vec::new(),
        }
    }

    async fn find(&self, context: &Context, targets: Vec<Target>) -> Result<Vec<Found>, ApiError> {
        let (account, region) = (self.account(), context.config.region);
        context
            .read(move |view| {
                targets.iter().map(|it| resource::find(view, account, it, region)).collect()
            })
            .await
    }

    /// Who asks, in the words of [`sts`](crate::sts).
    fn arn(&self) -> String {
        format!("User: arn:aws:iam::{}:user/{}", self.account(), self.key_id())
    }

    /// A refusal by the name that the operation declares.
    fn refusal(&self, operation: Operation, resource: &str, because: &str) -> ApiError {
        let kind = if operation.spec().declares(ErrorShape::AccessDeniedException) {
            ErrorKind::AccessDenied
        } else {
            ErrorKind::Forbidden
        };
        let resource: String = resource.chars().take(256).collect();
        ApiError::new(
            kind,
            format!(
                "{} is not authorized to perform: chime:{operation} on resource: {resource} because \
                 {because}; use another access key, or have the operator make one that may \
                 (`trunkline key create --policy full`, or --policy FILE with a policy)",
                self.arn(),
            ),
        )
    }
}

fn owned<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<(String, String)> {
    pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}
