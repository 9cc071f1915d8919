"""What a bot knows, as files that people edit: read, written, placed and checked."""
