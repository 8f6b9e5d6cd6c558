"""Reference data: read from YAML files, checked, carried by the topic `reference`, looked up by workers."""
