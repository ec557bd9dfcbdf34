//! How a cluster is reached: a kubeconfig with one of its contexts, or the service account of the Pod we run in.

use std::path::PathBuf;
use std::time::Duration;

use kube::config::{AuthInfo, Config, KubeConfigOptions, Kubeconfig, KubeconfigError};

/// How a cluster is reached and read.
#[derive(Clone, Debug)]
pub struct KubeSettings {
    /// The target's name in the workspace.
    pub name: String,
    /// The kubeconfig. Without one: `$KUBECONFIG`, then `~/.kube/config`, then the service account of the Pod we run in.
    pub kubeconfig: Option<PathBuf>,
    /// The context; without one the kubeconfig's current context.
    pub context: Option<String>,
    /// Whether a credential plugin that the kubeconfig names may be run. It is an arbitrary program: say no for a
    /// kubeconfig that somebody else wrote.
    pub allow_exec: bool,
    /// Whether kubelets may be asked for their configuration, which takes the right to `get nodes/proxy`.
    pub nodes_proxy: bool,
    /// How many objects a page of a list holds.
    pub page_size: u32,
    /// How long one request may take.
    pub deadline: Duration,
}

impl KubeSettings {
    /// The usual settings for the target `name`.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            kubeconfig: None,
            context: None,
            allow_exec: true,
            nodes_proxy: false,
            page_size: 500,
            deadline: Duration::from_secs(30),
        }
    }
}

/// Why a cluster cannot even be asked. No text holds anything of a kubeconfig but names of contexts and paths.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KubeconfigFault {
    /// The kubeconfig cannot be read or understood.
    #[error("cannot use the kubeconfig {path}: {cause}; check it with `kubectl config view`, or name another with --kubeconfig")]
    Unreadable {
        /// Where it is.
        path: String,
        /// What is wrong.
        cause: String,
    },
    /// The context is not in the kubeconfig.
    #[error("the kubeconfig {path} has no context {context:?}; it has: {known}")]
    NoContext {
        /// Where it is.
        path: String,
        /// What was asked for.
        context: String,
        /// What there is.
        known: String,
    },
    /// There is neither a kubeconfig nor a service account.
    #[error(
        "found no way to a cluster: no kubeconfig was named, neither $KUBECONFIG nor ~/.kube/config can be read, and this is not a Pod ({cause}); name one with --kubeconfig, or read files with --dump"
    )]
    NoWay {
        /// Why the service account cannot be used.
        cause: String,
    },
    /// The kubeconfig wants to run a program, and may not.
    #[error(
        "the kubeconfig {path} runs the credential plugin {command:?}, which is not allowed; allow it, or use a kubeconfig with a token or certificate"
    )]
    ExecRefused {
        /// Where it is.
        path: String,
        /// The program.
        command: String,
    },
}

/// How to reach the cluster, and how we authenticate, in the words of evidence.
pub(super) struct Way {
    pub config: Config,
    pub auth: &'static str,
}

/// Finds the way to the cluster; nothing is contacted.
pub(super) async fn find(settings: &KubeSettings) -> Result<Way, KubeconfigFault> {
    let (kubeconfig, path) = match &settings.kubeconfig {
        Some(path) => {
            let shown = path.display().to_string();
            (Kubeconfig::read_from(path).map_err(|fault| unreadable(&shown, &fault))?, shown)
        }
        None => match Kubeconfig::read() {
            Ok(kubeconfig) => (kubeconfig, "of $KUBECONFIG or ~/.kube/config".to_owned()),
            // Only where there is no file at all the next way is tried: a broken one is not passed over.
            Err(KubeconfigError::FindPath | KubeconfigError::ReadConfig(..))
                if std::env::var_os("KUBECONFIG").is_none_or(|paths| paths.is_empty()) =>
            {
                return in_cluster();
            }
            Err(fault) => return Err(unreadable("of $KUBECONFIG or ~/.kube/config", &fault)),
        },
    };
    let wanted = settings.context.as_ref().or(kubeconfig.current_context.as_ref()).cloned().unwrap_or_default();
    let Some(context) = kubeconfig.contexts.iter().find(|context| context.name == wanted) else {
        let mut known: Vec<&str> = kubeconfig.contexts.iter().map(|context| context.name.as_str()).collect();
        known.sort_unstable();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        return Err(KubeconfigFault::NoContext { path, context: wanted, known });
    };
    // The library would go on without credentials, and what an anonymous account sees is not what was meant.
    let user = context.context.as_ref().and_then(|context| context.user.clone()).filter(|user| !user.is_empty());
    if let Some(user) = user.filter(|user| !kubeconfig.auth_infos.iter().any(|known| known.name == *user)) {
        return Err(KubeconfigFault::Unreadable { path, cause: format!("the context's user {user:?} is not in it") });
    }
    let options = KubeConfigOptions { context: Some(wanted), ..KubeConfigOptions::default() };
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(|fault| unreadable(&path, &fault))?;
    if let Some(command) = program(&config.auth_info).filter(|_| !settings.allow_exec) {
        return Err(KubeconfigFault::ExecRefused { path, command });
    }
    let auth = auth_of(&config.auth_info);
    // Pauses and repetitions are ours: they are counted, bounded and recorded.
    config.default_retry = false;
    Ok(Way { config, auth })
}

fn in_cluster() -> Result<Way, KubeconfigFault> {
    let mut config = Config::incluster().map_err(|cause| KubeconfigFault::NoWay { cause: cause.to_string() })?;
    config.default_retry = false;
    Ok(Way { config, auth: "sa-token" })
}

// The program that a kubeconfig's user runs for credentials.
fn program(user: &AuthInfo) -> Option<String> {
    let plugin = user.exec.as_ref().map(|exec| exec.command.clone().unwrap_or_default());
    let provider = user.auth_provider.as_ref().and_then(|provider| provider.config.get("cmd-path").cloned());
    plugin.or(provider)
}

fn auth_of(user: &AuthInfo) -> &'static str {
    if program(user).is_some() {
        "exec"
    } else if user.auth_provider.is_some() {
        "oidc"
    } else if user.token.is_some() || user.token_file.is_some() {
        "token"
    } else if user.username.is_some() && user.password.is_some() {
        "basic"
    } else if user.client_certificate.is_some() || user.client_certificate_data.is_some() {
        "client-cert"
    } else {
        "none"
    }
}

// The library's own text of a YAML fault quotes the file, which holds credentials.
fn unreadable(path: &str, fault: &KubeconfigError) -> KubeconfigFault {
    let cause = match fault {
        KubeconfigError::Parse(cause) => match cause.location() {
            Some(location) => format!("line {} is not what a kubeconfig holds", location.line()),
            None => "it is not a kubeconfig".to_owned(),
        },
        KubeconfigError::ReadConfig(cause, _) => cause.to_string(),
        KubeconfigError::LoadClusterOfContext(cluster) => format!("the context's cluster {cluster:?} is not in it"),
        KubeconfigError::MissingClusterUrl => "the context's cluster has no server".to_owned(),
        KubeconfigError::ParseClusterUrl(_) => "the server of the context's cluster is not a URL".to_owned(),
        KubeconfigError::LoadCertificateAuthority(_) => "the certificate authority cannot be loaded".to_owned(),
        KubeconfigError::LoadClientCertificate(_) => "the client certificate cannot be loaded".to_owned(),
        KubeconfigError::LoadClientKey(_) => "the client key cannot be loaded".to_owned(),
        KubeconfigError::ParseCertificates(_) => "a certificate in it is not PEM".to_owned(),
        _ => "it is not usable".to_owned(),
    };
    KubeconfigFault::Unreadable { path: path.to_owned(), cause }
}
