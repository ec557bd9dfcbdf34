//! What a server takes besides what it prefers: every suite of a version, and every group of a key exchange.
//!
//! Both are found by elimination: all is offered, what the server chooses is left out of the next offer, until it refuses.
//! So each hello but the last brings one, in the server's order of preference. In TLS 1.3 no hello brings a key, so that the
//! server names its choice in a HelloRetryRequest and computes nothing; post-quantum groups are found without a key of them.
//! A refusal is an alert that says so, or an answer in another version. A server that closes the connection instead is asked once
//! more for what it took first: only where it still takes that, the closing was a refusal. Anything else, such as silence or an
//! alert about the server itself, leaves the list without an end, and it is told so.

use std::borrow::Cow;

use super::hello::Offer;
use super::names::{self, Version};
use super::reply::{Accepted, Answer};

/// Which facts somebody reads; the others are not asked for.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Facts {
    /// All suites of each version, and the smallest finite field.
    pub(super) suites: bool,
    /// All groups of TLS 1.2 and 1.3.
    pub(super) groups: bool,
    /// The protocol that is chosen inside TLS.
    pub(super) alpn: bool,
}

impl Facts {
    /// What is enumerated of a server that accepts these versions.
    pub(super) fn asked(self, accepted: &[Version]) -> Vec<(What, Version)> {
        let suites = accepted.iter().filter(|_| self.suites).map(|version| (What::Suites, *version));
        let groups = accepted.iter().filter(|version| self.groups && **version >= Version::Tls12);
        suites.chain(groups.map(|version| (What::Groups, *version))).collect()
    }
}

/// What is enumerated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum What {
    Suites,
    Groups,
}

impl What {
    /// The name in requests and records.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Suites => "suites",
            Self::Groups => "groups",
        }
    }
}

/// What an enumeration brought.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Enumeration {
    /// What the server takes, in the order in which it chose.
    pub(super) taken: Vec<u16>,
    /// The smallest finite field of a key exchange that was met, in bits.
    pub(super) dh_bits: Option<u64>,
    /// How many hellos were sent.
    pub(super) hellos: u32,
    /// How many bytes came back.
    pub(super) bytes: u64,
    /// The answer that left the list without an end.
    pub(super) broken: Option<Answer>,
}

/// Enumerates by hellos that `ask` sends; the version is one that the server accepts.
pub(super) async fn enumerate<F, A>(what: What, version: Version, ask: F) -> Enumeration
where
    F: Fn(Offer<'static>) -> A,
    A: Future<Output = (Answer, u64)>,
{
    let mut found = Enumeration::default();
    let mut offer = Offer { key: false, ..Offer::whole(version) };
    if what == What::Groups && version != Version::Tls13 {
        offer.suites = offer.suites.iter().copied().filter(|suite| names::suite(*suite).starts_with("TLS_ECDHE_")).collect();
    }
    loop {
        let (answer, bytes) = ask(offer.clone()).await;
        found.hellos += 1;
        found.bytes += bytes;
        match answer {
            Answer::Accepted(accepted) => {
                found.note_field(&accepted);
                let rest = match what {
                    What::Suites => offer.suites.to_mut(),
                    What::Groups => offer.groups.to_mut(),
                };
                // A server that chooses what was not offered would never come to an end.
                let Some(at) = rest.iter().position(|number| is_choice(what, *number, &accepted)) else {
                    found.broken = Some(Answer::NotTls);
                    break;
                };
                found.taken.push(rest.remove(at));
                if rest.is_empty() {
                    break;
                }
            }
            // The server failed or was in need, such as by `internal_error`: what else it takes is not known.
            Answer::Alert(alert) if !REFUSALS.contains(&alert) => {
                found.broken = Some(answer);
                break;
            }
            // That a version is accepted is known, so it must take one of all its suites, and in TLS 1.3 one of all groups.
            Answer::Alert(_) | Answer::OtherVersion(_) if found.taken.is_empty() && (what == What::Suites || version == Version::Tls13) => {
                found.broken = Some(answer);
                break;
            }
            Answer::Alert(_) | Answer::OtherVersion(_) => break,
            Answer::Closed | Answer::Reset => {
                if let Some(first) = found.taken.first().copied() {
                    let again = Cow::Owned(vec![first]);
                    match what {
                        What::Suites => offer.suites = again,
                        What::Groups => offer.groups = again,
                    }
                    let (still, bytes) = ask(offer).await;
                    found.hellos += 1;
                    found.bytes += bytes;
                    found.broken = (!matches!(still, Answer::Accepted(_))).then_some(answer);
                } else {
                    found.broken = Some(answer);
                }
                break;
            }
            other => {
                found.broken = Some(other);
                break;
            }
        }
    }
    found
}

/// Alerts that refuse what was offered (RFC 8446 section 6.2, RFC 5246 section 7.2.2): `handshake_failure`, `illegal_parameter`,
/// `protocol_version`, `insufficient_security`, `missing_extension`.
const REFUSALS: [u8; 5] = [40, 47, 70, 71, 109];

fn is_choice(what: What, number: u16, accepted: &Accepted) -> bool {
    match what {
        What::Suites => accepted.cipher == number,
        What::Groups => accepted.group.as_deref() == Some(names::group(number).as_str()),
    }
}

impl Enumeration {
    fn note_field(&mut self, accepted: &Accepted) {
        let bits = accepted.group.as_deref().and_then(|group| group.strip_prefix("dh")?.parse().ok());
        self.dh_bits = self.dh_bits.into_iter().chain(bits).min();
    }

    /// The names of what was found.
    pub(super) fn names(&self, what: What) -> Vec<String> {
        let name = match what {
            What::Suites => names::suite,
            What::Groups => names::group,
        };
        self.taken.iter().map(|number| name(*number)).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    fn takes(cipher: u16, group: Option<&str>) -> Answer {
        Answer::Accepted(Accepted { cipher, group: group.map(str::to_owned), ..Accepted::default() })
    }

    async fn against(what: What, version: Version, server: impl Fn(&Offer<'_>, usize) -> Answer) -> Enumeration {
        let asked = Mutex::new(0);
        enumerate(what, version, |offer| {
            let mut asked = asked.lock().unwrap();
            *asked += 1;
            std::future::ready((server(&offer, *asked), 7))
        })
        .await
    }

    #[tokio::test]
    async fn each_hello_brings_one_in_the_servers_order() {
        let server = |offer: &Offer<'_>, _: usize| {
            assert!(!offer.key);
            let known = [0xc030, 0x009e, 0x002f].into_iter().find(|suite| offer.suites.contains(suite));
            known.map_or(Answer::Alert(40), |suite| takes(suite, (suite == 0x009e).then_some("dh1024")))
        };
        let found = against(What::Suites, Version::Tls12, server).await;
        assert_eq!(found, Enumeration { taken: vec![0xc030, 0x009e, 0x002f], dh_bits: Some(1024), hellos: 4, bytes: 28, broken: None });
        assert_eq!(found.names(What::Suites)[2], "TLS_RSA_WITH_AES_128_CBC_SHA");

        let server = |offer: &Offer<'_>, _: usize| match offer.groups.iter().find(|group| [0x11ec, 29].contains(*group)) {
            Some(group) => takes(0x1301, Some(&names::group(*group))),
            None => Answer::Alert(40),
        };
        let found = against(What::Groups, Version::Tls13, server).await;
        assert_eq!((found.names(What::Groups), found.broken), (vec!["X25519MLKEM768".to_owned(), "x25519".to_owned()], None));
    }

    #[tokio::test]
    async fn a_list_without_an_end_is_told() {
        let one_then = |then: Answer, still: bool| {
            move |offer: &Offer<'_>, _: usize| match offer.suites.contains(&0xc030) && (still || offer.suites.len() > 1) {
                true => takes(0xc030, None),
                false => then.clone(),
            }
        };
        // Closing instead of refusing is a refusal only where what was taken first is still taken.
        let found = against(What::Suites, Version::Tls12, one_then(Answer::Closed, true)).await;
        assert_eq!((found.taken.as_slice(), found.hellos, found.broken), (&[0xc030][..], 3, None));
        let found = against(What::Suites, Version::Tls12, one_then(Answer::Reset, false)).await;
        assert_eq!((found.hellos, found.broken), (3, Some(Answer::Reset)));
        let found = against(What::Suites, Version::Tls12, one_then(Answer::Unreachable("gone".to_owned()), true)).await;
        assert_eq!(found.broken, Some(Answer::Unreachable("gone".to_owned())));
        // A server that fails refuses nothing, whether or not it took something before.
        let found = against(What::Suites, Version::Tls12, one_then(Answer::Alert(80), true)).await;
        assert_eq!((found.taken.as_slice(), found.hellos, found.broken), (&[0xc030][..], 2, Some(Answer::Alert(80))));
        let found = against(What::Groups, Version::Tls12, |_, _| Answer::Alert(80)).await;
        assert_eq!((found.taken.len(), found.broken), (0, Some(Answer::Alert(80))));
        let found = against(What::Suites, Version::Tls12, one_then(Answer::Alert(71), true)).await;
        assert_eq!((found.taken.len(), found.broken), (1, None));
        // Nothing at all where something was accepted before.
        let found = against(What::Suites, Version::Tls12, |_, _| Answer::Alert(40)).await;
        assert_eq!(found.broken, Some(Answer::Alert(40)));
        let found = against(What::Groups, Version::Tls13, |_, _| Answer::Alert(109)).await;
        assert_eq!(found.broken, Some(Answer::Alert(109)));
        // A server of TLS 1.2 may do without elliptic curves.
        let found = against(What::Groups, Version::Tls12, |_, _| Answer::Alert(40)).await;
        assert_eq!((found.taken.len(), found.broken), (0, None));
        // A server that always says the same would never end.
        let found = against(What::Suites, Version::Tls12, |_, _| takes(0xc030, None)).await;
        assert_eq!((found.hellos, found.broken), (2, Some(Answer::NotTls)));
    }

    #[test]
    fn only_what_is_read_is_asked() {
        let accepted = [Version::Tls10, Version::Tls12, Version::Tls13];
        assert_eq!(Facts::default().asked(&accepted), []);
        let groups = Facts { groups: true, ..Facts::default() };
        assert_eq!(groups.asked(&accepted), [(What::Groups, Version::Tls12), (What::Groups, Version::Tls13)]);
        assert_eq!(Facts { suites: true, ..groups }.asked(&accepted).len(), 5);
    }
}
