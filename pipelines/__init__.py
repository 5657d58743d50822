"""How records flow: topics, the partition step and its stages, driver, Faust agents, settings, command line."""
