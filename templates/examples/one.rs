use std::time::Instant;
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let data: serde_json::Value = serde_json::from_slice(&std::fs::read(&args[1]).unwrap()).unwrap();
    let mut templates = proofbook_documents::Templates::embedded();
    // files from disk win
    fn walk(dir: &std::path::Path, t: &mut proofbook_documents::Templates) {
        for e in std::fs::read_dir(dir).unwrap() { let p = e.unwrap().path();
            if p.is_dir() { walk(&p, t) } else { let s = p.to_str().unwrap(); let i = s.find("templates/documents").unwrap(); t.insert(&s[i..], std::fs::read_to_string(&p).unwrap()); } }
    }
    walk(std::path::Path::new("templates/documents"), &mut templates);
    for d in templates.documents().unwrap() {
        if args.len() > 3 && d.id() != args[3] { continue; }
        let n = if args.len() > 4 { args[4].parse().unwrap() } else { 1 };
        for _ in 0..n {
        let t = Instant::now();
        match d.render(&data, &[proofbook_documents::Attachment::json("publication.json", "What the document was printed from", &data).unwrap()]) {
            Ok(r) => { println!("{} {} pages {} bytes {:?} notes {:?}", d.id(), r.pages, r.pdf.len(), t.elapsed(), r.notes); std::fs::write(format!("{}/{}", args[2], d.file_name()), r.pdf).unwrap(); }
            Err(e) => println!("{e}"),
        } }
    }
}
