"""A question understood in the light of the turns before it."""
