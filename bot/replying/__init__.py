"""What a person reads: fixed texts, quotes, suggestions, and the receipt behind them."""
