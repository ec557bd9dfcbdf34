//! The live Kubernetes source.
