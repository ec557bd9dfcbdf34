"""The faults of a drifted platform: one function each, with its story, in the order in which they are written down."""

from .observed import find


class Faults(list):
    """A list of faults that takes up what it decorates."""

    def fault(self, function):
        self.append(function)
        return function


def record_of(kind, name, change):
    """A change of one record, made once the records are there."""
    return lambda records: change(find(records, kind, name))
