//! Lets objects share what they have in common.
//!
//! The Pods of one workload differ in little more than name and uid, and those of one platform share most of their
//! security contexts, resources and probes. Keeping each of these once takes a third off what a large cluster needs. The
//! values themselves stay what they are, and so does the mask that says what may be read of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use proofbook_checks::value::Value;

/// How many parts are remembered; beyond, the memory begins anew, so that it stays small itself.
const REMEMBERED: usize = 50_000;

/// The parts of objects met so far, by fingerprint.
#[derive(Debug, Default)]
pub(crate) struct Sharing {
    known: BTreeMap<u64, Value>,
}

impl Sharing {
    /// Lets an object share its parts with the objects before. The object itself and its metadata are like no other.
    pub(crate) fn share(&mut self, object: &mut Value) {
        edit(object, |key, value| {
            if key == "metadata" {
                edit(value, |_, value| {
                    self.part(value);
                });
            } else {
                self.part(value);
            }
        });
    }

    // Puts the known equal in the place of a part. The fingerprint of a part is that of its own parts, which are shared
    // already, so that it takes one step a member and no descent.
    fn part(&mut self, value: &mut Value) -> u64 {
        let mut fingerprint;
        match value {
            Value::Map(map) => {
                fingerprint = map.mask().map_or(1, |mask| address(Arc::as_ptr(mask)));
                let mine = map.edit(|key, value| fingerprint = mix(mix(fingerprint, address(key.as_ptr())), self.part(value)));
                if !mine {
                    return map.address() as u64;
                }
            }
            Value::List(list) => {
                let Some(items) = Arc::get_mut(list) else { return address(Arc::as_ptr(list)) };
                fingerprint = items.iter_mut().fold(2, |before, value| mix(before, self.part(value)));
            }
            scalar => return of_scalar(scalar),
        }
        match self.known.get(&fingerprint) {
            Some(known) if is_same(known, value) => value.clone_from(known),
            _ => {
                if self.known.len() >= REMEMBERED {
                    self.known.clear();
                }
                self.known.insert(fingerprint, value.clone());
            }
        }
        match value {
            Value::Map(map) => map.address() as u64,
            Value::List(list) => address(Arc::as_ptr(list)),
            _ => fingerprint,
        }
    }
}

fn edit(value: &mut Value, each: impl FnMut(&'static str, &mut Value)) {
    if let Value::Map(map) = value {
        map.edit(each);
    }
}

fn address<T: ?Sized>(of: *const T) -> u64 {
    of.addr() as u64
}

fn mix(before: u64, next: u64) -> u64 {
    (before ^ next).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(23)
}

fn of_scalar(value: &Value) -> u64 {
    match value {
        Value::Bool(flag) => 3 + u64::from(*flag.inner()),
        Value::Int(number) => mix(5, number.inner().cast_unsigned()),
        Value::Double(number) => mix(6, number.inner().to_bits()),
        // Interned: equal text has one address.
        Value::Str(text) => address(text.inner().as_ptr()),
        Value::Opaque => 7,
        _ => 8,
    }
}

// Whether two values of which the parts are shared already are the same, and may be read alike.
fn is_same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Map(a), Value::Map(b)) => {
            let mask = match (a.mask(), b.mask()) {
                (Some(a), Some(b)) => Arc::ptr_eq(a, b),
                (None, None) => true,
                _ => false,
            };
            let pairs = || a.entries().iter().zip(b.entries());
            mask && a.entries().len() == b.entries().len() && pairs().all(|((key, a), (other, b))| key == other && is_one(a, b))
        }
        (Value::List(a), Value::List(b)) => a.len() == b.len() && a.iter().zip(&**b).all(|(a, b)| is_one(a, b)),
        _ => false,
    }
}

fn is_one(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Map(a), Value::Map(b)) => a.is_same(b),
        (Value::List(a), Value::List(b)) => Arc::ptr_eq(a, b),
        (Value::Map(_) | Value::List(_), _) | (_, Value::Map(_) | Value::List(_)) => false,
        (a, b) => a == b,
    }
}

#[cfg(test)]
mod tests {
    use proofbook_checks::mask::{Mask, Step};
    use proofbook_checks::project::Projection;
    use proofbook_checks::resource::Resource;
    use serde_json::json;

    use super::*;

    fn pod(projection: &Projection, name: &str, image: &str) -> Value {
        let spec = json!({"replicas": 2, "ratio": 0.5, "on": true, "no": null, "containers": [{"image": image}, {"image": "two"}]});
        projection.project(&Resource::kubernetes("pods"), &json!({"metadata": {"name": name, "labels": {"a": "b"}}, "spec": spec}))
    }

    fn is_shared(a: &Value, b: &Value, path: &[&str]) -> bool {
        is_one(a.at(path).unwrap(), b.at(path).unwrap())
    }

    #[test]
    fn what_is_equal_is_shared_and_nothing_changes() {
        let whole = Projection { mask: Arc::new(Mask::all()), controlled: None };
        let mut sharing = Sharing::default();
        let mut first = pod(&whole, "a", "one");
        sharing.share(&mut first);
        for (name, image) in [("b", "one"), ("c", "three"), ("a", "one"), ("d", "one")] {
            let mut object = pod(&whole, name, image);
            sharing.share(&mut object);
            assert_eq!(object, pod(&whole, name, image));
            assert!(is_shared(&object, &first, &["metadata", "labels"]));
            assert_eq!(is_shared(&object, &first, &["spec"]), image == "one");
        }
    }

    #[test]
    fn what_may_be_read_stays_as_it_is() {
        let mut mask = Mask::default();
        mask.add(&[Step::key("spec"), Step::key("containers"), Step::Each, Step::key("image")], true);
        let some = Projection { mask: Arc::new(mask), controlled: None };
        let whole = Projection { mask: Arc::new(Mask::all()), controlled: None };
        let mut sharing = Sharing::default();
        sharing.share(&mut pod(&whole, "a", "one"));
        let mut object = pod(&some, "a", "one");
        sharing.share(&mut object);
        let Some(Value::Map(spec)) = object.get("spec") else { panic!("{object:?}") };
        assert!(spec.mask().is_some());
    }

    #[test]
    fn the_memory_stays_small() {
        let whole = Projection { mask: Arc::new(Mask::all()), controlled: None };
        let mut sharing = Sharing::default();
        for number in 0..REMEMBERED {
            sharing.share(&mut pod(&whole, "a", &number.to_string()));
        }
        assert!(sharing.known.len() <= REMEMBERED);
    }
}
