"""Answers read from a passage: what is asked for, and how likely each sentence answers it."""
