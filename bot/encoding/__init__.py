"""Texts to vectors: any sentence-transformers model, exported once, cached, batched."""
