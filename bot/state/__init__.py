"""What outlives a request: conversations, feedback, questions for review, limits, metrics."""
