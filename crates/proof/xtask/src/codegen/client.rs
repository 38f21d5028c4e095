//! Emits the client: one method and one error enum per operation.

use super::SourceFile;
use super::families::Families;
use super::model::Model;

pub(crate) fn emit(_model: &Model, _families: &Families) -> Vec<SourceFile> {
    Vec::new()
}
