"""What happens before retrieval: safety, small talk, other languages, noise."""
