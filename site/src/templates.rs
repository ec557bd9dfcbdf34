//! The templates of pages, compiled once for a build.

use include_dir::Dir;
use proofbook_evidence::views::Publication;
use serde::Serialize;
use tera::{Context, Kwargs, State, Tera, Value};

use crate::data::{BOOK, Data, Words};
use crate::error::SiteError;
use crate::markup;

/// Compiled templates that know the run and the facts.
pub(crate) struct Templates(Tera);

impl Templates {
    /// The templates that are part of the binary.
    pub(crate) fn embedded(data: &Data, publication: &Publication) -> Result<Self, SiteError> {
        let mut tera = Tera::new();
        tera.set_escape_fn(markup::escape);
        tera.autoescape_on([".md", ".tera"]);
        register(&mut tera, data.words.clone());
        let files = ["pages", "theme"].into_iter().filter_map(|dir| BOOK.get_dir(dir)).flat_map(Dir::files);
        tera.add_raw_templates(files.filter_map(|file| {
            let extension = file.path().extension()?;
            (extension == "md" || extension == "tera").then_some((file.path().file_name()?.to_str()?, file.contents_utf8()?))
        }))?;
        let shared = tera.global_context();
        shared.insert("run", &publication.run);
        shared.insert("facts", &publication.facts);
        Ok(Self(tera))
    }

    /// Fills in one template.
    pub(crate) fn render(&self, name: &str, page: &impl Serialize) -> Result<String, SiteError> {
        Ok(markup::flatten(&self.0.render(name, &Context::from_serialize(page)?)?))
    }
}

fn register(tera: &mut Tera, words: Words) {
    let meanings = words.clone();
    tera.register_filter("word", move |code: &str, kwargs: Kwargs, _: &State| -> tera::TeraResult<String> {
        let kind = kwargs.must_get::<&str>("of")?;
        // A code without a word of its own is a word itself.
        Ok(words.get(kind).and_then(|codes| codes.get(code)).map_or_else(|| code.replace('-', " "), |word| word.word.clone()))
    });
    tera.register_filter("meaning", move |code: &str, kwargs: Kwargs, _: &State| -> tera::TeraResult<String> {
        let kind = kwargs.must_get::<&str>("of")?;
        Ok(meanings.get(kind).and_then(|codes| codes.get(code)).map_or_else(String::new, |word| word.meaning.clone()))
    });
    tera.register_filter("time", |text: &str, _: Kwargs, _: &State| -> tera::TeraResult<Value> {
        let html = markup::time(text).map_err(|error| tera::Error::message(error.to_string()))?;
        Ok(Value::safe_string(&html))
    });
    tera.register_filter("prose", |text: &str, _: Kwargs, _: &State| Value::safe_string(&markup::prose(text)));
    tera.register_filter("rule", |text: &str, _: Kwargs, _: &State| Value::safe_string(&markup::rule(text)));
    tera.register_filter("contact", |text: &str, _: Kwargs, _: &State| Value::safe_string(&markup::contact(text)));
}
