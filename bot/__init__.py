"""Quoth: the FAQ bot that only quotes.

The data flows in one direction; the README links the modules in that order.
"""
