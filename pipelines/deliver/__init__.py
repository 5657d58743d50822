"""The role that delivers: warnings off their topic, through `models.delivery`, to sinks."""
