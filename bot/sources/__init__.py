"""Sources as their owner has them, taken out of their format into text that can be quoted."""
