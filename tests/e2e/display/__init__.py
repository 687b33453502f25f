"""The numeric display suite: what is shown, in which encodings, and the table of what came out."""
