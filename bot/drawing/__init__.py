"""Pairs drawn from documents and FAQs, and the questions that stay unanswered."""
