"""From a question to a decision: subjects, index, candidates, probability, verdict."""
