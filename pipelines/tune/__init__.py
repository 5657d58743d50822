"""The role that tunes processes: parts and results in, suggestions of settings and their effects out."""
