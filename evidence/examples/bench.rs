use proofbook_checks::*; use proofbook_checks::inventory::*; use proofbook_checks::resource::*; use proofbook_controls::files::Files; use proofbook_evidence::bundle::*;
fn rss(w:&str,t:std::time::Instant){ let s=std::fs::read_to_string("/proc/self/status").unwrap(); let g=|k:&str|s.lines().find(|l|l.starts_with(k)).unwrap().to_owned(); println!("{w}: {:?} {} {}",t.elapsed(),g("VmRSS"),g("VmHWM")); }
fn main(){
 let n:usize=100_000; let mut files=Files::default();
 for i in 0..5 { let id=format!("c-{i}"); files.insert(format!("checks/library/m/{id}.yaml"), format!("id: {id}\nversion: 1\ntitle: T\nseverity: high\nmethod: examine\nproves: p\ndoes_not_prove: d\nremedy: r\nmanual: m\nsubject: {{resource: configmaps, population: p}}\nlet: {{x: 'subject.metadata.?labels.?a.orValue(\"\")'}}\noutcomes:\n  - {{when: 'x == \"1\"', verdict: pass, message: 'label a of {{{{ subject.metadata.name }}}} is {{{{ x }}}}'}}\n  - {{verdict: fail, message: 'label a of {{{{ subject.metadata.name }}}} is {{{{ x }}}}'}}\nmeasure: {{x: x}}\n")); }
 let catalog=Catalog::load_without_fixtures(&files).unwrap(); let plan=Plan::new(&catalog,&Default::default(),|_|true).unwrap(); let wanted=plan.wanted();
 let mut inv=Inventory::default(); let r=Resource::kubernetes("configmaps"); let p=&wanted[&r];
 let objects=(0..n).map(|i| p.project(&r,&serde_json::json!({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":format!("cm-{i}"),"namespace":format!("ns-{}",i%500),"uid":format!("0000-{i}"),"labels":{"a":format!("{}",i%3)}}}))).collect();
 inv.listings.insert(r,Listing{completeness:Completeness::Complete,objects,resource_version:None});
 let dir=std::path::PathBuf::from(std::env::args().nth(1).unwrap()); let t=std::time::Instant::now(); rss("loaded",t);
 let ev=evaluate::Evaluation::new(&inv,&plan.settings,"2026-06-01T00:00:00Z".parse().unwrap()); for c in plan.checks.values(){ let r=ev.check(c); assert_eq!(r.findings.len(),n);} rss("evaluated alone",t);
 let t=std::time::Instant::now();
 let s=scan_to_bundle(&RunInputs{catalog:&catalog,files:&files,plan:&plan,inventory:&inv,attestations:&Default::default(),workspace:"w",environment:"e",clock:"2026-06-01T00:00:00Z".parse().unwrap(),tool_version:"0",ledger:&dir,full:true},&mut |_|{}).unwrap(); rss("sealed (with evaluation)",t);
 let t=std::time::Instant::now(); let i=proofbook_evidence::verify::integrity(&s.path).unwrap(); rss("integrity",t); assert!(i.is_intact());
 let t=std::time::Instant::now(); let i=proofbook_evidence::verify::verify(&s.path).unwrap(); rss("verify",t); println!("{i}");
}
