//! From the parser's events to statements: sentences of paragraphs and list items, cells of tables, headings, blocks of code,
//! each with what stands above and beside it.

use std::ops::Range;
use std::sync::Arc;

use pulldown_cmark::{BlockQuoteKind, CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::html_table;
use super::mask::Masked;
use super::sentences::{BREAK, sentences};
use super::source::Lines;
use super::{Context, Form, Statement};

/// The statements of a document in the order of its text.
pub(crate) fn statements(source: &str, lines: &Lines, masked: &Masked, mdx: bool) -> Vec<Statement> {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_GFM
        | Options::ENABLE_HEADING_ATTRIBUTES;
    let mut walker = Walker::new(source, lines, masked, mdx);
    for (event, range) in Parser::new_ext(&masked.text, options).into_offset_iter() {
        walker.event(event, range);
    }
    walker.finish()
}

// Words that were put together from several events, and where each piece stands.
#[derive(Debug, Default)]
struct Run {
    text: String,
    pieces: Vec<(usize, usize)>,
    bold: Vec<Range<usize>>,
    bold_from: Option<usize>,
    struck: usize,
    image: usize,
    link_from: Option<usize>,
    links: Vec<Range<usize>>,
}

impl Run {
    fn push(&mut self, text: &str, at: usize) {
        if self.struck == 0 && self.image == 0 {
            self.pieces.push((self.text.len(), at));
            self.text.push_str(text);
        }
    }

    // Where a byte of the text stands in the source.
    fn source(&self, offset: usize) -> usize {
        let piece = self.pieces.partition_point(|(start, _)| *start <= offset).saturating_sub(1);
        self.pieces.get(piece).map_or(0, |(start, at)| at + (offset - start))
    }

    fn is_empty(&self) -> bool {
        self.text.chars().all(|c| c.is_whitespace() || c == BREAK)
    }
}

#[derive(Debug)]
struct List {
    lead_in: Option<Arc<str>>,
    numbered: bool,
    // The words of the item so far: they lead to a list within it.
    item: Option<Arc<str>>,
}

#[derive(Debug, Default)]
struct Table {
    columns: Arc<[Arc<str>]>,
    heads: Vec<Arc<str>>,
    in_head: bool,
    row: Vec<Arc<str>>,
}

struct Walker<'d> {
    source: &'d str,
    lines: &'d Lines,
    masked: &'d Masked,
    mdx: bool,
    out: Vec<(usize, Statement)>,
    run: Run,
    headings: Vec<(u8, Arc<str>, Option<usize>)>,
    heading: Option<u8>,
    lists: Vec<List>,
    table: Option<Table>,
    code: Option<(usize, bool)>,
    quotes: Vec<Option<BlockQuoteKind>>,
    lead_in: Option<Arc<str>>,
    question: Option<Arc<str>>,
    first_answer: bool,
    // How much of the titles, tables and words of tags was already taken up.
    titles: usize,
    tables: usize,
    words: usize,
}

impl<'d> Walker<'d> {
    fn new(source: &'d str, lines: &'d Lines, masked: &'d Masked, mdx: bool) -> Self {
        Self {
            source,
            lines,
            masked,
            mdx,
            out: Vec::new(),
            run: Run::default(),
            headings: Vec::new(),
            heading: None,
            lists: Vec::new(),
            table: None,
            code: None,
            quotes: Vec::new(),
            lead_in: None,
            question: None,
            first_answer: false,
            titles: 0,
            tables: 0,
            words: 0,
        }
    }

    fn event(&mut self, event: Event<'_>, range: Range<usize>) {
        match event {
            Event::Start(tag) => self.start(tag, range),
            Event::End(tag) => self.end(tag, range),
            Event::Text(text) => match self.code {
                Some((_, true)) => {
                    // Indented blocks run on over empty lines; what stands between was in tags.
                    let behind = self.run.pieces.last().map(|(start, at)| at + self.run.text.len() - start);
                    if behind.is_some_and(|behind| {
                        self.source
                            .get(behind..range.start)
                            .is_some_and(|between| between.matches('\n').count() > 1 || between.contains('<'))
                    }) {
                        self.flush(range.start);
                    }
                    if self.run.text.is_empty() {
                        self.take_up(range.start);
                    }
                    self.run.push(&text, range.start);
                }
                Some((_, false)) => {
                    if self.run.text.len() < 400 {
                        self.run.push(&text, range.start);
                    }
                }
                None => self.run.push(&text, range.start),
            },
            Event::Code(text) => {
                let marks = self.source[range.clone()].bytes().take_while(|byte| *byte == b'`').count();
                self.run.push(&text, range.start + marks);
            }
            Event::SoftBreak => self.run.push(" ", range.start),
            Event::HardBreak => self.run.push(" ", range.start),
            Event::Rule => {
                self.flush(range.start);
                self.lead_in = None;
            }
            // Tags are masked; what is left of HTML are words such as `a <b` at the beginning of a line.
            Event::Html(text) | Event::InlineHtml(text) => self.run.push(&text, range.start),
            Event::InlineMath(text) | Event::DisplayMath(text) => self.run.push(&text, range.start),
            Event::FootnoteReference(_) | Event::TaskListMarker(_) => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>, range: Range<usize>) {
        match tag {
            Tag::Heading { level, .. } => {
                self.flush(range.start);
                self.take_up(range.start);
                self.heading = Some(level_of(level));
            }
            Tag::Paragraph | Tag::HtmlBlock | Tag::FootnoteDefinition(_) | Tag::MetadataBlock(_) => {
                self.flush(range.start);
                self.take_up(range.start);
            }
            Tag::BlockQuote(kind) => {
                self.flush(range.start);
                self.quotes.push(kind);
            }
            Tag::CodeBlock(kind) => {
                self.flush(range.start);
                self.take_up(range.start);
                let indented = matches!(kind, CodeBlockKind::Indented);
                let within = self.masked.within.iter().any(|within| within.contains(&range.start));
                self.code = Some((range.start, indented && (self.mdx || within)));
            }
            Tag::List(first) => {
                let item = self.run_text();
                self.flush(range.start);
                if let (Some(list), Some(item)) = (self.lists.last_mut(), item) {
                    list.item = Some(item);
                }
                let outer = self
                    .lists
                    .last()
                    .map(|list| [list.lead_in.as_deref(), list.item.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(" "));
                let lead_in = match (self.lead_in.take(), outer.filter(|outer| !outer.is_empty())) {
                    (None, Some(outer)) => Some(outer.into()),
                    (own, _) => own,
                };
                self.lists.push(List { lead_in, numbered: first.is_some(), item: None });
            }
            Tag::Item => {
                self.flush(range.start);
                self.take_up(range.start);
                if let Some(list) = self.lists.last_mut() {
                    list.item = None;
                }
            }
            Tag::Table(_) => {
                self.flush(range.start);
                self.take_up(range.start);
                self.table = Some(Table::default());
            }
            Tag::TableHead => {
                if let Some(table) = &mut self.table {
                    table.in_head = true;
                }
            }
            Tag::TableRow => {
                if let Some(table) = &mut self.table {
                    table.row.clear();
                }
            }
            Tag::TableCell => self.run = Run::default(),
            Tag::Strong => self.run.bold_from = Some(self.run.text.len()),
            Tag::Link { .. } => self.run.link_from = Some(self.run.text.len()),
            Tag::Strikethrough => self.run.struck += 1,
            Tag::Image { .. } => self.run.image += 1,
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd, range: Range<usize>) {
        match tag {
            TagEnd::Heading(_) | TagEnd::Paragraph | TagEnd::Item | TagEnd::HtmlBlock | TagEnd::FootnoteDefinition => self.flush(range.end),
            TagEnd::BlockQuote(_) => {
                self.flush(range.end);
                self.quotes.pop();
            }
            TagEnd::List(_) => {
                self.flush(range.end);
                self.lists.pop();
                self.lead_in = None;
            }
            TagEnd::CodeBlock => self.end_code(range),
            TagEnd::Table => {
                self.table = None;
                self.lead_in = None;
                self.first_answer = false;
            }
            TagEnd::TableHead => {
                if let Some(table) = &mut self.table {
                    table.in_head = false;
                    table.columns = table.heads.as_slice().into();
                }
            }
            TagEnd::TableCell => self.end_cell(),
            TagEnd::Strong => {
                if let Some(from) = self.run.bold_from.take() {
                    let to = self.run.text.len();
                    self.run.bold.push(from..to);
                }
            }
            TagEnd::Link => {
                if let Some(from) = self.run.link_from.take() {
                    let to = self.run.text.len();
                    self.run.links.push(from..to);
                }
            }
            TagEnd::Strikethrough => self.run.struck = self.run.struck.saturating_sub(1),
            TagEnd::Image => self.run.image = self.run.image.saturating_sub(1),
            _ => {}
        }
    }

    fn finish(mut self) -> Vec<Statement> {
        let end = self.source.len();
        self.flush(end);
        self.take_up(end + 1);
        self.out.sort_by_key(|(at, _)| *at);
        self.out.into_iter().map(|(_, statement)| statement).collect()
    }

    // Titles, tables and words of tags that stand before an offset.
    fn take_up(&mut self, offset: usize) {
        let masked = self.masked;
        loop {
            let title = masked.titles.get(self.titles).map(|title| title.at).filter(|at| *at < offset);
            let table = masked.tables.get(self.tables).map(|table| table.start).filter(|at| *at < offset);
            let words = masked.words.get(self.words).map(|(range, _)| range.start).filter(|at| *at < offset);
            let Some(first) = [title, table, words].into_iter().flatten().min() else { break };
            self.leave_titles(first);
            if title == Some(first) {
                let title = &masked.titles[self.titles];
                self.titles += 1;
                self.enter_heading(title.level, title.text.as_str().into(), title.until);
                let context = self.context(None);
                self.push(&title.text, title.range.clone(), Form::Heading, context, 0);
            } else if table == Some(first) {
                let range = masked.tables[self.tables].clone();
                self.tables += 1;
                self.html_table(range);
            } else {
                let (range, text) = &masked.words[self.words];
                self.words += 1;
                let context = self.context(None);
                for (position, sentence) in sentences(text).into_iter().enumerate() {
                    let place = range.start + sentence.start..range.start + sentence.end;
                    self.push(&text[sentence], place, Form::Sentence, context.clone(), position);
                }
                self.first_answer = false;
            }
        }
        self.leave_titles(offset);
    }

    fn leave_titles(&mut self, offset: usize) {
        let before = self.headings.len();
        self.headings.retain(|(_, _, until)| until.is_none_or(|until| until >= offset));
        if self.headings.len() < before {
            self.question = None;
        }
    }

    fn enter_heading(&mut self, level: u8, text: Arc<str>, until: Option<usize>) {
        self.headings.retain(|(outer, _, _)| *outer < level);
        let is_question = is_question(&text);
        self.question = is_question.then(|| text.clone());
        self.first_answer = is_question;
        self.lead_in = None;
        self.headings.push((level, text, until));
    }

    fn run_text(&self) -> Option<Arc<str>> {
        (!self.run.is_empty()).then(|| fold(&self.run.text).into())
    }

    fn context(&self, label: Option<Arc<str>>) -> Arc<Context> {
        let list = self.lists.last();
        Arc::new(Context {
            headings: self.headings.iter().map(|(_, text, _)| text.clone()).collect(),
            lead_in: list.and_then(|list| list.lead_in.clone()),
            question: self.question.clone(),
            first_answer: self.first_answer,
            label,
            row: None,
            column: None,
            columns: Arc::default(),
            quoted: self.quotes.contains(&None),
            numbered: list.is_some_and(|list| list.numbered),
        })
    }

    // Ends a run of words that is no cell.
    fn flush(&mut self, _offset: usize) {
        if self.table.is_some() {
            return;
        }
        let run = std::mem::take(&mut self.run);
        let heading = self.heading.take();
        if run.is_empty() {
            return;
        }
        if let Some(level) = heading {
            let text: Arc<str> = fold(&run.text).into();
            self.enter_heading(level, text.clone(), None);
            let context = self.context(None);
            let range = run.source(first_word(&run.text))..run.source(run.text.trim_end().len().saturating_sub(1)) + 1;
            self.push(&text, range, Form::Heading, context, 0);
            return;
        }
        let cut = sentences(&run.text);
        let in_list = !self.lists.is_empty();
        let last = cut.last().map(|range| fold(&run.text[range.clone()])).unwrap_or_default();
        // A paragraph that is a question alone is answered by what follows.
        let whole = fold(&run.text);
        if cut.len() == 1 && is_question(&whole) {
            let context = self.context(None);
            self.question = Some(whole.as_str().into());
            self.first_answer = true;
            self.emit(&run, &cut[0], if in_list { Form::Item } else { Form::Sentence }, &context, 0);
            return;
        }
        // A short line in bold alone is a heading.
        let bold_alone = run.bold.len() == 1 && run.bold[0].start <= first_word(&run.text) && run.bold[0].end >= run.text.trim_end().len();
        if !in_list && bold_alone && cut.len() == 1 && whole.split(' ').count() <= 8 && !whole.ends_with(['.', '!', ':']) {
            self.enter_heading(8, whole.as_str().into(), None);
            let context = self.context(None);
            self.emit(&run, &cut[0], Form::Heading, &context, 0);
            return;
        }
        // Links alone lead elsewhere and say nothing here.
        let linked: usize = run.links.iter().map(|link| run.text[link.clone()].chars().filter(|c| c.is_alphanumeric()).count()).sum();
        if linked > 0 && run.text.chars().filter(|c| c.is_alphanumeric()).count() <= linked + 4 {
            let context = self.context(None);
            for (position, range) in cut.iter().enumerate() {
                self.emit(&run, range, Form::Heading, &context, position);
            }
            return;
        }
        // "Q: ...? A: ..." and a question in bold, both in one paragraph.
        let mut skip = 0;
        if cut.len() > 1 && is_question(&run.text[cut[0].clone()]) {
            let first = cut[0].clone();
            let bold = run.bold.first().is_some_and(|bold| bold.start <= first.start && bold.end + 1 >= first.end);
            let marked = ["Q:", "Q.", "Question:", "Frage:"].iter().any(|mark| run.text[first.clone()].starts_with(mark));
            if bold || marked || in_list || cut.len() > 1 {
                let context = self.context(None);
                self.emit(&run, &first, if in_list { Form::Item } else { Form::Sentence }, &context, 0);
                self.question = Some(fold(&run.text[first]).as_str().into());
                self.first_answer = true;
                skip = 1;
            }
        }
        // A first sentence all in bold is the label of what follows in the block.
        let label = run.bold.first().filter(|bold| cut.len() > skip + 1 && bold.start <= cut[skip].start && bold.end + 1 >= cut[skip].end);
        let label: Option<Arc<str>> = label.map(|bold| fold(&run.text[bold.clone()]).into());
        let labelled = label.is_some();
        let mut context = self.context(label.clone());
        for (position, range) in cut.iter().skip(skip).enumerate() {
            // Titles of tags may stand between the sentences of one block.
            let offset = run.source(range.start) + 1;
            if self.masked.titles.get(self.titles).is_some_and(|title| title.at < offset)
                || self.headings.iter().any(|(_, _, until)| until.is_some_and(|until| until < offset))
            {
                self.take_up(offset);
                context = self.context(label.clone());
            }
            let form = match (labelled && position == 0, in_list) {
                (true, _) => Form::Heading,
                (_, true) => Form::Item,
                (_, false) => Form::Sentence,
            };
            self.emit(&run, range, form, &context, position);
        }
        if let Some(list) = self.lists.last_mut() {
            list.item = Some(whole.as_str().into());
        }
        // A line that is not ended leads to what follows.
        let leads = last.ends_with(':') || !in_list && !last.ends_with(['.', '!', '?', '…', ';']);
        self.lead_in = leads.then(|| last.as_str().into());
        if self.lead_in.is_none() {
            self.first_answer = false;
        }
    }

    fn emit(&mut self, run: &Run, range: &Range<usize>, form: Form, context: &Arc<Context>, position: usize) {
        let last = run.text[range.clone()].char_indices().next_back().map_or(range.start, |(at, _)| range.start + at);
        let last_length = run.text[last..range.end].len();
        let place = run.source(range.start)..run.source(last) + last_length;
        let text = fold(&run.text[range.clone()]);
        self.push(&text, place, form, context.clone(), position);
    }

    fn push(&mut self, text: &str, range: Range<usize>, form: Form, context: Arc<Context>, position: usize) {
        let place = self.lines.place(self.source, range.clone());
        self.out.push((range.start, Statement { text: text.to_owned(), form, place, context, position, anchor: None }));
    }

    fn end_code(&mut self, range: Range<usize>) {
        let Some((start, prose)) = self.code.take() else { return };
        if prose {
            self.flush(range.end);
            return;
        }
        let run = std::mem::take(&mut self.run);
        let text = run.text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
        if !text.is_empty() {
            let short: String = text.chars().take(200).collect();
            let context = self.context(None);
            self.push(&short, start..range.end.max(start), Form::Code, context, 0);
        }
    }

    fn end_cell(&mut self) {
        let run = std::mem::take(&mut self.run);
        let Some(mut table) = self.table.take() else { return };
        let text: Arc<str> = fold(&run.text).into();
        if table.in_head {
            table.heads.push(text);
            self.table = Some(table);
            return;
        }
        let at = table.row.len();
        if !run.is_empty() {
            let context = self.cell_context(&table.columns, &table.row, at);
            for (position, range) in sentences(&run.text).into_iter().enumerate() {
                self.emit(&run, &range, Form::Cell, &context, position);
            }
        }
        table.row.push(text);
        self.table = Some(table);
    }

    fn cell_context(&self, columns: &Arc<[Arc<str>]>, row: &[Arc<str>], at: usize) -> Arc<Context> {
        let mut context = (*self.context(None)).clone();
        let before: Vec<&str> = row.iter().map(AsRef::as_ref).filter(|text: &&str| !text.is_empty()).collect();
        context.row = (!before.is_empty()).then(|| before.join(" | ").into());
        context.column = columns.get(at).filter(|head| !head.is_empty()).cloned();
        context.columns = columns.clone();
        if context.lead_in.is_none() {
            context.lead_in = self.lead_in.clone();
        }
        if let Some(question) = row.iter().find(|text| is_question(text)) {
            context.question = Some(question.clone());
            context.first_answer = true;
        }
        Arc::new(context)
    }

    fn html_table(&mut self, range: Range<usize>) {
        let rows = html_table::rows(self.source, range);
        let has_head = rows.first().is_some_and(|row| row.iter().all(|cell| cell.heading));
        let columns: Arc<[Arc<str>]> = match rows.first().filter(|_| has_head) {
            Some(head) => head.iter().map(|cell| cell.text.as_str().into()).collect::<Vec<_>>().into(),
            None => Arc::default(),
        };
        for row in rows.iter().skip(usize::from(has_head)) {
            let mut before: Vec<Arc<str>> = Vec::new();
            for (at, cell) in row.iter().enumerate() {
                let context = self.cell_context(&columns, &before, at);
                for (position, sentence) in sentences(&cell.text).into_iter().enumerate() {
                    // The words may be cut by tags: the place is that of the cell.
                    self.push(&cell.text[sentence], cell.range.clone(), Form::Cell, context.clone(), position);
                }
                before.push(cell.text.as_str().into());
            }
        }
        self.lead_in = None;
        self.first_answer = false;
    }
}

/// Whether words are a question.
fn is_question(text: &str) -> bool {
    let text = text.trim_end_matches(['*', '_', '"', '”', '»', ' ', ')']);
    text.ends_with(['?', '？'])
}

fn fold(text: &str) -> String {
    text.split(|c: char| c.is_whitespace() || c == BREAK).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

fn first_word(text: &str) -> usize {
    text.find(|c: char| !c.is_whitespace() && c != BREAK).unwrap_or(0)
}

const fn level_of(level: HeadingLevel) -> u8 {
    match level {
        HeadingLevel::H1 => 1,
        HeadingLevel::H2 => 2,
        HeadingLevel::H3 => 3,
        HeadingLevel::H4 => 4,
        HeadingLevel::H5 => 5,
        HeadingLevel::H6 => 6,
    }
}
