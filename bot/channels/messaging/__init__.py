"""Adapters of the messaging platforms: pure, one file a channel, listed in `registry`."""
