//! Questions of customers, each answered by the status of one control.

use serde::Serialize;

use super::Maker;
use crate::book::Page;
use crate::error::SiteError;
use crate::rows::ControlRow;

#[derive(Serialize)]
struct Faq<'a> {
    groups: Vec<Group<'a>>,
}

#[derive(Serialize)]
struct Group<'a> {
    title: &'a str,
    questions: Vec<Answer<'a>>,
}

#[derive(Serialize)]
struct Answer<'a> {
    question: &'a str,
    row: ControlRow<'a>,
    see: &'a str,
    see_title: String,
}

pub(super) fn faq(maker: &Maker<'_>) -> Result<Page, SiteError> {
    let publication = maker.publication;
    let groups = maker.data.faq.iter().map(|group| {
        let questions = group.questions.iter().filter_map(|question| {
            let control = publication.controls.get(&question.control)?;
            let theme = maker.data.themes.iter().find(|theme| theme.id == question.see);
            Some(Answer {
                question: &question.text,
                row: ControlRow::new(control, publication),
                see: &question.see,
                see_title: theme.map_or_else(|| question.see.replace('-', " "), |theme| theme.title.to_lowercase()),
            })
        });
        Group { title: &group.title, questions: questions.collect() }
    });
    maker.page("Questions and answers", "faq", &Faq { groups: groups.filter(|group| !group.questions.is_empty()).collect() })
}
