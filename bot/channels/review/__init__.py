"""The owner's own pages, on loopback: review the pairs, learn from visitors, see the figures."""
