"""How records flow: topics, the partition step, its stages, the driver, the Faust agents, settings and the command line."""
