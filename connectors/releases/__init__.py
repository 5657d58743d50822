"""Model releases from outside: where their files are kept, and whose signatures are trusted."""
