//! Files in place of a live source: what `kubectl get -o json|yaml` printed, or what a recorded scan wrote.
