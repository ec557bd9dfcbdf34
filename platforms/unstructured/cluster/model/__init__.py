"""Unstructured as data: each module adds one part of it."""
