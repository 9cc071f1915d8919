"""Lists of questions and answers that an owner has already: read from and written to files."""
