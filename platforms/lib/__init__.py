"""What the generators of the example platforms share."""
