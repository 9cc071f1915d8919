"""A source read unchanged: its blocks, sentences, passages, abbreviations and disclaimer."""
