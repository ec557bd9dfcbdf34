"""The cluster of EIDP as data: each module adds one part of it."""
